package main

import (
	"context"
	"math"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/barnabas-mq/barnabas/compat-tests/bench/record"
)

// yardstick is a broker that stores nothing and that is looked at again and again
// during every round, always with the same load. It cannot become faster or slower:
// when its figure moves, the machine has.
//
// A single look scatters by a quarter on a machine with neighbours, seconds apart. So
// there are many, spread over the round as its measurements are, and what is compared
// is the median of the first half of them with that of the second.
type yardstick struct {
	broker       contender
	small, large []byte // the frames
	// looks are those of the round under way.
	looks []record.Reading
	// reference is the first half of the first round that was valid.
	reference record.Reading
}

const (
	// movedMax is by how much the yardstick may move in a round that counts.
	movedMax = 0.15
	// yardLooks are at least taken in a round.
	yardLooks = 120
	// A look is a stretch of each load; each is some 50 ms on two cores.
	yardRequests = 3_000
	yardFrames   = 100 // of 6 x 128 KiB
	yardTopic    = "yardstick"
)

func newYardstick() (*yardstick, error) {
	b, err := startOwn(nullBroker, "null")
	if err != nil {
		return nil, err
	}
	y := &yardstick{broker: b, small: produceFrame(yardTopic, 1, batchOf(1, 100)), large: produceFrame(yardTopic, partitions, batchOf(127, recordBytes))}
	if err := y.warmUp(); err != nil {
		_ = b.Close()
		return nil, err
	}
	return y, nil
}

func (y *yardstick) warmUp() error {
	client, err := kgo.NewClient(kgo.SeedBrokers(y.broker.Bootstrap()))
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), benchTimeout)
	defer cancel()
	if _, err := kadm.NewClient(client).CreateTopic(ctx, partitions, 1, nil, yardTopic); err != nil {
		return err
	}
	err = y.look(10)
	y.looks = nil
	return err
}

// look takes some looks: those that fall to one of the gaps between the measurements
// of a round.
func (y *yardstick) look(gaps int) error {
	for range (yardLooks + gaps - 1) / gaps {
		requests, err := y.perSecond(y.small, 1, yardRequests)
		if err != nil {
			return err
		}
		frames, err := y.perSecond(y.large, partitions, yardFrames)
		if err != nil {
			return err
		}
		y.looks = append(y.looks, record.Reading{RequestsPerSecond: requests, MegabytesPerSecond: frames * float64(len(y.large)) / 1e6})
	}
	return nil
}

func (y *yardstick) perSecond(frame []byte, partitions, n int) (float64, error) {
	began := time.Now()
	err := sendFrames(y.broker.Bootstrap(), frame, yardTopic, partitions, n)
	return float64(n) / time.Since(began).Seconds(), err
}

// halves are the medians of the first half of the looks since the last call, and of
// the second.
func (y *yardstick) halves() (first, second record.Reading) {
	looks := y.looks
	y.looks = nil
	middle := len(looks) / 2
	return medianLook(looks[:middle]), medianLook(looks[middle:])
}

func medianLook(looks []record.Reading) record.Reading {
	var requests, megabytes []float64
	for _, l := range looks {
		requests, megabytes = append(requests, l.RequestsPerSecond), append(megabytes, l.MegabytesPerSecond)
	}
	return record.Reading{RequestsPerSecond: median(requests), MegabytesPerSecond: median(megabytes)}
}

// moved is by how much the halves of a round differ from the reference, or from each
// other while there is none. A round that moved by less than movedMax is valid,
// and the first valid one sets the reference.
func (y *yardstick) moved(first, second record.Reading) (by float64) {
	from := y.reference
	if from == (record.Reading{}) {
		from = first
	}
	for _, r := range []record.Reading{first, second} {
		by = max(by, math.Abs(r.RequestsPerSecond/from.RequestsPerSecond-1), math.Abs(r.MegabytesPerSecond/from.MegabytesPerSecond-1))
	}
	if by < movedMax {
		y.reference = from
	}
	return by
}
