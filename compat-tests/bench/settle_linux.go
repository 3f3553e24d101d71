package main

import "syscall"

// settle makes a measurement begin where all others do. What earlier phases left
// in the page cache is written out, so that nobody is charged for the write-back
// of another. And as much memory as the phase will fill is taken and given back:
// a virtual machine returns unused memory to its host, and writing to pages that
// must be fetched again first costs a broker twice as much as writing to those
// that its predecessor has just freed.
func settle(bytes int) {
	syncAll()
	pages, err := syscall.Mmap(-1, 0, bytes, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE|syscall.MAP_POPULATE)
	if err == nil {
		_ = syscall.Munmap(pages) // it was mapped just now
	}
}

// syncAll returns when nothing that was written before is in the page cache alone.
func syncAll() { syscall.Sync() }

// dataSync has a write return when its data is on the disk.
const dataSync = syscall.O_DSYNC
