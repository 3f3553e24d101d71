// Package vfs is the only door to files for every room below the broker.
//
// The real file system (OS), the in-memory one with crash copies (Mem), the
// wrapper that watches and fails operations (Faulty) and the one that puts syncs
// off during a start (Later) share one interface, so that the same engine code
// runs on a disk that a test can cut the power of.
//
//	engine ──> FS ──┬── OS      the machine's files
//	                ├── Mem     pages in memory; knows what was synced
//	                ├── Faulty  asks a function before each operation, then the FS it wraps
//	                └── Later   keeps syncs for its Flush, then does what the FS it wraps does
//
// Promises: methods are safe for concurrent use; errors satisfy errors.Is with
// fs.ErrNotExist, fs.ErrExist and the operating system's own numbers.
//
// What a crash keeps, which Mem imitates as strictly as POSIX allows: the bytes
// of a file after Datasync or Sync of that file, or written to one that is open for
// synchronous writes (Dsync), and names after SyncDir of their folder. Everything
// else may be there or not.
//
// Not here: formats, caches of open files, and when to sync (logstore/disk).
package vfs
