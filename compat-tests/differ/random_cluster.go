package differ

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// changeTopics creates, deletes and grows.
func (w *world) changeTopics() {
	passing := &w.topics[passingTopic]
	switch w.number(4) {
	case 0, 1:
		if passing.exists {
			w.deletePassing(passing)
			return
		}
		spec := topicSpec(passing.name, 1+int32(w.number(2)))
		if w.rarely(3) {
			spec = topicSpec(passing.name, 1, "cleanup.policy", pick(w, []string{"compact", "compact,delete", "burn"}))
		}
		w.create(spec, passing)
	case 2:
		w.create(topicSpec(w.topics[0].name, 1), nil)
	case 3:
		req := kmsg.NewPtrCreatePartitionsRequest()
		one := kmsg.NewCreatePartitionsRequestTopic()
		one.Topic, one.Count = passing.name, int32(w.number(4))
		req.TimeoutMillis, req.Topics = 10_000, append(req.Topics, one)
		resp, _ := w.ask(fmt.Sprintf("%s is to have %d partitions", one.Topic, one.Count), req).(*kmsg.CreatePartitionsResponse)
		if resp != nil && resp.Topics[0].ErrorCode == 0 {
			passing.partitions = one.Count
			w.quietly(func() { w.AwaitTopic(passing.name, int(passing.partitions)) })
		}
	}
}

func (w *world) create(spec kmsg.CreateTopicsRequestTopic, made *randomTopic) {
	req := kmsg.NewPtrCreateTopicsRequest()
	req.TimeoutMillis, req.Topics = 10_000, append(req.Topics, spec)
	resp, _ := w.ask("create "+spec.Topic, req).(*kmsg.CreateTopicsResponse)
	if resp == nil || resp.Topics[0].ErrorCode != 0 || made == nil {
		return
	}
	made.exists, made.partitions = true, spec.NumPartitions
	w.quietly(func() {
		made.id = w.AwaitTopic(made.name, int(made.partitions))
		w.ask("created", metadataFor(made.name)) // names its id
	})
}

// deletePassing deletes, and waits until every request feels it.
func (w *world) deletePassing(t *randomTopic) {
	req := kmsg.NewPtrDeleteTopicsRequest()
	one := kmsg.NewDeleteTopicsRequestTopic()
	one.Topic = &t.name
	req.TimeoutMillis, req.TopicNames, req.Topics = 10_000, []string{t.name}, append(req.Topics, one)
	w.ask("delete "+t.name, req)
	t.exists = false
	w.quietly(func() { w.AwaitDeleted(t.name, t.id) })
}

// randomConfigs are settings that change what later steps meet.
var randomConfigs = []alteration{
	{key: "cleanup.policy", value: ptr("compact")}, {key: "cleanup.policy", value: ptr("delete")}, {key: "cleanup.policy", value: ptr("burn")},
	{key: "max.message.bytes", value: ptr("80")}, // a marker fits, and nearly no batch, whoever packs it
	{key: "max.message.bytes", op: opDelete}, {key: "max.message.bytes", op: opDelete},
	{key: "compression.type", value: ptr("gzip")}, {key: "compression.type", value: ptr("producer")}, {key: "compression.type", value: ptr("lz4")},
	{key: "message.timestamp.type", value: ptr("LogAppendTime")}, {key: "message.timestamp.type", value: ptr("CreateTime")},
	{key: "message.timestamp.before.max.ms", value: ptr("300000")}, {key: "message.timestamp.before.max.ms", op: opDelete},
	{key: "cleanup.policy", op: opAppend, value: ptr("delete")}, {key: "cleanup.policy", op: opSubtract, value: ptr("compact")},
	{key: "no.such.key", value: ptr("1")}, {key: "retention.ms", value: ptr("soon")}, {key: "retention.ms", op: opAppend, value: ptr("1")},
}

func (w *world) configure() {
	a := pick(w, randomConfigs)
	t := &w.topics[w.number(2)]
	a.kind = topicResource
	if w.rarely(3) && a.op == opSet {
		w.ask(fmt.Sprintf("set %s of %s alone", a.key, t.name), a.whole(t.name))
	} else {
		w.ask(fmt.Sprintf("set %s of %s, operation %d", a.key, t.name, a.op), a.incremental(t.name))
	}
	w.quietly(func() {
		// One more change that is seen proves that this one is.
		alteration{kind: topicResource, op: opSet, key: "flush.ms", value: ptr(fmt.Sprint(1000 + w.number(1<<20)))}.settle(w.Session, t.name)
	})
	w.ask("configs", describe(topicResource, t.name, a.key))
}

func (w *world) transact() {
	p := pick(w, w.producers)
	if p.id < 0 {
		w.initTransactional(p, p.name+" begins for the first time")
		return
	}
	t, partition := &w.topics[transactionalTopic], int32(w.number(2))
	group := w.Group("txg")
	q := *p
	wrong := ""
	switch w.number(24) {
	case 0:
		q.epoch, wrong = q.epoch+1, ", epoch ahead"
	case 1:
		q.epoch, wrong = q.epoch-1, ", old epoch"
	case 2:
		q.id, wrong = q.id+1_000_000, ", other id"
	}
	what := func(s string) string { return fmt.Sprintf("%s %s%s", p.name, s, wrong) }
	switch w.number(8) {
	case 0:
		if wrong == "" {
			w.initTransactional(p, what("begins"))
		}
	case 1:
		w.ask(what(fmt.Sprintf("adds %s-%d", t.name, partition)), q.addRequest(t.name, partition))
	case 2, 3, 4:
		w.produceTransactional(p, &q, what(fmt.Sprintf("writes to %s-%d", t.name, partition)), t, partition)
	case 5:
		w.ask(what("adds offsets"), q.addOffsetsRequest(group))
		w.ask(what("commits an offset"), q.commitOffsetRequest(group, t.name, t.id, int64(w.number(30))))
	case 6:
		w.endTransaction(p, &q, what("commits"), true)
	case 7:
		w.endTransaction(p, &q, what("aborts"), false)
	}
}

// initTransactional begins, and waits for the end of the transaction that it fences.
func (w *world) initTransactional(p *producer, what string) {
	resp, _ := w.ask(what, p.initRequest()).(*kmsg.InitProducerIDResponse)
	if resp != nil && resp.ErrorCode == 0 {
		p.id, p.epoch, p.sequences = resp.ProducerID, resp.ProducerEpoch, map[topicPartition]int32{}
		return
	}
	w.awaitEnd(p)
}

func (w *world) produceTransactional(p, q *producer, what string, t *randomTopic, partition int32) {
	at := topicPartition{t.name, partition}
	b := w.Batch(w.values(1 + w.number(2))...)
	b.Attributes, b.ProducerID, b.ProducerEpoch, b.BaseSequence = transactional, q.id, q.epoch, q.sequences[at]
	if succeeded(w.ask(what, q.produceRequest(t.name, t.id, partition, b))) {
		p.sequences[at] += int32(len(b.Records))
	}
}

func (w *world) endTransaction(p, q *producer, what string, commit bool) {
	resp, _ := w.ask(what, q.endRequest(commit)).(*kmsg.EndTxnResponse)
	if resp != nil && resp.ErrorCode == 0 && resp.Version >= 5 {
		if resp.ProducerEpoch != p.epoch {
			p.sequences = map[topicPartition]int32{}
		}
		p.id, p.epoch = resp.ProducerID, resp.ProducerEpoch
	}
	w.awaitEnd(p)
}

// awaitEnd waits until no transaction of the producer is about to end.
func (w *world) awaitEnd(p *producer) {
	w.quietly(func() {
		w.Until(describeTransactions(p.name), func(r kmsg.Response) bool {
			switch r.(*kmsg.DescribeTransactionsResponse).TransactionStates[0].State {
			case "PrepareCommit", "PrepareAbort", "PrepareEpochFence":
				return false
			}
			return true
		})
	})
}
