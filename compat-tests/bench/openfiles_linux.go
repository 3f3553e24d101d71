package main

import (
	"fmt"
	"os"
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

// raiseOpenFiles raises what the brokers started from now on may have open. Who may
// not raise it keeps what there is: a broker that runs out is noted as failed.
func raiseOpenFiles(n uint64) {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) == nil && limit.Max < n {
		limit.Max, limit.Cur = n, n
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
			fmt.Fprintf(os.Stderr, "%d open files are not allowed: %v\n", n, err)
		}
	}
}
