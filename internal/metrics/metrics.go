// Package metrics counts what happens, cheaply enough for the hot path.
//
// A Counter is one atomic number with a name in Prometheus' style. Rooms make
// their counters from a Set that the broker hands them; the console shows them.
package metrics

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
)

// Counter is a number that goes up, or up and down when used as a gauge.
type Counter struct {
	name  string
	value atomic.Int64
}

// Add adds n, which may be negative for a gauge.
func (c *Counter) Add(n int64) { c.value.Add(n) }

// Inc adds one.
func (c *Counter) Inc() { c.value.Add(1) }

// Value is the present number.
func (c *Counter) Value() int64 { return c.value.Load() }

// Set is a collection of counters. The zero value is ready for use.
type Set struct {
	mu       sync.Mutex
	counters map[string]*Counter
}

// Counter returns the counter of that name and makes it when absent.
func (s *Set) Counter(name string) *Counter {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.counters[name]
	if c == nil {
		c = &Counter{name: name}
		if s.counters == nil {
			s.counters = make(map[string]*Counter)
		}
		s.counters[name] = c
	}
	return c
}

// Value is a counter's name and number.
type Value struct {
	Name  string
	Value int64
}

// Values lists the counters, sorted by name.
func (s *Set) Values() []Value {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Value, 0, len(s.counters))
	for _, name := range slices.Sorted(maps.Keys(s.counters)) {
		all = append(all, Value{name, s.counters[name].Value()})
	}
	return all
}
