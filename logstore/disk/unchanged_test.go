package disk_test

import (
	"sync/atomic"
	"testing"

	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/logstore/disk"
)

// A start, after a clean stop or a kill, changes no file of a partition that is read
// from and that nothing happened to.
func TestAStartWritesNothingAnew(t *testing.T) {
	for name, clean := range map[string]bool{"clean stop": true, "kill": false} {
		t.Run(name, func(t *testing.T) {
			var watching atomic.Bool
			changes := make(chan string, 100)
			m := vfs.NewMem()
			must(t, m.MkdirAll("/data", vfs.DirPerm))
			w := newWorld(t, &vfs.Faulty{FS: m, Before: func(op vfs.Op) error {
				if watching.Load() && op.Kind.Changes() && op.Kind != vfs.OpSync && op.Kind != vfs.OpSyncDir {
					changes <- string(op.Kind) + " " + op.Name
				}
				return nil
			}}, "/data", disk.Cached)
			w.append(w.log(0), values(dayMillis, "a"))
			if clean {
				w.restart()
			} else {
				w.kill()
				w.start()
			}
			watching.Store(true)
			must(t, w.log(0).Ready())
			watching.Store(false)
			for range len(changes) {
				t.Errorf("changed: %s", <-changes)
			}
		})
	}
}
