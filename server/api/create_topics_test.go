package api

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/protocol"
)

func topicRequest(name string, partitions int32, factor int16, configs ...string) kmsg.CreateTopicsRequestTopic {
	t := kmsg.NewCreateTopicsRequestTopic()
	t.Topic, t.NumPartitions, t.ReplicationFactor = name, partitions, factor
	for i := 0; i < len(configs); i += 2 {
		c := kmsg.NewCreateTopicsRequestTopicConfig()
		c.Name, c.Value = configs[i], &configs[i+1]
		t.Configs = append(t.Configs, c)
	}
	return t
}

func createRequest(topics ...kmsg.CreateTopicsRequestTopic) *kmsg.CreateTopicsRequest {
	q := kmsg.NewPtrCreateTopicsRequest()
	q.Topics, q.TimeoutMillis = topics, 5000
	return q
}

// assigned is a topic with the replicas of each partition given.
func assigned(name string, replicas map[int32][]int32) kmsg.CreateTopicsRequestTopic {
	t := topicRequest(name, -1, -1)
	for index, r := range replicas {
		a := kmsg.NewCreateTopicsRequestTopicReplicaAssignment()
		a.Partition, a.Replicas = index, r
		t.ReplicaAssignment = append(t.ReplicaAssignment, a)
	}
	return t
}

// text is a message, or "" for null.
func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// In every version a created topic is there at once, and the newer ones tell
// what it looks like.
func TestCreatingATopicInEveryVersion(t *testing.T) {
	w := newWorld(t, "num.partitions=3")
	for version := int16(0); version <= 7; version++ {
		name := "topic" + string('0'+rune(version))
		p := ask[*kmsg.CreateTopicsResponse](w, version, createRequest(topicRequest(name, -1, -1, "retention.ms", "1000")))
		one := p.Topics[0]
		if one.ErrorCode != 0 || one.ErrorMessage != nil || one.Topic != name {
			t.Fatalf("version %d: %+v", version, one)
		}
		created := w.store.Image().Topic(name)
		if created == nil || len(created.Partitions) != 3 {
			t.Fatalf("version %d: the metadata has %+v", version, created)
		}
		if w.set.Get(created.ID, 2) == nil {
			t.Errorf("version %d: partition 2 is not served", version)
		}
		if version >= 7 && one.TopicID != created.ID {
			t.Errorf("version %d: the answer has id %v, the metadata %v", version, one.TopicID, created.ID)
		}
		if version < 5 {
			continue
		}
		if one.NumPartitions != 3 || one.ReplicationFactor != 1 || len(one.Configs) < 30 {
			t.Errorf("version %d: %d partitions, factor %d, %d settings", version, one.NumPartitions, one.ReplicationFactor, len(one.Configs))
		}
		for _, c := range one.Configs {
			if c.Name == "retention.ms" && (text(c.Value) != "1000" || c.Source != 1) {
				t.Errorf("version %d: retention.ms is %q from source %d", version, text(c.Value), c.Source)
			}
		}
	}
}

// What Kafka 4.3.1 refuses, with its codes and what its messages say.
func TestTopicsThatAreRefused(t *testing.T) {
	null := topicRequest("x", 1, 1, "retention.ms", "")
	null.Configs[0].Value = nil
	withFactor, withCount := assigned("x", map[int32][]int32{0: {1}}), assigned("x", map[int32][]int32{0: {1}})
	withFactor.ReplicationFactor, withCount.NumPartitions = 1, 1
	cases := []struct {
		topic kmsg.CreateTopicsRequestTopic
		code  *protocol.Error
		says  string
	}{
		{topicRequest("", 1, 1), protocol.ErrInvalidTopicException, "empty string"},
		{topicRequest(".", 1, 1), protocol.ErrInvalidTopicException, "'.' is not allowed"},
		{topicRequest("..", 1, 1), protocol.ErrInvalidTopicException, "'..' is not allowed"},
		{topicRequest(strings.Repeat("x", 250), 1, 1), protocol.ErrInvalidTopicException, "249"},
		{topicRequest("a b", 1, 1), protocol.ErrInvalidTopicException, "ASCII alphanumerics"},
		{topicRequest("ü", 1, 1), protocol.ErrInvalidTopicException, "ASCII alphanumerics"},
		{topicRequest("there_is", 1, 1), protocol.ErrInvalidTopicException, "collides with existing topic: there.is"},
		{topicRequest("__cluster_metadata", 1, 1), protocol.ErrInvalidRequest, "prohibited"},
		{topicRequest("__consumer_offsets", 1, 1), protocol.ErrInvalidPartitions, "50"},
		{topicRequest("there.is", 1, 1), protocol.ErrTopicAlreadyExists, "already exists"},
		{topicRequest("x", 0, 1), protocol.ErrInvalidPartitions, "non-positive"},
		{topicRequest("x", -2, 1), protocol.ErrInvalidPartitions, "non-positive"},
		{topicRequest("x", 10_001, 1), protocol.ErrPolicyViolation, "large number of partitions"},
		{topicRequest("x", 10_000, 1), protocol.ErrPolicyViolation, "large batch"}, // the topic is a record too
		{topicRequest("x", 1, 0), protocol.ErrInvalidReplicationFactor, "larger than 0"},
		{topicRequest("x", 1, -2), protocol.ErrInvalidReplicationFactor, "larger than 0"},
		{topicRequest("x", 1, 3), protocol.ErrInvalidReplicationFactor, "only 1 broker(s)"},
		{withFactor, protocol.ErrInvalidRequest, "replication factor was not set to -1"},
		{withCount, protocol.ErrInvalidRequest, "numPartitions was not set to -1"},
		{assigned("x", map[int32][]int32{0: {1}, 2: {1}}), protocol.ErrInvalidReplicaAssignment, "consecutive"},
		{assigned("x", map[int32][]int32{0: {1, 1}}), protocol.ErrInvalidReplicaAssignment, "more than once"},
		{assigned("x", map[int32][]int32{0: {7}}), protocol.ErrInvalidReplicaAssignment, "no such broker"},
		{assigned("x", map[int32][]int32{0: {}}), protocol.ErrInvalidReplicaAssignment, "empty replica list"},
		{topicRequest("x", 1, 1, "nope", "1"), protocol.ErrInvalidConfig, "Unknown topic config name: nope"},
		{topicRequest("x", 1, 1, "retention.ms", "abc"), protocol.ErrInvalidConfig, "Invalid value abc for configuration retention.ms"},
		{topicRequest("x", 1, 1, "cleanup.policy", "abc"), protocol.ErrInvalidConfig, "compact, delete"},
		{null, protocol.ErrInvalidConfig, "Null value not supported for topic configs: retention.ms"},
	}
	w := newWorld(t)
	w.topic("there.is", 1)
	for _, c := range cases {
		p := ask[*kmsg.CreateTopicsResponse](w, 7, createRequest(c.topic))
		one := p.Topics[0]
		if one.ErrorCode != c.code.Code || !strings.Contains(text(one.ErrorMessage), c.says) {
			t.Errorf("%.40q: error %d %q, want %d with %q", c.topic.Topic, one.ErrorCode, text(one.ErrorMessage), c.code.Code, c.says)
		}
		if one.Configs == nil || one.NumPartitions != -1 || one.ReplicationFactor != -1 || one.TopicID != [16]byte{} {
			t.Errorf("%.40q: a refused topic is described: %+v", c.topic.Topic, one)
		}
	}
	if n := w.store.Image().TopicCount(); n != 1 {
		t.Errorf("%d topics exist", n)
	}
}

// A refused topic does not keep the others of the request from being created, and
// a name that is there twice is told once.
func TestEachTopicOfARequestIsJudgedByItself(t *testing.T) {
	w := newWorld(t)
	p := ask[*kmsg.CreateTopicsResponse](w, 7, createRequest(
		topicRequest("twice", 1, 1), topicRequest("good", 1, 1), topicRequest("bad", 0, 1), topicRequest("twice", 2, 1)))
	got := map[string]int16{}
	for _, one := range p.Topics {
		got[one.Topic] = one.ErrorCode
	}
	want := map[string]int16{"good": 0, "bad": protocol.ErrInvalidPartitions.Code, "twice": protocol.ErrInvalidRequest.Code}
	if len(p.Topics) != len(want) {
		t.Fatalf("%d answers: %v", len(p.Topics), got)
	}
	for name, code := range want {
		if got[name] != code {
			t.Errorf("%s: error %d, want %d", name, got[name], code)
		}
	}
}

// validate_only tells what would be, with the numbers, and creates nothing.
func TestValidatingCreatesNothing(t *testing.T) {
	w := newWorld(t)
	q := createRequest(topicRequest("x", 4, 1), topicRequest("y", 0, 1))
	q.ValidateOnly = true
	p := ask[*kmsg.CreateTopicsResponse](w, 7, q)
	if p.Topics[0].ErrorCode != 0 || p.Topics[0].NumPartitions != 4 || p.Topics[1].ErrorCode != protocol.ErrInvalidPartitions.Code {
		t.Errorf("%+v", p.Topics)
	}
	if n := w.store.Image().TopicCount(); n != 0 {
		t.Errorf("%d topics exist", n)
	}
}

// With the clamp a factor above the number of brokers is served with what there
// is, and the answer says so.
func TestTheClampAcceptsMoreReplicasThanBrokers(t *testing.T) {
	w := newWorld(t, "barnabas.replication.clamp=true", "default.replication.factor=3")
	p := ask[*kmsg.CreateTopicsResponse](w, 7, createRequest(topicRequest("x", 1, 3), topicRequest("y", 1, -1)))
	for _, one := range p.Topics {
		if one.ErrorCode != 0 || one.ReplicationFactor != 1 {
			t.Errorf("%s: error %d, factor %d", one.Topic, one.ErrorCode, one.ReplicationFactor)
		}
	}
}

// Settings that Kafka 4 removed are still sent by old tools: they are accepted
// and not stored.
func TestRemovedSettingsAreForgotten(t *testing.T) {
	w := newWorld(t)
	w.topic("x", 1, "message.format.version", "3.0", "retention.ms", "5")
	if c := w.store.Image().TopicConfig("x"); len(c) != 1 || c[0].Name != "retention.ms" {
		t.Errorf("stored: %v", c)
	}
}

// An internal topic gets what its coordinator needs whoever creates it.
func TestAnInternalTopicIsCreatedAsItsCoordinatorNeedsIt(t *testing.T) {
	w := newWorld(t, "offsets.topic.replication.factor=1")
	w.topic("__consumer_offsets", -1)
	image := w.store.Image()
	if n := len(image.Topic("__consumer_offsets").Partitions); n != 50 {
		t.Errorf("%d partitions", n)
	}
	if policy, _ := image.TopicConfig("__consumer_offsets").Get("cleanup.policy"); policy != "compact" {
		t.Errorf("cleanup.policy is %q", policy)
	}
}

// When the journal fails the client is told to try again, for every topic.
func TestAFailedJournalIsRetriable(t *testing.T) {
	w := newWorld(t)
	w.journal.setFail(protocol.ErrKafkaStorageError)
	defer w.journal.setFail(nil)
	p := ask[*kmsg.CreateTopicsResponse](w, 7, createRequest(topicRequest("x", 1, 1), topicRequest("y", 1, 1)))
	for _, one := range p.Topics {
		if !protocol.ErrorForCode(one.ErrorCode).Retriable {
			t.Errorf("%s: error %d is not retriable", one.Topic, one.ErrorCode)
		}
	}
}
