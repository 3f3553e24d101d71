package metadata

import "github.com/barnabas-mq/barnabas/protocol"

// ProducerIDBlock is a range of producer ids that belongs to whoever got it.
type ProducerIDBlock struct {
	First protocol.ProducerID
	Count int64
}

// producerIDBlockSize is Kafka's.
const producerIDBlockSize = 1000

// NextProducerIDBlock takes the next block of producer ids. Once the record is
// journaled no id of it is handed out again.
func NextProducerIDBlock(img *Image, node int32, brokerEpoch int64) ([]Record, ProducerIDBlock, error) {
	if b := img.Broker(node); b == nil || b.Epoch != brokerEpoch {
		return nil, ProducerIDBlock{}, refuse(ErrStaleBrokerEpoch, "broker %d is not registered with epoch %d", node, brokerEpoch)
	}
	block := ProducerIDBlock{First: protocol.ProducerID(img.nextProducerID), Count: producerIDBlockSize}
	r := &ProducerIDsRecord{BrokerID: node, BrokerEpoch: brokerEpoch, NextProducerID: img.nextProducerID + block.Count}
	return []Record{r}, block, nil
}

// SkipProducerIDs makes sure that no id below next is handed out.
func SkipProducerIDs(img *Image, node int32, brokerEpoch int64, next protocol.ProducerID) []Record {
	if img.NextProducerID() >= next {
		return nil
	}
	return []Record{&ProducerIDsRecord{BrokerID: node, BrokerEpoch: brokerEpoch, NextProducerID: int64(next)}}
}

// TopicIDPartition names a partition for ever.
type TopicIDPartition struct {
	TopicID   protocol.UUID
	Partition int32
}

// RaiseEpochs makes the records that raise the leader epochs of partitions which
// the node leads, by choosing it again. Partitions that are gone, or that another
// proposal named too, cost nothing; a partition named twice is raised once.
func RaiseEpochs(img *Image, node int32, partitions []TopicIDPartition) []Record {
	records := make([]Record, 0, len(partitions))
	seen := make(map[TopicIDPartition]bool, len(partitions))
	for _, id := range partitions {
		t := img.TopicByID(id.TopicID)
		if t == nil || seen[id] {
			continue
		}
		seen[id] = true
		if p := t.Partition(id.Partition); p == nil || p.Leader != node {
			continue
		}
		r := NewPartitionChange(id.TopicID, id.Partition)
		r.Leader = node
		records = append(records, r)
	}
	return records
}
