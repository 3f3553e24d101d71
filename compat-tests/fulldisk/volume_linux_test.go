package fulldisk

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

// volume is a small file system of its own.
type volume struct {
	dir string
}

// mountVolume mounts one of 64 MiB and unmounts it at the end of the test.
func mountVolume(t *testing.T) *volume {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64m"); err != nil {
		if testbed.InCI() {
			t.Fatalf("mount a tmpfs: %v", err)
		}
		t.Skipf("a tmpfs cannot be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return &volume{dir: dir}
}

// data is the data folder of a broker on the volume.
func (v *volume) data() string { return filepath.Join(v.dir, "data") }

// free is what the volume still takes.
func (v *volume) free(t *testing.T) int64 {
	t.Helper()
	var s syscall.Statfs_t
	if err := syscall.Statfs(v.dir, &s); err != nil {
		t.Fatal(err)
	}
	return int64(s.Bavail) * s.Bsize
}

// fill takes every free byte and returns what gives them back.
func (v *volume) fill(t *testing.T) (release func()) {
	t.Helper()
	path := filepath.Join(v.dir, "filler")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // its content is of no interest
	for chunk := make([]byte, 64<<10); ; {
		if _, err := f.Write(chunk); err == nil {
			continue
		} else if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
		if chunk = chunk[:len(chunk)/2]; len(chunk) == 0 {
			break
		}
	}
	if free := v.free(t); free != 0 {
		t.Logf("%d bytes are free beside the filler", free)
	}
	return func() {
		if err := os.Remove(path); err != nil {
			t.Error(err)
		}
	}
}
