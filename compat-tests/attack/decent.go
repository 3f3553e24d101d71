package attack

import (
	"context"
	"crypto/tls"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// TopicOfTheDecent is what the decent client writes to and reads.
const TopicOfTheDecent = "orders"

// Decent is a client that does as it should: it writes a record, acknowledged by all, and
// reads it, and so on.
type Decent struct {
	client *kgo.Client
	sent   int
}

// NewDecent is one that logs in by SCRAM over TLS.
func NewDecent(address string, config *tls.Config) (*Decent, error) {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(address), kgo.DialTLSConfig(config), kgo.SASL(scram.Auth{User: DecentUser, Pass: DecentPassword}.AsSha512Mechanism()),
		kgo.DefaultProduceTopic(TopicOfTheDecent), kgo.RequiredAcks(kgo.AllISRAcks()), kgo.ProducerLinger(0), kgo.DisableIdempotentWrite(),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{TopicOfTheDecent: {0: kgo.NewOffset().AtStart()}}),
	)
	return &Decent{client: client}, err
}

// Round writes a record and reads until it comes.
func (d *Decent) Round(ctx context.Context) (time.Duration, error) {
	d.sent++
	value := fmt.Sprint("round ", d.sent)
	began := time.Now()
	if err := d.client.ProduceSync(ctx, kgo.StringRecord(value)).FirstErr(); err != nil {
		return 0, fmt.Errorf("writing of %s: %w", value, err)
	}
	for {
		fetches := d.client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return 0, fmt.Errorf("reading of %s: %w", value, err)
		}
		found := false
		fetches.EachRecord(func(r *kgo.Record) { found = found || string(r.Value) == value })
		if found {
			return time.Since(began), nil
		}
	}
}

// Rounds makes rounds until there were enough and done is closed; nil is closed.
func (d *Decent) Rounds(ctx context.Context, enough int, done <-chan struct{}) (Times, error) {
	var times Times
	for {
		if len(times) >= enough {
			select {
			case <-done:
				slices.Sort(times)
				return times, nil
			default:
				if done == nil {
					slices.Sort(times)
					return times, nil
				}
			}
		}
		took, err := d.Round(ctx)
		if err != nil {
			return times, err
		}
		times = append(times, took)
	}
}

// Close ends the client.
func (d *Decent) Close() { d.client.Close() }

// Times are sorted.
type Times []time.Duration

// At is the time that so many of a thousand are below.
func (t Times) At(permille int) time.Duration {
	if len(t) == 0 {
		return 0
	}
	return t[min(len(t)*permille/1000, len(t)-1)]
}

func (t Times) String() string {
	return fmt.Sprintf("%d rounds: p50 %v, p99 %v, max %v", len(t), t.At(500).Round(time.Microsecond), t.At(990).Round(time.Microsecond), t.At(1000).Round(time.Microsecond))
}
