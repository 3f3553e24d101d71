package differ

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

// values are so many values that tell where they come from.
func (w *world) values(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("%s-%d", w.label, i)
	}
	return all
}

// produce writes a plain batch that is as it should be.
func (w *world) produce() {
	t, partition := w.place()
	b := w.Batch(w.values(1 + w.number(4))...)
	at := int64(w.number(20)) * 100
	b.BaseTimestamp += at
	b.MaxTimestamp += at
	w.pack(b)
	req := produceTo(t.name, t.id, partition, b.Encode())
	req.Acks = pick(w, []int16{-1, -1, 1, 1, 2})
	w.ask(fmt.Sprintf("produce to %s-%d", t.name, partition), req)
}

// pack compresses a batch, or not.
func (w *world) pack(b *wire.Batch) {
	codec := []int{0, 0, 0, 1, 2, 3, 4}[w.number(7)]
	if codec > 0 {
		b.Attributes |= int16(codec)
		b.Payload = byCodec(codecs[codec])(wire.EncodeRecords(b.Records))
	}
}

// produceOdd writes what a topic must judge.
func (w *world) produceOdd() {
	t, partition := w.place()
	c := pick(w, append(append([]recordCase{}, recordCases...), compressedCases...))
	w.ask(fmt.Sprintf("produce %q to %s-%d", c.label, t.name, partition), produceTo(t.name, t.id, partition, c.records(w.Session)))
}

// produceInSequence writes as an idempotent producer, sometimes out of order.
func (w *world) produceInSequence() {
	t, partition := w.place()
	p := pick(w, w.sequences)
	at := topicPartition{t.name, partition}
	count := 1 + w.number(3)
	due := p.sequences[at]
	sequence := due
	switch w.number(8) {
	case 0:
		sequence -= int32(count) // perhaps one that was sent
	case 1:
		sequence += 2
	}
	epoch := p.epoch
	switch w.number(16) {
	case 0:
		p.epoch++
		p.sequences = map[topicPartition]int32{}
		epoch, sequence, due = p.epoch, 0, 0
	case 1:
		epoch = max(epoch-1, 0)
	}
	b := w.Batch(w.values(count)...)
	b.ProducerID, b.ProducerEpoch, b.BaseSequence = p.id, epoch, max(sequence, 0)
	resp := w.ask(fmt.Sprintf("producer writes %d+%d to %s-%d, epoch %d", b.BaseSequence, count, t.name, partition, epoch), produceTo(t.name, t.id, partition, b.Encode()))
	if succeeded(resp) && b.BaseSequence == due && epoch == p.epoch {
		p.sequences[at] = due + int32(count)
	}
}

// succeeded tells whether the only partition took its batch.
func succeeded(resp kmsg.Response) bool {
	r, ok := resp.(*kmsg.ProduceResponse)
	return ok && len(r.Topics) == 1 && len(r.Topics[0].Partitions) == 1 && r.Topics[0].Partitions[0].ErrorCode == 0
}

func (w *world) fetch() {
	t, partition := w.place()
	req := fetchFrom(t.name, t.id, partition, int64(w.number(24)-2))
	req.IsolationLevel = int8(w.number(2))
	other := &w.topics[w.number(2)]
	if w.rarely(3) {
		req.Topics = append(req.Topics, fetchTopic(other.name, other.id, fetchPartition(0, 0), fetchPartition(1, int64(w.number(5)))))
	}
	w.ask(fmt.Sprintf("fetch %s-%d at %d", t.name, partition, req.Topics[0].Partitions[0].FetchOffset), req)
}

// fetchInSession opens, uses and misuses one session.
func (w *world) fetchInSession() {
	kind := w.number(10)
	t, partition := w.place()
	part := fetchTopic(t.name, t.id, fetchPartition(partition, int64(w.number(12))))
	var req *kmsg.FetchRequest
	switch {
	case w.session == 0 || kind == 0:
		other := &w.topics[w.number(2)]
		req = sessionFetch(w.session, 0, part)
		if other != t {
			req.Topics = append(req.Topics, fetchTopic(other.name, other.id, fetchPartition(0, 0), fetchPartition(1, 0)))
		}
	case kind == 1:
		req = sessionFetch(w.session, w.epoch+3, part)
	case kind == 2:
		req = sessionFetch(w.session, w.epoch)
		req.ForgottenTopics = append(req.ForgottenTopics, kmsg.FetchRequestForgottenTopic{Topic: t.name, TopicID: t.id, Partitions: []int32{partition}})
	case kind == 3:
		req = sessionFetch(w.session, -1)
	case kind < 7:
		req = sessionFetch(w.session, w.epoch)
	default:
		req = sessionFetch(w.session, w.epoch, part)
	}
	if w.versionOf(int16(kmsg.Fetch)) < 7 {
		req.SessionID, req.SessionEpoch = 0, -1
	}
	resp, _ := w.ask(fmt.Sprintf("session fetch, epoch %d of %d, %s-%d at %d", req.SessionEpoch, w.epoch, t.name, partition, part.Partitions[0].FetchOffset), req).(*kmsg.FetchResponse)
	if resp == nil || resp.Version < 7 {
		return
	}
	w.session = resp.SessionID
	switch {
	case resp.ErrorCode != 0 || resp.SessionID == 0:
		w.session = 0
	case req.SessionEpoch == 0:
		w.epoch = 1
	default:
		w.epoch++
	}
}

func (w *world) listOffsets() {
	t, partition := w.place()
	at := pick(w, []int64{-1, -2, -3, -4, -5, -9, 0, 1, 2, 3})
	if at >= 0 {
		at = w.Base + int64(w.number(20))*100 + at - 1
	}
	req := listOffsets(t.name, partition, at)
	req.IsolationLevel = int8(w.number(2))
	w.ask(fmt.Sprintf("offset of %s-%d at %d", t.name, partition, at-w.Base), req)
}

func (w *world) deleteRecords() {
	t, partition := w.place()
	offset := pick(w, []int64{-1, 0, 1, 2, 3, 4, 6, 9, 99, -2})
	w.ask(fmt.Sprintf("delete %s-%d before %d", t.name, partition, offset), deleteBefore(t.name, partition, offset))
}

// look asks what shows the state of a partition.
func (w *world) look() {
	t, partition := w.place()
	switch w.number(3) {
	case 0:
		const forbidsCreation = 4 // before, topics that are asked for are created
		if !t.exists && w.versionOf(int16(kmsg.Metadata)) < forbidsCreation {
			t = &w.topics[0]
		}
		w.ask("metadata of "+t.name, metadataFor(t.name))
	case 1:
		w.ask("producers of "+t.name, describeProducers(t.name, partition))
	case 2:
		w.ask("configs of "+t.name, describe(topicResource, t.name, "retention.ms", "cleanup.policy", "compression.type", "message.timestamp.type"))
	}
}
