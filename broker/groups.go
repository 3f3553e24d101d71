package broker

import (
	"fmt"
	"iter"
	"sync/atomic"
	"time"

	"github.com/barnabas-mq/barnabas/config"
	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/coordinator/group"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/protocol"
	"github.com/barnabas-mq/barnabas/server/api"
)

// openGroups makes the group coordinator over __consumer_offsets.
func (b *Broker) openGroups() error {
	s := b.settings.Load()
	cfg := group.DefaultConfig()
	cfg.SessionTimeoutMinMillis = int32(s.GroupSessionTimeoutMin.Milliseconds())
	cfg.SessionTimeoutMaxMillis = int32(s.GroupSessionTimeoutMax.Milliseconds())
	cfg.InitialRebalanceDelayMillis = int32(s.GroupInitialRebalanceDelay.Milliseconds())
	cfg.JoinQuiet = joinQuiet
	cfg.MembersMax = int32(s.GroupSizeMax)
	cfg.OffsetMetadataBytesMax = int32(s.OffsetMetadataBytesMax)
	cfg.OffsetsRetentionMillis = s.OffsetsRetention.Milliseconds()
	cfg.OffsetsCheckMillis = s.OffsetsRetentionCheckInterval.Milliseconds()
	cfg.MemberBytesMax = s.GroupMetadataBytesMax
	cfg.ConsumerMembersMax = int32(s.ConsumerGroupSizeMax)
	cfg.Assignors, cfg.Migration = s.ConsumerGroupAssignors, migrationPolicy(s.ConsumerGroupMigrationPolicy)
	cfg.PatternRefresh, cfg.PatternBytesMax = s.ConsumerGroupRegexRefresh, s.GroupRegexBytesMax
	known := &groupSettings{broker: b.settings.Load, image: b.metadata.Image}
	cfg.Settings = func(groupID string) group.Settings { return settingsOf(known.of(groupID)) }
	cfg.ShareMembersMax, cfg.ShareInitializeRetry = int32(s.ShareGroupSizeMax), s.ShareGroupInitializeRetry
	cfg.ShareSettings = func(groupID string) group.Settings { return shareSettingsOf(known.of(groupID)) }
	cfg.Topics = func() group.Topics { return topicsOf(b.metadata.Image()) }
	b.groups = group.New(group.Options{
		Config: cfg, Journal: coordinator.NewLogJournal(b.partitionOf(api.OffsetsTopic)), Clock: b.opts.Clock,
		Shards:        b.shardsOf(api.OffsetsTopic, s.OffsetsTopicPartitions),
		CommitTimeout: s.OffsetsCommitTimeout, QueueMax: s.CoordinatorQueueMax, NewMemberID: newMemberID, Log: b.opts.Log,
	})
	return nil
}

// joinQuiet is a few times what members that start together are apart on a busy
// machine, and nothing beside the start of a consumer.
const joinQuiet = 2 * time.Millisecond

func migrationPolicy(text string) group.MigrationPolicy {
	both := text == "bidirectional"
	return group.MigrationPolicy{Upgrade: both || text == "upgrade", Downgrade: both || text == "downgrade"}
}

// groupSettings resolves the settings of groups. Nearly all groups have none of
// their own, so that those of the broker are kept.
type groupSettings struct {
	broker func() *config.Broker
	image  func() *metadata.Image

	defaults atomic.Pointer[defaultSettings]
}

type defaultSettings struct {
	broker *config.Broker // what they were made from
	group  config.Group
}

func (g *groupSettings) of(groupID string) config.Group {
	broker := g.broker()
	overrides := g.image().Config(metadata.Resource{Type: metadata.ResourceGroup, Name: groupID})
	if len(overrides) > 0 {
		return broker.Group(overrides.Map())
	}
	known := g.defaults.Load()
	if known == nil || known.broker != broker {
		known = &defaultSettings{broker, broker.Group(nil)}
		g.defaults.Store(known)
	}
	return known.group
}

func settingsOf(g config.Group) group.Settings {
	return group.Settings{
		SessionTimeout: g.ConsumerSessionTimeout, HeartbeatInterval: g.ConsumerHeartbeatInterval,
		AssignmentInterval: g.ConsumerAssignmentInterval,
	}
}

func shareSettingsOf(g config.Group) group.Settings {
	return group.Settings{
		SessionTimeout: g.ShareSessionTimeout, HeartbeatInterval: g.ShareHeartbeatInterval,
		AssignmentInterval: g.ShareAssignmentInterval,
	}
}

// groupTopics shows the topics of an image to groups.
type groupTopics struct{ image *metadata.Image }

func topicsOf(image *metadata.Image) group.Topics { return groupTopics{image} }

func (t groupTopics) Version() int64 { return int64(t.image.EndOffset()) }

func (t groupTopics) Topic(name string) (group.Topic, bool) { return t.known(t.image.Topic(name)) }

func (t groupTopics) TopicByID(id protocol.UUID) (group.Topic, bool) {
	return t.known(t.image.TopicByID(id))
}

func (t groupTopics) known(topic *metadata.Topic) (group.Topic, bool) {
	if topic == nil {
		return group.Topic{}, false
	}
	known := group.Topic{Name: topic.Name, ID: topic.ID, Partitions: int32(len(topic.Partitions))}
	if len(topic.Partitions) == 0 {
		return known, true
	}
	for _, id := range topic.Partitions[0].Replicas {
		if b := t.image.Broker(id); b != nil && b.Rack != nil {
			known.Racks = append(known.Racks, *b.Rack)
		}
	}
	return known, true
}

func (t groupTopics) Names() iter.Seq[string] {
	return func(yield func(string) bool) {
		for topic := range t.image.Topics() {
			if !yield(topic.Name) {
				return
			}
		}
	}
}

// newMemberID is a random UUID in its usual text form, as Kafka's member ids end.
func newMemberID() string {
	u := protocol.NewUUID()
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

// shardsOf is the number of shards of a coordinator: the partitions that its topic was
// created with, or will be.
func (b *Broker) shardsOf(topic string, configured int) int32 {
	if t := b.metadata.Image().Topic(topic); t != nil {
		return int32(len(t.Partitions))
	}
	return int32(configured)
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
