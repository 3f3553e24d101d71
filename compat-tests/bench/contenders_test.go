package main

import (
	"os"
	"path/filepath"
	"testing"
)

// A topic is gone when no broker's layout has a folder of it, one set aside neither.
func TestFilesOf(t *testing.T) {
	data := t.TempDir()
	for _, folder := range []string{"bench-1-0", "bench-1-1.0123-delete", "bench-11-0", "partitions/bench-1-2", "other-0"} {
		if err := os.MkdirAll(filepath.Join(data, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if left, err := filesOf(data, "bench-1"); err != nil || len(left) != 3 {
		t.Errorf("%q, %v; want three folders", left, err)
	}
	if left, err := filesOf(filepath.Join(data, "none"), "bench-1"); err != nil || len(left) != 0 {
		t.Errorf("no data folder: %q, %v", left, err)
	}
}
