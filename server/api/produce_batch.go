package api

import (
	"encoding/binary"
	"errors"

	"github.com/barnabas-mq/barnabas/config"
	"github.com/barnabas-mq/barnabas/internal/heavy"
	"github.com/barnabas-mq/barnabas/protocol"
)

// prepare checks what onlyBatch has found against the topic's rules and gives the
// batch to append: the bytes as received wherever the topic allows it. The order of
// the checks is Kafka's (UnifiedLog.analyzeAndValidateRecords, then LogValidator; before
// them ProduceRequest.validateRecords, which is onlyBatch), because a batch may break
// several rules.
func (c *produceCall) prepare(r *Request, item *produceItem, policy *policy, batch protocol.Batch) (protocol.Batch, error) {
	if batch.BaseOffset() != 0 {
		item.judged = true
		return nil, protocol.ErrInvalidRecord.WithMessage("the base offset of a batch to append must be 0, not %d", batch.BaseOffset())
	}
	if len(batch) > policy.MessageBytesMax {
		return nil, protocol.ErrMessageTooLarge
	}
	if err := protocol.CheckBatch(batch); err != nil {
		code := codeOf(err)
		item.judged = code == protocol.ErrInvalidRecord.Code ||
			code == protocol.ErrUnsupportedCompressionType.Code && c.header.Version >= 7
		if code == protocol.ErrUnsupportedCompressionType.Code {
			err = undecodable(err)
		}
		return nil, err
	}
	item.judged = true
	c.repack = otherCodec(batch, policy)
	c.flatten = batch.IsLogAppendTime() && c.repack
	if !c.repack && (batch.Codec() == protocol.CodecNone || !c.looksInto(policy)) {
		return c.admit(item, policy, batch, protocol.DecodeLimits{})
	}
	// Who waits for what only one may have does so without a place that others need, and what
	// is as large as this while it is compressed is larger in the end.
	if c.flatten || batch.HasLargeWindow() || len(batch) > besideBytesMax {
		return c.admitAlone(r, item, policy, batch)
	}
	made, err := c.admitBeside(r, item, policy, batch)
	if err == nil || c.settings.BatchDecompressedBytesMax <= besideBytesMax || !errors.As(err, new(*protocol.DecodeLimitError)) {
		return made, err
	}
	return c.admitAlone(r, item, policy, batch)
}

// besideBytesMax is what batches may decompress to that are unpacked beside others. What has
// more comes one by one, over all connections: a few kilobytes may stand for a hundred
// megabytes, and many of those at once would have all processors.
const besideBytesMax = 8 << 20

// admitBeside is admit for what comes beside others: there are as many at once as
// processors, because decoders are large.
func (c *produceCall) admitBeside(r *Request, item *produceItem, policy *policy, batch protocol.Batch) (protocol.Batch, error) {
	c.enterInTurn(r, c.api.unpacking)
	defer c.leaveInTurn(c.api.unpacking)
	limits := protocol.DecodeLimits{MaxBytes: min(besideBytesMax, c.settings.BatchDecompressedBytesMax), Turn: &c.turn}
	if c.repack && batch.Codec() != protocol.CodecNone && c.looksInto(policy) {
		if unpacked, ok := protocol.Unpack(batch, limits); ok {
			defer unpacked.Release()
			return c.admit(item, policy, unpacked.Batch, limits)
		}
	}
	return c.admit(item, policy, batch, limits)
}

// admitAlone is admit for what comes one by one: what may be much, and what is held while it
// is looked into.
func (c *produceCall) admitAlone(r *Request, item *produceItem, policy *policy, batch protocol.Batch) (protocol.Batch, error) {
	c.enterInTurn(r, c.api.unpackingMuch)
	defer c.leaveInTurn(c.api.unpackingMuch)
	return c.admit(item, policy, batch, protocol.DecodeLimits{
		MaxBytes: c.settings.BatchDecompressedBytesMax, HeldBytes: protocol.HeldBytesMax, Turn: &c.turn,
	})
}

// enterInTurn takes one of so many places, and a turn of heavy work. Should either have to be
// waited for, the answers that are complete leave before, and nothing is held meanwhile: how
// long that takes is the peer's choice.
func (c *produceCall) enterInTurn(r *Request, places chan struct{}) {
	turns := c.api.Heavy
	c.turn = unpackTurn{turns, r.charge}
	select {
	case places <- struct{}{}:
		if turns.TryTake() {
			return
		}
		<-places
	default:
	}
	_ = r.charge.resting(func() error {
		_ = r.Call.Wait() // a peer that is gone shows later
		places <- struct{}{}
		turns.Take(heavy.Unpacking)
		return nil
	})
}

func (c *produceCall) leaveInTurn(places chan struct{}) {
	c.api.Heavy.Leave()
	<-places
}

// unpackTurn is a request's turn of heavy work. While it waits for one that is not its time.
type unpackTurn struct {
	turns  *heavy.Turns
	charge *charge
}

// Yield implements protocol.Turn.
func (t *unpackTurn) Yield() {
	t.charge.rest()
	t.turns.Yield(heavy.Unpacking)
	t.charge.work()
}

// Leave implements protocol.Turn.
func (t *unpackTurn) Leave() {
	t.charge.rest()
	t.turns.Leave()
}

// Take implements protocol.Turn.
func (t *unpackTurn) Take() {
	t.turns.Take(heavy.Unpacking)
	t.charge.work()
}

// looksInto tells whether the records of a batch are looked at one by one.
func (c *produceCall) looksInto(policy *policy) bool {
	return c.settings.RecordValidation == config.ValidateRecords || policy.CleanupCompact
}

// admit judges the records of a batch, and gives it in the codec of the topic. It may be
// called again with other limits, should they be exceeded.
func (c *produceCall) admit(item *produceItem, policy *policy, batch protocol.Batch, limits protocol.DecodeLimits) (protocol.Batch, error) {
	largest := batch.MaxTimestamp()
	if c.looksInto(policy) {
		summary, err := protocol.ValidateRecords(batch, protocol.RecordRules{
			Limits: limits, RequireKeys: policy.CleanupCompact, LogAppendTime: policy.TimestampAppendTime,
			Now: c.now, BeforeMaxMillis: policy.TimestampBeforeMaxMillis, AfterMaxMillis: policy.TimestampAfterMaxMillis,
		})
		if err != nil {
			c.explain(item, summary, err)
			return nil, undecodable(err)
		}
		largest = summary.MaxTimestamp
	}
	if policy.TimestampAppendTime {
		largest = c.now
	}
	if c.flatten {
		held, err := limits, error(nil) // what is held is large, and no decent client asks for it
		held.MaxBytes = min(held.MaxBytes, protocol.HeldBytesMax)
		if batch, err = flattened(batch, held); err != nil {
			return nil, undecodable(err)
		}
		c.repack = otherCodec(batch, policy)
	}
	batch.SetTimestamps(policy.TimestampAppendTime, largest)
	if !c.repack {
		return batch, nil
	}
	batch, err := recompressed(batch, policy, limits)
	return batch, undecodable(err)
}

// undecodable gives what cannot be decompressed the code that it has in Kafka, which
// does not expect the decoder's exception. Producers give up on it, where they would
// send the same bytes again for a damaged batch.
func undecodable(err error) error {
	switch codeOf(err) {
	case protocol.ErrCorruptMessage.Code, protocol.ErrUnsupportedCompressionType.Code:
		return protocol.ErrUnknownServerError.WithMessage("%s", errorOf(err).Message)
	}
	return err
}

// onlyBatch takes the records of a request apart: one batch from version 3 on, a
// message set before, where Kafka 3.9 takes a batch too (ProduceRequest.validateRecords
// is for version 3 and newer), and nil if no entry is whole: then nothing is written, and
// that is no error.
func (c *produceCall) onlyBatch(r *Request, item *produceItem, policy *policy, records []byte) (protocol.Batch, error) {
	old := c.header.Version < produceBatches
	if old {
		var err error
		if records, err = wholeEntries(records, policy.MessageBytesMax); err != nil || len(records) == 0 {
			return nil, err
		}
		if protocol.Batch(records).Magic() != 2 {
			r.enter(c.api.converting)
			defer func() { <-c.api.converting }()
			return protocol.ConvertMessageSet(records, protocol.DecodeLimits{MaxBytes: c.settings.BatchDecompressedBytesMax})
		}
	}
	batch, rest, err := splitEntry(records)
	if err != nil {
		item.message = errorOf(err).Message
		return nil, err
	}
	another, _, err := splitEntry(rest)
	switch {
	case batch == nil:
		return nil, protocol.ErrInvalidRecord.WithMessage("there is no whole batch")
	case batch.Magic() != 2:
		return nil, protocol.ErrInvalidRecord.WithMessage("the batch has format %d; format 2 is required", batch.Magic())
	case !batch.Codec().Known() && c.header.Version < 7 && !old:
		return nil, protocol.ErrUnknownServerError // Kafka looks whether it is zstd, and finds nothing
	case batch.Codec() == protocol.CodecZstd && c.header.Version < 7 && !old:
		return nil, protocol.ErrUnsupportedCompressionType.WithMessage("zstd needs version 7 of Produce")
	case err != nil:
		item.message = errorOf(err).Message
		return nil, err
	case another != nil:
		return nil, protocol.ErrInvalidRecord.WithMessage("there is more than one batch")
	}
	return batch, nil // what follows it is cut off, as Kafka does
}

// Sizes of an entry of any format: offset and size, the least that the size may
// say, and what reaches up to the format's number.
const (
	entryOverheadBytes = 12
	entrySizeMin       = 14
	entryMagicEnd      = 17
)

// produceBatches is the first version that must hold a batch.
const produceBatches = 3

// wholeEntries cuts off what is no whole entry at the end. The size of entries is judged
// before anything else of them, but for a base offset.
func wholeEntries(b []byte, sizeMax int) ([]byte, error) {
	for rest := b; ; {
		entry, after, err := splitEntry(rest)
		if err != nil {
			return nil, err
		}
		if entry == nil {
			return b[:len(b)-len(rest)], nil
		}
		if len(entry) > sizeMax && (entry.Magic() < 2 || entry.BaseOffset() == 0) {
			return nil, protocol.ErrMessageTooLarge
		}
		rest = after
	}
}

// splitEntry takes the first entry off as Kafka's ByteBufferLogInputStream does:
// nil for one that is not whole, an error for one that cannot be.
func splitEntry(b []byte) (entry protocol.Batch, rest []byte, err error) {
	if len(b) < entryOverheadBytes {
		return nil, b, nil
	}
	size := int64(int32(binary.BigEndian.Uint32(b[8:])))
	if size < entrySizeMin {
		return nil, b, protocol.ErrCorruptMessage.WithMessage("a batch claims a length of %d bytes, too few for any", size)
	}
	if len(b) < entryMagicEnd {
		return nil, b, nil
	}
	if magic := protocol.Batch(b).Magic(); magic < 0 || magic > 2 {
		return nil, b, protocol.ErrCorruptMessage.WithMessage("a batch has the unknown format %d", magic)
	}
	end := entryOverheadBytes + size
	if int64(len(b)) < end {
		return nil, b, nil
	}
	return protocol.Batch(b[:end:end]), b[end:], nil
}

// explain keeps what version 8 tells about single records. Like Kafka it gives a
// message only when single records are at fault.
func (c *produceCall) explain(item *produceItem, summary protocol.RecordSummary, err error) {
	if len(summary.Errors) > 0 {
		item.recordErrors, item.message = summary.Errors, errorOf(err).Message
	}
}

// otherCodec tells whether a batch is stored with another codec than it came with.
func otherCodec(batch protocol.Batch, policy *policy) bool {
	codec, known := protocol.ParseCodec(policy.CompressionType)
	return policy.CompressionType != "producer" && known && codec != batch.Codec()
}

// flattened gives every record the time that a client says was that of the append, in a
// batch that is not compressed: who packs records anew as Kafka does reads them first.
func flattened(batch protocol.Batch, limits protocol.DecodeLimits) (protocol.Batch, error) {
	options := protocol.DefaultBatchOptions()
	options.ProducerID, options.ProducerEpoch, options.BaseSequence = batch.ProducerID(), batch.ProducerEpoch(), batch.BaseSequence()
	options.Transactional = batch.IsTransactional()
	builder := protocol.NewBatchBuilder(options)
	err := batch.EachRecord(limits, func(r *protocol.Record) error {
		builder.Add(r.Timestamp, r.Key, r.Value, r.Headers...)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return builder.Build(0, protocol.None), nil
}

// recompressed is the batch in the codec of the topic.
func recompressed(batch protocol.Batch, policy *policy, limits protocol.DecodeLimits) (protocol.Batch, error) {
	codec, _ := protocol.ParseCodec(policy.CompressionType)
	level := protocol.LevelDefault
	switch codec {
	case protocol.CodecGzip:
		level = policy.CompressionGzipLevel
	case protocol.CodecLZ4:
		level = policy.CompressionLZ4Level
	case protocol.CodecZstd:
		level = policy.CompressionZstdLevel
	}
	return protocol.Recompress(batch, codec, level, policy.MessageBytesMax, limits)
}
