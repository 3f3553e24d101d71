package differ

import (
	"github.com/twmb/franz-go/pkg/kmsg"
)

// shareReader is a member of a share group that fetches from one partition, on a
// connection of its own. Its id is the same for both brokers.
type shareReader struct {
	peer      *Peer
	group, id string
	topicID   [16]byte
	epoch     int32 // of the share session
}

// shareWaitMillis is well above what the load of a share partition takes.
const shareWaitMillis = 3000

// ShareTopic is a topic that a share group reads from its begin: the group has a member,
// so that the state of its partitions exists. Configs are name, value, ... of the group.
func (s *Session) ShareTopic(name, group string, partitions int32, configs ...string) (string, [16]byte) {
	topic, id := s.MakeTopic(name, partitions)
	group = s.Group(group)
	s.Quiet(groupConfigs(group, append([]string{"share.auto.offset.reset", "earliest"}, configs...)...))
	s.joinShareGroup(group, topic, id, partitions)
	return topic, id
}

func groupConfigs(group string, configs ...string) *kmsg.IncrementalAlterConfigsRequest {
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	r := kmsg.NewIncrementalAlterConfigsRequestResource()
	r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeGroupConfig, group
	for i := 0; i+1 < len(configs); i += 2 {
		c := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
		c.Name, c.Value = configs[i], &configs[i+1]
		r.Configs = append(r.Configs, c)
	}
	req.Resources = append(req.Resources, r)
	return req
}

// joinShareGroup has a member join until it is assigned every partition: what comes first
// is the state of the partitions.
func (s *Session) joinShareGroup(group, topic string, id [16]byte, partitions int32) {
	epoch := int32(0)
	heartbeat := func() kmsg.Request {
		req := kmsg.NewPtrShareGroupHeartbeatRequest()
		req.GroupID, req.MemberID, req.MemberEpoch = group, "keeper", epoch
		if epoch == 0 {
			req.SubscribedTopicNames = []string{topic}
		}
		return req
	}
	for {
		resp := s.Until(heartbeat(), func(kmsg.Response) bool { return true }).(*kmsg.ShareGroupHeartbeatResponse)
		if resp.ErrorCode != 0 {
			s.Stop("joining %s: error %d", group, resp.ErrorCode)
		}
		epoch = resp.MemberEpoch
		assigned := int32(0)
		if resp.Assignment != nil {
			for _, t := range resp.Assignment.TopicPartitions {
				if t.TopicID == id {
					assigned += int32(len(t.Partitions))
				}
			}
		}
		if assigned == partitions {
			return
		}
	}
}

// ShareReader is a member that has fetched nothing yet.
func (s *Session) ShareReader(name, group string, topicID [16]byte) *shareReader {
	return &shareReader{peer: s.Peer(name), group: s.Group(group), id: name, topicID: topicID}
}

// shareAck is what a member says of a row of records: one type, or one for each.
type shareAck struct {
	first, last int64
	types       []int8
}

func acks(first, last int64, types ...int8) shareAck { return shareAck{first, last, types} }

// request is the next fetch, which waits for a record.
func (r *shareReader) request(all ...shareAck) *kmsg.ShareFetchRequest {
	req := kmsg.NewPtrShareFetchRequest()
	req.GroupID, req.MemberID, req.ShareSessionEpoch = &r.group, &r.id, r.epoch
	req.MaxWaitMillis, req.MinBytes, req.MaxBytes, req.MaxRecords, req.BatchSize = shareWaitMillis, 1, 1<<20, 500, 500
	t := kmsg.NewShareFetchRequestTopic()
	t.TopicID = r.topicID
	t.Partitions = append(t.Partitions, sharePartition(0, all...))
	req.Topics = append(req.Topics, t)
	return req
}

func sharePartition(index int32, all ...shareAck) kmsg.ShareFetchRequestTopicPartition {
	p := kmsg.NewShareFetchRequestTopicPartition()
	p.Partition = index
	for _, a := range all {
		b := kmsg.NewShareFetchRequestTopicPartitionAcknowledgementBatch()
		b.FirstOffset, b.LastOffset, b.AcknowledgeTypes = a.first, a.last, a.types
		p.AcknowledgementBatches = append(p.AcknowledgementBatches, b)
	}
	return p
}

// Ask sends a fetch and goes on to the next epoch if it is answered well.
func (r *shareReader) Ask(label string, req *kmsg.ShareFetchRequest) *kmsg.ShareFetchResponse {
	resp := r.peer.Ask(label, req).(*kmsg.ShareFetchResponse)
	if resp.ErrorCode == 0 {
		r.epoch++
	}
	return resp
}

// Fetch waits for records.
func (r *shareReader) Fetch(label string, all ...shareAck) *kmsg.ShareFetchResponse {
	return r.Ask(label, r.request(all...))
}

// Look does not wait: for where nothing comes.
func (r *shareReader) Look(label string, all ...shareAck) *kmsg.ShareFetchResponse {
	req := r.request(all...)
	req.MaxWaitMillis = 0
	return r.Ask(label, req)
}

// acknowledgement is a ShareAcknowledge.
func (r *shareReader) acknowledgement(all ...shareAck) *kmsg.ShareAcknowledgeRequest {
	req := kmsg.NewPtrShareAcknowledgeRequest()
	req.GroupID, req.MemberID, req.ShareSessionEpoch = &r.group, &r.id, r.epoch
	t := kmsg.NewShareAcknowledgeRequestTopic()
	t.TopicID = r.topicID
	p := kmsg.NewShareAcknowledgeRequestTopicPartition()
	for _, a := range all {
		b := kmsg.NewShareAcknowledgeRequestTopicPartitionAcknowledgementBatch()
		b.FirstOffset, b.LastOffset, b.AcknowledgeTypes = a.first, a.last, a.types
		p.AcknowledgementBatches = append(p.AcknowledgementBatches, b)
	}
	t.Partitions = append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	return req
}

func (r *shareReader) Acknowledge(label string, all ...shareAck) {
	r.AskAcknowledge(label, r.acknowledgement(all...))
}

func (r *shareReader) AskAcknowledge(label string, req *kmsg.ShareAcknowledgeRequest) {
	if r.peer.Ask(label, req).(*kmsg.ShareAcknowledgeResponse).ErrorCode == 0 {
		r.epoch++
	}
}

// Types of acknowledgements.
const (
	ackGap     = 0
	ackAccept  = 1
	ackRelease = 2
	ackReject  = 3
	ackRenew   = 4
)

func shareFetchStories() []Story {
	story := func(name string, tell func(s *Session)) Story {
		return Story{Name: "share fetch/" + name, Key: kmsg.ShareFetch, Tell: tell}
	}
	since2 := func(name string, tell func(s *Session)) Story {
		st := story(name, tell)
		st.Versions = since(2)
		return st
	}
	return []Story{
		story("records go to one member", func(s *Session) {
			topic, id := s.ShareTopic("t", "g", 1)
			s.Produce(topic, id, 0, s.Batch("a", "b", "c"), s.Batch("d", "e"))
			one, two := s.ShareReader("one", "g", id), s.ShareReader("two", "g", id)
			req := one.request()
			req.MaxRecords = 2
			one.Ask("the first batch", req)
			two.Fetch("the second")
			two.Look("nothing is left")
			one.Fetch("accepted, released, rejected; the released one again", acks(0, 2, ackAccept, ackRelease, ackReject))
			two.Look("a gap, and one that is not there", acks(3, 3, ackAccept), acks(4, 4, ackGap))
			one.Look("the last", acks(1, 1, ackAccept))
			s.Produce(topic, id, 0, s.Batch("f"))
			two.Fetch("a new one")
		}),
		story("what is refused", shareFetchRefusals),
		story("acknowledgements that are refused", shareAckRefusals),
		story("the session changes", func(s *Session) {
			topic, id := s.ShareTopic("t", "g", 2)
			s.Produce(topic, id, 0, s.Batch("a"))
			s.Produce(topic, id, 1, s.Batch("b"))
			r := s.ShareReader("one", "g", id)
			r.Fetch("one partition")
			req := r.request()
			req.Topics[0].Partitions = []kmsg.ShareFetchRequestTopicPartition{sharePartition(1)}
			r.Ask("another one", req)
			req = r.request()
			req.MaxWaitMillis, req.Topics = 0, nil
			r.Ask("nothing new", req)
			req = r.request()
			req.MaxWaitMillis, req.Topics[0].Partitions = 0, []kmsg.ShareFetchRequestTopicPartition{sharePartition(7), sharePartition(1)}
			r.Ask("one that is not there", req)
			req.ShareSessionEpoch, req.Topics = r.epoch, nil
			r.Ask("it is told again", req)
			forgotten := kmsg.NewShareFetchRequestForgottenTopicsData()
			forgotten.TopicID, forgotten.Partitions = id, []int32{7, 1, 9}
			req.ShareSessionEpoch, req.ForgottenTopicsData = r.epoch, append(req.ForgottenTopicsData, forgotten)
			r.Ask("forgotten", req)
			r.epoch = -1
			r.Look("the end, with a last word", acks(0, 0, ackAccept))
			r.epoch = 5
			r.Look("after the end")
		}),
		story("acknowledgements of one of two", func(s *Session) {
			topic, id := s.ShareTopic("t", "g", 2)
			s.Produce(topic, id, 0, s.Batch("a"))
			s.Produce(topic, id, 1, s.Batch("b"))
			r := s.ShareReader("one", "g", id)
			req := r.request()
			req.MinBytes = 75 // more than one batch has
			req.Topics[0].Partitions = append(req.Topics[0].Partitions, sharePartition(1))
			r.Ask("both", req)
			req = r.request(acks(0, 0, ackAccept))
			req.MaxWaitMillis = 0
			req.Topics[0].Partitions = append(req.Topics[0].Partitions, sharePartition(1), sharePartition(9, acks(0, 0, ackAccept)))
			r.Ask("one", req)
		}),
		story("a topic that is not there", func(s *Session) {
			s.ShareTopic("t", "g", 1)
			s.ShareReader("one", "g", unknownID).Look("fetched")
		}),
		story("limits", func(s *Session) {
			topic, id := s.ShareTopic("t", "g", 1)
			for range 4 {
				s.Produce(topic, id, 0, s.Batch("a", "b", "c", "d", "e"))
			}
			r := s.ShareReader("one", "g", id)
			req := r.request()
			req.MaxRecords, req.BatchSize = 7, 4
			r.Ask("to the end of the second batch, in rows", req)
			req = r.request()
			req.MaxRecords, req.MaxWaitMillis = 0, 0
			r.Ask("no records", req)
			req = r.request()
			req.MaxBytes, req.MaxWaitMillis = 0, 0
			r.Ask("no bytes", req)
			r.Acknowledge("released", acks(0, 9, ackRelease))
			req = r.request()
			req.MaxBytes = 1
			r.Ask("a single byte, a batch", req)
			req = r.request()
			req.MaxRecords = 1
			r.Ask("the second again", req)
			req = r.request()
			req.MinBytes, req.MaxWaitMillis = 1<<20, 100
			r.Ask("what there is, in the end", req)
		}),
		story("a record that nobody can process", func(s *Session) {
			topic, id := s.ShareTopic("t", "g", 1)
			s.Produce(topic, id, 0, s.Batch("a", "b", "c", "d", "e", "f", "g", "h"))
			r := s.ShareReader("one", "g", id)
			resp := r.Fetch("the first time")
			for range 14 {
				var back []shareAck
				for _, a := range acquiredIn(resp) {
					back = append(back, acks(a.FirstOffset, a.LastOffset, ackRelease))
				}
				r.Acknowledge("given back", back...) // when that is stored they come again
				resp = r.Fetch("and again")
			}
		}),
		story("few deliveries", func(s *Session) {
			topic, id := s.ShareTopic("t", "g", 1, "share.delivery.count.limit", "2")
			s.Produce(topic, id, 0, s.Batch("a", "b"), s.Batch("c"))
			r := s.ShareReader("one", "g", id)
			r.Fetch("the first time")
			r.Acknowledge("given back", acks(0, 2, ackRelease))
			r.Fetch("the second time")
			r.Acknowledge("given up", acks(0, 2, ackRelease))
			r.Look("nothing is left")
		}),
		story("the start of the log moves", func(s *Session) {
			topic, id := s.ShareTopic("t", "g", 1)
			s.Produce(topic, id, 0, s.Batch("a", "b"), s.Batch("c", "d"), s.Batch("e", "f"))
			s.Quiet(deleteBefore(topic, 0, 3))
			r := s.ShareReader("one", "g", id)
			r.Fetch("what is left")
			r.Acknowledge("released", acks(3, 5, ackRelease, ackAccept, ackRelease))
			r.Fetch("acquired again")
		}),
		story("transactions", func(s *Session) {
			topic, id := s.ShareTopic("t", "g", 1, "share.isolation.level", "read_committed")
			shareTransactions(s, topic, id)
			r := s.ShareReader("one", "g", id)
			r.Fetch("without the aborted ones")
		}),
		story("all of transactions", func(s *Session) {
			topic, id := s.ShareTopic("t", "g", 1)
			shareTransactions(s, topic, id)
			s.ShareReader("one", "g", id).Fetch("with the aborted ones")
		}),
		since2("strict limits", func(s *Session) {
			topic, id := s.ShareTopic("t", "g", 1)
			s.Produce(topic, id, 0, s.Batch("a", "b", "c", "d", "e"), s.Batch("f", "g", "h", "i", "j"))
			r := s.ShareReader("one", "g", id)
			for _, limit := range []int32{3, 1, 4, 10} {
				req := r.request()
				req.ShareAcquireMode, req.MaxRecords, req.BatchSize = 1, limit, 2
				r.Ask("up to the limit", req)
			}
			r.Acknowledge("released", acks(1, 6, ackRelease))
			req := r.request()
			req.ShareAcquireMode, req.MaxRecords = 1, 4
			r.Ask("four of those that come back", req)
			req = r.request()
			req.MaxRecords = 1
			r.Ask("the rest", req)
		}),
		since2("renewals", func(s *Session) {
			topic, id := s.ShareTopic("t", "g", 1)
			s.Produce(topic, id, 0, s.Batch("a", "b", "c"))
			r := s.ShareReader("one", "g", id)
			r.Fetch("fetched")
			renewal := func(all ...shareAck) *kmsg.ShareFetchRequest {
				req := r.request(all...)
				req.IsRenewAck, req.MaxWaitMillis, req.MinBytes, req.MaxBytes, req.MaxRecords = true, 0, 0, 0, 0
				return req
			}
			r.Ask("renewed", renewal(acks(0, 1, ackRenew)))
			r.Ask("renewed and accepted", renewal(acks(0, 2, ackRenew, ackAccept, ackRenew)))
			r.Ask("not one's own", renewal(acks(1, 1, ackRenew)))
			r.Look("not said", acks(0, 0, ackRenew))
			for _, spoil := range []func(*kmsg.ShareFetchRequest){
				func(req *kmsg.ShareFetchRequest) { req.MaxBytes = 1 }, func(req *kmsg.ShareFetchRequest) { req.MinBytes = 1 },
				func(req *kmsg.ShareFetchRequest) { req.MaxRecords = 1 }, func(req *kmsg.ShareFetchRequest) { req.MaxWaitMillis = 1 },
			} {
				req := renewal(acks(0, 0, ackRenew))
				spoil(req)
				r.Ask("records as well", req)
			}
			r.Ask("nothing to renew", renewal())
			s.Quiet(groupConfigs(r.group, "share.renew.acknowledge.enable", "false"))
			r.Ask("not allowed", renewal(acks(0, 0, ackRenew)))
		}),
	}
}

func acquiredIn(resp *kmsg.ShareFetchResponse) []kmsg.ShareFetchResponseTopicPartitionAcquiredRecord {
	if len(resp.Topics) == 0 || len(resp.Topics[0].Partitions) == 0 {
		return nil
	}
	return resp.Topics[0].Partitions[0].AcquiredRecords
}

func shareFetchRefusals(s *Session) {
	topic, id := s.ShareTopic("t", "g", 1)
	s.Produce(topic, id, 0, s.Batch("a"))
	r := s.ShareReader("one", "g", id)
	try := func(label string, change func(*kmsg.ShareFetchRequest)) {
		req := r.request()
		req.MaxWaitMillis = 0
		change(req)
		r.peer.Ask(label, req)
	}
	long := "a-member-whose-id-is-longer-than-uuids"
	try("no group", func(q *kmsg.ShareFetchRequest) { q.GroupID = nil })
	try("no member", func(q *kmsg.ShareFetchRequest) { q.MemberID = nil })
	try("an empty member", func(q *kmsg.ShareFetchRequest) { q.MemberID = ptr("") })
	try("a long member", func(q *kmsg.ShareFetchRequest) { q.MemberID = &long })
	try("no session", func(q *kmsg.ShareFetchRequest) { q.ShareSessionEpoch = 1 })
	try("no session to end", func(q *kmsg.ShareFetchRequest) { q.ShareSessionEpoch = -1 })
	try("an epoch below all", func(q *kmsg.ShareFetchRequest) { q.ShareSessionEpoch = -2 })
	r.Look("acknowledged too early", acks(0, 0, ackAccept))
	r.Fetch("the first")
	try("an epoch too far", func(q *kmsg.ShareFetchRequest) { q.ShareSessionEpoch = 2 })
	stranger := s.ShareReader("stranger", "nobody-is-in-it", id)
	stranger.Fetch("a group that nobody has joined")
	stranger.Fetch("a second time")
	stranger.Fetch("acknowledged there", acks(0, 0, ackAccept))
}

func shareAckRefusals(s *Session) {
	topic, id := s.ShareTopic("t", "g", 1)
	s.Produce(topic, id, 0, s.Batch("a", "b", "c"), s.Batch("d"))
	r, other := s.ShareReader("one", "g", id), s.ShareReader("two", "g", id)
	req := r.request()
	req.MaxRecords = 1
	r.Ask("the first batch", req)
	other.Fetch("the second")
	for _, c := range badAcks() {
		req := r.request(c.acks...)
		req.MaxRecords, req.MaxWaitMillis = 1, 0
		r.Ask(c.label, req)
	}
}

// badAcks are acknowledgements that fail of one who has 0 to 2, somebody else having 3,
// and then some that succeed.
func badAcks() []struct {
	label string
	acks  []shareAck
} {
	return []struct {
		label string
		acks  []shareAck
	}{
		{"backwards", []shareAck{acks(1, 0, ackAccept)}},
		{"without a type", []shareAck{acks(0, 0)}},
		{"too many types", []shareAck{acks(0, 1, ackAccept, ackAccept, ackAccept)}},
		{"too few types", []shareAck{acks(0, 2, ackAccept, ackAccept)}},
		{"no such type", []shareAck{acks(0, 0, 5)}},
		{"below all types", []shareAck{acks(0, 0, -1)}},
		{"a renewal", []shareAck{acks(0, 0, ackRenew)}},
		{"out of order", []shareAck{acks(1, 1, ackAccept), acks(0, 0, ackAccept)}},
		{"twice", []shareAck{acks(0, 0, ackAccept), acks(0, 0, ackAccept)}},
		{"below zero", []shareAck{acks(-5, -5, ackAccept)}},
		{"somebody else's", []shareAck{acks(3, 3, ackAccept)}},
		{"one's own and somebody else's", []shareAck{acks(0, 3, ackAccept)}},
		{"beyond", []shareAck{acks(2, 4, ackAccept)}},
		{"far beyond", []shareAck{acks(9, 9, ackAccept)}},
		{"a good one", []shareAck{acks(0, 0, ackAccept)}},
		{"the same again", []shareAck{acks(0, 0, ackAccept)}},
		{"from there on", []shareAck{acks(0, 2, ackAccept)}},
		{"the others, as gap and rejected", []shareAck{acks(1, 1, ackGap), acks(2, 2, ackReject)}},
	}
}

// shareTransactions writes two transactions that end differently, and a record of none.
func shareTransactions(s *Session, topic string, id [16]byte) {
	one, two := s.Producer("one"), s.Producer("two")
	for _, p := range []*producer{one, two} {
		p.init("a producer")
		s.Quiet(p.addRequest(topic, 0))
		s.Quiet(p.produceRequest(topic, id, 0, p.batch(topic, 0, "a", "b")))
	}
	one.end("aborted", false)
	s.Produce(topic, id, 0, s.Batch("e"))
	two.end("committed", true)
}

func shareAcknowledgeStories() []Story {
	story := func(name string, tell func(s *Session)) Story {
		return Story{Name: "share acknowledge/" + name, Key: kmsg.ShareAcknowledge, Tell: tell}
	}
	return []Story{
		story("what is refused", func(s *Session) {
			topic, id := s.ShareTopic("t", "g", 1)
			s.Produce(topic, id, 0, s.Batch("a", "b", "c"), s.Batch("d"))
			r, other := s.ShareReader("one", "g", id), s.ShareReader("two", "g", id)
			r.Acknowledge("it opens no session", acks(0, 0, ackAccept))
			r.epoch = 1
			r.Acknowledge("no session", acks(0, 0, ackAccept))
			r.epoch = 0
			req := r.request()
			req.MaxRecords = 1
			r.Ask("the first batch", req)
			other.Fetch("the second")
			for _, c := range badAcks() {
				r.Acknowledge(c.label, c.acks...)
			}
			try := func(label string, change func(*kmsg.ShareAcknowledgeRequest)) {
				req := r.acknowledgement(acks(0, 0, ackAccept))
				change(req)
				r.AskAcknowledge(label, req)
			}
			try("no group", func(q *kmsg.ShareAcknowledgeRequest) { q.GroupID = nil })
			try("no member", func(q *kmsg.ShareAcknowledgeRequest) { q.MemberID = nil })
			try("an empty member", func(q *kmsg.ShareAcknowledgeRequest) { q.MemberID = ptr("") })
			try("an epoch too far", func(q *kmsg.ShareAcknowledgeRequest) { q.ShareSessionEpoch += 5 })
			try("no batches", func(q *kmsg.ShareAcknowledgeRequest) { q.Topics[0].Partitions[0].AcknowledgementBatches = nil })
			try("no partitions", func(q *kmsg.ShareAcknowledgeRequest) { q.Topics[0].Partitions = nil })
			try("no topics", func(q *kmsg.ShareAcknowledgeRequest) { q.Topics = nil })
			try("no such partition", func(q *kmsg.ShareAcknowledgeRequest) { q.Topics[0].Partitions[0].Partition = 7 })
			try("no such topic", func(q *kmsg.ShareAcknowledgeRequest) { q.Topics[0].TopicID = unknownID })
			try("the first epoch", func(q *kmsg.ShareAcknowledgeRequest) { q.ShareSessionEpoch = 0 })
		}),
		story("the last word", func(s *Session) {
			topic, id := s.ShareTopic("t", "g", 1)
			s.Produce(topic, id, 0, s.Batch("a", "b"))
			r, other := s.ShareReader("one", "g", id), s.ShareReader("two", "g", id)
			r.Fetch("fetched")
			r.epoch = -1
			r.Acknowledge("one of two, and the end", acks(0, 0, ackAccept))
			r.epoch = -1
			r.Acknowledge("once more", acks(1, 1, ackAccept))
			other.Fetch("what was given back")
		}),
		story("where nothing was fetched", func(s *Session) {
			topic, id := s.ShareTopic("t", "g", 2)
			s.Produce(topic, id, 0, s.Batch("a", "b"))
			r := s.ShareReader("one", "g", id)
			r.Fetch("fetched")
			req := r.acknowledgement(acks(0, 0, ackAccept))
			more := req.Topics[0].Partitions[0]
			more.Partition = 1
			req.Topics[0].Partitions = append(req.Topics[0].Partitions, more)
			r.AskAcknowledge("another partition as well", req)
		}),
		{Name: "share acknowledge/renewals", Key: kmsg.ShareAcknowledge, Versions: since(2), Tell: func(s *Session) {
			topic, id := s.ShareTopic("t", "g", 1)
			s.Produce(topic, id, 0, s.Batch("a", "b", "c"))
			r := s.ShareReader("one", "g", id)
			r.Fetch("fetched")
			renewal := func(all ...shareAck) *kmsg.ShareAcknowledgeRequest {
				req := r.acknowledgement(all...)
				req.IsRenewAck = true
				return req
			}
			r.AskAcknowledge("renewed", renewal(acks(0, 2, ackRenew)))
			r.AskAcknowledge("renewed, accepted", renewal(acks(0, 2, ackRenew, ackAccept, ackRenew)))
			r.AskAcknowledge("none of it", renewal(acks(0, 1, ackRenew)))
			r.Acknowledge("not said", acks(0, 0, ackRenew))
			r.AskAcknowledge("said, and there is none", renewal(acks(0, 0, ackAccept)))
			s.Quiet(groupConfigs(r.group, "share.renew.acknowledge.enable", "false"))
			r.AskAcknowledge("not allowed", renewal(acks(2, 2, ackRenew)))
		}},
	}
}
