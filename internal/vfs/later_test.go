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
}

func expectFile(t *testing.T, files FS, name, want string) {
	t.Helper()
	got, err := ReadFile(files, name, 100)
	if err != nil || string(got) != want {
		t.Fatalf("%s holds %q, %v; want %q", name, got, err, want)
	}
}
