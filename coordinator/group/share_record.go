package group

import (
	"bytes"
	"slices"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/coordinator/group/assignor"
	"github.com/barnabas-mq/barnabas/protocol"
)

// Kinds of keys of share groups (Kafka's CoordinatorRecordType). The key is the kind
// and the group's id; of those that say so, also a member's id. Values have version
// 0, the only one.
const (
	shareMemberKey           = 10 // ShareGroupMemberMetadata, of a member: what it says of itself
	shareGroupKey            = 11 // ShareGroupMetadata: epoch and metadata hash
	shareTargetAssignmentKey = 12 // ShareGroupTargetAssignmentMetadata: the target's epoch
	shareTargetMemberKey     = 13 // ShareGroupTargetAssignmentMember, of a member
	shareCurrentKey          = 14 // ShareGroupCurrentMemberAssignment, of a member
	shareProgressKey         = 15 // ShareGroupStatePartitionMetadata: which partitions have state
)

func isShareKind(kind int) bool { return kind >= shareMemberKey && kind <= shareProgressKey }

// parseShareKey reads the group's id and, of kinds that have one, a member's id.
func parseShareKey(kind int, key []byte) (groupID, memberID string, err error) {
	return parseForeignKey(key, kind == shareMemberKey || kind == shareTargetMemberKey || kind == shareCurrentKey)
}

// walk is ShareGroupMemberMetadataValue.
func (s *shareSubscription) walk(c *protocol.Coder) {
	c.NullableString(&s.rack)
	c.String(&s.clientID)
	c.String(&s.clientHost)
	protocol.Array(c, &s.topics, (*protocol.Coder).String)
	c.Tags()
}

func shareMemberRecord(groupID, memberID string, s *shareSubscription) coordinator.Record {
	return consumerRecord(consumerKey(shareMemberKey, groupID, memberID), s.walk)
}

// shareEpochValue is ShareGroupMetadataValue.
type shareEpochValue struct {
	epoch int32
	hash  int64
}

func (v *shareEpochValue) walk(c *protocol.Coder) {
	c.Int32(&v.epoch)
	c.Int64(&v.hash)
	c.Tags()
}

func shareEpochRecord(groupID string, epoch int32, hash int64) coordinator.Record {
	v := shareEpochValue{epoch, hash}
	return consumerRecord(consumerKey(shareGroupKey, groupID), v.walk)
}

// shareTargetEpochRecord has the layout of the consumer protocol's.
func shareTargetEpochRecord(groupID string, epoch int32, at protocol.Timestamp) coordinator.Record {
	v := targetEpochValue{epoch, at}
	return consumerRecord(consumerKey(shareTargetAssignmentKey, groupID), v.walk)
}

// shareTargetRecord likewise.
func shareTargetRecord(groupID, memberID string, a assignor.Assignment) coordinator.Record {
	return consumerRecord(consumerKey(shareTargetMemberKey, groupID, memberID),
		func(c *protocol.Coder) { walkTarget(c, &a) })
}

// walk is ShareGroupCurrentMemberAssignmentValue.
func (v *shareCurrent) walk(c *protocol.Coder) {
	c.Int32(&v.epoch)
	c.Int32(&v.previousEpoch)
	c.Int8((*int8)(&v.state))
	walkTarget(c, &v.assigned)
}

func shareCurrentRecord(groupID, memberID string, v *shareCurrent) coordinator.Record {
	return consumerRecord(consumerKey(shareCurrentKey, groupID, memberID), v.walk)
}

// walk is ShareGroupStatePartitionMetadataValue.
func (v *shareProgress) walk(c *protocol.Coder) {
	withPartitions := func(c *protocol.Coder, t *shareTopic) {
		c.UUID(&t.id)
		c.String(&t.name)
		c.Int32s(&t.partitions)
		c.Tags()
	}
	protocol.Array(c, &v.initializing, withPartitions)
	protocol.Array(c, &v.initialized, withPartitions)
	protocol.Array(c, &v.deleting, func(c *protocol.Coder, t *shareTopic) {
		c.UUID(&t.id)
		c.String(&t.name)
		c.Tags()
	})
	c.Tags()
}

func shareProgressRecord(groupID string, v shareProgress) coordinator.Record {
	return consumerRecord(consumerKey(shareProgressKey, groupID), v.walk)
}

// removeShareMemberRecords take a member out, in Kafka's order.
func removeShareMemberRecords(groupID, memberID string) []coordinator.Record {
	return []coordinator.Record{
		consumerTombstone(shareCurrentKey, groupID, memberID),
		consumerTombstone(shareTargetMemberKey, groupID, memberID),
		consumerTombstone(shareMemberKey, groupID, memberID),
	}
}

// tombstones end the group with all its members, in Kafka's order.
func (g *shareGroup) tombstones() []coordinator.Record {
	ids := sortedKeys(g.members)
	var records []coordinator.Record
	forAll := func(kind uint16) {
		for _, id := range ids {
			records = append(records, consumerTombstone(kind, g.id, id))
		}
	}
	forAll(shareCurrentKey)
	forAll(shareTargetMemberKey)
	records = append(records, consumerTombstone(shareTargetAssignmentKey, g.id))
	forAll(shareMemberKey)
	return append(records, consumerTombstone(shareProgressKey, g.id), consumerTombstone(shareGroupKey, g.id))
}

// sorted is the progress in order, as others than this program may not have
// written it.
func (v shareProgress) sorted() shareProgress {
	return shareProgress{sortedShareTopics(v.initializing), sortedShareTopics(v.initialized), sortedShareTopics(v.deleting)}
}

func sortedShareTopics(topics []shareTopic) []shareTopic {
	for i := range topics {
		slices.Sort(topics[i].partitions)
		topics[i].partitions = slices.Compact(topics[i].partitions)
	}
	slices.SortStableFunc(topics, func(a, b shareTopic) int { return compareUUIDs(a.id, b.id) })
	return slices.CompactFunc(topics, func(a, b shareTopic) bool { return a.id == b.id })
}

func compareUUIDs(a, b protocol.UUID) int { return bytes.Compare(a[:], b[:]) }
