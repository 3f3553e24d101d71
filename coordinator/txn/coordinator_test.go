package txn

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/internal/clock"
	"github.com/barnabas-mq/barnabas/protocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shelf is a journal in memory that commits at once.
type shelf struct {
	mu      sync.Mutex
	records map[int32][]coordinator.Record
	foreign bool // the shards are another node's
	broken  bool // appends fail
}

func (s *shelf) Check(int32) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.foreign {
		return coordinator.ErrNotOwner
	}
	return nil
}

func (s *shelf) Load(shard int32, fn func(coordinator.Entry) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, r := range s.records[shard] {
		if err := fn(coordinator.Entry{Offset: protocol.Offset(i), Record: r, Producer: coordinator.NoProducer}); err != nil {
			return err
		}
	}
	return nil
}

func (s *shelf) Append(shard int32, b coordinator.Batch, committed func(error)) (protocol.Offset, error) {
	s.mu.Lock()
	if s.broken {
		s.mu.Unlock()
		return 0, errors.New("the disk is full")
	}
	base := protocol.Offset(len(s.records[shard]))
	s.records[shard] = append(s.records[shard], b.Records...)
	s.mu.Unlock()
	committed(nil)
	return base, nil
}

// house is a coordinator whose markers and ids a test gives.
type house struct {
	*Coordinator
	shelf   *shelf
	clock   *clock.Manual
	ids     atomic.Int64
	idError atomic.Bool
	// write writes markers; nil does so at once.
	write atomic.Pointer[func(Markers, func([]TopicPartition))]
}

func newHouse(s *shelf) *house {
	h := &house{shelf: s, clock: clock.NewManual(start)}
	h.ids.Store(100)
	h.Coordinator = New(Options{
		Config: Config{
			TimeoutMax: 15 * time.Minute, IDExpiration: 7 * 24 * time.Hour, RecordBytesMax: 1 << 20,
			FeatureLevel: func() int16 { return 2 },
		},
		Journal: s, Clock: h.clock, Shards: 5,
		NewProducerID: func() (protocol.ProducerID, error) {
			if h.idError.Load() {
				return 0, errors.New("no ids today")
			}
			return protocol.ProducerID(h.ids.Add(1)), nil
		},
		WriteMarkers: func(_ int32, m Markers, done func([]TopicPartition)) {
			if write := h.write.Load(); write != nil {
				(*write)(m, done)
				return
			}
			done(nil)
		},
	})
	return h
}

func newShelf() *shelf { return &shelf{records: map[int32][]coordinator.Record{}} }

// wait makes a call and waits for its answer.
func wait[In, Out any](call func(In, func(Out)), in In) Out {
	answer := make(chan Out, 1)
	call(in, func(out Out) { answer <- out })
	return <-answer
}

func (h *house) init(t *testing.T, id string) coordinator.Producer {
	t.Helper()
	out := wait(h.InitProducerID, InitInput{TransactionalID: id, TimeoutMillis: 60_000, Expected: coordinator.NoProducer})
	if out.Err != nil {
		t.Fatal(out.Err)
	}
	return out.Producer
}

func (h *house) add(id string, p coordinator.Producer) error {
	return wait(h.AddPartitions, AddInput{TransactionalID: id, Producer: p, Partitions: []TopicPartition{{Topic: "t"}}, Version: 2}).First()
}

// Many producers at once have ids and transactions of their own; a coordinator that
// comes after finishes what this one has decided.
func TestManyTransactionsAtOnce(t *testing.T) {
	s := newShelf()
	h := newHouse(s)
	stuck := func(Markers, func([]TopicPartition)) {} // nobody hears of these markers
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() {
			id := fmt.Sprint("id", i)
			p := h.init(t, id)
			for range 5 {
				if err := h.add(id, p); err != nil {
					t.Error(err)
				}
				out := wait(h.End, EndInput{TransactionalID: id, Producer: p, Commit: i%2 == 0, Version: 2})
				if out.Err != nil {
					t.Error(out.Err)
				}
				p = out.Producer
			}
		})
	}
	all.Wait()
	h.write.Store(&stuck)
	p := h.init(t, "last")
	if err := h.add("last", p); err != nil {
		t.Error(err)
	}
	if out := wait(h.End, EndInput{TransactionalID: "last", Producer: p, Commit: true, Version: 2}); out.Err != nil {
		t.Error(out.Err)
	}
	h.Close()

	h = newHouse(s)
	defer h.Close()
	written := make(chan Markers, 50)
	write := func(m Markers, done func([]TopicPartition)) { written <- m; done(nil) }
	h.write.Store(&write)
	h.Wake([]int32{0, 1, 2, 3, 4})
	for m := range written {
		if m.TransactionalID != "last" {
			continue // the last of the forty may not have been completed either
		}
		if !m.Commit || m.Producer.ID != p.ID || m.Producer.Epoch != p.Epoch+1 {
			t.Errorf("the markers are %+v", m)
		}
		break
	}
	out := wait(h.List, ListInput{LongerThanMillis: -1})
	if out.Err != nil || len(out.Transactions) != 41 {
		t.Errorf("%d transactions, %v", len(out.Transactions), out.Err)
	}
}

// Who waits for the markers of the last transaction is answered when they are there,
// and when the coordinator stops.
func TestTheNextTransactionWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(newShelf())
		var finish func([]TopicPartition)
		write := func(_ Markers, done func([]TopicPartition)) { finish = done }
		h.write.Store(&write)
		p := h.init(t, "a")
		if err := h.add("a", p); err != nil {
			t.Fatal(err)
		}
		next := wait(h.End, EndInput{TransactionalID: "a", Producer: p, Commit: true, Version: 2}).Producer
		answers := make(chan error, 2)
		in := AddInput{TransactionalID: "a", Producer: next, Partitions: []TopicPartition{{Topic: "t"}}, Version: 2}
		h.AddPartitions(in, func(out AddOutput) { answers <- out.First() })
		synctest.Wait()
		if len(answers) > 0 {
			t.Fatal("answered before the markers are written")
		}
		finish(nil)
		if err := <-answers; err != nil {
			t.Error(err)
		}
		in.Producer = wait(h.End, EndInput{TransactionalID: "a", Producer: next, Commit: true, Version: 2}).Producer
		h.AddPartitions(in, func(out AddOutput) { answers <- out.First() })
		synctest.Wait()
		h.Close()
		if err := <-answers; !errors.Is(err, coordinator.ErrUnavailable) {
			t.Errorf("after the stop: %v", err)
		}
	})
}

func TestWhatACoordinatorCannotDo(t *testing.T) {
	h := newHouse(newShelf())
	defer h.Close()
	h.idError.Store(true)
	if out := wait(h.InitProducerID, InitInput{TransactionalID: "a", TimeoutMillis: 1, Expected: coordinator.NoProducer}); out.Err == nil {
		t.Error("a producer without an id")
	}
	h.shelf.mu.Lock()
	h.shelf.foreign = true
	h.shelf.mu.Unlock()
	for what, err := range map[string]error{
		"InitProducerID": wait(h.InitProducerID, InitInput{TransactionalID: "a"}).Err,
		"AddPartitions":  wait(h.AddPartitions, AddInput{TransactionalID: "a"}).Err,
		"End":            wait(h.End, EndInput{TransactionalID: "a"}).Err,
		"Describe":       wait(h.Describe, "a").Err,
	} {
		if !errors.Is(err, coordinator.ErrNotOwner) {
			t.Errorf("%s of another node's shard: %v", what, err)
		}
	}
	if out := wait(h.List, ListInput{LongerThanMillis: -1}); out.Err != nil || len(out.Transactions) > 0 {
		t.Errorf("a list of nothing: %+v", out)
	}
}

// Markers that could not be written are tried again, those alone. A later life of the
// shard does not begin before an earlier one has ended: its markers could come after
// the transaction.
func TestMarkersOfOneTransactionComeOneAfterTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(newShelf())
		defer h.Close()
		type call struct {
			Markers
			done func([]TopicPartition)
		}
		calls := make(chan call, 10)
		write := func(m Markers, done func([]TopicPartition)) { calls <- call{m, done} }
		h.write.Store(&write)
		p := h.init(t, "a")
		parts := []TopicPartition{{Topic: "t"}, {Topic: "u"}}
		out := wait(h.AddPartitions, AddInput{TransactionalID: "a", Producer: p, Partitions: parts})
		if err := out.First(); err != nil {
			t.Fatal(err)
		}
		wait(h.End, EndInput{TransactionalID: "a", Producer: p, Commit: true})
		first := <-calls
		first.done(parts[1:])
		synctest.Wait()
		h.clock.Advance(markersRetryFirst)
		again := <-calls
		if len(again.Partitions) != 1 || again.Partitions[0] != parts[1] {
			t.Errorf("tried again in %v", again.Partitions)
		}
		h.Unload(h.ShardOf("a"))
		h.Wake([]int32{h.ShardOf("a")})
		synctest.Wait()
		h.clock.Advance(time.Second)
		synctest.Wait()
		if len(calls) > 0 {
			t.Fatal("two write markers of one transaction")
		}
		again.done(nil)
		last := <-calls
		if len(last.Partitions) != 2 {
			t.Errorf("the later life writes in %v", last.Partitions)
		}
		last.done(nil)
		synctest.Wait()
		if d := wait(h.Describe, "a"); d.State != CompleteCommit {
			t.Errorf("the state is %s", d.State)
		}
	})
}

// A shard whose journal failed comes back by itself: nobody else may ask for its
// transactions any more.
func TestAShardComesBackByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(newShelf())
		defer h.Close()
		p := h.init(t, "a")
		if err := h.add("a", p); err != nil {
			t.Fatal(err)
		}
		broken := func(is bool) {
			h.shelf.mu.Lock()
			defer h.shelf.mu.Unlock()
			h.shelf.broken = is
		}
		broken(true)
		if out := wait(h.End, EndInput{TransactionalID: "a", Producer: p, Commit: true, Version: 2}); out.Err == nil {
			t.Fatal("the commit was written")
		}
		synctest.Wait()
		broken(false)
		for range 70 { // the timeout is a minute
			h.clock.Advance(time.Second)
			synctest.Wait()
		}
		if d := wait(h.Describe, "a"); d.State != CompleteAbort {
			t.Errorf("the state is %s", d.State)
		}
	})
}
