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
	keyVersion         = 0
	valueVersionNewest = 1
	versionBytes       = 2
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
	v := kmsg.NewTxnMetadataValue()
	v.Version = min(featureLevel, valueVersionNewest)
	v.ProducerID, v.ProducerEpoch = int64(d.producer.ID), d.producer.Epoch
	v.PreviousProducerID, v.NextProducerID, v.NextProducerEpoch = int64(d.previousID), int64(d.nextID), d.nextEpoch
	v.TimeoutMillis = int32(d.timeout.Milliseconds())
	v.State = kmsg.TransactionState(d.state)
	v.LastUpdateTimestamp, v.StartTimestamp = int64(d.updatedAt), int64(d.startedAt)
	v.ClientTransactionVersion = d.version
	if d.state != Empty { // null says that there never was a transaction
		v.Topics = byTopic(d.partitions)
	}
	return coordinator.Record{Key: recordKey(transactionalID), Value: v.AppendTo(nil)}
}

func byTopic(partitions []TopicPartition) []kmsg.TxnMetadataValueTopic {
	topics := []kmsg.TxnMetadataValueTopic{}
	for _, p := range partitions {
		if n := len(topics); n == 0 || topics[n-1].Topic != p.Topic {
			topics = append(topics, kmsg.TxnMetadataValueTopic{Topic: p.Topic})
		}
		last := &topics[len(topics)-1]
		last.Partitions = append(last.Partitions, p.Partition)
	}
	return topics
}

func recordKey(transactionalID string) []byte {
	key := kmsg.TxnMetadataKey{Version: keyVersion, TransactionalID: transactionalID}
	return key.AppendTo(nil)
}

// errUnknownKey is a key of a kind that a newer version wrote.
var errUnknownKey = errors.New("the key is of an unknown kind")

func parseKey(b []byte) (string, error) {
	if len(b) < versionBytes || binary.BigEndian.Uint16(b) != keyVersion {
		return "", errUnknownKey
	}
	key := kmsg.NewTxnMetadataKey()
	if err := key.ReadFrom(b); err != nil {
		return "", fmt.Errorf("a transactional id cannot be read: %w", err)
	}
	return key.TransactionalID, nil
}

func parseValue(b []byte) (durable, error) {
	if len(b) < versionBytes {
		return durable{}, fmt.Errorf("a transaction of %d bytes", len(b))
	}
	if version := int16(binary.BigEndian.Uint16(b)); version < 0 || version > valueVersionNewest {
		return durable{}, fmt.Errorf("a transaction of version %d; versions up to %d are known", version, valueVersionNewest)
	}
	v := kmsg.NewTxnMetadataValue()
	if err := v.ReadFrom(b); err != nil {
		return durable{}, fmt.Errorf("a transaction cannot be read: %w", err)
	}
	d := durable{
		producer:   coordinator.Producer{ID: protocol.ProducerID(v.ProducerID), Epoch: v.ProducerEpoch},
		previousID: protocol.ProducerID(v.PreviousProducerID),
		nextID:     protocol.ProducerID(v.NextProducerID),
		timeout:    time.Duration(v.TimeoutMillis) * time.Millisecond,
		state:      State(v.State),
		updatedAt:  protocol.Timestamp(v.LastUpdateTimestamp),
		startedAt:  protocol.Timestamp(v.StartTimestamp),
		version:    v.ClientTransactionVersion,
		nextEpoch:  v.NextProducerEpoch,
	}
	if d.state < Empty || d.state > CompleteAbort {
		return durable{}, fmt.Errorf("a transaction in state %d", v.State)
	}
	for _, t := range v.Topics {
		for _, p := range t.Partitions {
			d.partitions = append(d.partitions, TopicPartition{Topic: t.Topic, Partition: p})
		}
	}
	d.partitions = sorted(d.partitions)
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
