package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"sync"
	"time"
)

// mixedMinutes is a flag of its own: half an hour is what shows whether a broker's
// memory and tail are flat, and is too long for every run.
var mixedMinutes = flag.Float64("minutes", 2, "how long each broker is under the mixed load; 30 is what the goal is for")

const (
	// mixedProbePerSecond makes some of each interval's samples lie beyond p99.9.
	mixedProbePerSecond = 500
	mixedInterval       = 10 * time.Second
	mixedAckRow         = "mixed, produce"
	mixedE2ERow         = "mixed, end to end"
	mixedBrokerRow      = "mixed, broker"
	mixedThirdsRow      = "mixed, last third / second"
	mixedFlatRow        = "mixed, flat"
	// mixedFlatMinutes is how long a run has to be for a verdict on whether it is flat.
	mixedFlatMinutes = 30
)

// mixedBroker looks for what it may delete or compact often enough for a run of minutes.
var mixedBroker = map[string]string{"log.retention.check.interval.ms": "5000", "log.cleaner.backoff.ms": "1000"}

var mixedStarters = map[string]starter{
	"barnabas": func() (contender, error) {
		return startBarnabas("dev", mixedBroker)
	},
	"kafka": func() (contender, error) { return startDevKafka(mixedBroker) },
}

var mixedWorkloads = []workload{{name: "mixed"}}

// mixedFlats are what has to be flat, and the most that the last third may be of the
// second: by its median, and by its highest sample, which a median would hide. The tail
// is noisier than memory is, its highest sample most of all.
var mixedFlats = []struct {
	unit, of          string
	atMost, highestAt float64
}{
	{"RSS", mixedBrokerRow + "RSS MiB", 1.1, 1.1},
	{"ack p99.9", mixedAckRow + "p99.9 ms", 1.5, 2},
	{"e2e p99.9", mixedE2ERow + "p99.9 ms", 1.5, 2},
}

var mixedGoals = []goal{{row: mixedFlatRow, unit: "1 is yes", column: "barnabas", atLeast: 1}}

// runMixed takes the brokers one after the other, once: each run is a time series, with
// a sample each mixedInterval, in order.
func runMixed(_ series, o options) (t *table, err error) {
	x := sideBySide{columns: []string{"kfake", "kafka"}, starters: mixedStarters}
	brokers, err := x.startAll(o)
	defer func() {
		for _, b := range brokers {
			err = errors.Join(err, b.Close())
		}
	}()
	if err != nil {
		return nil, err
	}
	t = newTable(brokers)
	t.goals = mixedGoals
	began := time.Now()
	for _, i := range turns("mixed", 0, len(brokers)) {
		b := brokers[i]
		if time.Since(began) > o.limit {
			t.note("time limit of %v: %s is not measured", o.limit, b.Name())
			continue
		}
		fmt.Fprintf(os.Stderr, "mixed load on %s for %v minutes\n", b.Name(), *mixedMinutes)
		if err := runMixedOn(t, b); err != nil {
			t.fail("mixed on %s: %v", b.Name(), err)
		}
	}
	return t, nil
}

// runMixedOn has the load run beside the probe, whose latencies are what is shown.
func runMixedOn(t *table, b contender) error {
	ctx, cancel := context.WithTimeout(context.Background(), mixedLength()+benchTimeout)
	defer cancel()
	if err := createMixedTopics(ctx, b); err != nil {
		return err
	}
	r, err := newRelay(b, mixedProbeTopic)
	if err != nil {
		return err
	}
	defer r.close()
	if err := r.f.limitTo(mixedLength() + benchTimeout); err != nil {
		return err
	}
	m := startMixed(ctx, b)
	sampleErr := mixedSamples(t, b, r)
	if err := errors.Join(sampleErr, m.end()); err != nil {
		return err
	}
	return errors.Join(m.verify(), verifyCopies(b, mixedProbeTopic, 1, r.batch, r.sent))
}

func mixedLength() time.Duration { return time.Duration(*mixedMinutes * float64(time.Minute)) }

// probeTimes are what the probe's records took since they were last taken away.
type probeTimes struct {
	mu struct {
		sync.Mutex
		acks, arrivals []time.Duration
	}
}

func (p *probeTimes) ack(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mu.acks = append(p.mu.acks, d)
}

func (p *probeTimes) arrival(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mu.arrivals = append(p.mu.arrivals, d)
}

func (p *probeTimes) take() (acks, arrivals []time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	acks, arrivals = p.mu.acks, p.mu.arrivals
	p.mu.acks, p.mu.arrivals = nil, nil
	return acks, arrivals
}

// mixedSamples paces the probe and adds a sample of everything each mixedInterval, then
// the verdict.
func mixedSamples(t *table, b contender, r *relay) error {
	n := int(mixedLength().Seconds() * mixedProbePerSecond)
	times := &probeTimes{}
	all, err := newStretches(t, b, times)
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() {
		done <- r.openLoop(n, mixedProbePerSecond, observers{func(time.Duration) {}, times.ack, times.arrival})
	}()
	ticker := time.NewTicker(mixedInterval)
	defer ticker.Stop()
	for err == nil {
		select {
		case err = <-done:
			if err == nil {
				if err = all.next(); err == nil {
					all.flush()
					addFlatness(t, b.Name(), all.series, *mixedMinutes)
				}
			}
			return err
		case <-ticker.C:
			err = all.next()
		}
	}
	r.close()
	return errors.Join(err, <-done)
}

// addFlatness tells how the last third of the run was beside the second, and of all of
// it together whether it is flat, if it was long enough for that.
func addFlatness(t *table, broker string, series map[string][]float64, minutes float64) {
	flat := 1.0
	for _, f := range mixedFlats {
		ratio, highest, ok := flatness(series[f.of])
		if !ok {
			t.note("%s: %d samples of %v are too few to tell whether it is flat; give it more --minutes", broker, len(series[f.of]), mixedInterval)
			return
		}
		t.add(mixedThirdsRow, f.unit+" x", lower, broker, ratio)
		t.add(mixedThirdsRow, f.unit+" highest x", lower, broker, highest)
		if ratio > f.atMost || highest > f.highestAt {
			flat = 0
		}
	}
	if minutes < mixedFlatMinutes {
		t.note("%s: %v minutes show the ratios of thirds; whether it is flat is judged of %d", broker, minutes, mixedFlatMinutes)
		return
	}
	t.add(mixedFlatRow, "1 is yes", higher, broker, flat)
}
