package main

import "time"

// pace is the schedule of an open loop: it sends when a moment comes, whatever became
// of what was sent before, so that a broker that stands still is charged for everything
// that it keeps waiting (no coordinated omission).
type pace struct {
	began     time.Time
	perSecond int
}

// due is the moment of number i. Moments are not added up, so that they do not drift.
func (p pace) due(i int) time.Time {
	return p.began.Add(time.Duration(i) * time.Second / time.Duration(p.perSecond))
}

// wakeLead is how long before its moment a sleeper wakes up: on a virtual machine of two
// cores a sleep was 27 us too long in the median and 40 to 70 us at the 90th percentile,
// once the kernel no longer gathers timers (it was 70 and 120 us with that, and 180 us
// for time.Sleep).
const wakeLead = 60 * time.Microsecond

// nap is how long to sleep with a time left; 0 is to spin. Spinning takes a core. It is
// done for the last wakeLead only and while all that was sent has arrived, so that the
// broker has nothing to do which that core could do for it. Else a sender sleeps until
// its moment, and what it comes too late counts as latency: the broker was at work.
func nap(left time.Duration, quiet bool) time.Duration {
	switch {
	case left > wakeLead:
		return left - wakeLead
	case quiet:
		return 0
	}
	return left
}

// await returns at a moment, or as soon after it as it can. quiet tells whether all
// that was sent has arrived. It is for a goroutine that exactTimers has called.
func await(moment time.Time, quiet func() bool) {
	for {
		left := time.Until(moment)
		if left <= 0 {
			return
		}
		if d := nap(left, quiet()); d > 0 {
			sleep(d)
		}
	}
}
