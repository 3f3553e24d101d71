package vfs_test

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"syscall"
	"testing"

	"github.com/barnabas-mq/barnabas/internal/vfs"
)

// A power cut keeps the synced bytes and the synced names and nothing else; a
// dead process loses nothing that was written.
func TestCrashKeepsWhatWasSynced(t *testing.T) {
	m := vfs.NewMem()
	must(t, m.MkdirAll("/d", vfs.DirPerm))
	must(t, m.SyncDir("/"))
	f, err := m.Open("/d/kept", vfs.ReadWrite|vfs.Create, vfs.FilePerm)
	must(t, err)
	_, err = f.WriteAt([]byte("synced"), 0)
	must(t, err)
	must(t, f.Datasync())
	must(t, m.SyncDir("/d"))
	_, err = f.WriteAt([]byte("SYNCED and more"), 0)
	must(t, err)
	create(t, m, "/d/nameless", "its name was not synced")
	must(t, m.Rename("/d/kept", "/d/renamed"))

	none := m.CrashCopy(vfs.CrashKeepNone, nil)
	if got := content(t, none, "/d/kept"); got != "synced" {
		t.Fatalf("after a power cut: %q", got)
	}
	for _, gone := range []string{"/d/nameless", "/d/renamed"} {
		_, err := none.Stat(gone)
		wantIs(t, err, fs.ErrNotExist)
	}
	all := m.CrashCopy(vfs.CrashKeepAll, nil)
	if got := content(t, all, "/d/renamed"); got != "SYNCED and more" {
		t.Fatalf("after a kill: %q", got)
	}
	// The original goes on, apart from its copies.
	_, err = f.WriteAt([]byte("x"), 0)
	must(t, err)
	if got := content(t, all, "/d/renamed"); got != "SYNCED and more" {
		t.Fatalf("the copy changed: %q", got)
	}
}

// Whatever subset of the unsynced survives, each page of the file is the old or
// the new one, and a rename has happened or not.
func TestCrashKeepsSome(t *testing.T) {
	const pages, pageBytes = 6, 4096
	m := vfs.NewMem()
	f, err := m.Open("/f", vfs.ReadWrite|vfs.Create, vfs.FilePerm)
	must(t, err)
	fill := func(with byte, n int) {
		b := make([]byte, n*pageBytes)
		for i := range b {
			b[i] = with
		}
		_, err := f.WriteAt(b, 0)
		must(t, err)
	}
	fill('o', pages/2)
	must(t, f.Datasync())
	must(t, m.SyncDir("/"))
	fill('n', pages)
	must(t, m.Rename("/f", "/g"))

	sizes, names, mixed := map[int]bool{}, map[string]bool{}, false
	for seed := range uint64(200) {
		left := m.CrashCopy(vfs.CrashKeepSome, rand.New(rand.NewPCG(seed, 1)))
		name := "/f"
		if _, err := left.Stat(name); err != nil {
			name = "/g"
		}
		names[name] = true
		got := content(t, left, name)
		sizes[len(got)] = true
		if len(got) < pages/2*pageBytes || len(got) > pages*pageBytes {
			t.Fatalf("seed %d: %d bytes", seed, len(got))
		}
		seen := map[byte]bool{}
		for at := 0; at < len(got); at += pageBytes {
			end := min(at+pageBytes, len(got))
			for _, c := range []byte(got[at:end]) {
				if c != got[at] {
					t.Fatalf("seed %d: the page at %d is mixed", seed, at)
				}
			}
			seen[got[at]] = true
		}
		mixed = mixed || seen['o'] && seen['n']
	}
	if len(names) != 2 || len(sizes) < 3 || !mixed {
		t.Fatalf("too little variety: names %v, sizes %v, mixed %v", names, sizes, mixed)
	}
}

// Faulty lets a test fail one operation, cut a write short, and see all others.
func TestFaultyFailsTheNthOperation(t *testing.T) {
	var seen []vfs.OpKind
	faulty := &vfs.Faulty{FS: vfs.NewMem()}
	faulty.Before = func(op vfs.Op) error {
		seen = append(seen, op.Kind)
		switch op.Index {
		case 1:
			return &vfs.PartialWrite{Bytes: 2, Err: syscall.ENOSPC}
		case 3:
			return syscall.EIO
		}
		return nil
	}
	f, err := faulty.Open("/f", vfs.ReadWrite|vfs.Create, vfs.FilePerm) // 0
	must(t, err)
	n, err := f.WriteAt([]byte("four"), 0) // 1
	if n != 2 || !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("wrote %d, %v", n, err)
	}
	must(t, f.Truncate(0))               // 2
	wantIs(t, f.Datasync(), syscall.EIO) // 3
	must(t, f.Datasync())
	want := []vfs.OpKind{vfs.OpCreate, vfs.OpWrite, vfs.OpTruncate, vfs.OpSync, vfs.OpSync}
	if len(seen) != len(want) || faulty.Count() != int64(len(want)) {
		t.Fatalf("saw %v", seen)
	}
	for i := range want {
		if seen[i] != want[i] {
			t.Fatalf("saw %v, want %v", seen, want)
		}
	}
}
