package txn

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/protocol"
)

// Versions of the records of __transaction_state. Values of version 0 are what
// transaction.version 0 writes; version 1 has tags.
const (
	keyVersion           = 0
	valueVersionFlexible = 1
	versionBytes         = 2
	lengthBytes          = 2
)

// stringBytesMax is the longest string of a record, whose length is an int16.
// Requests of flexible versions can carry longer ones.
const stringBytesMax = 1<<15 - 1

// durable is what the journal keeps of a transactional id (TransactionLogValue).
type durable struct {
	producer coordinator.Producer
	// previousID is whose epochs were used up last, nextID who goes on when this
	// transaction ends with the last epoch; None is neither.
	previousID, nextID protocol.ProducerID
	timeout            time.Duration
	state              State
	// partitions are sorted and empty without a transaction. The slice is never
	// changed, so that others may hold it.
	partitions           []TopicPartition
	updatedAt, startedAt protocol.Timestamp // startedAt is None without a transaction
	// version is the transaction.version of the client.
	version int16
	// nextEpoch belongs to KIP-939, which is not served; it is kept as it was read.
	nextEpoch int16
}

func (d durable) record(transactionalID string, featureLevel int16) coordinator.Record {
	r := coordinator.Record{Key: recordKey(transactionalID)}
	if featureLevel < valueVersionFlexible && d.nextID == protocol.None && d.version < versionBumping {
		r.Value = d.plainValue()
		return r
	}
	c := protocol.NewWriter(valueVersionFlexible, binary.BigEndian.AppendUint16(nil, valueVersionFlexible))
	d.walk(c)
	r.Value = c.Rest()
	return r
}

// recordBytesAtMost is no less than what the record takes: numbers, tags and the lengths
// of every partition's own topic in any version.
func (d *durable) recordBytesAtMost(transactionalID string) int {
	const fixed, perPartition = 128, 16
	n := fixed + len(transactionalID)
	for _, p := range d.partitions {
		n += perPartition + len(p.Topic)
	}
	return n
}

// walk is a value of version 1. kmsg has it too, but believes the number of tags.
func (d *durable) walk(c *protocol.Coder) {
	timeoutMillis := int32(d.timeout.Milliseconds())
	var topics []topicPartitions
	if d.state != Empty { // null says that there never was a transaction
		topics = byTopic(d.partitions)
	}
	c.Int64((*int64)(&d.producer.ID))
	c.Int16(&d.producer.Epoch)
	c.Int32(&timeoutMillis)
	c.Int8((*int8)(&d.state))
	protocol.NullableArray(c, &topics, func(c *protocol.Coder, t *topicPartitions) {
		c.String(&t.topic)
		c.Int32s(&t.partitions)
		c.Tags()
	})
	c.Int64((*int64)(&d.updatedAt))
	c.Int64((*int64)(&d.startedAt))
	c.Tags(
		protocol.TagOf(0, d.previousID != protocol.None, func(c *protocol.Coder) { c.Int64((*int64)(&d.previousID)) }),
		protocol.TagOf(1, d.nextID != protocol.None, func(c *protocol.Coder) { c.Int64((*int64)(&d.nextID)) }),
		protocol.TagOf(2, d.version != 0, func(c *protocol.Coder) { c.Int16(&d.version) }),
		protocol.TagOf(3, d.nextEpoch != protocol.None, func(c *protocol.Coder) { c.Int16(&d.nextEpoch) }),
	)
	if c.Reading() {
		d.timeout, d.partitions = time.Duration(timeoutMillis)*time.Millisecond, flatten(topics)
	}
}

// plainValue is a value of version 0.
func (d *durable) plainValue() []byte {
	v := kmsg.NewTxnMetadataValue()
	v.ProducerID, v.ProducerEpoch = int64(d.producer.ID), d.producer.Epoch
	v.TimeoutMillis, v.State = int32(d.timeout.Milliseconds()), kmsg.TransactionState(d.state)
	v.LastUpdateTimestamp, v.StartTimestamp = int64(d.updatedAt), int64(d.startedAt)
	if d.state != Empty {
		v.Topics = []kmsg.TxnMetadataValueTopic{}
		for _, t := range byTopic(d.partitions) {
			v.Topics = append(v.Topics, kmsg.TxnMetadataValueTopic{Topic: t.topic, Partitions: t.partitions})
		}
	}
	return v.AppendTo(nil)
}

func (d *durable) readPlain(b []byte) error {
	v := kmsg.NewTxnMetadataValue()
	if err := v.ReadFrom(b); err != nil {
		return err
	}
	d.producer = coordinator.Producer{ID: protocol.ProducerID(v.ProducerID), Epoch: v.ProducerEpoch}
	d.timeout, d.state = time.Duration(v.TimeoutMillis)*time.Millisecond, State(v.State)
	d.updatedAt, d.startedAt = protocol.Timestamp(v.LastUpdateTimestamp), protocol.Timestamp(v.StartTimestamp)
	var topics []topicPartitions
	for _, t := range v.Topics {
		topics = append(topics, topicPartitions{t.Topic, t.Partitions})
	}
	d.partitions = flatten(topics)
	return nil
}

// topicPartitions are partitions as records group them.
type topicPartitions struct {
	topic      string
	partitions []int32
}

func byTopic(partitions []TopicPartition) []topicPartitions {
	topics := []topicPartitions{}
	for _, p := range partitions {
		if n := len(topics); n == 0 || topics[n-1].topic != p.Topic {
			topics = append(topics, topicPartitions{topic: p.Topic})
		}
		last := &topics[len(topics)-1]
		last.partitions = append(last.partitions, p.Partition)
	}
	return topics
}

func flatten(topics []topicPartitions) []TopicPartition {
	var all []TopicPartition
	for _, t := range topics {
		for _, p := range t.partitions {
			all = append(all, TopicPartition{Topic: t.topic, Partition: p})
		}
	}
	return sorted(all)
}

func recordKey(transactionalID string) []byte {
	b := make([]byte, 0, versionBytes+lengthBytes+len(transactionalID))
	b = binary.BigEndian.AppendUint16(b, keyVersion)
	b = binary.BigEndian.AppendUint16(b, uint16(len(transactionalID)))
	return append(b, transactionalID...)
}

// errUnknownKey is a key of a kind that a newer version wrote.
var errUnknownKey = errors.New("the key is of an unknown kind")

func parseKey(b []byte) (string, error) {
	if len(b) < versionBytes || binary.BigEndian.Uint16(b) != keyVersion {
		return "", errUnknownKey
	}
	rest := b[versionBytes:]
	if len(rest) < lengthBytes {
		return "", fmt.Errorf("a transactional id cannot be read in a key of %d bytes", len(b))
	}
	n := int(int16(binary.BigEndian.Uint16(rest)))
	if rest = rest[lengthBytes:]; n < 0 || n > len(rest) {
		return "", fmt.Errorf("a transactional id of %d bytes in %d", n, len(rest))
	}
	return string(rest[:n]), nil
}

func parseValue(b []byte) (durable, error) {
	if len(b) < versionBytes {
		return durable{}, fmt.Errorf("a transaction of %d bytes", len(b))
	}
	d := durable{previousID: protocol.None, nextID: protocol.None, nextEpoch: protocol.None}
	var err error
	switch version := int16(binary.BigEndian.Uint16(b)); version {
	case 0:
		err = d.readPlain(b)
	case valueVersionFlexible:
		c := protocol.NewReader(version, b[versionBytes:])
		d.walk(c)
		err = c.Err()
	default:
		return durable{}, fmt.Errorf("a transaction of version %d; versions up to %d are known", version, valueVersionFlexible)
	}
	switch {
	case err != nil:
		return durable{}, fmt.Errorf("a transaction cannot be read: %w", err)
	case d.state < Empty || d.state > CompleteAbort:
		return durable{}, fmt.Errorf("a transaction in state %d", d.state)
	}
	return d, nil
}

// sorted puts partitions in order and drops what is there twice.
func sorted(partitions []TopicPartition) []TopicPartition {
	slices.SortFunc(partitions, comparePartitions)
	return slices.Compact(partitions)
}

func comparePartitions(a, b TopicPartition) int {
	return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
}
