package protocol

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// What kmsg encodes is what the hand-written decoder reads, in every version, into
// one struct that is used again and again.
func TestProduceRequestAgreesWithKmsg(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	var q ProduceRequest
	for version := int16(0); version <= 13; version++ {
		for round := range 50 {
			want := filledRequest(0, version, r, round == 0).(*kmsg.ProduceRequest)
			body := want.AppendTo(nil)
			if err := q.Decode(version, body); err != nil {
				t.Fatalf("v%d: %v", version, err)
			}
			got := produceToKmsg(&q, version)
			if again := got.AppendTo(nil); !bytes.Equal(again, body) {
				t.Fatalf("v%d: %s", version, cmp.Diff(want, got, cmpopts.IgnoreUnexported(kmsg.Tags{})))
			}
			checkCuts(t, version, body, func(b []byte) error { return q.Decode(version, b) })
		}
	}
}

func produceToKmsg(q *ProduceRequest, version int16) *kmsg.ProduceRequest {
	out := kmsg.NewPtrProduceRequest()
	out.SetVersion(version)
	if q.TransactionalID != nil {
		out.TransactionID = kmsg.StringPtr(string(q.TransactionalID))
	}
	out.Acks, out.TimeoutMillis = q.Acks, q.TimeoutMillis
	for _, topic := range q.Topics {
		kt := kmsg.NewProduceRequestTopic()
		kt.Topic, kt.TopicID = string(topic.Name), topic.ID
		for _, p := range topic.Partitions {
			kp := kmsg.NewProduceRequestTopicPartition()
			kp.Partition, kp.Records = p.Index, p.Records
			kt.Partitions = append(kt.Partitions, kp)
		}
		out.Topics = append(out.Topics, kt)
	}
	return out
}

// checkCuts checks that a body that is cut is refused, and one that is longer by a byte is not.
func checkCuts(t *testing.T, version int16, body []byte, decode func([]byte) error) {
	t.Helper()
	for n := range body {
		if err := decode(body[:n:n]); !errors.Is(err, ErrInvalidRequest) {
			t.Fatalf("v%d cut at %d of %d: %v", version, n, len(body), err)
		}
	}
	if err := decode(append(bytes.Clone(body), 0)); err != nil {
		t.Fatalf("v%d with a byte more: %v", version, err)
	}
}

func TestFetchRequestAgreesWithKmsg(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	var q FetchRequest
	for version := int16(0); version <= 18; version++ {
		for round := range 50 {
			want := filledRequest(1, version, r, round == 0).(*kmsg.FetchRequest)
			withoutLaterTags(want)
			body := want.AppendTo(nil)
			if err := q.Decode(version, body); err != nil {
				t.Fatalf("v%d: %v", version, err)
			}
			got := fetchToKmsg(&q, version)
			if again := got.AppendTo(nil); !bytes.Equal(again, body) {
				t.Fatalf("v%d: %s", version, cmp.Diff(want, got, cmpopts.IgnoreUnexported(kmsg.Tags{})))
			}
			checkCuts(t, version, body, func(b []byte) error { return q.Decode(version, b) })
		}
	}
}

// withoutLaterTags resets tagged fields that the version does not have yet: kmsg
// writes them in every flexible version, Kafka does not.
func withoutLaterTags(q *kmsg.FetchRequest) {
	if q.Version < 15 {
		q.ReplicaState = kmsg.NewFetchRequestReplicaState()
	}
	for i := range q.Topics {
		for j := range q.Topics[i].Partitions {
			p := &q.Topics[i].Partitions[j]
			if q.Version < 17 {
				p.ReplicaDirectoryID = [16]byte{}
			}
			if q.Version < 18 {
				p.HighWatermark = math.MaxInt64
			}
		}
	}
}

func fetchToKmsg(q *FetchRequest, version int16) *kmsg.FetchRequest {
	out := kmsg.NewPtrFetchRequest()
	out.SetVersion(version)
	if q.ClusterID != nil {
		out.ClusterID = kmsg.StringPtr(string(q.ClusterID))
	}
	if out.ReplicaID = q.ReplicaID; version >= 15 {
		out.ReplicaState.ID, out.ReplicaState.Epoch = q.ReplicaID, q.ReplicaEpoch
	}
	out.MaxWaitMillis, out.MinBytes, out.MaxBytes = q.MaxWaitMillis, q.MinBytes, q.MaxBytes
	out.IsolationLevel, out.SessionID, out.SessionEpoch, out.Rack = q.IsolationLevel, q.SessionID, q.SessionEpoch, string(q.RackID)
	for _, topic := range q.Topics {
		kt := kmsg.NewFetchRequestTopic()
		kt.Topic, kt.TopicID = string(topic.Name), topic.ID
		for _, p := range topic.Partitions {
			kp := kmsg.NewFetchRequestTopicPartition()
			kp.Partition, kp.CurrentLeaderEpoch, kp.FetchOffset = p.Index, int32(p.CurrentLeaderEpoch), int64(p.FetchOffset)
			kp.LastFetchedEpoch, kp.LogStartOffset = int32(p.LastFetchedEpoch), int64(p.LogStartOffset)
			kp.PartitionMaxBytes, kp.ReplicaDirectoryID, kp.HighWatermark = p.MaxBytes, p.DirectoryID, int64(p.HighWatermark)
			kt.Partitions = append(kt.Partitions, kp)
		}
		out.Topics = append(out.Topics, kt)
	}
	for _, topic := range q.Forgotten {
		kf := kmsg.NewFetchRequestForgottenTopic()
		kf.Topic, kf.TopicID, kf.Partitions = string(topic.Name), topic.ID, topic.Partitions
		out.ForgottenTopics = append(out.ForgottenTopics, kf)
	}
	return out
}

// Fields that a version does not have read as "not told", also when the struct
// held another request before.
func TestFetchRequestDefaults(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	var q FetchRequest
	if err := q.Decode(18, filledRequest(1, 18, r, false).AppendTo(nil)); err != nil {
		t.Fatal(err)
	}
	old := kmsg.NewPtrFetchRequest()
	topic := kmsg.NewFetchRequestTopic()
	topic.Partitions = append(topic.Partitions, kmsg.NewFetchRequestTopicPartition())
	old.Topics = append(old.Topics, topic)
	if err := q.Decode(0, old.AppendTo(nil)); err != nil {
		t.Fatal(err)
	}
	p := q.Topics[0].Partitions[0]
	want := FetchPartition{CurrentLeaderEpoch: -1, LastFetchedEpoch: -1, LogStartOffset: -1, HighWatermark: math.MaxInt64}
	if q.MaxBytes != math.MaxInt32 || q.SessionID != 0 || q.SessionEpoch != -1 || q.ClusterID != nil || q.RackID != nil ||
		len(q.Forgotten) != 0 || q.ReplicaID != -1 || p != want {
		t.Errorf("%+v", q)
	}
}

// The pieces of a Produce response make what kmsg makes.
func TestProduceResponseAgreesWithKmsg(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	for version := int16(0); version <= 13; version++ {
		for range 50 {
			want := kmsg.NewPtrProduceResponse()
			want.SetVersion(version)
			want.ThrottleMillis = r.Int32()
			if version >= 10 { // kmsg would write them in version 9 too, Kafka does not
				want.Brokers, _ = randomEndpoints(r)
			}
			for range r.IntN(3) {
				topic := kmsg.NewProduceResponseTopic()
				topic.Topic, topic.TopicID = "topic", [16]byte{byte(r.Uint32()), 2}
				for range r.IntN(4) {
					topic.Partitions = append(topic.Partitions, randomProducePartition(r, version))
				}
				want.Topics = append(want.Topics, topic)
			}
			got := AppendProduceStart([]byte("kept"), version, len(want.Topics))
			for i := range want.Topics {
				kt := &want.Topics[i]
				got = AppendProduceTopic(got, version, &ProduceTopic{Name: []byte(kt.Topic), ID: kt.TopicID}, len(kt.Partitions))
				for j := range kt.Partitions {
					got = AppendProducePartition(got, version, producePartitionFrom(&kt.Partitions[j]))
				}
				got = AppendProduceTopicEnd(got, version)
			}
			got = AppendProduceEnd(got, version, want.ThrottleMillis, endpointsFrom(want.Brokers))
			if d := cmp.Diff(want.AppendTo([]byte("kept")), got); d != "" {
				t.Fatalf("v%d: %s", version, d)
			}
		}
	}
}

func randomEndpoints(r *rand.Rand) (produce []kmsg.ProduceResponseBroker, fetch []kmsg.FetchResponseBroker) {
	for i := range r.IntN(3) {
		p, f := kmsg.NewProduceResponseBroker(), kmsg.NewFetchResponseBroker()
		p.NodeID, p.Host, p.Port = int32(i), "host", r.Int32()
		if i == 1 {
			p.Rack = kmsg.StringPtr("rack")
		}
		f.NodeID, f.Host, f.Port, f.Rack = p.NodeID, p.Host, p.Port, p.Rack
		produce, fetch = append(produce, p), append(fetch, f)
	}
	return produce, fetch
}

func endpointsFrom(brokers []kmsg.ProduceResponseBroker) (out []NodeEndpoint) {
	for _, b := range brokers {
		e := NodeEndpoint{NodeID: b.NodeID, Host: b.Host, Port: b.Port}
		if b.Rack != nil {
			e.Rack = *b.Rack
		}
		out = append(out, e)
	}
	return out
}

func randomProducePartition(r *rand.Rand, version int16) kmsg.ProduceResponseTopicPartition {
	p := kmsg.NewProduceResponseTopicPartition()
	p.Partition, p.ErrorCode, p.BaseOffset = r.Int32(), int16(r.Uint32()), r.Int64()
	p.LogAppendTime, p.LogStartOffset = r.Int64(), r.Int64()
	for i := range r.IntN(3) {
		e := kmsg.NewProduceResponseTopicPartitionErrorRecord()
		e.RelativeOffset = int32(i)
		if i > 0 {
			e.ErrorMessage = kmsg.StringPtr("bad record")
		}
		p.ErrorRecords = append(p.ErrorRecords, e)
	}
	if r.IntN(2) == 0 {
		p.ErrorMessage = kmsg.StringPtr("bad batch")
	}
	if version >= 10 && r.IntN(2) == 0 {
		p.CurrentLeader.LeaderID, p.CurrentLeader.LeaderEpoch = 1, 7
	}
	return p
}

func producePartitionFrom(p *kmsg.ProduceResponseTopicPartition) *ProducePartitionResult {
	out := &ProducePartitionResult{
		Index: p.Partition, ErrorCode: p.ErrorCode, BaseOffset: Offset(p.BaseOffset),
		LogAppendTime: Timestamp(p.LogAppendTime), LogStartOffset: Offset(p.LogStartOffset),
	}
	for _, e := range p.ErrorRecords {
		record := RecordError{Index: e.RelativeOffset}
		if e.ErrorMessage != nil {
			record.Message = *e.ErrorMessage
		}
		out.RecordErrors = append(out.RecordErrors, record)
	}
	if p.ErrorMessage != nil {
		out.ErrorMessage = *p.ErrorMessage
	}
	if p.CurrentLeader.LeaderID >= 0 {
		out.CurrentLeader = &LeaderIDAndEpoch{p.CurrentLeader.LeaderID, Epoch(p.CurrentLeader.LeaderEpoch)}
	}
	return out
}

// The pieces of a Fetch response, with the records between them, make what kmsg makes.
func TestFetchResponseAgreesWithKmsg(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	for version := int16(0); version <= 18; version++ {
		for range 50 {
			want := kmsg.NewPtrFetchResponse()
			want.SetVersion(version)
			want.ThrottleMillis, want.ErrorCode, want.SessionID = r.Int32(), int16(r.Uint32()), r.Int32()
			var endpoints []kmsg.ProduceResponseBroker
			if version >= 16 {
				endpoints, want.Brokers = randomEndpoints(r)
			}
			for range r.IntN(3) {
				topic := kmsg.NewFetchResponseTopic()
				topic.Topic, topic.TopicID = "topic", [16]byte{byte(r.Uint32()), 2}
				for range r.IntN(4) {
					topic.Partitions = append(topic.Partitions, randomFetchPartition(r))
				}
				want.Topics = append(want.Topics, topic)
			}
			got := AppendFetchStart([]byte("kept"), version, want.ThrottleMillis, want.ErrorCode, want.SessionID, len(want.Topics))
			for i := range want.Topics {
				kt := &want.Topics[i]
				got = AppendFetchTopic(got, version, kt.Topic, kt.TopicID, len(kt.Partitions))
				for j := range kt.Partitions {
					p := fetchPartitionFrom(&kt.Partitions[j])
					got = AppendFetchPartition(got, version, p, len(kt.Partitions[j].RecordBatches))
					got = append(got, kt.Partitions[j].RecordBatches...)
					got = AppendFetchPartitionEnd(got, version, p)
				}
				got = AppendFetchTopicEnd(got, version)
			}
			got = AppendFetchEnd(got, version, endpointsFrom(endpoints))
			if d := cmp.Diff(want.AppendTo([]byte("kept")), got); d != "" {
				t.Fatalf("v%d: %s", version, d)
			}
		}
	}
}

func randomFetchPartition(r *rand.Rand) kmsg.FetchResponseTopicPartition {
	p := kmsg.NewFetchResponseTopicPartition()
	p.Partition, p.ErrorCode, p.HighWatermark = r.Int32(), int16(r.Uint32()), r.Int64()
	p.LastStableOffset, p.LogStartOffset, p.PreferredReadReplica = r.Int64(), r.Int64(), r.Int32()
	p.RecordBatches = make([]byte, r.IntN(300))
	if r.IntN(2) == 0 {
		p.AbortedTransactions = []kmsg.FetchResponseTopicPartitionAbortedTransaction{}
		for i := range r.IntN(3) {
			a := kmsg.NewFetchResponseTopicPartitionAbortedTransaction()
			a.ProducerID, a.FirstOffset = int64(i), r.Int64()
			p.AbortedTransactions = append(p.AbortedTransactions, a)
		}
	}
	if r.IntN(2) == 0 {
		p.DivergingEpoch.Epoch, p.DivergingEpoch.EndOffset = 3, 99
	}
	if r.IntN(2) == 0 {
		p.CurrentLeader.LeaderID, p.CurrentLeader.LeaderEpoch = 1, 7
	}
	return p
}

func fetchPartitionFrom(p *kmsg.FetchResponseTopicPartition) *FetchPartitionResult {
	out := &FetchPartitionResult{
		Index: p.Partition, ErrorCode: p.ErrorCode, HighWatermark: Offset(p.HighWatermark),
		LastStableOffset: Offset(p.LastStableOffset), LogStartOffset: Offset(p.LogStartOffset),
		PreferredReadReplica: p.PreferredReadReplica,
	}
	if p.AbortedTransactions != nil {
		out.Aborted = []AbortedTransaction{}
	}
	for _, a := range p.AbortedTransactions {
		out.Aborted = append(out.Aborted, AbortedTransaction{ProducerID(a.ProducerID), Offset(a.FirstOffset)})
	}
	if p.DivergingEpoch.Epoch >= 0 {
		out.Diverging = &EpochEndOffset{Epoch(p.DivergingEpoch.Epoch), Offset(p.DivergingEpoch.EndOffset)}
	}
	if p.CurrentLeader.LeaderID >= 0 {
		out.CurrentLeader = &LeaderIDAndEpoch{p.CurrentLeader.LeaderID, Epoch(p.CurrentLeader.LeaderEpoch)}
	}
	return out
}

// A produce and a fetch, from header to answer, allocate nothing.
func TestHotPathAllocatesNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(15, 16))
	for _, version := range []int16{0, 7, 9, 13} {
		frame := requestFrame(0, version, filledRequest(0, version, r, false).AppendTo(nil))
		out := make([]byte, 0, 4096)
		var h Header
		var q ProduceRequest
		result := ProducePartitionResult{LogAppendTime: None}
		if n := testing.AllocsPerRun(100, func() {
			body, err := h.Parse(frame)
			if err != nil || q.Decode(version, body) != nil {
				t.Fatal(err)
			}
			b := AppendResponseHeader(out, h.Key, version, h.CorrelationID)
			b = AppendProduceStart(b, version, len(q.Topics))
			for i := range q.Topics {
				b = AppendProduceTopic(b, version, &q.Topics[i], len(q.Topics[i].Partitions))
				for range q.Topics[i].Partitions {
					b = AppendProducePartition(b, version, &result)
				}
				b = AppendProduceTopicEnd(b, version)
			}
			_ = AppendProduceEnd(b, version, 0, nil)
		}); n != 0 {
			t.Errorf("Produce v%d: %v allocations", version, n)
		}
	}
	for _, version := range []int16{4, 11, 12, 18} {
		frame := requestFrame(1, version, filledRequest(1, version, r, false).AppendTo(nil))
		out := make([]byte, 0, 4096)
		var h Header
		var q FetchRequest
		result := FetchPartitionResult{PreferredReadReplica: None}
		if n := testing.AllocsPerRun(100, func() {
			body, err := h.Parse(frame)
			if err != nil || q.Decode(version, body) != nil {
				t.Fatal(err)
			}
			b := AppendResponseHeader(out, h.Key, version, h.CorrelationID)
			b = AppendFetchStart(b, version, 0, 0, 1, 1)
			b = AppendFetchTopic(b, version, "topic", UUID{}, 1)
			b = AppendFetchPartition(b, version, &result, 0)
			b = AppendFetchPartitionEnd(b, version, &result)
			b = AppendFetchTopicEnd(b, version)
			_ = AppendFetchEnd(b, version, nil)
		}); n != 0 {
			t.Errorf("Fetch v%d: %v allocations", version, n)
		}
	}
}

// requestFrame is a frame with the header that its version wants.
func requestFrame(key, version int16, body []byte) []byte {
	b := appendInt16(appendInt16(nil, key), version)
	b = appendInt16(appendInt32(b, 42), 6)
	b = append(b, "client"...)
	if flexibleRequest(key, version) {
		b = append(b, 0)
	}
	return append(b, body...)
}

// A large request does not stay with its connection, and a lying one costs nothing.
func TestProduceRequestMemory(t *testing.T) {
	var q ProduceRequest
	big := kmsg.NewPtrProduceRequest()
	big.SetVersion(9)
	topic := kmsg.NewProduceRequestTopic()
	topic.Partitions = make([]kmsg.ProduceRequestTopicPartition, 5000)
	big.Topics = append(big.Topics, topic)
	if err := q.Decode(9, big.AppendTo(nil)); err != nil || len(q.Topics[0].Partitions) != 5000 {
		t.Fatal(err)
	}
	small := filledRequest(0, 9, rand.New(rand.NewPCG(1, 1)), false).AppendTo(nil)
	if err := q.Decode(9, small); err != nil || cap(q.partitions) > keptElementsMax {
		t.Errorf("%v, %d partitions kept", err, cap(q.partitions))
	}
	topics := make([]kmsg.ProduceRequestTopic, requestElementsMax+1)
	lots := kmsg.NewPtrProduceRequest()
	lots.SetVersion(9)
	lots.Topics = topics
	if err := q.Decode(9, lots.AppendTo(nil)); !errors.Is(err, ErrInvalidRequest) {
		t.Errorf("%d topics: %v", len(topics), err)
	}
}
