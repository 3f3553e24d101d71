//go:build unix

package console

import (
	"time"

	"golang.org/x/sys/unix"
)

func processorSeconds() (seconds float64, ok bool) {
	var used unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &used); err != nil {
		return 0, false
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano()).Seconds(), true
}
