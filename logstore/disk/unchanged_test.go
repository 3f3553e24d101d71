package disk_test

import (
	"testing"

	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/logstore/disk"
)

// A start, after a clean stop or a kill, changes no file of a partition that is read
// from and that nothing happened to.
func TestAStartWritesNothingAnew(t *testing.T) {
	for name, clean := range map[string]bool{"clean stop": true, "kill": false} {
		t.Run(name, func(t *testing.T) {
			var changes []string
			watching := false
			m := vfs.NewMem()
			must(t, m.MkdirAll("/data", vfs.DirPerm))
			w := newWorld(t, &vfs.Faulty{FS: m, Before: func(op vfs.Op) error {
				if watching && op.Kind.Changes() && op.Kind != vfs.OpSync && op.Kind != vfs.OpSyncDir {
					changes = append(changes, string(op.Kind)+" "+op.Name)
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
			watching = true
			must(t, w.log(0).Ready())
			watching = false
			if len(changes) > 0 {
				t.Errorf("changes: %q", changes)
			}
		})
	}
}
