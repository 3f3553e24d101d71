package main

import (
	"sync"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	host = "127.0.0.1"
	// partitionsMax bounds a topic.
	partitionsMax = 100_000
)

// topics are all that the broker remembers: for each partition the number of
// records that it was sent.
type topics struct {
	port      int32
	producers atomic.Int64
	mu        struct {
		sync.RWMutex
		ends map[string][]atomic.Int64
	}
}

func newTopics(port int32) *topics {
	t := &topics{port: port}
	t.mu.ends = map[string][]atomic.Int64{}
	return t
}

// of are the ends of a topic's partitions, nil for one that does not exist.
func (t *topics) of(name []byte) []atomic.Int64 {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.mu.ends[string(name)]
}

func (t *topics) create(request *kmsg.CreateTopicsRequest) kmsg.Response {
	response := kmsg.NewPtrCreateTopicsResponse()
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, asked := range request.Topics {
		topic := kmsg.NewCreateTopicsResponseTopic()
		topic.Topic, topic.NumPartitions, topic.ReplicationFactor = asked.Topic, max(1, asked.NumPartitions), 1
		switch _, exists := t.mu.ends[asked.Topic]; {
		case exists:
			topic.ErrorCode = kerr.TopicAlreadyExists.Code
		case topic.NumPartitions > partitionsMax:
			topic.ErrorCode = kerr.InvalidPartitions.Code
		default:
			t.mu.ends[asked.Topic] = make([]atomic.Int64, topic.NumPartitions)
		}
		response.Topics = append(response.Topics, topic)
	}
	return response
}

func (t *topics) remove(request *kmsg.DeleteTopicsRequest) kmsg.Response {
	response := kmsg.NewPtrDeleteTopicsResponse()
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, name := range request.TopicNames {
		topic := kmsg.NewDeleteTopicsResponseTopic()
		topic.Topic = kmsg.StringPtr(name)
		delete(t.mu.ends, name)
		response.Topics = append(response.Topics, topic)
	}
	return response
}

func (t *topics) metadata(request *kmsg.MetadataRequest) kmsg.Response {
	response := kmsg.NewPtrMetadataResponse()
	broker := kmsg.NewMetadataResponseBroker()
	broker.NodeID, broker.Host, broker.Port = 1, host, t.port
	response.Brokers = append(response.Brokers, broker)
	response.ControllerID, response.ClusterID = 1, kmsg.StringPtr("null")
	t.mu.RLock()
	defer t.mu.RUnlock()
	if request.Topics == nil {
		for name := range t.mu.ends {
			response.Topics = append(response.Topics, described(name, len(t.mu.ends[name])))
		}
	}
	for _, asked := range request.Topics {
		if asked.Topic != nil {
			response.Topics = append(response.Topics, described(*asked.Topic, len(t.mu.ends[*asked.Topic])))
		}
	}
	return response
}

// described is a topic in an answer to Metadata; one without partitions does not
// exist.
func described(name string, partitions int) kmsg.MetadataResponseTopic {
	topic := kmsg.NewMetadataResponseTopic()
	topic.Topic = kmsg.StringPtr(name)
	if partitions == 0 {
		topic.ErrorCode = kerr.UnknownTopicOrPartition.Code
	}
	for i := range int32(partitions) {
		p := kmsg.NewMetadataResponseTopicPartition()
		p.Partition, p.Leader, p.LeaderEpoch, p.Replicas, p.ISR = i, 1, 0, []int32{1}, []int32{1}
		topic.Partitions = append(topic.Partitions, p)
	}
	return topic
}

// ends answers ListOffsets: the start is always 0, and every other time the end.
func (t *topics) ends(request *kmsg.ListOffsetsRequest) kmsg.Response {
	const earliest = -2
	response := kmsg.NewPtrListOffsetsResponse()
	for _, asked := range request.Topics {
		topic := kmsg.NewListOffsetsResponseTopic()
		topic.Topic = asked.Topic
		ends := t.of([]byte(asked.Topic))
		for _, p := range asked.Partitions {
			partition := kmsg.NewListOffsetsResponseTopicPartition()
			partition.Partition, partition.Offset = p.Partition, 0
			switch {
			case p.Partition < 0 || int(p.Partition) >= len(ends):
				partition.ErrorCode = kerr.UnknownTopicOrPartition.Code
			case p.Timestamp != earliest:
				partition.Offset = ends[p.Partition].Load()
			}
			topic.Partitions = append(topic.Partitions, partition)
		}
		response.Topics = append(response.Topics, topic)
	}
	return response
}
