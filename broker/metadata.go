package broker

import (
	"errors"
	"fmt"
	"path"
	"sync/atomic"

	"github.com/barnabas-mq/barnabas/config"
	"github.com/barnabas-mq/barnabas/internal/invariant"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/protocol"
)

// metadataTopic is the name of the metadata log, and metadataTopicID its fixed id
// (Kafka's Topic.CLUSTER_METADATA_TOPIC_PARTITION, Uuid.METADATA_TOPIC_ID).
const metadataTopic = "__cluster_metadata"

var metadataTopicID = protocol.UUID{15: 1}

// metadataLogConfig is how Kafka keeps that log: segments of 1 GiB that roll after
// a week, freed by snapshots alone.
var metadataLogConfig = logstore.Config{
	SegmentBytes: 1 << 30, SegmentMillis: 7 * 24 * 60 * 60 * 1000, IndexIntervalBytes: 4096, IndexBytesMax: 10 << 20,
	RetentionBytes: -1, RetentionMillis: -1, FileDeleteDelayMillis: 60_000,
	FlushMessages: 1<<63 - 1, FlushMillis: 1<<63 - 1,
}

// openMetadata opens the metadata log and what it says.
func (b *Broker) openMetadata() error {
	id := logstore.ID{Topic: metadataTopic, TopicID: metadataTopicID, Partition: 0}
	folder := path.Join(b.dir, id.String())
	if err := makeFolder(b.files, folder); err != nil {
		return &DirectoryError{folder, "cannot be made", err}
	}
	log, err := b.logs.Open(id, metadataLogConfig)
	if err != nil {
		return &DirectoryError{folder, "cannot be opened", err}
	}
	if err := log.Ready(); err != nil {
		return &DirectoryError{folder, "cannot be read; it is damaged, not empty", err}
	}
	s := b.settings.Load()
	b.journal = &metadataJournal{log: log}
	b.journal.putOff.Store(s.Durability == config.DurabilityCached)
	options := metadata.Options{
		FS: b.files, Dir: folder, Journal: b.journal, Clock: b.opts.Clock, Logger: b.opts.Log,
		ClusterID: b.identity.ClusterID, NodeID: b.identity.NodeID, DirectoryID: b.identity.DirectoryID,
		IncarnationID: protocol.NewUUID(), SnapshotBytes: s.MetadataSnapshotBytes,
	}
	if s.Rack != "" {
		options.Rack = &s.Rack
	}
	for _, l := range b.listeners {
		e := b.Self(l)
		options.Endpoints = append(options.Endpoints, metadata.Endpoint{Name: l.Name, Host: e.Host, Port: uint16(e.Port)})
	}
	b.metadata, err = metadata.Open(options)
	var corrupt *metadata.CorruptError
	var unsupported *metadata.UnsupportedError
	switch {
	case errors.As(err, &corrupt), errors.As(err, &unsupported):
		return &DirectoryError{folder, "the metadata cannot be used", err}
	case err != nil:
		return fmt.Errorf("opening the metadata: %w", err)
	}
	return nil
}

// metadataJournal is the metadata's journal in a log of its own. The Store is its
// only writer, so that an append is followed by no other before it is committed.
type metadataJournal struct {
	log logstore.Log
	// putOff lets a start that promises no durability yet skip its flush;
	// flushPutOff makes up for it.
	putOff atomic.Bool
}

func (j *metadataJournal) flushPutOff() error {
	if !j.putOff.Swap(false) {
		return nil
	}
	return j.log.Flush()
}

// Append implements metadata.Journal.
func (j *metadataJournal) Append(batch protocol.Batch) (protocol.Offset, error) {
	done := make(chan struct{})
	pending := logstore.Pending{OnCommitted: func(*logstore.Pending) { close(done) }}
	in := logstore.AppendInput{Batch: batch, Epoch: batch.LeaderEpoch(), Origin: logstore.FromCoordinator}
	if j.log.Append(in, &pending) != logstore.Committed {
		<-done
	}
	return pending.BaseOffset, pending.Err
}

// Replay implements metadata.Journal.
func (j *metadataJournal) Replay(from protocol.Offset, fn func(protocol.Batch) error) error {
	return eachBatch(j.log, from, fn)
}

// Start implements metadata.Journal.
func (j *metadataJournal) Start() protocol.Offset { return j.log.Offsets().Start }

// End implements metadata.Journal.
func (j *metadataJournal) End() protocol.Offset { return j.log.Offsets().End }

// Flush implements metadata.Journal.
func (j *metadataJournal) Flush() error {
	if j.putOff.Load() {
		return nil
	}
	return j.log.Flush()
}

// DeleteBefore implements metadata.Journal.
func (j *metadataJournal) DeleteBefore(offset protocol.Offset) error {
	_, err := j.log.DeleteBefore(offset)
	return err
}

// replayChunkBytes is how much of a log is read at once.
const replayChunkBytes = 1 << 20

// eachBatch calls fn with every batch from the one that contains from to the end
// of the log. The bytes are fn's only until it returns.
func eachBatch(log logstore.Log, from protocol.Offset, fn func(protocol.Batch) error) error {
	buf := make([]byte, 0, 64<<10)
	for end := log.Offsets().End; from < end; {
		chunk, err := log.Read(logstore.ReadInput{From: from, Below: end, MaxBytes: replayChunkBytes, AtLeastOne: true})
		if err != nil {
			return err
		}
		if chunk.Bytes == 0 {
			chunk.Release()
			return nil // what is left was compacted away
		}
		if cap(buf) < chunk.Bytes {
			buf = make([]byte, 0, chunk.Bytes)
		}
		buf = buf[:chunk.Bytes]
		n, err := chunk.Source.ReadAt(buf, chunk.Position)
		chunk.Release()
		if n < len(buf) {
			return fmt.Errorf("reading a log from offset %d: %w", from, err)
		}
		next, err := eachBatchOf(buf, fn)
		if err != nil {
			return err
		}
		invariant.Check(next > from, "reading a log went from offset %d to %d", from, next)
		from = next
	}
	return nil
}

// eachBatchOf returns the offset after the last batch.
func eachBatchOf(b []byte, fn func(protocol.Batch) error) (next protocol.Offset, err error) {
	for len(b) > 0 {
		var batch protocol.Batch
		if batch, b, err = protocol.NextBatch(b); err != nil {
			return 0, err
		}
		if err := protocol.VerifyBatch(batch); err != nil {
			return 0, err
		}
		next = batch.LastOffset() + 1
		if err := fn(batch); err != nil {
			return 0, err
		}
	}
	return next, nil
}
