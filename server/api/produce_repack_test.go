package api

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/protocol"
)

// packedBatch has three records in a codec, the second without a key.
func packedBatch(codec protocol.Codec, at protocol.Timestamp) protocol.Batch {
	b := protocol.NewBatchBuilder(protocol.BatchOptions{Codec: codec, ProducerID: protocol.None, ProducerEpoch: protocol.None, BaseSequence: protocol.None})
	for i, key := range [][]byte{[]byte("a"), nil, []byte("c")} {
		b.Add(at+protocol.Timestamp(i), key, bytes.Repeat([]byte{'v', byte('0' + i)}, 5000))
	}
	return b.Build(0, protocol.None)
}

// counted claims another number of records.
func counted(b protocol.Batch, n uint32) protocol.Batch {
	binary.BigEndian.PutUint32(b[23:], n-1)
	binary.BigEndian.PutUint32(b[57:], n)
	return b
}

// sized has the length and the CRC that it should have.
func sized(b protocol.Batch) protocol.Batch {
	binary.BigEndian.PutUint32(b[8:], uint32(len(b)-12))
	b.SetCRC()
	return b
}

// What comes in another codec than the topic's is judged as it is where it is stored as it
// came, and stored with the same records.
func TestProduceInAnotherCodec(t *testing.T) {
	w := newWorld(t)
	now := protocol.Timestamp(w.clock.Now().UnixMilli())
	cases := []struct {
		name     string
		settings []string
		damage   func(b protocol.Batch) protocol.Batch
		want     *protocol.Error // nil: stored
	}{
		{"whole", nil, nil, nil},
		{"largest time", nil, func(b protocol.Batch) protocol.Batch { b.SetMaxTimestamp(now + 999); return b }, nil},
		{"append time", []string{"message.timestamp.type", "LogAppendTime"}, nil, nil},
		{"no key", []string{"cleanup.policy", "compact"}, nil, protocol.ErrInvalidRecord},
		{"too early", []string{"message.timestamp.before.max.ms", "1000"}, func(b protocol.Batch) protocol.Batch { binary.BigEndian.PutUint64(b[27:], uint64(now-5000)); return b }, protocol.ErrInvalidTimestamp},
		{"cut off", nil, func(b protocol.Batch) protocol.Batch { return b[:len(b)-20] }, protocol.ErrUnknownServerError},
		{"too few", nil, func(b protocol.Batch) protocol.Batch { return counted(b, 4) }, protocol.ErrInvalidRecord},
		{"too many, and cut off", nil, func(b protocol.Batch) protocol.Batch { return counted(b[:len(b)-4], 2) }, protocol.ErrInvalidRecord},
	}
	for _, target := range []string{"producer", "gzip", "lz4", "uncompressed"} {
		for _, from := range []protocol.Codec{protocol.CodecGzip, protocol.CodecZstd} {
			for i, c := range cases {
				if strings.HasPrefix(c.name, "too many") && from != protocol.CodecGzip {
					continue // the trailer of gzip is judged last
				}
				topic := fmt.Sprintf("%s-%v-%d", target, from, i)
				w.topic(topic, 1, append([]string{"compression.type", target}, c.settings...)...)
				b := packedBatch(from, now)
				if c.damage != nil {
					b = c.damage(b)
				}
				b = sized(b)
				p := ask[*kmsg.ProduceResponse](w, 9, produceRequest(-1, topic, 0, b)).Topics[0].Partitions[0]
				if c.want != nil {
					if p.ErrorCode != c.want.Code {
						t.Errorf("%s to %s: %v", c.name, topic, protocol.ErrorForCode(p.ErrorCode))
					}
					if records := p.ErrorRecords; c.name == "no key" && (len(records) != 1 || records[0].RelativeOffset != 1) {
						t.Errorf("%s to %s: records %v", c.name, topic, records)
					}
					continue
				}
				if p.ErrorCode != 0 {
					t.Errorf("%s to %s: %v", c.name, topic, protocol.ErrorForCode(p.ErrorCode))
					continue
				}
				w.holdsPacked(topic, target, from, c.name, now)
			}
		}
	}
}

// holdsPacked checks what is stored of packedBatch.
func (w *world) holdsPacked(topic, target string, from protocol.Codec, name string, now protocol.Timestamp) {
	w.t.Helper()
	stored, _, err := protocol.NextBatch(w.fetchAll(topic))
	if err == nil {
		err = protocol.CheckBatch(stored)
	}
	if err != nil {
		w.t.Errorf("%s holds %v", topic, err)
		return
	}
	codec, largest := from, now+2
	if target != "producer" {
		codec, _ = protocol.ParseCodec(target)
	}
	if name == "append time" {
		largest = now
	}
	if stored.Codec() != codec || stored.MaxTimestamp() != largest || stored.IsLogAppendTime() != (name == "append time") {
		w.t.Errorf("%s: codec %v, largest %d of %d, append time %v", topic, stored.Codec(), stored.MaxTimestamp(), largest, stored.IsLogAppendTime())
	}
	var got, want []string
	tell := func(all *[]string) func(r *protocol.Record) error {
		return func(r *protocol.Record) error { *all = append(*all, fmt.Sprintf("%q=%q", r.Key, r.Value)); return nil }
	}
	w.must(stored.EachRecord(protocol.DecodeLimits{}, tell(&got)))
	w.must(packedBatch(from, now).EachRecord(protocol.DecodeLimits{}, tell(&want)))
	if fmt.Sprint(got) != fmt.Sprint(want) {
		w.t.Errorf("%s has other records", topic)
	}
}

// What is small where it comes from may be too large in the codec of the topic.
func TestProduceOfWhatGrows(t *testing.T) {
	w := newWorld(t)
	w.topic("small", 1, "compression.type", "uncompressed", "max.message.bytes", "10000")
	b := packedBatch(protocol.CodecZstd, protocol.Timestamp(w.clock.Now().UnixMilli()))
	if p := ask[*kmsg.ProduceResponse](w, 9, produceRequest(-1, "small", 0, b)).Topics[0].Partitions[0]; p.ErrorCode != protocol.ErrMessageTooLarge.Code {
		t.Errorf("%d bytes: %v", len(b), protocol.ErrorForCode(p.ErrorCode))
	}
}
