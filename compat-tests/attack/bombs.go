package attack

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"github.com/klauspost/compress/s2"
	"github.com/pierrec/lz4/v4"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

// The topics of bombs: one is stored as it comes, one is compressed anew by the broker.
const (
	TopicAsItComes  = "bombs"
	TopicCompressed = "bombs-packed"
)

// batchBytesMax is what a topic takes by default, with some room for the header.
const batchBytesMax = 1_000_000

// bomb is a batch that is small on the wire.
type bomb struct {
	codec   int16
	records []byte
	// huge ones must be refused. Others may be stored: brokers that unpack nothing do.
	huge bool
}

// makeBombs are of every codec, of sizes that nobody should unpack, and just below what the
// broker takes (barnabas.batch.decompressed.max.bytes, 128 MiB). Neither lz4 nor snappy can be
// huge within a batch.
func makeBombs(size int64) []bomb {
	const bearable = 100 << 20
	return []bomb{
		{1, gzipBomb(min(size, 1<<29)), true}, {4, zstdBomb(size), true}, {2, snappyBomb(), false},
		{1, gzipBomb(bearable), false}, {3, lz4Bomb(bearable), false}, {3, lz4Bomb(220 << 20), false}, {4, zstdBomb(bearable), false},
	}
}

// bombs send them, several at once, by somebody who may write to the topics: one stores what
// comes, of the other the broker packs all anew.
func bombs(ctx context.Context, a *attacker) (int, error) {
	const atOnce = 16
	conns := make(chan *wire.Conn, atOnce)
	for range atOnce {
		c, err := a.intruder()
		if err != nil {
			return 0, err
		}
		defer c.Close() //nolint:errcheck // only read from
		conns <- c
	}
	all, topics := makeBombs(a.plan.BombBytes), []string{TopicAsItComes, TopicCompressed}
	return inParallel(ctx, a.plan.Bombs, atOnce, func(i int) error {
		c := <-conns
		defer func() { conns <- c }()
		b, topic := all[i%len(all)], topics[i/len(all)%len(topics)]
		batch := wire.NewBatch(time.Now().UnixMilli(), wire.Record{})
		batch.Attributes, batch.Payload = b.codec, b.records
		p := kmsg.NewProduceRequestTopicPartition()
		p.Records = batch.Encode()
		t := kmsg.NewProduceRequestTopic()
		t.Topic, t.Partitions = topic, append(t.Partitions, p)
		r := kmsg.NewPtrProduceRequest()
		r.Version, r.Acks, r.TimeoutMillis, r.Topics = 9, -1, 30_000, append(r.Topics, t)
		answer, err := c.Call(r)
		if err != nil {
			return fmt.Errorf("a bomb of codec %d and %d bytes: %w", b.codec, len(p.Records), err)
		}
		if answer.(*kmsg.ProduceResponse).Topics[0].Partitions[0].ErrorCode == 0 && b.huge {
			return fmt.Errorf("a bomb of codec %d is stored in %s", b.codec, topic)
		}
		return nil
	})
}

// record is the beginning of a record whose value has so many bytes, all zero, and the whole
// record's size: behind the value there is one zero more.
func record(valueBytes int64) []byte {
	body := []byte{0, 0, 0, 1} // attributes, timestamp and offset delta, null key
	body = binary.AppendVarint(body, valueBytes)
	return append(binary.AppendVarint(nil, int64(len(body))+valueBytes+1), body...)
}

// valueBytesMax is the largest size of a value in a record.
const valueBytesMax = 1<<31 - 64

func gzipBomb(size int64) []byte {
	var out bytes.Buffer
	w, _ := gzip.NewWriterLevel(&out, gzip.BestSpeed) // a level that there is
	fill(w, min(size, valueBytesMax), &out)
	_ = w.Close() // into memory
	return out.Bytes()
}

// fill writes a record until it is whole, or as large as a batch may be.
func fill(w io.Writer, size int64, out *bytes.Buffer) {
	_, _ = w.Write(record(size)) // into memory
	zeros := make([]byte, 1<<20)
	for left := size + 1; left > 0 && out.Len() < batchBytesMax-len(zeros)/100; left -= int64(len(zeros)) {
		_, _ = w.Write(zeros[:min(left, int64(len(zeros)))])
	}
}

func lz4Bomb(size int64) []byte {
	var out bytes.Buffer
	w := lz4.NewWriter(&out)
	_ = w.Apply(lz4.BlockSizeOption(lz4.Block4Mb)) // before the first byte
	fill(w, size, &out)
	_ = w.Close()
	return out.Bytes()
}

// snappyBomb claims that its block has 4 GiB, and has what fits.
func snappyBomb() []byte {
	first := record(1 << 24)
	block := s2.EncodeSnappyBest(nil, append(first, make([]byte, 1<<24+1)...))
	_, n := binary.Uvarint(block)
	return append(binary.AppendUvarint(nil, 1<<32-1), block[n:]...)
}

// zstdBomb is written by hand: each block of 128 KiB of zeros has four bytes.
func zstdBomb(size int64) []byte {
	const blockBytes, raw, rle = 128 << 10, 0, 1
	out := []byte{0x28, 0xb5, 0x2f, 0xfd, 0, 7 << 3} // no size, no checksum, a window of 128 KiB
	block := func(kind, n uint32, content ...byte) {
		header := kind<<1 | n<<3
		out = append(append(out, byte(header), byte(header>>8), byte(header>>16)), content...)
	}
	for value := min(size, valueBytesMax); size > 0 && len(out) < batchBytesMax; size -= value {
		first := record(value)
		block(raw, uint32(len(first)), first...)
		for left := value + 1; left > 0 && len(out) < batchBytesMax; left -= blockBytes {
			block(rle, uint32(min(left, blockBytes)), 0)
		}
	}
	const last = 1
	return append(out, last|raw<<1, 0, 0)
}
