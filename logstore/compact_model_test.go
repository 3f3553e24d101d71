package logstore_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/protocol"
)

// visible is what a consumer with isolation.level=read_committed gets, by the rules
// of Kafka's clients: the list of aborted transactions and the markers.
func (s *simLog) visible() []plain {
	var all []plain
	pending := slices.Clone(s.aborted)
	slices.SortFunc(pending, func(a, b logstore.AbortedTransaction) int { return int(a.First - b.First) })
	aborted := make(map[protocol.ProducerID]bool)
	for _, b := range s.batches {
		for len(pending) > 0 && pending[0].First <= b.LastOffset() {
			aborted[pending[0].Producer] = true
			pending = pending[1:]
		}
		if b.IsControl() {
			if marker, ok := b.EndTxnMarker(); ok && !marker.Commit {
				delete(aborted, b.ProducerID())
			}
			continue
		}
		if b.IsTransactional() && aborted[b.ProducerID()] {
			continue
		}
		err := b.EachRecord(protocol.DecodeLimits{}, func(r *protocol.Record) error {
			all = append(all, plain{r.Offset, r.Timestamp, string(r.Key), r.Key != nil, string(r.Value), r.Value == nil})
			return nil
		})
		if err != nil {
			s.t.Fatal(err)
		}
	}
	return all
}

type plain struct {
	Offset    protocol.Offset
	Timestamp protocol.Timestamp
	Key       string
	HasKey    bool
	Value     string
	Tombstone bool
}

// modelRun lets producers write at random and compacts in between; what is left is
// compared with what a model says. Its time is the number of steps.
type modelRun struct {
	*simLog
	rng    *rand.Rand
	open   map[protocol.ProducerID]protocol.Offset // transactions by first offset
	epochs map[protocol.ProducerID]int16
	seen   map[protocol.Offset]protocol.Timestamp
}

func (m *modelRun) write() {
	producer := protocol.ProducerID(m.rng.IntN(5)) - 1 // -1: without one; 0 and 1 idempotent; 2 and 3 in transactions
	if _, open := m.open[producer]; open && m.rng.IntN(3) == 0 {
		b := protocol.NewEndTxnMarkerBatch(producer, m.epochs[producer], 7, protocol.EndTxnMarker{Commit: m.rng.IntN(2) == 0})
		b.SetBaseOffset(m.end())
		delete(m.open, producer)
		m.add(b)
		return
	}
	options := protocol.DefaultBatchOptions()
	options.Codec = protocol.Codec(m.rng.IntN(5))
	if producer >= 0 {
		if m.rng.IntN(20) == 0 && producer < 2 {
			m.epochs[producer]++
			m.sequences[producer] = 0
		}
		options.ProducerID, options.ProducerEpoch, options.BaseSequence = producer, m.epochs[producer], m.sequences[producer]
		options.Transactional = producer >= 2
	}
	w := protocol.NewBatchBuilder(options)
	for range 1 + m.rng.IntN(4) {
		key, value := fmt.Appendf(nil, "key %d", m.rng.IntN(12)), fmt.Appendf(nil, "value %d", m.rng.IntN(1000))
		switch m.rng.IntN(8) {
		case 0:
			value = nil
		case 1:
			key = nil
		}
		w.Add(protocol.Timestamp(m.rng.IntN(10_000)), key, value)
	}
	m.sequences[producer] += w.Count()
	b := w.Build(m.end(), 0)
	if options.Transactional {
		if _, open := m.open[producer]; !open {
			m.open[producer] = b.BaseOffset()
		}
	}
	m.add(b)
}

// stable is the last stable offset.
func (m *modelRun) stable() protocol.Offset {
	stable := m.end()
	for _, first := range m.open {
		stable = min(stable, first)
	}
	return stable
}

// compact takes some batch's edge at or below the last stable offset as the bound.
func (m *modelRun) compact(now protocol.Timestamp) {
	m.t.Helper()
	var edges []protocol.Offset
	for _, b := range m.batches {
		if next := b.LastOffset() + 1; next <= m.stable() && next >= m.cleanedTo {
			edges = append(edges, next)
		}
	}
	if len(edges) == 0 {
		return
	}
	size := int64(24 * (2 + m.rng.IntN(40)))
	before := m.visible()
	from, bound := m.cleanedTo, edges[m.rng.IntN(len(edges))]
	m.clean(bound, now, logstore.NewOffsetMap(size, 0.9))
	m.compare(before, from, bound, now)
}

// compare looks at what readers see before and after a compaction that knew the keys
// of [from, cleanedTo).
func (m *modelRun) compare(before []plain, from, bound protocol.Offset, now protocol.Timestamp) {
	m.t.Helper()
	after := m.visible()
	newest := make(map[string]plain) // of what the map of keys knew
	for _, r := range before {
		if r.HasKey && r.Offset < m.cleanedTo {
			newest[r.Key] = r
		}
	}
	i := 0
	for _, r := range before {
		there := i < len(after) && after[i] == r
		if there {
			i++
		}
		if _, seen := m.seen[r.Offset]; !seen && r.Tombstone && r.Offset < bound {
			m.seen[r.Offset] = now
		}
		switch {
		case r.Offset >= m.cleanedTo:
			if !there && r.Offset >= from {
				m.t.Fatalf("%+v is above %d and gone", r, m.cleanedTo)
			}
		case !r.HasKey || newest[r.Key].Offset != r.Offset:
			if there {
				m.t.Fatalf("%+v is still there, the newest is %+v", r, newest[r.Key])
			}
		case !r.Tombstone:
			if !there {
				m.t.Fatalf("%+v is the newest and gone", r)
			}
		default:
			if first := m.seen[r.Offset]; !there && now < first+100 {
				m.t.Fatalf("the tombstone %+v was first seen at %d and is gone at %d", r, first, now)
			}
		}
	}
	if i != len(after) {
		m.t.Fatalf("%+v is there and was not before", after[i])
	}
}

// Whatever is written and whenever it is compacted: the newest committed record of
// each key is there, in its place, nothing that was aborted comes back, tombstones
// stay their time, and the producers' state can be made of what is left.
func TestCompactionAgainstModel(t *testing.T) {
	for seed := range uint64(25) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			m := &modelRun{simLog: newSimLog(t), rng: rand.New(rand.NewPCG(seed, 1)), seen: make(map[protocol.Offset]protocol.Timestamp),
				open: make(map[protocol.ProducerID]protocol.Offset), epochs: make(map[protocol.ProducerID]int16)}
			for step := range 250 {
				m.write()
				if m.rng.IntN(12) == 0 {
					m.compact(protocol.Timestamp(step))
					m.checkShape()
				}
			}
			m.checkProducers()
		})
	}
}

// checkShape: offsets rise, the compacted part ends where it ended.
func (m *modelRun) checkShape() {
	m.t.Helper()
	next := protocol.Offset(0)
	for _, b := range m.batches {
		if b.BaseOffset() < next {
			m.t.Fatalf("a batch at %d after %d", b.BaseOffset(), next)
		}
		next = b.LastOffset() + 1
	}
}

func (m *modelRun) checkProducers() {
	m.t.Helper()
	var again logstore.ProducerTable
	for _, b := range m.batches {
		again.Apply(b, 0)
	}
	short := func(t *logstore.ProducerTable) []logstore.ProducerEntry {
		list := t.List()
		for i := range list {
			// What a marker said goes with the marker, as in Kafka.
			list[i].LastTimestamp, list[i].CoordinatorEpoch = 0, 0
		}
		return list
	}
	if diff := cmp.Diff(short(&m.producers), short(&again)); diff != "" {
		m.t.Error(diff)
	}
}
