package main

import (
	"context"
	"flag"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

// e2eRounds is a flag of its own: the aim of a million rounds takes minutes.
var e2eRounds = flag.Int("rounds-e2e", 20_000, "rounds of the unpaced end-to-end workload; the goal is no stall in 1,000,000")

const (
	pacedSeconds = 5
	// e2eWarmRounds open the topic's files and the connections' windows.
	e2eWarmRounds = 200
	// pollWait is how long a Fetch may wait. A round that takes as long was not woken
	// up by its record, but by the end of its wait.
	pollWait = time.Second
	// stallMin is what counts as a stall.
	stallMin = 50 * time.Millisecond
	// stallRounds is in how many rounds there has to be no stall.
	stallRounds = 1_000_000
	// slowRound is above what a round takes on average on the slowest broker. It bounds the
	// rounds together, so that a single one may take much longer.
	slowRound = 10 * time.Millisecond

	e2eSlowRow = "end to end paced 1,000/s"
	e2eFastRow = "end to end paced 10,000/s"
	e2eRow     = "end to end rounds"
)

var e2eWorkloads = []workload{
	{name: e2eSlowRow, run: paced(e2eSlowRow, 1_000)},
	{name: e2eFastRow, run: paced(e2eFastRow, 10_000)},
	{name: e2eRow, run: runRounds},
	{name: waitersRow, run: runWaiters},
}

// relay is a producer and a consumer of one partition, which has their records only.
type relay struct {
	topic string
	batch []byte
	// next is the request with the next record, of an idempotent producer.
	next func(int) []byte
	conn *wire.Conn
	f    *fetcher
	// sent is how many records there are.
	sent int
}

func newRelay(b contender, topic string) (*relay, error) {
	batch := record100B.encode()
	next, err := idempotentFrames(b, topic, 1, batch)
	if err != nil {
		return nil, err
	}
	r := &relay{topic: topic, batch: batch, next: next}
	if r.conn, err = dialRaw(b.Bootstrap()); err != nil {
		return nil, err
	}
	if r.f, err = newFetcher(b.Bootstrap(), topic, 1, fetchLimits{1 << 20, pollWait}); err != nil {
		_ = r.conn.Close()
		return nil, err
	}
	return r, r.f.limitTo(benchTimeout)
}

func (r *relay) close() {
	_ = r.conn.Close() // the answers have been read
	r.f.close()
}

// poll asks once and waits for the answer; it may be empty.
func (r *relay) poll() (offset int64, err error) {
	if _, err := r.f.ask(math.MaxInt64); err != nil {
		return 0, err
	}
	return r.answer()
}

func (r *relay) answer() (offset int64, err error) {
	_, err = r.f.receive(func(_ int32, offset int64, records []byte) (int64, error) {
		next, _ := walk(records, offset)
		return next, nil
	})
	return r.f.offsets[0], err
}

// round has a Fetch wait, sends one record, and takes both answers. The Fetch may not
// have been looked at when the record comes: that is when wake-ups get lost. One
// goroutine does it all, so that nothing but the broker is waited for.
func (r *relay) round() (time.Duration, error) {
	if _, err := r.f.ask(math.MaxInt64); err != nil {
		return 0, err
	}
	began := time.Now()
	if err := r.conn.Write(r.next(r.sent)); err != nil {
		return 0, err
	}
	r.sent++
	offset, err := r.answer()
	for err == nil && offset < int64(r.sent) {
		offset, err = r.poll()
	}
	took := time.Since(began)
	if err != nil {
		return 0, err
	}
	_, body, err := r.conn.Receive()
	if err != nil {
		return 0, err
	}
	return took, checkAck(body, r.topic, 1)
}

func (r *relay) rounds(n int) ([]time.Duration, error) {
	latencies := make([]time.Duration, 0, n)
	for i := range n {
		took, err := r.round()
		if err != nil {
			return nil, fmt.Errorf("round %d of %d: %w", i+1, n, err)
		}
		latencies = append(latencies, took)
	}
	return latencies, nil
}

// withRelay runs f on a relay that is warm, and reads back what it sent.
func withRelay(b contender, f func(r *relay) (phase, error)) (phases []phase, err error) {
	err = withTopic(b, 1, func(_ context.Context, topic string) error {
		r, err := newRelay(b, topic)
		if err != nil {
			return err
		}
		defer r.close()
		if _, err := r.rounds(e2eWarmRounds); err != nil {
			return err
		}
		p, err := f(r)
		if err != nil {
			return err
		}
		phases = []phase{p}
		return verifyCopies(b, topic, 1, r.batch, r.sent)
	})
	return phases, err
}

// runRounds sends the next record when the one before has arrived.
func runRounds(b contender, o options) ([]phase, error) {
	return withRelay(b, func(r *relay) (phase, error) {
		var latencies []time.Duration
		if err := r.f.limitTo(roundsTimeout(*e2eRounds)); err != nil {
			return phase{}, err
		}
		p, err := timed(b, o, e2eRow, func() (_, requests int64, err error) {
			latencies, err = r.rounds(*e2eRounds)
			return 0, int64(*e2eRounds), err
		})
		p.more = append(tailOf(e2eRow, latencies), stallFigures(latencies)...)
		return p, err
	})
}

// roundsTimeout is how long so many rounds may take together.
func roundsTimeout(n int) time.Duration { return benchTimeout + time.Duration(n)*slowRound }

// stallFigures have the names that the goals ask for only where there were as many rounds
// as these are meant of: few rounds without a stall show nothing.
func stallFigures(latencies []time.Duration) []sample {
	stalls, lost := stallsOf(latencies)
	stallsUnit, lostUnit := "stalls", "lost wakes"
	if n := len(latencies); n < stallRounds {
		stallsUnit, lostUnit = fmt.Sprintf("%s in %d", stallsUnit, n), fmt.Sprintf("%s in %d", lostUnit, n)
	}
	return []sample{{e2eRow, stallsUnit, lower, float64(stalls)}, {e2eRow, lostUnit, lower, float64(lost)}}
}

// stallsOf counts rounds that took too long, and those of them that took as long as a
// Fetch waits.
func stallsOf(latencies []time.Duration) (stalls, lost int) {
	for _, l := range latencies {
		if l > stallMin {
			stalls++
		}
		if l >= pollWait {
			lost++
		}
	}
	return stalls, lost
}

// paced sends one record per tick; its latency is from the tick to its arrival.
func paced(row string, perSecond int) func(b contender, o options) ([]phase, error) {
	return func(b contender, o options) ([]phase, error) {
		return withRelay(b, func(r *relay) (phase, error) {
			n := perSecond * pacedSeconds
			var latencies, late []time.Duration
			p, err := timed(b, o, row, func() (_, requests int64, err error) {
				into := func(all *[]time.Duration) func(time.Duration) {
					*all = make([]time.Duration, 0, n)
					return func(d time.Duration) { *all = append(*all, d) }
				}
				return 0, int64(n), r.openLoop(n, perSecond, observers{into(&late), func(time.Duration) {}, into(&latencies)})
			})
			if err != nil {
				return p, err
			}
			return pacedFigures(p, perSecond, latencies, late), nil
		})
	}
}

// paceLeast is the part of its rate that a load has to reach. Below it the broker is
// saturated, and a latency is that of a queue that grows for as long as the load lasts.
const paceLeast = 0.99

// pacedFigures are of a row of their own where the broker was saturated: there is no
// comparing them, and no goal has them.
func pacedFigures(p phase, perSecond int, latencies, late []time.Duration) phase {
	row := p.name
	if reached := float64(p.requests) / p.wall.Seconds(); reached < paceLeast*float64(perSecond) {
		p.notes = append(p.notes, row+": saturated, the figures are in a row of their own")
		row += ", saturated"
		p.name = row
		p.more = append(p.more, sample{row, "reached /s", higher, reached})
	}
	p.more = append(p.more, tailOf(row, latencies)...)
	// What of it is the generator's.
	p.more = append(p.more, sample{row, "late p99 ms", neither, tailOf(row, late)[1].value})
	return p
}

// observers are told how long after its moment each record was sent, acknowledged, and
// received; each by a goroutine of its own, in the records' order.
type observers struct{ sent, acked, arrived func(d time.Duration) }

// openLoop sends n records at their moments and returns when all have arrived.
func (r *relay) openLoop(n, perSecond int, tell observers) (err error) {
	first := int64(r.sent)
	var arrived atomic.Int64
	schedule := pace{time.Now().Add(10 * time.Millisecond), perSecond}
	failed := make(chan error, 2)
	fail := func(err error) {
		if err != nil {
			r.close() // ends what the others wait for
		}
		failed <- err
	}
	go func() {
		defer exactTimers()()
		for i := range n {
			moment := schedule.due(i)
			await(moment, func() bool { return arrived.Load() == int64(i) })
			tell.sent(time.Since(moment))
			if err := r.conn.Write(r.next(i)); err != nil {
				fail(fmt.Errorf("record %d of %d: %w", i+1, n, err))
				return
			}
		}
		fail(nil)
	}()
	go func() { fail(r.acks(n, schedule, tell.acked)) }()
	for next := int64(0); next < int64(n) && err == nil; {
		var offset int64
		offset, err = r.poll()
		now := time.Now()
		for ; err == nil && next < min(offset-first, int64(n)); next++ {
			tell.arrived(now.Sub(schedule.due(int(next))))
		}
		arrived.Store(next)
	}
	if err != nil {
		r.close()
	}
	r.sent += n
	for range 2 {
		if other := <-failed; err == nil || other != nil && !wire.IsClosed(other) {
			err = other
		}
	}
	return err
}

func (r *relay) acks(n int, schedule pace, acked func(d time.Duration)) error {
	for i := range n {
		_, body, err := r.conn.Receive()
		if err != nil {
			return fmt.Errorf("answer %d of %d: %w", i+1, n, err)
		}
		if err := checkAck(body, r.topic, 1); err != nil {
			return err
		}
		acked(time.Since(schedule.due(i)))
	}
	return nil
}
