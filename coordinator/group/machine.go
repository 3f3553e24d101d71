package group

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/internal/invariant"
	"github.com/barnabas-mq/barnabas/protocol"
)

// group is one group id: the offsets committed under it, and who belongs to it.
type group struct {
	offsets offsetTable
	// index finds an offset in a table of many; nil for one of few.
	index map[topicPartition]int32
	// pending are offsets of open transactions, by producer.
	pending map[protocol.ProducerID]map[topicPartition]committed
	// classic is never nil. A group that only commits offsets is an Empty one
	// without a protocol type; tools call it a simple group.
	classic *classicGroup
	// consumer is the group in the consumer protocol; its classic part is empty then.
	consumer *consumerGroup
	// share is the group when it is a share group; its classic part is empty.
	share *shareGroup
	// foreign is set for a group of another protocol, whose classic part is empty.
	foreign *foreign
}

// asConsumer is the group in the consumer protocol, nil when it is none or is not
// served.
func (g *group) asConsumer() *consumerGroup {
	if g == nil || g.foreign != nil {
		return nil
	}
	return g.consumer
}

// asShare is the share group, nil when it is none or is not served.
func (g *group) asShare() *shareGroup {
	if g == nil || g.foreign != nil {
		return nil
	}
	return g.share
}

// Machine is the groups of one shard. It implements coordinator.Machine.
//
// Every input method works in the same way: it may change volatile state, and
// returns what to write, whom to answer and how to go on once that is applied.
// Durable state changes in apply.go alone.
type Machine struct {
	config      Config
	newMemberID func() string
	groups      map[string]*group
	timers      timerQueue
	sweep       sweep
	// transactions are the groups that an open transaction has offsets in.
	transactions map[protocol.ProducerID]map[string]struct{}
	topics       map[topicKey]*topicRef
	hashes       topicHashes
	// resolve has a query answered later, by PatternsResolved. It must not block.
	resolve func(PatternQuery)
	// initialize has share partitions initialized, and ShareInitialized called later.
	// It must not block.
	initialize func(ShareInitialization)

	// now and out belong to the input that is being handled.
	now coordinator.Moment
	out coordinator.Decision
}

// NewMachine makes an empty machine. newMemberID gives the random part of the
// ids of new members.
func NewMachine(config Config, newMemberID func() string) *Machine {
	return &Machine{
		config:       config,
		newMemberID:  newMemberID,
		groups:       map[string]*group{},
		transactions: map[protocol.ProducerID]map[string]struct{}{},
		topics:       map[topicKey]*topicRef{},
		hashes:       topicHashes{},
	}
}

// ResolvePatterns says who answers the questions of this machine; without one,
// subscriptions by pattern stand for nothing.
func (m *Machine) ResolvePatterns(resolve func(PatternQuery)) { m.resolve = resolve }

// InitializeShares says who makes the state of share partitions; without one, members
// of share groups get none.
func (m *Machine) InitializeShares(initialize func(ShareInitialization)) { m.initialize = initialize }

// begin starts the handling of an input; finish ends it.
func (m *Machine) begin(now coordinator.Moment) {
	m.now, m.out = now, coordinator.Decision{}
}

func (m *Machine) finish() coordinator.Decision {
	out := m.out
	m.out = coordinator.Decision{}
	return out
}

func (m *Machine) write(records ...coordinator.Record) {
	m.out.Records = append(m.out.Records, records...)
}

// then goes on after the records written so far are applied.
func (m *Machine) then(next func(coordinator.Moment) coordinator.Decision) {
	invariant.Check(m.out.Then == nil, "an input goes on in two ways")
	m.out.Then = next
}

// step appends the records at once and goes on with next when they are applied;
// lost is called in its place when they could not be appended. Without records it
// goes on right away.
func (m *Machine) step(records []coordinator.Record, lost func(error), next func()) {
	if len(records) == 0 {
		next()
		return
	}
	m.write(records...)
	m.out.Lost = lost
	m.then(func(now coordinator.Moment) coordinator.Decision {
		m.begin(now)
		next()
		return m.finish()
	})
}

// steps is step for records that may come in several batches, each within the
// size that the journal takes.
func (m *Machine) steps(records []coordinator.Record, lost func(error), next func()) {
	n := batchPrefix(records, m.config.RecordBytesMax-protocol.BatchHeaderBytes)
	if rest := records[n:]; len(rest) > 0 {
		m.step(records[:n], lost, func() { m.steps(rest, lost, next) })
		return
	}
	m.step(records, lost, next)
}

func (m *Machine) reply(r coordinator.Reply) {
	m.out.Replies = append(m.out.Replies, r)
}

// Loaded implements coordinator.Machine: sessions start anew for every member,
// since nobody could be heard while the state was loaded.
func (m *Machine) Loaded(now coordinator.Moment) coordinator.Decision {
	m.begin(now)
	m.startSweeps()
	for _, id := range sortedKeys(m.groups) {
		if c := m.groups[id].asConsumer(); c != nil {
			m.startSessions(c)
		}
		if s := m.groups[id].asShare(); s != nil {
			for _, member := range s.sortedMembers() {
				m.timers.Set(&member.session, now.Elapsed+m.config.ShareSettings(id).SessionTimeout)
			}
		}
		g := m.groups[id].classic
		for _, member := range g.members {
			m.startSession(member, member.sessionTimeout)
		}
		if len(g.members) > int(m.config.MembersMax) {
			// group.max.size was lowered. The rebalance gives members a chance to commit
			// before those over the limit are turned away.
			m.prepareRebalance(g)
		}
	}
	return m.finish()
}

// NextWake implements coordinator.Machine.
func (m *Machine) NextWake() (time.Duration, bool) { return m.timers.Next() }

// Wake implements coordinator.Machine.
func (m *Machine) Wake(now coordinator.Moment) (coordinator.Decision, bool) {
	t := m.timers.Take(now.Elapsed)
	if t == nil {
		return coordinator.Decision{}, false
	}
	m.begin(now)
	switch {
	case t.Of.member != nil:
		m.memberTimedOut(t.Of.member)
		return m.finish(), true
	case t.Of.share != nil:
		m.shareTimedOut(t.Of.share)
		return m.finish(), true
	}
	switch g := t.Of.group; t.Of.kind {
	case sessionTimer:
		m.sessionExpired(g, t.Of.memberID)
	case joinTimer:
		if g.initialJoin {
			m.initialJoinDue(g)
		} else {
			m.completeJoin(g)
		}
	case syncTimer:
		m.syncExpired(g)
	case sweepTimer:
		m.sweepSlice()
	}
	return m.finish(), true
}

// Abandon implements coordinator.Machine.
func (m *Machine) Abandon(err error) {
	for _, id := range sortedKeys(m.groups) {
		for _, member := range m.groups[id].classic.members {
			if member.join != nil {
				member.join(refusedJoin(err, ""))
			}
			if member.sync != nil {
				member.sync(SyncOutput{Err: err})
			}
		}
	}
	m.groups = nil
}

// startSession sets when the member is given up unless it is heard of again.
func (m *Machine) startSession(member *member, timeout time.Duration) {
	m.timers.Set(&member.session, m.now.Elapsed+timeout)
}

// stopTimers ends everything that the group waits for.
func (m *Machine) stopTimers(g *classicGroup) {
	m.endPhase(g)
	for _, member := range g.members {
		m.timers.Stop(&member.session)
	}
	for _, t := range g.pending {
		m.timers.Stop(t)
	}
}

// endPhase ends what an empty group, or one that is gone, does not wait for.
func (m *Machine) endPhase(g *classicGroup) {
	if g.phase == nil {
		return
	}
	m.timers.Stop(&g.joinDeadline)
	m.timers.Stop(&g.syncDeadline)
	g.phase = nil
}

// assignedRecord is the group as it stands with the given assignments.
func (m *Machine) assignedRecord(g *classicGroup, assignments map[string][]byte) coordinator.Record {
	v := m.emptyValue(g.protocolType, g.generation)
	v.Protocol = g.protocol
	leader := g.leader
	v.Leader = &leader
	v.Members = make([]kmsg.GroupMetadataValueMember, len(g.members))
	for i, member := range g.members {
		v.Members[i] = kmsg.GroupMetadataValueMember{
			MemberID:               member.id,
			InstanceID:             member.instanceID,
			ClientID:               member.clientID,
			ClientHost:             member.clientHost,
			RebalanceTimeoutMillis: int32(member.rebalanceTimeout.Milliseconds()),
			SessionTimeoutMillis:   int32(member.sessionTimeout.Milliseconds()),
			Subscription:           orEmpty(member.metadata(*g.protocol)),
			Assignment:             orEmpty(assignments[member.id]),
		}
	}
	return groupRecord(g.id, v)
}

// emptyValue is a group without members.
func (m *Machine) emptyValue(protocolType string, generation int32) kmsg.GroupMetadataValue {
	v := kmsg.NewGroupMetadataValue()
	v.ProtocolType, v.Generation = protocolType, generation
	v.CurrentStateTimestamp = int64(m.now.Wall)
	return v
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	return slices.Sorted(maps.Keys(m))
}

func orEmpty(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
