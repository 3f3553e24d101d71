package fulldisk

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/barnabas"
	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

const (
	// patience is how long a broker may take to see that there is room again.
	patience = 10 * time.Second
	interval = 50 * time.Millisecond
	// answerMax bounds every administrative request.
	answerMax = 5 * time.Second
	// reserveBytes is the room that there is again later: for a segment and its
	// indexes, and for a ballast that the broker puts back first.
	reserveBytes = 16 << 20
)

// session is a broker on a small volume and what was acknowledged there.
type session struct {
	t      *testing.T
	volume *testbed.Volume
	broker *testbed.Broker
	// acked is the number of batches acknowledged per topic, each of one record
	// that says which it is. All topics have one partition.
	acked map[string]int
}

func newSession(t *testing.T, profile string) *session {
	t.Helper()
	v := testbed.NeedVolume(t, 64)
	v.Reserve(t, reserveBytes)
	broker := barnabas.Run(t, barnabas.Options{Profile: profile, Data: v.Data(), Properties: map[string]string{
		"log.segment.delete.delay.ms": "100", "offsets.topic.num.partitions": "1", "group.initial.rebalance.delay.ms": "0",
	}})
	return &session{t: t, volume: v, broker: broker, acked: map[string]int{}}
}

// produce sends the next batch of a topic and returns the error code.
func (s *session) produce(topic string, size int) error {
	s.t.Helper()
	conn, err := wire.Dial(s.broker.Bootstrap())
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // the answer has been read
	t := kmsg.NewProduceRequestTopic()
	t.Topic = topic
	p := kmsg.NewProduceRequestTopicPartition()
	p.Records = wire.NewBatch(time.Now().UnixMilli(), wire.Record{Key: name(topic, s.acked[topic]), Value: make([]byte, size)}).Encode()
	t.Partitions = append(t.Partitions, p)
	req := kmsg.NewPtrProduceRequest()
	req.Version, req.Acks, req.TimeoutMillis = 7, -1, 15_000
	req.Topics = append(req.Topics, t)
	resp, err := conn.Call(req)
	if err != nil {
		s.t.Fatal(err)
	}
	answer := resp.(*kmsg.ProduceResponse).Topics[0].Partitions[0]
	if answer.ErrorCode != 0 {
		return kerr.ErrorForCode(answer.ErrorCode)
	}
	if want := int64(s.acked[topic]); answer.BaseOffset != want {
		s.t.Fatalf("%s: acknowledged at offset %d, want %d", topic, answer.BaseOffset, want)
	}
	s.acked[topic]++
	return nil
}

func name(topic string, i int) []byte { return fmt.Appendf(nil, "%s %d", topic, i) }

// fillBy produces until the broker refuses, with ever smaller batches, and
// expects the refusal that a client waits and tries again for.
func (s *session) fillBy(topic string) {
	s.t.Helper()
	before := s.acked[topic]
	for _, size := range []int{256 << 10, 16 << 10, 100} {
		var err error
		for i := 0; err == nil; i++ {
			if i > 1_000_000 {
				s.t.Fatalf("%s: no end of the volume", topic)
			}
			err = s.produce(topic, size)
		}
		if !errors.Is(err, kerr.KafkaStorageError) {
			s.t.Errorf("%s: %d bytes on a full disk: %v, want %v", topic, size, err, kerr.KafkaStorageError)
		}
	}
	s.t.Logf("%s: %d batches, then refused; %d bytes free", topic, s.acked[topic]-before, s.volume.Free(s.t))
}

// awaitRoom produces until the broker accepts it again, by itself.
func (s *session) awaitRoom(topic string) {
	s.t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		err := s.produce(topic, 1000)
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			s.t.Fatalf("%s: still %v after %v; %d bytes are free", topic, err, patience, s.volume.Free(s.t))
		}
	}
}

// ask runs f with a client.
func (s *session) ask(what string, f func(ctx context.Context, admin *kadm.Client) error) {
	s.t.Helper()
	admin, err := kadm.NewOptClient(kgo.SeedBrokers(s.broker.Bootstrap()))
	if err != nil {
		s.t.Fatal(err)
	}
	defer admin.Close()
	ctx, cancel := context.WithTimeout(s.t.Context(), answerMax)
	defer cancel()
	if err := f(ctx, admin); err != nil {
		s.t.Errorf("%s with %d bytes free: %v", what, s.volume.Free(s.t), err)
	}
}

func (s *session) create(topic string) {
	s.t.Helper()
	segment := "1048576"
	s.ask("create "+topic, func(ctx context.Context, admin *kadm.Client) error {
		_, err := admin.CreateTopic(ctx, 1, 1, map[string]*string{"segment.bytes": &segment}, topic)
		return err
	})
}

func (s *session) remove(topic string) {
	s.t.Helper()
	s.ask("delete "+topic, func(ctx context.Context, admin *kadm.Client) error {
		_, err := admin.DeleteTopic(ctx, topic)
		return err
	})
	delete(s.acked, topic)
}

func (s *session) alter(topic, key, value string) {
	s.t.Helper()
	s.ask("alter "+topic, func(ctx context.Context, admin *kadm.Client) error {
		answers, err := admin.AlterTopicConfigs(ctx, []kadm.AlterConfig{{Op: kadm.SetConfig, Name: key, Value: &value}}, topic)
		if err == nil {
			_, err = answers.On(topic, nil)
		}
		if err != nil {
			return err
		}
		described, err := admin.DescribeTopicConfigs(ctx, topic)
		if err != nil {
			return err
		}
		for _, c := range described[0].Configs {
			if c.Key == key && c.MaybeValue() == value {
				return nil
			}
		}
		return fmt.Errorf("%s is not %s afterwards", key, value)
	})
}

func (s *session) commit(group, topic string, at int64) {
	s.t.Helper()
	s.ask("offset commit", func(ctx context.Context, admin *kadm.Client) error {
		offsets := kadm.Offsets{}
		offsets.AddOffset(topic, 0, at, -1)
		return admin.CommitAllOffsets(ctx, group, offsets)
	})
	s.committed(group, topic, at)
}

func (s *session) committed(group, topic string, want int64) {
	s.t.Helper()
	s.ask("offset fetch", func(ctx context.Context, admin *kadm.Client) error {
		offsets, err := admin.FetchOffsets(ctx, group)
		if err != nil {
			return err
		}
		if got, _ := offsets.Lookup(topic, 0); got.At != want {
			return fmt.Errorf("group %s is at %d, want %d", group, got.At, want)
		}
		return nil
	})
}

// readAll fetches everything that was acknowledged.
func (s *session) readAll(topic string) {
	s.t.Helper()
	reader, err := kgo.NewClient(kgo.SeedBrokers(s.broker.Bootstrap()),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().AtStart()}}))
	if err != nil {
		s.t.Fatal(err)
	}
	defer reader.Close()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	for next := 0; next < s.acked[topic]; {
		fetches := reader.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			s.t.Fatalf("%s: %d of %d read: %v", topic, next, s.acked[topic], err)
		}
		for _, r := range fetches.Records() {
			if want := name(topic, int(r.Offset)); int(r.Offset) != next || string(r.Key) != string(want) {
				s.t.Fatalf("%s: offset %d holds %q, want offset %d with %q", topic, r.Offset, r.Key, next, name(topic, next))
			}
			next++
		}
	}
}

func (s *session) restart() {
	s.t.Helper()
	if err := s.broker.Kill(); err != nil {
		s.t.Fatal(err)
	}
	if err := s.broker.Start(); err != nil {
		s.t.Fatalf("start with %d bytes free: %v", s.volume.Free(s.t), err)
	}
}
