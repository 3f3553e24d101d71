package logstore

import (
	"fmt"

	"github.com/barnabas-mq/barnabas/protocol"
)

// VerifyCopy checks a copy of a chunk that was read for [from, below): whole
// batches whose CRCs fit, in order, the first of which reaches from. The order is
// asked because base offsets lie outside the CRC. Without damage it allocates
// nothing.
func (c Chunk) VerifyCopy(copied []byte, from, below protocol.Offset) error {
	due, first := protocol.Offset(0), true
	for rest := copied; len(rest) > 0; {
		at := len(copied) - len(rest)
		batch, more, err := protocol.NextBatch(rest)
		if err == nil {
			err = protocol.VerifyBatch(batch)
		}
		if err != nil {
			return fmt.Errorf("byte %d of a read at offset %d: %w", at, from, err)
		}
		last := batch.LastOffset()
		base := batch.BaseOffset()
		inOrder := base >= due && last >= base && last >= from && last < below
		if c.Gapless {
			inOrder = inOrder && (base == due || first && base <= from)
		}
		if !inOrder {
			return fmt.Errorf("byte %d of a read at offset %d: a batch with the offsets %d to %d", at, from, base, last)
		}
		due, first, rest = last+1, false, more
	}
	return nil
}
