package api

import (
	"bytes"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/internal/clock"
)

// auditLog is an audit whose lines can be read.
type auditLog struct {
	*Audit
	clock *clock.Manual
	text  bytes.Buffer
}

func newAuditLog(perSecond int) *auditLog {
	l := &auditLog{clock: clock.NewManual(time.UnixMilli(0))}
	l.Audit = &Audit{Log: slog.New(slog.NewTextHandler(&l.text, nil)), Clock: l.clock, PerSecond: perSecond}
	return l
}

func (l *auditLog) deny(name string, times int) {
	for range times {
		l.denied(&Request{}, &auth.Action{Who: auth.User(name), Operation: auth.Read, Type: auth.Topic, Name: "orders"}, auth.Verdict{})
	}
}

// count is how many lines there are about a user, or about all for "".
func (l *auditLog) count(name string) int {
	if name != "" {
		name += " " // ends the principal
	}
	return strings.Count(l.text.String(), `msg="access denied" principal=User:`+name)
}

// Somebody who is denied without end does not keep from the log what others are denied.
func TestOneClientLeavesLinesToOthers(t *testing.T) {
	l := newAuditLog(10)
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
	l := newAuditLog(10)
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
	if !strings.Contains(l.text.String(), " denials=2990 ") || !strings.Contains(l.text.String(), " others=2970\n") {
		t.Errorf("the log does not say how many were left out:\n%s", &l.text)
	}
}

// What was left out in a second is told at its end, by principal, once.
func TestDenialsLeftOut(t *testing.T) {
	l := newAuditLog(2)
	l.deny("mallory", 5)
	l.deny("alice", 2)
	l.deny("bob", 1)
	l.clock.Advance(time.Second)
	const want = `msg="access denied more often than there are lines for" denials=6 of="User:alice 1, User:bob 1, User:mallory 4"` + "\n"
	l.clock.Advance(5 * time.Second)
	if n := strings.Count(l.text.String(), want); n != 1 || strings.Count(l.text.String(), "denials=") != 1 {
		t.Errorf("the log has it %d times:\n%s", n, &l.text)
	}
	if l.deny("bob", 1); l.count("bob") != 1 {
		t.Error("another second has no lines")
	}
	l.clock.Advance(5 * time.Second)
	if strings.Count(l.text.String(), "denials=") != 1 {
		t.Errorf("nothing was left out:\n%s", &l.text)
	}
	none := newAuditLog(0)
	none.deny("mallory", 5)
	if none.clock.Advance(time.Second); none.count("") != 0 {
		t.Error("there are lines where none are wanted")
	}
}
