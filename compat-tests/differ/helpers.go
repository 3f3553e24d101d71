package differ

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

// Names that are never created.
const unknownTopic = "never-created"

// unknownID is the id of no topic.
var unknownID = [16]byte{0xba, 0x12, 0x0a, 0xba, 0x05, 0x4b, 0x1d, 0x40, 0x80, 0x40, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06}

func ptr[T any](v T) *T { return &v }

// topicSpec is a topic to create, with the defaults of a story: one partition,
// one replica.
func topicSpec(name string, partitions int32, configs ...string) kmsg.CreateTopicsRequestTopic {
	t := kmsg.NewCreateTopicsRequestTopic()
	t.Topic, t.NumPartitions, t.ReplicationFactor = name, partitions, 1
	for i := 0; i+1 < len(configs); i += 2 {
		c := kmsg.NewCreateTopicsRequestTopicConfig()
		c.Name, c.Value = configs[i], &configs[i+1]
		t.Configs = append(t.Configs, c)
	}
	return t
}

// MakeTopic creates a topic of this story, waits until the broker serves it, and
// returns its full name and id. Configs are name, value, ...
func (s *Session) MakeTopic(name string, partitions int32, configs ...string) (string, [16]byte) {
	name = s.Topic(name)
	req := kmsg.NewPtrCreateTopicsRequest()
	req.TimeoutMillis = 10_000
	req.Topics = append(req.Topics, topicSpec(name, partitions, configs...))
	resp := s.Quiet(req).(*kmsg.CreateTopicsResponse)
	if len(resp.Topics) != 1 || resp.Topics[0].ErrorCode != 0 {
		s.Stop("topic %s is not created: %+v", name, resp.Topics)
	}
	return name, s.AwaitTopic(name, int(partitions))
}

// AwaitTopic waits until every partition of a topic has a leader that serves it:
// Kafka's metadata knows of a partition a moment before its log does.
func (s *Session) AwaitTopic(name string, partitions int) [16]byte {
	resp := s.Until(metadataFor(name), func(r kmsg.Response) bool {
		topics := r.(*kmsg.MetadataResponse).Topics
		if len(topics) != 1 || topics[0].ErrorCode != 0 || len(topics[0].Partitions) != partitions {
			return false
		}
		for _, p := range topics[0].Partitions {
			if p.ErrorCode != 0 || p.Leader < 0 {
				return false
			}
		}
		return true
	})
	for p := range partitions {
		s.Until(listOffsets(name, int32(p), -1), func(r kmsg.Response) bool {
			return r.(*kmsg.ListOffsetsResponse).Topics[0].Partitions[0].ErrorCode == 0
		})
	}
	return resp.(*kmsg.MetadataResponse).Topics[0].TopicID
}

// deleteTopic deletes, and waits until every request feels it.
func (s *Session) deleteTopic(name string, id [16]byte) {
	req := kmsg.NewPtrDeleteTopicsRequest()
	one := kmsg.NewDeleteTopicsRequestTopic()
	one.Topic = &name
	req.TimeoutMillis, req.TopicNames, req.Topics = 10_000, []string{name}, append(req.Topics, one)
	s.Quiet(req)
	s.AwaitDeleted(name, id)
}

const unknownTopicID = 100

// AwaitDeleted waits until every request feels that a topic is gone.
func (s *Session) AwaitDeleted(name string, id [16]byte) {
	s.Until(metadataFor(name), func(r kmsg.Response) bool { return r.(*kmsg.MetadataResponse).Topics[0].ErrorCode != 0 })
	s.Until(fetchFrom(name, id, 0, 0), func(r kmsg.Response) bool {
		code := r.(*kmsg.FetchResponse).Topics[0].Partitions[0].ErrorCode
		return code == unknownTopicID || r.GetVersion() < 13 && code != 0
	})
}

// metadataFor asks for topics by name and creates none.
func metadataFor(names ...string) *kmsg.MetadataRequest {
	req := kmsg.NewPtrMetadataRequest()
	req.AllowAutoTopicCreation = false
	req.Topics = []kmsg.MetadataRequestTopic{}
	for _, name := range names {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = &name
		req.Topics = append(req.Topics, t)
	}
	return req
}

// Batch is a batch of this story with one record per value, a millisecond apart.
func (s *Session) Batch(values ...string) *wire.Batch {
	records := make([]wire.Record, len(values))
	for i, v := range values {
		records[i] = wire.Record{Key: []byte("key-" + v), Value: []byte(v), TimestampDelta: int64(i)}
	}
	b := wire.NewBatch(s.Base, records...)
	b.MaxTimestamp = s.Base + int64(len(values)-1)
	return b
}

// produceTo is a Produce request for one partition; later versions use the id.
func produceTo(name string, id [16]byte, partition int32, records []byte) *kmsg.ProduceRequest {
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis = -1, 10_000
	req.Topics = append(req.Topics, produceTopic(name, id, partition, records))
	return req
}

func produceTopic(name string, id [16]byte, partition int32, records []byte) kmsg.ProduceRequestTopic {
	p := kmsg.NewProduceRequestTopicPartition()
	p.Partition, p.Records = partition, records
	t := kmsg.NewProduceRequestTopic()
	t.Topic, t.TopicID = name, id
	t.Partitions = append(t.Partitions, p)
	return t
}

// Produce stores batches, one request each, and records nothing.
func (s *Session) Produce(name string, id [16]byte, partition int32, batches ...*wire.Batch) {
	for _, b := range batches {
		resp := s.Quiet(produceTo(name, id, partition, b.Encode())).(*kmsg.ProduceResponse)
		if code := resp.Topics[0].Partitions[0].ErrorCode; code != 0 {
			s.Stop("produce to %s-%d: error %d", name, partition, code)
		}
	}
}

// fetchFrom is a Fetch request for one partition that does not wait.
func fetchFrom(name string, id [16]byte, partition int32, offset int64) *kmsg.FetchRequest {
	req := kmsg.NewPtrFetchRequest()
	req.MaxWaitMillis, req.MinBytes, req.MaxBytes = 0, 0, 1<<20
	req.SessionEpoch = -1
	req.Topics = append(req.Topics, fetchTopic(name, id, fetchPartition(partition, offset)))
	return req
}

func fetchTopic(name string, id [16]byte, partitions ...kmsg.FetchRequestTopicPartition) kmsg.FetchRequestTopic {
	t := kmsg.NewFetchRequestTopic()
	t.Topic, t.TopicID = name, id
	t.Partitions = partitions
	return t
}

func fetchPartition(partition int32, offset int64) kmsg.FetchRequestTopicPartition {
	p := kmsg.NewFetchRequestTopicPartition()
	p.Partition, p.FetchOffset, p.PartitionMaxBytes = partition, offset, 1<<20
	p.CurrentLeaderEpoch, p.LastFetchedEpoch, p.LogStartOffset = -1, -1, -1
	return p
}
