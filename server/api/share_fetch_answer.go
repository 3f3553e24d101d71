package api

import (
	"github.com/barnabas-mq/barnabas/coordinator/share"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/protocol"
	"github.com/barnabas-mq/barnabas/server"
)

// answer encodes the items, with what became of the acknowledgements. kmsg would need
// the records in one piece of memory.
func (c *shareCall) answer(r *Request, acks *ackCall) {
	switch {
	case c.request.ShareSessionEpoch > 0:
		c.api.shareSessions.mentions(c.session, c.items)
	case c.request.ShareSessionEpoch == shareEpochInitial:
		for i := range c.items { // one that could not be read is not told of
			item := &c.items[i]
			item.omit = item.blocked && item.failed == nil
		}
	}
	c.join(acks)
	topics := c.byTopic()
	out := r.Call.Out()
	w := c.begin(out, r.Header, nil)
	n := uint64(len(topics)) + 1
	w.Uvarint(&n)
	out.SetBytes(w.Rest())
	moved := false
	for _, items := range topics {
		w = protocol.NewWriter(r.Header.Version, out.Bytes())
		w.UUID(&items[0].key.topicID)
		n = uint64(len(items)) + 1
		w.Uvarint(&n)
		out.SetBytes(w.Rest())
		for _, item := range items {
			moved = c.appendPartition(r, out, item) || moved
		}
		w = protocol.NewWriter(r.Header.Version, out.Bytes())
		w.Tags()
		out.SetBytes(w.Rest())
	}
	w = protocol.NewWriter(r.Header.Version, out.Bytes())
	c.appendEndpoints(w, r, moved)
	w.Tags()
	out.SetBytes(w.Rest())
	out.End()
}

// answerError answers with a top-level error.
func (c *shareCall) answerError(r *Request, err error) {
	out := r.Call.Out()
	w := c.begin(out, r.Header, err)
	none := uint64(1)
	w.Uvarint(&none) // topics
	w.Uvarint(&none) // endpoints
	w.Tags()
	out.SetBytes(w.Rest())
	out.End()
}

// begin writes what comes before the topics.
func (c *shareCall) begin(out *server.Out, h protocol.Header, err error) *protocol.Coder {
	w := protocol.NewWriter(h.Version, beginAnswer(out, h))
	throttle, code, lock := int32(0), codeOf(err), int32(c.group.ShareRecordLockDuration.Milliseconds())
	var message *string
	w.Int32(&throttle)
	w.Int16(&code)
	w.NullableString(&message)
	w.Int32(&lock)
	return w
}

// join gives the results of acknowledgements to the items, and makes items of those that
// are not answered otherwise.
func (c *shareCall) join(acks *ackCall) {
	at := make(map[sharePartitionKey]int, len(c.items))
	for i := range c.items {
		if !c.items[i].omit {
			at[c.items[i].key] = i
		}
	}
	for i := range acks.partitions {
		ack := &acks.partitions[i]
		index, known := at[ack.key]
		if !known {
			index = len(c.items)
			c.items = append(c.items, shareItem{key: ack.key})
		}
		c.items[index].acknowledged = ack
	}
}

// byTopic groups the items that are told of.
func (c *shareCall) byTopic() (topics [][]*shareItem) {
	at := map[protocol.UUID]int{}
	for i := range c.items {
		item := &c.items[i]
		if item.omit {
			continue
		}
		index, known := at[item.key.topicID]
		if !known {
			index = len(topics)
			at[item.key.topicID] = index
			topics = append(topics, nil)
		}
		topics[index] = append(topics[index], item)
	}
	return topics
}

// appendPartition tells of one partition; true when the member is to look for its leader
// anew.
func (c *shareCall) appendPartition(r *Request, out *server.Out, item *shareItem) (moved bool) {
	records := c.smallCopy(item)
	failed := errorOf(item.failed)
	w := protocol.NewWriter(r.Header.Version, out.Bytes())
	w.Int32(&item.key.index)
	appendError(w, failed, item.share != nil)
	if ack := item.acknowledged; ack != nil {
		appendError(w, errorOf(ack.err), ack.told)
	} else {
		appendError(w, nil, false)
	}
	leader, epoch := int32(0), int32(0)
	if failed != nil && (failed.Code == protocol.ErrNotLeaderOrFollower.Code || failed.Code == protocol.ErrFencedLeaderEpoch.Code) {
		moved = true
		leader, epoch = c.api.Cluster.Self(r.Call.Conn).NodeID, c.api.leaderEpoch(item.key)
	}
	w.Int32(&leader)
	w.Int32(&epoch)
	w.Tags()
	found := item.found
	item.found = shareRecords{} // from here on out owns the chunk, or it was copied
	n := uint64(found.bytes) + 1
	if records != nil {
		n = uint64(len(records)) + 1
	}
	w.Uvarint(&n)
	switch {
	case records != nil:
		out.SetBytes(append(w.Rest(), records...))
	case found.bytes > 0:
		out.SetBytes(w.Rest())
		out.AppendRange(found.chunk.Source, found.position, found.bytes)
	default:
		out.SetBytes(w.Rest())
	}
	w = protocol.NewWriter(r.Header.Version, out.Bytes())
	protocol.Array(w, &found.deliveries, func(w *protocol.Coder, d *share.Delivery) {
		w.Int64((*int64)(&d.First))
		w.Int64((*int64)(&d.Last))
		w.Int16(&d.Count)
		w.Tags()
	})
	w.Tags()
	out.SetBytes(w.Rest())
	return moved
}

// smallCopy reads a small range and checks it, as Fetch does. One that cannot be read
// becomes an error of its partition; the records stay locked until their time is up.
func (c *shareCall) smallCopy(item *shareItem) []byte {
	found := item.found
	if found.bytes == 0 || found.bytes >= copyBelowBytes {
		return nil
	}
	defer found.chunk.Release()
	item.found = shareRecords{}
	records := make([]byte, found.bytes)
	part := found.chunk
	part.Position, part.Bytes = found.position, found.bytes
	one := fetchItem{partition: item.partition, below: item.below}
	if err := readCopy(records, &one, part, found.deliveries[0].First); err != nil {
		c.api.Log.Error("reading records failed", "partition", item.partition.ID().String(), "error", err)
		item.failed = protocol.ErrKafkaStorageError
		return nil
	}
	item.found.deliveries = found.deliveries
	return records
}

// appendError tells of an error; with a text only where Kafka has one.
func appendError(w *protocol.Coder, e *protocol.Error, told bool) {
	code := int16(0)
	var message *string
	if e != nil {
		code = e.Code
		if told {
			message = &e.Message
		}
	}
	w.Int16(&code)
	w.NullableString(&message)
}

// appendEndpoints tells where the leaders are of partitions that said so.
func (c *shareCall) appendEndpoints(w *protocol.Coder, r *Request, moved bool) {
	var all []Endpoint
	if moved {
		all = []Endpoint{c.api.Cluster.Self(r.Call.Conn)}
	}
	protocol.Array(w, &all, func(w *protocol.Coder, e *Endpoint) {
		w.Int32(&e.NodeID)
		w.String(&e.Host)
		w.Int32(&e.Port)
		w.NullableString(&e.Rack)
		w.Tags()
	})
}

// release gives back what was read for an answer that nobody gets.
func (c *shareCall) release() {
	for i := range c.items {
		c.items[i].found.chunk.Release()
		c.items[i].found.chunk = logstore.Chunk{}
	}
}
