package coordinator

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/barnabas-mq/barnabas/internal/clock"
	"github.com/barnabas-mq/barnabas/protocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// notes is a machine that keeps the last value of each key, wakes whoever waits
// for a key when it is written, and wakes at alarms.
type notes struct {
	values   map[string]string
	waiting  []func(error)
	alarm    time.Duration
	hasAlarm bool
	rang     func()
}

func (n *notes) Apply(_ protocol.Offset, r Record, p Producer) error {
	if string(r.Key) == "unreadable" {
		return errors.New("unreadable")
	}
	n.values[string(r.Key)] = string(r.Value)
	return nil
}

func (n *notes) ApplyMarker(p Producer, commit bool) {
	n.values[fmt.Sprint("transaction of ", p.ID)] = fmt.Sprint(commit)
}
func (n *notes) Loaded(Moment) Decision          { return Decision{} }
func (n *notes) NextWake() (time.Duration, bool) { return n.alarm, n.hasAlarm }

func (n *notes) Wake(now Moment) (Decision, bool) {
	if !n.hasAlarm || n.alarm > now.Elapsed {
		return Decision{}, false
	}
	n.hasAlarm = false
	return Decision{Replies: []Reply{func(error) { n.rang() }}}, true
}

func (n *notes) Abandon(err error) {
	for _, w := range n.waiting {
		w(err)
	}
}

// paper is a journal in memory. Unless it is held, it commits at once.
type paper struct {
	mu struct {
		sync.Mutex
		entries []Entry
		batches []Batch // without their records' bytes
		held    bool
		pending []func(error)
		refuse  error // what Append answers
		owner   error // what Check answers
		loadErr error
		loads   int
	}
	loading chan struct{} // if not nil, Load waits for it
}

func (p *paper) Check(int32) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mu.owner
}

func (p *paper) Load(_ int32, fn func(Entry) error) error {
	if p.loading != nil {
		<-p.loading
	}
	p.mu.Lock()
	p.mu.loads++
	err, entries := p.mu.loadErr, slices.Clone(p.mu.entries)
	p.mu.Unlock()
	for _, e := range entries {
		if err := fn(e); err != nil {
			return err
		}
	}
	return err
}

func (p *paper) Append(_ int32, b Batch, committed func(error)) (protocol.Offset, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.mu.refuse; err != nil {
		p.mu.refuse = nil
		return 0, err
	}
	base := protocol.Offset(len(p.mu.entries))
	p.mu.batches = append(p.mu.batches, Batch{Records: make([]Record, len(b.Records)), Producer: b.Producer, Marker: b.Marker})
	if b.Marker != nil {
		p.mu.entries = append(p.mu.entries, Entry{Offset: base, Producer: b.Marker.Producer, Marker: kindOf(*b.Marker)})
	}
	for i, r := range b.Records {
		p.mu.entries = append(p.mu.entries, Entry{Offset: base + protocol.Offset(i), Record: r})
	}
	if p.mu.held {
		p.mu.pending = append(p.mu.pending, committed)
	} else {
		committed(nil)
	}
	return base, nil
}

func kindOf(m Marker) MarkerKind {
	if m.Commit {
		return CommitMarker
	}
	return AbortMarker
}

func (p *paper) hold() { p.set(func() { p.mu.held = true }) }

func (p *paper) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

// commit ends what is held, with an error or not.
func (p *paper) commit(err error) {
	p.mu.Lock()
	pending := p.mu.pending
	p.mu.pending, p.mu.held = nil, false
	p.mu.Unlock()
	for _, committed := range pending {
		committed(err)
	}
}

// world is a runtime of one shard over paper and a manual clock.
type world struct {
	t       *testing.T
	paper   *paper
	clock   *clock.Manual
	runtime *Runtime[*notes]
}

// play runs a story in a bubble of its own, where settle can tell that all is quiet.
func play(t *testing.T, story func(*testing.T, *world), change ...func(*Options[*notes])) {
	synctest.Test(t, func(t *testing.T) { story(t, newWorld(t, change...)) })
}

func newWorld(t *testing.T, change ...func(*Options[*notes])) *world {
	w := &world{t: t, paper: &paper{}, clock: clock.NewManual(time.Unix(1000, 0))}
	o := Options[*notes]{
		Name: "notes", Shards: 1, Journal: w.paper, Clock: w.clock,
		NewMachine: func(int32) *notes { return &notes{values: map[string]string{}} },
	}
	for _, c := range change {
		c(&o)
	}
	w.runtime = New(o)
	t.Cleanup(w.runtime.Close)
	return w
}

// answer is where a reply arrives.
type answer chan error

func (w *world) is(a answer, want error) {
	w.t.Helper()
	w.settle()
	select {
	case got := <-a:
		if !errors.Is(got, want) {
			w.t.Fatalf("answered %v, want %v", got, want)
		}
	default:
		w.t.Fatalf("not answered")
	}
}

func (w *world) isOpen(a answer) {
	w.t.Helper()
	w.settle()
	select {
	case got := <-a:
		w.t.Fatalf("answered %v too early", got)
	default:
	}
}

// write sets key to value.
func (w *world) write(key, value string) answer {
	a := make(answer, 1)
	w.runtime.Do(0, func(*notes, Moment) Decision {
		return Decision{
			Records: []Record{{Key: []byte(key), Value: []byte(value)}},
			Replies: []Reply{func(err error) { a <- err }},
			Lost:    func(error) {},
		}
	}, func(err error) { a <- err })
	return a
}

// read answers with an error that tells the value of key.
func (w *world) read(key string) answer {
	a := make(answer, 1)
	w.runtime.Do(0, func(n *notes, _ Moment) Decision {
		value := n.values[key]
		return Decision{Replies: []Reply{func(err error) {
			if err == nil {
				err = said(value)
			}
			a <- err
		}}}
	}, func(err error) { a <- err })
	return a
}

// occupy keeps the shard's goroutine from what is called next until the function
// that it returns is called, which waits until all of it is done.
func (w *world) occupy() (leave func()) {
	gate := make(chan struct{})
	w.runtime.Do(0, func(*notes, Moment) Decision { <-gate; return Decision{} }, func(err error) { w.t.Error(err) })
	w.settle()
	return func() { close(gate); w.settle() }
}

// batchSizes are the numbers of records of each append.
func (w *world) batchSizes() (sizes []int) {
	w.paper.set(func() {
		for _, b := range w.paper.mu.batches {
			sizes = append(sizes, len(b.Records))
		}
	})
	return sizes
}

// said is a value as an error, so that answers carry it.
type said string

func (s said) Error() string { return "it says " + string(s) }

// settle returns when everything called so far has been done and all goroutines
// wait for something new.
func (w *world) settle() { synctest.Wait() }
