package disk_test

import (
	"syscall"
	"testing"

	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/logstore/disk"
)

// preallocate reserves blocks without changing the file's size; a sealed segment and
// a clean stop give back those that were not needed.
func TestPreallocatedBlocksAreGivenBack(t *testing.T) {
	for mode, durability := range map[string]disk.Durability{"sync": disk.Sync, "cached": disk.Cached} {
		t.Run(mode, func(t *testing.T) {
			w := newWorld(t, vfs.OS(), t.TempDir(), durability)
			w.cfg.Preallocate, w.cfg.SegmentBytes = true, 1<<20
			l := w.log(0)
			w.fill(l, 1)
			blocks := func(name string) int64 {
				info, err := w.fs.Stat(w.dir + name)
				must(t, err)
				return info.Sys().(*syscall.Stat_t).Blocks * 512
			}
			if blocks(firstSegment) < 1<<20 {
				t.Skip("the file system reserves nothing")
			}
			if size := sizeOf(t, w.fs, w.dir+firstSegment); size > 200 {
				t.Errorf("the file shows %d bytes", size)
			}
			w.restart()
			w.wantFilled(w.log(0), 0, 1)
			if b := blocks(firstSegment); b > 8192 {
				t.Errorf("a clean stop leaves %d bytes of blocks", b)
			}
			w.fill(w.log(0), 1)
			w.kill()
			w.start()
			w.wantFilled(w.log(0), 0, 2)
			w.restart()
			if b := blocks(firstSegment); b > 8192 {
				t.Errorf("a kill and a clean stop leave %d bytes of blocks", b)
			}
			l = w.log(0)
			w.fill(l, 1)
			cfg := w.cfg
			cfg.SegmentBytes = 1000
			l.Reconfigure(cfg)
			w.fill(l, 20)
			must(t, l.Flush())
			if b := blocks(firstSegment); b > 8192 {
				t.Errorf("a sealed segment keeps %d bytes of blocks", b)
			}
		})
	}
}
