// Package clock is the only source of time below the sockets.
//
// Every room takes a Clock by parameter: production passes Real, tests pass a
// Manual and move it by hand, so that no test ever sleeps. Wall time stamps
// records and decides retention; monotonic time drives sessions, timeouts and
// throttles, because wall time can jump (NTP, a suspended laptop).
package clock

import (
	"sync"
	"time"
)

// Clock tells wall and monotonic time and runs functions later.
type Clock interface {
	// Now is the wall-clock time, for record timestamps and retention only.
	Now() time.Time
	// Monotonic is the time since an arbitrary origin; it never goes back.
	Monotonic() time.Duration
	// AfterFunc runs f on its own goroutine once d has passed on the monotonic clock.
	AfterFunc(d time.Duration, f func()) Timer
}

// Timer is a pending call of AfterFunc.
type Timer interface {
	// Stop prevents the call and reports whether it was still pending.
	Stop() bool
	// Reset makes the call happen d from now and reports whether it was still pending.
	Reset(d time.Duration) bool
}

// Real is the machine's clock.
func Real() Clock { return realClock{} }

var origin = time.Now()

type realClock struct{}

func (realClock) Now() time.Time           { return time.Now() }
func (realClock) Monotonic() time.Duration { return time.Since(origin) }
func (realClock) AfterFunc(d time.Duration, f func()) Timer {
	return time.AfterFunc(d, f)
}

// Manual is a clock that stands still until Advance moves it.
type Manual struct {
	mu struct {
		sync.Mutex
		wall    time.Time
		elapsed time.Duration
		timers  map[*manualTimer]struct{}
		nextSeq uint64
	}
}

// NewManual returns a clock that shows start.
func NewManual(start time.Time) *Manual {
	m := &Manual{}
	m.mu.wall = start
	m.mu.timers = make(map[*manualTimer]struct{})
	return m
}

type manualTimer struct {
	clock *Manual
	at    time.Duration
	seq   uint64 // orders timers that are due at the same instant
	call  func()
}

// Now implements Clock.
func (m *Manual) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.mu.wall
}

// Monotonic implements Clock.
func (m *Manual) Monotonic() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.mu.elapsed
}

// AfterFunc implements Clock; f runs on the goroutine that calls Advance.
func (m *Manual) AfterFunc(d time.Duration, f func()) Timer {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := &manualTimer{clock: m, call: f}
	t.arm(d)
	return t
}

// Advance moves both times by d and runs the calls that fall due, in order,
// each at its own instant, on the caller's goroutine.
func (m *Manual) Advance(d time.Duration) {
	m.mu.Lock()
	end := m.mu.elapsed + d
	for {
		next := m.dueLocked(end)
		if next == nil {
			break
		}
		delete(m.mu.timers, next)
		m.moveLocked(next.at)
		m.mu.Unlock()
		next.call()
		m.mu.Lock()
	}
	m.moveLocked(end)
	m.mu.Unlock()
}

// JumpWall moves wall time alone, as a wrong time server does.
func (m *Manual) JumpWall(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mu.wall = m.mu.wall.Add(d)
}

// Pending is the number of calls that are waiting for their time.
func (m *Manual) Pending() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.mu.timers)
}

func (m *Manual) moveLocked(to time.Duration) {
	if to > m.mu.elapsed {
		m.mu.wall = m.mu.wall.Add(to - m.mu.elapsed)
		m.mu.elapsed = to
	}
}

func (m *Manual) dueLocked(limit time.Duration) *manualTimer {
	var first *manualTimer
	for t := range m.mu.timers {
		if t.at > limit {
			continue
		}
		if first == nil || t.at < first.at || t.at == first.at && t.seq < first.seq {
			first = t
		}
	}
	return first
}

func (t *manualTimer) arm(d time.Duration) {
	m := t.clock
	m.mu.nextSeq++
	t.at, t.seq = m.mu.elapsed+max(d, 0), m.mu.nextSeq
	m.mu.timers[t] = struct{}{}
}

func (t *manualTimer) Stop() bool {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	_, pending := t.clock.mu.timers[t]
	delete(t.clock.mu.timers, t)
	return pending
}

func (t *manualTimer) Reset(d time.Duration) bool {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	_, pending := t.clock.mu.timers[t]
	t.arm(d)
	return pending
}
