package coordinator

import "sync/atomic"

// Countdown calls a function after a number of parts are done, on the goroutine
// of the last one.
type Countdown struct {
	left   atomic.Int32
	finish func()
}

// NewCountdown waits for the parts; without any it calls finish at once.
func NewCountdown(parts int, finish func()) *Countdown {
	c := &Countdown{finish: finish}
	if c.left.Store(int32(parts)); parts == 0 {
		finish()
	}
	return c
}

// Done tells that one more part is done.
func (c *Countdown) Done() {
	if c.left.Add(-1) == 0 {
		c.finish()
	}
}
