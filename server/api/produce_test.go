package api

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/protocol"
)

// batchOf builds a client's batch of one record per value, at the world's time.
func (w *world) batchOf(options protocol.BatchOptions, values ...string) protocol.Batch {
	b := protocol.NewBatchBuilder(options)
	for _, v := range values {
		b.Add(protocol.Timestamp(w.clock.Now().UnixMilli()), []byte("key"), []byte(v))
	}
	return b.Build(0, protocol.None)
}

func plain() protocol.BatchOptions { return protocol.DefaultBatchOptions() }

func sequenced(id protocol.ProducerID, epoch int16, sequence int32) protocol.BatchOptions {
	o := plain()
	o.ProducerID, o.ProducerEpoch, o.BaseSequence = id, epoch, sequence
	return o
}

func produceRequest(acks int16, topic string, index int32, records []byte) *kmsg.ProduceRequest {
	q := kmsg.NewPtrProduceRequest()
	q.Acks, q.TimeoutMillis = acks, 1000
	t := kmsg.NewProduceRequestTopic()
	t.Topic = topic
	p := kmsg.NewProduceRequestTopicPartition()
	p.Partition, p.Records = index, records
	t.Partitions = append(t.Partitions, p)
	q.Topics = append(q.Topics, t)
	return q
}

// send produces in version 9 and returns the partition's answer.
func (w *world) send(topic string, records []byte) kmsg.ProduceResponseTopicPartition {
	w.t.Helper()
	return ask[*kmsg.ProduceResponse](w, 9, produceRequest(-1, topic, 0, records)).Topics[0].Partitions[0]
}

func TestProduceAnswersEveryVersion(t *testing.T) {
	w := newWorld(t)
	id := w.topic("t", 1)
	for version := int16(3); version <= 13; version++ {
		q := produceRequest(-1, "t", 0, w.batchOf(plain(), "v"))
		q.Topics[0].TopicID = id
		p := ask[*kmsg.ProduceResponse](w, version, q).Topics[0].Partitions[0]
		if p.ErrorCode != 0 || p.BaseOffset != int64(version-3) || p.LogAppendTime != -1 {
			t.Fatalf("version %d: %+v", version, p)
		}
	}
}

// oldMessage is one message of format 0: magic, attributes, null key, the value, with offset,
// size and CRC in front.
func oldMessage(value string) []byte {
	message := append([]byte("\x00\x00\xff\xff\xff\xff\x00\x00\x00"), byte(len(value)))
	message = append(message, value...)
	set := binary.BigEndian.AppendUint32(make([]byte, 8), uint32(4+len(message)))
	set = binary.BigEndian.AppendUint32(set, crc32.ChecksumIEEE(message))
	return append(set, message...)
}

func TestProduceStoresOldMessageSetsAsBatches(t *testing.T) {
	w := newWorld(t)
	w.topic("t", 1)
	set := oldMessage("old")
	for version := int16(0); version <= 2; version++ {
		p := ask[*kmsg.ProduceResponse](w, version, produceRequest(1, "t", 0, bytes.Clone(set))).Topics[0].Partitions[0]
		if p.ErrorCode != 0 || p.BaseOffset != int64(version) {
			t.Fatalf("version %d: %v at offset %d", version, protocol.ErrorForCode(p.ErrorCode), p.BaseOffset)
		}
	}
	batch, _, err := protocol.NextBatch(w.fetchAll("t"))
	if err != nil || batch.Magic() != 2 || batch.Count() != 1 {
		t.Fatalf("stored as %v, %v", batch, err)
	}
}

// Kafka 3.9 takes a batch in the versions of message sets too, zstd included.
func TestProduceTakesBatchesInOldVersions(t *testing.T) {
	w := newWorld(t)
	w.topic("t", 1)
	for version := int16(0); version <= 2; version++ {
		p := ask[*kmsg.ProduceResponse](w, version, produceRequest(1, "t", 0, w.batchOf(plain(), "v"))).Topics[0].Partitions[0]
		if p.ErrorCode != 0 || p.BaseOffset != int64(version) {
			t.Fatalf("version %d: %v at offset %d", version, protocol.ErrorForCode(p.ErrorCode), p.BaseOffset)
		}
	}
	packed, err := protocol.Recompress(w.batchOf(plain(), "v"), protocol.CodecZstd, protocol.LevelDefault, 1<<20, protocol.DecodeLimits{MaxBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	for version, want := range map[int16]int16{2: 0, 3: protocol.ErrUnsupportedCompressionType.Code} {
		if p := ask[*kmsg.ProduceResponse](w, version, produceRequest(1, "t", 0, bytes.Clone(packed))).Topics[0].Partitions[0]; p.ErrorCode != want {
			t.Errorf("zstd in version %d: %v", version, protocol.ErrorForCode(p.ErrorCode))
		}
	}
}

// Up to version 6 the codec is looked at first, because zstd is not allowed yet.
func TestProduceOfAnUnknownCodecThatIsTooLarge(t *testing.T) {
	w := newWorld(t)
	w.topic("small", 1, "max.message.bytes", "60")
	batch := w.batchOf(plain(), "v")
	batch.SetAttributes(5)
	batch.SetCRC()
	for version, want := range map[int16]*protocol.Error{6: protocol.ErrUnknownServerError, 7: protocol.ErrMessageTooLarge} {
		if p := ask[*kmsg.ProduceResponse](w, version, produceRequest(-1, "small", 0, bytes.Clone(batch))).Topics[0].Partitions[0]; p.ErrorCode != want.Code {
			t.Errorf("version %d: %v", version, protocol.ErrorForCode(p.ErrorCode))
		}
	}
}

// What is no whole entry at the end of an old request is cut off, and a request of nothing
// else is no error; the size of an entry is judged before its checksum. The answers are those
// of Apache Kafka 3.9.2.
func TestOldProduceOfHalfMessages(t *testing.T) {
	w := newWorld(t)
	w.topic("t", 1)
	w.topic("small", 1, "max.message.bytes", "60")
	batch := w.batchOf(plain(), "v")
	damaged := bytes.Clone(batch)
	damaged[len(damaged)-1]++
	end := int64(0)
	for _, c := range []struct {
		name, topic string
		records     []byte
		offset      int64 // -1 for nothing
		want        int16
	}{
		{"nothing", "t", []byte{}, -1, 0},
		{"ten bytes", "t", batch[:10], -1, 0},
		{"half a batch", "t", batch[:60], -1, 0},
		{"one and a half", "t", append(bytes.Clone(batch), batch[:60]...), 0, 0},
		{"damaged", "t", damaged, -1, protocol.ErrCorruptMessage.Code},
		{"damaged and too large", "small", damaged, -1, protocol.ErrMessageTooLarge.Code},
	} {
		p := ask[*kmsg.ProduceResponse](w, 2, produceRequest(-1, c.topic, 0, bytes.Clone(c.records))).Topics[0].Partitions[0]
		if p.ErrorCode != c.want || p.BaseOffset != c.offset {
			t.Errorf("%s: %v at offset %d", c.name, protocol.ErrorForCode(p.ErrorCode), p.BaseOffset)
		}
		end = max(end, c.offset+1)
	}
	if got := w.set.Get(w.store.Image().Topic("t").ID, 0).Offsets().End; int64(got) != end {
		t.Errorf("the log ends at %d, want %d", got, end)
	}
}

// What is wrong with a request as a whole, with a topic and with a batch is told in the
// order in which Kafka looks.
func TestProduceTellsTheFirstOfTwoMistakes(t *testing.T) {
	w := newWorld(t)
	w.topic("t", 1)
	w.topic("__consumer_offsets", -1)
	damaged := w.batchOf(plain(), "v")
	damaged[16] = 3 // the format
	for _, c := range []struct {
		name, topic string
		acks        int16
		index       int32
		records     []byte
		want        *protocol.Error
	}{
		{"bad acks", "t", 2, 0, w.batchOf(plain(), "v"), protocol.ErrInvalidRequiredAcks},
		{"bad acks, unknown topic", "nowhere", 2, 0, w.batchOf(plain(), "v"), protocol.ErrUnknownTopicOrPartition},
		{"bad acks, unknown partition", "t", 2, 7, w.batchOf(plain(), "v"), protocol.ErrUnknownTopicOrPartition},
		{"bad acks, internal topic", "__consumer_offsets", 2, 0, w.batchOf(plain(), "v"), protocol.ErrInvalidRequiredAcks},
		{"bad acks, no batch", "t", 2, 0, []byte{}, protocol.ErrInvalidRecord},
		{"unreadable, unknown topic", "nowhere", 1, 0, damaged, protocol.ErrCorruptMessage},
		{"transactional, unknown topic", "nowhere", 1, 0, w.batchOf(inTransaction(7, 0, 0), "v"), protocol.ErrTransactionalIDAuthorizationFailed},
	} {
		p := ask[*kmsg.ProduceResponse](w, 9, produceRequest(c.acks, c.topic, c.index, bytes.Clone(c.records))).Topics[0].Partitions[0]
		if p.ErrorCode != c.want.Code {
			t.Errorf("%s: %v, want %v", c.name, protocol.ErrorForCode(p.ErrorCode), c.want)
		}
	}
}

func TestProduceRefusals(t *testing.T) {
	w := newWorld(t)
	w.topic("t", 1, "max.message.bytes", "1000")
	w.topic("compacted", 1, "cleanup.policy", "compact")
	w.topic("stamped", 1, "message.timestamp.before.max.ms", "1000")
	w.topic("__consumer_offsets", -1)
	good := func() protocol.Batch { return w.batchOf(plain(), "value") }
	with := func(change func(protocol.Batch)) protocol.Batch {
		b := good()
		change(b)
		b.SetCRC()
		return b
	}
	noKey := protocol.NewBatchBuilder(plain())
	noKey.Add(protocol.Timestamp(w.clock.Now().UnixMilli()), nil, []byte("v"))
	early := protocol.NewBatchBuilder(plain())
	early.Add(protocol.Timestamp(w.clock.Now().UnixMilli()-5000), []byte("k"), []byte("v"))
	for _, c := range []struct {
		name, topic string
		index       int32
		records     []byte
		want        *protocol.Error
	}{
		{"unknown topic", "nowhere", 0, good(), protocol.ErrUnknownTopicOrPartition},
		{"unknown partition", "t", 7, good(), protocol.ErrUnknownTopicOrPartition},
		{"negative partition", "t", -1, good(), protocol.ErrUnknownTopicOrPartition},
		{"internal topic", "__consumer_offsets", 0, good(), protocol.ErrInvalidTopicException},
		{"no batch", "t", 0, []byte{}, protocol.ErrInvalidRecord},
		{"two batches", "t", 0, append(good(), good()...), protocol.ErrInvalidRecord},
		{"wrong CRC", "t", 0, func() []byte { b := good(); b[len(b)-1]++; return b }(), protocol.ErrCorruptMessage},
		{"cut off: no whole batch", "t", 0, good()[:70], protocol.ErrInvalidRecord},
		{"a length that cannot be", "t", 0, func() []byte { b := good(); b[10], b[11] = 0, 5; return b }(), protocol.ErrCorruptMessage},
		{"format 3", "t", 0, with(func(b protocol.Batch) { b[16] = 3 }), protocol.ErrCorruptMessage},
		{"wrong count", "t", 0, with(func(b protocol.Batch) { b[60] = 2 }), protocol.ErrInvalidRecord},
		{"no records", "t", 0, with(func(b protocol.Batch) { b[60] = 0 }), protocol.ErrInvalidRecord},
		{"control batch", "t", 0, with(func(b protocol.Batch) { b.SetAttributes(protocol.AttributeControl) }), protocol.ErrInvalidRecord},
		{"unknown codec", "t", 0, with(func(b protocol.Batch) { b.SetAttributes(6) }), protocol.ErrUnknownServerError},
		{"broken gzip", "t", 0, with(func(b protocol.Batch) { b.SetAttributes(int16(protocol.CodecGzip)) }), protocol.ErrUnknownServerError},
		{"format 1", "t", 0, with(func(b protocol.Batch) { b[16] = 1 }), protocol.ErrInvalidRecord},
		{"too large", "t", 0, w.batchOf(plain(), strings.Repeat("x", 1000)), protocol.ErrMessageTooLarge},
		{"too large, and a base offset", "t", 0, func() []byte {
			b := w.batchOf(plain(), strings.Repeat("x", 1000))
			b.SetBaseOffset(1)
			return b
		}(), protocol.ErrInvalidRecord},
		{"damaged, and a base offset", "t", 0, func() []byte { b := good(); b[7], b[len(b)-1] = 1, b[len(b)-1]+1; return b }(), protocol.ErrInvalidRecord},
		{"producer without sequence", "t", 0, w.batchOf(sequenced(5, 0, -1), "v"), protocol.ErrInvalidRecord},
		{"null key in a compacted topic", "compacted", 0, noKey.Build(0, -1), protocol.ErrInvalidRecord},
		{"timestamp too early", "stamped", 0, early.Build(0, -1), protocol.ErrInvalidTimestamp},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := ask[*kmsg.ProduceResponse](w, 9, produceRequest(-1, c.topic, c.index, c.records)).Topics[0].Partitions[0]
			if p.ErrorCode != c.want.Code || p.BaseOffset != -1 {
				t.Fatalf("the answer is %v at offset %d, want %v at -1", protocol.ErrorForCode(p.ErrorCode), p.BaseOffset, c.want)
			}
		})
	}
	if p := w.send("t", append(good(), good()[:50]...)); p.ErrorCode != 0 || p.BaseOffset != 0 {
		t.Fatalf("after all that a good batch got %v at offset %d", protocol.ErrorForCode(p.ErrorCode), p.BaseOffset)
	}
}

// The log's start comes with errors that the log would have found, as from Kafka.
func TestProduceErrorsTellTheLogStart(t *testing.T) {
	w := newWorld(t)
	w.topic("t", 1)
	w.topic("small", 1, "max.message.bytes", "60")
	damaged := w.batchOf(plain(), "v")
	damaged[len(damaged)-1]++
	control := w.batchOf(plain(), "v")
	control.SetAttributes(protocol.AttributeControl)
	control.SetCRC()
	for _, c := range []struct {
		name, topic string
		records     []byte
		start       int64
	}{
		{"unknown topic", "nowhere", w.batchOf(plain(), "v"), -1},
		{"no batch", "t", nil, -1},
		{"damaged", "t", damaged, -1},
		{"too large", "small", w.batchOf(plain(), "v"), -1},
		{"a control batch", "t", control, 0},
		{"a gap in the sequence", "t", w.batchOf(sequenced(4, 0, 7), "v"), 0},
	} {
		if c.topic == "t" {
			w.send("t", w.batchOf(sequenced(4, 0, 0), "v"))
		}
		p := w.send(c.topic, c.records)
		if p.ErrorCode == 0 || p.LogStartOffset != c.start {
			t.Errorf("%s: error %d with log start %d, want %d", c.name, p.ErrorCode, p.LogStartOffset, c.start)
		}
	}
}

func TestProduceTellsWhichRecordsAreAtFault(t *testing.T) {
	w := newWorld(t)
	w.topic("compacted", 1, "cleanup.policy", "compact")
	b := protocol.NewBatchBuilder(plain())
	now := protocol.Timestamp(w.clock.Now().UnixMilli())
	b.Add(now, []byte("k"), []byte("good"))
	b.Add(now, nil, []byte("bad"))
	p := w.send("compacted", b.Build(0, -1))
	if len(p.ErrorRecords) != 1 || p.ErrorRecords[0].RelativeOffset != 1 || p.ErrorMessage == nil {
		t.Fatalf("the answer is %+v", p)
	}
}

func TestProduceJudgesTheRequestAsAWhole(t *testing.T) {
	w := newWorld(t)
	w.topic("t", 1)
	code := func(acks int16, transactional *string) int16 {
		q := produceRequest(acks, "t", 0, w.batchOf(plain(), "v"))
		q.TransactionID = transactional
		return ask[*kmsg.ProduceResponse](w, 9, q).Topics[0].Partitions[0].ErrorCode
	}
	if got := code(2, nil); got != protocol.ErrInvalidRequiredAcks.Code {
		t.Errorf("acks=2 got %d", got)
	}
	id := "tx"
	if got := code(-1, &id); got != 0 {
		t.Errorf("a transactional id without a transaction got %d", got)
	}
}

func TestProduceWithoutAcks(t *testing.T) {
	w := newWorld(t)
	w.topic("t", 1)
	for range 3 { // no answers: the next one is of the request after them
		q := produceRequest(0, "t", 0, w.batchOf(plain(), "v"))
		q.SetVersion(9)
		_, err := w.conn.Write(kmsg.NewRequestFormatter().AppendRequest(nil, q, 1))
		w.must(err)
	}
	if p := w.send("t", w.batchOf(plain(), "v")); p.BaseOffset != 3 {
		t.Fatalf("the fourth batch is at offset %d", p.BaseOffset)
	}
	q := produceRequest(0, "nowhere", 0, w.batchOf(plain(), "v"))
	q.SetVersion(9)
	_, err := w.conn.Write(kmsg.NewRequestFormatter().AppendRequest(nil, q, 1))
	w.must(err)
	if _, err := w.in.ReadByte(); !errors.Is(err, io.EOF) {
		t.Fatalf("an error without acks does not close the connection: %v", err)
	}
}

func TestProduceJudgesSequences(t *testing.T) {
	w := newWorld(t)
	w.topic("t", 1)
	for _, c := range []struct {
		what     string
		epoch    int16
		sequence int32
		records  int
		code     int16
		offset   int64
	}{
		{"the first batch", 0, 0, 2, 0, 0},
		{"the next", 0, 2, 1, 0, 2},
		{"the first again: its own offset", 0, 0, 2, 0, 0},
		{"a gap", 0, 5, 1, protocol.ErrOutOfOrderSequenceNumber.Code, -1},
		{"a new epoch must begin at 0", 1, 3, 1, protocol.ErrOutOfOrderSequenceNumber.Code, -1},
		{"a new epoch", 1, 0, 1, 0, 3},
		{"the old epoch", 0, 3, 1, protocol.ErrInvalidProducerEpoch.Code, -1},
	} {
		p := w.send("t", w.batchOf(sequenced(9, c.epoch, c.sequence), make([]string, c.records)...))
		if p.ErrorCode != c.code || p.BaseOffset != c.offset {
			t.Fatalf("%s: %v at offset %d", c.what, protocol.ErrorForCode(p.ErrorCode), p.BaseOffset)
		}
	}
}

func TestTopicsMayAskForTheirOwnTimeAndCodec(t *testing.T) {
	w := newWorld(t)
	w.topic("stamped", 1, "message.timestamp.type", "LogAppendTime")
	w.topic("zipped", 1, "compression.type", "gzip")
	now := w.clock.Now().UnixMilli()
	if p := w.send("stamped", w.batchOf(plain(), "v")); p.LogAppendTime != now {
		t.Fatalf("the append time is %d, want %d", p.LogAppendTime, now)
	}
	w.send("zipped", w.batchOf(plain(), strings.Repeat("v", 500)))
	stored := w.fetchAll("zipped")
	if batch := protocol.Batch(stored); batch.Codec() != protocol.CodecGzip || protocol.VerifyBatch(batch) != nil {
		t.Fatalf("the batch is stored as %s", batch.Codec())
	}
}

// A client that says of its batch that the times are those of the append means one time,
// that of the batch. It is what each record has when the batch is packed anew, as by
// Apache Kafka 4.3.1; else nothing changes.
func TestTheClientsAppendTimeWhenABatchIsPackedAnew(t *testing.T) {
	w := newWorld(t)
	w.topic("zipped", 1, "compression.type", "gzip")
	w.topic("plain", 1)
	for topic, want := range map[string]string{"zipped": "[3 3]", "plain": "[1 3]"} {
		builder := protocol.NewBatchBuilder(plain())
		builder.Add(1, nil, []byte("a"))
		builder.Add(3, []byte("k"), nil, protocol.RecordHeader{Key: "h"})
		batch := builder.Build(0, 0)
		batch.SetTimestamps(true, batch.MaxTimestamp())
		if p := w.send(topic, batch); p.ErrorCode != 0 {
			t.Fatalf("%s: %v", topic, protocol.ErrorForCode(p.ErrorCode))
		}
		stored := protocol.Batch(w.fetchAll(topic))
		var times []protocol.Timestamp
		w.must(stored.EachRecord(protocol.DecodeLimits{}, func(r *protocol.Record) error {
			times = append(times, r.Timestamp)
			return nil
		}))
		if got := fmt.Sprint(times); got != want || stored.IsLogAppendTime() || stored.MaxTimestamp() != 3 || protocol.VerifyBatch(stored) != nil {
			t.Errorf("%s: times %s, want %s; attributes %#x", topic, got, want, stored.Attributes())
		}
	}
}

func TestMinInsyncReplicasCannotBeMetByOneNode(t *testing.T) {
	w := newWorld(t)
	w.topic("t", 1, "min.insync.replicas", "2")
	if p := w.send("t", w.batchOf(plain(), "v")); p.ErrorCode != protocol.ErrNotEnoughReplicas.Code {
		t.Fatalf("acks=all got %v", protocol.ErrorForCode(p.ErrorCode))
	}
	p := ask[*kmsg.ProduceResponse](w, 9, produceRequest(1, "t", 0, w.batchOf(plain(), "v"))).Topics[0].Partitions[0]
	if p.ErrorCode != 0 {
		t.Fatalf("acks=1 got %v", protocol.ErrorForCode(p.ErrorCode))
	}
}

// A batch whose records are many times as large as others' comes through, as it is and in
// another codec, and with the time of its append; one beyond all limits does not.
func TestProduceOfMuchInLittle(t *testing.T) {
	w := newWorld(t, "barnabas.batch.decompressed.max.bytes=12582912")
	w.topic("t", 1)
	w.topic("gzip", 1, "compression.type", "gzip")
	w.topic("timed", 1, "compression.type", "lz4", "message.timestamp.type", "LogAppendTime")
	batch := func(records int) []byte {
		b := protocol.NewBatchBuilder(protocol.BatchOptions{Codec: protocol.CodecZstd, ProducerID: protocol.None, ProducerEpoch: protocol.None, BaseSequence: protocol.None})
		for range records {
			b.Add(protocol.Timestamp(w.clock.Now().UnixMilli()), nil, make([]byte, 1<<20))
		}
		return b.Build(0, protocol.None)
	}
	for _, topic := range []string{"t", "gzip", "timed"} {
		for records, want := range map[int]int16{besideBytesMax>>20 + 2: 0, besideBytesMax>>20 + 6: protocol.ErrMessageTooLarge.Code} {
			if p := ask[*kmsg.ProduceResponse](w, 7, produceRequest(-1, topic, 0, batch(records))).Topics[0].Partitions[0]; p.ErrorCode != want {
				t.Errorf("%d MiB to %s: %v", records, topic, protocol.ErrorForCode(p.ErrorCode))
			}
		}
		stored, _, err := protocol.NextBatch(w.fetchAll(topic))
		if err != nil || stored.Count() != besideBytesMax>>20+2 {
			t.Errorf("%s has %v, %v", topic, stored, err)
			continue
		}
		if err := stored.EachRecord(protocol.DecodeLimits{}, func(*protocol.Record) error { return nil }); err != nil {
			t.Errorf("%s: %v", topic, err)
		}
	}
}

// A batch that waits until others are unpacked has no place that others could have, and keeps
// no earlier answer back. What is held while it is looked into waits for its turn only.
func TestProduceWaitsForAPlace(t *testing.T) {
	w := newWorld(t)
	w.topic("t", 1)
	w.topic("gzip", 1, "compression.type", "gzip")
	small := w.batchOf(protocol.BatchOptions{Codec: protocol.CodecZstd, ProducerID: protocol.None, ProducerEpoch: protocol.None, BaseSequence: protocol.None}, "v")
	stamped := w.batchOf(plain(), "v")
	stamped.SetTimestamps(true, stamped.MaxTimestamp())
	var payload bytes.Buffer
	wide, err := zstd.NewWriter(&payload, zstd.WithWindowSize(16<<20), zstd.WithSingleSegment(false))
	w.must(err)
	_, _ = wide.Write(w.batchOf(plain(), "v").Payload()) // into memory
	w.must(wide.Flush())
	w.must(wide.Close())
	windowed := append(bytes.Clone(small[:protocol.BatchHeaderBytes]), payload.Bytes()...)
	binary.BigEndian.PutUint32(windowed[8:], uint32(len(windowed)-12))
	protocol.Batch(windowed).SetCRC()
	for _, c := range []struct {
		name, topic string
		version     int16
		records     []byte
		places      chan struct{}
	}{
		{"compressed", "t", 9, small, w.api.unpacking},
		{"to be compressed", "gzip", 9, w.batchOf(plain(), "v"), w.api.unpacking},
		{"with the time of an append", "gzip", 9, stamped, w.api.unpackingMuch},
		{"of a large window", "t", 9, windowed, w.api.unpackingMuch},
		{"of an old client", "t", 1, oldMessage("v"), w.api.converting},
		{"compressed, when all turns are taken", "t", 9, small, nil},
		{"of a large window, when all turns are taken", "t", 9, windowed, nil},
	} {
		for range cap(c.places) {
			c.places <- struct{}{}
		}
		turns := 0
		for c.places == nil && w.api.Heavy.TryTake() {
			turns++
		}
		conn, in := w.another()
		before, q := kmsg.NewPtrApiVersionsRequest(), produceRequest(-1, c.topic, 0, c.records)
		q.SetVersion(c.version)
		format := kmsg.NewRequestFormatter(kmsg.FormatterClientID("test"))
		_, err := conn.Write(append(format.AppendRequest(nil, before, 1), format.AppendRequest(nil, q, 2)...))
		w.must(err)
		answer := func(to string) []byte {
			var length [4]byte
			if _, err := io.ReadFull(in, length[:]); err != nil {
				t.Fatalf("%s: the answer to %s: %v", c.name, to, err)
			}
			b := make([]byte, binary.BigEndian.Uint32(length[:]))
			_, err := io.ReadFull(in, b)
			w.must(err)
			return b
		}
		answer("the earlier request")
		for _, others := range []chan struct{}{w.api.unpacking, w.api.unpackingMuch, w.api.converting} {
			if c.places != nil && others != c.places && len(others) > 0 {
				t.Errorf("%s: it has another place while it waits", c.name)
			}
		}
		for range cap(c.places) {
			<-c.places
		}
		for range turns {
			w.api.Heavy.Leave()
		}
		p, body := q.ResponseKind().(*kmsg.ProduceResponse), answer("it")[4:]
		if p.IsFlexible() {
			body = body[1:] // no tagged fields
		}
		w.must(p.ReadFrom(body))
		if code := p.Topics[0].Partitions[0].ErrorCode; code != 0 {
			t.Errorf("%s: %v", c.name, protocol.ErrorForCode(code))
		}
	}
	for range max(runtime.GOMAXPROCS(0)-1, 1) {
		if !w.api.Heavy.TryTake() {
			t.Fatal("a turn is lost")
		}
	}
}
