package broker

import (
	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/coordinator/group"
	"github.com/barnabas-mq/barnabas/coordinator/share"
	"github.com/barnabas-mq/barnabas/protocol"
	"github.com/barnabas-mq/barnabas/server/api"
)

// openShares makes the coordinator of share partitions over __share_group_state. The
// broker calls it itself, so that the APIs between brokers (keys 83 to 87) are not served.
func (b *Broker) openShares() error {
	s := b.settings.Load()
	b.groupSettings.broker, b.groupSettings.image = b.settings.Load, b.metadata.Image
	b.shares = share.New(share.Options{
		Config: share.Config{
			UpdatesMax: s.ShareSnapshotUpdates, SnapshotAge: s.ShareSnapshotInterval,
			Partitions: func(topicID protocol.UUID) int32 {
				if t := b.metadata.Image().TopicByID(topicID); t != nil {
					return int32(len(t.Partitions))
				}
				return 0
			},
		},
		Journal: coordinator.NewLogJournal(b.partitionOf(api.ShareStateTopic)), Clock: b.opts.Clock,
		Shards:        b.shardsOf(api.ShareStateTopic, s.ShareStateTopicPartitions),
		CommitTimeout: s.ShareStateWriteTimeout, QueueMax: s.CoordinatorQueueMax,
		IsReady: func() bool { return b.metadata.Image().Topic(api.ShareStateTopic) != nil },
		Prepare: func() error { return api.AutoCreateTopic(b.metadata, b.settings.Load(), api.ShareStateTopic, nil) },
		Log:     b.opts.Log,
	})
	b.sharing = share.NewLeader(share.LeaderOptions{Persister: b.shares, Clock: b.opts.Clock, Settings: b.shareSettings, Log: b.opts.Log})
	return nil
}

// shareSettings are what holds for the share partitions of a group.
func (b *Broker) shareSettings(groupID string) share.Settings {
	g := b.groupSettings.of(groupID)
	return share.Settings{
		LockDuration: g.ShareRecordLockDuration, DeliveriesMax: g.ShareDeliveryCountLimit,
		LocksMax: g.SharePartitionRecordLocksMax, RenewAllowed: g.ShareRenewAcknowledge,
	}
}

// shareState is the state of share partitions as the group coordinator wants it.
type shareState struct{ *share.Coordinator }

func (s shareState) Initialize(groupID string, topic protocol.UUID, partition, stateEpoch int32, start protocol.Offset, reply func(error)) {
	key := share.Key{GroupID: groupID, TopicID: topic, Partition: partition}
	s.Coordinator.Initialize(share.InitializeInput{Key: key, StateEpoch: stateEpoch, StartOffset: start}, reply)
}

func (s shareState) Summary(groupID string, topic protocol.UUID, partition int32, reply func(group.ShareSummary, error)) {
	s.Coordinator.Summary(share.Key{GroupID: groupID, TopicID: topic, Partition: partition}, func(known share.Summary) {
		reply(group.ShareSummary{
			StateEpoch: known.StateEpoch, LeaderEpoch: int32(known.LeaderEpoch), Start: known.StartOffset, DeliveryComplete: known.DeliveryCompleteCount,
		}, known.Err)
	})
}

func (s shareState) Delete(groupID string, topic protocol.UUID, partition int32, reply func(error)) {
	s.Coordinator.Delete(share.Key{GroupID: groupID, TopicID: topic, Partition: partition}, reply)
}

// pruneShares deletes from the partitions of __share_group_state what no share
// partition needs any more.
func (b *Broker) pruneShares() {
	topic := b.metadata.Image().Topic(api.ShareStateTopic)
	if topic == nil {
		return
	}
	b.shares.Prune(b.shardsInUse(topic), func(shard int32, below protocol.Offset) {
		p := b.partitions.Get(topic.ID, shard)
		if p == nil || below <= p.Offsets().Start {
			return
		}
		if _, err := p.Log().DeleteBefore(below); err != nil {
			b.opts.Log.Warn("Old state of share groups could not be deleted.", "partition", p.ID().String(), "error", err)
		}
	})
}

// forgetShares deletes the state of share partitions of topics that are gone.
func (b *Broker) forgetShares(removed []protocol.UUID) {
	b.sharing.DropTopics(removed)
	if b.metadata.Image().Topic(api.ShareStateTopic) == nil {
		return
	}
	b.shares.DeleteTopics(removed, func(err error) {
		if err != nil {
			b.opts.Log.Warn("The share state of deleted topics is left over.", "topics", removed, "error", err)
		}
	})
}
