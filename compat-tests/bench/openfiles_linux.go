package main

import (
	"syscall"
)

// limitOpenFiles lowers what this process, and so each broker that it starts,
// may have open. A limit that is lower already stays.
func limitOpenFiles(n uint64) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	limit.Max = min(limit.Max, n)
	limit.Cur = limit.Max // a limit set by hand is passed on to children; Go would restore any other
	return syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
}

// raiseOpenFiles raises what the brokers started from now on may have open, where
// that is allowed, and returns what it is then.
func raiseOpenFiles(n uint64) int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return int(n)
	}
	if raised := (syscall.Rlimit{Cur: n, Max: n}); limit.Max < n && syscall.Setrlimit(syscall.RLIMIT_NOFILE, &raised) == nil {
		limit = raised
	}
	return int(min(limit.Max, 1<<30)) // it may be unlimited
}
