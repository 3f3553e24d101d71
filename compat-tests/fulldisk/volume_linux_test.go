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

// reserve takes some room from the beginning on, to be given back by release.
func (v *volume) reserve(t *testing.T) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(v.dir, "reserve"), make([]byte, reserveBytes), 0o644); err != nil {
		t.Fatal(err)
	}
}

// fill takes every free byte that there is.
func (v *volume) fill(t *testing.T) {
	t.Helper()
	f, err := os.Create(filepath.Join(v.dir, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // its content is of no interest
	for chunk := make([]byte, 64<<10); len(chunk) > 0; {
		if _, err := f.Write(chunk); errors.Is(err, syscall.ENOSPC) {
			chunk = chunk[:len(chunk)/2]
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// release gives back what reserve and fill took.
func (v *volume) release(t *testing.T) {
	t.Helper()
	for _, name := range []string{"reserve", "filler"} {
		if err := os.Remove(filepath.Join(v.dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Error(err)
		}
	}
}
