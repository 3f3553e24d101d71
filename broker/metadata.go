package broker

import (
	"errors"
	"fmt"
	"path"
	"sync/atomic"
	"syscall"

	"github.com/barnabas-mq/barnabas/config"
	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/logstore/disk"
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
	OwnSync: true, // it is read before the write-ahead log can be
}

// openMetadata opens the metadata log and what it says.
func (b *Broker) openMetadata() error {
	id := logstore.ID{Topic: metadataTopic, TopicID: metadataTopicID, Partition: 0}
	folder := path.Join(b.dir, id.String())
	if err := makeFolder(b.files, folder); err != nil {
		return &DirectoryError{folder, "cannot be made", err}
	}
	// These come before the log's recovery, which may change its derived files.
	if err := checkMetadataFolder(b.files, folder); err != nil {
		return err
	}
	if err := metadata.CheckFolder(b.files, folder, b.identity.NodeID); err != nil {
		return &DirectoryError{folder, "the metadata cannot be used", err}
	}
	log, err := b.logs.Open(id, metadataLogConfig)
	if err != nil {
		return &DirectoryError{folder, "cannot be opened", err}
	}
	if err := log.Ready(); errors.Is(err, syscall.ENOSPC) {
		return &DirectoryError{folder, "cannot be recovered: the disk is full; make some room and start again", err}
	} else if err != nil {
		return &DirectoryError{folder, "cannot be read; it is damaged, not empty", err}
	}
	s := b.settings.Load()
	b.journal = &metadataJournal{log: log}
	b.journal.putOff.Store(s.Durability == config.DurabilityCached)
	options := metadata.Options{
		FS: b.files, Dir: folder, Journal: b.journal, Clock: b.opts.Clock, Logger: b.opts.Log,
		ClusterID: b.identity.ClusterID, NodeID: b.identity.NodeID, DirectoryID: b.identity.DirectoryID,
		IncarnationID: b.incarnation, SnapshotBytes: s.MetadataSnapshotBytes, BeforeLead: b.beforeLead,
		BeforeJournal: b.beforeJournal,
	}
	if options.Bootstrap, err = readBootstrap(b.files, b.dir); err != nil {
		return err
	}
	if s.Rack != "" {
		options.Rack = &s.Rack
	}
	for _, l := range b.listeners {
		host, port := registered(s, l)
		options.Endpoints = append(options.Endpoints, metadata.Endpoint{Name: l.Name, Host: host, Port: uint16(port)})
	}
	b.metadata, err = metadata.Open(options)
	var corrupt *metadata.CorruptError
	var unsupported *metadata.UnsupportedError
	var directory *DirectoryError
	var settings *SettingsError
	switch {
	case errors.As(err, &corrupt), errors.As(err, &unsupported):
		return &DirectoryError{folder, "the metadata cannot be used", err}
	case errors.As(err, &directory), errors.As(err, &settings):
		return err
	case err != nil:
		return fmt.Errorf("opening the metadata: %w", err)
	}
	return nil
}

// checkMetadataFolder refuses a metadata folder that says it is another topic's. The
// id is fixed, so that this is damage, and not a deleted topic's folder, which the
// log store would set aside to begin with an empty one.
func checkMetadataFolder(files vfs.FS, folder string) error {
	id, err := disk.TopicIDOf(files, folder)
	if err == nil && (id.IsZero() || id == metadataTopicID) {
		return nil
	}
	if err == nil {
		err = fmt.Errorf("it says topic %s", id)
	}
	return &DirectoryError{path.Join(folder, "partition.metadata"), "is damaged: this is the folder of the metadata", err}
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
	return logstore.EachBatch(j.log, from, j.End(), fn)
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
