package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	waitersRow = "100 waiting fetchers"
	waiters    = 100
	// requestsPerWake makes the CPU of all wakes long beside the clock's ticks.
	requestsPerWake = 250
	// parkTime is what a broker gets to have all fetches wait; nobody hears of it when
	// they do. One that comes later is answered at once, which the time of the last does
	// not hide.
	parkTime = 20 * time.Millisecond
)

// runWaiters has 100 connections wait for one partition, sends one record, and takes
// the time until the last has it, again and again.
func runWaiters(b contender, o options) (phases []phase, err error) {
	err = withTopic(b, 1, func(_ context.Context, topic string) error {
		r, err := newRelay(b, topic)
		if err != nil {
			return err
		}
		defer r.close()
		all, err := newWaiters(b, topic)
		defer func() {
			for _, w := range all {
				w.f.close()
			}
		}()
		if err != nil {
			return err
		}
		wakes := max(1, o.requests/requestsPerWake)
		var lasts []time.Duration
		p, err := timed(b, o, waitersRow, func() (_, requests int64, err error) {
			lasts, err = wakeAll(r, all, wakes)
			return 0, int64(wakes), err
		})
		if err != nil {
			return err
		}
		each := float64(p.cpu.Microseconds()) / float64(wakes*waiters)
		figures := tailOf(waitersRow, lasts)
		phases = []phase{{more: []sample{
			{waitersRow, "last ms", lower, figures[0].value},
			{waitersRow, "last p99 ms", lower, figures[1].value},
			{waitersRow, "CPU us each", lower, each},
		}}}
		return verifyCopies(b, topic, 1, r.batch, r.sent)
	})
	return phases, err
}

// newWaiters are relays that only read.
func newWaiters(b contender, topic string) (all []*relay, err error) {
	for range waiters {
		f, err := newFetcher(b.Bootstrap(), topic, 1, fetchLimits{1 << 20, answerTimeout / 4})
		if err != nil {
			return all, err
		}
		all = append(all, &relay{topic: topic, f: f})
		if err := f.limitTo(benchTimeout); err != nil {
			return all, err
		}
	}
	return all, nil
}

func wakeAll(r *relay, all []*relay, wakes int) ([]time.Duration, error) {
	parked := time.NewTicker(parkTime)
	defer parked.Stop()
	lasts := make([]time.Duration, 0, wakes)
	for i := range wakes {
		for _, w := range all {
			if _, err := w.f.ask(int64(i) + 1); err != nil {
				return nil, err
			}
		}
		parked.Reset(parkTime)
		<-parked.C
		last, err := r.wake(all)
		if err != nil {
			return nil, fmt.Errorf("wake %d of %d: %w", i+1, wakes, err)
		}
		lasts = append(lasts, last)
	}
	return lasts, nil
}

// wake sends one record and returns how long after that the last of all had it.
func (r *relay) wake(all []*relay) (last time.Duration, err error) {
	var began time.Time
	took, errs := make([]time.Duration, len(all)), make([]error, len(all))
	var reading sync.WaitGroup
	begin := make(chan struct{})
	for i, w := range all {
		reading.Go(func() {
			<-begin
			var offset int64
			if offset, errs[i] = w.answer(); errs[i] == nil && offset != int64(r.sent) {
				errs[i] = fmt.Errorf("a waiter is at offset %d of %d", offset, r.sent)
			}
			took[i] = time.Since(began)
		})
	}
	frame := r.next(r.sent)
	r.sent++
	began = time.Now()
	close(begin)
	writeErr := r.conn.Write(frame)
	if writeErr != nil {
		for _, w := range all {
			w.f.close()
		}
	}
	reading.Wait()
	for _, t := range took {
		last = max(last, t)
	}
	if err := errors.Join(append(errs, writeErr)...); err != nil {
		return 0, err
	}
	_, body, err := r.conn.Receive()
	if err != nil {
		return 0, err
	}
	return last, checkAck(body, r.topic, 1)
}
