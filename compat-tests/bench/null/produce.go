package main

import (
	"encoding/binary"

	"github.com/twmb/franz-go/pkg/kerr"
)

// fields reads the fields of a request in place. A field that is not there makes
// it broken for good.
type fields struct {
	rest   []byte
	broken bool
}

func (f *fields) bytes(n int) []byte {
	if n < 0 || n > len(f.rest) {
		f.broken, f.rest = true, nil
		return nil
	}
	out := f.rest[:n]
	f.rest = f.rest[n:]
	return out
}

func (f *fields) int16() int16 {
	if b := f.bytes(2); b != nil {
		return int16(binary.BigEndian.Uint16(b))
	}
	return 0
}

func (f *fields) int32() int32 {
	if b := f.bytes(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

// produce reads a request of versions 3 to 8 and appends its answer. With acks=0
// there is none.
func (t *topics) produce(out, body []byte, version int16) (_ []byte, known bool) {
	if version < 3 {
		return out, false
	}
	f := &fields{rest: body}
	_ = f.bytes(int(max(0, f.int16()))) // transactional id
	acks := f.int16()
	_ = f.int32() // timeout
	start := len(out)
	topics := f.int32()
	out = binary.BigEndian.AppendUint32(out, uint32(topics))
	for range topics {
		name := f.bytes(int(f.int16()))
		partitions := f.int32()
		if f.broken {
			return out, false
		}
		out = binary.BigEndian.AppendUint16(out, uint16(len(name)))
		out = append(out, name...)
		out = binary.BigEndian.AppendUint32(out, uint32(partitions))
		ends := t.of(name)
		for range partitions {
			index, records := f.int32(), f.bytes(int(f.int32()))
			if f.broken {
				return out, false
			}
			code, base := kerr.UnknownTopicOrPartition.Code, int64(-1)
			if index >= 0 && int(index) < len(ends) {
				n := countRecords(records)
				code, base = 0, ends[index].Add(n)-n
			}
			out = appendPartition(out, version, index, code, base)
		}
	}
	if f.broken {
		return out, false
	}
	if acks == 0 {
		return out[:start], true
	}
	return binary.BigEndian.AppendUint32(out, 0), true // throttle time
}

// appendPartition appends a partition's part of an answer.
func appendPartition(out []byte, version int16, index int32, code int16, base int64) []byte {
	out = binary.BigEndian.AppendUint32(out, uint32(index))
	out = binary.BigEndian.AppendUint16(out, uint16(code))
	out = binary.BigEndian.AppendUint64(out, uint64(base))
	out = binary.BigEndian.AppendUint64(out, ^uint64(0)) // no append time
	if version >= 5 {
		out = binary.BigEndian.AppendUint64(out, 0) // log start
	}
	if version >= 8 {
		out = append(out, 0, 0, 0, 0, 0xff, 0xff) // no record errors, no message
	}
	return out
}

// countRecords steps over whole batches of format 2 by their headers.
func countRecords(b []byte) (n int64) {
	const lengthAt, afterLength, magicAt, countAt, headerBytes = 8, 12, 16, 57, 61
	for len(b) >= headerBytes {
		size := int(int32(binary.BigEndian.Uint32(b[lengthAt:]))) + afterLength
		if size < headerBytes || size > len(b) || b[magicAt] != 2 {
			break
		}
		n += int64(int32(binary.BigEndian.Uint32(b[countAt:])))
		b = b[size:]
	}
	return n
}
