package broker

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/config"
	"github.com/barnabas-mq/barnabas/internal/race"
	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/protocol"
)

// exchanger opens a broker and a connection to it, and sends frames over that one and
// waits for the answers without allocating anything.
func exchanger(tb testing.TB, overrides ...string) (exchange func(frame []byte) (answer []byte)) {
	settings, err := config.Load(config.Input{Listen: []string{"127.0.0.1:0"}, Data: tb.TempDir(), Profile: "dev", Overrides: overrides})
	if err != nil {
		tb.Fatal(err)
	}
	broker, err := Open(Options{Settings: settings})
	if err != nil {
		tb.Fatal(err)
	}
	conn, err := net.Dial("tcp", broker.Bootstrap())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		conn.Close()
		if err := broker.Stop(); err != nil {
			tb.Error(err)
		}
	})
	in := bufio.NewReaderSize(conn, 64<<10)
	answer := make([]byte, 8<<20)
	return func(frame []byte) []byte {
		if _, err := conn.Write(frame); err != nil {
			tb.Fatal(err)
		}
		if _, err := io.ReadFull(in, answer[:4]); err != nil {
			tb.Fatal(err)
		}
		whole := answer[:binary.BigEndian.Uint32(answer)]
		if _, err := io.ReadFull(in, whole); err != nil {
			tb.Fatal(err)
		}
		return whole
	}
}

// newExchange is an exchanger with the topic t of one partition and one small record.
func newExchange(tb testing.TB, overrides ...string) (exchange func(frame []byte) (answer []byte)) {
	exchange = exchanger(tb, overrides...)
	exchange(createFrame(4, "t", 1))
	exchange(frameOf(produceOf(1, 100)))
	return exchange
}

func frameOf(q kmsg.Request) []byte {
	return kmsg.NewRequestFormatter(kmsg.FormatterClientID("bench")).AppendRequest(nil, q, 1)
}

// benchmarkRequest sends one request again and again over one connection.
func benchmarkRequest(b *testing.B, q kmsg.Request, overrides ...string) {
	exchange, frame := newExchange(b, overrides...), frameOf(q)
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
	return frameOf(create)
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
			frame := frameOf(q)
			b.ReportAllocs()
			for b.Loop() {
				exchange(frame)
			}
		})
	}
}

// produceOf is a request of one batch.
func produceOf(records, valueBytes int) kmsg.Request {
	q := kmsg.NewPtrProduceRequest()
	q.SetVersion(9)
	q.Acks = -1
	topic := kmsg.NewProduceRequestTopic()
	topic.Topic = "t"
	p := kmsg.NewProduceRequestTopicPartition()
	batch := protocol.NewBatchBuilder(protocol.DefaultBatchOptions())
	for range records {
		batch.Add(1, nil, make([]byte, valueBytes))
	}
	p.Records = batch.Build(0, protocol.None)
	topic.Partitions = append(topic.Partitions, p)
	q.Topics = append(q.Topics, topic)
	return q
}

// fetchOf asks for one partition from an offset.
func fetchOf(offset int64, bytesMax int32) kmsg.Request {
	q := kmsg.NewPtrFetchRequest()
	q.SetVersion(12)
	q.ReplicaID, q.MaxBytes, q.SessionEpoch = -1, 1<<20, -1
	topic := kmsg.NewFetchRequestTopic()
	topic.Topic = "t"
	p := kmsg.NewFetchRequestTopicPartition()
	p.CurrentLeaderEpoch, p.LogStartOffset, p.FetchOffset, p.PartitionMaxBytes = -1, -1, offset, bytesMax
	topic.Partitions = append(topic.Partitions, p)
	q.Topics = append(q.Topics, topic)
	return q
}

// Once a connection has seen a request, the next of its kind allocates nothing.
func TestAllocationsOfARequest(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	for asked, overrides := range map[string][]string{"": nil, ", with an authorizer": withAuthorizer} {
		exchange := newExchange(t, overrides...)
		exchange(frameOf(produceOf(300, 1000)))
		for name, frame := range map[string][]byte{
			"produce a record":             frameOf(produceOf(1, 100)),
			"produce 100 records":          frameOf(produceOf(100, 1000)),
			"fetch what is copied":         frameOf(fetchOf(0, 1000)),
			"fetch what is sent by itself": frameOf(fetchOf(1, 1<<20)),
		} {
			checkAllocations(t, name+asked, func() { exchange(frame) })
		}
	}
}

// withAuthorizer are the settings of a broker that asks who may do what, and lets everybody.
var withAuthorizer = []string{
	"authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer", "allow.everyone.if.no.acl.found=true",
}

func checkAllocations(t *testing.T, name string, run func()) {
	t.Helper()
	// An average without its fraction: what others allocate meanwhile does not count.
	if n := testing.AllocsPerRun(500, run); n > 0 {
		t.Errorf("%s: %v allocations", name, n)
	}
}

// The limits of others cost those who have none nothing.
func TestAllocationsBesideALimitedClient(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	b := mustOpen(t, vfs.NewMem())
	defer mustClose(t, b)
	c := dial(t, b)
	c.topic("t")
	c.limit("client-id", "somebody else", "producer_byte_rate", 1)
	frame := kmsg.NewRequestFormatter(kmsg.FormatterClientID("test")).AppendRequest(nil, produceOf(1, 100), 1)
	answer := make([]byte, 1024)
	checkAllocations(t, "produce a record", func() {
		if _, err := c.conn.Write(frame); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(c.in, answer[:4]); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(c.in, answer[:binary.BigEndian.Uint32(answer)]); err != nil {
			t.Fatal(err)
		}
	})
}

// The sequence numbers of an idempotent producer go on with each of its requests.
func TestAllocationsOfAnIdempotentProducer(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	exchange := newExchange(t)
	q := produceOf(1, 100).(*kmsg.ProduceRequest)
	batch := protocol.Batch(q.Topics[0].Partitions[0].Records)
	binary.BigEndian.PutUint64(batch[producerIDAt:], 7)
	binary.BigEndian.PutUint16(batch[producerEpochAt:], 0)
	binary.BigEndian.PutUint32(batch[baseSequenceAt:], 0)
	frame := frameOf(q)
	sent := protocol.Batch(frame[bytes.Index(frame, batch[producerIDAt:])-producerIDAt:][:len(batch)])
	sequence, answer := uint32(0), []byte(nil)
	checkAllocations(t, "produce with sequence numbers", func() {
		binary.BigEndian.PutUint32(sent[baseSequenceAt:], sequence)
		sent.SetCRC()
		answer = exchange(frame)
		sequence++
	})
	last := kmsg.NewPtrProduceResponse()
	last.SetVersion(q.Version)
	if err := last.ReadFrom(answer[answerHeaderBytes:]); err != nil {
		t.Fatal(err)
	}
	if p := last.Topics[0].Partitions[0]; p.ErrorCode != 0 || p.BaseOffset != int64(sequence) { // a record was there
		t.Errorf("the last answer is %+v", p)
	}
}

// Where a batch holds what makes it an idempotent producer's.
const (
	producerIDAt    = 43
	producerEpochAt = 51
	baseSequenceAt  = 53
)

// A consumer names its partitions once; what it sends later names none.
func TestAllocationsOfAFetchSession(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	exchange := newExchange(t)
	q := fetchOf(1, 1000).(*kmsg.FetchRequest) // the end, so that nothing changes
	q.SessionEpoch, q.MaxWaitMillis = 0, 0
	answer := exchange(frameOf(q))
	opened := kmsg.NewPtrFetchResponse()
	opened.SetVersion(q.Version)
	if err := opened.ReadFrom(answer[answerHeaderBytes:]); err != nil || opened.SessionID == 0 {
		t.Fatalf("no session: %+v, %v", opened, err)
	}
	q.SessionID, q.SessionEpoch, q.Topics = opened.SessionID, sessionEpochMark, nil
	frame := frameOf(q)
	epochAt := bytes.Index(frame, binary.BigEndian.AppendUint32(nil, sessionEpochMark))
	epoch := uint32(1)
	checkAllocations(t, "fetch in a session", func() {
		binary.BigEndian.PutUint32(frame[epochAt:], epoch)
		answer = exchange(frame)
		epoch++
	})
	if err := opened.ReadFrom(answer[answerHeaderBytes:]); err != nil || opened.ErrorCode != 0 {
		t.Errorf("the last answer is %+v, %v", opened, err)
	}
}

const (
	answerHeaderBytes = 5 // the correlation id and no tags
	sessionEpochMark  = 0x5eed5eed
)

func BenchmarkProduce(b *testing.B) { benchmarkRequest(b, produceOf(1, 100)) }
func BenchmarkFetch(b *testing.B)   { benchmarkRequest(b, fetchOf(0, 1000)) }

// Who may do what is asked of each request, and was decided before.
func BenchmarkProduceWithAuthorizer(b *testing.B) {
	benchmarkRequest(b, produceOf(1, 100), withAuthorizer...)
}

// With an HTTP port the times of requests are taken.
func BenchmarkProduceWithMetrics(b *testing.B) {
	benchmarkRequest(b, produceOf(1, 100), "barnabas.http.listen=127.0.0.1:0")
}
