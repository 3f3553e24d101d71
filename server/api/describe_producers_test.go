package api

import (
	"reflect"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/protocol"
)

func producersRequest(topic string, partitions ...int32) *kmsg.DescribeProducersRequest {
	q := kmsg.NewPtrDescribeProducersRequest()
	t := kmsg.NewDescribeProducersRequestTopic()
	t.Topic, t.Partitions = topic, partitions
	q.Topics = append(q.Topics, t)
	return q
}

// Tools see who writes to a partition, also after a restart.
func TestTheProducersOfAPartition(t *testing.T) {
	w := newWorld(t)
	w.topic("t", 2)
	w.send("t", w.batchOf(plain(), "of nobody"))
	w.send("t", w.batchOf(sequenced(7, 3, 0), "a", "b"))
	w.send("t", w.batchOf(sequenced(4, 0, 9), "c"))
	type active = kmsg.DescribeProducersResponseTopicPartitionActiveProducer
	want := []active{
		{ProducerID: 4, ProducerEpoch: 0, LastSequence: 9, LastTimestamp: w.clock.Now().UnixMilli(), CoordinatorEpoch: -1, CurrentTxnStartOffset: -1},
		{ProducerID: 7, ProducerEpoch: 3, LastSequence: 1, LastTimestamp: w.clock.Now().UnixMilli(), CoordinatorEpoch: -1, CurrentTxnStartOffset: -1},
	}
	for range 2 {
		p := ask[*kmsg.DescribeProducersResponse](w, 0, producersRequest("t", 0, 1, 2)).Topics[0]
		if got := p.Partitions[0]; got.ErrorCode != 0 || !reflect.DeepEqual(got.ActiveProducers, want) {
			t.Errorf("partition 0: %+v, want %+v", got, want)
		}
		if got := p.Partitions[1]; got.ErrorCode != 0 || len(got.ActiveProducers) != 0 {
			t.Errorf("a partition without producers: %+v", got)
		}
		if got := p.Partitions[2]; got.ErrorCode != protocol.ErrUnknownTopicOrPartition.Code {
			t.Errorf("a partition that is not there: %+v", got)
		}
		w.restart()
	}
	for name, code := range map[string]int16{
		"missing": protocol.ErrUnknownTopicOrPartition.Code, "a/b": protocol.ErrInvalidTopicException.Code,
	} {
		p := ask[*kmsg.DescribeProducersResponse](w, 0, producersRequest(name, 0)).Topics[0]
		if got := p.Partitions[0]; got.ErrorCode != code || got.ErrorMessage == nil {
			t.Errorf("topic %q: %+v, want error %d", name, got, code)
		}
	}
}
