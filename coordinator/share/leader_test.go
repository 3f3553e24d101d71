package share

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/internal/clock"
	"github.com/barnabas-mq/barnabas/protocol"
)

// desk is a persister whose answers a test gives.
type desk struct {
	mu     sync.Mutex
	state  ReadOutput
	reads  int
	writes []WriteInput
	fail   error
	hold   bool // writes are answered by flush
	held   []func(error)
}

func (d *desk) Read(_ ReadInput, reply func(ReadOutput)) {
	d.mu.Lock()
	d.reads++
	out := d.state
	d.mu.Unlock()
	reply(out)
}

func (d *desk) Write(in WriteInput, reply func(error)) {
	d.mu.Lock()
	d.writes = append(d.writes, in)
	err := d.fail
	if d.hold {
		d.held = append(d.held, reply)
		d.mu.Unlock()
		return
	}
	d.mu.Unlock()
	reply(err)
}

func (d *desk) flush(err error) {
	d.mu.Lock()
	held := d.held
	d.held = nil
	d.mu.Unlock()
	for _, reply := range held {
		reply(err)
	}
}

var (
	leaderKey = Key{GroupID: "g", TopicID: protocol.UUID{1}}
	settings  = Settings{LockDuration: 30 * time.Second, DeliveriesMax: 5, LocksMax: 100, RenewAllowed: true}
)

func newLeader(d *desk) (*Leader, *clock.Manual) {
	c := clock.NewManual(start)
	return NewLeader(LeaderOptions{Persister: d, Clock: c, Settings: func(string) Settings { return settings }}), c
}

func open(t *testing.T, l *Leader) *Partition {
	t.Helper()
	p, err := l.Open(leaderKey, 3, func() (protocol.Offset, error) { return 10, nil }, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// take acquires ten records from where the partition is.
func take(t *testing.T, p *Partition) []Delivery {
	t.Helper()
	from, ok := p.BeginFetch(0)
	if !ok {
		return nil
	}
	defer p.EndFetch()
	return p.Acquire(AcquireInput{Member: "m", From: from, Fetched: []Extent{{from, from + 9}}, RecordsMax: 10, BatchSize: 10})
}

// A share partition is loaded once for all who ask, begins where resolve says when
// nobody has said so before, and writes under the epochs that it has read.
func TestLeaderLoadsOnce(t *testing.T) {
	d := &desk{state: ReadOutput{StateEpoch: 7, StartOffset: Uninitialized}}
	l, _ := newLeader(d)
	defer l.Close(t.Context())
	if l.Get(leaderKey) != nil {
		t.Error("it is there before anybody asked")
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { open(t, l) })
	}
	all.Wait()
	p := l.Get(leaderKey)
	if got := take(t, p); d.reads != 1 || len(got) != 1 || got[0] != (Delivery{10, 19, 1}) {
		t.Fatalf("%d reads, acquired %+v", d.reads, got)
	}
	p.Acknowledge("m", []Acknowledgement{{10, 19, []AcknowledgeType{Accept}}}, func(err error) {
		if err != nil {
			t.Error(err)
		}
	})
	if w := d.writes[0]; w.StateEpoch != 7 || w.LeaderEpoch != 3 || w.StartOffset != 10 || w.DeliveryCompleteCount != 10 {
		t.Errorf("it writes %+v", w)
	}
}

// An error of the load is told, and the next one tries again.
func TestLeaderThatCannotLoad(t *testing.T) {
	d := &desk{}
	l, _ := newLeader(d)
	defer l.Close(t.Context())
	resolve := func() (protocol.Offset, error) { return 0, errors.New("the log is offline") }
	for err, want := range map[error]error{
		coordinator.ErrLoading:              coordinator.ErrUnavailable,
		protocol.ErrInvalidRequest:          protocol.ErrUnknownServerError, // nobody has initialized it
		protocol.ErrFencedLeaderEpoch:       protocol.ErrNotLeaderOrFollower,
		protocol.ErrUnknownTopicOrPartition: protocol.ErrUnknownTopicOrPartition,
	} {
		d.state = ReadOutput{Err: err}
		if _, got := l.Open(leaderKey, 0, resolve, nil); got != want {
			t.Errorf("%v is shown as %v", err, got)
		}
	}
	d.state = ReadOutput{StartOffset: Uninitialized}
	if _, err := l.Open(leaderKey, 0, resolve, nil); err == nil || l.Get(leaderKey) != nil {
		t.Error("without a start")
	}
	open(t, l)
}

// Locks end by themselves, are stored so, and wake who waits; whoever goes on with a
// partition that was dropped is told.
func TestLeaderExpiresLocks(t *testing.T) {
	d := &desk{}
	l, c := newLeader(d)
	defer l.Close(t.Context())
	p := open(t, l)
	wake := make(chan struct{}, 1)
	p.Watch(wake)
	take(t, p)
	c.Advance(29 * time.Second)
	if len(wake) > 0 || len(d.writes) > 0 {
		t.Fatal("too early")
	}
	c.Advance(time.Second)
	if len(wake) == 0 || len(d.writes) != 1 || d.writes[0].Batches[0] != (Batch{0, 9, Available, 1}) {
		t.Fatalf("woken %d, written %+v", len(wake), d.writes)
	}
	p.Unwatch(wake)
	<-wake
	take(t, p)
	d.fail = protocol.ErrFencedStateEpoch
	c.Advance(30 * time.Second)
	if l.Get(leaderKey) != nil || len(wake) > 0 {
		t.Error("a fenced one is in use")
	}
	told := error(nil)
	p.Acknowledge("m", []Acknowledgement{{0, 9, []AcknowledgeType{Accept}}}, func(err error) { told = err })
	if told != protocol.ErrUnknownTopicOrPartition || take(t, p) != nil || c.Pending() != 0 {
		t.Errorf("it is answered %v, %d timers", told, c.Pending())
	}
}

// While an acknowledgement is being stored the records are nobody's; when that fails
// their member has them again.
func TestLeaderSettlesWhatItWrites(t *testing.T) {
	d := &desk{hold: true}
	l, c := newLeader(d)
	defer l.Close(t.Context())
	p := open(t, l)
	take(t, p)
	var answers []error
	acknowledge := func() {
		p.Acknowledge("m", []Acknowledgement{{0, 9, []AcknowledgeType{Accept}}}, func(err error) { answers = append(answers, err) })
	}
	acknowledge()
	acknowledge()
	d.flush(coordinator.ErrUnavailable)
	acknowledge()
	d.flush(nil)
	if len(answers) != 3 || answers[0] != ErrRecordState || answers[1] != coordinator.ErrUnavailable || answers[2] != nil {
		t.Errorf("the answers are %v", answers)
	}
	take(t, p)
	p.Release("m", func(err error) { answers = append(answers, err) })
	d.flush(nil)
	if got := take(t, p); len(got) != 1 || got[0] != (Delivery{10, 19, 2}) {
		t.Errorf("acquired %+v", got)
	}
	l.DropGroup("other")
	l.DropTopics([]protocol.UUID{{2}})
	if l.Get(leaderKey) == nil {
		t.Error("dropped with others")
	}
	l.DropTopics([]protocol.UUID{{1}})
	if l.Get(leaderKey) != nil || c.Pending() != 0 {
		t.Error("in use without a topic")
	}
}

// A partition whose topic is deleted while it is being loaded is not in use afterwards.
func TestLeaderDropsWhatIsBeingLoaded(t *testing.T) {
	l, _ := newLeader(&desk{state: ReadOutput{StartOffset: Uninitialized}})
	defer l.Close(t.Context())
	p, err := l.Open(leaderKey, 0, func() (protocol.Offset, error) {
		l.DropTopics([]protocol.UUID{leaderKey.TopicID})
		return 10, nil
	}, nil)
	if err == nil && take(t, p) != nil || l.Get(leaderKey) != nil {
		t.Error("in use without a topic")
	}
}

// The end waits until what was given back is stored, but no longer than it is told to.
func TestLeaderStoresBeforeItEnds(t *testing.T) {
	d := &desk{hold: true}
	l, _ := newLeader(d)
	p := open(t, l)
	take(t, p)
	p.Release("m", func(error) {})
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	l.Close(ended)
	if len(d.held) != 1 {
		t.Fatal("the write is gone")
	}
	if _, err := l.Open(leaderKey, 0, nil, nil); err != coordinator.ErrUnavailable {
		t.Errorf("opened after the end: %v", err)
	}
	closed := make(chan struct{})
	go func() {
		l.Close(context.Background())
		close(closed)
	}()
	for range 1000 {
		runtime.Gosched()
	}
	select {
	case <-closed:
		t.Error("it ends before the write")
	default:
	}
	d.flush(nil)
	<-closed
}

// Who waits for records is woken when a change is settled, which is when there may be
// some, and not before.
func TestLeaderWakesWhenAChangeIsSettled(t *testing.T) {
	d := &desk{hold: true}
	l, _ := newLeader(d)
	defer l.Close(t.Context())
	p := open(t, l)
	take(t, p)
	wake := make(chan struct{}, 1)
	p.Watch(wake)
	p.Release("m", func(error) {})
	if len(wake) > 0 {
		t.Error("woken for records that are not available yet")
	}
	d.flush(nil)
	if len(wake) == 0 {
		t.Error("not woken")
	}
}
