package differ

import (
	"math"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// topicLimitStories are told of what one request may ask for, and of requests that
// are good in one part and bad in another.
func topicLimitStories() []Story {
	return []Story{
		{Name: "create topics/limits", Key: kmsg.CreateTopics, Versions: since(1), Tell: tellCreateLimits},
		{Name: "create partitions/several at once", Key: kmsg.CreatePartitions, Tell: tellCreatePartitionsTogether},
	}
}

func tellCreateLimits(s *Session) {
	request := func(validateOnly bool, topics ...kmsg.CreateTopicsRequestTopic) *kmsg.CreateTopicsRequest {
		req := kmsg.NewPtrCreateTopicsRequest()
		req.TimeoutMillis, req.ValidateOnly, req.Topics = 10_000, validateOnly, topics
		return req
	}
	sized := func(name string, partitions int32, factor int16) kmsg.CreateTopicsRequestTopic {
		t := topicSpec(s.Topic(name), partitions)
		t.ReplicationFactor = factor
		return t
	}
	s.Ask("9,999 partitions, only checked", request(true, sized("a", 9_999, 1)))
	s.Ask("10,000 partitions, only checked", request(true, sized("a", 10_000, 1)))
	kept := sized("a", 9_999, 1)
	configured("retention.ms", ptr("1000"))(&kept)
	s.Ask("9,999 partitions and a setting, only checked", request(true, kept))
	s.Ask("10,000 records of two, one more impossible", request(true, sized("a", 5_000, 1), sized("b", 4_998, 1), sized("c", 2, 3)))
	s.Ask("10,001 partitions", request(false, sized("a", 10_001, 1)))
	s.Ask("10,001 partitions of two", request(false, sized("a", 5_000, 1), sized("b", 5_001, 1)))
	s.Ask("10,001 partitions, some of them impossible", request(false, sized("a", 1, 1), sized("b", 10_000, 3)))
	s.Ask("most partitions", request(false, sized("a", math.MaxInt32, 1)))
	s.Ask("most replicas", request(false, sized("a", 1, math.MaxInt16)))
	s.Ask("longest name", request(true, topicSpec(strings.Repeat("n", 249), 1)))
	s.Ask("three dots", request(true, topicSpec("...", 1)))
	s.Ask("a dash alone", request(true, topicSpec("-", 1)))
	uneven := topicSpec(s.Topic("uneven"), 1)
	assigned(&uneven, []int32{0, 1}, []int32{1}, []int32{1, 2})
	s.Ask("assignments of two lengths", request(false, uneven))
	negative := topicSpec(s.Topic("negative"), 1)
	assigned(&negative, []int32{-1}, []int32{1})
	s.Ask("assignment of partition -1", request(false, negative))
	both := sized("both", 0, 0)
	s.Ask("two mistakes", request(false, both))
	bad := sized("bad", 1, 1)
	configured("no.such.key", ptr("1"))(&bad)
	bad.NumPartitions = 0
	s.Ask("a bad config and no partitions", request(false, bad))
	s.MakeTopic("there", 1)
	there := topicSpec(s.Topic("there"), 0)
	s.Ask("exists, and no partitions", request(false, there))
	configured("no.such.key", ptr("1"))(&there)
	s.Ask("exists, and a bad config", request(false, there))
	s.Ask("exists, only checked", request(true, topicSpec(s.Topic("there"), 1)))
	s.Ask("one name twice, only checked", request(true, topicSpec(s.Topic("c"), 1), topicSpec(s.Topic("c"), 2), topicSpec("a/b", 1)))
	s.Ask("one bad name twice", request(false, topicSpec("a/b", 1), topicSpec("a/b", 1)))
}

func tellCreatePartitionsTogether(s *Session) {
	grow := func(name string, count int32) kmsg.CreatePartitionsRequestTopic {
		t := kmsg.NewCreatePartitionsRequestTopic()
		t.Topic, t.Count = name, count
		return t
	}
	request := func(validateOnly bool, topics ...kmsg.CreatePartitionsRequestTopic) *kmsg.CreatePartitionsRequest {
		req := kmsg.NewPtrCreatePartitionsRequest()
		req.TimeoutMillis, req.ValidateOnly, req.Topics = 10_000, validateOnly, topics
		return req
	}
	a, _ := s.MakeTopic("a", 1)
	b, _ := s.MakeTopic("b", 2)
	s.Ask("good and bad, only checked", request(true, grow(a, 2), grow(b, 2), grow(unknownTopic, 2), grow("", 2), grow("a/b", 2)))
	s.Ask("a topic three times", request(false, grow(a, 2), grow(a, 3), grow(a, 4), grow(b, 1)))
	s.Ask("an unknown topic twice", request(false, grow(unknownTopic, 2), grow(unknownTopic, 3)))
	s.Ask("good and bad", request(false, grow(a, 2), grow(b, 1), grow(unknownTopic, 2)))
	s.AwaitTopic(a, 2)
	s.Ask("what exists now", metadataFor(a, b))
}
