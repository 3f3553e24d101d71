package main

import "syscall"

// Of statfs(2): file systems that lie in memory.
const (
	tmpfsMagic = 0x01021994
	ramfsMagic = 0x858458f6
)

// inMemory tells whether what is synced in a folder reaches no disk.
func inMemory(folder string) bool {
	var s syscall.Statfs_t
	if syscall.Statfs(folder, &s) != nil {
		return false
	}
	kind := uint32(s.Type) // 32 bits, signed on some architectures
	return kind == tmpfsMagic || kind == ramfsMagic
}

// freeBytes is what a folder's file system still takes, if that is known.
func freeBytes(folder string) (free int64, known bool) {
	var s syscall.Statfs_t
	if syscall.Statfs(folder, &s) != nil {
		return 0, false
	}
	return int64(s.Bavail) * s.Bsize, true
}
