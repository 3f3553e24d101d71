package share

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/protocol"
)

// Whatever members, time and the store do: a record goes to one member at a time, its
// deliveries are counted and bounded, one that is done with is never delivered again,
// and after a crash what was stored holds. The model keeps every record by itself.
func TestInFlightRandomly(t *testing.T) {
	for seed := range uint64(400) {
		w := &world{t: t, seed: seed, r: newRandom(seed), s: NewInFlight(0, nil), store: NewMachine(Config{UpdatesMax: 3, Partitions: func(protocol.UUID) int32 { return 1 }})}
		w.write(w.store.Initialize(coordinator.Moment{}, InitializeInput{Key: worldKey, StartOffset: 0}, func(error) {}))
		for range 300 {
			w.step()
			w.check()
		}
	}
}

var (
	worldKey = Key{GroupID: "g", TopicID: protocol.UUID{1}}
	members  = []string{"a", "b", "c"}
)

const (
	worldLocks      = 40
	worldDeliveries = 4
	worldLock       = 30 * time.Second
)

// record is what the model knows of an offset. A final one is final for good, apart
// from one whose storing is under way.
type record struct {
	slot
	pending *Change
	stored  slot // what a crash leaves
}

// underway is a change whose outcome has not been heard of yet. The writes themselves
// are in the order in which they were begun, as a shard's are.
type underway struct {
	*Change
	stored bool
}

type world struct {
	t       *testing.T
	seed    uint64
	r       *rand.Rand
	s       *InFlight
	now     time.Duration
	log     []Extent
	records []record
	pending []underway
	start   protocol.Offset
	// store is the persister, which knows no more than what was written.
	store *Machine
	end   protocol.Offset // of the persister's journal
}

func (w *world) fail(format string, args ...any) {
	w.t.Helper()
	w.t.Fatalf("seed %d: "+format, append([]any{w.seed}, args...)...)
}

func (w *world) write(d coordinator.Decision) {
	for _, r := range d.Records {
		if err := w.store.Apply(w.end, r, coordinator.NoProducer); err != nil {
			w.fail("%v", err)
		}
		w.end++
	}
	for _, reply := range d.Replies {
		reply(nil)
	}
}

func (w *world) step() {
	switch n := w.r.IntN(20); {
	case n < 3:
		w.produce()
	case n < 9:
		w.fetch()
	case n < 14:
		w.acknowledge()
	case n < 17 && len(w.pending) > 0:
		w.settle()
	case n == 17:
		w.expire()
	case n == 18:
		if c := w.s.Release(members[w.r.IntN(len(members))], worldDeliveries); c != nil {
			w.begin(c)
		}
	case n == 19 && w.r.IntN(4) == 0:
		w.crash()
	}
}

func (w *world) produce() {
	first := protocol.Offset(len(w.records) + w.r.IntN(8)/6*w.r.IntN(5)) // sometimes after a hole
	last := first + protocol.Offset(w.r.IntN(9))
	w.log = append(w.log, Extent{first, last})
	for protocol.Offset(len(w.records)) <= last {
		w.records = append(w.records, record{})
	}
}

func (w *world) fetch() {
	from := w.s.Next()
	i := slices.IndexFunc(w.log, func(e Extent) bool { return e.Last >= from })
	if i < 0 || !w.s.CanAcquire(worldLocks) {
		return
	}
	fetched := w.log[i:min(len(w.log), i+1+w.r.IntN(3))]
	in := AcquireInput{Member: members[w.r.IntN(len(members))], From: from, Fetched: fetched, RecordsMax: 1 + w.r.IntN(12),
		Strict: w.r.IntN(2) == 0, BatchSize: 1 + w.r.IntN(10), Until: w.now + worldLock, LocksMax: worldLocks, DeliveriesMax: worldDeliveries}
	if w.r.IntN(5) == 0 {
		in.Aborted = fetched[:1]
	}
	got := w.s.Acquire(in)
	n := protocol.Offset(0)
	for _, d := range got {
		n += d.Last - d.First + 1
		for o := d.First; o <= d.Last; o++ {
			r := &w.records[o]
			if r.state != Available || r.pending != nil || o < w.start {
				w.fail("offset %d is delivered as %+v from %d on", o, *r, w.start)
			}
			r.slot = slot{Acquired, r.count + 1, in.Member, in.Until}
			if r.count != d.Count || r.count > worldDeliveries {
				w.fail("offset %d has count %d, delivered with %d", o, r.count, d.Count)
			}
			if len(in.Aborted) > 0 && in.Aborted[0].First <= o && o <= in.Aborted[0].Last {
				w.fail("offset %d is of an aborted transaction", o)
			}
		}
	}
	if in.Strict && n > protocol.Offset(in.RecordsMax) {
		w.fail("%d records where %d were asked for", n, in.RecordsMax)
	}
	if len(got) == 0 && len(in.Aborted) == 0 && w.s.start == in.From && w.s.Next() == in.From {
		w.fail("a fetch from %d of %v got nothing and left no mark", in.From, fetched)
	}
	w.learnFinal()
}

// learnFinal takes over what is final without anybody's word: holes, aborted records.
func (w *world) learnFinal() {
	for i := range w.s.batches {
		for _, r := range w.s.batches[i].runs {
			for o := r.first; o <= r.last && o < protocol.Offset(len(w.records)); o++ {
				if m := &w.records[o]; r.isFinal() && m.state == Available && m.pending == nil {
					m.slot = r.slot
				}
			}
		}
	}
	for o := w.start; o < min(w.s.start, protocol.Offset(len(w.records))); o++ {
		if m := &w.records[o]; m.state == Available && m.pending == nil {
			m.slot = slot{state: Archived}
		}
	}
}

func (w *world) acknowledge() {
	in := AcknowledgeInput{Member: members[w.r.IntN(len(members))], DeliveriesMax: worldDeliveries, RenewAllowed: true, RenewUntil: w.now + worldLock}
	// Mostly what the member has, sometimes anything.
	for range 1 + w.r.IntN(2) {
		var a Acknowledgement
		a.First = protocol.Offset(w.r.IntN(len(w.records) + 1))
		for tries := 0; tries < 20 && (a.First >= protocol.Offset(len(w.records)) || w.records[a.First].member != in.Member); tries++ {
			a.First = protocol.Offset(w.r.IntN(len(w.records) + 1))
		}
		a.Last = a.First
		for int(a.Last+1) < len(w.records) && w.records[a.Last+1].member == in.Member && w.r.IntN(5) > 0 {
			a.Last++
		}
		n := 1
		if w.r.IntN(2) == 0 {
			n = int(a.Last - a.First + 1)
		}
		for range n {
			a.Types = append(a.Types, AcknowledgeType(w.r.IntN(5)))
		}
		in.Batches = append(in.Batches, a)
	}
	wanted := w.judge(in)
	c, err := w.s.Acknowledge(in)
	if (err == nil) != (wanted != nil) {
		w.fail("%+v is answered %v", in, err)
	}
	if err != nil {
		w.renewed(in, err)
		return
	}
	for o, s := range wanted {
		w.records[o].slot = s
	}
	if c != nil {
		w.begin(c)
	}
}

// judge is what the records become, or nil when the acknowledgement is refused.
func (w *world) judge(in AcknowledgeInput) map[protocol.Offset]slot {
	wanted := map[protocol.Offset]slot{}
	for _, a := range in.Batches {
		if a.Last < w.start {
			continue
		}
		for o := max(a.First, w.start); o <= a.Last; o++ {
			if o >= w.s.end || o >= protocol.Offset(len(w.records)) {
				return nil
			}
			r := w.records[o]
			if s, ok := wanted[o]; ok {
				r.slot = s
			}
			if r.state != Acquired || r.pending != nil || r.member != in.Member {
				return nil
			}
			switch kind := a.Types[min(int(o-a.First), len(a.Types)-1)]; {
			case kind == Accept:
				wanted[o] = slot{state: Acknowledged, count: r.count}
			case kind == Release && r.count < worldDeliveries:
				wanted[o] = slot{state: Available, count: r.count}
			case kind == Renew:
				r.until = in.RenewUntil
				wanted[o] = r.slot
			default:
				wanted[o] = slot{state: Archived, count: r.count}
			}
		}
	}
	return wanted
}

// renewed takes over locks that were renewed before the error.
func (w *world) renewed(in AcknowledgeInput, _ error) {
	for i := range w.s.batches {
		for _, r := range w.s.batches[i].runs {
			if r.state == Acquired && r.member == in.Member && r.until == in.RenewUntil {
				for o := r.first; o <= r.last; o++ {
					w.records[o].until = r.until
				}
			}
		}
	}
}

// begin takes over what is to be written.
func (w *world) begin(c *Change) {
	for _, b := range c.Batches {
		for o := b.First; o <= b.Last; o++ {
			r := &w.records[o]
			r.slot, r.pending = slot{state: b.State, count: b.Count}, c
		}
	}
	stored := w.r.IntN(4) > 0
	if stored {
		w.storeChange(c)
	}
	w.pending = append(w.pending, underway{c, stored})
}

func (w *world) storeChange(c *Change) {
	w.write(w.store.Write(coordinator.Moment{}, WriteInput{Key: worldKey, LeaderEpoch: -1, StartOffset: c.Start, DeliveryCompleteCount: c.Complete, Batches: c.Batches},
		func(err error) {
			if err != nil {
				w.fail("%v", err)
			}
		}))
	for _, b := range c.Batches {
		for o := b.First; o <= b.Last; o++ {
			w.records[o].stored = slot{state: b.State, count: b.Count}
		}
	}
}

func (w *world) settle() {
	i := w.r.IntN(len(w.pending))
	c, stored := w.pending[i].Change, w.pending[i].stored
	w.pending = slices.Delete(w.pending, i, i+1)
	befores := map[protocol.Offset]slot{}
	for j := range w.s.batches {
		for _, r := range w.s.batches[j].runs {
			for o := r.first; o <= r.last && r.change == c; o++ {
				befores[o] = r.before
			}
		}
	}
	w.s.Settle(c, stored, w.now)
	for o := range w.records {
		r := &w.records[o]
		if r.pending != c {
			continue
		}
		r.pending = nil
		if !stored {
			r.slot = befores[protocol.Offset(o)]
			if r.until <= w.now {
				r.slot = r.released(worldDeliveries)
			}
		}
	}
}

func (w *world) expire() {
	w.now += time.Duration(w.r.IntN(20)) * time.Second
	at, armed := w.s.NextExpiry()
	c := w.s.ExpireLocks(w.now, worldDeliveries)
	if (c != nil) != (armed && at <= w.now) {
		w.fail("a lock that ends at %v (%v) has ended at %v: %v", at, armed, w.now, c)
	}
	if c == nil {
		return
	}
	for o := range w.records {
		if r := &w.records[o]; r.state == Acquired && r.until <= w.now {
			r.slot = r.released(worldDeliveries)
		}
	}
	w.storeChange(c)
}

// crash leaves what was stored.
func (w *world) crash() {
	for o := range w.records {
		r := &w.records[o]
		r.slot, r.pending = r.stored, nil
	}
	w.pending = nil
	w.write(w.store.Read(coordinator.Moment{}, ReadInput{Key: worldKey, LeaderEpoch: -1}, func(out ReadOutput) {
		w.s = NewInFlight(out.StartOffset, out.Batches)
		w.start = out.StartOffset
	}))
	// What lies below the start that was stored is done with, stored or not.
	for o := range w.start {
		if w.records[o].state == Available {
			w.records[o].slot = slot{state: Archived}
		}
	}
	w.start = w.s.start
}

// check compares the model with what is in flight.
func (w *world) check() {
	if w.s.start < w.start {
		w.fail("the start goes back from %d to %d", w.start, w.s.start)
	}
	for o := w.start; o < min(w.s.start, protocol.Offset(len(w.records))); o++ {
		if r := w.records[o]; !r.isFinal() || r.pending != nil {
			w.fail("the start passes offset %d, which is %+v", o, r)
		}
	}
	w.start = w.s.start
	at := w.s.start
	for i := range w.s.batches {
		b := &w.s.batches[i]
		if b.first != at || b.last < b.first || len(b.runs) > 1 && !b.tracked {
			w.fail("batch %d of %+v is not where it should be", i, w.s.batches)
		}
		for _, r := range b.runs {
			if r.first != at || r.last < r.first {
				w.fail("a run of %+v is not where it should be", *b)
			}
			for ; at <= r.last; at++ {
				m := w.records[at]
				if m.slot != r.slot && !(r.isHole() && m.isFinal()) || m.pending != r.change {
					w.fail("offset %d is %+v, should be %+v", at, r, m)
				}
			}
		}
		if at != b.last+1 {
			w.fail("batch %+v ends at %d", *b, at)
		}
	}
	if at != w.s.end {
		w.fail("the end is %d, the batches end at %d", w.s.end, at)
	}
}
