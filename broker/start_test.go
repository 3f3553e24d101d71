package broker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/internal/vfs"
)

func mustStart(t *testing.T, opts ...Option) *Broker {
	t.Helper()
	b, err := Start(t.Context(), opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Stop(); err != nil {
			t.Errorf("stopping: %v", err)
		}
	})
	return b
}

// openFiles counts the descriptors of this process, sockets included; -1 where the
// system does not tell.
func openFiles() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return -1
	}
	return len(entries)
}

// 200 brokers, some of them at the same time, each of which serves a produce and a
// fetch: no goroutine (TestMain), port, descriptor or directory of them is left.
func TestTwoHundredBrokersLeaveNothingBehind(t *testing.T) {
	const rounds, atOnce = 25, 8
	t.Setenv("TMPDIR", t.TempDir())
	before, began := openFiles(), time.Now()
	for round := range rounds {
		storage := InMemory()
		if round%5 == 0 {
			storage = InTempDir()
		}
		var brokers []*Broker
		for i := range atOnce {
			b, err := Start(t.Context(), storage, WithTopic("orders", 1))
			if err != nil {
				t.Fatal(err)
			}
			brokers = append(brokers, b)
			c := dial(t, b)
			want := fmt.Sprintf("of broker %d", i)
			c.produce("orders", want)
			if got := c.values("orders"); len(got) != 1 || got[0] != want {
				t.Fatalf("round %d, broker %d: read %q", round, i, got)
			}
			c.conn.Close()
		}
		for _, b := range brokers {
			if err := b.Stop(); err != nil {
				t.Fatal(err)
			}
			l, err := net.Listen("tcp", b.Bootstrap())
			if err != nil {
				t.Fatalf("the port is still taken: %v", err)
			}
			l.Close()
		}
	}
	t.Logf("%d brokers took %v", rounds*atOnce, time.Since(began))
	if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) > 0 {
		t.Errorf("directories are left: %v, %v", left, err)
	}
	if after := openFiles(); after > before {
		t.Errorf("%d descriptors are open, %d were before", after, before)
	}
}

// What the options say holds.
func TestTheOptionsOfStart(t *testing.T) {
	var log bytes.Buffer
	b := mustStart(t, WithPersona("kafka-2.8"), WithSetting("num.partitions", "4"), WithLogger(slog.New(slog.NewTextHandler(&log, nil))),
		WithTopics(Topic{Name: "bills"}, Topic{Name: "log", Partitions: 2, Configs: map[string]string{"cleanup.policy": "compact"}}))
	image := b.metadata.Image()
	if got := len(image.Topic("bills").Partitions); got != 4 {
		t.Errorf("bills has %d partitions", got)
	}
	if got := image.TopicConfig("log").Map()["cleanup.policy"]; got != "compact" {
		t.Errorf("cleanup.policy is %q", got)
	}
	q := kmsg.NewPtrApiVersionsRequest()
	for _, api := range dial(t, b).ask(q).(*kmsg.ApiVersionsResponse).ApiKeys {
		if api.ApiKey == int16(kmsg.ConsumerGroupHeartbeat) {
			t.Error("Kafka 2.8 has no ConsumerGroupHeartbeat")
		}
	}
	if !strings.Contains(log.String(), "started") {
		t.Errorf("the log says %q", log.String())
	}
	if b.DataDir() != ":memory:" || !strings.HasPrefix(b.Bootstrap(), "127.0.0.1:") {
		t.Errorf("data in %s, address %s", b.DataDir(), b.Bootstrap())
	}
}

func TestStartSaysWhatIsWrong(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	for name, c := range map[string]struct {
		ctx  context.Context
		opts []Option
	}{
		"a setting":         {t.Context(), []Option{InTempDir(), WithSetting("num.partitions", "many")}},
		"a topic's name":    {t.Context(), []Option{InTempDir(), WithTopic("no spaces", 1)}},
		"a topic's setting": {t.Context(), []Option{InTempDir(), WithTopics(Topic{Name: "t", Configs: map[string]string{"cleanup.policy": "never"}})}},
		"an address":        {t.Context(), []Option{InTempDir(), ListenOn("198.51.100.1:0")}},
		"an address, late":  {t.Context(), []Option{InTempDir(), withHTTP(), ListenOn("198.51.100.1:0")}},
		"the context":       {ended, []Option{InTempDir()}},
	} {
		if b, err := Start(c.ctx, c.opts...); err == nil {
			t.Errorf("%s: a broker started", name)
			_ = b.Stop()
		}
	}
	if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) > 0 {
		t.Errorf("directories are left: %v, %v", left, err)
	}
}

func TestADirectoryOutlivesItsBroker(t *testing.T) {
	dir := t.TempDir()
	b := mustStart(t, InDir(dir))
	dial(t, b).topic("kept")
	dial(t, b).produce("kept", "a record")
	if err := b.Stop(); err != nil {
		t.Fatal(err)
	}
	if got := dial(t, mustStart(t, InDir(dir))).values("kept"); len(got) != 1 {
		t.Errorf("read %q", got)
	}
}

// Run ends with its context, and the broker with it.
func TestRunServesUntilItsContextEnds(t *testing.T) {
	b := mustStart(t)
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error)
	go func() { ran <- b.Run(ctx) }()
	dial(t, b).topic("t")
	cancel()
	if err := <-ran; err != nil {
		t.Error(err)
	}
	if c, err := net.Dial("tcp", b.Bootstrap()); err == nil {
		c.Close()
		t.Error("it still listens")
	}
	if err := b.Reset(t.Context()); err != ErrClosed {
		t.Errorf("resetting a closed broker: %v", err)
	}
}

// An idle broker in memory holds no more than a few goroutines.
func TestAnIdleBrokerIsSmall(t *testing.T) {
	before := runtime.NumGoroutine()
	mustStart(t)
	const most = 12 // acceptor, metadata's owner, housekeeping and the like
	if n := runtime.NumGoroutine() - before; n > most {
		t.Errorf("it has %d goroutines", n)
	}
}

// Whatever the disk refuses at a start, it is not blamed on the settings.
func TestADiskThatFailsIsNoFaultOfTheSettings(t *testing.T) {
	const most = 2000
	for n := int64(0); ; n++ {
		if n == most {
			t.Fatalf("a start takes more than %d operations", most)
		}
		disk := &vfs.Faulty{FS: vfs.NewMem(), Before: func(op vfs.Op) error {
			if op.Index >= n {
				return syscall.EIO
			}
			return nil
		}}
		b, err := Start(t.Context(), func(s *start) { s.options.FS = disk }, WithTopic("orders", 1))
		var settings *SettingsError
		if errors.As(err, &settings) {
			t.Fatalf("without the operations from %d on: %v", n, err)
		}
		if err == nil {
			_ = b.Stop() // the disk fails
			return
		}
	}
}
