package vfs

import (
	"errors"
	"io/fs"
	"testing"
)

func TestSyncsPutOffAreDoneByFlush(t *testing.T) {
	disk := NewMem()
	later := SyncLater(disk)
	if err := later.MkdirAll("d", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := later.SyncDir("."); err != nil {
		t.Fatal(err)
	}
	if err := ReplaceFile(later, "d/a", []byte("first"), true); err != nil {
		t.Fatal(err)
	}
	if _, err := disk.CrashCopy(CrashKeepNone, nil).Stat("d/a"); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("before Flush the file is on the disk: %v", err)
	}
	if err := later.Flush(); err != nil {
		t.Fatal(err)
	}
	expectFile(t, disk.CrashCopy(CrashKeepNone, nil), "d/a", "first")

	// From now on nothing is put off.
	if err := ReplaceFile(later, "d/b", []byte("second"), true); err != nil {
		t.Fatal(err)
	}
	expectFile(t, disk.CrashCopy(CrashKeepNone, nil), "d/b", "second")

	// Until somebody says so.
	later.Again()
	if err := ReplaceFile(later, "d/c", []byte("third"), true); err != nil {
		t.Fatal(err)
	}
	if err := later.MkdirAll("gone", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := ReplaceFile(later, "gone/a", []byte("nobody wants it"), true); err != nil {
		t.Fatal(err)
	}
	if err := later.RemoveAll("gone"); err != nil {
		t.Fatal(err)
	}
	if _, err := disk.CrashCopy(CrashKeepNone, nil).Stat("d/c"); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("before the second Flush the file is on the disk: %v", err)
	}
	if err := later.Flush(); err != nil {
		t.Fatal(err)
	}
	expectFile(t, disk.CrashCopy(CrashKeepNone, nil), "d/c", "third")
}

// A broker that lives in memory for long must not keep its history.
func TestAVolatileFileSystemKeepsNoHistory(t *testing.T) {
	m := NewVolatile()
	for range 100 {
		if err := ReplaceFile(m, "a", make([]byte, 3*memPage), true); err != nil {
			t.Fatal(err)
		}
		if err := m.MkdirAll("d", 0o700); err != nil {
			t.Fatal(err)
		}
		if err := m.RemoveAll("d"); err != nil {
			t.Fatal(err)
		}
	}
	f := m.mu.root.entries["a"].(*memFile)
	if n := len(m.mu.root.changes) + len(m.mu.root.synced) + len(f.dirty) + len(f.synced); n > 0 {
		t.Errorf("%d changes are kept", n)
	}
}

func expectFile(t *testing.T, files FS, name, want string) {
	t.Helper()
	got, err := ReadFile(files, name, 100)
	if err != nil || string(got) != want {
		t.Fatalf("%s holds %q, %v; want %q", name, got, err, want)
	}
}
