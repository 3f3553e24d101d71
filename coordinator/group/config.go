package group

import "time"

// Config is what the machine needs of the broker's settings, with the names and
// defaults that Kafka gives them. Times are milliseconds.
type Config struct {
	SessionTimeoutMinMillis     int32 // group.min.session.timeout.ms
	SessionTimeoutMaxMillis     int32 // group.max.session.timeout.ms
	InitialRebalanceDelayMillis int32 // group.initial.rebalance.delay.ms
	// JoinQuiet is how long nobody may have come before the first members of a group
	// begin when there is no initial delay; 0 begins at once, as Kafka does.
	JoinQuiet              time.Duration
	MembersMax             int32 // group.max.size
	OffsetMetadataBytesMax int32 // offset.metadata.max.bytes
	// MemberBytesMax bounds what one member says at its join, and what it is
	// assigned (barnabas.group.metadata.max.bytes).
	MemberBytesMax int
	// RecordBytesMax bounds one group record and one commit: Kafka's default of
	// max.message.bytes, above which it refuses to append to __consumer_offsets.
	RecordBytesMax int
	// GroupBytesMax bounds what the members of one group say at their joins, all
	// protocols together: four times what fits in a record with the selected one.
	GroupBytesMax int
	// OffsetsRetentionMillis is how long offsets are kept (offsets.retention.minutes),
	// and OffsetsCheckMillis how often they are looked at
	// (offsets.retention.check.interval.ms).
	OffsetsRetentionMillis int64
	OffsetsCheckMillis     int64
	// PendingMembersMax bounds the members of one group that were given an id and
	// have not come back with it. Kafka has no such bound; a member needs some 200
	// bytes, and no group of clients that work has more than a few thousand.
	PendingMembersMax int

	ConsumerMembersMax int32    // group.consumer.max.size
	Assignors          []string // group.consumer.assignors, the default one first
	Migration          MigrationPolicy
	PatternRefresh     time.Duration // group.consumer.regex.refresh.interval.ms
	// PatternBytesMax bounds a regular expression (barnabas.group.regex.max.bytes).
	PatternBytesMax int
	// Settings gives those of a group. It is asked for every heartbeat.
	Settings func(groupID string) Settings

	ShareMembersMax      int32         // group.share.max.size
	ShareInitializeRetry time.Duration // group.share.initialize.retry.interval.ms
	// ShareSettings is Settings for share groups (share.session.timeout.ms and so on).
	ShareSettings func(groupID string) Settings

	// Topics gives the topics as they are now.
	Topics func() Topics
}

// DefaultConfig is Kafka's defaults.
func DefaultConfig() Config {
	return Config{
		SessionTimeoutMinMillis:     6_000,
		SessionTimeoutMaxMillis:     1_800_000,
		InitialRebalanceDelayMillis: 3_000,
		MembersMax:                  1<<31 - 1,
		OffsetMetadataBytesMax:      4_096,
		MemberBytesMax:              1 << 20,
		RecordBytesMax:              1_048_588,
		GroupBytesMax:               4 * 1_048_588,
		OffsetsRetentionMillis:      7 * 24 * 60 * 60 * 1000,
		OffsetsCheckMillis:          600_000,
		PendingMembersMax:           50_000,

		ConsumerMembersMax: 1<<31 - 1,
		Assignors:          []string{"uniform", "range"},
		Migration:          MigrationPolicy{Upgrade: true, Downgrade: true},
		PatternRefresh:     10 * time.Minute,
		PatternBytesMax:    1 << 10,
		Settings:           defaultSettings,

		ShareMembersMax:      200,
		ShareInitializeRetry: 30 * time.Second,
		ShareSettings:        defaultSettings,

		Topics: func() Topics { return withoutTopics{} },
	}
}

// newMemberTimeoutMillis is how long a new member may wait for its first answer
// before it is given up: Kafka's classicGroupNewMemberJoinTimeoutMs. Clients
// whose connection broke while they joined have no other way out, because a
// member that waits for an answer is not held to its session timeout.
const newMemberTimeoutMillis = 5 * 60 * 1000

// defaultSettings are the same for consumer and share groups.
func defaultSettings(string) Settings {
	return Settings{SessionTimeout: 45 * time.Second, HeartbeatInterval: 5 * time.Second, AssignmentInterval: time.Second}
}
