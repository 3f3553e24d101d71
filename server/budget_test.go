package server

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/internal/clock"
)

// begin announces a request and sends a part of it.
func (w *world) begin(announced, sent int) net.Conn {
	w.t.Helper()
	c := w.dial("127.0.0.1")
	w.send(c, frame("echo " + strings.Repeat("x", announced))[:sent])
	return c
}

func (w *world) used() int64 {
	w.server.budget.mu.Lock()
	defer w.server.budget.mu.Unlock()
	return w.server.budget.room.used
}

// Who holds parts of large requests keeps nobody with a small one, and does not get more
// memory than there is, however many they are and although each had some of it.
func TestPartsOfRequestsAreBounded(t *testing.T) {
	const limit, peers = 1 << 20, 16
	w := newWorld(t, func(o *Options) { o.RequestBytesMax = limit })
	var all []net.Conn
	for range peers {
		all = append(all, w.begin(900_000, 30_000))
	}
	waitFor(t, "all to hold something", func() bool { return w.used() >= peers*30_000 })
	for _, c := range all {
		go func() { _, _ = c.Write(make([]byte, 700_000)) }() // ends with the connection
	}
	waitFor(t, "no room to be left", func() bool { return w.used() > limit/2 })
	for range 100 {
		c := w.dial("127.0.0.1")
		w.send(c, frame("echo small"))
		w.expect(c, "small")
		_ = c.Close()
	}
	if used := w.used(); used > 2*limit { // one may go over it
		t.Errorf("%d bytes are held", used)
	}
}

// Large requests that come at the same time wait for each other, and none is lost.
func TestLargeRequestsWaitForEachOther(t *testing.T) {
	const limit, peers = 1 << 20, 8
	w := newWorld(t, func(o *Options) { o.RequestBytesMax = limit })
	big := strings.Repeat("y", 700_000)
	var all []net.Conn
	for range peers { // all hold a part
		c := w.dial("127.0.0.1")
		w.send(c, frame("echo " + big)[:100_000])
		all = append(all, c)
	}
	for _, c := range all {
		go func() { _, _ = c.Write(frame("echo " + big)[100_000:]) }()
	}
	for _, c := range all {
		w.expect(c, big)
	}
	waitFor(t, "all room to be free", func() bool { return w.used() == 0 })
}

// Who sends one large request after the other, without a pause, does not keep others from
// theirs.
func TestAStreamOfLargeRequestsLetsOthersIn(t *testing.T) {
	const limit, peers, each = 300_000, 4, 30
	w := newWorld(t, func(o *Options) { o.RequestBytesMax = limit })
	big := strings.Repeat("y", 250_000)
	stream := strings.Repeat(string(frame("echo "+big)), each)
	var all sync.WaitGroup
	for range peers {
		c := w.dial("127.0.0.1")
		go func() { _, _ = c.Write([]byte(stream)) }() // ends with the connection
		all.Go(func() {
			if n, err := io.CopyN(io.Discard, c, int64(each*(frameLengthBytes+len(big)))); err != nil {
				t.Errorf("%d bytes of answers, %v", n, err)
			}
		})
	}
	all.Wait()
	waitFor(t, "all room to be free", func() bool { return w.used() == 0 })
}

// budgetWorld has a clock of its own for who is slow.
func budgetWorld(t *testing.T, limit int64) (*world, *clock.Manual) {
	manual := clock.NewManual(time.UnixMilli(0))
	return newWorld(t, func(o *Options) { o.Clock, o.RequestBytesMax = manual, limit }), manual
}

func (w *world) waiting() int {
	w.server.budget.mu.Lock()
	defer w.server.budget.mu.Unlock()
	return len(w.server.budget.room.waiting)
}

func (w *world) waitFor(waiting int, used int64) {
	w.t.Helper()
	waitFor(w.t, "as many to hold and to wait", func() bool { return w.waiting() == waiting && w.used() == used })
}

// untilWaiting lets time pass until only so many wait.
func (w *world) untilWaiting(n int, now *clock.Manual) {
	w.t.Helper()
	waitFor(w.t, "others to be ended", func() bool {
		now.Advance(lookInterval)
		return w.waiting() == n
	})
}

// Who has sent a whole request before has room at once for one that only begins, and is as
// slow as others if no more comes of it.
func TestARequestOfATrustedSizeThatDoesNotComeIsEnded(t *testing.T) {
	w, now := budgetWorld(t, 1<<20)
	big := strings.Repeat("y", 700_000)
	var all []net.Conn
	for range 2 {
		c := w.dial("127.0.0.1")
		w.send(c, frame("echo "+big))
		w.expect(c, big)
		all = append(all, c)
	}
	w.waitFor(0, 0)
	for i, c := range all {
		w.send(c, frame("echo " + big)[:frameLengthBytes])
		w.waitFor(i, 1<<20) // one is over the limit, the other waits with nothing
	}
	c := w.dial("127.0.0.1")
	go func() { _, _ = c.Write(frame("echo " + big)) }() // ends with the connection
	w.waitFor(2, 1<<20+256<<10)
	w.untilWaiting(1, now) // the other has its turn, and its time
	w.expectEnd(all[0])
	w.untilWaiting(0, now)
	w.expectEnd(all[1])
	w.expect(c, big)
	waitFor(t, "the log to tell", func() bool { return strings.Count(w.logged(), "came too slowly") == 2 })
}

// Who waits for room with a part in hand is not slow for that, however long it takes.
func TestWhoWasLetWaitIsNotSlow(t *testing.T) {
	const limit, large, full, part = 64 << 10, 900_000, 1 << 20, 16 << 10
	w, now := budgetWorld(t, limit)
	text := strings.Repeat("x", large)
	all := frame("echo " + text)
	finish := func(c net.Conn, sent int) {
		w.send(c, all[sent:])
		w.expect(c, text)
	}
	first := w.begin(large, 300_000) // over the limit
	w.waitFor(0, full)
	second := w.begin(large, 20_000)
	w.waitFor(1, full+part)
	decent := w.begin(large, 20_000)
	w.waitFor(2, full+2*part)
	now.Advance(slowTime - lookInterval)
	finish(first, 300_000)
	w.waitFor(1, 4*part+part)
	now.Advance(slowTime - lookInterval)
	last := w.begin(large, 20_000)
	w.waitFor(2, 4*part+2*part)
	finish(second, 20_000)
	w.waitFor(1, 4*part+part)
	now.Advance(slowTime - lookInterval) // now it is waited for
	finish(decent, 20_000)
	finish(last, 20_000)
	w.waitFor(0, 0)
}

// Who has sent a part quickly and waits for room has its turn over the limit, and loses it
// when no more comes: many such parts are no more than so many turns before others.
func TestThoseWhoWaitHaveTheirTurnInTheirOrder(t *testing.T) {
	const full, large, part = 1 << 20, 900_000, 256 << 10
	w, now := budgetWorld(t, full)
	all := frame("echo " + strings.Repeat("x", large))
	var peers []net.Conn
	for i := range 3 {
		peers = append(peers, w.begin(large, 100_000))
		w.waitFor(0, int64((i+1)*part))
	}
	for i, c := range peers {
		w.send(c, all[100_000:300_000])
		w.waitFor(i, full+2*part)
	}
	decent := w.begin(large, 300_000)
	w.waitFor(3, full+3*part)
	for i, c := range peers {
		w.untilWaiting(2-i, now)
		w.expectEnd(c)
	}
	w.send(decent, all[300_000:])
	w.expect(decent, strings.Repeat("x", large))
}

// What a connection keeps while it is busy elsewhere is no more than anybody may hold.
func TestWhoIsBusyHoldsNothingOfTheNextRequest(t *testing.T) {
	const full, large = 1 << 20, 900_000
	w, _ := budgetWorld(t, full)
	text := strings.Repeat("x", large)
	c := w.dial("127.0.0.1")
	w.send(c, frame("echo "+text))
	w.expect(c, text)
	w.send(c, append(frame("wait poll"), frame("echo " + text)[:800_000]...))
	w.came("echo "+text, "waits poll")
	if used := w.used(); used != 0 {
		t.Errorf("%d bytes are held", used)
	}
	w.handler.leave <- struct{}{}
	w.send(c, frame("echo " + text)[800_000:])
	w.expect(c, "poll", text)
	w.waitFor(0, 0)
}

// While a peer holds what is over the limit, and others all that is within it but a little,
// a request of middle size is served.
func TestLargeRequestsKeepNobodyElseWaiting(t *testing.T) {
	const limit, large = 1 << 20, 900_000
	w, _ := budgetWorld(t, limit)
	for i := range 5 {
		w.begin(large, 300_000)
		waitFor(t, "it to take what it can", func() bool { return w.waiting() >= i })
	}
	text := strings.Repeat("y", 30_000)
	c := w.dial("127.0.0.1")
	w.send(c, frame("echo "+text))
	w.expect(c, text)
}

// Nothing is held while there is no place for the answer to a large request.
func TestALargeRequestWaitsForAPlaceForItsAnswer(t *testing.T) {
	const full, large = 1 << 20, 900_000
	manual := clock.NewManual(time.UnixMilli(0))
	w := newWorld(t, func(o *Options) { o.Clock, o.RequestBytesMax, o.RepliesMax = manual, full, 2 })
	text := strings.Repeat("x", large)
	c := w.dial("127.0.0.1")
	w.send(c, frame("park a", "park b"))
	w.came("park a", "park b")
	w.send(c, frame("echo " + text)[:300_000])
	other := w.dial("127.0.0.1")
	w.send(other, frame("echo "+text))
	w.expect(other, text)
	w.waitFor(0, 0)
	w.handler.release("a")
	w.handler.release("b")
	w.send(c, frame("echo " + text)[300_000:])
	w.expect(c, "a", "b", text)
}
