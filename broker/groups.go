package broker

import (
	"crypto/rand"
	"fmt"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/coordinator/group"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/partition"
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
	cfg.RecordBytesMax, cfg.GroupBytesMax = s.GroupMetadataBytesMax, 4*s.GroupMetadataBytesMax
	b.groups = group.New(group.Options{
		Config: cfg, Journal: &journal{b: b, topic: api.OffsetsTopic}, Clock: b.opts.Clock, Shards: shards,
		QueueMax: s.CoordinatorQueueMax, NewMemberID: newMemberID, Log: b.opts.Log,
	})
	return nil
}

// newMemberID is a random UUID in its usual text form, as Kafka's member ids end.
func newMemberID() string {
	var u [16]byte
	_, _ = rand.Read(u[:]) // never fails (crypto/rand since Go 1.24)
	u[6], u[8] = u[6]&0x0f|0x40, u[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

// journal is a coordinator's journal in the partitions of an internal topic: one
// shard, one partition.
type journal struct {
	b     *Broker
	topic string
}

func (j *journal) partition(shard int32) *partition.Partition {
	t := j.b.metadata.Image().Topic(j.topic)
	if t == nil {
		return nil
	}
	return j.b.partitions.Get(t.ID, shard)
}

// Check implements coordinator.Journal. The topic is created when somebody looks
// for the coordinator.
func (j *journal) Check(shard int32) error {
	if j.partition(shard) == nil {
		return coordinator.ErrUnavailable
	}
	return nil
}

// Load implements coordinator.Journal.
func (j *journal) Load(shard int32, fn func(coordinator.Entry) error) error {
	p := j.partition(shard)
	if p == nil {
		return coordinator.ErrUnavailable
	}
	if err := p.Ready(); err != nil {
		return err
	}
	log := p.Log()
	err := eachBatch(log, log.Offsets().Start, func(batch protocol.Batch) error {
		producer := coordinator.NoProducer
		if batch.IsTransactional() {
			producer = coordinator.Producer{ID: batch.ProducerID(), Epoch: batch.ProducerEpoch()}
		}
		return batch.EachRecord(protocol.DecodeLimits{}, func(r *protocol.Record) error {
			entry := coordinator.Entry{Offset: r.Offset, Producer: producer}
			if batch.IsControl() {
				entry.Marker = markerOf(r.Key)
				if entry.Marker == coordinator.NoMarker {
					return nil
				}
			} else {
				entry.Record = coordinator.Record{Key: r.Key, Value: r.Value}
			}
			return fn(entry)
		})
	})
	if err != nil {
		return err
	}
	return log.Flush()
}

// markerOf reads the key of a control record: version int16, type int16 (0 abort,
// 1 commit).
func markerOf(key []byte) coordinator.Marker {
	if len(key) < 4 || key[2] != 0 {
		return coordinator.NoMarker
	}
	switch key[3] {
	case 0:
		return coordinator.AbortMarker
	case 1:
		return coordinator.CommitMarker
	}
	return coordinator.NoMarker
}

// Append implements coordinator.Journal.
func (j *journal) Append(shard int32, in coordinator.Batch, committed func(error)) (protocol.Offset, error) {
	p := j.partition(shard)
	if p == nil {
		return 0, coordinator.ErrUnavailable
	}
	options := protocol.DefaultBatchOptions()
	if in.Producer != nil {
		options.ProducerID, options.ProducerEpoch, options.Transactional = in.Producer.ID, in.Producer.Epoch, true
	}
	builder := protocol.NewBatchBuilder(options)
	for _, r := range in.Records {
		builder.Add(in.Timestamp, r.Key, r.Value)
	}
	pending := &logstore.Pending{OnCommitted: func(p *logstore.Pending) { committed(p.Err) }}
	input := logstore.AppendInput{Batch: builder.Build(0, 0), Origin: logstore.FromCoordinator}
	if p.Append(input, pending) == logstore.Committed {
		if pending.Err != nil {
			return 0, pending.Err
		}
		committed(nil)
	}
	return pending.BaseOffset, nil
}
