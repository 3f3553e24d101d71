package server

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
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
	return w.server.budget.used
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

// A claim that is slow is ended while somebody waits, and others are not.
func TestSlowClaimsAreEvicted(t *testing.T) {
	const limit = 1000
	b := newBudget(limit)
	ends := make(chan string, 10)
	open := func(name string, held int, since time.Duration, have int) *claim {
		c := &claim{sock: deadlineFunc(func() { ends <- name })}
		if b.grow(c, held); since > 0 {
			c.awaits(time.Now().Add(-since), have)
		}
		return c
	}
	slow := open("slow", 300, slowTime+time.Second, slowest)
	fast := open("fast", 300, slowTime+time.Second, 2*(slowest*int((slowTime+time.Second)/time.Second)))
	young := open("young", 100, slowTime/2, 0)
	busy := open("busy", 300, 0, 0)
	over := open("over", 300, slowTime+time.Second, 0)
	room := make(chan struct{})
	go func() { open("waiting", 200, 0, 0); close(room) }()
	got := []string{<-ends, <-ends}
	for _, c := range []*claim{slow, over} { // as their connections do
		b.set(c, 0)
	}
	<-room
	if len(ends) != 0 || got[0] != "slow" || got[1] != "over" {
		t.Errorf("ended: %v, and %d more", got, len(ends))
	}
	for _, c := range []*claim{fast, young, busy} {
		b.set(c, 0)
	}
	if b.used != 200 || b.over != nil {
		t.Errorf("%d bytes are used", b.used)
	}
}

type deadlineFunc func()

func (f deadlineFunc) SetReadDeadline(time.Time) error { f(); return nil }
