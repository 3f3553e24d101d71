package protocol

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestOffsetCommitRequestAgreesWithKmsg(t *testing.T) {
	var q OffsetCommitRequest
	checkAgainstKmsg(t, 10, rand.New(rand.NewPCG(41, 42)), nil,
		func(version int16, body []byte) error { return q.Decode(version, body, requestMemoryMax) },
		func(version int16) *kmsg.OffsetCommitRequest { return offsetCommitToKmsg(&q, version) })
}

func offsetCommitToKmsg(q *OffsetCommitRequest, version int16) *kmsg.OffsetCommitRequest {
	out := kmsg.NewPtrOffsetCommitRequest()
	out.SetVersion(version)
	out.Group, out.Generation, out.MemberID = string(q.Group), q.Generation, string(q.MemberID)
	out.InstanceID, out.RetentionTimeMillis = textOrNil(q.InstanceID), q.RetentionMillis
	for _, topic := range q.Topics {
		kt := kmsg.NewOffsetCommitRequestTopic()
		kt.Topic, kt.TopicID = string(topic.Name), topic.ID
		for _, p := range topic.Partitions {
			kp := kmsg.NewOffsetCommitRequestTopicPartition()
			kp.Partition, kp.Offset, kp.LeaderEpoch = p.Index, int64(p.Offset), int32(p.LeaderEpoch)
			kp.Timestamp, kp.Metadata = int64(p.Timestamp), textOrNil(p.Metadata)
			kt.Partitions = append(kt.Partitions, kp)
		}
		out.Topics = append(out.Topics, kt)
	}
	return out
}

// Fields that a version does not have read as "not told", also when the struct held
// another request before.
func TestOffsetCommitRequestDefaults(t *testing.T) {
	r := rand.New(rand.NewPCG(43, 44))
	var q OffsetCommitRequest
	for _, full := range []int16{1, 4, 9} {
		if err := q.Decode(full, filledRequest(8, full, r, false).AppendTo(nil), requestMemoryMax); err != nil {
			t.Fatal(err)
		}
	}
	old := kmsg.NewPtrOffsetCommitRequest()
	old.Group = "g"
	old.Topics = []kmsg.OffsetCommitRequestTopic{{Topic: "t", Partitions: []kmsg.OffsetCommitRequestTopicPartition{{Offset: 7}}}}
	if err := q.Decode(0, old.AppendTo(nil), requestMemoryMax); err != nil {
		t.Fatal(err)
	}
	p := q.Topics[0].Partitions[0]
	if q.Generation != None || q.MemberID != nil || q.InstanceID != nil || q.RetentionMillis != None || len(q.Topics) != 1 ||
		p.LeaderEpoch != None || p.Timestamp != None || p.Metadata != nil || p.Offset != 7 {
		t.Errorf("%+v", q)
	}
}

// A frame full of empty elements is refused before it takes more than it may.
func TestOffsetCommitRequestIsBounded(t *testing.T) {
	q := kmsg.NewPtrOffsetCommitRequest()
	q.Topics = make([]kmsg.OffsetCommitRequestTopic, 1000)
	q.Topics[999].Partitions = make([]kmsg.OffsetCommitRequestTopicPartition, 1000)
	const enough = 1000*offsetCommitTopicBytes + 1000*offsetCommitPartitionBytes
	var to OffsetCommitRequest
	for version := int16(0); version <= 10; version++ {
		q.SetVersion(version)
		if err := to.Decode(version, q.AppendTo(nil), enough); err != nil {
			t.Errorf("v%d: %v", version, err)
		}
		if err := to.Decode(version, q.AppendTo(nil), enough-1); !errors.Is(err, ErrInvalidRequest) {
			t.Errorf("v%d: %v", version, err)
		}
	}
}

func TestOffsetCommitResponseAgreesWithKmsg(t *testing.T) {
	r := rand.New(rand.NewPCG(45, 46))
	for version := int16(0); version <= 10; version++ {
		for range 50 {
			want := kmsg.NewPtrOffsetCommitResponse()
			want.SetVersion(version)
			var topics []OffsetCommitTopicResult
			for range r.IntN(4) {
				topic := OffsetCommitTopicResult{Name: "topic"[:r.IntN(6)], ID: UUID{byte(r.Uint32()), 2}}
				kt := kmsg.OffsetCommitResponseTopic{Topic: topic.Name, TopicID: topic.ID}
				for range r.IntN(4) {
					p := OffsetCommitPartitionResult{Index: r.Int32(), ErrorCode: int16(r.Uint32())}
					topic.Partitions = append(topic.Partitions, p)
					kt.Partitions = append(kt.Partitions, kmsg.OffsetCommitResponseTopicPartition{Partition: p.Index, ErrorCode: p.ErrorCode})
				}
				topics, want.Topics = append(topics, topic), append(want.Topics, kt)
			}
			got := AppendOffsetCommitResponse([]byte("kept"), version, topics)
			if d := cmp.Diff(want.AppendTo([]byte("kept")), got); d != "" {
				t.Fatalf("v%d: %s", version, d)
			}
		}
	}
}
