package logstore_test

import (
	"testing"

	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/protocol"
)

// copyOf is three batches of two records each, with offsets from 10 on; bases may
// say otherwise.
func copyOf(bases ...protocol.Offset) []byte {
	var all []byte
	for _, base := range bases {
		b := protocol.NewBatchBuilder(protocol.DefaultBatchOptions())
		b.Add(1, nil, []byte("one"))
		b.Add(1, nil, []byte("two"))
		all = append(all, b.Build(base, 0)...)
	}
	return all
}

// A copy is what was written, or it is refused: each bit of it counts, but for the
// leader epoch, and offsets must be in order.
func TestVerifyCopy(t *testing.T) {
	for _, c := range []struct {
		name        string
		bases       []protocol.Offset
		from, below protocol.Offset
		gapless, ok bool
	}{
		{"in order", []protocol.Offset{10, 12, 14}, 10, 16, true, true},
		{"from within a batch", []protocol.Offset{10, 12, 14}, 11, 16, true, true},
		{"with a gap", []protocol.Offset{10, 14, 20}, 10, 30, false, true},
		{"with a gap that cannot be", []protocol.Offset{10, 14, 16}, 10, 30, true, false},
		{"begins behind what was asked for", []protocol.Offset{12, 14, 16}, 10, 30, true, false},
		{"the same after compaction", []protocol.Offset{12, 14, 16}, 10, 30, false, true},
		{"twice the same", []protocol.Offset{10, 10, 12}, 10, 30, false, false},
		{"backwards", []protocol.Offset{14, 12, 10}, 10, 30, false, false},
		{"beyond the bound", []protocol.Offset{10, 12, 14}, 10, 15, true, false},
		{"below what was asked for", []protocol.Offset{10, 12, 14}, 12, 16, true, false},
		{"a wild offset", []protocol.Offset{10, 12, 1<<63 - 1}, 10, 16, false, false},
	} {
		chunk := logstore.Chunk{Gapless: c.gapless}
		if err := chunk.VerifyCopy(copyOf(c.bases...), c.from, c.below); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	good := copyOf(10, 12, 14)
	chunk := logstore.Chunk{Gapless: true}
	for bit := range len(good) * 8 {
		if at := bit / 8 % (len(good) / 3); at >= 12 && at < 16 {
			continue // the leader epoch lies outside the CRC, as in Kafka
		}
		good[bit/8] ^= 1 << (bit % 8)
		if chunk.VerifyCopy(good, 10, 16) == nil {
			t.Errorf("a flip of bit %d of byte %d was not seen", bit%8, bit/8)
		}
		good[bit/8] ^= 1 << (bit % 8)
	}
	if err := chunk.VerifyCopy(good[:len(good)-1], 10, 16); err == nil {
		t.Error("a copy that is cut off was not seen")
	}
	if n := testing.AllocsPerRun(10, func() { _ = chunk.VerifyCopy(good, 10, 16) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
