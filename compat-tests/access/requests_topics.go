package access

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

func (d *draw) produce() kmsg.Request {
	b := wire.NewBatch(d.Base, wire.Record{Value: []byte("a record")})
	var transaction *string
	if d.rarely(3) { // by a producer whom nobody knows
		b.Attributes, b.ProducerID, b.ProducerEpoch, b.BaseSequence = transactional, unknownProducer, 0, 0
		transaction = ptr(d.one())
	}
	req := d.produceOf(b, d.from([]string{"red-1", "blue-1", "red-9", "blue-9"})...)
	req.TransactionID = transaction
	return req
}

// produceOf sends one batch to each topic.
func (r *room) produceOf(b *wire.Batch, topics ...string) *kmsg.ProduceRequest {
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis = -1, 10_000
	for _, name := range topics {
		p := kmsg.NewProduceRequestTopicPartition()
		p.Records = b.Encode()
		t := kmsg.NewProduceRequestTopic()
		t.Topic, t.TopicID, t.Partitions = name, r.id(name), append(t.Partitions, p)
		req.Topics = append(req.Topics, t)
	}
	return req
}

func (d *draw) fetch() kmsg.Request {
	req := d.fetchOf(d.some()...)
	req.IsolationLevel = int8(d.IntN(2))
	return req
}

// fetchOf reads from the beginning of each topic, and does not wait.
func (r *room) fetchOf(topics ...string) *kmsg.FetchRequest {
	req := kmsg.NewPtrFetchRequest()
	req.MaxBytes, req.SessionEpoch = 8<<20, -1
	for _, name := range topics {
		p := kmsg.NewFetchRequestTopicPartition()
		p.PartitionMaxBytes, p.CurrentLeaderEpoch, p.LastFetchedEpoch, p.LogStartOffset = 1<<20, -1, -1, -1
		t := kmsg.NewFetchRequestTopic()
		t.Topic, t.TopicID, t.Partitions = name, r.id(name), append(t.Partitions, p)
		req.Topics = append(req.Topics, t)
	}
	return req
}

func (d *draw) listOffsets() kmsg.Request {
	return listOffsetsOf(oneOf(d.Rand, []int64{-1, -2}), d.some()...)
}

func listOffsetsOf(timestamp int64, topics ...string) *kmsg.ListOffsetsRequest {
	req := kmsg.NewPtrListOffsetsRequest()
	req.ReplicaID = -1
	for _, name := range topics {
		p := kmsg.NewListOffsetsRequestTopicPartition()
		p.Timestamp, p.CurrentLeaderEpoch = timestamp, -1
		t := kmsg.NewListOffsetsRequestTopic()
		t.Topic, t.Partitions = name, append(t.Partitions, p)
		req.Topics = append(req.Topics, t)
	}
	return req
}

// metadata does not create topics: that is told by stories.
func (d *draw) metadata() kmsg.Request {
	const unasked, byID = 4, 12 // below the first, topics are created without being asked for; from the second on ids are known
	req := metadataOf(d.some()...)
	if d.version < unasked {
		req = metadataOf(d.from(topics)...)
	}
	switch {
	case d.rarely(3) && d.version > 0:
		req.Topics = nil // all
	case d.version >= byID && d.flag():
		for i := range req.Topics {
			req.Topics[i].TopicID, req.Topics[i].Topic = d.id(*req.Topics[i].Topic), nil
		}
	}
	req.IncludeClusterAuthorizedOperations, req.IncludeTopicAuthorizedOperations = d.flag(), d.flag()
	return req
}

func (d *draw) createTopics() kmsg.Request {
	req := kmsg.NewPtrCreateTopicsRequest()
	req.TimeoutMillis, req.ValidateOnly = 10_000, true
	for _, name := range d.some() {
		t := topicOf(name)
		if d.rarely(3) {
			c := kmsg.NewCreateTopicsRequestTopicConfig()
			c.Name, c.Value = "retention.ms", ptr("86400000")
			t.Configs = append(t.Configs, c)
		}
		req.Topics = append(req.Topics, t)
	}
	return req
}

func (d *draw) deleteTopics() kmsg.Request {
	const byID = 6 // from this version on
	return d.deleteTopicsOf(d.version >= byID && d.flag(), d.from([]string{"red-3", "blue-3", "red-9", "blue-9"})...)
}

func (r *room) deleteTopicsOf(byID bool, topics ...string) *kmsg.DeleteTopicsRequest {
	req := kmsg.NewPtrDeleteTopicsRequest()
	req.TimeoutMillis, req.TopicNames = 10_000, topics
	for _, name := range topics {
		t := kmsg.NewDeleteTopicsRequestTopic()
		if byID {
			t.TopicID = r.id(name)
		} else {
			t.Topic = ptr(name)
		}
		req.Topics = append(req.Topics, t)
	}
	return req
}

// afterDeleteTopics makes again what was deleted.
func (r *room) afterDeleteTopics(resp kmsg.Response) {
	for _, t := range resp.(*kmsg.DeleteTopicsResponse).Topics {
		if t.ErrorCode != 0 || t.Topic == nil {
			continue
		}
		r.AwaitDeleted(*t.Topic, r.id(*t.Topic))
		makeTopics(r.Session, *t.Topic)
	}
	r.look()
	r.nameIDs()
}

func (d *draw) deleteRecords() kmsg.Request { return deleteRecordsOf(d.some()...) }

// deleteRecordsOf deletes nothing of each topic.
func deleteRecordsOf(topics ...string) *kmsg.DeleteRecordsRequest {
	req := kmsg.NewPtrDeleteRecordsRequest()
	req.TimeoutMillis = 10_000
	for _, name := range topics {
		t := kmsg.NewDeleteRecordsRequestTopic()
		t.Topic, t.Partitions = name, append(t.Partitions, kmsg.NewDeleteRecordsRequestTopicPartition())
		req.Topics = append(req.Topics, t)
	}
	return req
}

func (d *draw) createPartitions() kmsg.Request {
	req := kmsg.NewPtrCreatePartitionsRequest()
	req.TimeoutMillis, req.ValidateOnly = 10_000, true
	for _, name := range d.some() {
		t := kmsg.NewCreatePartitionsRequestTopic()
		t.Topic, t.Count = name, oneOf(d.Rand, []int32{5, 1})
		req.Topics = append(req.Topics, t)
	}
	return req
}

func (d *draw) offsetForLeaderEpoch() kmsg.Request {
	req := kmsg.NewPtrOffsetForLeaderEpochRequest()
	req.ReplicaID = -1
	for _, name := range d.some() {
		p := kmsg.NewOffsetForLeaderEpochRequestTopicPartition()
		p.CurrentLeaderEpoch = -1
		t := kmsg.NewOffsetForLeaderEpochRequestTopic()
		t.Topic, t.Partitions = name, append(t.Partitions, p)
		req.Topics = append(req.Topics, t)
	}
	return req
}

func (d *draw) describeTopicPartitions() kmsg.Request {
	req := kmsg.NewPtrDescribeTopicPartitionsRequest()
	req.ResponsePartitionLimit = oneOf(d.Rand, []int32{2000, 2})
	if !d.rarely(3) {
		for _, name := range d.some() {
			req.Topics = append(req.Topics, kmsg.DescribeTopicPartitionsRequestTopic{Topic: name})
		}
	}
	if d.rarely(4) {
		req.Cursor = &kmsg.DescribeTopicPartitionsRequestCursor{Topic: d.one()}
	}
	return req
}

func (d *draw) describeProducers() kmsg.Request {
	req := kmsg.NewPtrDescribeProducersRequest()
	for _, name := range d.some() {
		t := kmsg.NewDescribeProducersRequestTopic()
		t.Topic, t.Partitions = name, []int32{0}
		req.Topics = append(req.Topics, t)
	}
	return req
}

// resource is something that has settings, one of which may be set to the value.
type resource struct {
	kind       kmsg.ConfigResourceType
	name       string
	key, value string
}

const (
	topicConfigs  = kmsg.ConfigResourceTypeTopic
	brokerConfigs = kmsg.ConfigResourceTypeBroker
	loggerConfigs = kmsg.ConfigResourceTypeBrokerLogger
	clientMetrics = kmsg.ConfigResourceTypeClientMetrics
	groupConfigs  = kmsg.ConfigResourceTypeGroupConfig
)

// resources draws some, of different kinds and names.
func (d *draw) resources() []resource {
	others := []resource{
		{brokerConfigs, "1", "log.retention.ms", "86400000"}, {brokerConfigs, "", "log.retention.ms", "86400000"},
		{loggerConfigs, "1", "no.such.logger", "INFO"}, {clientMetrics, "wanted", "interval.ms", "60000"},
	}
	var drawn []resource
	for _, name := range d.from(names) {
		drawn = append(drawn, resource{topicConfigs, name, "retention.ms", "86400000"})
	}
	for _, name := range d.from(names)[:1] {
		drawn = append(drawn, resource{groupConfigs, name, "consumer.heartbeat.interval.ms", "6000"})
	}
	return append(drawn, others[d.IntN(len(others)):]...)
}

func (d *draw) describeConfigs() kmsg.Request { return describeConfigsOf(d.resources()...) }

func describeConfigsOf(resources ...resource) *kmsg.DescribeConfigsRequest {
	req := kmsg.NewPtrDescribeConfigsRequest()
	for _, of := range resources {
		one := kmsg.NewDescribeConfigsRequestResource()
		one.ResourceType, one.ResourceName, one.ConfigNames = of.kind, of.name, []string{of.key}
		req.Resources = append(req.Resources, one)
	}
	return req
}

func (d *draw) alterConfigs() kmsg.Request { return alterConfigsOf(d.resources()...) }

// alterConfigsOf only tries.
func alterConfigsOf(resources ...resource) *kmsg.AlterConfigsRequest {
	req := kmsg.NewPtrAlterConfigsRequest()
	req.ValidateOnly = true
	for _, of := range resources {
		c := kmsg.NewAlterConfigsRequestResourceConfig()
		c.Name, c.Value = of.key, ptr(of.value)
		one := kmsg.NewAlterConfigsRequestResource()
		one.ResourceType, one.ResourceName, one.Configs = of.kind, of.name, append(one.Configs, c)
		req.Resources = append(req.Resources, one)
	}
	return req
}

func (d *draw) incrementalAlterConfigs() kmsg.Request { return incrementalOf(d.resources()...) }

// incrementalOf only tries.
func incrementalOf(resources ...resource) *kmsg.IncrementalAlterConfigsRequest {
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	req.ValidateOnly = true
	for _, of := range resources {
		c := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
		c.Name, c.Value, c.Op = of.key, ptr(of.value), kmsg.IncrementalAlterConfigOpSet
		one := kmsg.NewIncrementalAlterConfigsRequestResource()
		one.ResourceType, one.ResourceName, one.Configs = of.kind, of.name, append(one.Configs, c)
		req.Resources = append(req.Resources, one)
	}
	return req
}
