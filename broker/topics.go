package broker

import (
	"context"
	"errors"
	"fmt"

	"github.com/barnabas-mq/barnabas/config"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/partition"
	"github.com/barnabas-mq/barnabas/protocol"
	"github.com/barnabas-mq/barnabas/server/api"
)

// openPartitions takes in every partition of the metadata and keeps the set in
// step with their changes. It touches no partition's files.
func (b *Broker) openPartitions() error {
	b.partitions = partition.NewSet(b.logs, epochRaiser{b}, b.opts.Clock)
	image := b.metadata.Watch(b.metadataChanged)
	if err := b.settingsChanged(image); err != nil {
		return &SettingsError{err}
	}
	settings := b.settings.Load()
	for t := range image.Topics() {
		cfg := logConfig(settings.Topic(image.TopicConfig(t.Name).Map()))
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
	touched := make(map[string]bool) // topics whose settings changed
	for _, r := range records {
		switch r := r.(type) {
		case *metadata.PartitionRecord:
			b.createPartition(image, r)
		case *metadata.RemoveTopicRecord:
			b.removeTopic(old, r.TopicID)
		case *metadata.ConfigRecord:
			switch metadata.ResourceType(r.ResourceType) {
			case metadata.ResourceTopic:
				touched[r.ResourceName] = true
			case metadata.ResourceBroker:
				touched[""] = true
			}
		}
	}
	if touched[""] {
		if err := b.settingsChanged(image); err != nil {
			b.opts.Log.Error("altered settings ask for what cannot be given; those before stay, and the next start is refused", "error", err)
		}
		for t := range image.Topics() {
			touched[t.Name] = true
		}
	}
	settings := b.settings.Load()
	for name := range touched { // in any order: each topic by itself
		if t := image.Topic(name); t != nil {
			b.partitions.Reconfigure(t.ID, logConfig(settings.Topic(image.TopicConfig(name).Map())))
		}
	}
}

func (b *Broker) createPartition(image *metadata.Image, r *metadata.PartitionRecord) {
	t := image.TopicByID(r.TopicID)
	if t == nil {
		return // created and removed by one change
	}
	cfg := logConfig(b.settings.Load().Topic(image.TopicConfig(t.Name).Map()))
	id := logstore.ID{Topic: t.Name, TopicID: t.ID, Partition: r.PartitionID}
	if _, err := b.partitions.Create(id, r.LeaderEpoch, cfg); err != nil {
		b.fail(fmt.Errorf("taking in a new partition: %w", err))
	}
}

func (b *Broker) removeTopic(old *metadata.Image, topic protocol.UUID) {
	t := old.TopicByID(topic)
	if t == nil {
		return
	}
	for i := range t.Partitions {
		id := logstore.ID{Topic: t.Name, TopicID: t.ID, Partition: t.Partitions[i].Index}
		if err := b.partitions.Remove(id); err != nil {
			// The topic is gone all the same; its folder is found again at the next start.
			b.opts.Log.Error("removing a partition's files failed", "partition", id.String(), "error", err)
		}
	}
	if b.groups != nil && old.Topic(api.OffsetsTopic) != nil {
		b.groups.DeleteTopicOffsets([]string{t.Name}, func(err error) {
			if err != nil {
				b.opts.Log.Warn("committed offsets of a deleted topic are left over", "topic", t.Name, "error", err)
			}
		})
	}
}

// settingsChanged combines the settings of the start with those altered since. An
// error says that they ask for protection that cannot be given; the settings stay
// as they are then.
func (b *Broker) settingsChanged(image *metadata.Image) error {
	settings, err := b.opts.Settings.Broker(
		image.Config(metadata.Resource{Type: metadata.ResourceBroker}).Map(),
		image.Config(metadata.Resource{Type: metadata.ResourceBroker, Name: fmt.Sprint(b.identity.NodeID)}).Map())
	if settings == nil {
		return err
	}
	if err != nil {
		b.opts.Log.Warn("altered settings that cannot be used are left out", "error", err)
	}
	b.settings.Store(settings)
	b.server.SetLimits(connectionLimits(settings))
	return nil
}

// logConfig is what a log needs of a topic's settings.
func logConfig(t config.Topic) logstore.Config {
	return logstore.Config{
		SegmentBytes: t.SegmentBytes, SegmentMillis: t.SegmentMillis, SegmentJitterMillis: t.SegmentJitterMillis,
		IndexIntervalBytes: t.IndexIntervalBytes, IndexBytesMax: t.SegmentIndexBytes,
		RetentionBytes: t.RetentionBytes, RetentionMillis: t.RetentionMillis, FileDeleteDelayMillis: t.FileDeleteDelayMillis,
		FlushMessages: t.FlushMessages, FlushMillis: t.FlushMillis, Preallocate: t.Preallocate,
		Compact: t.CleanupCompact, Delete: t.CleanupDelete,
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
