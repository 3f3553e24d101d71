package broker

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/config"
	"github.com/barnabas-mq/barnabas/protocol"
)

// exchanger opens a broker and a connection to it, and sends frames over that one and
// waits for the answers without allocating anything.
func exchanger(b *testing.B, overrides ...string) (exchange func(frame []byte)) {
	settings, err := config.Load(config.Input{Listen: []string{"127.0.0.1:0"}, Data: b.TempDir(), Profile: "dev", Overrides: overrides})
	if err != nil {
		b.Fatal(err)
	}
	broker, err := Open(Options{Settings: settings})
	if err != nil {
		b.Fatal(err)
	}
	conn, err := net.Dial("tcp", broker.Bootstrap())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		conn.Close()
		if err := broker.Close(context.Background()); err != nil {
			b.Error(err)
		}
	})
	in := bufio.NewReaderSize(conn, 64<<10)
	answer := make([]byte, 8<<20)
	return func(frame []byte) {
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
}

// benchmarkRequest sends one request again and again over one connection, in a
// process that allocates nothing for its client.
func benchmarkRequest(b *testing.B, q kmsg.Request, overrides ...string) {
	exchange := exchanger(b, overrides...)
	exchange(createFrame(4, "t", 1))
	exchange(kmsg.NewRequestFormatter().AppendRequest(nil, benchmarkProduce(), 1))
	frame := kmsg.NewRequestFormatter(kmsg.FormatterClientID("bench")).AppendRequest(nil, q, 1)
	b.ReportAllocs()
	for b.Loop() {
		exchange(frame)
	}
}

// createFrame asks for topics of one partition; the first has the name alone.
func createFrame(version int16, name string, topics int) []byte {
	create := kmsg.NewPtrCreateTopicsRequest()
	create.SetVersion(version)
	for i := range topics {
		topic := kmsg.NewCreateTopicsRequestTopic()
		topic.Topic, topic.NumPartitions, topic.ReplicationFactor = name, 1, 1
		if i > 0 {
			topic.Topic = fmt.Sprintf("%s-%06d", name, i)
		}
		create.Topics = append(create.Topics, topic)
	}
	return kmsg.NewRequestFormatter().AppendRequest(nil, create, 1)
}

// A thousand topics in a request, one request after another.
func BenchmarkCreateTopics(b *testing.B) {
	for _, version := range []int16{4, 7} {
		b.Run(fmt.Sprintf("v%d", version), func(b *testing.B) {
			exchange := exchanger(b)
			requests := 0
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				frame := createFrame(version, fmt.Sprintf("topic-%06d", requests), 1000)
				requests++
				b.StartTimer()
				exchange(frame)
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(1000*requests), "us/topic")
		})
	}
}

// Metadata of all of 10,000 topics.
func BenchmarkMetadata(b *testing.B) {
	for _, version := range []int16{8, 12} {
		b.Run(fmt.Sprintf("v%d", version), func(b *testing.B) {
			exchange := exchanger(b)
			for i := range 10 {
				exchange(createFrame(4, fmt.Sprintf("topic-%d", i), 1000))
			}
			q := kmsg.NewPtrMetadataRequest()
			q.SetVersion(version)
			frame := kmsg.NewRequestFormatter().AppendRequest(nil, q, 1)
			b.ReportAllocs()
			for b.Loop() {
				exchange(frame)
			}
		})
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
