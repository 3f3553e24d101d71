package config

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/barnabas-mq/barnabas/internal/invariant"
)

// Unlimited is a size or time without limit.
const Unlimited = -1

// Topic is one immutable state of a topic's effective settings: what the topic
// overrides, and the broker's settings behind it. Sizes are bytes, times are
// milliseconds, because some reach beyond what a Duration can hold.
type Topic struct {
	CleanupCompact           bool
	CleanupDelete            bool
	CompressionType          string // producer, uncompressed, gzip, snappy, lz4 or zstd
	CompressionGzipLevel     int
	CompressionLZ4Level      int
	CompressionZstdLevel     int
	DeleteRetentionMillis    int64
	FileDeleteDelayMillis    int64
	FlushMessages            int64
	FlushMillis              int64
	IndexIntervalBytes       int64
	CompactionLagMinMillis   int64
	CompactionLagMaxMillis   int64
	CleanableDirtyRatioMin   float64
	MessageBytesMax          int
	TimestampAppendTime      bool // message.timestamp.type is LogAppendTime
	TimestampBeforeMaxMillis int64
	TimestampAfterMaxMillis  int64
	InsyncReplicasMin        int
	Preallocate              bool
	RetentionBytes           int64 // or Unlimited
	RetentionMillis          int64 // or Unlimited
	SegmentBytes             int64
	SegmentIndexBytes        int64
	SegmentMillis            int64
	SegmentJitterMillis      int64
	UncleanLeaderElection    bool
	RemoteStorage            bool
}

// StampsAppendTime is TimestampAppendTime of a topic with these overrides, alone.
func (b *Broker) StampsAppendTime(overrides map[string]string) bool {
	r := overlay{scope: ScopeTopic, overrides: overrides, broker: b.reader}
	return r.text("message.timestamp.type") == "LogAppendTime"
}

// Topic is what holds for a topic with these overrides. Overrides that are not
// legal count as not set: they were checked before they were stored, and a
// directory of another broker version must open all the same.
func (b *Broker) Topic(overrides map[string]string) Topic {
	r := overlay{scope: ScopeTopic, overrides: overrides, broker: b.reader}
	policy := r.list("cleanup.policy")
	return Topic{
		CleanupCompact:           slices.Contains(policy, "compact"),
		CleanupDelete:            slices.Contains(policy, "delete"),
		CompressionType:          r.text("compression.type"),
		CompressionGzipLevel:     int(r.integer("compression.gzip.level")),
		CompressionLZ4Level:      int(r.integer("compression.lz4.level")),
		CompressionZstdLevel:     int(r.integer("compression.zstd.level")),
		DeleteRetentionMillis:    r.integer("delete.retention.ms"),
		FileDeleteDelayMillis:    r.integer("file.delete.delay.ms"),
		FlushMessages:            r.integer("flush.messages"),
		FlushMillis:              r.integer("flush.ms"),
		IndexIntervalBytes:       r.integer("index.interval.bytes"),
		CompactionLagMinMillis:   r.integer("min.compaction.lag.ms"),
		CompactionLagMaxMillis:   r.integer("max.compaction.lag.ms"),
		CleanableDirtyRatioMin:   r.double("min.cleanable.dirty.ratio"),
		MessageBytesMax:          int(r.integer("max.message.bytes")),
		TimestampAppendTime:      b.StampsAppendTime(overrides),
		TimestampBeforeMaxMillis: r.integer("message.timestamp.before.max.ms"),
		TimestampAfterMaxMillis:  r.integer("message.timestamp.after.max.ms"),
		InsyncReplicasMin:        int(r.integer("min.insync.replicas")),
		Preallocate:              r.boolean("preallocate"),
		RetentionBytes:           max(r.integer("retention.bytes"), Unlimited),
		RetentionMillis:          r.integer("retention.ms"),
		SegmentBytes:             r.segmentBytes(),
		SegmentIndexBytes:        r.integer("segment.index.bytes"),
		SegmentMillis:            r.integer("segment.ms"),
		SegmentJitterMillis:      r.integer("segment.jitter.ms"),
		UncleanLeaderElection:    r.boolean("unclean.leader.election.enable"),
		RemoteStorage:            r.boolean("remote.storage.enable"),
	}
}

// overlay reads the settings of a topic or group: its own over the broker's.
type overlay struct {
	scope     Scope
	overrides map[string]string
	broker    *reader
}

func (o overlay) key(name string) *Key {
	if o.broker.seen != nil {
		o.broker.seen(name)
	}
	k, ok := Lookup(o.scope, name)
	invariant.Check(ok, "no %v setting is called %q", o.scope, name)
	return k
}

// own is the override, if there is a legal one.
func (o overlay) own(k *Key) (string, bool) {
	v, ok := o.overrides[k.Name]
	if !ok || k.Check(v) != nil {
		return "", false
	}
	return strings.TrimSpace(v), true
}

func (o overlay) text(name string) string {
	k := o.key(name)
	if v, ok := o.own(k); ok {
		return v
	}
	behind := k.brokerSynonyms()
	switch {
	case len(behind) == 0:
		return k.Default
	case len(behind) > 1 || behind[0].Factor != 1:
		return strconv.FormatInt(o.broker.family(behind), 10)
	}
	return o.broker.text(behind[0].Name)
}

func (o overlay) list(name string) []string { return parseList(o.text(name)) }

func (o overlay) integer(name string) int64 {
	v, err := strconv.ParseInt(o.text(name), 10, 64)
	invariant.Check(err == nil, "setting %s was not checked: %v", name, err)
	return v
}

func (o overlay) boolean(name string) bool {
	v, ok := parseBool(o.text(name))
	invariant.Check(ok, "setting %s was not checked", name)
	return v
}

func (o overlay) double(name string) float64 {
	v, ok := parseDouble(o.text(name))
	invariant.Check(ok && !math.IsInf(v, 0), "setting %s was not checked", name)
	return v
}

// segmentBytes obeys the setting of Kafka's own tests too: it is how a test
// rolls segments without writing a mebibyte.
func (o overlay) segmentBytes() int64 {
	if v, ok := o.own(o.key("internal.segment.bytes")); ok {
		n, _ := strconv.ParseInt(v, 10, 64) // own has checked it
		return n
	}
	return o.integer("segment.bytes")
}
