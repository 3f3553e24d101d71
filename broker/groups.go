package broker

import (
	"fmt"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/coordinator/group"
	"github.com/barnabas-mq/barnabas/protocol"
	"github.com/barnabas-mq/barnabas/server/api"
)

// openGroups makes the group coordinator over __consumer_offsets, whose number of
// partitions is the one that it was created with.
func (b *Broker) openGroups() error {
	s := b.settings.Load()
	shards := int32(s.OffsetsTopicPartitions)
	if t := b.metadata.Image().Topic(api.OffsetsTopic); t != nil {
		shards = int32(len(t.Partitions))
	}
	cfg := group.DefaultConfig()
	cfg.SessionTimeoutMinMillis = int32(s.GroupSessionTimeoutMin.Milliseconds())
	cfg.SessionTimeoutMaxMillis = int32(s.GroupSessionTimeoutMax.Milliseconds())
	cfg.InitialRebalanceDelayMillis = int32(s.GroupInitialRebalanceDelay.Milliseconds())
	cfg.MembersMax = int32(s.GroupSizeMax)
	cfg.OffsetMetadataBytesMax = int32(s.OffsetMetadataBytesMax)
	cfg.OffsetsRetentionMillis = s.OffsetsRetention.Milliseconds()
	cfg.OffsetsCheckMillis = s.OffsetsRetentionCheckInterval.Milliseconds()
	cfg.MemberBytesMax = s.GroupMetadataBytesMax
	b.groups = group.New(group.Options{
		Config: cfg, Journal: coordinator.NewLogJournal(b.partitionOf(api.OffsetsTopic)), Clock: b.opts.Clock, Shards: shards,
		CommitTimeout: s.OffsetsCommitTimeout, QueueMax: s.CoordinatorQueueMax, NewMemberID: newMemberID, Log: b.opts.Log,
	})
	return nil
}

// newMemberID is a random UUID in its usual text form, as Kafka's member ids end.
func newMemberID() string {
	u := protocol.NewUUID()
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

// partitionOf finds the partition of an internal topic that holds a shard: nil
// while nobody has looked for that coordinator, which is what creates the topic.
func (b *Broker) partitionOf(topic string) func(shard int32) coordinator.Partition {
	return func(shard int32) coordinator.Partition {
		t := b.metadata.Image().Topic(topic)
		if t == nil {
			return nil
		}
		if p := b.partitions.Get(t.ID, shard); p != nil {
			return p
		}
		return nil
	}
}
