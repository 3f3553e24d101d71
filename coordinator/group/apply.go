package group

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/protocol"
)

// Apply implements coordinator.Machine.
func (m *Machine) Apply(at protocol.Offset, r coordinator.Record, p coordinator.Producer) error {
	kind, ok := recordKind(r.Key)
	switch {
	case ok && (kind == offsetKeyV0 || kind == offsetKeyV1):
		return m.applyOffset(at, r, p)
	case ok && kind == groupKey:
		return m.applyGroup(r)
	case ok && isConsumerKind(kind):
		return m.applyConsumer(kind, r)
	case ok && isShareKind(kind):
		return m.applyShare(kind, r)
	case ok:
		return m.applyForeign(kind, r)
	default:
		return nil // not a record of Kafka's
	}
}

func (m *Machine) applyOffset(at protocol.Offset, r coordinator.Record, p coordinator.Producer) error {
	key, err := parseOffsetKey(r.Key)
	if err != nil {
		return err
	}
	if r.Value == nil {
		m.forgetOffset(string(key.group), key.topicPartition())
		return nil
	}
	c, err := parseOffsetValue(r.Value)
	if errors.Is(err, errNewerValue) {
		m.setUnreadable(string(key.group))
		return nil
	}
	if err != nil {
		return err
	}
	c.journaledAt = at
	g := m.groups[string(key.group)]
	if g != nil && p.ID == coordinator.NoProducer.ID && g.renewOffset(&key, &c) {
		return nil
	}
	groupID, tp := string(key.group), key.topicPartition()
	g = m.groupOrNew(groupID)
	if p.ID == coordinator.NoProducer.ID {
		m.setOffset(g, tp, c)
		return nil
	}
	if g.pending == nil {
		g.pending = map[protocol.ProducerID]map[topicPartition]committed{}
	}
	if g.pending[p.ID] == nil {
		g.pending[p.ID] = map[topicPartition]committed{}
	}
	g.pending[p.ID][tp] = c
	if m.transactions[p.ID] == nil {
		m.transactions[p.ID] = map[string]struct{}{}
	}
	m.transactions[p.ID][groupID] = struct{}{}
	return nil
}

// forgetOffset applies a tombstone, which ends pending offsets of the partition
// as well: a transaction that commits later must not bring back what was deleted.
func (m *Machine) forgetOffset(groupID string, tp topicPartition) {
	g := m.groups[groupID]
	if g == nil {
		return
	}
	m.removeOffset(g, tp)
	for producer, offsets := range g.pending {
		if delete(offsets, tp); len(offsets) == 0 {
			delete(g.pending, producer)
		}
	}
}

// ApplyMarker implements coordinator.Machine: the transaction's offsets count
// from now on, or never.
func (m *Machine) ApplyMarker(p coordinator.Producer, commit bool) {
	for groupID := range m.transactions[p.ID] {
		g := m.groups[groupID]
		if g == nil {
			continue
		}
		if commit {
			for tp, c := range g.pending[p.ID] {
				// A plain commit after the transaction's own wins, as it does in the log.
				if now, ok := g.offset(tp); !ok || now.journaledAt < c.journaledAt {
					m.setOffset(g, tp, c)
				}
			}
		}
		delete(g.pending, p.ID)
	}
	delete(m.transactions, p.ID)
}

func (m *Machine) applyGroup(r coordinator.Record) error {
	groupID, err := parseGroupKey(r.Key)
	if err != nil {
		return err
	}
	if r.Value == nil {
		m.forgetGroup(groupID)
		return nil
	}
	v, err := parseGroupValue(r.Value)
	if errors.Is(err, errNewerValue) {
		m.setUnreadable(groupID)
		return nil
	}
	if err != nil {
		return err
	}
	if err := checkGroupValue(groupID, &v); err != nil {
		return err
	}
	m.setGroup(m.groupOrNew(groupID).classic, &v)
	return nil
}

func (m *Machine) forgetGroup(groupID string) {
	g := m.groups[groupID]
	if g == nil {
		return
	}
	m.stopTimers(g.classic)
	g.classic = newClassicGroup(groupID)
	m.dropIfEmpty(groupID, g)
}

// dropIfEmpty forgets a group of which nothing is left.
func (m *Machine) dropIfEmpty(groupID string, g *group) {
	if len(g.offsets) == 0 && len(g.pending) == 0 && g.foreign == nil && g.consumer == nil && g.share == nil && !g.classic.exists() {
		delete(m.groups, groupID)
	}
}

// checkGroupValue refuses what no coordinator writes.
func checkGroupValue(groupID string, v *kmsg.GroupMetadataValue) error {
	if len(v.Members) > 0 && v.Protocol == nil {
		return fmt.Errorf("group %.64q has %d members and no protocol", groupID, len(v.Members))
	}
	ids, instances := map[string]bool{}, map[string]bool{}
	for i := range v.Members {
		member := &v.Members[i]
		if ids[member.MemberID] {
			return fmt.Errorf("group %.64q has member %.64q twice", groupID, member.MemberID)
		}
		ids[member.MemberID] = true
		if member.InstanceID == nil {
			continue
		}
		if instances[*member.InstanceID] {
			return fmt.Errorf("group %.64q has instance %.64q twice", groupID, *member.InstanceID)
		}
		instances[*member.InstanceID] = true
	}
	return nil
}

// setGroup makes the group what the record says. A member that is there already
// stays the same member, with its session and those who wait for answers.
func (m *Machine) setGroup(g *classicGroup, v *kmsg.GroupMetadataValue) {
	if v.ProtocolType == consumerProtocolType {
		v.ProtocolType = consumerProtocolType // not one copy for each group
	}
	before := classicGroup{members: g.members, byID: g.byID}
	g.clearMembers()
	for i := range v.Members {
		record := &v.Members[i]
		member := before.find(record.MemberID)
		if member == nil {
			member = newMember(g, record.MemberID)
		}
		member.setRecorded(record, *v.Protocol)
		g.add(member, v.ProtocolType)
	}
	for _, member := range before.members {
		if g.find(member.id) == nil {
			m.timers.Stop(&member.session)
		}
	}
	g.written = true
	g.generation = v.Generation
	g.protocolType, g.protocol = v.ProtocolType, v.Protocol
	g.leader = ""
	if v.Leader != nil {
		g.leader = *v.Leader
		if leader := g.find(g.leader); leader != nil {
			g.leader = leader.id // one copy for both
		}
	}
	g.readTopics()
	state := Stable
	if len(g.members) == 0 {
		state = Empty
		m.endPhase(g)
	}
	g.transition(state, protocol.Timestamp(v.CurrentStateTimestamp))
}

// setRecorded makes the member what the record says. The record holds only what
// the member said for the selected protocol; what it said for others, known while
// it is live, is kept.
func (m *member) setRecorded(r *kmsg.GroupMetadataValueMember, selected string) {
	m.instanceID = r.InstanceID
	m.clientID, m.clientHost = r.ClientID, r.ClientHost
	m.sessionTimeout = time.Duration(r.SessionTimeoutMillis) * time.Millisecond
	m.rebalanceTimeout = time.Duration(r.RebalanceTimeoutMillis) * time.Millisecond
	if r.RebalanceTimeoutMillis < 0 { // version 0 has none
		m.rebalanceTimeout = m.sessionTimeout
	}
	if said := m.metadata(selected); said == nil || !bytes.Equal(said, r.Subscription) {
		m.protocols = []Protocol{{Name: selected, Metadata: bytes.Clone(orEmpty(r.Subscription))}}
	}
	m.assignment = bytes.Clone(orEmpty(r.Assignment))
}

// groupOrNew is the group with an id; a simple one is made when there is none.
func (m *Machine) groupOrNew(groupID string) *group {
	g := m.groups[groupID]
	if g == nil {
		g = &group{classic: newClassicGroup(groupID)}
		m.groups[groupID] = g
	}
	return g
}
