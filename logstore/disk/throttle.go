package disk

import (
	"math"
	"time"

	"github.com/barnabas-mq/barnabas/internal/clock"
)

// throttleDebt is how far ahead of its rate the cleaner may get before it waits:
// short waits cost more than they save.
const throttleDebt = 50 * time.Millisecond

// throttle keeps bytes to a rate. It belongs to one goroutine.
type throttle struct {
	clock   clock.Clock
	stopped <-chan struct{}
	// paidUntil is when the bytes so far would be through at the rate.
	paidUntil time.Duration
}

// pay counts bytes and waits when they came too fast; false when the store stops.
func (t *throttle) pay(bytes int, perSecondMax float64) bool {
	select {
	case <-t.stopped:
		return false
	default:
	}
	if perSecondMax <= 0 || perSecondMax >= math.MaxInt64 {
		return true
	}
	now := t.clock.Monotonic()
	cost := float64(bytes) / perSecondMax * float64(time.Second)
	t.paidUntil = max(t.paidUntil, now) + time.Duration(min(cost, float64(time.Hour)))
	if t.paidUntil-now < throttleDebt {
		return true
	}
	over := make(chan struct{})
	timer := t.clock.AfterFunc(t.paidUntil-now, func() { close(over) })
	defer timer.Stop()
	select {
	case <-over:
		return true
	case <-t.stopped:
		return false
	}
}
