package testbed

import (
	"time"

	"golang.org/x/sys/unix"
)

// schedClock is the clock of clock_gettime(2) that counts what the scheduler gave to all
// threads of a process, in nanoseconds; the rest of its number is the inverted id.
const schedClock = 2

// cpuTime is the CPU time of a process since it began.
func cpuTime(pid int) (time.Duration, error) {
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|schedClock), &t); err != nil {
		return 0, err
	}
	return time.Duration(t.Nano()), nil
}
