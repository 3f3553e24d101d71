package differ

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// sequenceStep is one batch of an idempotent producer.
type sequenceStep struct {
	label    string
	epoch    int16
	sequence int32
	count    int
}

// sequenceStories say what a partition makes of epochs and sequences. Each
// starts with a fresh producer id on an empty partition.
var sequenceStories = []struct {
	name  string
	steps []sequenceStep
}{
	{"in order", []sequenceStep{{"first", 0, 0, 2}, {"second", 0, 2, 1}, {"third", 0, 3, 3}}},
	{"duplicates", []sequenceStep{{"first", 0, 0, 2}, {"second", 0, 2, 1}, {"first again", 0, 0, 2}, {"second again", 0, 2, 1}}},
	{"duplicate older than five batches", []sequenceStep{
		{"0", 0, 0, 1}, {"1", 0, 1, 1}, {"2", 0, 2, 1}, {"3", 0, 3, 1}, {"4", 0, 4, 1}, {"5", 0, 5, 1}, {"1 again", 0, 1, 1}, {"0 again", 0, 0, 1},
	}},
	{"gap", []sequenceStep{{"first", 0, 0, 1}, {"gap", 0, 5, 1}, {"the one that is due", 0, 1, 1}}},
	{"overlap", []sequenceStep{{"first", 0, 0, 3}, {"overlaps", 0, 2, 3}, {"part of the first", 0, 0, 2}}},
	{"unknown producer may start anywhere", []sequenceStep{{"first", 0, 7, 1}, {"next", 0, 8, 1}}},
	{"new epoch", []sequenceStep{{"first", 0, 0, 1}, {"new epoch not at 0", 1, 1, 1}, {"new epoch", 1, 0, 1}, {"old epoch", 0, 1, 1}}},
	{"sequences wrap", []sequenceStep{{"near the end", 0, 2147483646, 2}, {"wrapped", 0, 0, 1}, {"next", 0, 1, 1}}},
	{"a batch wraps", []sequenceStep{{"across the end", 0, 2147483646, 4}, {"next", 0, 2, 1}, {"again", 0, 2147483646, 4}}},
}

func idempotentStories() []Story {
	var stories []Story
	for _, told := range sequenceStories {
		stories = append(stories, Story{Name: "idempotent/" + told.name, Key: kmsg.Produce, Tell: func(s *Session) {
			topic, id := s.MakeTopic("t", 1)
			producer := s.Quiet(kmsg.NewPtrInitProducerIDRequest()).(*kmsg.InitProducerIDResponse).ProducerID
			for _, step := range told.steps {
				values := make([]string, step.count)
				for i := range values {
					values[i] = fmt.Sprint(step.label, i)
				}
				b := s.Batch(values...)
				b.ProducerID, b.ProducerEpoch, b.BaseSequence = producer, step.epoch, step.sequence
				s.Ask(step.label, produceTo(topic, id, 0, b.Encode()))
			}
			s.Ask("what was stored", fetchFrom(topic, id, 0, 0))
		}})
	}
	return stories
}

func initProducerIDStories() []Story {
	return []Story{{Name: "init producer id/idempotent", Key: kmsg.InitProducerID, Tell: func(s *Session) {
		req := kmsg.NewPtrInitProducerIDRequest()
		s.Ask("first", req)
		s.Ask("every call another", kmsg.NewPtrInitProducerIDRequest())
		empty := kmsg.NewPtrInitProducerIDRequest()
		empty.TransactionalID = ptr("")
		s.Ask("empty transactional id", empty)
		for _, timeout := range []int32{0, -1, 1 << 30} {
			req := kmsg.NewPtrInitProducerIDRequest()
			req.TransactionTimeoutMillis = timeout
			s.Ask(fmt.Sprintf("timeout %d means nothing without a transaction", timeout), req)
		}
		if s.Version >= 3 {
			for _, c := range []struct {
				label string
				id    int64
				epoch int16
			}{{"id without epoch", 5, -1}, {"epoch without id", -1, 5}, {"id and epoch", 5, 5}} {
				req := kmsg.NewPtrInitProducerIDRequest()
				req.ProducerID, req.ProducerEpoch = c.id, c.epoch
				s.Ask(c.label, req)
			}
		}
	}}}
}

func describeProducersStories() []Story {
	return []Story{{Name: "describe producers/idempotent ones", Key: kmsg.DescribeProducers, Tell: func(s *Session) {
		topic, id := s.MakeTopic("t", 2)
		producer := s.Quiet(kmsg.NewPtrInitProducerIDRequest()).(*kmsg.InitProducerIDResponse).ProducerID
		for sequence, values := range [][]string{{"a"}, {"b", "c"}, {"d"}} {
			b := s.Batch(values...)
			b.ProducerID, b.ProducerEpoch, b.BaseSequence = producer, 2, []int32{0, 1, 3}[sequence]
			s.Produce(topic, id, 0, b)
		}
		s.Produce(topic, id, 1, s.Batch("of nobody"))
		for _, c := range []struct {
			label      string
			topic      string
			partitions []int32
		}{
			{"both", topic, []int32{0, 1}}, {"no partitions", topic, []int32{}}, {"one twice", topic, []int32{0, 0}},
			{"partitions that are not there", topic, []int32{7, -1}}, {"unknown topic", unknownTopic, []int32{0}}, {"bad name", "a/b", []int32{0}},
		} {
			req := kmsg.NewPtrDescribeProducersRequest()
			t := kmsg.NewDescribeProducersRequestTopic()
			t.Topic, t.Partitions = c.topic, c.partitions
			req.Topics = append(req.Topics, t)
			s.Ask(c.label, req)
		}
		s.Ask("nothing", kmsg.NewPtrDescribeProducersRequest())
	}}}
}
