package group

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/internal/invariant"
	"github.com/barnabas-mq/barnabas/protocol"
)

// Kinds of keys in __consumer_offsets (Kafka's CoordinatorRecordType). Higher kinds
// belong to the consumer, share and streams protocols.
const (
	offsetKeyV0 = 0 // read as version 1, which is the same
	offsetKeyV1 = 1
	groupKey    = 2
)

// The kind of a key and the version of a value are the first two bytes of each.
const (
	keyKindBytes      = 2
	valueVersionBytes = 2
)

// Versions of values: those that Apache Kafka 4.3.1 writes with metadata.version
// 4.3 (seen in its log; an offset with a retention of its own fits in no version
// but 1), the newest that are read, the first with a leader epoch, and the first with tags.
const (
	groupValueVersion           = 3
	offsetValueVersion          = 4
	offsetValueVersionExpiring  = 1
	groupValueVersionNewest     = 4
	offsetValueVersionNewest    = 4
	offsetValueFirstLeaderEpoch = 3
	offsetValueFirstFlexible    = 4
)

// stringBytesMax is the longest string of a record, whose length is an int16.
// Requests of flexible versions can carry longer ones.
const stringBytesMax = 1<<15 - 1

// topicPartition names a partition by topic name, as the records do.
type topicPartition struct {
	topic     string
	partition int32
}

// committed is an offset that a group has committed.
type committed struct {
	offset      protocol.Offset
	leaderEpoch protocol.Epoch
	metadata    string
	committedAt protocol.Timestamp
	// expireAt is -1 unless the commit brought a retention of its own.
	expireAt protocol.Timestamp
	// topicID is zero when the record has none.
	topicID protocol.UUID
	// journaledAt is where the record lies in the journal. It decides which of two
	// commits is the later one when a transaction ends.
	journaledAt protocol.Offset
}

func groupTombstone(groupID string) coordinator.Record {
	key := kmsg.NewGroupMetadataKey()
	key.Version, key.Group = groupKey, groupID
	return coordinator.Record{Key: key.AppendTo(nil)}
}

// groupRecord is a group with the given members and what each is assigned.
func groupRecord(groupID string, v kmsg.GroupMetadataValue) coordinator.Record {
	r := groupTombstone(groupID)
	v.Version = groupValueVersion
	r.Value = v.AppendTo(nil)
	return r
}

// recordKind is the kind of a key, or false for a key too short to have one.
func recordKind(key []byte) (int, bool) {
	if len(key) < keyKindBytes {
		return 0, false
	}
	return int(binary.BigEndian.Uint16(key)), true
}

func parseGroupKey(b []byte) (string, error) {
	key := kmsg.NewGroupMetadataKey()
	if err := key.ReadFrom(b); err != nil {
		return "", fmt.Errorf("a group's key cannot be read: %w", err)
	}
	return key.Group, nil
}

func parseGroupValue(b []byte) (kmsg.GroupMetadataValue, error) {
	v := kmsg.NewGroupMetadataValue()
	if err := checkValueVersion(b, groupValueVersionNewest); err != nil {
		return v, fmt.Errorf("a group's value: %w", err)
	}
	if err := v.ReadFrom(b); err != nil {
		return v, fmt.Errorf("a group's value cannot be read: %w", err)
	}
	return v, nil
}

// errNewerValue is a value of a newer layout. Its group is Unreadable.
var errNewerValue = errors.New("a newer version wrote it")

// checkValueVersion refuses values of a newer layout: read with an older one
// they would give nonsense, and nonsense here sends consumers to wrong offsets.
func checkValueVersion(b []byte, newest int) error {
	if len(b) < valueVersionBytes {
		return fmt.Errorf("%d bytes are too short for its version", len(b))
	}
	switch v := int(int16(binary.BigEndian.Uint16(b))); {
	case v < 0:
		return fmt.Errorf("version %d", v)
	case v > newest:
		return fmt.Errorf("version %d is newer than %d: %w", v, newest, errNewerValue)
	}
	return nil
}

// subscribedTopics reads the topics from a consumer's metadata
// (ConsumerProtocolSubscription; every version begins alike).
func subscribedTopics(metadata []byte) ([]string, bool) {
	const versionBytes = 2
	if len(metadata) < versionBytes+4 || int16(binary.BigEndian.Uint16(metadata)) < 0 {
		return nil, false
	}
	b := metadata[versionBytes:]
	count := int32(binary.BigEndian.Uint32(b))
	b = b[4:]
	if count < 0 || int(count) > len(b)/2 { // each topic has at least its length
		return nil, false
	}
	topics := make([]string, 0, count)
	for range count {
		topic, rest, err := cutString(b)
		if err != nil {
			return nil, false
		}
		topics, b = append(topics, topic), rest
	}
	invariant.Check(len(topics) == int(count), "%d topics of %d", len(topics), count)
	return topics, true
}
