package kerberos

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"
	"time"
)

// No request counts twice, and none that was ever remembered is forgotten while it could.
func TestReplays(t *testing.T) {
	l, a, now := newLogin(etypes[2]), newAcceptor(t), noon
	a.options.Now = func() time.Time { return now }
	token := l.token()
	if _, err := a.NewContext().Accept(token); err != nil {
		t.Fatal(err)
	}
	for _, now = range []time.Time{noon, noon.Add(Skew), noon.Add(-time.Minute)} {
		var refused *Error
		if _, err := a.NewContext().Accept(token); !errors.As(err, &refused) || refused.Code != CodeReplay || !refused.Retriable() {
			t.Errorf("%v: %v", now, err)
		}
	}
	l.at = l.at.Add(time.Microsecond)
	now = noon
	if _, err := a.NewContext().Accept(l.token()); err != nil {
		t.Errorf("another request of the same client: %v", err)
	}
}

// Who repeats a request that asks for a reply gets a key that it cannot know, and needs no
// place: all that was said under another is nothing under that.
func TestARepeatedRequestForAReplyIsWorthNothing(t *testing.T) {
	l, a, n := newLogin(etypes[2]), newAcceptor(t), byte(0)
	a.options.Random = func(b []byte) {
		n++
		copy(b, bytes.Repeat([]byte{n}, len(b)))
	}
	l.gssFlags |= flagMutual
	token := l.token()
	first, second := a.NewContext(), a.NewContext()
	for _, c := range []*Context{first, second} {
		if answer, err := c.Accept(token); err != nil || answer == nil {
			t.Fatal(answer, err)
		}
	}
	choice := clientWrap(first.key, wrapOwn, 1000, []byte{1, 0, 0, 0})
	if _, err := first.Unwrap(choice); err != nil {
		t.Error(err)
	}
	if _, err := second.Unwrap(choice); err == nil {
		t.Error("what was said to another counts")
	}
	if n := len(a.options.Replays.mu.now.seen); n != 0 {
		t.Errorf("%d requests are remembered", n)
	}
}

// logins are requests of a client at a time; add stops at the first that is refused.
type logins struct {
	*Replays
	n uint64
}

func (l *logins) id(n uint64) (id digest) {
	binary.BigEndian.PutUint64(id[:], n)
	return id
}

func (l *logins) add(client string, most int, at time.Time) (n int, err error) {
	for n = range most {
		l.n++
		if err = l.Replays.add(l.id(l.n), Principal{[]string{client}, "R"}, at, at); err != nil {
			return n, err
		}
	}
	return most, nil
}

// Who logs in without end keeps nobody else out, and is not told that it repeats something.
func TestReplaysAreBounded(t *testing.T) {
	l := &logins{Replays: NewReplays()}
	all := 0
	for _, client := range []string{"mallory", "eve", "oscar"} {
		n, err := l.add(client, requestsMax+1, noon)
		var refused *Error
		if want := (requestsMax - all) / 2; n != want || !errors.As(err, &refused) || refused.Code != CodeUnavailable || !refused.Retriable() {
			t.Errorf("%s: %d logins, want %d: %v", client, n, want, err)
		}
		all += n
		if n, err := l.add("alice-after-"+client, 1000, noon); err != nil {
			t.Errorf("after %d others: %v", n, err)
		}
		all += 1000
	}
	for n := 0; all < requestsMax; n++ {
		if _, err := l.add(fmt.Sprint(n), 1, noon); err != nil {
			t.Fatalf("%d of all: %v", all, err)
		}
		all++
	}
	if _, err := l.add("bob", 1, noon); err == nil {
		t.Error("there is no bound")
	}
	if _, err := l.add("mallory", 1, noon.Add(Skew+time.Second)); err != nil {
		t.Errorf("minutes later: %v", err)
	}
}

// What is remembered is so until the wall clock has passed it, wherever that is put.
func TestReplaysAndAClockThatIsPut(t *testing.T) {
	l := &logins{Replays: NewReplays()}
	if _, err := l.add("alice", 1, noon); err != nil {
		t.Fatal(err)
	}
	now := noon
	for _, by := range []time.Duration{
		-24 * time.Hour, 3 * time.Hour, 6 * time.Hour, 15*time.Hour - 4*time.Minute, time.Minute, 6 * time.Minute, time.Minute, time.Minute,
	} {
		now = now.Add(by)
		if _, err := l.add("bob", 1, now); err != nil {
			t.Fatal(err)
		}
		if err := l.Replays.add(l.id(1), alice, noon, now); err == nil {
			t.Errorf("at %v one is forgotten", now)
		}
	}
	for range 2 { // now becomes before, and is forgotten
		now = now.Add(2 * Skew)
		if _, err := l.add("bob", 1, now); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Replays.add(l.id(1), alice, noon, now); err != nil {
		t.Errorf("long after: %v", err)
	}
}
