package differ

import (
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// createCase is one topic to create, alone in its request.
type createCase struct {
	label string
	since int16
	spec  func(s *Session) kmsg.CreateTopicsRequestTopic
}

// named is a case that needs no more than a topic with one thing changed.
func named(label, name string, edit func(t *kmsg.CreateTopicsRequestTopic)) createCase {
	return createCase{label: label, spec: func(s *Session) kmsg.CreateTopicsRequestTopic {
		t := topicSpec(s.Topic(name), 1)
		if edit != nil {
			edit(&t)
		}
		return t
	}}
}

func from(version int16, c createCase) createCase {
	c.since = version
	return c
}

// verbatim is a topic whose name is sent as it is.
func verbatim(name string) createCase {
	label := name
	if len(label) > 20 {
		label = label[:20] + "..."
	}
	return createCase{label: "name " + label, spec: func(*Session) kmsg.CreateTopicsRequestTopic { return topicSpec(name, 1) }}
}

// assigned puts partition i on the brokers of replicas[i].
func assigned(t *kmsg.CreateTopicsRequestTopic, partitions []int32, replicas ...[]int32) {
	t.NumPartitions, t.ReplicationFactor = -1, -1
	for i, p := range partitions {
		a := kmsg.NewCreateTopicsRequestTopicReplicaAssignment()
		a.Partition, a.Replicas = p, replicas[i]
		t.ReplicaAssignment = append(t.ReplicaAssignment, a)
	}
}

func configured(name string, value *string) func(t *kmsg.CreateTopicsRequestTopic) {
	return func(t *kmsg.CreateTopicsRequestTopic) {
		c := kmsg.NewCreateTopicsRequestTopicConfig()
		c.Name, c.Value = name, value
		t.Configs = append(t.Configs, c)
	}
}

var createCases = []createCase{
	named("plain", "plain", nil),
	named("exists", "plain", nil),
	named("three partitions", "three", func(t *kmsg.CreateTopicsRequestTopic) { t.NumPartitions = 3 }),
	from(4, named("defaults", "defaults", func(t *kmsg.CreateTopicsRequestTopic) { t.NumPartitions, t.ReplicationFactor = -1, -1 })),
	named("defaults in an old version", "old-defaults", func(t *kmsg.CreateTopicsRequestTopic) { t.NumPartitions, t.ReplicationFactor = -1, -1 }),
	named("dots", "a.b", nil),
	named("collides with dots", "a_b", nil),
	named("capitals differ", "PLAIN", nil),
	verbatim(""), verbatim("."), verbatim(".."), verbatim("a/b"), verbatim("a b"), verbatim("a\x00b"), verbatim("a\nb"), verbatim("ü"),
	verbatim(strings.Repeat("n", 250)), verbatim("__cluster_metadata"),
	named("partitions 0", "p0", func(t *kmsg.CreateTopicsRequestTopic) { t.NumPartitions = 0 }),
	named("partitions -2", "p-2", func(t *kmsg.CreateTopicsRequestTopic) { t.NumPartitions = -2 }),
	named("replicas 0", "r0", func(t *kmsg.CreateTopicsRequestTopic) { t.ReplicationFactor = 0 }),
	named("replicas -2", "r-2", func(t *kmsg.CreateTopicsRequestTopic) { t.ReplicationFactor = -2 }),
	named("more replicas than brokers", "r3", func(t *kmsg.CreateTopicsRequestTopic) { t.ReplicationFactor = 3 }),
	named("assignment", "assigned", func(t *kmsg.CreateTopicsRequestTopic) { assigned(t, []int32{0, 1}, []int32{1}, []int32{1}) }),
	named("assignment in any order", "assigned-back", func(t *kmsg.CreateTopicsRequestTopic) { assigned(t, []int32{1, 0}, []int32{1}, []int32{1}) }),
	named("assignment and counts", "assigned-counts", func(t *kmsg.CreateTopicsRequestTopic) {
		assigned(t, []int32{0}, []int32{1})
		t.NumPartitions = 1
	}),
	named("assignment and replication factor", "assigned-factor", func(t *kmsg.CreateTopicsRequestTopic) {
		assigned(t, []int32{0}, []int32{1})
		t.ReplicationFactor = 1
	}),
	named("assignment with a hole", "assigned-hole", func(t *kmsg.CreateTopicsRequestTopic) { assigned(t, []int32{0, 2}, []int32{1}, []int32{1}) }),
	named("assignment twice for a partition", "assigned-twice", func(t *kmsg.CreateTopicsRequestTopic) { assigned(t, []int32{0, 0}, []int32{1}, []int32{1}) }),
	named("assignment with one broker twice", "assigned-same", func(t *kmsg.CreateTopicsRequestTopic) { assigned(t, []int32{0}, []int32{1, 1}) }),
	named("assignment to an unknown broker", "assigned-unknown", func(t *kmsg.CreateTopicsRequestTopic) { assigned(t, []int32{0}, []int32{77}) }),
	named("assignment to no broker", "assigned-none", func(t *kmsg.CreateTopicsRequestTopic) { assigned(t, []int32{0}, []int32{}) }),
	named("config", "config", configured("retention.ms", ptr("86400000"))),
	named("two configs", "config-two", func(t *kmsg.CreateTopicsRequestTopic) {
		configured("cleanup.policy", ptr("compact"))(t)
		configured("segment.bytes", ptr("1048576"))(t)
	}),
	named("unknown config", "config-unknown", configured("no.such.key", ptr("1"))),
	named("config that is no number", "config-nan", configured("retention.ms", ptr("soon"))),
	named("config out of range", "config-range", configured("max.message.bytes", ptr("-5"))),
	named("config with an unknown choice", "config-choice", configured("compression.type", ptr("brotli"))),
	named("config null", "config-null", configured("retention.ms", nil)),
	named("config empty list", "config-empty", configured("cleanup.policy", ptr(""))),
	named("config lists two policies", "config-both", configured("cleanup.policy", ptr("compact,delete"))),
	named("config twice", "config-twice", func(t *kmsg.CreateTopicsRequestTopic) {
		configured("retention.ms", ptr("1000"))(t)
		configured("retention.ms", ptr("2000"))(t)
	}),
	named("local retention above retention", "config-cross", func(t *kmsg.CreateTopicsRequestTopic) {
		configured("retention.ms", ptr("1000"))(t)
		configured("local.retention.ms", ptr("2000"))(t)
	}),
}

func createTopicsStories() []Story {
	request := func(topics ...kmsg.CreateTopicsRequestTopic) *kmsg.CreateTopicsRequest {
		req := kmsg.NewPtrCreateTopicsRequest()
		req.TimeoutMillis, req.Topics = 10_000, topics
		return req
	}
	return []Story{
		{Name: "create topics/one by one", Key: kmsg.CreateTopics, Tell: func(s *Session) {
			for _, c := range createCases {
				if s.Version >= c.since {
					s.Ask(c.label, request(c.spec(s)))
				}
			}
		}},
		{Name: "create topics/only checked", Key: kmsg.CreateTopics, Tell: func(s *Session) {
			req := request(topicSpec(s.Topic("checked"), 2), topicSpec(s.Topic("bad"), 0))
			req.ValidateOnly = true
			s.Ask("valid and invalid", req)
			s.Ask("nothing was created", request(topicSpec(s.Topic("checked"), 2)))
		}},
		{Name: "create topics/several at once", Key: kmsg.CreateTopics, Tell: func(s *Session) {
			s.Ask("none", request())
			twice := topicSpec(s.Topic("twice"), 1)
			s.Ask("one name twice, one good", request(twice, twice, topicSpec(s.Topic("good"), 1)))
			s.Ask("good, bad, collision inside", request(topicSpec(s.Topic("x.y"), 1), topicSpec(s.Topic("bad"), -7), topicSpec(s.Topic("x_y"), 1)))
			s.AwaitTopic(s.Topic("good"), 1)
			s.Ask("what exists now", metadataFor(s.Topic("twice"), s.Topic("good"), s.Topic("bad")))
		}},
	}
}

func deleteTopicsStories() []Story {
	names := func(names ...string) *kmsg.DeleteTopicsRequest {
		req := kmsg.NewPtrDeleteTopicsRequest()
		req.TimeoutMillis, req.TopicNames = 10_000, names
		for _, name := range names {
			t := kmsg.NewDeleteTopicsRequestTopic()
			t.Topic = &name
			req.Topics = append(req.Topics, t)
		}
		return req
	}
	byID := func(name *string, ids ...[16]byte) *kmsg.DeleteTopicsRequest {
		req := kmsg.NewPtrDeleteTopicsRequest()
		req.TimeoutMillis = 10_000
		for _, id := range ids {
			t := kmsg.NewDeleteTopicsRequestTopic()
			t.Topic, t.TopicID = name, id
			req.Topics = append(req.Topics, t)
		}
		return req
	}
	return []Story{
		{Name: "delete topics/by name", Key: kmsg.DeleteTopics, Tell: func(s *Session) {
			a, _ := s.MakeTopic("a", 1)
			b, _ := s.MakeTopic("b", 2)
			s.Ask("none", names())
			s.Ask("known and unknown", names(a, unknownTopic))
			s.Ask("gone", names(a))
			s.Ask("invalid names", names("", "a/b"))
			s.Ask("one name twice", names(b, b))
			s.Until(metadataFor(a), func(r kmsg.Response) bool { return r.(*kmsg.MetadataResponse).Topics[0].ErrorCode == 3 })
			s.Ask("what exists now", metadataFor(a, b))
			_, id := s.MakeTopic("a", 3)
			s.Ask("the name is free again", metadataFor(a))
			s.Ask("and the new one is empty", fetchFrom(a, id, 0, 0))
		}},
		{Name: "delete topics/by id", Key: kmsg.DeleteTopics, Versions: since(6), Tell: func(s *Session) {
			name, id := s.MakeTopic("a", 1)
			s.Ask("unknown id", byID(nil, unknownID))
			s.Ask("name and id", byID(&name, id))
			s.Ask("neither", byID(nil, [16]byte{}))
			s.Ask("one id twice", byID(nil, id, id))
			s.Ask("known", byID(nil, id))
			s.Ask("gone", byID(nil, id))
		}},
	}
}

func createPartitionsStories() []Story {
	grow := func(name string, count int32, replicas ...[]int32) kmsg.CreatePartitionsRequestTopic {
		t := kmsg.NewCreatePartitionsRequestTopic()
		t.Topic, t.Count = name, count
		for _, r := range replicas {
			a := kmsg.NewCreatePartitionsRequestTopicAssignment()
			a.Replicas = r
			t.Assignment = append(t.Assignment, a)
		}
		return t
	}
	request := func(topics ...kmsg.CreatePartitionsRequestTopic) *kmsg.CreatePartitionsRequest {
		req := kmsg.NewPtrCreatePartitionsRequest()
		req.TimeoutMillis, req.Topics = 10_000, topics
		return req
	}
	return []Story{{Name: "create partitions/every way", Key: kmsg.CreatePartitions, Tell: func(s *Session) {
		a, _ := s.MakeTopic("a", 2)
		s.Ask("none", request())
		check := request(grow(a, 4))
		check.ValidateOnly = true
		s.Ask("only checked", check)
		for _, c := range []struct {
			label string
			topic kmsg.CreatePartitionsRequestTopic
		}{
			{"as many as there are", grow(a, 2)}, {"fewer", grow(a, 1)}, {"zero", grow(a, 0)}, {"negative", grow(a, -1)},
			{"unknown topic", grow(unknownTopic, 2)}, {"invalid topic", grow("a/b", 2)},
			{"assignment too short", grow(a, 4, []int32{1})}, {"assignment too long", grow(a, 3, []int32{1}, []int32{1})},
			{"assignment to an unknown broker", grow(a, 3, []int32{77})}, {"assignment to no broker", grow(a, 3, []int32{})},
			{"assignment with one broker twice", grow(a, 3, []int32{1, 1})},
			{"more", grow(a, 3)}, {"more with assignment", grow(a, 5, []int32{1}, []int32{1})},
		} {
			s.Ask(c.label, request(c.topic))
		}
		s.Ask("one topic twice", request(grow(a, 6), grow(a, 7)))
		id := s.AwaitTopic(a, 5)
		s.Ask("what exists now", metadataFor(a))
		s.Produce(a, id, 4, s.Batch("in the new partition"))
		s.Ask("and serves", fetchFrom(a, id, 4, 0))
	}}}
}
