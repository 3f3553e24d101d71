package differ

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/barnabas-mq/barnabas/compat-tests/schema"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

const (
	batchHeaderBytes = 61
	batchLengthEnd   = 12 // what the length field counts begins here
)

// decodeRecords turns a records field into batches with their headers and
// records. Bytes that are not a whole batch of format 2 appear as they are:
// "Rest" after the last batch.
func decodeRecords(b schema.Records) any {
	out := &schema.Struct{}
	batches := []any{}
	for len(b) >= batchHeaderBytes && b[16] == 2 {
		size := int(int32(binary.BigEndian.Uint32(b[8:]))) + batchLengthEnd
		if size < batchHeaderBytes || size > len(b) {
			break
		}
		batches = append(batches, decodeBatch(b[:size]))
		b = b[size:]
	}
	out.Fields = append(out.Fields, schema.Field{Name: "Batches", Value: batches})
	if len(b) > 0 {
		out.Fields = append(out.Fields, schema.Field{Name: "Rest", Value: []byte(b)})
	}
	return out
}

func decodeBatch(b []byte) *schema.Struct {
	s := &schema.Struct{}
	add := func(name string, v any) { s.Fields = append(s.Fields, schema.Field{Name: name, Value: v}) }
	attributes := binary.BigEndian.Uint16(b[21:])
	add("BaseOffset", int64(binary.BigEndian.Uint64(b)))
	add("LeaderEpoch", int64(int32(binary.BigEndian.Uint32(b[12:]))))
	add("ChecksumIsGood", crc32.Checksum(b[21:], castagnoli) == binary.BigEndian.Uint32(b[17:]))
	add("Attributes", int64(attributes))
	add("LastOffsetDelta", int64(int32(binary.BigEndian.Uint32(b[23:]))))
	add("BaseTimestamp", int64(binary.BigEndian.Uint64(b[27:])))
	add("MaxTimestamp", int64(binary.BigEndian.Uint64(b[35:])))
	add("ProducerId", int64(binary.BigEndian.Uint64(b[43:])))
	add("ProducerEpoch", int64(int16(binary.BigEndian.Uint16(b[51:]))))
	add("BaseSequence", int64(int32(binary.BigEndian.Uint32(b[53:]))))
	add("Count", int64(int32(binary.BigEndian.Uint32(b[57:]))))
	payload := b[batchHeaderBytes:]
	if codec := attributes & 7; codec != 0 {
		plain, err := kgo.DefaultDecompressor().Decompress(payload, kgo.CompressionCodecType(codec))
		if err != nil {
			add("Undecompressable", err.Error())
			return s
		}
		payload = plain
	}
	records, err := decodePlainRecords(payload)
	add("Records", records)
	if err != nil {
		add("Undecodable", err.Error())
	}
	return s
}

func decodePlainRecords(b []byte) ([]any, error) {
	records := []any{}
	for len(b) > 0 {
		size, n := binary.Varint(b)
		if n <= 0 || size < 0 || size > int64(len(b)-n) {
			return records, fmt.Errorf("record length %d with %d bytes left", size, len(b))
		}
		record, err := decodeRecord(b[n : n+int(size)])
		if err != nil {
			return records, err
		}
		records = append(records, record)
		b = b[n+int(size):]
	}
	return records, nil
}

// recordReader reads varints and stays on its first error.
type recordReader struct {
	b      []byte
	broken bool
}

func (r *recordReader) varint() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.broken, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *recordReader) bytes() any {
	size := r.varint()
	if size == -1 {
		return schema.Null{}
	}
	if size < 0 || size > int64(len(r.b)) {
		r.broken, r.b = true, nil
		return schema.Null{}
	}
	v := r.b[:size]
	r.b = r.b[size:]
	return v
}

func decodeRecord(b []byte) (*schema.Struct, error) {
	if len(b) == 0 {
		return nil, fmt.Errorf("empty record")
	}
	r := recordReader{b: b[1:]}
	s := &schema.Struct{}
	add := func(name string, v any) { s.Fields = append(s.Fields, schema.Field{Name: name, Value: v}) }
	add("Delta", r.varint())
	add("OffsetDelta", r.varint())
	add("Key", r.bytes())
	add("Value", r.bytes())
	headers := []any{}
	for range r.varint() {
		h := &schema.Struct{}
		h.Fields = append(h.Fields, schema.Field{Name: "Key", Value: r.bytes()}, schema.Field{Name: "Value", Value: r.bytes()})
		headers = append(headers, h)
		if r.broken {
			break
		}
	}
	add("Headers", headers)
	if r.broken || len(r.b) > 0 {
		return s, fmt.Errorf("record of %d bytes does not add up", len(b))
	}
	return s, nil
}
