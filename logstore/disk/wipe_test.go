package disk

import (
	"slices"
	"testing"

	"github.com/barnabas-mq/barnabas/internal/vfs"
)

// A wipe takes what a store makes, and nothing else.
func TestWipeTakesTheStoresOwn(t *testing.T) {
	files := vfs.NewMem()
	for _, folder := range []string{
		"t-0", "t-12", "a-b-3", "__cluster_metadata-0", WALFolder, "notes", "t-0.0123456789abcdef0123456789abcdef-delete", "t-0.0123456789abcdef0123456789abcdef-stray",
	} {
		if err := files.MkdirAll("data/"+folder, vfs.DirPerm); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"meta.properties", "readme", recoveryPointFile, cleanerFile, "t-0/log", "__cluster_metadata-0/log"} {
		f, err := files.Open("data/"+name, vfs.ReadWrite|vfs.Create, vfs.FilePerm)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := Wipe(files, "data", "__cluster_metadata-0"); err != nil {
		t.Fatal(err)
	}
	entries, err := files.ReadDir("data")
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, e := range entries {
		left = append(left, e.Name())
	}
	want := []string{"meta.properties", "notes", "readme", "t-0.0123456789abcdef0123456789abcdef-stray"}
	if !slices.Equal(left, want) {
		t.Errorf("left are %v, want %v", left, want)
	}
}
