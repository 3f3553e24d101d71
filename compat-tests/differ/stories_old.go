package differ

import (
	"bytes"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/schema"
	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

// oldProduceStories send message sets, which Apache Kafka 4 refuses. What is stored is
// read back in a version that returns batches.
func oldProduceStories() []Story {
	message := func(s *Session, magic int8, value string) wire.Message {
		return wire.Message{Magic: magic, Timestamp: s.Base, Key: []byte("key-" + value), Value: []byte(value)}
	}
	return []Story{
		{Name: "old produce/message sets", Key: kmsg.Produce, Versions: between(0, 2), Tell: func(s *Session) {
			topic, id := s.MakeTopic("t", 1)
			noTimestamp, damaged := message(s, 1, "i"), message(s, 1, "j")
			noTimestamp.Timestamp, damaged.BadCRC = -1, true
			for _, c := range []struct {
				label    string
				messages []wire.Message
			}{
				{"one of format 0", []wire.Message{message(s, 0, "a")}},
				{"one of format 1", []wire.Message{message(s, 1, "b")}},
				{"three of format 0", []wire.Message{message(s, 0, "c"), message(s, 0, "d"), message(s, 0, "e")}},
				{"three of format 1", []wire.Message{message(s, 1, "f"), message(s, 1, "g"), message(s, 1, "h")}},
				{"null key and value", []wire.Message{{Magic: 1, Timestamp: s.Base}}},
				{"no timestamp", []wire.Message{noTimestamp}},
				{"wrong checksum", []wire.Message{damaged}},
			} {
				s.Try(c.label, produceTo(topic, id, 0, wire.EncodeMessageSet(c.messages...)))
			}
			whole, batch := wire.EncodeMessageSet(message(s, 1, "k")), s.Batch("l").Encode()
			for _, c := range []struct {
				label   string
				records []byte
			}{
				{"nothing", []byte{}}, {"ten bytes", whole[:10]}, {"half a message", whole[:20]},
				{"one and a half", append(bytes.Clone(whole), whole[:20]...)}, {"half a batch", batch[:60]}, {"two batches", append(bytes.Clone(batch), batch...)},
				{"a batch and a half", append(bytes.Clone(batch), batch[:60]...)}, {"a message and a batch", append(bytes.Clone(whole), batch...)},
				{"a batch and a message", append(bytes.Clone(batch), whole...)},
			} {
				s.Try(c.label, produceTo(topic, id, 0, c.records))
			}
			s.Ask("what was stored", fetchFrom(topic, id, 0, 0))
		}},
		{Name: "old produce/compressed message sets", Key: kmsg.Produce, Versions: between(0, 2), Tell: func(s *Session) {
			topic, id := s.MakeTopic("t", 1)
			for _, c := range []struct {
				label string
				magic int8
				codec kgo.CompressionCodec
				bits  int8
			}{
				{"gzip of format 0", 0, kgo.GzipCompression(), 1},
				{"gzip of format 1", 1, kgo.GzipCompression(), 1},
				{"snappy of format 1", 1, kgo.SnappyCompression(), 2},
				{"lz4 of format 1", 1, kgo.Lz4Compression(), 3},
				{"zstd of format 1", 1, kgo.ZstdCompression(), 4},
			} {
				inner := []wire.Message{message(s, c.magic, "a"), message(s, c.magic, "b"), message(s, c.magic, "c")}
				for i := range inner {
					inner[i].Offset = int64(i)
				}
				outer := wire.Message{Magic: c.magic, Attributes: c.bits, Timestamp: s.Base, Offset: 2, Value: byCodec(c.codec)(wire.EncodeMessageSet(inner...))}
				s.Try(c.label, produceTo(topic, id, 0, wire.EncodeMessageSet(outer)))
			}
			s.Ask("what was stored", fetchFrom(topic, id, 0, 0))
		}},
		{Name: "old produce/mixed message sets", Key: kmsg.Produce, Versions: between(0, 2), Tell: func(s *Session) {
			topic, id := s.MakeTopic("t", 1)
			pack := func(magic int8, inner ...wire.Message) wire.Message {
				for i := range inner {
					inner[i].Offset = int64(i)
				}
				return wire.Message{Magic: magic, Attributes: 1, Timestamp: s.Base, Offset: int64(len(inner) - 1), Value: byCodec(kgo.GzipCompression())(wire.EncodeMessageSet(inner...))}
			}
			damaged := message(s, 1, "damaged")
			damaged.BadCRC = true
			for _, c := range []struct {
				label    string
				messages []wire.Message
			}{
				{"both formats", []wire.Message{message(s, 0, "a"), message(s, 1, "b")}},
				{"both formats, newer first", []wire.Message{message(s, 1, "a"), message(s, 0, "b")}},
				{"plain and packed", []wire.Message{message(s, 1, "a"), pack(1, message(s, 1, "b"))}},
				{"packed and plain", []wire.Message{pack(1, message(s, 1, "a")), message(s, 1, "b")}},
				{"two packed", []wire.Message{pack(1, message(s, 1, "a")), pack(1, message(s, 1, "b"))}},
				{"packed in packed", []wire.Message{pack(1, pack(1, message(s, 1, "a")))}},
				{"format 0 in format 1", []wire.Message{pack(1, message(s, 0, "a"))}},
				{"format 1 in format 0", []wire.Message{pack(0, message(s, 1, "a"))}},
				{"damaged inside", []wire.Message{pack(1, damaged)}},
				{"second one damaged", []wire.Message{message(s, 1, "a"), damaged}},
				{"nothing packed", []wire.Message{pack(1)}},
			} {
				s.Try(c.label, produceTo(topic, id, 0, wire.EncodeMessageSet(c.messages...)))
			}
			s.Ask("what was stored", fetchFrom(topic, id, 0, 0))
		}},
		{Name: "old produce/errors", Key: kmsg.Produce, Versions: between(0, 2), Tell: func(s *Session) {
			topic, id := s.MakeTopic("t", 1)
			good := wire.EncodeMessageSet(message(s, 1, "a"))
			s.Ask("unknown topic", produceTo(unknownTopic, unknownID, 0, good))
			s.Ask("unknown partition", produceTo(topic, id, 9, good))
			s.Ask("acks 2", edited(produceTo(topic, id, 0, good), func(r *kmsg.ProduceRequest) { r.Acks = 2 }))
			large := message(s, 1, "b")
			large.Value = make([]byte, 1_100_000)
			s.Ask("too large", produceTo(topic, id, 0, wire.EncodeMessageSet(large)))
		}},
	}
}

// oldFetchStories read batches as message sets.
func oldFetchStories() []Story {
	read := func(name string, versions schema.Range, codec int, configs ...string) Story {
		return Story{Name: "old fetch/" + name, Key: kmsg.Fetch, Versions: versions, Tell: func(s *Session) {
			topic, id := s.MakeTopic("t", 1, configs...)
			for _, values := range [][]string{{"a"}, {"b", "c", "d"}, {"e", "f"}} {
				b := s.Batch(values...)
				b.Records[0].Headers = []wire.Header{{Key: "h", Value: []byte("1")}}
				b.Records[len(values)-1].Key = nil
				if codec > 0 {
					b.Attributes, b.Payload = int16(codec), byCodec(codecs[codec])(wire.EncodeRecords(b.Records))
				}
				s.Produce(topic, id, 0, b)
			}
			for _, offset := range []int64{0, 1, 2, 3, 5, 6} {
				s.Ask(fmt.Sprintf("from %d", offset), fetchFrom(topic, id, 0, offset))
			}
		}}
	}
	all := between(0, 3)
	return []Story{
		read("plain", all, 0), read("gzip", all, 1), read("snappy", all, 2), read("lz4", all, 3), read("zstd", all, 4),
		read("log append time", all, 0, "message.timestamp.type", "LogAppendTime"),
		read("log append time, packed", all, 1, "message.timestamp.type", "LogAppendTime"),
		{Name: "old fetch/transactions", Key: kmsg.Fetch, Versions: all, Tell: func(s *Session) {
			topic, id := s.MakeTopic("t", 1)
			p := s.Producer("tx")
			p.init("the producer begins")
			for _, commit := range []bool{true, false} {
				s.Ask("adds", p.addRequest(topic, 0))
				s.Ask("writes", p.produceRequest(topic, id, 0, p.batch(topic, 0, "a", "b")))
				p.end("ends", commit)
			}
			s.Ask("from the start", fetchFrom(topic, id, 0, 0))
		}},
	}
}
