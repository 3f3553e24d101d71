package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

const (
	catchUpReadRow    = "catch-up read while producing"
	catchUpProduceRow = "produce while catching up"
	catchUpBothRow    = "catch-up, both"
	// catchUpMax is how many times the backlog a producer may send while it is read: a
	// bound for the disk, and for the memory of a broker that keeps all there.
	catchUpMax = 2
)

// runCatchUp has a consumer read a backlog from its start while a producer sends to the
// same partitions as fast as it is let. Both are measured until the backlog is read;
// a broker may favour one of them, so that both count.
func runCatchUp(b contender, o options) (phases []phase, err error) {
	load := raw128KiB
	err = withTopic(b, load.partitions, func(_ context.Context, topic string) error {
		batch := load.shape.encode()
		next, err := idempotentFrames(b, topic, load.partitions, batch)
		if err != nil {
			return err
		}
		frameBytes := int64(load.partitions) * int64(len(batch))
		backlog := load.requests(o, len(batch))
		if err := sendNext(b.Bootstrap(), next, topic, int(load.partitions), backlog); err != nil {
			return err
		}
		var got caughtUp
		read, err := timed(b, o, catchUpReadRow, func() (bytes, _ int64, err error) {
			got, err = catchUp(b.Bootstrap(), topic, next, recordsOf(batch)*int64(backlog), catchUpMax*backlog)
			return got.read, 0, err
		})
		if err != nil {
			return err
		}
		produced := float64(got.meanwhile * frameBytes)
		phases = []phase{{more: []sample{
			{catchUpReadRow, "MB/s", higher, float64(got.read) / 1e6 / got.reading.Seconds()},
			{catchUpProduceRow, "MB/s", higher, produced / 1e6 / got.producing.Seconds()},
			{catchUpBothRow, "CPU s/GB", lower, read.cpu.Seconds() / ((float64(got.read) + produced) / 1e9)},
		}}}
		return verifyCopies(b, topic, load.partitions, batch, backlog+got.sent)
	})
	return phases, err
}

// caughtUp is what became of a backlog and of what was produced meanwhile.
type caughtUp struct {
	// read is the backlog in bytes.
	read int64
	// meanwhile is how many frames were answered while it was read, sent all of them.
	meanwhile int64
	sent      int
	// producing is shorter than reading if the producer came to its bound.
	reading, producing time.Duration
}

// catchUp reads all partitions to end while frames are sent, at most so many.
func catchUp(address, topic string, next func(int) []byte, end int64, framesMax int) (got caughtUp, err error) {
	conn, err := dialRaw(address)
	if err != nil {
		return got, err
	}
	defer conn.Close() //nolint:errcheck // the answers have been read
	var answered atomic.Int64
	var over atomic.Bool
	done := make(chan error, 1)
	began := time.Now()
	go func() {
		var sendErr error
		got.sent, sendErr = sendUntil(conn, next, framesMax, &over, func(body []byte) error {
			answered.Add(1)
			return checkAck(body, topic, partitions)
		})
		got.producing = time.Since(began)
		done <- sendErr
	}()
	read, err := fetchAll(address, topic, partitions, end, bulkFetch)
	reading, meanwhile := time.Since(began), answered.Load()
	over.Store(true)
	if sendErr := <-done; err == nil && sendErr != nil {
		err = fmt.Errorf("the producer: %w", sendErr)
	}
	got.read, got.meanwhile, got.reading = read, meanwhile, reading
	got.producing = min(got.producing, reading)
	return got, err
}

// sendUntil keeps frames in flight until it is over or so many are sent, and takes all
// answers.
func sendUntil(conn *wire.Conn, next func(int) []byte, framesMax int, over *atomic.Bool, check func(body []byte) error) (sent int, err error) {
	for got := 0; ; got++ {
		for ; sent < framesMax && sent-got < inFlight && !over.Load(); sent++ {
			if err := conn.Write(next(sent)); err != nil {
				return sent, err
			}
		}
		if got == sent {
			return sent, nil
		}
		_, body, err := conn.Receive()
		if err != nil {
			return sent, err
		}
		if err := check(body); err != nil {
			return sent, err
		}
	}
}
