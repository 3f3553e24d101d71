package logstore

import (
	"fmt"

	"github.com/barnabas-mq/barnabas/protocol"
)

// replayChunkBytes is how much EachBatch reads at once. Larger reads are no faster
// from the page cache, and many logs may be replayed together.
const replayChunkBytes = 1 << 20

// EachBatch calls fn with every batch of the log from the one that contains from
// up to the offset end, each one verified. The bytes are fn's only until it
// returns. Offsets that compaction has emptied are passed over.
func EachBatch(log Log, from, end protocol.Offset, fn func(protocol.Batch) error) error {
	var buf []byte
	for from < end {
		chunk, err := log.Read(ReadInput{From: from, Below: end, MaxBytes: replayChunkBytes, AtLeastOne: true})
		if err != nil {
			return err
		}
		if chunk.Bytes == 0 {
			chunk.Release()
			return nil // compaction left nothing up to the end
		}
		if cap(buf) < chunk.Bytes {
			buf = make([]byte, chunk.Bytes)
		}
		buf = buf[:chunk.Bytes]
		n, err := chunk.Source.ReadAt(buf, chunk.Position)
		chunk.Release()
		if n < len(buf) {
			return fmt.Errorf("reading a log from offset %d: %w", from, err)
		}
		next, err := eachBatchOf(buf, fn)
		if err != nil {
			return fmt.Errorf("reading a log from offset %d: %w", from, err)
		}
		if next <= from {
			return fmt.Errorf("the log gave no batch that reaches offset %d", from)
		}
		from = next
	}
	return nil
}

// eachBatchOf returns the offset after the last batch.
func eachBatchOf(b []byte, fn func(protocol.Batch) error) (next protocol.Offset, err error) {
	for len(b) > 0 {
		var batch protocol.Batch
		if batch, b, err = protocol.NextBatch(b); err != nil {
			return 0, err
		}
		if err := protocol.VerifyBatch(batch); err != nil {
			return 0, err
		}
		next = batch.LastOffset() + 1
		if err := fn(batch); err != nil {
			return 0, err
		}
	}
	return next, nil
}
