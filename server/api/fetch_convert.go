package api

// Clients before version 4 of Fetch (Kafka 0.10 and older) know message sets only.
// Batches are read, checked and converted while the answer is made, in bounded memory:
// barnabas.fetch.conversion.max.bytes is for all records of an answer. Sources: Kafka
// 3.9, KafkaApis.handleFetchRequest and RecordsUtil.downConvert; Kafka 4 dropped it.
//
// Kafka answers with as many bytes as the batches had, fills up what the conversion left
// with the head of a message that does not exist, and refuses zstd. Here an answer ends with a
// whole message; below version 3 each partition gives at least one if it has any, from
// version 3 on the answer does; and what holds only markers is passed over.

import (
	"slices"
	"sync"

	"github.com/barnabas-mq/barnabas/config"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/partition"
	"github.com/barnabas-mq/barnabas/protocol"
)

// fetchBatches is the first version with batches of format 2.
const fetchBatches = 4

// conversion is the memory of one answer with converted records.
type conversion struct {
	raw  []byte // batches as the log has them
	sets []byte // of the items that are done
	set  protocol.MessageSet
	left int // bytes of records that may still be converted
}

// conversions are kept unless they have grown large with one large batch.
var conversions = sync.Pool{New: func() any { return &conversion{} }}

const conversionKeptBytes = 16 << 20

// begin forgets what an earlier look at the partitions has found.
func (v *conversion) begin(settings *config.Broker) {
	v.sets, v.left = v.sets[:0], settings.FetchConversionBytesMax
}

// endConversion gives the memory back when the answer is made.
func (c *fetchCall) endConversion() {
	v := c.conversion
	c.conversion, c.firstItem = nil, 0
	for i := range c.items {
		c.items[i].converted = nil
	}
	if cap(v.raw)+cap(v.sets)+v.set.Held() <= conversionKeptBytes {
		conversions.Put(v)
	}
}

// beginTurn finds the item to read first. Below version 3 clients name their partitions
// in the same order each time, and what an answer did not reach comes first in the next.
func (c *fetchCall) beginTurn() {
	c.firstItem = 0
	if c.header.Version < 3 && c.unreached != (partitionKey{}) {
		same := func(item fetchItem) bool { return item.key == c.unreached }
		c.firstItem = max(slices.IndexFunc(c.items, same), 0)
	}
	c.unreached = partitionKey{}
}

// turn is the place of the item that is read as the ith.
func (c *fetchCall) turn(i int) int {
	if i += c.firstItem; i >= len(c.items) {
		i -= len(c.items)
	}
	return i
}

// nothing says that a partition has no record for old clients between two offsets.
type nothing struct{ from, to protocol.Offset }

// readConverted reads until there is a record to answer with.
func (c *fetchCall) readConverted(item *fetchItem, in logstore.ReadInput) error {
	v := c.conversion
	if v.left <= 0 {
		if c.unreached == (partitionKey{}) {
			c.unreached = item.key
		}
		c.ready = true // there may be more, for the next request
		return nil
	}
	c.charge.rest()
	select {
	case c.api.converting <- struct{}{}:
		c.charge.work()
		defer func() { <-c.api.converting }()
	case <-c.done:
		return nil
	}
	magic := int8(0)
	if c.header.Version >= 2 {
		magic = 1
	}
	v.set.Reset(magic, in.From, protocol.MessageSetLimits{SetBytes: in.MaxBytes, MessageBytes: v.left})
	in.AtLeastOne = in.AtLeastOne || c.header.Version < 3 // from version 3 on the client turns its list
	if known, ok := c.empty[item.partition]; ok && known.from == in.From && in.From >= item.result.LogStartOffset {
		in.From = known.to
	}
	limits := protocol.DecodeLimits{MaxBytes: c.settings.BatchDecompressedBytesMax}
	for more := true; more; more = len(v.set.Bytes()) == 0 && in.From < in.Below && !c.ended() {
		chunk, err := item.partition.Read(in)
		if err != nil || chunk.Bytes == 0 {
			chunk.Release()
			return err
		}
		err = v.convert(item, chunk, in.From, limits)
		if err != nil && len(v.set.Bytes()) == 0 {
			return err // else the client learns of it when it asks for what comes next
		}
		in.From = chunk.End
	}
	if len(v.set.Bytes()) == 0 {
		c.remember(item, in.From)
		return nil
	}
	v.left -= v.set.Taken()
	c.ready = c.ready || v.set.Full() || in.From < in.Below // there is more, and converted it is fewer bytes
	before := len(v.sets)
	v.sets = append(v.sets, v.set.Bytes()...)
	item.converted = v.sets[before:len(v.sets):len(v.sets)]
	return nil
}

// remember that a partition has nothing for old clients up to an offset, so that a poll
// behind many markers does not read them again at each wake-up.
func (c *fetchCall) remember(item *fetchItem, to protocol.Offset) {
	if c.empty == nil || len(c.empty) >= keptItemsMax {
		c.empty = make(map[*partition.Partition]nothing)
	}
	c.empty[item.partition] = nothing{from: item.want.offset, to: to}
}

// ended tells that nobody waits for the answer any more.
func (c *fetchCall) ended() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// convert reads a chunk into the set and releases it.
func (v *conversion) convert(item *fetchItem, chunk logstore.Chunk, from protocol.Offset, limits protocol.DecodeLimits) error {
	defer chunk.Release()
	if cap(v.raw) < chunk.Bytes {
		v.raw = make([]byte, chunk.Bytes)
	}
	raw := v.raw[:chunk.Bytes]
	if err := readCopy(raw, item, chunk, from); err != nil {
		return err
	}
	for len(raw) > 0 && !v.set.Full() {
		batch, rest, err := protocol.NextBatch(raw)
		if err == nil {
			err = v.set.Add(batch, limits)
		}
		if err != nil {
			return err
		}
		raw = rest
	}
	return nil
}
