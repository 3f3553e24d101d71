package api

import (
	"cmp"
	"slices"

	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/protocol"
	"github.com/barnabas-mq/barnabas/server"
)

// answer encodes the items. Consecutive partitions of one topic share its header.
func (c *fetchCall) answer(r *Request) {
	c.sortItems()
	sessionID := c.closeContext()
	version := c.header.Version
	out := r.Call.Out()
	b := beginAnswer(out, c.header)
	out.SetBytes(protocol.AppendFetchStart(b, version, 0, 0, sessionID, c.groups()))
	for i := 0; i < len(c.items); {
		if c.items[i].omit {
			i++
			continue
		}
		i = c.appendTopic(out, i)
	}
	out.SetBytes(protocol.AppendFetchEnd(out.Bytes(), version, nil))
	out.End()
}

// sortItems puts what the log was not asked for behind the rest, topics that no id names
// before partitions that are missing, as in Kafka (KafkaApis.handleFetchRequest). A new
// session keeps this order.
func (c *fetchCall) sortItems() {
	for i := range c.items { // an item is too large to be copied in every request
		if c.items[i].rank() > 0 {
			slices.SortStableFunc(c.items, func(a, b fetchItem) int { return cmp.Compare(a.rank(), b.rank()) })
			return
		}
	}
}

func (i *fetchItem) rank() int {
	switch i.failed {
	case protocol.ErrUnknownTopicID:
		return 1
	case protocol.ErrUnknownTopicOrPartition:
		return 2
	}
	return 0
}

// sameTopic tells whether two items are of one topic, and so share its header.
func (c *fetchCall) sameTopic(i, j int) bool {
	return c.items[i].key.name == c.items[j].key.name && c.items[i].key.id == c.items[j].key.id
}

// groups counts the topic headers.
func (c *fetchCall) groups() int {
	n, last := 0, -1
	for i := range c.items {
		if c.items[i].omit {
			continue
		}
		if last < 0 || !c.sameTopic(last, i) {
			n++
		}
		last = i
	}
	return n
}

// appendTopic appends the topic that begins at item first and returns the index
// after its last item.
func (c *fetchCall) appendTopic(out *server.Out, first int) int {
	n, end := 0, first
	for ; end < len(c.items) && (c.items[end].omit || c.sameTopic(first, end)); end++ {
		if !c.items[end].omit {
			n++
		}
	}
	key := c.items[first].key
	out.SetBytes(protocol.AppendFetchTopic(out.Bytes(), c.header.Version, key.name, key.id, n))
	for i := first; i < end; i++ {
		if !c.items[i].omit {
			c.appendPartition(out, &c.items[i])
		}
	}
	out.SetBytes(protocol.AppendFetchTopicEnd(out.Bytes(), c.header.Version))
	return end
}

func (c *fetchCall) appendPartition(out *server.Out, item *fetchItem) {
	version, chunk := c.header.Version, item.chunk
	item.chunk = logstore.Chunk{} // from here on out or the copy below owns it
	if n := chunk.Bytes + len(item.converted); n > 0 {
		item.partition.CountRead(n)
	}
	b := out.Bytes()
	switch {
	case item.converted != nil:
		b = protocol.AppendFetchPartition(b, version, &item.result, len(item.converted))
		b = append(b, item.converted...)
	case chunk.Bytes == 0:
		chunk.Release()
		b = protocol.AppendFetchPartition(b, version, &item.result, 0)
	case chunk.Bytes < copyBelowBytes:
		b = c.appendCopy(b, item, chunk)
	default:
		out.SetBytes(protocol.AppendFetchPartition(b, version, &item.result, chunk.Bytes))
		out.AppendRange(chunk.Source, chunk.Position, chunk.Bytes)
		b = out.Bytes()
	}
	out.SetBytes(protocol.AppendFetchPartitionEnd(b, version, &item.result))
}

// appendCopy copies a small range. One that cannot be read becomes an error of its
// partition.
func (c *fetchCall) appendCopy(b []byte, item *fetchItem, chunk logstore.Chunk) []byte {
	defer chunk.Release()
	before := len(b)
	b = protocol.AppendFetchPartition(b, c.header.Version, &item.result, chunk.Bytes)
	at := len(b)
	b = append(b, make([]byte, chunk.Bytes)...)
	if err := readCopy(b[at:], item, chunk, item.want.offset); err != nil {
		c.api.Log.Error("reading records failed", "topic", item.key.name, "partition", item.key.index, "error", err)
		item.fail(c.failureCode(protocol.ErrKafkaStorageError))
		return protocol.AppendFetchPartition(b[:before], c.header.Version, &item.result, 0)
	}
	return b
}

// readCopy reads a small range and checks it: the bytes are at hand, and a CRC over
// 16 KiB takes a microsecond. Kafka leaves this to the consumer, as we do for what
// goes from the page cache to the socket.
func readCopy(to []byte, item *fetchItem, chunk logstore.Chunk, from protocol.Offset) error {
	if n, err := chunk.Source.ReadAt(to, chunk.Position); n < len(to) {
		return err
	}
	if err := chunk.VerifyCopy(to, from, item.below); err != nil {
		in := logstore.ReadInput{From: from, Below: item.below}
		return item.partition.Log().Damaged(chunk, in, err)
	}
	return nil
}

// answerError answers with a top-level error, which is always one of sessions.
func (c *fetchCall) answerError(r *Request, code int16) {
	version := c.header.Version
	out := r.Call.Out()
	b := protocol.AppendFetchStart(beginAnswer(out, c.header), version, 0, code, 0, 0)
	out.SetBytes(protocol.AppendFetchEnd(b, version, nil))
	out.End()
}
