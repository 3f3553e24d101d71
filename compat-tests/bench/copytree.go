package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// copyTree copies a data folder that a killed broker left. Files of partitions
// are linked: a start writes into them at most what they hold already, and
// copies of a GiB or of 10,000 folders would fill the page cache and the disk's
// queue before each start. What lies in the folder itself, the broker's own
// topics and its other folders are copied.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, relative)
		switch {
		case entry.IsDir():
			return os.Mkdir(target, 0o755)
		case isPartition(filepath.Dir(relative)):
			return os.Link(path, target)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, content, 0o644)
	})
}

// isPartition knows the topics of the start series by their names.
func isPartition(folder string) bool {
	return strings.HasPrefix(folder, bigTopic+"-") || strings.HasPrefix(folder, manyTopics)
}
