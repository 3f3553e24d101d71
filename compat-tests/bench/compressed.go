package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

// codec is a compression by its name in settings and its number in batches.
type codec struct {
	name   string
	number int16
	by     kgo.CompressionCodec
}

// codecs: each is recompressed to the one after it.
var codecs = []codec{
	{"gzip", 1, kgo.GzipCompression()},
	{"snappy", 2, kgo.SnappyCompression()},
	{"lz4", 3, kgo.Lz4Compression()},
	{"zstd", 4, kgo.ZstdCompression()},
}

// recompressShare is the part of --size that is recompressed: compressing costs many
// times what storing does.
const recompressShare = 8

// compressedWorkloads: every codec as it comes, and every codec to the next one.
func compressedWorkloads() []workload {
	var all, again []workload
	for i, from := range codecs {
		name := "compressed " + from.name + ", as it comes"
		all = append(all, workload{name: name, run: compressed{name, from, "producer", from, 1}.run})
		to := codecs[(i+1)%len(codecs)]
		name = "recompressed " + from.name + " to " + to.name
		again = append(again, workload{name: name, run: compressed{name, from, to.name, to, recompressShare}.run})
	}
	return append(all, again...)
}

// compressed sends batches that are compressed already.
type compressed struct {
	name string
	from codec
	// setting is the topic's compression.type, stored what that makes of a batch.
	setting string
	stored  codec
	share   int
}

// run counts MB of records before compression, which is what an application sends.
func (c compressed) run(b contender, o options) (phases []phase, err error) {
	plain, batch, err := c.from.batch()
	if err != nil {
		return nil, err
	}
	settings := map[string]*string{"compression.type": &c.setting}
	err = withTopicOf(b, partitions, settings, func(_ context.Context, topic string) error {
		next, err := idempotentFrames(b, topic, partitions, batch)
		if err != nil {
			return err
		}
		requests := max(1, o.sizeMiB<<20/(c.share*partitions*plain))
		if err := sendNext(b.Bootstrap(), next, topic, partitions, 1); err != nil {
			return err
		}
		if b.Name() != nullBroker {
			got, err := storedCodec(b.Bootstrap(), topic)
			if err != nil {
				return err
			}
			if got != c.stored.number {
				phases = []phase{{notes: []string{fmt.Sprintf("%s is left out: codec %d is stored where the topic asks for %s", c.name, got, c.stored.name)}}}
				return nil
			}
		}
		p, err := timed(b, o, c.name, func() (bytes, _ int64, err error) {
			return int64(requests) * partitions * int64(plain), 0, sendNext(b.Bootstrap(), next, topic, partitions, requests)
		})
		if err != nil {
			return err
		}
		phases = []phase{p}
		if c.from.number == c.stored.number {
			return verifyCopies(b, topic, partitions, batch, 1+requests)
		}
		return verifyBatches(b, topic, partitions, recordsOf(batch)*int64(1+requests)*partitions, c.stored.number)
	})
	return phases, err
}

// batch holds records like those of applications, 128 KiB before they are compressed to
// about a fifth. plain is that size.
func (c codec) batch() (plain int, encoded []byte, err error) {
	records := make([]wire.Record, batch128KiB.records)
	for i := range records {
		records[i].Value = order(i)
	}
	b := wire.NewBatch(time.Now().UnixMilli(), records...)
	body := wire.EncodeRecords(records)
	compressor, err := kgo.DefaultCompressor(c.by)
	if err != nil {
		return 0, nil, err
	}
	payload, _ := compressor.Compress(&bytes.Buffer{}, body)
	b.Attributes, b.Payload = c.number, bytes.Clone(payload)
	return len(body), b.Encode(), nil
}

// order is about 1 KiB of JSON: names that repeat, numbers that do not.
func order(i int) []byte {
	var b bytes.Buffer
	random := uint32(i)*2654435761 + 1
	fmt.Fprintf(&b, `{"order":%d,"customer":"c-%08x","lines":[`, 1_000_000+i, random)
	for line := 0; b.Len() < recordBytes-80; line++ {
		random = random*1664525 + 1013904223
		fmt.Fprintf(&b, `{"article":"a-%06x","count":%d,"price":%d.%02d,"currency":"EUR"},`, random>>8, 1+(random>>29), random>>20&0x3ff, (random>>10)%100)
	}
	b.Truncate(b.Len() - 1)
	b.WriteString(`],"state":"paid"}`)
	return b.Bytes()
}

// storedCodec is that of the first batch of partition 0.
func storedCodec(address, topic string) (number int16, err error) {
	f, err := newFetcher(address, topic, 1, bulkFetch)
	if err != nil {
		return 0, err
	}
	defer f.close()
	err = f.readTo(1, func(_ int32, offset int64, records []byte) (int64, error) {
		if len(records) < batchHeaderBytes {
			return offset, nil
		}
		number = int16(binary.BigEndian.Uint16(records[batchAttributesAt:])) & codecMask
		return 1, nil
	})
	return number, err
}
