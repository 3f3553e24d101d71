package badinput

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"math"
	"time"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

// produce is a Produce v7 request for one partition.
func produce(topic string, partition int32, records []byte) *kmsg.ProduceRequest {
	p := kmsg.NewProduceRequestTopicPartition()
	p.Partition, p.Records = partition, records
	t := kmsg.NewProduceRequestTopic()
	t.Topic = topic
	t.Partitions = append(t.Partitions, p)
	req := kmsg.NewPtrProduceRequest()
	req.Version, req.Acks, req.TimeoutMillis = 7, -1, 5000
	req.Topics = append(req.Topics, t)
	return req
}

func codesOfProduce(r kmsg.Response) []int16 {
	var codes []int16
	for _, t := range r.(*kmsg.ProduceResponse).Topics {
		for _, p := range t.Partitions {
			codes = append(codes, p.ErrorCode)
		}
	}
	return codes
}

func frameOf(req kmsg.Request) []byte {
	id := wire.DefaultClientID
	return wire.EncodeRequest(req, 1, &id)
}

// batch is a case that stores one batch in the plain topic.
func batch(name string, edit func(b *wire.Batch), codes ...int16) Case {
	return place(name, func(f *Fixture) *kmsg.ProduceRequest { return produce(f.Topic, 0, newBatch(edit).Encode()) }, codes...)
}

func newBatch(edit func(b *wire.Batch)) *wire.Batch {
	b := wire.NewBatch(time.Now().UnixMilli(), wire.Record{Key: []byte("k"), Value: []byte("v")}, wire.Record{Key: []byte("l"), Value: []byte("w")})
	edit(b)
	return b
}

// place is a case that sends one Produce request.
func place(name string, req func(f *Fixture) *kmsg.ProduceRequest, codes ...int16) Case {
	return Case{
		Name: name,
		Send: func(f *Fixture) []byte { return frameOf(req(f)) },
		Want: Code(produce("", 0, nil), codesOfProduce, codes...),
	}
}

func count(n int32) *int32 { return &n }

var good = newBatch(func(*wire.Batch) {}).Encode()

// bombBytes is what the records of a bomb expand to.
const bombBytes = 256 << 20

// zeros compresses one record of bombBytes zeros.
func zeros(compress func(w io.Writer) io.WriteCloser) []byte {
	body := []byte{0, 0, 0, 1} // attributes, timestamp and offset delta, null key
	body = binary.AppendVarint(body, bombBytes)
	size := int64(len(body) + bombBytes + 1)
	var out bytes.Buffer
	w := compress(&out)
	chunk := make([]byte, 1<<20)
	_, _ = w.Write(append(binary.AppendVarint(nil, size), body...)) // into memory
	for range bombBytes / len(chunk) {
		_, _ = w.Write(chunk)
	}
	_, _ = w.Write([]byte{0}) // no headers
	_ = w.Close()
	return out.Bytes()
}

// bomb is a batch that is small on the wire and huge when decompressed. Kafka
// stores it, because it skips values while it checks; refusing it is as good.
// What counts is the memory.
func bomb(name string, codec int16, compress func(w io.Writer) io.WriteCloser) Case {
	return batch(name, func(b *wire.Batch) {
		b.Attributes, b.Count, b.LastOffsetDelta = codec, count(1), count(0)
		b.Payload = zeros(compress)
	}, 0, 2, 10, 87)
}

// storing is what a partition must refuse. Kafka answers compressed data that it
// cannot read with -1 (unknown server error); a code that says more is as good.
var storing = []Case{
	batch("good batch", func(*wire.Batch) {}, 0),
	batch("wrong checksum", func(b *wire.Batch) { b.BadCRC = true }, 2),
	batch("length beyond the field", func(b *wire.Batch) { b.LengthDelta = 100 }, 2, 87),
	batch("length below a header", func(b *wire.Batch) { b.LengthDelta = -60 }, 2, 87),
	batch("negative length", func(b *wire.Batch) { b.LengthDelta = -1 << 30 }, 2, 87),
	batch("count too large", func(b *wire.Batch) { b.Count = count(3) }, 87),
	batch("count huge", func(b *wire.Batch) { b.Count, b.LastOffsetDelta = count(math.MaxInt32), count(math.MaxInt32-1) }, 2, 87),
	batch("count negative", func(b *wire.Batch) { b.Count = count(-1) }, 87),
	batch("last offset delta wrong", func(b *wire.Batch) { b.LastOffsetDelta = count(9) }, 87),
	batch("control batch", func(b *wire.Batch) { b.Attributes = 1 << 5 }, 87),
	batch("unknown codec", func(b *wire.Batch) { b.Attributes = 6 }, -1, 2, 76, 87),
	batch("damaged gzip", func(b *wire.Batch) { b.Attributes = 1; b.Payload = []byte{0x1f, 0x8b, 8, 0, 1, 2, 3} }, -1, 2, 87),
	batch("damaged snappy", func(b *wire.Batch) { b.Attributes = 2; b.Payload = []byte{0xff, 0xff, 0xff, 0xff, 0x0f, 1} }, -1, 2, 87),
	batch("damaged lz4", func(b *wire.Batch) { b.Attributes = 3; b.Payload = []byte{4, 0x22, 0x4d, 0x18, 1} }, -1, 2, 87),
	batch("damaged zstd", func(b *wire.Batch) { b.Attributes = 4; b.Payload = []byte{0x28, 0xb5, 0x2f, 0xfd, 1} }, -1, 2, 87),
	batch("too large", func(b *wire.Batch) { b.Records[0].Value = make([]byte, 1_100_000) }, 10),
	bomb("gzip bomb", 1, func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }),
	bomb("snappy bomb", 2, xerial),
	bomb("lz4 bomb", 3, func(w io.Writer) io.WriteCloser { return lz4.NewWriter(w) }),
	bomb("zstd bomb", 4, func(w io.Writer) io.WriteCloser {
		e, err := zstd.NewWriter(w)
		if err != nil {
			panic(err) // options of our own choice
		}
		return e
	}),
	place("acks 2", func(f *Fixture) *kmsg.ProduceRequest {
		req := produce(f.Topic, 0, good)
		req.Acks = 2
		return req
	}, 21),
	place("unknown topic", func(*Fixture) *kmsg.ProduceRequest { return produce("badinput-never-created", 0, good) }, 3),
	place("unknown partition", func(f *Fixture) *kmsg.ProduceRequest { return produce(f.Topic, 77, good) }, 3),
	place("negative partition", func(f *Fixture) *kmsg.ProduceRequest { return produce(f.Topic, -1, good) }, 3),
	place("no key on a compacted topic", func(f *Fixture) *kmsg.ProduceRequest {
		return produce(f.Compacted, 0, newBatch(func(b *wire.Batch) { b.Records[0].Key = nil }).Encode())
	}, 87),
	{Name: "acks 0 to an unknown topic", Send: func(*Fixture) []byte {
		req := produce("badinput-never-created", 0, good)
		req.Acks = 0
		return frameOf(req)
	}, Want: Closed()},
}

// xerial frames snappy blocks as the Java library does. Snappy cannot compress
// by more than some twenty times, so this bomb is cut to what a batch may hold.
func xerial(w io.Writer) io.WriteCloser { return &xerialWriter{w: w} }

type xerialWriter struct {
	w       io.Writer
	started bool
	written int
}

const xerialLimit = 900_000

func (x *xerialWriter) Write(p []byte) (int, error) {
	if !x.started {
		x.started = true
		_, _ = x.w.Write([]byte{0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0, 0, 0, 0, 1, 0, 0, 0, 1})
	}
	block := s2.EncodeSnappyBest(nil, p)
	if x.written += len(block); x.written > xerialLimit {
		return len(p), nil
	}
	_, _ = x.w.Write(binary.BigEndian.AppendUint32(nil, uint32(len(block))))
	return x.w.Write(block)
}

func (x *xerialWriter) Close() error { return nil }

func codesOfCreate(r kmsg.Response) []int16 {
	var codes []int16
	for _, t := range r.(*kmsg.CreateTopicsResponse).Topics {
		codes = append(codes, t.ErrorCode)
	}
	return codes
}

func create(name string, partitions int32, replicas int16, config ...string) *kmsg.CreateTopicsRequest {
	t := kmsg.NewCreateTopicsRequestTopic()
	t.Topic, t.NumPartitions, t.ReplicationFactor = name, partitions, replicas
	if len(config) == 2 {
		c := kmsg.NewCreateTopicsRequestTopicConfig()
		c.Name, c.Value = config[0], &config[1]
		t.Configs = append(t.Configs, c)
	}
	req := kmsg.NewPtrCreateTopicsRequest()
	req.Version, req.TimeoutMillis = 4, 10_000
	req.Topics = append(req.Topics, t)
	return req
}

func creation(name string, req *kmsg.CreateTopicsRequest, codes ...int16) Case {
	return Case{Name: name, Send: encoded(req), Want: Code(create("", 0, 0), codesOfCreate, codes...)}
}

// administering is what must not come to exist.
var administering = []Case{
	creation("topic without a name", create("", 1, 1), 17),
	creation("topic named ..", create("..", 1, 1), 17),
	creation("topic with a slash", create("../../etc", 1, 1), 17),
	creation("topic of zero partitions", create("badinput-zero", 0, 1), 37),
	creation("topic of minus two partitions", create("badinput-minus", -2, 1), 37),
	creation("topic of 2^31-1 partitions", create("badinput-huge", math.MaxInt32, 1), 37, 42, 44),
	creation("topic with minus two replicas", create("badinput-replicas", 1, -2), 38),
	creation("topic with an unknown config", create("badinput-config", 1, 1, "no.such.key", "1"), 40),
	creation("topic with a bad value", create("badinput-value", 1, 1, "retention.ms", "soon"), 40),
}

// Cases is the whole catalogue, truncations aside.
func Cases() []Case {
	var all []Case
	for _, part := range [][]Case{framing, decoding, storing, administering} {
		all = append(all, part...)
	}
	return all
}
