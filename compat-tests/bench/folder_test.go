package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// All temporary folders of a run lie in one.
func TestRunFolder(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	dir := t.TempDir()
	folder, err := runFolder(dir)
	if err != nil || filepath.Dir(folder) != dir || os.TempDir() != folder {
		t.Errorf("%q, %v; temporary folders lie in %q", folder, err, os.TempDir())
	}
	if _, err := runFolder(filepath.Join(dir, "none")); err == nil {
		t.Error("a folder that is not there is taken")
	}
}

// A process that was started is among the children until it has been reaped.
func TestChildren(t *testing.T) {
	if lists, err := filepath.Glob("/proc/self/task/*/children"); err != nil || len(lists) == 0 {
		t.Skip("the kernel lists no children")
	}
	cmd := exec.Command("cat")
	if _, err := cmd.StdinPipe(); err != nil { // it waits
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := cmd.Process.Pid
	if !slices.Contains(children(), pid) {
		t.Errorf("%d is not among %v", pid, children())
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	if slices.Contains(children(), pid) {
		t.Errorf("%d is still among the children", pid)
	}
}

// A series is not begun where its data has no room.
func TestCheckSpace(t *testing.T) {
	folder := t.TempDir()
	if _, known := freeBytes(folder); !known {
		t.Skip("the free space is not known here")
	}
	if err := checkSpace(folder, options{}); err != nil {
		t.Error(err)
	}
	if err := checkSpace(folder, options{sizeMiB: 1 << 32}); err == nil {
		t.Error("more than any disk has is taken to be free")
	}
}
