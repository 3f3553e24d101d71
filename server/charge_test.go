package server

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/internal/clock"
)

// throttledWorld has a clock of its own for those who are throttled.
func throttledWorld(t *testing.T) (*world, *clock.Manual) {
	manual := clock.NewManual(time.UnixMilli(0))
	return newWorld(t, func(o *Options) { o.Clock = manual }), manual
}

func (w *world) waitMuted(n int64) {
	w.t.Helper()
	waitFor(w.t, "the connection is muted", func() bool { return w.server.muted.Value() == n })
}

// nothingCame makes sure of it by asking another connection.
func (w *world) nothingCame() {
	w.t.Helper()
	other := w.dial("127.0.0.1")
	w.send(other, frame("echo other"))
	w.expect(other, "other")
	w.came("echo other")
}

// The answer comes at once, and what is sent behind the request waits for its time.
func TestAThrottledConnectionIsAnsweredAndMuted(t *testing.T) {
	w, now := throttledWorld(t)
	c := w.dial("127.0.0.1")
	w.send(c, frame("echo first", "charge 1000", "echo behind"))
	w.expect(c, "first", "1000")
	w.came("echo first", "charge 1000")
	if got := <-w.handler.charged; got != "\x00\x00\x00\x041000" {
		t.Errorf("it was charged for %q", got)
	}
	w.waitMuted(1)
	now.Advance(999 * time.Millisecond)
	w.nothingCame()
	now.Advance(time.Millisecond)
	w.expect(c, "behind")
	w.came("echo behind")
	w.waitMuted(0)

	// Without a time nothing waits, and neither does anybody for whom time went by.
	w.send(c, frame("charge 0", "echo end"))
	w.expect(c, "0", "end")
}

// What a throttled client sends behind its request takes no room from others. Only of
// the first request that is charged more may have been read.
func TestAThrottledConnectionTakesNoRoom(t *testing.T) {
	const limit = 1 << 20
	manual := clock.NewManual(time.UnixMilli(0))
	w := newWorld(t, func(o *Options) { o.Clock, o.RequestBytesMax = manual, limit })
	big := strings.Repeat("y", 700_000)
	for i := range int64(2) {
		c := w.dial("127.0.0.1")
		w.send(c, frame("charge 0"))
		w.expect(c, "0")
		w.send(c, frame("echo "+big)) // its size is trusted from now on
		w.expect(c, big)
		w.send(c, append(frame("charge 1000"+strings.Repeat(" ", len(big))), frame("echo " + big)[:200_000]...))
		w.expect(c, "1000")
		w.waitMuted(i + 1)
		w.server.budget.mu.Lock()
		if n := w.server.budget.room.used; n != 0 {
			t.Errorf("throttled connections hold %d bytes", n)
		}
		w.server.budget.mu.Unlock()
	}
	other := w.dial("127.0.0.1")
	w.send(other, frame("echo "+big))
	w.expect(other, big)
}

// Requests do not overtake one that is charged later, and the time begins with the answer.
func TestAParkedCallIsChargedWhenItIsAnswered(t *testing.T) {
	w, now := throttledWorld(t)
	c := w.dial("127.0.0.1")
	w.send(c, frame("park a", "charge-park 500", "echo behind"))
	w.came("park a", "charge-park 500")
	now.Advance(30 * time.Second)
	w.handler.release("500")
	w.nothingCame()
	w.handler.release("a")
	w.expect(c, "a", "500")
	if got := <-w.handler.charged; got != "\x00\x00\x00\x03500" {
		t.Errorf("it was charged for %q", got)
	}
	w.waitMuted(1)
	now.Advance(500 * time.Millisecond)
	w.expect(c, "behind")
	w.came("echo behind")

	w.send(c, frame("charge-silent 20", "echo after silence"))
	if got := <-w.handler.charged; got != "" {
		t.Errorf("it was charged for %q", got)
	}
	w.waitMuted(1)
	now.Advance(20 * time.Millisecond)
	w.expect(c, "after silence")
}

// Nobody waits for who is throttled: neither a stop nor a pause, and after the longest
// silence that is allowed the connection ends.
func TestThrottledConnectionsEnd(t *testing.T) {
	w, now := throttledWorld(t)
	tooLong, paused, parked := w.dial("127.0.0.1"), w.dial("127.0.0.1"), w.dial("127.0.0.1")
	w.send(tooLong, frame("charge 3600000"))
	w.expect(tooLong, "3600000")
	w.waitMuted(1)
	now.Advance(time.Minute)
	w.expectEnd(tooLong)

	w.send(paused, frame("charge 1000", "echo never"))
	w.expect(paused, "1000")
	w.waitMuted(1)
	w.send(parked, frame("charge-park 7", "echo never"))
	w.came("charge 3600000", "charge 1000", "charge-park 7")
	w.server.Pause(context.Background())
	w.expectEnd(paused)
	w.expectEnd(parked)
	if len(w.handler.came) != 0 {
		t.Errorf("the handler saw %q", <-w.handler.came)
	}
}

// A call that is never answered holds its connection no longer than silence would: nobody
// reads meanwhile, and so nobody sees that the peer has gone.
func TestAChargedCallThatIsNotAnsweredEnds(t *testing.T) {
	w, now := throttledWorld(t)
	c := w.dial("127.0.0.1")
	w.send(c, frame("charge-park 500", "echo never"))
	w.came("charge-park 500")
	waitFor(t, "the connection waits for its answer", func() bool { return now.Pending() > 0 })
	now.Advance(time.Minute)
	w.expectEnd(c)
	if len(w.handler.came) != 0 {
		t.Errorf("the handler saw %q", <-w.handler.came)
	}
}
