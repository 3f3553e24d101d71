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

func (d *durable) record(transactionalID string, featureLevel int16) coordinator.Record {
	version := int16(valueVersionFlexible)
	if featureLevel < valueVersionFlexible && d.nextID == protocol.None && d.version < versionBumping {
		version = 0
	}
	keyBytes := versionBytes + lengthBytes + len(transactionalID)
	b := appendKey(make([]byte, 0, d.recordBytesAtMost(transactionalID)), transactionalID)
	b = d.appendValue(b, version)
	return coordinator.Record{Key: b[:keyBytes:keyBytes], Value: b[keyBytes:]}
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

// appendValue appends a value of version 0 or 1. Every change of a transaction writes
// one, so that it takes no detour.
func (d *durable) appendValue(b []byte, version int16) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(version))
	b = binary.BigEndian.AppendUint64(b, uint64(d.producer.ID))
	b = binary.BigEndian.AppendUint16(b, uint16(d.producer.Epoch))
	b = binary.BigEndian.AppendUint32(b, uint32(d.timeout.Milliseconds()))
	b = append(b, byte(d.state))
	w := valueWriter{b, version >= valueVersionFlexible}
	w.partitions(d.state, d.partitions)
	w.b = binary.BigEndian.AppendUint64(w.b, uint64(d.updatedAt))
	w.b = binary.BigEndian.AppendUint64(w.b, uint64(d.startedAt))
	if w.flexible {
		w.tags(d)
	}
	return w.b
}

// valueWriter appends to b, in the flexible form or in the old one.
type valueWriter struct {
	b        []byte
	flexible bool
}

// count is the length of an array; -1 is null.
func (w *valueWriter) count(n int) {
	if w.flexible {
		w.b = binary.AppendUvarint(w.b, uint64(n+1))
	} else {
		w.b = binary.BigEndian.AppendUint32(w.b, uint32(n))
	}
}

func (w *valueWriter) string(s string) {
	if w.flexible {
		w.b = binary.AppendUvarint(w.b, uint64(len(s))+1)
	} else {
		w.b = binary.BigEndian.AppendUint16(w.b, uint16(len(s)))
	}
	w.b = append(w.b, s...)
}

// partitions are sorted, so that those of a topic lie together.
func (w *valueWriter) partitions(state State, all []TopicPartition) {
	if state == Empty {
		w.count(-1) // null says that there never was a transaction
		return
	}
	w.count(countTopics(all))
	for len(all) > 0 {
		n := 1
		for n < len(all) && all[n].Topic == all[0].Topic {
			n++
		}
		w.string(all[0].Topic)
		w.count(n)
		for _, p := range all[:n] {
			w.b = binary.BigEndian.AppendUint32(w.b, uint32(p.Partition))
		}
		if w.flexible {
			w.b = append(w.b, 0) // no tagged fields
		}
		all = all[n:]
	}
}

// countTopics is the number of topics of sorted partitions.
func countTopics(all []TopicPartition) (n int) {
	for i := range all {
		if i == 0 || all[i].Topic != all[i-1].Topic {
			n++
		}
	}
	return n
}

// tags are those fields that are not what a value without them means.
func (w *valueWriter) tags(d *durable) {
	at, count := len(w.b), byte(0)
	w.b = append(w.b, 0)
	for tag, id := range [...]protocol.ProducerID{d.previousID, d.nextID} {
		if id != protocol.None {
			w.b = binary.BigEndian.AppendUint64(append(w.b, byte(tag), 8), uint64(id))
			count++
		}
	}
	if d.version != 0 {
		w.b = binary.BigEndian.AppendUint16(append(w.b, 2, 2), uint16(d.version))
		count++
	}
	if d.nextEpoch != protocol.None {
		w.b = binary.BigEndian.AppendUint16(append(w.b, 3, 2), uint16(d.nextEpoch))
		count++
	}
	w.b[at] = count
}

// readFlexible reads a value of version 1. kmsg does too, but believes the number of tags.
func (d *durable) readFlexible(b []byte) error {
	c := protocol.NewReader(valueVersionFlexible, b)
	var timeoutMillis int32
	var topics []topicPartitions
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
		protocol.TagOf(0, false, func(c *protocol.Coder) { c.Int64((*int64)(&d.previousID)) }),
		protocol.TagOf(1, false, func(c *protocol.Coder) { c.Int64((*int64)(&d.nextID)) }),
		protocol.TagOf(2, false, func(c *protocol.Coder) { c.Int16(&d.version) }),
		protocol.TagOf(3, false, func(c *protocol.Coder) { c.Int16(&d.nextEpoch) }),
	)
	d.timeout, d.partitions = time.Duration(timeoutMillis)*time.Millisecond, flatten(topics)
	return c.Err()
}

// readPlain reads a value of version 0.
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
	return appendKey(make([]byte, 0, versionBytes+lengthBytes+len(transactionalID)), transactionalID)
}

func appendKey(b []byte, transactionalID string) []byte {
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
		err = d.readFlexible(b[versionBytes:])
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
