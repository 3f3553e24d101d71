package api

// Clients before version 4 of Fetch (Kafka 0.10 and older) know message sets only.
// Batches are read, checked and converted while the answer is made, in bounded memory:
// barnabas.fetch.conversion.max.bytes is for all records of an answer. Sources: Kafka
// 3.9, KafkaApis.handleFetchRequest and RecordsUtil.downConvert; Kafka 4 dropped it.
//
// Kafka answers with as many bytes as the batches had, fills up what the conversion left
// with the head of a message that does not exist, and refuses zstd. Here an answer ends with a
// whole message, at least one goes out if there is any, also below version 3, and
// what holds only markers is passed over, so that nobody asks for it over and over.

import (
	"runtime"
	"sync"

	"github.com/barnabas-mq/barnabas/config"
	"github.com/barnabas-mq/barnabas/logstore"
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
	c.conversion = nil
	for i := range c.items {
		c.items[i].converted = nil
	}
	if cap(v.raw)+cap(v.sets)+v.set.Held() <= conversionKeptBytes {
		conversions.Put(v)
	}
}

// converting lets old clients have half of the processors at once: whatever they read,
// the others keep their speed.
var converting = make(chan struct{}, max(runtime.GOMAXPROCS(0)/2, 1))

// turn is the place of the item that is read as the ith. Below version 3 clients name
// their partitions in the same order each time, and all must get their turn.
func (c *fetchCall) turn(i int) int {
	if c.header.Version >= 3 {
		return i
	}
	return int((c.turns + uint(i)) % uint(len(c.items)))
}

// readConverted reads until there is a record to answer with.
func (c *fetchCall) readConverted(item *fetchItem, in logstore.ReadInput) error {
	v := c.conversion
	if v.left <= 0 {
		c.ready = true // there may be more, for the next request
		return nil
	}
	magic := int8(0)
	if c.header.Version >= 2 {
		magic = 1
	}
	v.set.Reset(magic, in.From, protocol.MessageSetLimits{SetBytes: in.MaxBytes, MessageBytes: v.left})
	in.AtLeastOne = true
	limits := protocol.DecodeLimits{MaxBytes: c.settings.BatchDecompressedBytesMax}
	for more := true; more; more = len(v.set.Bytes()) == 0 && in.From < in.Below {
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
	v.left -= v.set.Taken()
	c.ready = c.ready || v.set.Full()
	before := len(v.sets)
	v.sets = append(v.sets, v.set.Bytes()...)
	item.converted = v.sets[before:len(v.sets):len(v.sets)]
	return nil
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
	converting <- struct{}{}
	defer func() { <-converting }()
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
