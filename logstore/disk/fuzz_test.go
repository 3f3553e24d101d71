package disk_test

import (
	"context"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/logstore/disk"
	"github.com/barnabas-mq/barnabas/protocol"
)

// aLife is what a store leaves after some segments, epochs, producers, deleted
// records and a checkpoint, stopped or killed.
func aLife(t *testing.T, clean bool) (*world, *vfs.Mem, []record) {
	w, m := memWorld(t, disk.Cached)
	l := w.log(0)
	for i := range int32(60) {
		b := idempotent(3, i, strings.Repeat("x", int(i%40)))
		if p := tryAppend(l, b, protocol.Epoch(i/20)); p.Err != nil {
			t.Fatal(p.Err)
		}
	}
	_, err := l.DeleteBefore(25)
	must(t, err)
	w.store.Sweep()
	must(t, l.Flush())
	must(t, w.store.Checkpoint())
	want, err := readAll(l)
	must(t, err)
	if clean {
		w.stopAnyhow()
	} else {
		w.kill()
	}
	return w, m, want
}

// Two bytes of any file change: the store opens or says what is damaged, every record
// that it gives is the one that was written, and it can be used and stopped.
func FuzzAnyFile(f *testing.F) {
	f.Add(true, uint8(0), uint16(3), uint8(1), uint16(30), uint8(2))
	f.Add(false, uint8(3), uint16(100), uint8(0x80), uint16(61), uint8(0))
	f.Add(true, uint8(7), uint16(0), uint8(4), uint16(7), uint8(9))
	f.Fuzz(func(t *testing.T, clean bool, file uint8, at1 uint16, flip1 uint8, at2 uint16, flip2 uint8) {
		w, m, want := aLife(t, clean)
		w.store = nil
		names := fileNames(t, m, "/data")
		name := names[int(file)%len(names)]
		data, err := vfs.ReadFile(m, name, 1<<20)
		must(t, err)
		if len(data) == 0 {
			return
		}
		data[int(at1)%len(data)] ^= flip1
		data[int(at2)%len(data)] ^= flip2
		overwrite(t, m, name, 0, data)

		store, err := disk.Open(w.opts)
		if err != nil {
			return // a checkpoint file that cannot be understood
		}
		defer func() { _ = store.Close(context.Background()) }() // damage may be found only now
		l, err := store.Open(partitionID(0), w.cfg)
		must(t, err)
		sent := make(map[protocol.Offset]string)
		for _, r := range want {
			sent[r.offset] = r.value
		}
		all, _ := readAll(l)
		for _, r := range all {
			// Deleted records may come back: the file that says so has no checksum.
			if value, ok := sent[r.offset]; ok && value != r.value || r.offset >= 60 {
				t.Fatalf("%s: offset %d has %q", name, r.offset, r.value)
			}
		}
		_ = tryAppend(l, values(dayMillis, "more"), 9)
		_, _ = l.OffsetForTime(dayMillis)
		_, _ = l.OffsetOfMaxTimestamp()
		_, _ = l.EndOfEpoch(1)
		_ = l.ActiveProducers()
		cfg := w.cfg
		cfg.RetentionMillis = 1
		l.Reconfigure(cfg)
		store.Sweep()
		_ = l.TruncateTo(40)
		_ = store.Checkpoint()
	})
}

func fileNames(t *testing.T, fsys vfs.FS, dir string) []string {
	t.Helper()
	found := make(map[string]bool)
	entries, err := fsys.ReadDir(dir)
	must(t, err)
	for _, e := range entries {
		if name := path.Join(dir, e.Name()); e.IsDir() {
			for _, inner := range fileNames(t, fsys, name) {
				found[inner] = true
			}
		} else {
			found[name] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}
