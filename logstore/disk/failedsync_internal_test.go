package disk

import (
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/internal/clock"
	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/protocol"
)

// Between a failed sync and the moment when its log is told, nobody else syncs the
// file again: that would succeed, and mean nothing.
func TestAFailedSyncIsNotTriedAgain(t *testing.T) {
	m := vfs.NewMem()
	_ = m.MkdirAll("/data", vfs.DirPerm)
	var failed atomic.Bool
	f := &vfs.Faulty{FS: m, Before: func(op vfs.Op) error {
		if op.Kind == vfs.OpSync && strings.HasSuffix(op.Name, ".log") && failed.CompareAndSwap(false, true) {
			return syscall.EIO
		}
		return nil
	}}
	s, err := Open(Options{FS: f, Dir: "/data", Clock: clock.NewManual(time.Unix(1e9, 0)), Durability: Sync, CleanShutdown: true, Fatal: func(error) {}})
	if err != nil {
		t.Fatal(err)
	}
	lg, err := s.Open(logstore.ID{Topic: "a", TopicID: protocol.UUID{1}}, logstore.Config{SegmentBytes: 1 << 20, SegmentMillis: 1 << 40, IndexIntervalBytes: 4096, IndexBytesMax: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	bb := protocol.NewBatchBuilder(protocol.DefaultBatchOptions())
	bb.Add(1, nil, []byte(strings.Repeat("x", 300_000)))
	s.mu.Lock() // whoever tells the logs of a failure has not come to it yet
	done := make(chan error, 1)
	p := &logstore.Pending{OnCommitted: func(p *logstore.Pending) { done <- p.Err }}
	lg.Append(logstore.AppendInput{Batch: bb.Build(0, protocol.None)}, p)
	for s.broken() == nil {
		runtime.Gosched()
	}
	err = lg.Flush()
	select {
	case e := <-done:
		if e == nil {
			t.Errorf("acknowledged after a failed sync (flush said %v)", err)
		}
	default:
	}
	s.mu.Unlock()
	s.Abandon()
}
