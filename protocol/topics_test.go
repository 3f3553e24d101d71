package protocol

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// checkAgainstKmsg has decode read what kmsg encodes, in every version, and kmsg encode
// what was read, which must be the same bytes. reshape, unless nil, changes a request
// before.
func checkAgainstKmsg[Q kmsg.Request](t *testing.T, newest int16, r *rand.Rand, reshape func(q Q, round int),
	decode func(version int16, body []byte) error, read func(version int16) Q) {
	t.Helper()
	var key Q // a nil pointer: Key does not look at it
	for version := int16(0); version <= newest; version++ {
		for round := range 50 {
			want := filledRequest(key.Key(), version, r, round == 0).(Q)
			if reshape != nil {
				reshape(want, round)
			}
			body := want.AppendTo(nil)
			if err := decode(version, body); err != nil {
				t.Fatalf("v%d: %v", version, err)
			}
			got := read(version)
			if again := got.AppendTo(nil); !bytes.Equal(again, body) {
				t.Fatalf("v%d: %s", version, cmp.Diff(want, got, cmpopts.IgnoreUnexported(kmsg.Tags{})))
			}
			checkCuts(t, version, body, func(b []byte) error { return decode(version, b) })
		}
	}
}

func TestCreateTopicsRequestAgreesWithKmsg(t *testing.T) {
	var q *CreateTopicsRequest
	checkAgainstKmsg(t, 7, rand.New(rand.NewPCG(31, 32)), nil,
		func(version int16, body []byte) (err error) {
			q, err = DecodeCreateTopics(version, body, requestMemoryMax)
			return err
		},
		func(version int16) *kmsg.CreateTopicsRequest { return createTopicsToKmsg(q, version) })
}

func createTopicsToKmsg(q *CreateTopicsRequest, version int16) *kmsg.CreateTopicsRequest {
	out := kmsg.NewPtrCreateTopicsRequest()
	out.SetVersion(version)
	out.TimeoutMillis, out.ValidateOnly = q.TimeoutMillis, q.ValidateOnly
	for _, topic := range q.Topics {
		kt := kmsg.NewCreateTopicsRequestTopic()
		kt.Topic, kt.NumPartitions, kt.ReplicationFactor = string(topic.Name), topic.Partitions, topic.ReplicationFactor
		for _, a := range topic.Assignments {
			ka := kmsg.NewCreateTopicsRequestTopicReplicaAssignment()
			ka.Partition, ka.Replicas = a.Partition, a.Replicas
			kt.ReplicaAssignment = append(kt.ReplicaAssignment, ka)
		}
		for _, c := range topic.Configs {
			kc := kmsg.NewCreateTopicsRequestTopicConfig()
			kc.Name, kc.Value = string(c.Name), textOrNil(c.Value)
			kt.Configs = append(kt.Configs, kc)
		}
		out.Topics = append(out.Topics, kt)
	}
	return out
}

func textOrNil(b []byte) *string {
	if b == nil {
		return nil
	}
	return kmsg.StringPtr(string(b))
}

func TestMetadataRequestAgreesWithKmsg(t *testing.T) {
	var q MetadataRequest
	checkAgainstKmsg(t, 13, rand.New(rand.NewPCG(33, 34)),
		func(want *kmsg.MetadataRequest, round int) {
			if round == 1 && want.Version > 0 {
				want.Topics = nil
			}
		},
		func(version int16, body []byte) error { return q.Decode(version, body, requestMemoryMax) },
		func(version int16) *kmsg.MetadataRequest { return metadataToKmsg(&q, version) })
}

func metadataToKmsg(q *MetadataRequest, version int16) *kmsg.MetadataRequest {
	out := kmsg.NewPtrMetadataRequest()
	out.SetVersion(version)
	out.AllowAutoTopicCreation = q.MayCreate
	out.IncludeClusterAuthorizedOperations, out.IncludeTopicAuthorizedOperations = q.ClusterOperations, q.TopicOperations
	if !q.All {
		out.Topics = []kmsg.MetadataRequestTopic{}
	}
	for _, topic := range q.Topics {
		kt := kmsg.NewMetadataRequestTopic()
		kt.Topic, kt.TopicID = textOrNil(topic.Name), topic.ID
		out.Topics = append(out.Topics, kt)
	}
	return out
}

// Fields that a version does not have read as what it means, also when the struct held
// another request before.
func TestMetadataRequestDefaults(t *testing.T) {
	var q MetadataRequest
	full := kmsg.NewPtrMetadataRequest()
	full.SetVersion(8)
	full.IncludeClusterAuthorizedOperations, full.IncludeTopicAuthorizedOperations = true, true
	for _, name := range []string{"a", "b"} {
		full.Topics = append(full.Topics, kmsg.MetadataRequestTopic{Topic: &name})
	}
	if err := q.Decode(8, full.AppendTo(nil), requestMemoryMax); err != nil || len(q.Topics) != 2 || q.MayCreate {
		t.Fatal(err, q)
	}
	if err := q.Decode(0, []byte{0, 0, 0, 0}, requestMemoryMax); err != nil {
		t.Fatal(err)
	}
	if !q.All || len(q.Topics) > 0 || !q.MayCreate || q.ClusterOperations || q.TopicOperations {
		t.Errorf("%+v", q)
	}
	if err := q.Decode(1, []byte{0, 0, 0, 0}, requestMemoryMax); err != nil || q.All {
		t.Errorf("%v, %+v", err, q)
	}
}

// A frame full of empty elements is refused before it takes more than it may.
func TestTopicRequestsAreBounded(t *testing.T) {
	names := append([]byte{0, 1, 0, 0}, make([]byte, 2*(1<<16))...) // 65,536 topics named ""
	var q MetadataRequest
	if err := q.Decode(0, names, 65_536*metadataTopicKeyBytes); err != nil {
		t.Error(err)
	}
	if err := q.Decode(0, names, 65_536*metadataTopicKeyBytes-1); !errors.Is(err, ErrInvalidRequest) {
		t.Error(err)
	}
	one := kmsg.NewPtrCreateTopicsRequest()
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Configs = make([]kmsg.CreateTopicsRequestTopicConfig, 1000)
	one.Topics = append(one.Topics, topic)
	enough := creatableTopicBytes + 1000*creatableConfigBytes
	for version := int16(0); version <= 7; version++ {
		one.SetVersion(version)
		if _, err := DecodeCreateTopics(version, one.AppendTo(nil), enough); err != nil {
			t.Error(err)
		}
		if _, err := DecodeCreateTopics(version, one.AppendTo(nil), enough-1); !errors.Is(err, ErrInvalidRequest) {
			t.Error(err)
		}
	}
}

// The pieces of a CreateTopics response make what kmsg makes.
func TestCreateTopicsResponseAgreesWithKmsg(t *testing.T) {
	r := rand.New(rand.NewPCG(35, 36))
	for version := int16(0); version <= 7; version++ {
		for range 50 {
			want := kmsg.NewPtrCreateTopicsResponse()
			want.SetVersion(version)
			for range r.IntN(4) {
				topic := kmsg.NewCreateTopicsResponseTopic()
				topic.Topic, topic.TopicID, topic.ErrorCode = "topic", [16]byte{byte(r.Uint32()), 2}, int16(r.Uint32())
				topic.NumPartitions, topic.ReplicationFactor = r.Int32(), int16(r.Uint32())
				topic.Configs = []kmsg.CreateTopicsResponseTopicConfig{}
				if r.IntN(2) == 0 {
					topic.ErrorMessage = kmsg.StringPtr("why")
				}
				for i := range r.IntN(3) {
					c := kmsg.NewCreateTopicsResponseTopicConfig()
					c.Name, c.ReadOnly, c.IsSensitive, c.Source = "name", i == 0, i == 1, int8(r.Uint32())
					if i > 0 {
						c.Value = kmsg.StringPtr("value")
					}
					topic.Configs = append(topic.Configs, c)
				}
				want.Topics = append(want.Topics, topic)
			}
			got := AppendCreateTopicsStart([]byte("kept"), version, len(want.Topics))
			for i := range want.Topics {
				got = AppendCreatedTopic(got, version, createdFrom(&want.Topics[i]))
			}
			got = AppendCreateTopicsEnd(got, version)
			if d := cmp.Diff(want.AppendTo([]byte("kept")), got); d != "" {
				t.Fatalf("v%d: %s", version, d)
			}
		}
	}
}

func createdFrom(kt *kmsg.CreateTopicsResponseTopic) *CreatableTopicResult {
	to := &CreatableTopicResult{
		Name: kt.Topic, ID: kt.TopicID, ErrorCode: kt.ErrorCode, ErrorMessage: kt.ErrorMessage,
		Partitions: kt.NumPartitions, ReplicationFactor: kt.ReplicationFactor, ConfigCount: len(kt.Configs),
	}
	for _, c := range kt.Configs {
		to.Configs = AppendCreatedConfig(to.Configs, &CreatedConfig{c.Name, c.Value, c.ReadOnly, c.Source, c.IsSensitive})
	}
	return to
}

// The pieces of a Metadata response make what kmsg makes.
func TestMetadataResponseAgreesWithKmsg(t *testing.T) {
	r := rand.New(rand.NewPCG(37, 38))
	for version := int16(0); version <= 13; version++ {
		for range 50 {
			want := randomMetadata(r)
			want.SetVersion(version)
			start := MetadataStart{Controller: want.ControllerID}
			if want.ClusterID != nil {
				start.ClusterID = *want.ClusterID
			}
			for _, b := range want.Brokers {
				e := NodeEndpoint{NodeID: b.NodeID, Host: b.Host, Port: b.Port}
				if b.Rack != nil {
					e.Rack = *b.Rack
				}
				start.Brokers = append(start.Brokers, e)
			}
			got := AppendMetadataStart([]byte("kept"), version, &start, len(want.Topics))
			for _, kt := range want.Topics {
				got = AppendMetadataTopic(got, version, &MetadataTopic{
					ErrorCode: kt.ErrorCode, Name: kt.Topic, ID: kt.TopicID, Internal: kt.IsInternal, Partitions: len(kt.Partitions)})
				for _, p := range kt.Partitions {
					got = AppendMetadataPartition(got, version, &MetadataPartition{
						p.ErrorCode, p.Partition, p.Leader, Epoch(p.LeaderEpoch), p.Replicas, p.ISR})
				}
				got = AppendMetadataTopicEnd(got, version, kt.AuthorizedOperations)
			}
			got = AppendMetadataEnd(got, version, want.AuthorizedOperations, want.ErrorCode)
			if d := cmp.Diff(want.AppendTo([]byte("kept")), got); d != "" {
				t.Fatalf("v%d: %s", version, d)
			}
		}
	}
}

func randomMetadata(r *rand.Rand) *kmsg.MetadataResponse {
	p := kmsg.NewPtrMetadataResponse()
	p.ControllerID, p.AuthorizedOperations, p.ErrorCode = r.Int32(), r.Int32(), int16(r.Uint32())
	if r.IntN(2) == 0 {
		p.ClusterID = kmsg.StringPtr("cluster")
	}
	for i := range r.IntN(3) {
		b := kmsg.NewMetadataResponseBroker()
		b.NodeID, b.Host, b.Port = int32(i), "host", r.Int32()
		if i == 1 {
			b.Rack = kmsg.StringPtr("rack")
		}
		p.Brokers = append(p.Brokers, b)
	}
	for i := range r.IntN(4) {
		topic := kmsg.NewMetadataResponseTopic()
		topic.ErrorCode, topic.TopicID, topic.IsInternal = int16(r.Uint32()), [16]byte{byte(i)}, i == 1
		topic.AuthorizedOperations = r.Int32()
		if i != 2 {
			topic.Topic = kmsg.StringPtr("topic")
		}
		for j := range r.IntN(3) {
			to := kmsg.NewMetadataResponseTopicPartition()
			to.ErrorCode, to.Partition, to.Leader, to.LeaderEpoch = int16(j), r.Int32(), r.Int32(), r.Int32()
			to.Replicas, to.ISR, to.OfflineReplicas = []int32{1, 2, r.Int32()}[:j], []int32{3, r.Int32()}, []int32{}
			topic.Partitions = append(topic.Partitions, to)
		}
		p.Topics = append(p.Topics, topic)
	}
	return p
}

func FuzzCreateTopicsRequest(f *testing.F) {
	r := rand.New(rand.NewPCG(39, 40))
	for version := int16(0); version <= 7; version++ {
		f.Add(version, filledRequest(19, version, r, false).AppendTo(nil))
	}
	f.Fuzz(func(t *testing.T, version int16, body []byte) {
		if version < 0 || version > 7 {
			return
		}
		_, err := DecodeCreateTopics(version, body, requestMemoryMax)
		mustBeProtocolError(t, err)
		if other := checkLayout(19, version, body, requestMemoryMax); (err == nil) != (other == nil) {
			t.Fatalf("v%d: by hand %v, by layout %v", version, err, other)
		}
	})
}

func FuzzMetadataRequest(f *testing.F) {
	r := rand.New(rand.NewPCG(41, 42))
	for version := int16(0); version <= 13; version++ {
		f.Add(version, filledRequest(3, version, r, false).AppendTo(nil))
	}
	var q MetadataRequest
	f.Fuzz(func(t *testing.T, version int16, body []byte) {
		if version < 0 || version > 13 {
			return
		}
		err := q.Decode(version, body, requestMemoryMax)
		mustBeProtocolError(t, err)
		if other := checkLayout(3, version, body, requestMemoryMax); (err == nil) != (other == nil) {
			t.Fatalf("v%d: by hand %v, by layout %v", version, err, other)
		}
	})
}
