package broker

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/barnabas-mq/barnabas/config"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/logstore/disk"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/partition"
	"github.com/barnabas-mq/barnabas/protocol"
	"github.com/barnabas-mq/barnabas/server/api"
)

// openPartitions takes in every partition of the metadata and keeps the set in
// step with their changes. It touches no partition's files.
func (b *Broker) openPartitions() error {
	b.partitions = partition.NewSet(b.logs, epochRaiser{b}, b.opts.Clock, unused{b})
	image := b.metadata.Watch(b.metadataChanged)
	b.known.Store(image)
	b.unnamedAside = false
	b.quotas.Change(api.QuotaLimits(image))
	if err := b.settingsChanged(image); err != nil {
		return &SettingsError{err}
	}
	configs := logConfigs{settings: b.settings.Load(), image: image}
	for t := range image.Topics() {
		cfg := configs.of(t.Name)
		for i := range t.Partitions {
			p := &t.Partitions[i]
			id := logstore.ID{Topic: t.Name, TopicID: t.ID, Partition: p.Index}
			if _, err := b.partitions.Add(id, p.LeaderEpoch, cfg); err != nil {
				return err
			}
		}
	}
	return nil
}

// metadataChanged brings partitions and settings in step with a change before
// anybody sees its image. It runs on the metadata's owner.
func (b *Broker) metadataChanged(old, image *metadata.Image, records []metadata.Record) {
	b.known.Store(image)             // before a partition is removed, see partition.Source
	touched := make(map[string]bool) // topics whose settings changed
	limited := false
	var removed []string
	var removedIDs []protocol.UUID
	for _, r := range records {
		switch r := r.(type) {
		case *metadata.RemoveTopicRecord:
			if t := old.TopicByID(r.TopicID); t != nil {
				b.removePartitions(t)
				removed, removedIDs = append(removed, t.Name), append(removedIDs, t.ID)
			}
		case *metadata.ClientQuotaRecord:
			limited = true
		case *metadata.ConfigRecord:
			switch metadata.ResourceType(r.ResourceType) {
			case metadata.ResourceTopic:
				touched[r.ResourceName] = true
			case metadata.ResourceBroker:
				touched[""] = true
			}
		}
	}
	if limited {
		b.quotas.Change(api.QuotaLimits(image))
		b.server.SetLimits(b.connectionLimits(b.settings.Load(), image))
	}
	if touched[""] {
		if err := b.settingsChanged(image); err != nil {
			b.opts.Log.Error("altered settings ask for what cannot be given; those before stay, and the next start is refused", "error", err)
		}
		for t := range image.Topics() {
			touched[t.Name] = true
		}
	}
	configs := logConfigs{settings: b.settings.Load(), image: image}
	for name := range touched { // in any order: each topic by itself
		if t := image.Topic(name); t != nil {
			b.partitions.Reconfigure(t.ID, configs.of(name))
		}
	}
	if len(removed) > 0 && b.shares != nil {
		b.forgetShares(removedIDs)
	}
	if len(removed) > 0 && b.groups != nil && old.Topic(api.OffsetsTopic) != nil {
		b.groups.DeleteTopicOffsets(removed, func(err error) {
			if err != nil {
				b.opts.Log.Warn("committed offsets of deleted topics are left over", "topics", removed, "error", err)
			}
		})
		b.groups.DeleteSharedTopics(removedIDs, func(err error) {
			if err != nil {
				b.opts.Log.Warn("share groups remember deleted topics", "topics", removed, "error", err)
			}
		})
	}
}

// beforeJournal prepares for topics that are about to be. It runs on the metadata's owner.
func (b *Broker) beforeJournal(published *metadata.Image, records []metadata.Record) {
	for _, r := range records {
		switch r.(type) {
		case *metadata.TopicRecord, *metadata.PartitionRecord:
			b.setUnnamedAside(published)
			return
		}
	}
}

// setUnnamedAside is done once, before the first partition of this run is journaled: a crash
// right behind that makes it one as any other, and as long as a partition is not used,
// nobody looks at a folder that lies where its own would be, and the next start could not
// tell the two apart.
func (b *Broker) setUnnamedAside(before *metadata.Image) {
	if b.unnamedAside {
		return
	}
	exists := func(topic string, partition int32) bool {
		t := before.Topic(topic)
		return topic == metadataTopic || t != nil && t.Partition(partition) != nil
	}
	if err := b.logs.SetUnnamedAside(exists); err != nil {
		b.opts.Log.Error("setting folders aside that belong to no topic failed", "error", err)
		return // the next topic's creation tries again
	}
	b.unnamedAside = true
}

// unused finds the partitions that were created in this run and that nobody has used:
// those that the metadata know and the set does not, because it was given all that
// there were at the start.
type unused struct{ b *Broker }

// Find implements partition.Source.
func (u unused) Find(topicID protocol.UUID, index int32) (found partition.Found, ok bool) {
	image := u.b.known.Load()
	t := image.TopicByID(topicID)
	if t == nil {
		return found, false
	}
	p := t.Partition(index)
	if p == nil {
		return found, false
	}
	configs := logConfigs{settings: u.b.settings.Load(), image: image}
	id := logstore.ID{Topic: t.Name, TopicID: t.ID, Partition: p.Index}
	return partition.Found{ID: id, Epoch: p.LeaderEpoch, Config: configs.of(t.Name)}, true
}

// Failed implements partition.Source.
func (u unused) Failed(id logstore.ID, err error) {
	u.b.opts.Log.Error("a partition cannot be taken into use", "partition", id.String(), "error", err)
}

// removePartitions takes the last one first, see partition.Set.
func (b *Broker) removePartitions(t *metadata.Topic) {
	ids := make([]logstore.ID, 0, len(t.Partitions))
	for i := range slices.Backward(t.Partitions) {
		ids = append(ids, logstore.ID{Topic: t.Name, TopicID: t.ID, Partition: t.Partitions[i].Index})
	}
	if err := b.partitions.Remove(ids...); err != nil {
		// The topic is gone all the same; its folders are found again at the next start.
		b.opts.Log.Error("removing a topic's files failed", "topic", t.Name, "error", err)
	}
}

// altered combines the settings of the start with those altered since. Without
// settings the error says that they ask for protection that cannot be given; with
// them, that some altered ones are left out.
func (b *Broker) altered(image *metadata.Image) (*config.Broker, error) {
	return b.opts.Settings.Broker(
		image.Config(metadata.Resource{Type: metadata.ResourceBroker}).Map(),
		image.Config(metadata.Resource{Type: metadata.ResourceBroker, Name: fmt.Sprint(b.identity.NodeID)}).Map())
}

// settingsChanged takes altered settings into use. After an error the settings
// stay as they are.
func (b *Broker) settingsChanged(image *metadata.Image) error {
	settings, err := b.altered(image)
	if settings == nil {
		return err
	}
	if err != nil {
		b.opts.Log.Warn("altered settings that cannot be used are left out", "error", err)
	}
	before := b.settings.Swap(settings)
	b.server.SetLimits(b.connectionLimits(settings, image))
	if b.started.Load() {
		b.changeSSL(before, settings)
	}
	b.logs.ConfigureCleaner(cleanerOptions(settings))
	b.logs.SetProducerExpiry(settings.ProducerIDExpiration.Milliseconds())
	return nil
}

// logConfigs gives the logs of topics their settings under one image. Most topics
// have none of their own, and those that are asked for again come one after the
// other: neither is worked out twice.
type logConfigs struct {
	settings *config.Broker
	image    *metadata.Image

	plain *logstore.Config // of topics without settings of their own
	topic string           // whose own settings last holds
	last  logstore.Config
}

func (c *logConfigs) of(topic string) logstore.Config {
	own := c.image.TopicConfig(topic)
	if len(own) == 0 {
		if c.plain == nil {
			plain := logConfig(c.settings.Topic(nil))
			c.plain = &plain
		}
		return *c.plain
	}
	if c.topic != topic {
		c.topic, c.last = topic, logConfig(c.settings.Topic(own.Map()))
	}
	return c.last
}

// logConfig is what a log needs of a topic's settings.
func logConfig(t config.Topic) logstore.Config {
	c := logstore.Config{
		SegmentBytes: t.SegmentBytes, SegmentMillis: t.SegmentMillis, SegmentJitterMillis: t.SegmentJitterMillis,
		IndexIntervalBytes: t.IndexIntervalBytes, IndexBytesMax: t.SegmentIndexBytes,
		RetentionBytes: t.RetentionBytes, RetentionMillis: t.RetentionMillis, FileDeleteDelayMillis: t.FileDeleteDelayMillis,
		FlushMessages: t.FlushMessages, FlushMillis: t.FlushMillis, Preallocate: t.Preallocate,
		Compact: t.CleanupCompact, Delete: t.CleanupDelete,
		DeleteRetentionMillis: t.DeleteRetentionMillis, CleanableDirtyRatioMin: t.CleanableDirtyRatioMin,
		CompactionLagMinMillis: t.CompactionLagMinMillis, CompactionLagMaxMillis: t.CompactionLagMaxMillis,
	}
	if t.CleanupCompact {
		// Only sealed segments are compacted, so one must not stay open for longer
		// than a record may wait (LogConfig.maxSegmentMs).
		c.SegmentMillis = min(c.SegmentMillis, t.CompactionLagMaxMillis)
	}
	return c
}

// cleanerOptions is how the logs are compacted.
func cleanerOptions(s *config.Broker) disk.CleanerOptions {
	return disk.CleanerOptions{
		Enabled: s.CleanerEnabled, BackoffMillis: s.CleanerBackoff.Milliseconds(),
		DedupeBytesMax: s.CleanerDedupeBufferBytes, LoadFactor: s.CleanerLoadFactor,
		BytesPerSecondMax: s.CleanerBytesPerSecondMax, DecompressedBytesMax: s.BatchDecompressedBytesMax,
	}
}

// epochRaiser raises leader epochs in the metadata. Concurrent raises share one
// write there.
type epochRaiser struct{ b *Broker }

// RaiseEpoch implements partition.EpochRaiser.
func (e epochRaiser) RaiseEpoch(id logstore.ID) (protocol.Epoch, error) {
	key := metadata.TopicIDPartition{TopicID: id.TopicID, Partition: id.Partition}
	image, err := e.b.metadata.Propose(context.Background(), func(image *metadata.Image) ([]metadata.Record, error) {
		return metadata.RaiseEpochs(image, e.b.identity.NodeID, []metadata.TopicIDPartition{key}), nil
	})
	if errors.Is(err, metadata.ErrFailed) {
		// No epoch can be raised any more, so that half of the appends would fail
		// until somebody looks: a restart recovers from the journal.
		e.b.fail(err)
	}
	if err != nil {
		return 0, err
	}
	t := image.TopicByID(id.TopicID)
	if t == nil || t.Partition(id.Partition) == nil {
		return 0, logstore.ErrDeleted
	}
	return t.Partition(id.Partition).LeaderEpoch, nil
}
