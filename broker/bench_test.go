package broker

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/config"
	"github.com/barnabas-mq/barnabas/protocol"
)

// benchmarkRequest sends one request again and again over one connection, in a
// process that allocates nothing for its client.
func benchmarkRequest(b *testing.B, q kmsg.Request, overrides ...string) {
	settings, err := config.Load(config.Input{Listen: []string{"127.0.0.1:0"}, Data: b.TempDir(), Profile: "dev", Overrides: overrides})
	if err != nil {
		b.Fatal(err)
	}
	broker, err := Open(Options{Settings: settings})
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		if err := broker.Close(b.Context()); err != nil {
			b.Error(err)
		}
	}()
	conn, err := net.Dial("tcp", broker.Bootstrap())
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	in := bufio.NewReaderSize(conn, 64<<10)
	answer := make([]byte, 64<<10)
	exchange := func(frame []byte) {
		if _, err := conn.Write(frame); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(in, answer[:4]); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(in, answer[:binary.BigEndian.Uint32(answer)]); err != nil {
			b.Fatal(err)
		}
	}
	create := kmsg.NewPtrCreateTopicsRequest()
	create.SetVersion(4)
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = "t", 1, 1
	create.Topics = append(create.Topics, topic)
	exchange(kmsg.NewRequestFormatter().AppendRequest(nil, create, 1))
	exchange(kmsg.NewRequestFormatter().AppendRequest(nil, benchmarkProduce(), 1))
	frame := kmsg.NewRequestFormatter(kmsg.FormatterClientID("bench")).AppendRequest(nil, q, 1)
	b.ReportAllocs()
	for b.Loop() {
		exchange(frame)
	}
}

func benchmarkProduce() kmsg.Request {
	q := kmsg.NewPtrProduceRequest()
	q.SetVersion(9)
	q.Acks = -1
	topic := kmsg.NewProduceRequestTopic()
	topic.Topic = "t"
	p := kmsg.NewProduceRequestTopicPartition()
	batch := protocol.NewBatchBuilder(protocol.DefaultBatchOptions())
	batch.Add(1, nil, make([]byte, 100))
	p.Records = batch.Build(0, protocol.None)
	topic.Partitions = append(topic.Partitions, p)
	q.Topics = append(q.Topics, topic)
	return q
}

func benchmarkFetch() kmsg.Request {
	q := kmsg.NewPtrFetchRequest()
	q.SetVersion(12)
	q.ReplicaID, q.MaxBytes, q.SessionEpoch = -1, 1<<20, -1
	topic := kmsg.NewFetchRequestTopic()
	topic.Topic = "t"
	p := kmsg.NewFetchRequestTopicPartition()
	p.CurrentLeaderEpoch, p.LogStartOffset, p.PartitionMaxBytes = -1, -1, 1000
	topic.Partitions = append(topic.Partitions, p)
	q.Topics = append(q.Topics, topic)
	return q
}

func BenchmarkProduce(b *testing.B) { benchmarkRequest(b, benchmarkProduce()) }
func BenchmarkFetch(b *testing.B)   { benchmarkRequest(b, benchmarkFetch()) }

// With an HTTP port the times of requests are taken.
func BenchmarkProduceWithMetrics(b *testing.B) {
	benchmarkRequest(b, benchmarkProduce(), "barnabas.http.listen=127.0.0.1:0")
}
