//go:build !linux

package vfs

import "io/fs"

// openDsync syncs after each write: macOS would not empty the drive's cache for
// its own flag, and Windows has none. There is no way past the page cache either.
func openDsync(name string, flag int, _ bool, perm fs.FileMode) (File, error) {
	f, err := openOS(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return dsyncFile{f}, nil
}
