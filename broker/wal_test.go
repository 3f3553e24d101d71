package broker

import (
	"errors"
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/logstore/disk"
)

// copyFolder copies the files of a folder from one disk to another.
func copyFolder(t *testing.T, from, to vfs.FS, folder string) {
	t.Helper()
	if err := to.MkdirAll(folder, vfs.DirPerm); err != nil {
		t.Fatal(err)
	}
	entries, err := from.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		name := path.Join(folder, e.Name())
		data, err := vfs.ReadFile(from, name, 1<<30)
		if err == nil {
			err = vfs.ReplaceFile(to, name, data, true)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// In durable mode a power cut loses nothing acknowledged, twice in a row, and the
// write-ahead log of one life is refused in another one's directory: somebody has
// used it since.
func TestTheWriteAheadLogBelongsToWhoeverWroteIt(t *testing.T) {
	files := vfs.NewMem()
	const durable = "barnabas.durability=sync"
	b := mustOpen(t, files, durable)
	c := dial(t, b)
	c.topic("t")
	c.produce("t", "one")
	left := files.CrashCopy(vfs.CrashKeepNone, nil)
	mustClose(t, b)
	if _, err := files.Stat(path.Join(dataDir, disk.WALFolder)); err == nil {
		t.Error("a clean stop leaves the write-ahead log")
	}
	old := left.CrashCopy(vfs.CrashKeepNone, nil)

	b = mustOpen(t, left, durable)
	c = dial(t, b)
	if diff := cmp.Diff([]string{"one"}, c.values("t")); diff != "" {
		t.Error(diff)
	}
	c.produce("t", "two")
	again := left.CrashCopy(vfs.CrashKeepNone, nil)
	mustClose(t, b)
	b = mustOpen(t, again, durable)
	if diff := cmp.Diff([]string{"one", "two"}, dial(t, b).values("t")); diff != "" {
		t.Error(diff)
	}
	mustClose(t, b)

	copyFolder(t, old, again, path.Join(dataDir, disk.WALFolder))
	before := contents(t, again, dataDir)
	_, err := open(t, again, durable)
	var directory *DirectoryError
	if !errors.As(err, &directory) || !strings.Contains(err.Error(), disk.WALFolder) {
		t.Fatalf("a log of another life: %v", err)
	}
	if diff := cmp.Diff(before, contents(t, again, dataDir)); diff != "" {
		t.Errorf("the refusal has changed the directory: %s", diff)
	}
}
