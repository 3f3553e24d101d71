package protocol

import "encoding/binary"

// The parts of which the hand-written codecs are made.

func appendInt16(dst []byte, v int16) []byte { return binary.BigEndian.AppendUint16(dst, uint16(v)) }
func appendInt32(dst []byte, v int32) []byte { return binary.BigEndian.AppendUint32(dst, uint32(v)) }
func appendInt64(dst []byte, v int64) []byte { return binary.BigEndian.AppendUint64(dst, uint64(v)) }

func appendCompactString(dst []byte, s string) []byte {
	dst = appendUvarint(dst, uint64(len(s))+1)
	return append(dst, s...)
}

// appendTag appends a tagged field with the data that data appends.
func appendTag(dst []byte, tag uint32, data func([]byte) []byte) []byte {
	dst = appendUvarint(dst, uint64(tag))
	content := data(nil)
	dst = appendUvarint(dst, uint64(len(content)))
	return append(dst, content...)
}
