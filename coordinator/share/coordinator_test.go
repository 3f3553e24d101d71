package share

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/internal/clock"
	"github.com/barnabas-mq/barnabas/protocol"
)

// shelf is a journal in memory that commits at once, as soon as its topic is there.
type shelf struct {
	there atomic.Bool
	mu    sync.Mutex
	all   map[int32][]coordinator.Record
}

func (s *shelf) Check(int32) error {
	if !s.there.Load() {
		return coordinator.ErrUnavailable
	}
	return nil
}

func (s *shelf) Load(shard int32, fn func(coordinator.Entry) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, r := range s.all[shard] {
		if err := fn(coordinator.Entry{Offset: protocol.Offset(i), Record: r}); err != nil {
			return err
		}
	}
	return nil
}

func (s *shelf) Append(shard int32, b coordinator.Batch, committed func(error)) (protocol.Offset, error) {
	s.mu.Lock()
	base := protocol.Offset(len(s.all[shard]))
	s.all[shard] = append(s.all[shard], b.Records...)
	s.mu.Unlock()
	committed(nil)
	return base, nil
}

func newCoordinator(s *shelf, prepare func() error) *Coordinator {
	return New(Options{
		Config:  Config{UpdatesMax: 500, Partitions: func(protocol.UUID) int32 { return 1 }},
		Journal: s, Clock: clock.NewManual(start), Shards: 5, IsReady: s.there.Load, Prepare: prepare,
	})
}

// The first call makes the topic, once for all who wait for it; when that fails they
// hear so, and the next call tries again.
func TestTheTopicIsMadeAtFirstUse(t *testing.T) {
	s := &shelf{all: map[int32][]coordinator.Record{}}
	var tries atomic.Int32
	let := make(chan error)
	c := newCoordinator(s, func() error {
		tries.Add(1)
		err := <-let
		s.there.Store(err == nil)
		return err
	})
	defer c.Close()
	answers := make(chan error, 20)
	ask := func(n int) {
		for i := range n {
			k := Key{GroupID: string(rune('a' + i)), TopicID: protocol.UUID{1}}
			c.Initialize(InitializeInput{Key: k, StateEpoch: 1, StartOffset: 7}, func(err error) { answers <- err })
		}
	}
	ask(10)
	let <- errors.New("no room")
	for range 10 {
		if err := <-answers; err != coordinator.ErrUnavailable {
			t.Fatalf("without a topic: %v", err)
		}
	}
	ask(10)
	let <- nil
	for range 10 {
		if err := <-answers; err != nil {
			t.Fatal(err)
		}
	}
	if n := tries.Load(); n != 2 {
		t.Errorf("the topic was made %d times", n)
	}
	got := make(chan Summary, 1)
	c.Summary(Key{GroupID: "c", TopicID: protocol.UUID{1}}, func(s Summary) { got <- s })
	if s := <-got; s.Err != nil || s.StartOffset != 7 || s.StateEpoch != 1 {
		t.Errorf("%+v", s)
	}
}
