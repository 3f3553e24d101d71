package main

import (
	"time"

	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

// stretch is a part of a mixed run: what the probe's records took, and what the broker
// used.
type stretch struct {
	acks, arrivals []time.Duration
	rss            int64
	cpu, took      time.Duration
}

// and is a stretch with the one after it.
func (s stretch) and(next stretch) stretch {
	return stretch{append(s.acks, next.acks...), append(s.arrivals, next.arrivals...), max(s.rss, next.rss), s.cpu + next.cpu, s.took + next.took}
}

func (s stretch) figures() []sample {
	all := append(tailOf(mixedAckRow, s.acks), tailOf(mixedE2ERow, s.arrivals)...)
	return append(all, sample{mixedBrokerRow, "RSS MiB", lower, float64(s.rss) / (1 << 20)},
		sample{mixedBrokerRow, "CPU %", lower, s.cpu.Seconds() / s.took.Seconds() * 100})
}

// stretches are added to a table one after the other, each when the next one is there: a
// rest that is too short for a sample goes to the one before it.
type stretches struct {
	table  *table
	broker contender
	times  *probeTimes
	// before is what the broker had used at since.
	before testbed.Usage
	since  time.Time
	held   *stretch
	// series are the samples by row and unit.
	series map[string][]float64
}

func newStretches(t *table, b contender, times *probeTimes) (*stretches, error) {
	before, err := b.Usage()
	return &stretches{table: t, broker: b, times: times, before: before, since: time.Now(), series: map[string][]float64{}}, err
}

// next ends a stretch and begins another.
func (s *stretches) next() error {
	now, err := s.broker.Usage()
	if err != nil {
		return err
	}
	at := time.Now()
	acks, arrivals := s.times.take()
	s.hold(stretch{acks, arrivals, now.RSS, now.CPU() - s.before.CPU(), at.Sub(s.since)})
	s.before, s.since = now, at
	return nil
}

// hold keeps a stretch and adds the one that was kept.
func (s *stretches) hold(one stretch) {
	if s.held != nil && one.took < mixedInterval/2 {
		one = s.held.and(one)
		s.held = nil
	}
	s.flush()
	s.held = &one
}

// flush adds what is kept.
func (s *stretches) flush() {
	if s.held == nil {
		return
	}
	for _, f := range s.held.figures() {
		s.table.add(f.name, f.unit, f.better, s.broker.Name(), f.value)
		s.series[f.name+f.unit] = append(s.series[f.name+f.unit], f.value)
	}
	s.held = nil
}
