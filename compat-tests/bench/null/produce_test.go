package main

import (
	"encoding/binary"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

// ask sends one request through answer and reads what comes back.
func ask(t *testing.T, topics *topics, request kmsg.Request) kmsg.Response {
	t.Helper()
	id := wire.DefaultClientID
	frame := wire.EncodeRequest(request, 7, &id)
	out, known := topics.answer(nil, frame[4:])
	if !known || len(out) < 8 || int(binary.BigEndian.Uint32(out)) != len(out)-4 || binary.BigEndian.Uint32(out[4:]) != 7 {
		t.Fatalf("%T: known %v, %d bytes", request, known, len(out))
	}
	body := out[8:]
	response := request.ResponseKind()
	if response.IsFlexible() {
		body = body[1:]
	}
	if err := response.ReadFrom(body); err != nil {
		t.Fatal(err)
	}
	return response
}

// What is sent is counted and nothing else: ListOffsets tells how much it was.
func TestCountsWhatItIsSent(t *testing.T) {
	topics := newTopics(1)
	create := kmsg.NewPtrCreateTopicsRequest()
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions = "t", 2
	create.Version, create.Topics = 6, append(create.Topics, topic)
	ask(t, topics, create)

	batch := wire.NewBatch(0, wire.Record{}, wire.Record{}).Encode()
	for version := int16(3); version <= 8; version++ {
		produce := kmsg.NewPtrProduceRequest()
		produce.Version, produce.Acks = version, -1
		pt := kmsg.NewProduceRequestTopic()
		pt.Topic = "t"
		for i := range int32(3) {
			p := kmsg.NewProduceRequestTopicPartition()
			p.Partition, p.Records = i, append(batch, batch...)
			pt.Partitions = append(pt.Partitions, p)
		}
		produce.Topics = append(produce.Topics, pt)
		response := ask(t, topics, produce).(*kmsg.ProduceResponse)
		for i, p := range response.Topics[0].Partitions {
			if (p.ErrorCode == 0) != (i < 2) || i < 2 && p.BaseOffset != int64(version-3)*4 {
				t.Errorf("version %d, partition %d: error %d, base offset %d", version, i, p.ErrorCode, p.BaseOffset)
			}
		}
	}
	if end := topics.of([]byte("t"))[1].Load(); end != 24 {
		t.Errorf("%d records counted, 24 were sent", end)
	}
}

// Requests that are cut anywhere end the connection and nothing else.
func TestCutRequests(t *testing.T) {
	topics := newTopics(1)
	produce := kmsg.NewPtrProduceRequest()
	produce.Version = 7
	pt := kmsg.NewProduceRequestTopic()
	pt.Topic, pt.Partitions = "t", append(pt.Partitions, kmsg.NewProduceRequestTopicPartition())
	produce.Topics = append(produce.Topics, pt)
	metadata := kmsg.NewPtrMetadataRequest()
	metadata.Version = 8
	for _, request := range []kmsg.Request{produce, metadata} {
		id := wire.DefaultClientID
		frame := wire.EncodeRequest(request, 1, &id)[4:]
		for n := range frame {
			if _, known := topics.answer(nil, frame[:n]); known {
				t.Errorf("%T cut to %d of %d bytes is answered", request, n, len(frame))
			}
		}
	}
}
