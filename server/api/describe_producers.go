package api

// DescribeProducers (key 61), version 0 (KIP-664).
//
// Lists the producers whose state a partition keeps: idempotent ones until
// producer.id.expiration.ms after their last record, and those with an open
// transaction. A partition that is not there is UNKNOWN_TOPIC_OR_PARTITION, a name
// that no topic can have INVALID_TOPIC_EXCEPTION.
//
//	v0     flexible

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/metadata"
)

var describeProducers = now(kmsg.DescribeProducers, 0, 0, (*API).describeProducers).needs(need{auth.Read, auth.Topic})

func (a *API) describeProducers(r *Request, q *kmsg.DescribeProducersRequest) *kmsg.DescribeProducersResponse {
	p := q.ResponseKind().(*kmsg.DescribeProducersResponse)
	image := a.Metadata.Image()
	for _, t := range q.Topics {
		one := kmsg.NewDescribeProducersResponseTopic()
		one.Topic = t.Topic
		topic := image.Topic(t.Topic)
		missing := metadata.ValidateTopicName(t.Topic)
		switch {
		case missing != nil:
		case !a.may(r, auth.Read, auth.Topic, t.Topic):
			missing = errTopicDenied
		case topic == nil:
			_, missing = image.FindTopic(metadata.TopicKey{Name: t.Topic})
		}
		for _, index := range t.Partitions {
			answer := kmsg.NewDescribeProducersResponseTopicPartition()
			answer.Partition = index
			if missing != nil { // with a text, as Kafka
				answer.ErrorCode, answer.ErrorMessage = problemOf(missing)
			} else {
				var err error
				answer.ActiveProducers, err = a.activeProducers(topic, index)
				answer.ErrorCode = codeOf(err)
			}
			one.Partitions = append(one.Partitions, answer)
		}
		p.Topics = append(p.Topics, one)
	}
	return p
}

func (a *API) activeProducers(topic *metadata.Topic, index int32) ([]kmsg.DescribeProducersResponseTopicPartitionActiveProducer, error) {
	partition, err := a.partition(topic, index)
	if err == nil {
		err = partition.Ready()
	}
	if err != nil {
		return nil, err
	}
	entries := partition.Log().ActiveProducers()
	producers := make([]kmsg.DescribeProducersResponseTopicPartitionActiveProducer, len(entries))
	for i, e := range entries {
		producers[i] = kmsg.NewDescribeProducersResponseTopicPartitionActiveProducer()
		producers[i].ProducerID, producers[i].ProducerEpoch = int64(e.ProducerID), int32(e.Epoch)
		producers[i].LastSequence, producers[i].LastTimestamp = e.LastSequence, int64(e.LastTimestamp)
		producers[i].CoordinatorEpoch, producers[i].CurrentTxnStartOffset = e.CoordinatorEpoch, int64(e.TxnStartOffset)
	}
	return producers, nil
}
