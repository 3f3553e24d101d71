package differ

import (
	"runtime"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

// fetchCase is one Fetch request over a topic with three batches of two records
// (offsets 0 to 5) in partition 0, one in partition 1, none in partition 2.
type fetchCase struct {
	label string
	since int16
	edit  func(req *kmsg.FetchRequest, name string, id [16]byte)
}

// at changes the only partition of the request.
func at(label string, since int16, edit func(p *kmsg.FetchRequestTopicPartition)) fetchCase {
	return fetchCase{label, since, func(req *kmsg.FetchRequest, _ string, _ [16]byte) { edit(&req.Topics[0].Partitions[0]) }}
}

// allOf asks for partitions in the order given.
func allOf(req *kmsg.FetchRequest, name string, id [16]byte, partitions ...int32) {
	var ps []kmsg.FetchRequestTopicPartition
	for _, p := range partitions {
		ps = append(ps, fetchPartition(p, 0))
	}
	req.Topics = []kmsg.FetchRequestTopic{fetchTopic(name, id, ps...)}
}

var fetchCases = []fetchCase{
	at("from the start", 0, func(p *kmsg.FetchRequestTopicPartition) { p.FetchOffset = 0 }),
	at("at a batch border", 0, func(p *kmsg.FetchRequestTopicPartition) { p.FetchOffset = 2 }),
	at("inside a batch", 0, func(p *kmsg.FetchRequestTopicPartition) { p.FetchOffset = 3 }),
	at("at the end", 0, func(p *kmsg.FetchRequestTopicPartition) { p.FetchOffset = 6 }),
	at("beyond the end", 0, func(p *kmsg.FetchRequestTopicPartition) { p.FetchOffset = 7 }),
	at("negative offset", 0, func(p *kmsg.FetchRequestTopicPartition) { p.FetchOffset = -1 }),
	at("unknown partition", 0, func(p *kmsg.FetchRequestTopicPartition) { p.Partition = 9 }),
	at("empty partition", 0, func(p *kmsg.FetchRequestTopicPartition) { p.Partition = 2 }),
	at("current leader epoch", 9, func(p *kmsg.FetchRequestTopicPartition) { p.CurrentLeaderEpoch = 0 }),
	at("future leader epoch", 9, func(p *kmsg.FetchRequestTopicPartition) { p.CurrentLeaderEpoch = 50 }),
	at("last fetched epoch agrees", 12, func(p *kmsg.FetchRequestTopicPartition) { p.FetchOffset, p.LastFetchedEpoch = 2, 0 }),
	at("last fetched epoch from the future", 12, func(p *kmsg.FetchRequestTopicPartition) { p.FetchOffset, p.LastFetchedEpoch = 2, 7 }),
	{"three partitions", 0, func(req *kmsg.FetchRequest, name string, id [16]byte) { allOf(req, name, id, 0, 1, 2) }},
	{"waits for more bytes than come", 0, func(req *kmsg.FetchRequest, _ string, _ [16]byte) {
		req.MaxWaitMillis, req.MinBytes = 100, 1<<19
	}},
	{"waits at the end", 0, func(req *kmsg.FetchRequest, _ string, _ [16]byte) {
		req.MaxWaitMillis, req.MinBytes, req.Topics[0].Partitions[0].FetchOffset = 100, 1, 6
	}},
	{"an error does not wait", 0, func(req *kmsg.FetchRequest, _ string, _ [16]byte) {
		req.MaxWaitMillis, req.MinBytes, req.Topics[0].Partitions[0].FetchOffset = 10_000, 1, 99
	}},
	{"committed only", 4, func(req *kmsg.FetchRequest, _ string, _ [16]byte) { req.IsolationLevel = 1 }},
	{"unknown topic", 0, func(req *kmsg.FetchRequest, _ string, _ [16]byte) {
		req.Topics = []kmsg.FetchRequestTopic{fetchTopic(unknownTopic, unknownID, fetchPartition(0, 0))}
	}},
	{"known and unknown topic", 0, func(req *kmsg.FetchRequest, _ string, _ [16]byte) {
		req.Topics = append(req.Topics, fetchTopic(unknownTopic, unknownID, fetchPartition(0, 0)))
	}},
	{"zero id or empty name", 0, func(req *kmsg.FetchRequest, _ string, _ [16]byte) {
		req.Topics = []kmsg.FetchRequestTopic{fetchTopic("", [16]byte{}, fetchPartition(0, 0))}
	}},
	{"no topics", 0, func(req *kmsg.FetchRequest, _ string, _ [16]byte) { req.Topics = nil }},
	{"one partition twice", 0, func(req *kmsg.FetchRequest, name string, id [16]byte) { allOf(req, name, id, 1, 1) }},
	{"rack named", 11, func(req *kmsg.FetchRequest, _ string, _ [16]byte) { req.Rack = "rack-a" }},
}

// limitCases are those in which the answer may not hold all that there is.
var limitCases = []fetchCase{
	at("one byte of the partition", 0, func(p *kmsg.FetchRequestTopicPartition) { p.PartitionMaxBytes = 1 }),
	at("no byte of the partition", 0, func(p *kmsg.FetchRequestTopicPartition) { p.PartitionMaxBytes = 0 }),
	{"one byte in all", 0, func(req *kmsg.FetchRequest, name string, id [16]byte) {
		allOf(req, name, id, 0, 1, 2)
		req.MaxBytes = 1
	}},
	{"three partitions, other order, one byte", 0, func(req *kmsg.FetchRequest, name string, id [16]byte) {
		allOf(req, name, id, 2, 1, 0)
		req.MaxBytes = 1
	}},
	{"first partition fills most", 0, func(req *kmsg.FetchRequest, name string, id [16]byte) {
		allOf(req, name, id, 0, 1)
		req.Topics[0].Partitions[0].PartitionMaxBytes = 200
	}},
}

// stocked makes the topic of the fetch cases.
func (s *Session) stocked() (string, [16]byte) {
	name, id := s.MakeTopic("t", 3)
	s.Produce(name, id, 0, s.Batch("a", "b"), s.Batch("c", "d"), s.Batch("e", "f"))
	s.Produce(name, id, 1, s.Batch("x", "y"))
	return name, id
}

func fetchStories() []Story {
	ask := func(cases []fetchCase) func(s *Session) {
		return func(s *Session) {
			name, id := s.stocked()
			for _, c := range cases {
				if s.Version < c.since {
					continue
				}
				req := fetchFrom(name, id, 0, 0)
				c.edit(req, name, id)
				s.Ask(c.label, req)
			}
		}
	}
	return []Story{
		{Name: "fetch/every way", Key: kmsg.Fetch, Tell: ask(fetchCases)},
		{Name: "fetch/byte limits", Key: kmsg.Fetch, Tell: ask(limitCases)},
		{Name: "fetch/wakes on produce", Key: kmsg.Fetch, Tell: func(s *Session) {
			name, id := s.MakeTopic("t", 1)
			req := fetchFrom(name, id, 0, 0)
			req.MaxWaitMillis, req.MinBytes = 15_000, 1
			// Kafka takes the high watermark before it reads (Partition.readRecords): a
			// write in between makes it tell the one of before beside the new records.
			waiting := s.Peer("consumer").Begin("waits, then reads", req).Racing("HighWatermark", "LastStableOffset")
			s.Produce(name, id, 0, s.Batch("news"))
			waiting.Finish()
		}},
		{Name: "fetch/after records were deleted", Key: kmsg.Fetch, Tell: func(s *Session) {
			name, id := s.stocked()
			s.Quiet(deleteBefore(name, 0, 3))
			s.Ask("below the start", fetchFrom(name, id, 0, 0))
			s.Ask("at the start, inside a batch", fetchFrom(name, id, 0, 3))
		}},
	}
}

// sessionFetch is a Fetch request inside a session.
func sessionFetch(session, epoch int32, topics ...kmsg.FetchRequestTopic) *kmsg.FetchRequest {
	req := kmsg.NewPtrFetchRequest()
	req.MaxBytes, req.SessionID, req.SessionEpoch, req.Topics = 1<<20, session, epoch, topics
	return req
}

func fetchSessionStories() []Story {
	open := func(s *Session, topics ...kmsg.FetchRequestTopic) int32 {
		return s.Ask("open", sessionFetch(0, 0, topics...)).(*kmsg.FetchResponse).SessionID
	}
	return []Story{
		{Name: "fetch session/lists what changed", Key: kmsg.Fetch, Versions: since(7), Tell: func(s *Session) {
			name, id := s.stocked()
			session := open(s, fetchTopic(name, id, fetchPartition(0, 0), fetchPartition(1, 2), fetchPartition(2, 0)))
			s.Ask("unmoved position is read again", sessionFetch(session, 1))
			s.Ask("position moved to the end", sessionFetch(session, 2, fetchTopic(name, id, fetchPartition(0, 6))))
			s.Ask("nothing new", sessionFetch(session, 3))
			s.Produce(name, id, 2, s.Batch("new"))
			s.Ask("one partition has news", sessionFetch(session, 4))
			s.Ask("read past it", sessionFetch(session, 5, fetchTopic(name, id, fetchPartition(2, 1))))
			s.Quiet(deleteBefore(name, 0, 2))
			s.Ask("log start moved", sessionFetch(session, 6))
			s.Ask("and is told once", sessionFetch(session, 7))
		}},
		{Name: "fetch session/forgets", Key: kmsg.Fetch, Versions: since(7), Tell: func(s *Session) {
			name, id := s.stocked()
			session := open(s, fetchTopic(name, id, fetchPartition(0, 0), fetchPartition(1, 0)))
			req := sessionFetch(session, 1)
			req.ForgottenTopics = append(req.ForgottenTopics, kmsg.FetchRequestForgottenTopic{Topic: name, TopicID: id, Partitions: []int32{0}})
			s.Ask("one forgotten", req)
			s.Ask("still forgotten", sessionFetch(session, 2))
			req = sessionFetch(session, 3)
			req.ForgottenTopics = append(req.ForgottenTopics, kmsg.FetchRequestForgottenTopic{Topic: name, TopicID: id, Partitions: []int32{1}})
			s.Ask("all forgotten", req)
			s.Ask("the session is gone", sessionFetch(session, 4))
		}},
		{Name: "fetch session/wrong numbers", Key: kmsg.Fetch, Versions: since(7), Tell: func(s *Session) {
			name, id := s.stocked()
			session := open(s, fetchTopic(name, id, fetchPartition(0, 0)))
			s.Ask("epoch from the future", sessionFetch(session, 9))
			s.Ask("the right epoch", sessionFetch(session, 1))
			s.Ask("the same epoch again", sessionFetch(session, 1))
			s.Ask("unknown session", sessionFetch(123456789, 1))
			s.Ask("no session but an epoch", sessionFetch(0, 5))
			s.Ask("closes", sessionFetch(session, -1, fetchTopic(name, id, fetchPartition(0, 0))))
			s.Ask("closed", sessionFetch(session, 2))
		}},
		{Name: "fetch session/errors are told again", Key: kmsg.Fetch, Versions: since(7), Tell: func(s *Session) {
			name, id := s.stocked()
			session := open(s, fetchTopic(name, id, fetchPartition(0, 99), fetchPartition(9, 0)), fetchTopic(unknownTopic, unknownID, fetchPartition(0, 0)))
			s.Ask("again", sessionFetch(session, 1))
			s.Ask("one repaired", sessionFetch(session, 2, fetchTopic(name, id, fetchPartition(0, 0))))
		}},
		{Name: "fetch session/topic deleted", Key: kmsg.Fetch, Versions: since(7), Tell: func(s *Session) {
			name, id := s.stocked()
			session := open(s, fetchTopic(name, id, fetchPartition(0, 0)))
			s.deleteTopic(name, id)
			s.Ask("gone", sessionFetch(session, 1))
		}},
		{Name: "fetch session/replaced", Key: kmsg.Fetch, Versions: since(7), Tell: func(s *Session) {
			name, id := s.stocked()
			first := open(s, fetchTopic(name, id, fetchPartition(0, 0)))
			s.Ask("a new one in its place", sessionFetch(first, 0, fetchTopic(name, id, fetchPartition(1, 0))))
			s.Ask("the first is gone", sessionFetch(first, 1))
			s.Ask("an empty one", sessionFetch(0, 0))
		}},
	}
}

// listCase is one timestamp to look up, in the topic of the fetch cases.
type listCase struct {
	label     string
	since     int16
	partition int32
	timestamp func(base int64) int64
}

func special(label string, since int16, timestamp int64) listCase {
	return listCase{label, since, 0, func(int64) int64 { return timestamp }}
}

var listCases = []listCase{
	special("latest", 0, -1), special("earliest", 0, -2), special("largest timestamp", 7, -3), special("earliest local", 8, -4),
	special("latest tiered", 9, -5), special("earliest pending upload", 11, -6), special("no such keyword", 0, -9),
	special("keyword of a later version", 0, -3),
	{"before all", 0, 0, func(base int64) int64 { return base - 1000 }},
	{"first record", 0, 0, func(base int64) int64 { return base }},
	{"inside a batch", 0, 0, func(base int64) int64 { return base + 1 }},
	{"between", 0, 0, func(base int64) int64 { return base + 500 }},
	{"last", 0, 0, func(base int64) int64 { return base + 2001 }},
	{"after all", 0, 0, func(base int64) int64 { return base + 5000 }},
	{"zero", 0, 0, func(int64) int64 { return 0 }},
	{"empty partition, latest", 0, 2, func(int64) int64 { return -1 }},
	{"empty partition, earliest", 0, 2, func(int64) int64 { return -2 }},
	{"unknown partition, no such keyword", 0, 9, func(int64) int64 { return -9 }},
	{"empty partition, by time", 0, 2, func(base int64) int64 { return base }},
	{"empty partition, largest timestamp", 7, 2, func(int64) int64 { return -3 }},
	{"unknown partition", 0, 9, func(int64) int64 { return -1 }},
}

func listOffsets(name string, partition int32, timestamp int64) *kmsg.ListOffsetsRequest {
	p := kmsg.NewListOffsetsRequestTopicPartition()
	p.Partition, p.Timestamp, p.CurrentLeaderEpoch = partition, timestamp, -1
	t := kmsg.NewListOffsetsRequestTopic()
	t.Topic, t.Partitions = name, []kmsg.ListOffsetsRequestTopicPartition{p}
	req := kmsg.NewPtrListOffsetsRequest()
	req.ReplicaID, req.TimeoutMillis, req.Topics = -1, 5000, []kmsg.ListOffsetsRequestTopic{t}
	return req
}

// later is a batch of two records, a millisecond apart, some time after Base.
func (s *Session) later(millis int64, values ...string) *wire.Batch {
	b := s.Batch(values...)
	b.BaseTimestamp += millis
	b.MaxTimestamp += millis
	return b
}

func listOffsetsStories() []Story {
	ask := func(s *Session, name string) {
		for _, c := range listCases {
			if s.Version >= c.since {
				s.Ask(c.label, listOffsets(name, c.partition, c.timestamp(s.Base)))
			}
		}
	}
	return []Story{
		{Name: "list offsets/by time and keyword", Key: kmsg.ListOffsets, Tell: func(s *Session) {
			name, id := s.MakeTopic("t", 3)
			s.Produce(name, id, 0, s.later(0, "a", "b"), s.later(1000, "c", "d"), s.later(2000, "e", "f"))
			ask(s, name)
			s.Ask("unknown topic", listOffsets(unknownTopic, 0, -1))
			s.Ask("invalid topic", listOffsets("a/b", 0, -1))
			twice := listOffsets(name, 0, -1)
			twice.Topics[0].Partitions = append(twice.Topics[0].Partitions, twice.Topics[0].Partitions[0])
			s.Ask("one partition twice", twice)
			none := listOffsets(name, 0, -1)
			none.Topics = nil
			s.Ask("no topics", none)
			committed := listOffsets(name, 0, -1)
			committed.IsolationLevel = 1
			s.Ask("committed only", committed)
			if s.Version >= 4 {
				for _, epoch := range []int32{0, 50} {
					req := listOffsets(name, 0, -1)
					req.Topics[0].Partitions[0].CurrentLeaderEpoch = epoch
					s.Ask("leader epoch given", req)
				}
			}
			s.Quiet(deleteBefore(name, 0, 3))
			ask(s, name)
		}},
		{Name: "list offsets/all deleted", Key: kmsg.ListOffsets, Tell: func(s *Session) {
			name, id := s.stocked()
			s.Quiet(deleteBefore(name, 0, -1))
			s.Ask("earliest", listOffsets(name, 0, -2))
			s.Ask("latest", listOffsets(name, 0, -1))
			s.Ask("by time", listOffsets(name, 0, s.Base))
			if s.Version >= 7 {
				s.Ask("largest timestamp", listOffsets(name, 0, -3))
			}
			s.Produce(name, id, 0, s.later(5000, "new"))
			s.Ask("earliest of what is new", listOffsets(name, 0, -2))
		}},
		{Name: "list offsets/times out of order", Key: kmsg.ListOffsets, Tell: func(s *Session) {
			name, id := s.MakeTopic("t", 3)
			s.Produce(name, id, 0, s.later(2000, "a", "b"), s.later(0, "c", "d"), s.later(1000, "e"))
			ask(s, name)
		}},
		{Name: "list offsets/compressed", Key: kmsg.ListOffsets, Tell: func(s *Session) {
			name, id := s.MakeTopic("t", 3, "compression.type", "gzip")
			s.Produce(name, id, 0, s.later(0, "a", "b"), s.later(1000, "c", "d"), s.later(2000, "e", "f"))
			ask(s, name)
		}},
		{Name: "list offsets/log append time", Key: kmsg.ListOffsets, Tell: func(s *Session) {
			name, id := s.MakeTopic("t", 3, "message.timestamp.type", "LogAppendTime")
			s.Produce(name, id, 0, s.Batch("a", "b"))
			awaitTick()
			s.Produce(name, id, 0, s.Batch("c", "d"))
			ask(s, name)
		}},
	}
}

// awaitTick returns when the clock shows a later millisecond than any that a
// broker can have stamped before.
func awaitTick() {
	for began := time.Now().UnixMilli(); time.Now().UnixMilli() <= began+1; {
		runtime.Gosched()
	}
}

func endOfEpoch(name string, partition, current, epoch int32) *kmsg.OffsetForLeaderEpochRequest {
	p := kmsg.NewOffsetForLeaderEpochRequestTopicPartition()
	p.Partition, p.CurrentLeaderEpoch, p.LeaderEpoch = partition, current, epoch
	t := kmsg.NewOffsetForLeaderEpochRequestTopic()
	t.Topic, t.Partitions = name, []kmsg.OffsetForLeaderEpochRequestTopicPartition{p}
	req := kmsg.NewPtrOffsetForLeaderEpochRequest()
	req.ReplicaID, req.Topics = -1, []kmsg.OffsetForLeaderEpochRequestTopic{t}
	return req
}

func leaderEpochStories() []Story {
	return []Story{{Name: "leader epoch/end offsets", Key: kmsg.OffsetForLeaderEpoch, Tell: func(s *Session) {
		name, _ := s.stocked()
		for _, c := range []struct {
			label                     string
			name                      string
			partition, current, epoch int32
		}{
			{"current epoch", name, 0, -1, 0}, {"current epoch, confirmed", name, 0, 0, 0}, {"future epoch", name, 0, -1, 7},
			{"negative epoch", name, 0, -1, -1}, {"asker is ahead", name, 0, 50, 0}, {"empty partition", name, 2, -1, 0},
			{"unknown partition", name, 9, -1, 0}, {"unknown topic", unknownTopic, 0, -1, 0},
		} {
			s.Ask(c.label, endOfEpoch(c.name, c.partition, c.current, c.epoch))
		}
	}}}
}

func deleteBefore(name string, partition int32, offset int64) *kmsg.DeleteRecordsRequest {
	p := kmsg.NewDeleteRecordsRequestTopicPartition()
	p.Partition, p.Offset = partition, offset
	t := kmsg.NewDeleteRecordsRequestTopic()
	t.Topic, t.Partitions = name, []kmsg.DeleteRecordsRequestTopicPartition{p}
	req := kmsg.NewPtrDeleteRecordsRequest()
	req.TimeoutMillis, req.Topics = 10_000, []kmsg.DeleteRecordsRequestTopic{t}
	return req
}

func deleteRecordsStories() []Story {
	return []Story{{Name: "delete records/every way", Key: kmsg.DeleteRecords, Tell: func(s *Session) {
		name, id := s.stocked()
		compacted, compactedID := s.MakeTopic("c", 1, "cleanup.policy", "compact")
		s.Produce(compacted, compactedID, 0, s.Batch("a"))
		for _, c := range []struct {
			label     string
			name      string
			partition int32
			offset    int64
		}{
			{"before 0", name, 0, 0}, {"inside a batch", name, 0, 3}, {"backwards", name, 0, 1}, {"beyond the end", name, 0, 99}, {"negative", name, 0, -2},
			{"all", name, 0, -1}, {"all again", name, 0, -1}, {"empty partition", name, 2, -1},
			{"unknown partition", name, 9, 0}, {"unknown topic", unknownTopic, 0, 0}, {"compacted topic", compacted, 0, 1},
		} {
			s.Ask(c.label, deleteBefore(c.name, c.partition, c.offset))
		}
		s.Ask("start", listOffsets(name, 0, -2))
		s.Ask("end", listOffsets(name, 0, -1))
		s.Ask("read the start", fetchFrom(name, id, 0, 6))
	}}}
}
