package testbed

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// Volume is a small file system of its own, in memory.
type Volume struct {
	dir string
}

// MountVolume mounts one of so many MiB and unmounts it at the end of the test. Where
// that is refused it is an error; see NeedVolume.
func MountVolume(t *testing.T, mebibytes int) (*Volume, error) {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dm", mebibytes)); err != nil {
		return nil, fmt.Errorf("mount a tmpfs: %w", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return &Volume{dir: dir}, nil
}

// Data is the data folder of a broker on the volume.
func (v *Volume) Data() string { return filepath.Join(v.dir, "data") }

// Free is what the volume still takes.
func (v *Volume) Free(t *testing.T) int64 {
	t.Helper()
	var s syscall.Statfs_t
	if err := syscall.Statfs(v.dir, &s); err != nil {
		t.Fatal(err)
	}
	return int64(s.Bavail) * s.Bsize
}

// Reserve takes some room from the beginning on, to be given back by Release.
func (v *Volume) Reserve(t *testing.T, bytes int) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(v.dir, "reserve"), make([]byte, bytes), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Fill takes every free byte that there is.
func (v *Volume) Fill(t *testing.T) {
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

// Release gives back what Reserve and Fill took.
func (v *Volume) Release(t *testing.T) {
	t.Helper()
	for _, name := range []string{"reserve", "filler"} {
		if err := os.Remove(filepath.Join(v.dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Error(err)
		}
	}
}
