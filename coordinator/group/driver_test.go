package group

import (
	"fmt"
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
	// wrote is called for every record that is applied.
	wrote func(coordinator.Record)
}

// start is the wall-clock time at which drivers begin.
var start = time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)

func newDriver(t *testing.T, config Config) *driver {
	d := &driver{t: t, config: config, wrote: func(coordinator.Record) {}}
	d.now.Wall = protocol.Timestamp(start.UnixMilli())
	d.machine, d.replica = d.newMachine(), d.newMachine()
	d.do(d.machine.Loaded(d.now))
	return d
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
	var id string
	if kind == groupKey {
		id, _ = parseGroupKey(r.Key)
	} else {
		id, _, _ = parseOffsetKey(r.Key)
	}
	live, replayed := d.machine.groups[id], d.replica.groups[id]
	if kind == groupKey {
		equal(d.t, "members of group "+id, durableMembers(live), durableMembers(replayed))
	}
	equal(d.t, "offsets of group "+id, durableOffsets(live), durableOffsets(replayed))
}

// mark ends a transaction.
func (d *driver) mark(p coordinator.Producer, marker coordinator.Marker) {
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
	d.machine, d.replica = d.newMachine(), d.newMachine()
	for _, e := range d.journal {
		d.load(e)
	}
	d.do(d.machine.Loaded(d.now))
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
