package group

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/coordinator/group/assignor"
	"github.com/barnabas-mq/barnabas/protocol"
)

// Kinds of keys of the consumer protocol (Kafka's CoordinatorRecordType). The key
// is the kind and the group's id; of those that say so, also a member's id or a
// regular expression. Values have version 0, the only one.
const (
	consumerGroupKey            = 3  // ConsumerGroupMetadata: epoch and metadata hash
	consumerPartitionsKey       = 4  // ConsumerGroupPartitionMetadata: before 4.1, only its tombstone is written
	consumerMemberKey           = 5  // ConsumerGroupMemberMetadata, of a member: what it says of itself
	consumerTargetAssignmentKey = 6  // ConsumerGroupTargetAssignmentMetadata: the target's epoch
	consumerTargetMemberKey     = 7  // ConsumerGroupTargetAssignmentMember, of a member
	consumerCurrentKey          = 8  // ConsumerGroupCurrentMemberAssignment, of a member
	consumerPatternKey          = 16 // ConsumerGroupRegularExpression, of an expression
)

const consumerValueVersion = 0

// consumerKey is a key of one of those kinds.
func consumerKey(kind uint16, ids ...string) []byte {
	key := binary.BigEndian.AppendUint16(nil, kind)
	for _, id := range ids {
		key = append(binary.BigEndian.AppendUint16(key, uint16(len(id))), id...)
	}
	return key
}

func consumerTombstone(kind uint16, ids ...string) coordinator.Record {
	return coordinator.Record{Key: consumerKey(kind, ids...)}
}

// consumerRecord writes a value; its strings are known to be short enough.
func consumerRecord(key []byte, walk func(*protocol.Coder)) coordinator.Record {
	c := protocol.NewWriter(consumerValueVersion, binary.BigEndian.AppendUint16(nil, consumerValueVersion))
	walk(c)
	return coordinator.Record{Key: key, Value: c.Rest()}
}

// readConsumerValue reads a value.
func readConsumerValue(value []byte, walk func(*protocol.Coder)) error {
	if err := checkValueVersion(value, consumerValueVersion); err != nil {
		return err
	}
	c := protocol.NewReader(consumerValueVersion, value[valueVersionBytes:])
	walk(c)
	if c.Err() == nil && len(c.Rest()) > 0 {
		c.Fail(errors.New("the record is longer than its fields"))
	}
	return c.Err()
}

// epochValue is ConsumerGroupMetadataValue.
type epochValue struct {
	epoch int32
	hash  int64
}

func (v *epochValue) walk(c *protocol.Coder) {
	c.Int32(&v.epoch)
	c.Tags(protocol.TagOf(0, v.hash != 0, func(c *protocol.Coder) { c.Int64(&v.hash) }))
}

func epochRecord(groupID string, epoch int32, hash int64) coordinator.Record {
	v := epochValue{epoch, hash}
	return consumerRecord(consumerKey(consumerGroupKey, groupID), v.walk)
}

// targetEpochValue is ConsumerGroupTargetAssignmentMetadataValue.
type targetEpochValue struct {
	epoch int32
	at    protocol.Timestamp // since 4.3 (KIP-1263)
}

func (v *targetEpochValue) walk(c *protocol.Coder) {
	c.Int32(&v.epoch)
	c.Tags(protocol.TagOf(0, v.at != 0, func(c *protocol.Coder) { c.Int64((*int64)(&v.at)) }))
}

func targetEpochRecord(groupID string, epoch int32, at protocol.Timestamp) coordinator.Record {
	v := targetEpochValue{epoch, at}
	return consumerRecord(consumerKey(consumerTargetAssignmentKey, groupID), v.walk)
}

// walk is ConsumerGroupMemberMetadataValue.
func (s *subscription) walk(c *protocol.Coder) {
	c.NullableString(&s.instanceID)
	c.NullableString(&s.rack)
	c.String(&s.clientID)
	c.String(&s.clientHost)
	protocol.Array(c, &s.topics, (*protocol.Coder).String)
	pattern := &s.pattern // Kafka writes "" for none and reads null as the same
	c.NullableString(&pattern)
	if c.Reading() && pattern != nil {
		s.pattern = *pattern
	}
	c.Int32(&s.rebalanceTimeoutMillis)
	c.NullableString(&s.assignor)
	c.Tags(protocol.TagOf(0, true, func(c *protocol.Coder) {
		// A nullable structure says first whether it is there. Kafka writes this one
		// also when it is not.
		isThere := s.classic != nil
		if c.Bool(&isThere); !isThere {
			return
		}
		if c.Reading() {
			s.classic = &classicSubscription{}
		}
		s.classic.walk(c)
	}))
}

func (s *classicSubscription) walk(c *protocol.Coder) {
	c.Int32(&s.sessionTimeoutMillis)
	protocol.Array(c, &s.protocols, func(c *protocol.Coder, p *Protocol) {
		c.String(&p.Name)
		c.Bytes(&p.Metadata)
		c.Tags()
	})
	c.Tags()
}

func memberRecord(groupID, memberID string, s *subscription) coordinator.Record {
	return consumerRecord(consumerKey(consumerMemberKey, groupID, memberID), s.walk)
}

func walkTarget(c *protocol.Coder, a *assignor.Assignment) {
	protocol.Array(c, (*[]assignor.Partitions)(a), func(c *protocol.Coder, p *assignor.Partitions) {
		c.UUID(&p.Topic)
		c.Int32s(&p.Partitions)
		c.Tags()
	})
	c.Tags()
}

func targetRecord(groupID, memberID string, a assignor.Assignment) coordinator.Record {
	return consumerRecord(consumerKey(consumerTargetMemberKey, groupID, memberID),
		func(c *protocol.Coder) { walkTarget(c, &a) })
}

// walk is ConsumerGroupCurrentMemberAssignmentValue.
func (v *current) walk(c *protocol.Coder) {
	c.Int32(&v.epoch)
	c.Int32(&v.previousEpoch)
	c.Int8((*int8)(&v.state))
	v.assigned.walk(c)
	v.revoking.walk(c)
	c.Tags()
}

func (o *ownedPartitions) walk(c *protocol.Coder) {
	protocol.Array(c, (*[]ownedTopic)(o), func(c *protocol.Coder, t *ownedTopic) {
		c.UUID(&t.topic)
		c.Int32s(&t.partitions)
		// Before 4.3 there were no epochs: 0 lets every commit through.
		c.Tags(protocol.TagOf(0, t.epochs != nil, func(c *protocol.Coder) {
			protocol.NullableArray(c, &t.epochs, (*protocol.Coder).Int32)
		}))
		if c.Reading() && t.epochs == nil {
			t.epochs = make([]int32, len(t.partitions))
		}
		if len(t.epochs) != len(t.partitions) {
			c.Fail(fmt.Errorf("%d epochs for %d partitions", len(t.epochs), len(t.partitions)))
		}
	})
}

func currentRecord(groupID, memberID string, v *current) coordinator.Record {
	return consumerRecord(consumerKey(consumerCurrentKey, groupID, memberID), v.walk)
}

// walk is ConsumerGroupRegularExpressionValue.
func (r *resolvedPattern) walk(c *protocol.Coder) {
	protocol.Array(c, &r.topics, (*protocol.Coder).String)
	c.Int64(&r.version)
	c.Int64((*int64)(&r.at))
	c.Tags()
}

func patternRecord(groupID, pattern string, r *resolvedPattern) coordinator.Record {
	return consumerRecord(consumerKey(consumerPatternKey, groupID, pattern), r.walk)
}

// parseConsumerKey reads the group's id and, of kinds that have one, what it is
// about: a member's id or a regular expression.
func parseConsumerKey(kind int, key []byte) (groupID, about string, err error) {
	hasAbout := kind == consumerMemberKey || kind == consumerTargetMemberKey || kind == consumerCurrentKey || kind == consumerPatternKey
	return parseForeignKey(key, hasAbout)
}

// removeMemberRecords take a member out, in Kafka's order.
func removeMemberRecords(groupID, memberID string) []coordinator.Record {
	return []coordinator.Record{
		consumerTombstone(consumerCurrentKey, groupID, memberID),
		consumerTombstone(consumerTargetMemberKey, groupID, memberID),
		consumerTombstone(consumerMemberKey, groupID, memberID),
	}
}

// tombstones end the group with all its members, in Kafka's order.
func (g *consumerGroup) tombstones() []coordinator.Record {
	ids := sortedKeys(g.members)
	var records []coordinator.Record
	forAll := func(kind uint16) {
		for _, id := range ids {
			records = append(records, consumerTombstone(kind, g.id, id))
		}
	}
	forAll(consumerCurrentKey)
	forAll(consumerTargetMemberKey)
	records = append(records, consumerTombstone(consumerTargetAssignmentKey, g.id))
	forAll(consumerMemberKey)
	if g.hasPartitionMetadata {
		records = append(records, consumerTombstone(consumerPartitionsKey, g.id))
	}
	for _, pattern := range sortedKeys(g.resolved) {
		records = append(records, consumerTombstone(consumerPatternKey, g.id, pattern))
	}
	return append(records, consumerTombstone(consumerGroupKey, g.id))
}
