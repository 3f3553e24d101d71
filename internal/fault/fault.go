// Package fault decides which requests fail on command: rules that somebody sets,
// what they match, how often they have fired. It knows nothing of the wire and does
// nothing to anybody; server/api asks it and does what the rule says.
//
//	request ─> Set.Decide ─> the first rule that matches and is due ─> *Fault
//
// A Set without rules costs its users one atomic load.
package fault

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// faultsMax bounds the faults of a Set, those that are spent included.
const faultsMax = 1000

// delayMax is longer than any test; a delay holds a connection.
const delayMax = 24 * time.Hour

var (
	// ErrRemoved answers those who wait for a fault that was removed.
	ErrRemoved = errors.New("the fault was removed")
	// ErrTooMany answers who sets a fault too many.
	ErrTooMany = fmt.Errorf("there are %d faults: remove some", faultsMax)
)

// AnyPartition is the partition of a Place that names a topic as a whole.
const AnyPartition = -1

// Place is a topic, or a partition of it, that a request names.
type Place struct {
	Topic     string
	Partition int32
}

// Request is what rules look at.
type Request struct {
	Key      int16
	ClientID string
	// Places are what the request names; none where its API knows no topics.
	Places []Place
}

// Drop says when the connection of a request is closed in place of an answer.
type Drop uint8

const (
	// DropNever answers.
	DropNever Drop = iota
	// DropBefore closes the connection and does nothing of what was asked.
	DropBefore
	// DropAfter does what was asked; the client does not hear of it.
	DropAfter
)

// Rule is what is to fail, how often, and how. The zero value matches every
// request and does nothing to it.
type Rule struct {
	// Keys are the API keys that match; none is every API.
	Keys []int16
	// Topic matches requests that name it; empty is all requests.
	Topic string
	// Partitions of Topic that match; none is all of them.
	Partitions []int32
	// ClientID matches the requests of clients of that name; empty is everybody's.
	ClientID string

	// After lets so many matching requests pass before the first that fails.
	After int
	// Every makes only every nth of the matching ones fail; 0 and 1 are each.
	Every int
	// Times ends the rule when it has fired so often; 0 is never.
	Times int

	// Delay is waited before anything else is done.
	Delay time.Duration
	// Code is the error code to answer with in place of doing the work; 0 is none. With
	// Topic it is for what matches alone: the rest of the request is served.
	Code int16
	Drop Drop
}

// Check tells what is wrong with a rule.
func (r *Rule) Check() error {
	switch {
	case r.Delay == 0 && r.Code == 0 && r.Drop == DropNever:
		return errors.New("a fault needs an error code, a delay or a dropped connection")
	case r.Code != 0 && r.Drop != DropNever:
		return errors.New("a fault has an error code or drops the connection, not both")
	case len(r.Partitions) > 0 && r.Topic == "":
		return errors.New("a fault for partitions needs their topic")
	case r.Delay > delayMax:
		return fmt.Errorf("a fault delays for up to %v, not %v", delayMax, r.Delay)
	case r.After < 0 || r.Every < 0 || r.Times < 0 || r.Delay < 0:
		return fmt.Errorf("a fault counts from 0 on, not after %d, every %d, times %d, delay %v", r.After, r.Every, r.Times, r.Delay)
	}
	return nil
}

// Covers tells whether the rule is about a place, whatever its counts.
func (r *Rule) Covers(topic string, partition int32) bool {
	if r.Topic == "" {
		return true
	}
	return r.Topic == topic && (len(r.Partitions) == 0 || partition == AnyPartition || slices.Contains(r.Partitions, partition))
}

func (r *Rule) concerns(key int16, clientID string) bool {
	return (len(r.Keys) == 0 || slices.Contains(r.Keys, key)) && (r.ClientID == "" || r.ClientID == clientID)
}

func (r *Rule) matches(q *Request) bool {
	return r.concerns(q.Key, q.ClientID) && (r.Topic == "" ||
		slices.ContainsFunc(q.Places, func(p Place) bool { return r.Covers(p.Topic, p.Partition) }))
}

// Fault is a rule that was set, with its counts. Methods are safe for concurrent use.
type Fault struct {
	set  *Set
	id   int
	rule Rule

	mu struct {
		sync.Mutex
		matched, fired int
		removed        bool
		changed        chan struct{} // closed when fired grows or the fault is removed; nil while nobody waits
	}
}

// ID names the fault among those of its Set.
func (f *Fault) ID() int { return f.id }

// Rule is what was set.
func (f *Fault) Rule() Rule { return f.rule }

// Count is how often the rule has fired.
func (f *Fault) Count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.mu.fired
}

// Matched is how many requests matched, those that passed included.
func (f *Fault) Matched() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.mu.matched
}

// Wait returns when the rule has fired n times in all, with ErrRemoved, or with the
// error of ctx.
func (f *Fault) Wait(ctx context.Context, n int) error {
	if times := f.rule.Times; times > 0 && n > times {
		return fmt.Errorf("the fault fires %d times, never %d", times, n)
	}
	for {
		f.mu.Lock()
		if f.mu.fired >= n {
			f.mu.Unlock()
			return nil
		}
		if f.mu.removed {
			f.mu.Unlock()
			return ErrRemoved
		}
		if f.mu.changed == nil {
			f.mu.changed = make(chan struct{})
		}
		changed := f.mu.changed
		f.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Remove ends the fault. Removing it again does nothing.
func (f *Fault) Remove() { f.set.remove(f) }

// fire counts a request that matches and tells whether the rule fires, and whether
// that was the last time.
func (f *Fault) fire() (fires, spent bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := &f.rule
	if f.mu.removed || r.Times > 0 && f.mu.fired == r.Times {
		return false, true
	}
	f.mu.matched++
	if due := f.mu.matched - r.After; due <= 0 || r.Every > 1 && due%r.Every != 0 {
		return false, false
	}
	f.mu.fired++
	f.tellLocked()
	return true, r.Times > 0 && f.mu.fired == r.Times
}

// end has the fault never fire again, and nobody wait for it.
func (f *Fault) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mu.removed = true
	f.tellLocked()
}

func (f *Fault) tellLocked() {
	if f.mu.changed != nil {
		close(f.mu.changed)
		f.mu.changed = nil
	}
}

// Set holds the faults of a broker. The zero value, and nil, have none. Lock order: the
// Set's, then a Fault's.
type Set struct {
	// live are the rules that may still fire, in the order in which they were set;
	// nil without any. Invariant: what it points to is never changed.
	live atomic.Pointer[[]*Fault]

	mu struct {
		sync.Mutex
		all  []*Fault
		last int // the highest id that was given
	}
}

// Active tells whether any rule may fire.
func (s *Set) Active() bool { return s != nil && s.live.Load() != nil }

// Add sets a rule. The error is Rule.Check's or ErrTooMany.
func (s *Set) Add(rule Rule) (*Fault, error) {
	if err := rule.Check(); err != nil {
		return nil, err
	}
	rule.Keys, rule.Partitions = slices.Clone(rule.Keys), slices.Clone(rule.Partitions)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.mu.all) >= faultsMax {
		return nil, ErrTooMany
	}
	s.mu.last++
	f := &Fault{set: s, id: s.mu.last, rule: rule}
	s.mu.all = append(s.mu.all, f)
	var live []*Fault
	if before := s.live.Load(); before != nil {
		live = slices.Clone(*before)
	}
	live = append(live, f)
	s.live.Store(&live)
	return f, nil
}

// All lists the faults that were set and not removed, the spent ones included.
func (s *Set) All() []*Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mu.all)
}

// Find is the fault of that id, or nil.
func (s *Set) Find(id int) *Fault {
	for _, f := range s.All() {
		if f.id == id {
			return f
		}
	}
	return nil
}

// Clear removes every fault.
func (s *Set) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live.Store(nil)
	for _, f := range s.mu.all {
		f.end()
	}
	s.mu.all = nil
}

func (s *Set) remove(f *Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.all = slices.DeleteFunc(s.mu.all, func(other *Fault) bool { return other == f })
	s.retireLocked(f)
	f.end()
}

// retireLocked takes a fault from those that may fire.
func (s *Set) retireLocked(f *Fault) {
	before := s.live.Load()
	if before == nil {
		return
	}
	live := slices.DeleteFunc(slices.Clone(*before), func(other *Fault) bool { return other == f })
	if len(live) == 0 {
		s.live.Store(nil)
		return
	}
	s.live.Store(&live)
}

// Concerns tells whether a request may match any rule, before its topics are known.
func (s *Set) Concerns(key int16, clientID string) bool {
	live := s.live.Load()
	return live != nil && slices.ContainsFunc(*live, func(f *Fault) bool { return f.rule.concerns(key, clientID) })
}

// Decide counts the request at the rules that it matches, up to the first that
// fires, which it returns; nil lets the request pass.
func (s *Set) Decide(q *Request) *Fault {
	live := s.live.Load()
	if live == nil {
		return nil
	}
	for _, f := range *live {
		if !f.rule.matches(q) {
			continue
		}
		fires, spent := f.fire()
		if spent {
			s.mu.Lock()
			s.retireLocked(f)
			s.mu.Unlock()
		}
		if fires {
			return f
		}
	}
	return nil
}
