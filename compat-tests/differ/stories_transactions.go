package differ

import (
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// transactionKeys are the APIs that a transaction uses; its story is told in each
// version of each, with the first version that can take part.
var transactionKeys = []struct {
	key   kmsg.Key
	since int16
}{
	{kmsg.InitProducerID, 0}, {kmsg.AddPartitionsToTxn, 0}, {kmsg.AddOffsetsToTxn, 0}, {kmsg.TxnOffsetCommit, 0}, {kmsg.EndTxn, 0},
	{kmsg.Produce, 3}, {kmsg.Fetch, 4}, {kmsg.ListOffsets, 2}, {kmsg.OffsetFetch, 1}, {kmsg.DescribeTransactions, 0}, {kmsg.ListTransactions, 0},
	{kmsg.DescribeProducers, 0},
}

func transactionStories() []Story {
	var stories []Story
	for _, k := range transactionKeys {
		stories = append(stories, Story{Name: "transactions/life/" + k.key.Name(), Key: k.key, Versions: since(k.since), Tell: tellTransactions})
	}
	refusals := []struct {
		key  kmsg.Key
		tell func(s *Session)
	}{
		{kmsg.InitProducerID, tellInitRefusals}, {kmsg.AddPartitionsToTxn, tellAddRefusals}, {kmsg.AddOffsetsToTxn, tellAddOffsetsRefusals},
		{kmsg.TxnOffsetCommit, tellTxnOffsetRefusals}, {kmsg.EndTxn, tellEndRefusals},
		{kmsg.WriteTxnMarkers, tellMarkers}, {kmsg.DescribeTransactions, tellDescribeTransactions}, {kmsg.ListTransactions, tellListTransactions},
	}
	for _, r := range refusals {
		stories = append(stories, Story{Name: "transactions/refused/" + r.key.Name(), Key: r.key, Tell: r.tell})
	}
	return append(stories,
		Story{Name: "transactions/produce refused", Key: kmsg.Produce, Versions: since(3), Tell: tellProduceRefusals},
		Story{Name: "transactions/wrong in two ways", Key: kmsg.Produce, Versions: between(3, 11), Tell: func(s *Session) {
			topic, id := s.MakeTopic("t", 1, "message.timestamp.before.max.ms", "1000")
			p := s.Producer("tx")
			p.init("the producer begins")
			s.Try("partition not added, and too late", p.produceRequest(topic, id, 0, p.batch(topic, 0, "a")))
		}},
		Story{Name: "transactions/start deleted", Key: kmsg.DeleteRecords, Tell: func(s *Session) {
			topic, id := s.MakeTopic("t", 1)
			p := s.Producer("tx")
			p.init("the producer begins")
			s.Ask("adds", p.addRequest(topic, 0))
			s.Ask("writes", p.produceRequest(topic, id, 0, p.batch(topic, 0, "a", "b")))
			s.Produce(topic, id, 0, s.Batch("c", "d", "e", "f"))
			s.Ask("deletes inside the batch behind it", deleteBefore(topic, 0, 3))
			s.Ask("what is left", fetchFrom(topic, id, 0, 3))
			p.end("commits", true)
			s.Ask("when it has ended", committedFrom(topic, id, 0, 3))
		}},
		Story{Name: "transactions/log append time", Key: kmsg.EndTxn, Tell: func(s *Session) {
			topic, id := s.MakeTopic("t", 1, "message.timestamp.type", "LogAppendTime")
			p := s.Producer("tx")
			p.init("the producer begins")
			s.Ask("adds", p.addRequest(topic, 0))
			s.Ask("writes", p.produceRequest(topic, id, 0, p.batch(topic, 0, "a")))
			p.end("commits", true)
			s.Ask("what was stored", fetchFrom(topic, id, 0, 0))
		}},
		Story{Name: "transactions/ended twice", Key: kmsg.EndTxn, Tell: tellEndedTwice},
		Story{Name: "transactions/find coordinator", Key: kmsg.FindCoordinator, Versions: since(1), Tell: func(s *Session) {
			for _, id := range []string{"x", ""} {
				req := kmsg.NewPtrFindCoordinatorRequest()
				req.CoordinatorType, req.CoordinatorKey, req.CoordinatorKeys = 1, id, []string{id}
				s.Ask(fmt.Sprintf("coordinator of %q", id), req)
			}
		}})
}

// look asks everything that shows a transaction.
func (p *producer) look(when, topic string, id [16]byte, group string) {
	s := p.session
	s.Ask(when+": everything", fetchFrom(topic, id, 0, 0))
	s.Ask(when+": what is committed", committedFrom(topic, id, 0, 0))
	stable := listOffsets(topic, 0, -1)
	stable.IsolationLevel = 1
	s.Ask(when+": end of what is committed", stable)
	s.Ask(when+": offsets", offsetsOf(group, offsetTopic(topic, id, 0)))
	s.Ask(when+": stable offsets", edited(offsetsOf(group, offsetTopic(topic, id, 0)), func(r *kmsg.OffsetFetchRequest) { r.RequireStable = true }))
	s.Ask(when+": described", describeTransactions(p.name))
	s.Ask(when+": listed", listTransactions(func(r *kmsg.ListTransactionsRequest) { r.ProducerIDFilters = []int64{p.id} }))
	s.Ask(when+": producers", describeProducers(topic, 0, 1))
}

// tellTransactions is the life of a producer: a commit, an abort, a commit, each of
// records and offsets.
func tellTransactions(s *Session) {
	topic, id := s.MakeTopic("t", 2)
	group := s.Group("g")
	p := s.Producer("tx")
	p.init("the producer begins")
	p.look("fresh", topic, id, group)
	for round, commit := range []bool{true, false, true} {
		name := fmt.Sprintf("round %d", round)
		s.Ask(name+" adds partitions", p.addRequest(topic, 0, 1))
		s.Ask(name+" adds one again", p.addRequest(topic, 1))
		s.Ask(name+" writes", p.produceRequest(topic, id, 0, p.batch(topic, 0, "a", "b")))
		s.Ask(name+" writes more", p.produceRequest(topic, id, 0, p.batch(topic, 0, "c")))
		s.Ask(name+" writes elsewhere", p.produceRequest(topic, id, 1, p.batch(topic, 1, "d")))
		s.Ask(name+" adds offsets", p.addOffsetsRequest(group))
		s.Ask(name+" commits an offset", p.commitOffsetRequest(group, topic, id, int64(10+round)))
		p.look(name+" open", topic, id, group)
		p.end(name+" ends", commit)
		p.look(name+" ended", topic, id, group)
	}
	p.init("the producer begins again")
	p.look("begun again", topic, id, group)
}

func tellInitRefusals(s *Session) {
	p := s.Producer("tx")
	for _, timeout := range []int32{0, -1, 900_001} {
		s.Ask(fmt.Sprintf("timeout %d", timeout), edited(p.initRequest(), func(r *kmsg.InitProducerIDRequest) { r.TransactionTimeoutMillis = timeout }))
	}
	s.Ask("empty id", edited(p.initRequest(), func(r *kmsg.InitProducerIDRequest) { r.TransactionalID = ptr("") }))
	s.Ask("longest timeout", edited(p.initRequest(), func(r *kmsg.InitProducerIDRequest) { r.TransactionTimeoutMillis = 900_000 }))
	p.init("again")
	claim := func(label string, id int64, epoch int16) {
		s.Ask(label, edited(p.initRequest(), func(r *kmsg.InitProducerIDRequest) { r.ProducerID, r.ProducerEpoch = id, epoch }))
	}
	if s.Version >= 3 {
		claim("with the right id and epoch", p.id, p.epoch)
		claim("the same once more", p.id, p.epoch)
		claim("with an epoch from the future", p.id, p.epoch+50)
		claim("with another id", p.id+1_000_000, 0)
		claim("id without epoch", p.id, -1)
		claim("epoch without id", -1, 1)
		fresh := s.Producer("fresh")
		s.Ask("a fresh one claims an id", edited(fresh.initRequest(), func(r *kmsg.InitProducerIDRequest) { r.ProducerID, r.ProducerEpoch = 12345, 3 }))
	}
	topic, id := s.MakeTopic("t", 1)
	p.init("before a transaction")
	s.Ask("a transaction is open", p.addRequest(topic, 0))
	s.Ask("a write", p.produceRequest(topic, id, 0, p.batch(topic, 0, "a")))
	s.Ask("fenced by a second one", p.initRequest())
	p.await(completeAbort)
	s.Ask("the first one ends", p.endRequest(true))
	s.Ask("the first one writes", p.produceRequest(topic, id, 0, p.batch(topic, 0, "b")))
	p.init("the second one goes on")
	s.Ask("what was stored", fetchFrom(topic, id, 0, 0))
}

// wrong calls fn for a producer whose id or epoch is not the right one.
func (p *producer) wrong(fn func(label string, p *producer)) {
	for _, c := range []struct {
		label string
		edit  func(p *producer)
	}{
		{"epoch from the future", func(p *producer) { p.epoch++ }}, {"old epoch", func(p *producer) { p.epoch-- }},
		{"other producer id", func(p *producer) { p.id += 1_000_000 }}, {"negative producer id", func(p *producer) { p.id = -1 }},
		{"unknown transactional id", func(p *producer) { p.name += "-never-made" }}, {"empty transactional id", func(p *producer) { p.name = "" }},
	} {
		q := *p
		c.edit(&q)
		fn(c.label, &q)
	}
}

func tellAddRefusals(s *Session) {
	topic, _ := s.MakeTopic("t", 2)
	p := s.Producer("tx")
	p.init("the producer begins")
	p.init("and again")
	p.wrong(func(label string, q *producer) { s.Ask(label, q.addRequest(topic, 0)) })
	s.Ask("unknown partition", p.addRequest(topic, 0, 9))
	s.Ask("unknown topic", p.addRequest(unknownTopic, 0))
	s.Ask("known and unknown", edited(p.addRequest(unknownTopic, 0), func(r *kmsg.AddPartitionsToTxnRequest) {
		r.Topics = append(r.Topics, kmsg.AddPartitionsToTxnRequestTopic{Topic: topic, Partitions: []int32{1}})
		r.Transactions[0].Topics = append(r.Transactions[0].Topics, kmsg.AddPartitionsToTxnRequestTransactionTopic{Topic: topic, Partitions: []int32{1}})
	}))
	s.Ask("no partitions", p.addRequest(topic))
	s.Ask("no topics", edited(p.addRequest(topic), func(r *kmsg.AddPartitionsToTxnRequest) { r.Topics, r.Transactions[0].Topics = nil, nil }))
	s.Ask("internal topic", p.addRequest("__consumer_offsets", 0))
	if s.Version >= 4 {
		verify := func(label string, partitions ...int32) {
			s.Ask(label, edited(p.addRequest(topic, partitions...), func(r *kmsg.AddPartitionsToTxnRequest) { r.Transactions[0].VerifyOnly = true }))
		}
		verify("verified before it is added", 0)
		s.Ask("added", p.addRequest(topic, 0))
		verify("verified", 0)
		verify("one of two is there", 0, 1)
		both := p.addRequest(topic, 1)
		other := s.Producer("other")
		other.init("another producer")
		both.Transactions = append(both.Transactions, other.addRequest(topic, 1).Transactions...)
		s.Ask("two transactions", both)
		// No transaction at all is left out: Apache Kafka 4.3.1 never answers it.
	}
}

func tellAddOffsetsRefusals(s *Session) {
	p := s.Producer("tx")
	p.init("the producer begins")
	p.init("and again")
	p.wrong(func(label string, q *producer) { s.Ask(label, q.addOffsetsRequest(s.Group("g"))) })
	s.Ask("empty group", p.addOffsetsRequest(""))
	s.Ask("right", p.addOffsetsRequest(s.Group("g")))
	s.Ask("right again", p.addOffsetsRequest(s.Group("g")))
}

func tellTxnOffsetRefusals(s *Session) {
	topic, id := s.MakeTopic("t", 1)
	p := s.Producer("tx")
	p.init("the producer begins")
	p.init("and again")
	m := s.Member("a", "g", topic)
	m.stable("a")
	simple := s.Group("simple")
	if s.Version < 5 { // from then on the commit adds the group itself
		s.Ask("before the group is added", p.commitOffsetRequest(simple, topic, id, 1))
	}
	s.Ask("adds the group", p.addOffsetsRequest(simple))
	s.Ask("adds the group of members", p.addOffsetsRequest(m.group))
	p.wrong(func(label string, q *producer) { s.Ask(label, q.commitOffsetRequest(simple, topic, id, 2)) })
	commit := func(label, group string, edit func(r *kmsg.TxnOffsetCommitRequest)) {
		s.Ask(label, edited(p.commitOffsetRequest(group, topic, id, 3), edit))
	}
	commit("right", simple, func(*kmsg.TxnOffsetCommitRequest) {})
	commit("empty group", "", func(*kmsg.TxnOffsetCommitRequest) {})
	commit("unknown topic", simple, func(r *kmsg.TxnOffsetCommitRequest) { r.Topics[0].Topic, r.Topics[0].TopicID = unknownTopic, unknownID })
	commit("unknown partition", simple, func(r *kmsg.TxnOffsetCommitRequest) { r.Topics[0].Partitions[0].Partition = 9 })
	commit("note too long", simple, func(r *kmsg.TxnOffsetCommitRequest) {
		r.Topics[0].Partitions[0].Metadata = ptr(strings.Repeat("x", 4097))
	})
	commit("no note", simple, func(r *kmsg.TxnOffsetCommitRequest) { r.Topics[0].Partitions[0].Metadata = nil })
	commit("no topics", simple, func(r *kmsg.TxnOffsetCommitRequest) { r.Topics = nil })
	commit("group with members, by nobody", m.group, func(*kmsg.TxnOffsetCommitRequest) {})
	if s.Version >= 3 {
		as := func(label, group, member string, generation int32, instance *string) {
			commit(label, group, func(r *kmsg.TxnOffsetCommitRequest) {
				r.MemberID, r.Generation, r.InstanceID = member, generation, instance
			})
		}
		as("by the member", m.group, m.id, m.generation, nil)
		as("by the member, other generation", m.group, m.id, m.generation+1, nil)
		as("by a stranger", m.group, "nobody", m.generation, nil)
		as("by an unknown instance", m.group, m.id, m.generation, ptr("i-1"))
		as("generation in an unknown group", s.Group("never-made"), "nobody", 5, nil)
	}
	p.end("ends", true)
	s.Ask("committed by nobody", offsetsOf(simple, offsetTopic(topic, id, 0)))
	s.Ask("committed by members", offsetsOf(m.group, offsetTopic(topic, id, 0)))
}

func tellEndRefusals(s *Session) {
	topic, _ := s.MakeTopic("t", 1)
	p := s.Producer("tx")
	p.init("the producer begins")
	p.init("and again")
	s.Ask("commits nothing", p.endRequest(true))
	s.Ask("adds", p.addRequest(topic, 0))
	p.wrong(func(label string, q *producer) { s.Ask(label, q.endRequest(true)) })
	p.end("commits", true)
	p.wrong(func(label string, q *producer) { s.Ask(label+" after the commit", q.endRequest(true)) })
}

// tellEndedTwice is what a producer hears that ends what is ended, as it does when an
// answer was lost.
func tellEndedTwice(s *Session) {
	topic, _ := s.MakeTopic("t", 1)
	for _, first := range []bool{true, false} {
		for _, second := range []bool{true, false} {
			label := fmt.Sprintf("commit %v, then %v", first, second)
			p := s.Producer(label)
			p.init(label + ": begins")
			s.Ask(label+": adds", p.addRequest(topic, 0))
			old := *p
			p.end(label+": ends", first)
			s.Ask(label+": once more", old.endRequest(second))
			if s.Version >= 5 && !(second && !first) {
				// The epoch may have moved on by an empty abort.
				s.Ask(label+": with the new epoch", p.endRequest(second))
			}
		}
	}
	p := s.Producer("empty")
	p.init("empty: begins")
	if s.Version < 5 {
		s.Ask("empty: aborts", p.endRequest(false))
		return
	}
	old := *p
	p.end("empty: aborts", false)
	s.Ask("empty: once more", old.endRequest(false))
	s.Ask("empty: with the new epoch", p.endRequest(false))
}

func tellProduceRefusals(s *Session) {
	topic, id := s.MakeTopic("t", 2)
	p := s.Producer("tx")
	p.init("the producer begins")
	p.init("and again")
	if s.Version < 12 { // from then on the batch adds its partition itself
		s.Try("partition not added", p.produceRequest(topic, id, 0, p.batch(topic, 0, "a")))
		p.sequences = map[topicPartition]int32{}
	}
	s.Ask("adds", p.addRequest(topic, 0, 1))
	p.wrong(func(label string, q *producer) {
		b := s.Batch("x")
		b.Attributes, b.ProducerID, b.ProducerEpoch, b.BaseSequence = transactional, q.id, q.epoch, 0
		s.Try(label, q.produceRequest(topic, id, 0, b))
	})
	s.Ask("right", p.produceRequest(topic, id, 0, p.batch(topic, 0, "b")))
	plain := p.batch(topic, 0, "c")
	plain.Attributes = 0
	s.Ask("not transactional, while one is open", produceTo(topic, id, 0, plain.Encode()))
	p.sequences[topicPartition{topic, 0}]--
	s.Ask("transactional id, but a plain batch", p.produceRequest(topic, id, 1, s.Batch("d")))
	noID := p.batch(topic, 0, "e")
	s.Ask("no transactional id in the request", produceTo(topic, id, 0, noID.Encode()))
	p.sequences[topicPartition{topic, 0}]--
	two := p.produceRequest(topic, id, 0, p.batch(topic, 0, "f"))
	other := s.Batch("g")
	other.Attributes, other.ProducerID, other.ProducerEpoch, other.BaseSequence = transactional, p.id+1_000_000, 0, 0
	two.Topics[0].Partitions = append(two.Topics[0].Partitions, produceTopic(topic, id, 1, other.Encode()).Partitions...)
	s.Try("two producers in one request", two)
	s.Ask("what was stored", fetchFrom(topic, id, 0, 0))
}

func tellMarkers(s *Session) {
	topic, id := s.MakeTopic("t", 2)
	p := s.Producer("tx")
	p.init("the producer begins")
	p.init("and again")
	s.Ask("adds", p.addRequest(topic, 0))
	s.Ask("writes", p.produceRequest(topic, id, 0, p.batch(topic, 0, "a")))
	marker := func(edit func(m *kmsg.WriteTxnMarkersRequestMarker)) *kmsg.WriteTxnMarkersRequest {
		m := kmsg.NewWriteTxnMarkersRequestMarker()
		m.ProducerID, m.ProducerEpoch, m.CoordinatorEpoch = p.id, p.epoch, 0
		m.Topics = []kmsg.WriteTxnMarkersRequestMarkerTopic{{Topic: topic, Partitions: []int32{0}}}
		edit(&m)
		req := kmsg.NewPtrWriteTxnMarkersRequest()
		req.Markers = append(req.Markers, m)
		return req
	}
	s.Ask("none", edited(marker(func(*kmsg.WriteTxnMarkersRequestMarker) {}), func(r *kmsg.WriteTxnMarkersRequest) { r.Markers = nil }))
	s.Ask("unknown topic", marker(func(m *kmsg.WriteTxnMarkersRequestMarker) { m.Topics[0].Topic = unknownTopic }))
	s.Ask("unknown partition", marker(func(m *kmsg.WriteTxnMarkersRequestMarker) { m.Topics[0].Partitions = []int32{0, 9} }))
	s.Ask("still open", committedFrom(topic, id, 0, 0))
	s.Ask("partition without the producer", marker(func(m *kmsg.WriteTxnMarkersRequestMarker) { m.Topics[0].Partitions = []int32{1} }))
	s.Ask("a newer coordinator commits", marker(func(m *kmsg.WriteTxnMarkersRequestMarker) { m.CoordinatorEpoch, m.Committed = 5, true }))
	s.Ask("an older coordinator", marker(func(m *kmsg.WriteTxnMarkersRequestMarker) { m.CoordinatorEpoch = 4 }))
	s.Ask("an older epoch", marker(func(m *kmsg.WriteTxnMarkersRequestMarker) { m.CoordinatorEpoch, m.ProducerEpoch = 5, p.epoch-1 }))
	s.Ask("a negative epoch", marker(func(m *kmsg.WriteTxnMarkersRequestMarker) { m.ProducerEpoch = -1 }))
	none := marker(func(m *kmsg.WriteTxnMarkersRequestMarker) { m.Topics = nil })
	s.Ask("no topics", none)
	none.Markers = append(none.Markers, marker(func(m *kmsg.WriteTxnMarkersRequestMarker) { m.ProducerID, m.CoordinatorEpoch = p.id+1_000_000, 5 }).Markers...)
	s.Ask("no topics, and another marker", none)
	s.Ask("what was stored", committedFrom(topic, id, 0, 0))
	s.Ask("and elsewhere", fetchFrom(topic, id, 1, 0))
	s.Ask("producers", describeProducers(topic, 0, 1))
}

func tellDescribeTransactions(s *Session) {
	p := s.Producer("tx")
	p.init("the producer begins")
	s.Ask("unknown", describeTransactions(s.Group("never-made")))
	s.Ask("empty id", describeTransactions(""))
	s.Ask("none", describeTransactions())
	s.Ask("one twice, one unknown", describeTransactions(p.name, p.name, s.Group("never-made")))
}

func tellListTransactions(s *Session) {
	topic, _ := s.MakeTopic("t", 1)
	open, empty := s.Producer("open"), s.Producer("empty")
	open.init("one begins")
	empty.init("another begins")
	s.Ask("adds", open.addRequest(topic, 0))
	both := []int64{open.id, empty.id}
	for _, c := range []struct {
		label  string
		since  int16
		states []string
		edit   func(r *kmsg.ListTransactionsRequest)
	}{
		{"by producer", 0, nil, nil},
		{"ongoing", 0, []string{"Ongoing"}, nil},
		{"empty ones", 0, []string{"Empty"}, nil},
		{"two states", 0, []string{"Empty", "Ongoing"}, nil},
		{"unknown state", 0, []string{"Sleeping"}, nil},
		{"known and unknown state", 0, []string{"Ongoing", "Sleeping"}, nil},
		{"state in small letters", 0, []string{"ongoing"}, nil},
		{"open for an hour", 1, nil, func(r *kmsg.ListTransactionsRequest) { r.DurationFilterMillis = 3_600_000 }},
		{"open for no time", 1, nil, func(r *kmsg.ListTransactionsRequest) { r.DurationFilterMillis = 0 }},
		{"by pattern", 2, nil, func(r *kmsg.ListTransactionsRequest) { r.TransactionalIDPattern = ptr(".*-open") }},
		{"pattern that is part of a name", 2, nil, func(r *kmsg.ListTransactionsRequest) { r.TransactionalIDPattern = ptr("open") }},
		{"empty pattern", 2, nil, func(r *kmsg.ListTransactionsRequest) { r.TransactionalIDPattern = ptr("") }},
		{"broken pattern", 2, nil, func(r *kmsg.ListTransactionsRequest) { r.TransactionalIDPattern = ptr("(") }},
	} {
		if s.Version < c.since {
			continue
		}
		s.Ask(c.label, listTransactions(func(r *kmsg.ListTransactionsRequest) {
			r.ProducerIDFilters, r.StateFilters = both, c.states
			if c.edit != nil {
				c.edit(r)
			}
		}))
	}
	s.Ask("unknown producer", listTransactions(func(r *kmsg.ListTransactionsRequest) { r.ProducerIDFilters = []int64{1 << 50} }))
}
