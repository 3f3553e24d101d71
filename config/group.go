package config

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

func (b *Broker) readGroups(r *reader) {
	b.GroupSessionTimeoutMin = r.millis("group.min.session.timeout.ms")
	b.GroupSessionTimeoutMax = r.millis("group.max.session.timeout.ms")
	b.GroupInitialRebalanceDelay = r.millis("group.initial.rebalance.delay.ms")
	b.GroupSizeMax = r.count("group.max.size")
	b.GroupMetadataBytesMax = r.count("barnabas.group.metadata.max.bytes")
	b.GroupRegexBytesMax = r.count("barnabas.group.regex.max.bytes")
	b.GroupRebalanceProtocols = distinct(r.list("group.coordinator.rebalance.protocols"))
	b.CoordinatorQueueMax = r.count("barnabas.coordinator.queue.max")
	b.OffsetMetadataBytesMax = r.count("offset.metadata.max.bytes")
	b.OffsetsTopicPartitions = r.count("offsets.topic.num.partitions")
	b.OffsetsTopicReplicationFactor = r.count("offsets.topic.replication.factor")
	b.OffsetsTopicSegmentBytes = r.count("offsets.topic.segment.bytes")
	b.OffsetsRetention = durationOf(r.integer("offsets.retention.minutes"), time.Minute)
	b.OffsetsRetentionCheckInterval = r.millis("offsets.retention.check.interval.ms")
	b.OffsetsCommitTimeout = r.millis("offsets.commit.timeout.ms")
	b.ConsumerGroupSizeMax = r.count("group.consumer.max.size")
	b.ShareGroupSizeMax = r.count("group.share.max.size")
	b.ShareGroupInitializeRetry = r.millis("group.share.initialize.retry.interval.ms")
	b.ConsumerGroupAssignors, _ = assignors(r.list(keyAssignors))
	b.ConsumerGroupMigrationPolicy = strings.ToLower(r.text("group.consumer.migration.policy"))
	b.ConsumerGroupRegexRefresh = r.millis("group.consumer.regex.refresh.interval.ms")
	b.readShares(r)
}

func (b *Broker) readShares(r *reader) {
	b.ShareStateTopicPartitions = r.count("share.coordinator.state.topic.num.partitions")
	b.ShareStateTopicReplicationFactor = r.count("share.coordinator.state.topic.replication.factor")
	b.ShareStateTopicMinISR = r.count("share.coordinator.state.topic.min.isr")
	b.ShareStateTopicSegmentBytes = r.count("share.coordinator.state.topic.segment.bytes")
	b.ShareStateWriteTimeout = r.millis("share.coordinator.write.timeout.ms")
	b.ShareStatePruneInterval = r.millis("share.coordinator.state.topic.prune.interval.ms")
	b.ShareSessionsMax = r.count("group.share.max.share.sessions")
	b.ShareSnapshotUpdates = r.count("share.coordinator.snapshot.update.records.per.snapshot")
	b.ShareSnapshotInterval = r.millis("share.coordinator.cold.partition.snapshot.interval.ms")
}

const keyAssignors = "group.consumer.assignors"

// assignors reads the names of assignors, or of Kafka's classes for them.
func assignors(names []string) ([]string, error) {
	const classes = "org.apache.kafka.coordinator.group.assignor."
	known := map[string]string{
		"uniform": "uniform", "range": "range", classes + "UniformAssignor": "uniform", classes + "RangeAssignor": "range",
	}
	var out []string
	for _, name := range names {
		assignor, ok := known[name]
		if !ok {
			return nil, fmt.Errorf("%q is no assignor; there are uniform and range", cut(name))
		}
		out = append(out, assignor)
	}
	if len(out) == 0 {
		return nil, errors.New("at least one assignor is needed: uniform or range")
	}
	return distinct(out), nil
}

// Group is one immutable state of a group's effective settings, whatever type
// the group is of.
type Group struct {
	ConsumerSessionTimeout     time.Duration
	ConsumerHeartbeatInterval  time.Duration
	ConsumerAssignmentInterval time.Duration

	ShareSessionTimeout          time.Duration
	ShareHeartbeatInterval       time.Duration
	ShareAssignmentInterval      time.Duration
	ShareRecordLockDuration      time.Duration
	ShareDeliveryCountLimit      int
	SharePartitionRecordLocksMax int
	ShareAutoOffsetReset         string
	ShareReadCommitted           bool
	ShareRenewAcknowledge        bool

	StreamsSessionTimeout        time.Duration
	StreamsHeartbeatInterval     time.Duration
	StreamsAssignmentInterval    time.Duration
	StreamsInitialRebalanceDelay time.Duration
	StreamsStandbyReplicas       int
}

// Group is what holds for a group with these overrides. A value outside the
// broker's limits, which may have been narrowed since it was stored, is brought
// back to the nearest limit.
func (b *Broker) Group(overrides map[string]string) Group {
	o := overlay{scope: ScopeGroup, overrides: overrides, broker: b.reader}
	within := func(name string) int64 {
		v := o.integer(name)
		for _, span := range groupSpans {
			if span.name == name {
				v = span.clamp(b.reader, v)
			}
		}
		return v
	}
	millis := func(name string) time.Duration { return time.Duration(within(name)) * time.Millisecond }
	return Group{
		ConsumerSessionTimeout:     millis("consumer.session.timeout.ms"),
		ConsumerHeartbeatInterval:  millis("consumer.heartbeat.interval.ms"),
		ConsumerAssignmentInterval: millis("consumer.assignment.interval.ms"),

		ShareSessionTimeout:          millis("share.session.timeout.ms"),
		ShareHeartbeatInterval:       millis("share.heartbeat.interval.ms"),
		ShareAssignmentInterval:      millis("share.assignment.interval.ms"),
		ShareRecordLockDuration:      millis("share.record.lock.duration.ms"),
		ShareDeliveryCountLimit:      int(within("share.delivery.count.limit")),
		SharePartitionRecordLocksMax: int(within("share.partition.max.record.locks")),
		ShareAutoOffsetReset:         o.text("share.auto.offset.reset"),
		ShareReadCommitted:           o.text("share.isolation.level") == "read_committed",
		ShareRenewAcknowledge:        o.boolean("share.renew.acknowledge.enable"),

		StreamsSessionTimeout:        millis("streams.session.timeout.ms"),
		StreamsHeartbeatInterval:     millis("streams.heartbeat.interval.ms"),
		StreamsAssignmentInterval:    millis("streams.assignment.interval.ms"),
		StreamsInitialRebalanceDelay: millis("streams.initial.rebalance.delay.ms"),
		StreamsStandbyReplicas:       int(within("streams.num.standby.replicas")),
	}
}

// span is a group setting, the broker's default for it, and the broker's
// limits. A limit may be missing.
type span struct{ name, value, low, high string }

// groupSpans follow GroupCoordinatorConfig and ShareGroupConfig in Kafka.
var groupSpans = []span{
	{"consumer.session.timeout.ms", "group.consumer.session.timeout.ms", "group.consumer.min.session.timeout.ms", "group.consumer.max.session.timeout.ms"},
	{"consumer.heartbeat.interval.ms", "group.consumer.heartbeat.interval.ms", "group.consumer.min.heartbeat.interval.ms", "group.consumer.max.heartbeat.interval.ms"},
	{"consumer.assignment.interval.ms", "group.consumer.assignment.interval.ms", "group.consumer.min.assignment.interval.ms", "group.consumer.max.assignment.interval.ms"},
	{"share.session.timeout.ms", "group.share.session.timeout.ms", "group.share.min.session.timeout.ms", "group.share.max.session.timeout.ms"},
	{"share.heartbeat.interval.ms", "group.share.heartbeat.interval.ms", "group.share.min.heartbeat.interval.ms", "group.share.max.heartbeat.interval.ms"},
	{"share.assignment.interval.ms", "group.share.assignment.interval.ms", "group.share.min.assignment.interval.ms", "group.share.max.assignment.interval.ms"},
	{"share.record.lock.duration.ms", "group.share.record.lock.duration.ms", "group.share.min.record.lock.duration.ms", "group.share.max.record.lock.duration.ms"},
	{"share.delivery.count.limit", "group.share.delivery.count.limit", "group.share.min.delivery.count.limit", "group.share.max.delivery.count.limit"},
	{"share.partition.max.record.locks", "group.share.partition.max.record.locks", "group.share.min.partition.max.record.locks", "group.share.max.partition.max.record.locks"},
	{"streams.session.timeout.ms", "group.streams.session.timeout.ms", "group.streams.min.session.timeout.ms", "group.streams.max.session.timeout.ms"},
	{"streams.heartbeat.interval.ms", "group.streams.heartbeat.interval.ms", "group.streams.min.heartbeat.interval.ms", "group.streams.max.heartbeat.interval.ms"},
	{"streams.assignment.interval.ms", "group.streams.assignment.interval.ms", "group.streams.min.assignment.interval.ms", "group.streams.max.assignment.interval.ms"},
	{"streams.num.standby.replicas", "group.streams.num.standby.replicas", "", "group.streams.max.standby.replicas"},
}

// check judges the broker's own default against the broker's limits.
func (s span) check(r *reader, fail func(key, format string, args ...any)) {
	v, high := r.integer(s.value), r.integer(s.high)
	if s.low != "" {
		low := r.integer(s.low)
		if _, chosen := r.raw(s.high); low > high && chosen {
			fail(s.high, "the value is below %s", s.low)
			return
		}
		if low > high {
			fail(s.low, "the value is above %s", s.high)
			return
		}
		if v < low {
			fail(s.value, "the value is below %s", s.low)
		}
	}
	if v > high {
		fail(s.value, "the value is above %s", s.high)
	}
}

// outside names the limit that v breaks.
func (s span) outside(r *reader, v int64) error {
	if s.low != "" && v < r.integer(s.low) {
		return refuse(ErrInvalidConfig, s.name, "%s must be greater than or equal to %s", s.name, s.low)
	}
	if v > r.integer(s.high) {
		return refuse(ErrInvalidConfig, s.name, "%s must be less than or equal to %s", s.name, s.high)
	}
	return nil
}

func (s span) clamp(r *reader, v int64) int64 {
	if s.low != "" {
		v = max(v, r.integer(s.low))
	}
	return min(v, r.integer(s.high))
}
