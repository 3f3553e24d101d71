package server

import (
	"bytes"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/barnabas-mq/barnabas/internal/clock"
)

// lineLog has lines that can be read.
type lineLog struct {
	*Lines
	clock *clock.Manual
	text  bytes.Buffer
}

func newLineLog(perSecond int) *lineLog {
	l := &lineLog{clock: clock.NewManual(time.UnixMilli(0))}
	l.Lines = &Lines{Log: slog.New(slog.NewTextHandler(&l.text, nil)), Clock: l.clock, Message: "access denied", PerSecond: perSecond}
	return l
}

func (l *lineLog) deny(name string, times int) {
	for range times {
		l.Tell("User:"+name, "principal", "User:"+name)
	}
}

// count is how many lines there are about a user, or about all for "".
func (l *lineLog) count(name string) int {
	if name != "" {
		name += "\n"
	}
	return strings.Count(l.text.String(), `msg="access denied" principal=User:`+name)
}

// Somebody who is denied without end does not keep from the log what others are denied.
func TestOneClientLeavesLinesToOthers(t *testing.T) {
	l := newLineLog(10)
	for range 5 {
		l.text.Reset()
		l.deny("mallory", 1000)
		l.deny("alice", 1)
		l.deny("bob", 1)
		if n := l.count("alice") + l.count("bob"); n != 2 {
			t.Errorf("of two others there are %d lines", n)
		}
		l.deny("carol", 1000)
		l.deny("mallory", 1000)
		if n := l.count(""); n > 10 {
			t.Errorf("%d lines in a second", n)
		}
		l.clock.Advance(time.Second)
	}
}

// However many are denied, a second has no more lines than are allowed, and no more
// principals are remembered than have a line.
func TestDeniedLinesOfManyClients(t *testing.T) {
	l := newLineLog(10)
	for i := range 1000 {
		l.deny("user"+strconv.Itoa(i), 3)
	}
	if n := l.count(""); n != 10 {
		t.Errorf("%d lines in a second", n)
	}
	if n := len(l.mu.told) + len(l.mu.untold); n > 10+untoldNamesMax {
		t.Errorf("%d principals are remembered", n)
	}
	l.clock.Advance(time.Second)
	if !strings.Contains(l.text.String(), " times=2990 ") || !strings.Contains(l.text.String(), " others=2970\n") {
		t.Errorf("the log does not say how many were left out:\n%s", &l.text)
	}
}

// What was left out in a second is told at its end, by principal, once.
func TestDenialsLeftOut(t *testing.T) {
	l := newLineLog(2)
	l.deny("mallory", 5)
	l.deny("alice", 2)
	l.deny("bob", 1)
	l.clock.Advance(time.Second)
	const want = `msg="access denied more often than there are lines for" times=6 of="User:alice 1, User:bob 1, User:mallory 4"` + "\n"
	l.clock.Advance(5 * time.Second)
	if n := strings.Count(l.text.String(), want); n != 1 || strings.Count(l.text.String(), "times=") != 1 {
		t.Errorf("the log has it %d times:\n%s", n, &l.text)
	}
	if l.deny("bob", 1); l.count("bob") != 1 {
		t.Error("another second has no lines")
	}
	l.clock.Advance(5 * time.Second)
	if strings.Count(l.text.String(), "times=") != 1 {
		t.Errorf("nothing was left out:\n%s", &l.text)
	}
	none := newLineLog(0)
	none.deny("mallory", 5)
	if none.clock.Advance(time.Second); none.count("") != 0 {
		t.Error("there are lines where none are wanted")
	}
}

// Whoever fails over and over fills no log: neither by handshakes, nor by logins, nor by
// what is no request, nor by too many connections. The counters know of all.
func TestTroubleFillsNoLog(t *testing.T) {
	const times, lines = 20, 3
	for _, c := range []struct {
		name, line string
		secure     bool
		perAddress int
		send       string
		count      func(s *Server) int64
	}{
		{"handshakes", "the TLS handshake failed", true, times, "\x16\x03\x01\x00\x04junk", func(s *Server) int64 { return s.unsecured.Value() }},
		{"logins", "the login failed", false, times, string(frame("refuse")), func(s *Server) int64 { return s.unsecured.Value() }},
		{"no requests", "this is an HTTP request", false, times, "GET / HTTP/1.1\r\n\r\n", func(s *Server) int64 { return s.broken.Value() }},
		{"too many", "its address has too many", false, 0, "", func(s *Server) int64 { return s.refused.Value() }},
	} {
		t.Run(c.name, func(t *testing.T) {
			change := func(o *Options) {
				o.LinesMax, o.Limits.ConnectionsPerAddress = 2*lines, c.perAddress // half of them are for others
				o.Clock = clock.NewManual(time.Unix(0, 0))
			}
			var w *world
			if c.secure {
				w, _ = newSecureWorld(t, change)
			} else {
				w = newWorld(t, change)
			}
			for range times {
				peer := w.dial("127.0.0.1")
				_, _ = io.WriteString(peer, c.send) // the end may come before it
				_, _ = io.Copy(io.Discard, peer)
				_ = peer.Close()
			}
			waitFor(t, "all are counted", func() bool { return c.count(w.server) == times })
			if n := strings.Count(w.logged(), c.line); n != lines {
				t.Errorf("%d lines of %q:\n%s", n, c.line, w.logged())
			}
		})
	}
}

// Closed lines have told what was left out, and write nothing more.
func TestClosedLines(t *testing.T) {
	l := newLineLog(1)
	l.deny("mallory", 3)
	l.Close()
	if !strings.Contains(l.text.String(), "times=2 ") || l.clock.Pending() != 0 {
		t.Errorf("%d timers run, and the log has\n%s", l.clock.Pending(), &l.text)
	}
	l.text.Reset()
	l.deny("mallory", 3)
	l.clock.Advance(time.Minute)
	if l.Close(); l.text.Len() > 0 {
		t.Errorf("after the end the log has\n%s", &l.text)
	}
}

// When a server has ended, so have its lines.
func TestNoLinesAfterTheEnd(t *testing.T) {
	manual := clock.NewManual(time.Unix(0, 0))
	w := newWorld(t, func(o *Options) { o.LinesMax, o.Clock = 1, manual })
	for _, l := range w.server.lines() {
		l.Tell("somebody")
		l.Tell("somebody")
	}
	if err := w.server.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(w.logged(), "times=1 "); n != len(w.server.lines()) || manual.Pending() != 0 {
		t.Errorf("%d timers run, and the log has\n%s", manual.Pending(), w.logged())
	}
}

// Names are cut at so many bytes, and between characters.
func TestLongNamesInLines(t *testing.T) {
	for _, before := range []string{"", "a", "ab", "abc"} {
		name := before + strings.Repeat("🦉", untoldNameBytes)
		if got := shortened(name); !utf8.ValidString(got) || len(got) > untoldNameBytes || len(got) <= untoldNameBytes-utf8.UTFMax {
			t.Errorf("%d bytes: %q", len(got), got)
		}
	}
	if got := shortened(strings.Repeat("\x80", 2*untoldNameBytes)); len(got) > untoldNameBytes {
		t.Errorf("%d bytes of no characters", len(got))
	}
	if shortened("User:alice") != "User:alice" {
		t.Error("a short name is cut")
	}
}
