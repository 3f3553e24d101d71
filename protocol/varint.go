package protocol

// zigzag maps small numbers of either sign to small unsigned ones.
func zigzag(v int64) uint64 { return uint64(v<<1) ^ uint64(v>>63) }

func unzigzag(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }

// varintLen is the number of bytes of a zig-zag varint.
func varintLen(v int64) int { return uvarintLen(zigzag(v)) }

// uvarintLen is the number of bytes of an unsigned varint.
func uvarintLen(u uint64) int {
	n := 1
	for ; u >= 0x80; u >>= 7 {
		n++
	}
	return n
}

func appendUvarint(dst []byte, u uint64) []byte {
	for ; u >= 0x80; u >>= 7 {
		dst = append(dst, byte(u)|0x80)
	}
	return append(dst, byte(u))
}

func appendVarint(dst []byte, v int64) []byte { return appendUvarint(dst, zigzag(v)) }

// readUvarint32 reads a varint of at most 5 bytes that fits 32 bits; n is 0 when
// there is none at the start of b.
func readUvarint32(b []byte) (v uint32, n int) {
	if len(b) > 0 && b[0] < 0x80 { // nearly always
		return uint32(b[0]), 1
	}
	return readLongUvarint32(b)
}

func readLongUvarint32(b []byte) (v uint32, n int) {
	if len(b) > 1 && b[1] < 0x80 {
		return uint32(b[0]&0x7f) | uint32(b[1])<<7, 2
	}
	for i := 0; i < len(b) && i < 5; i++ {
		c := b[i]
		if i == 4 && c > 0x0f {
			return 0, 0
		}
		v |= uint32(c&0x7f) << (7 * i)
		if c < 0x80 {
			return v, i + 1
		}
	}
	return 0, 0
}

// briefUvarint reads a varint of one or two bytes; n is 0 when it is longer. There
// must be two bytes. Unlike the others it is small enough to be inlined.
func briefUvarint(b []byte) (v uint32, n int) {
	if b[0] < 0x80 {
		return uint32(b[0]), 1
	}
	if b[1] < 0x80 {
		return uint32(b[0]&0x7f) | uint32(b[1])<<7, 2
	}
	return 0, 0
}

// readVarint32 reads a zig-zag varint of 32 bits; n is 0 when there is none.
func readVarint32(b []byte) (v int32, n int) {
	u, n := readUvarint32(b)
	return int32(u>>1) ^ -int32(u&1), n
}

// readVarint64 reads a zig-zag varint of 64 bits; n is 0 when there is none.
func readVarint64(b []byte) (v int64, n int) {
	if len(b) > 0 && b[0] < 0x80 {
		return unzigzag(uint64(b[0])), 1
	}
	return readLongVarint64(b)
}

func readLongVarint64(b []byte) (v int64, n int) {
	var u uint64
	for i := 0; i < len(b) && i < 10; i++ {
		c := b[i]
		if i == 9 && c > 1 {
			return 0, 0
		}
		u |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			return unzigzag(u), i + 1
		}
	}
	return 0, 0
}
