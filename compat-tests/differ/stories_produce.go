package differ

import (
	"bytes"
	"compress/gzip"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

func produceStories() []Story {
	return []Story{
		{Name: "produce/stores and numbers", Key: kmsg.Produce, Tell: func(s *Session) {
			name, id := s.MakeTopic("t", 2)
			for _, acks := range []int16{-1, 1} {
				req := produceTo(name, id, 0, s.Batch("a", "b").Encode())
				req.Acks = acks
				s.Ask(fmt.Sprintf("acks %d", acks), req)
			}
			s.Ask("other partition", produceTo(name, id, 1, s.Batch("c").Encode()))
			s.Ask("read back", fetchFrom(name, id, 0, 0))
		}},
		{Name: "produce/acks", Key: kmsg.Produce, Tell: func(s *Session) {
			name, id := s.MakeTopic("t", 1)
			for _, acks := range []int16{2, -2} {
				req := produceTo(name, id, 0, s.Batch("a").Encode())
				req.Acks = acks
				s.Ask(fmt.Sprintf("acks %d", acks), req)
			}
			req := produceTo(name, id, 0, s.Batch("unacknowledged").Encode())
			req.Acks = 0
			s.Peer("").SendOnly("acks 0", req)
			s.Ask("only this is answered", produceTo(name, id, 0, s.Batch("b").Encode()))
			s.Ask("both are stored", fetchFrom(name, id, 0, 0))
		}},
		{Name: "produce/acks 0 with an error closes", Key: kmsg.Produce, Tell: func(s *Session) {
			req := produceTo(unknownTopic, unknownID, 0, s.Batch("a").Encode())
			req.Acks = 0
			s.Try("unknown topic", req)
		}},
		{Name: "produce/places that do not exist", Key: kmsg.Produce, Tell: func(s *Session) {
			name, id := s.MakeTopic("t", 1)
			good := s.Batch("a").Encode()
			s.Ask("unknown topic", produceTo(unknownTopic, unknownID, 0, good))
			s.Ask("unknown partition", produceTo(name, id, 9, good))
			s.Ask("negative partition", produceTo(name, id, -1, good))
			s.Ask("invalid topic", produceTo("a/b", unknownID, 0, good))
			s.Ask("empty topic name or zero id", produceTo("", [16]byte{}, 0, good))
			none := produceTo(name, id, 0, good)
			none.Topics = nil
			s.Ask("no topic", none)
			for _, place := range []*kmsg.ProduceRequest{
				produceTo(unknownTopic, unknownID, 0, good), produceTo(name, id, 9, good), produceTo(name, id, 0, []byte{1}),
			} {
				place.Acks = 2
				s.Try("and bad acks", place)
			}
			both := produceTo(name, id, 0, good)
			both.Topics = append(both.Topics, produceTopic(unknownTopic, unknownID, 0, good))
			s.Ask("good and unknown", both)
		}},
		{Name: "produce/empty records", Key: kmsg.Produce, Tell: func(s *Session) {
			name, id := s.MakeTopic("t", 1)
			// Null records are left out: Apache Kafka 4.3.1 never answers them.
			s.Try("empty", produceTo(name, id, 0, []byte{}))
			s.Ask("nothing was stored", fetchFrom(name, id, 0, 0))
		}},
		{Name: "produce/internal topic", Key: kmsg.Produce, Tell: func(s *Session) {
			meta := s.Quiet(metadataFor("__consumer_offsets")).(*kmsg.MetadataResponse)
			s.Ask("offsets topic", produceTo("__consumer_offsets", meta.Topics[0].TopicID, 0, s.Batch("a").Encode()))
		}},
	}
}

// recordCase is one batch that a topic must judge.
type recordCase struct {
	label   string
	records func(s *Session) []byte
}

func batchCase(label string, edit func(b *wire.Batch)) recordCase {
	return recordCase{label, func(s *Session) []byte {
		b := s.Batch("a", "b", "c")
		edit(b)
		return b.Encode()
	}}
}

var recordCases = []recordCase{
	batchCase("valid", func(*wire.Batch) {}),
	batchCase("wrong checksum", func(b *wire.Batch) { b.BadCRC = true }),
	batchCase("base offset not 0", func(b *wire.Batch) { b.BaseOffset = 5 }),
	batchCase("leader epoch set", func(b *wire.Batch) { b.LeaderEpoch = 9 }),
	batchCase("count too large", func(b *wire.Batch) { b.Count = ptr(int32(4)) }),
	batchCase("count too small", func(b *wire.Batch) { b.Count = ptr(int32(2)) }),
	batchCase("count zero", func(b *wire.Batch) { b.Count = ptr(int32(0)) }),
	batchCase("count negative", func(b *wire.Batch) { b.Count = ptr(int32(-1)) }),
	batchCase("last offset delta too large", func(b *wire.Batch) { b.LastOffsetDelta = ptr(int32(7)) }),
	batchCase("last offset delta negative", func(b *wire.Batch) { b.LastOffsetDelta = ptr(int32(-1)) }),
	batchCase("count and delta agree, records do not", func(b *wire.Batch) {
		b.Count, b.LastOffsetDelta = ptr(int32(5)), ptr(int32(4))
	}),
	batchCase("no records", func(b *wire.Batch) {
		b.Records, b.Count, b.LastOffsetDelta = nil, ptr(int32(0)), ptr(int32(-1))
	}),
	batchCase("control batch", func(b *wire.Batch) { b.Attributes = 1 << 5 }),
	batchCase("log append time bit", func(b *wire.Batch) { b.Attributes = 1 << 3 }),
	batchCase("transactional without id", func(b *wire.Batch) {
		b.Attributes, b.ProducerID, b.ProducerEpoch, b.BaseSequence = 1<<4, 1, 0, 0
	}),
	batchCase("unknown codec", func(b *wire.Batch) { b.Attributes = 5 }),
	batchCase("codec without compressed data", func(b *wire.Batch) { b.Attributes = 1 }),
	batchCase("length too large", func(b *wire.Batch) { b.LengthDelta = 1 }),
	batchCase("length too small", func(b *wire.Batch) { b.LengthDelta = -1 }),
	batchCase("length negative", func(b *wire.Batch) { b.LengthDelta = -1 << 20 }),
	batchCase("magic 3", func(b *wire.Batch) { b.Magic = 3 }),
	batchCase("magic 1", func(b *wire.Batch) { b.Magic = 1 }),
	batchCase("bytes after the records", func(b *wire.Batch) { b.Payload = append(wire.EncodeRecords(b.Records), 1, 2, 3) }),
	batchCase("records cut", func(b *wire.Batch) {
		whole := wire.EncodeRecords(b.Records)
		b.Payload = whole[:len(whole)-2]
	}),
	batchCase("sequence without producer id", func(b *wire.Batch) { b.BaseSequence = 0 }),
	batchCase("producer id without sequence", func(b *wire.Batch) { b.ProducerID, b.ProducerEpoch = 5, 0 }),
	batchCase("timestamp -1", func(b *wire.Batch) {
		b.BaseTimestamp, b.MaxTimestamp = -1, -1
		for i := range b.Records {
			b.Records[i].TimestampDelta = 0
		}
	}),
	batchCase("max timestamp wrong", func(b *wire.Batch) { b.MaxTimestamp += 1000 }),
	batchCase("two hours ahead", func(b *wire.Batch) {
		b.BaseTimestamp += (2 * 60 * 60 * 1000)
		b.MaxTimestamp += (2 * 60 * 60 * 1000)
	}),
	batchCase("null key and value", func(b *wire.Batch) { b.Records[1] = wire.Record{} }),
	batchCase("headers", func(b *wire.Batch) {
		b.Records[0].Headers = []wire.Header{{Key: "a", Value: []byte("1")}, {Key: "a"}, {Key: "", Value: []byte{}}}
	}),
	{"two batches", func(s *Session) []byte { return append(s.Batch("a").Encode(), s.Batch("b").Encode()...) }},
	{"a batch and a half", func(s *Session) []byte { return append(s.Batch("a").Encode(), s.Batch("b").Encode()[:30]...) }},
	{"sixty bytes", func(s *Session) []byte { return s.Batch("a").Encode()[:60] }},
	{"ten bytes", func(s *Session) []byte { return s.Batch("a").Encode()[:10] }},
	{"old messages", func(s *Session) []byte {
		return wire.EncodeMessageSet(wire.Message{Magic: 1, Timestamp: s.Base, Key: []byte("k"), Value: []byte("v")})
	}},
}

// compressedCase is a valid batch in a codec.
func compressedCase(label string, codec int16, compress func(plain []byte) []byte) recordCase {
	return batchCase(label, func(b *wire.Batch) {
		b.Attributes = codec
		b.Payload = compress(wire.EncodeRecords(b.Records))
	})
}

// byCodec compresses as a client does.
func byCodec(codec kgo.CompressionCodec) func(plain []byte) []byte {
	return func(plain []byte) []byte {
		c, err := kgo.DefaultCompressor(codec)
		if err != nil {
			panic(err) // a codec of our own choice
		}
		out, _ := c.Compress(&bytes.Buffer{}, plain)
		return append([]byte{}, out...)
	}
}

// codecs by their number in a batch.
var codecs = map[int]kgo.CompressionCodec{1: kgo.GzipCompression(), 2: kgo.SnappyCompression(), 3: kgo.Lz4Compression(), 4: kgo.ZstdCompression()}

func damagedGzip(plain []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(plain) // into memory
	_ = w.Close()
	out := b.Bytes()
	out[len(out)/2] ^= 0xff
	return out
}

var compressedCases = []recordCase{
	compressedCase("gzip", 1, byCodec(kgo.GzipCompression())),
	compressedCase("snappy", 2, byCodec(kgo.SnappyCompression())),
	compressedCase("lz4", 3, byCodec(kgo.Lz4Compression())),
	compressedCase("zstd", 4, byCodec(kgo.ZstdCompression())),
	compressedCase("damaged gzip", 1, damagedGzip),
	compressedCase("snappy said, gzip sent", 2, byCodec(kgo.GzipCompression())),
}

// judge sends each case to a topic of its own setting and reads back.
func judge(name string, cases []recordCase, configs ...string) Story {
	return Story{Name: name, Key: kmsg.Produce, Tell: func(s *Session) {
		topic, id := s.MakeTopic("t", 1, configs...)
		for _, c := range cases {
			s.Try(c.label, produceTo(topic, id, 0, c.records(s)))
		}
		s.Ask("what was stored", fetchFrom(topic, id, 0, 0))
	}}
}

func produceRecordStories() []Story {
	oversize := batchCase("too large", func(b *wire.Batch) { b.Records[0].Value = make([]byte, 2000) })
	fits := batchCase("fits", func(b *wire.Batch) { b.Records[0].Value = make([]byte, 500) })
	noKey := batchCase("one key null", func(b *wire.Batch) { b.Records[1].Key = nil })
	plain := batchCase("plain", func(*wire.Batch) {})
	late := batchCase("too late", func(b *wire.Batch) { b.BaseTimestamp -= 3_600_000; b.MaxTimestamp -= 3_600_000 })
	mixed := batchCase("one of three too late", func(b *wire.Batch) { b.Records[2].TimestampDelta = -3_600_000 })
	return []Story{
		// The time ahead is the default of Kafka 4; 3.9 has none.
		judge("produce/records", recordCases, "message.timestamp.after.max.ms", "3600000"),
		judge("produce/codecs", compressedCases),
		judge("produce/size limit", []recordCase{fits, oversize}, "max.message.bytes", "1000"),
		judge("produce/segment limit", []recordCase{
			batchCase("above the segment", func(b *wire.Batch) { b.Records[0].Value = make([]byte, 1_100_000) }),
		}, "segment.bytes", "1048576", "max.message.bytes", "2000000"),
		judge("produce/compacted topic wants keys", []recordCase{plain, noKey}, "cleanup.policy", "compact"),
		judge("produce/compacted and deleted topic wants keys", []recordCase{plain, noKey}, "cleanup.policy", "compact,delete"),
		judge("produce/timestamps in bounds", []recordCase{plain, late, mixed}, "message.timestamp.before.max.ms", "1800000"),
		judge("produce/too late and no key", []recordCase{
			batchCase("both", func(b *wire.Batch) { b.Records[0].Key = nil; b.Records[2].TimestampDelta = -3_600_000 }),
		}, "message.timestamp.before.max.ms", "1800000", "cleanup.policy", "compact"),
		judge("produce/log append time", []recordCase{plain, compressedCases[0], batchCase("bit set by client", func(b *wire.Batch) { b.Attributes = 1 << 3 })},
			"message.timestamp.type", "LogAppendTime"),
		judge("produce/recompresses to gzip", append([]recordCase{plain}, compressedCases...), "compression.type", "gzip"),
		judge("produce/decompresses", append([]recordCase{plain}, compressedCases...), "compression.type", "uncompressed"),
	}
}
