package vfs_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"syscall"
	"testing"

	"github.com/barnabas-mq/barnabas/internal/vfs"
)

// onBoth runs a story on the machine's file system and on the one in memory: the
// engine must not be able to tell them apart.
func onBoth(t *testing.T, story func(t *testing.T, fsys vfs.FS, dir string)) {
	t.Helper()
	t.Run("os", func(t *testing.T) { story(t, vfs.OS(), t.TempDir()) })
	t.Run("mem", func(t *testing.T) {
		m := vfs.NewMem()
		must(t, m.MkdirAll("/data", vfs.DirPerm))
		story(t, m, "/data")
	})
	t.Run("volatile", func(t *testing.T) {
		m := vfs.NewVolatile()
		must(t, m.MkdirAll("/data", vfs.DirPerm))
		story(t, m, "/data")
	})
	t.Run("faulty", func(t *testing.T) { story(t, &vfs.Faulty{FS: vfs.OS()}, t.TempDir()) })
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantIs(t *testing.T, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Fatalf("error %v, want %v", err, target)
	}
}

func create(t *testing.T, fsys vfs.FS, name, content string) {
	t.Helper()
	f, err := fsys.Open(name, vfs.ReadWrite|vfs.Create, vfs.FilePerm)
	must(t, err)
	_, err = f.WriteAt([]byte(content), 0)
	must(t, err)
	must(t, f.Close())
}

func content(t *testing.T, fsys vfs.FS, name string) string {
	t.Helper()
	data, err := vfs.ReadFile(fsys, name, 1<<20)
	must(t, err)
	return string(data)
}

func TestReadAndWriteAtPositions(t *testing.T) {
	onBoth(t, func(t *testing.T, fsys vfs.FS, dir string) {
		f, err := fsys.Open(path.Join(dir, "f"), vfs.ReadWrite|vfs.Create, vfs.FilePerm)
		must(t, err)
		defer f.Close()
		// A write beyond the end leaves a hole that reads as zeros.
		far := int64(10_000)
		n, err := f.WriteAt([]byte("end"), far)
		if n != 3 || err != nil {
			t.Fatalf("wrote %d, %v", n, err)
		}
		_, err = f.WriteAt([]byte("begin"), 0)
		must(t, err)
		size, err := f.Size()
		must(t, err)
		if size != far+3 {
			t.Fatalf("size %d", size)
		}
		all := make([]byte, size+10)
		n, err = f.ReadAt(all, 0)
		if int64(n) != size || !errors.Is(err, io.EOF) {
			t.Fatalf("read %d, %v", n, err)
		}
		want := make([]byte, size)
		copy(want, "begin")
		copy(want[far:], "end")
		if !bytes.Equal(all[:n], want) {
			t.Fatal("the bytes differ")
		}
		// Cut inside a page and grown again, the cut part is gone.
		must(t, f.Truncate(2))
		must(t, f.Truncate(6))
		if got := content(t, fsys, path.Join(dir, "f")); got != "be\x00\x00\x00\x00" {
			t.Fatalf("after truncation: %q", got)
		}
		must(t, f.Preallocate(6, 1<<20))
		must(t, f.Datasync())
		must(t, f.Sync())
		if size, _ := f.Size(); size != 6 {
			t.Fatalf("preallocation changed the size to %d", size)
		}
	})
}

func TestNamesAndTheirErrors(t *testing.T) {
	onBoth(t, func(t *testing.T, fsys vfs.FS, dir string) {
		at := func(name string) string { return path.Join(dir, name) }
		_, err := fsys.Open(at("none"), vfs.ReadWrite, 0)
		wantIs(t, err, fs.ErrNotExist)
		_, err = fsys.Stat(at("none"))
		wantIs(t, err, fs.ErrNotExist)
		_, err = fsys.ReadDir(at("none"))
		wantIs(t, err, fs.ErrNotExist)
		wantIs(t, fsys.Remove(at("none")), fs.ErrNotExist)
		wantIs(t, fsys.Rename(at("none"), at("other")), fs.ErrNotExist)
		must(t, fsys.RemoveAll(at("none")))

		must(t, fsys.MkdirAll(at("a/b"), vfs.DirPerm))
		must(t, fsys.MkdirAll(at("a/b"), vfs.DirPerm))
		create(t, fsys, at("a/one"), "1")
		create(t, fsys, at("a/two"), "2")
		_, err = fsys.Open(at("a/one"), vfs.ReadWrite|vfs.Create|vfs.Exclusive, vfs.FilePerm)
		wantIs(t, err, fs.ErrExist)
		wantIs(t, fsys.Link(at("a/one"), at("a/two")), fs.ErrExist)
		must(t, fsys.Link(at("a/one"), at("a/three")))
		must(t, fsys.Rename(at("a/one"), at("a/two")))
		if got := content(t, fsys, at("a/two")); got != "1" {
			t.Fatalf("renamed over: %q", got)
		}
		entries, err := fsys.ReadDir(at("a"))
		must(t, err)
		var names []string
		for _, e := range entries {
			names = append(names, e.Name())
		}
		if got := len(names); got != 3 || names[0] != "b" || names[1] != "three" || names[2] != "two" || !entries[0].IsDir() {
			t.Fatalf("names %q", names)
		}
		if err := fsys.Remove(at("a")); err == nil {
			t.Fatal("a folder that is not empty was removed")
		}
		must(t, fsys.Rename(at("a"), at("c")))
		must(t, fsys.SyncDir(dir))
		must(t, fsys.RemoveAll(at("c")))
		_, err = fsys.Stat(at("c/two"))
		wantIs(t, err, fs.ErrNotExist)
	})
}

func TestOpenFileOutlivesItsName(t *testing.T) {
	onBoth(t, func(t *testing.T, fsys vfs.FS, dir string) {
		name := path.Join(dir, "f")
		create(t, fsys, name, "still here")
		f, err := fsys.Open(name, vfs.ReadWrite, 0)
		must(t, err)
		must(t, fsys.Remove(name))
		got := make([]byte, 10)
		_, err = f.ReadAt(got, 0)
		must(t, err)
		if string(got) != "still here" {
			t.Fatalf("read %q", got)
		}
		must(t, f.Close())
		_, err = f.ReadAt(got, 0)
		wantIs(t, err, fs.ErrClosed)
	})
}

func TestLockExcludesASecondHolder(t *testing.T) {
	onBoth(t, func(t *testing.T, fsys vfs.FS, dir string) {
		name := path.Join(dir, ".lock")
		first, err := fsys.Lock(name)
		must(t, err)
		_, err = fsys.Lock(name)
		wantIs(t, err, vfs.ErrLocked)
		must(t, first.Close())
		second, err := fsys.Lock(name)
		must(t, err)
		must(t, second.Close())
	})
}

func TestReplaceFileIsAllOrNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, fsys vfs.FS, dir string) {
		name := path.Join(dir, "f")
		must(t, vfs.ReplaceFile(fsys, name, []byte("long content"), true))
		must(t, vfs.ReplaceFile(fsys, name, []byte("short"), false))
		if got := content(t, fsys, name); got != "short" {
			t.Fatalf("content %q", got)
		}
		_, err := vfs.ReadFile(fsys, name, 4)
		if err == nil {
			t.Fatal("a file over the limit was read")
		}
		free, total, err := fsys.FreeBytes(dir)
		if err != nil || free == 0 || total < free {
			t.Fatalf("free %d of %d, %v", free, total, err)
		}
	})
}

// A file that is there already, as a crash may have left it, is replaced whole.
func TestWriteFirst(t *testing.T) {
	onBoth(t, func(t *testing.T, fsys vfs.FS, dir string) {
		name := path.Join(dir, "f")
		for _, text := range []string{"cut sho", "content"} {
			for _, durable := range []bool{false, true} {
				must(t, vfs.WriteFirst(fsys, name, []byte(text), durable))
				if got := content(t, fsys, name); got != text {
					t.Fatalf("content %q", got)
				}
			}
		}
	})
}

func TestReplacingAFolderLeavesNothingBehind(t *testing.T) {
	onBoth(t, func(t *testing.T, fsys vfs.FS, dir string) {
		must(t, fsys.MkdirAll(path.Join(dir, "f"), vfs.DirPerm))
		if err := vfs.ReplaceFile(fsys, path.Join(dir, "f"), []byte("x"), true); err == nil {
			t.Fatal("a file took the place of a folder")
		}
		entries, err := fsys.ReadDir(dir)
		if err != nil || len(entries) != 1 {
			t.Fatalf("%v, %v", entries, err)
		}
	})
}

func TestReadOnlyHandleDoesNotWrite(t *testing.T) {
	onBoth(t, func(t *testing.T, fsys vfs.FS, dir string) {
		create(t, fsys, path.Join(dir, "f"), "x")
		f, err := fsys.Open(path.Join(dir, "f"), vfs.ReadOnly, 0)
		must(t, err)
		defer f.Close()
		if _, err := f.WriteAt([]byte("y"), 0); err == nil {
			t.Fatal("written through a read-only handle")
		}
	})
}

func TestFullVolumeTakesWhatFits(t *testing.T) {
	m := vfs.NewMem()
	m.SetCapacity(10)
	f, err := m.Open("/f", vfs.ReadWrite|vfs.Create, vfs.FilePerm)
	must(t, err)
	n, err := f.WriteAt(make([]byte, 16), 0)
	if n != 10 || !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("wrote %d, %v", n, err)
	}
	must(t, f.Truncate(4))
	_, err = f.WriteAt(make([]byte, 6), 4)
	must(t, err)
}

// A file opened with Dsync keeps what was written through a power cut, on every
// file system; Faulty sees the write and the sync.
func TestDsync(t *testing.T) {
	m := vfs.NewMem()
	var ops []vfs.OpKind
	watched := &vfs.Faulty{FS: m, Before: func(op vfs.Op) error {
		ops = append(ops, op.Kind)
		return nil
	}}
	for _, fsys := range []vfs.FS{m, watched, vfs.OS()} {
		name := "/f"
		if fsys == vfs.OS() {
			name = t.TempDir() + "/f"
		}
		f, err := fsys.Open(name, vfs.ReadWrite|vfs.Create|vfs.Dsync, vfs.FilePerm)
		if err != nil {
			t.Fatal(err)
		}
		if err := fsys.SyncDir(path.Dir(name)); err != nil {
			t.Fatal(err)
		}
		if n, err := f.WriteAt([]byte("kept"), 3); n != 4 || err != nil {
			t.Fatal(n, err)
		}
		_ = f.Close()
		left := fsys
		if fsys != vfs.OS() {
			left = m.CrashCopy(vfs.CrashKeepNone, nil)
		}
		if got, err := vfs.ReadFile(left, name, 100); err != nil || string(got) != "\x00\x00\x00kept" {
			t.Errorf("left is %q, %v", got, err)
		}
	}
	if want := []vfs.OpKind{vfs.OpCreate, vfs.OpSyncDir, vfs.OpWrite, vfs.OpSync}; !slices.Equal(ops, want) {
		t.Errorf("seen were %v, want %v", ops, want)
	}
}
