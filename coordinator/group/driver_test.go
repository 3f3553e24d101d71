package group

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/protocol"
)

// driver runs a machine as a shard does, with a journal in memory that commits at
// once and a clock that is moved by hand. After every record it checks that a
// second machine, which sees nothing but the journal, holds the same durable
// state.
type driver struct {
	t       *testing.T
	config  Config
	machine *Machine
	replica *Machine
	journal []coordinator.Entry
	now     coordinator.Moment
	ids     int
	topics  *topicsFake
	// queries are questions about patterns that nobody has answered yet.
	queries []PatternQuery
	// asked are partitions that nobody has initialized yet.
	asked []ShareInitialization
	// wrote is called for every record that is applied.
	wrote func(coordinator.Record)
	// ended is called for every marker that is applied.
	ended func(coordinator.Marker)
}

// start is the wall-clock time at which drivers begin.
var start = time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)

func newDriver(t *testing.T, config Config) *driver {
	d := &driver{t: t, config: config, topics: &topicsFake{topics: map[string]Topic{}}, wrote: func(coordinator.Record) {}, ended: func(coordinator.Marker) {}}
	// The topics of a moment do not change later: a copy is an image.
	d.config.Topics = func() Topics { return &topicsFake{version: d.topics.version, topics: maps.Clone(d.topics.topics)} }
	d.now.Wall = protocol.Timestamp(start.UnixMilli())
	d.begin()
	d.do(d.machine.Loaded(d.now))
	return d
}

// begin makes two empty machines.
func (d *driver) begin() {
	d.machine, d.replica, d.queries, d.asked = d.newMachine(), d.newMachine(), nil, nil
	d.machine.InitializeShares(func(q ShareInitialization) { d.asked = append(d.asked, q) })
	d.machine.ResolvePatterns(func(q PatternQuery) { d.queries = append(d.queries, q) })
}

// resolve answers what was asked about patterns.
func (d *driver) resolve() {
	d.t.Helper()
	queries := d.queries
	d.queries = nil
	for _, q := range queries {
		a, _ := q.Resolve(func() bool { return false })
		d.do(d.machine.PatternsResolved(d.now, a))
	}
}

// setTopic makes a topic, changes its number of partitions or, with 0, deletes it.
func (d *driver) setTopic(name string, partitions int32) {
	d.topics.version++
	if partitions == 0 {
		delete(d.topics.topics, name)
		return
	}
	t, ok := d.topics.topics[name]
	if !ok {
		t = Topic{Name: name, ID: topicIDOf(name, d.topics.version)}
	}
	t.Partitions = partitions
	d.topics.topics[name] = t
}

// topicIDOf is an id that sorts as the name does.
func topicIDOf(name string, version int64) (id protocol.UUID) {
	copy(id[:15], name)
	id[15] = byte(version)
	return id
}

func (d *driver) newMachine() *Machine {
	return NewMachine(d.config, func() string {
		d.ids++
		return fmt.Sprint(d.ids)
	})
}

// do carries out a decision.
func (d *driver) do(out coordinator.Decision) {
	d.t.Helper()
	for {
		producer := coordinator.NoProducer
		if out.Producer != nil {
			producer = *out.Producer
		}
		if len(out.Records) > 1 {
			batch := coordinator.EncodeBatch(coordinator.Batch{Records: out.Records, Timestamp: d.now.Wall, Producer: out.Producer})
			if len(batch) > d.config.RecordBytesMax {
				d.t.Fatalf("a batch of %d records has %d bytes, the limit is %d", len(out.Records), len(batch), d.config.RecordBytesMax)
			}
		}
		for _, r := range out.Records {
			d.apply(r, producer)
		}
		if out.Marker != nil {
			d.append(entryOf(protocol.Offset(len(d.journal)), *out.Marker))
			d.ended(*out.Marker)
		}
		for _, reply := range out.Replies {
			reply(nil)
		}
		if out.Then == nil {
			return
		}
		out = out.Then(d.now)
	}
}

func (d *driver) apply(r coordinator.Record, p coordinator.Producer) {
	d.t.Helper()
	at := protocol.Offset(len(d.journal))
	d.append(coordinator.Entry{Offset: at, Record: r, Producer: p})
	d.wrote(r)
	kind, _ := recordKind(r.Key)
	id := groupOfRecord(r)
	live, replayed := d.machine.groups[id], d.replica.groups[id]
	switch {
	case kind == groupKey:
		equal(d.t, "members of group "+id, durableMembers(live), durableMembers(replayed))
	case isConsumerKind(kind):
		equal(d.t, "consumers of group "+id, durableConsumers(live), durableConsumers(replayed))
		return
	case isShareKind(kind):
		equal(d.t, "share group "+id, durableShare(live), durableShare(replayed))
		return
	}
	equal(d.t, "offsets of group "+id, durableOffsets(live), durableOffsets(replayed))
}

// mark ends a transaction.
func (d *driver) mark(p coordinator.Producer, marker coordinator.MarkerKind) {
	d.t.Helper()
	d.append(coordinator.Entry{Offset: protocol.Offset(len(d.journal)), Producer: p, Marker: marker})
}

func (d *driver) append(e coordinator.Entry) {
	d.t.Helper()
	d.journal = append(d.journal, e)
	d.load(e)
}

// load shows an entry to both machines.
func (d *driver) load(e coordinator.Entry) {
	d.t.Helper()
	for _, m := range []*Machine{d.machine, d.replica} {
		if e.Marker != coordinator.NoMarker {
			m.ApplyMarker(e.Producer, e.Marker == coordinator.CommitMarker)
		} else if err := m.Apply(e.Offset, e.Record, e.Producer); err != nil {
			d.t.Fatalf("applying record %d: %v", e.Offset, err)
		}
	}
}

func equal(t *testing.T, what, live, replayed string) {
	t.Helper()
	if live != replayed {
		t.Fatalf("the live machine and its replay differ in the %s:\n--- live\n%s--- replayed\n%s", what, live, replayed)
	}
}

// advance moves the clock, stopping at every timer.
func (d *driver) advance(by time.Duration) {
	d.t.Helper()
	end := d.now.Elapsed + by
	for {
		at, ok := d.machine.NextWake()
		if !ok || at > end {
			break
		}
		d.moveTo(max(at, d.now.Elapsed))
		d.runDue()
	}
	d.moveTo(end)
}

func (d *driver) moveTo(elapsed time.Duration) {
	d.now.Wall += protocol.Timestamp((elapsed - d.now.Elapsed).Milliseconds())
	d.now.Elapsed = elapsed
}

// runDue runs the timers that are due now.
func (d *driver) runDue() {
	d.t.Helper()
	for {
		out, ok := d.machine.Wake(d.now)
		if !ok {
			return
		}
		d.do(out)
	}
}

// restart loses everything volatile.
func (d *driver) restart() {
	d.t.Helper()
	d.machine.Abandon(coordinator.ErrUnavailable)
	d.begin()
	for _, e := range d.journal {
		d.load(e)
	}
	d.do(d.machine.Loaded(d.now))
}

// groupOfRecord is the id of the group that a record is about.
func groupOfRecord(r coordinator.Record) string {
	id, _, err := parseForeignKey(r.Key, false) // all keys begin alike
	if err != nil {
		return ""
	}
	return id
}

// durableConsumers is what the journal holds of a group's members in the consumer
// protocol, as text.
func durableConsumers(entry *group) string {
	if entry == nil || entry.consumer == nil {
		return "no such group\n"
	}
	g := entry.consumer
	var b strings.Builder
	fmt.Fprintf(&b, "epoch %d hash %x target %d at %d classic %d old %t\n", g.epoch, uint64(g.metadataHash), g.targetEpoch, g.targetAt, g.classic, g.hasPartitionMetadata)
	fmt.Fprintf(&b, "names %v patterns %v assignors %v supported %v\n", g.names, g.patterns, g.assignors, g.supported)
	for _, pattern := range sortedKeys(g.resolved) {
		fmt.Fprintf(&b, "%s is %+v\n", pattern, *g.resolved[pattern])
	}
	for _, m := range g.sortedMembers() {
		fmt.Fprintf(&b, "%s %+v", m.id, m.current)
		if m.told != nil {
			fmt.Fprintf(&b, " instance %s rack %s client %s%s topics %v pattern %q assignor %s rebalance %d",
				orNull(m.told.instanceID), orNull(m.told.rack), m.told.clientID, m.told.clientHost, m.told.topics, m.told.pattern,
				orNull(m.told.assignor), m.told.rebalanceTimeoutMillis)
			if m.told.classic != nil {
				fmt.Fprintf(&b, " classic %+v", *m.told.classic)
			}
		}
		b.WriteByte('\n')
	}
	for _, id := range sortedKeys(g.targets) {
		fmt.Fprintf(&b, "%s is to own %v\n", id, g.targets[id])
	}
	owners := make([]string, 0, len(g.owners))
	for id, m := range g.owners {
		owners = append(owners, fmt.Sprintf("%x-%d of %s", id.topic[:], id.partition, m.id))
	}
	slices.Sort(owners)
	fmt.Fprintf(&b, "owners %v\n", owners)
	for _, id := range sortedKeys(g.static) {
		fmt.Fprintf(&b, "%s is %s\n", id, g.static[id].id)
	}
	return b.String()
}

// durableMembers is what the journal holds of a group's members, as text.
func durableMembers(g *group) string {
	if g == nil {
		return "no such group\n"
	}
	c := g.classic
	var b strings.Builder
	fmt.Fprintf(&b, "%s type %q protocol %s generation %d leader %q since %d topics %v\n",
		c.state, c.protocolType, orNull(c.protocol), c.generation, c.leader, c.stateSince, c.topics)
	for _, m := range c.members {
		fmt.Fprintf(&b, "%s instance %s client %s%s session %s rebalance %s metadata %q assignment %q\n",
			m.id, orNull(m.instanceID), m.clientID, m.clientHost, m.sessionTimeout, m.rebalanceTimeout,
			m.metadata(*c.protocol), m.assignment)
	}
	return b.String()
}

// durableOffsets is what the journal holds of a group's offsets, as text.
func durableOffsets(g *group) string {
	if g == nil {
		return "no such group\n"
	}
	var b strings.Builder
	for _, tp := range g.everyOffset() {
		if c, ok := g.offset(tp); ok {
			fmt.Fprintf(&b, "%s-%d %+v\n", tp.topic, tp.partition, c)
		}
		for _, producer := range sortedKeys(g.pending) {
			if c, ok := g.pending[producer][tp]; ok {
				fmt.Fprintf(&b, "%s-%d pending of %d %+v\n", tp.topic, tp.partition, producer, c)
			}
		}
	}
	return b.String()
}

func orNull(s *string) string {
	if s == nil {
		return "null"
	}
	return *s
}
