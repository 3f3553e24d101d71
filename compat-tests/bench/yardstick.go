package main

import (
	"context"
	"math"
	"time"

	"github.com/barnabas-mq/barnabas/compat-tests/bench/record"
)

// yardstick is a broker that stores nothing and is measured before and after every
// round, always with the same load. It cannot become faster or slower: when its
// figure moves, the machine has.
type yardstick struct {
	broker contender
	// reference is the figure before the first round that was valid.
	reference record.Reading
}

const (
	// movedMax is by how much the yardstick may move in a round that counts.
	movedMax = 0.15
	// A reading is the median of so many stretches of each load; each is some
	// 100 ms on two cores.
	yardStretches = 5
	yardRequests  = 6_000
	yardFrames    = 150 // of 6 x 128 KiB
)

func newYardstick() (*yardstick, error) {
	b, err := startOwn(nullBroker, "null")
	if err != nil {
		return nil, err
	}
	y := &yardstick{broker: b}
	if _, err := y.read(); err != nil { // warms it up
		_ = b.Close()
		return nil, err
	}
	return y, nil
}

func (y *yardstick) read() (r record.Reading, err error) {
	err = withTopic(y.broker, partitions, func(_ context.Context, topic string) error {
		small := produceFrame(topic, 1, batchOf(1, 100))
		large := produceFrame(topic, partitions, batchOf(127, recordBytes))
		if r.RequestsPerSecond, err = perSecond(y.broker.Bootstrap(), small, topic, 1, yardRequests); err != nil {
			return err
		}
		frames, err := perSecond(y.broker.Bootstrap(), large, topic, partitions, yardFrames)
		r.MegabytesPerSecond = frames * float64(len(large)) / 1e6
		return err
	})
	return r, err
}

// perSecond is the median rate of some stretches of n frames each.
func perSecond(address string, frame []byte, topic string, partitions, n int) (float64, error) {
	var rates []float64
	for range yardStretches {
		began := time.Now()
		if err := sendFrames(address, frame, topic, partitions, n); err != nil {
			return 0, err
		}
		rates = append(rates, float64(n)/time.Since(began).Seconds())
	}
	return median(rates), nil
}

// moved is by how much a round's readings differ from the reference, or from each
// other while there is none. A round that moved by less than movedMax is valid,
// and the first valid one sets the reference.
func (y *yardstick) moved(before, after record.Reading) (by float64) {
	from := y.reference
	if from == (record.Reading{}) {
		from = before
	}
	for _, r := range []record.Reading{before, after} {
		by = max(by, math.Abs(r.RequestsPerSecond/from.RequestsPerSecond-1), math.Abs(r.MegabytesPerSecond/from.MegabytesPerSecond-1))
	}
	if by < movedMax {
		y.reference = from
	}
	return by
}
