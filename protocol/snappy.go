package protocol

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"

	"github.com/klauspost/compress/s2"
)

// Snappy comes in two forms: one raw block, or the frame of the Java library
// snappy-java ("xerial"), which Java, librdkafka and most others write:
//
//	0x82 "SNAPPY" 0x00 | version int32 | oldest reader int32 | { length int32, block }...
var xerialMagic = []byte{0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0}

const (
	xerialHeaderBytes = 16
	// xerialBlockBytes is the block size of snappy-java's default.
	xerialBlockBytes = 32 << 10
	// snappyScratchMax is the largest buffer that a pooled reader keeps.
	snappyScratchMax = 1 << 20
)

var (
	errSnappyCorrupt  = errors.New("no valid snappy block")
	errSnappyTooLarge = errors.New("the snappy block is too large")
)

// snappyReader decodes either form, a block at a time.
type snappyReader struct {
	src     []byte
	xerial  bool
	limit   int    // for one block
	out     []byte // decoded, not yet read
	scratch []byte
}

func (r *snappyReader) reset(payload []byte, limit int) {
	r.src, r.limit, r.out = payload, limit, nil
	r.xerial = bytes.HasPrefix(payload, xerialMagic)
}

func (r *snappyReader) release() {
	r.src, r.out = nil, nil
	if cap(r.scratch) > snappyScratchMax {
		r.scratch = nil
	}
}

func (r *snappyReader) Read(p []byte) (int, error) {
	for len(r.out) == 0 {
		if len(r.src) == 0 {
			return 0, io.EOF
		}
		block, err := r.nextBlock()
		if err != nil {
			return 0, err
		}
		if r.out, err = r.decode(block); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.out)
	r.out = r.out[n:]
	return n, nil
}

// nextBlock takes a block off the source. Frames may follow each other.
func (r *snappyReader) nextBlock() ([]byte, error) {
	if !r.xerial {
		block := r.src
		r.src = nil
		return block, nil
	}
	if bytes.HasPrefix(r.src, xerialMagic) {
		if len(r.src) < xerialHeaderBytes {
			return nil, errSnappyCorrupt
		}
		r.src = r.src[xerialHeaderBytes:]
		if len(r.src) == 0 {
			return []byte{0}, nil // an empty frame: a block of length 0
		}
	}
	if len(r.src) < 4 {
		return nil, errSnappyCorrupt
	}
	length := int64(int32(binary.BigEndian.Uint32(r.src)))
	if length < 0 || length > int64(len(r.src)-4) {
		return nil, errSnappyCorrupt
	}
	block := r.src[4 : 4+length]
	r.src = r.src[4+length:]
	return block, nil
}

func (r *snappyReader) decode(block []byte) ([]byte, error) {
	size, ok := snappyBlockSize(block)
	if !ok {
		return nil, errSnappyCorrupt
	}
	if size > r.limit {
		return nil, errSnappyTooLarge
	}
	if cap(r.scratch) < size {
		r.scratch = make([]byte, size)
	}
	return s2.Decode(r.scratch[:size], block)
}

// snappyElement is what the tag of an element tells: how many bytes the element
// takes, how many come out, and which of the four bytes after the tag, with what added,
// are the offset of a copy. A literal has the offset 1 with one byte of slack, which
// always passes; one with its length in further bytes takes 0.
type snappyElement struct {
	mask         uint32
	offset       uint16
	used, length uint8
	slack        uint8
}

var snappyElements = func() (table [256]snappyElement) {
	for tag := range table {
		length := uint8(tag >> 2)
		switch tag & 3 {
		case 0:
			table[tag] = snappyElement{offset: 1, slack: 1, used: 2 + length, length: 1 + length}
			if length >= 60 {
				table[tag].used = 0
			}
		case 1:
			table[tag] = snappyElement{mask: 0xff, offset: uint16(tag>>5) << 8, used: 2, length: 4 + length&7}
		case 2:
			table[tag] = snappyElement{mask: 0xffff, used: 3, length: 1 + length}
		case 3:
			table[tag] = snappyElement{mask: 0xffffffff, used: 5, length: 1 + length}
		}
	}
	return table
}()

// snappyBlockSize walks over the elements of a block without copying and gives
// its decoded size. It is false when the block's own claim differs, so that no
// claim is believed, and for the additions of S2, which the decoder would accept
// but Kafka's clients could not read.
func snappyBlockSize(block []byte) (int, bool) {
	claimed, n := readUvarint32(block)
	if n == 0 {
		return 0, false
	}
	block = block[n:]
	size := uint64(0)
	for len(block) > 0 {
		e := &snappyElements[block[0]]
		used, length := uint64(e.used), uint64(e.length)
		if used == 0 {
			if used, length = snappyLongLiteral(block); used == 0 {
				return 0, false
			}
		}
		var next uint32
		if len(block) >= 5 { // no branch on the kind of element: nobody could foretell it
			next = binary.LittleEndian.Uint32(block[1:])
		} else {
			var rest [4]byte
			copy(rest[:], block[1:])
			next = binary.LittleEndian.Uint32(rest[:])
		}
		offset := uint64(next&e.mask) + uint64(e.offset)
		if uint64(len(block)) < used || offset == 0 || offset > size+uint64(e.slack) {
			return 0, false
		}
		block = block[used:]
		size += length
	}
	return int(size), size == uint64(claimed)
}

// snappyLongLiteral reads a literal of more than 60 bytes, whose length less one is in
// 1 to 4 bytes after the tag. It is 0, 0 when they are not all there.
func snappyLongLiteral(block []byte) (used, length uint64) {
	extra := int(block[0]>>2) - 59
	if len(block) < 1+extra {
		return 0, 0
	}
	for i := range extra {
		length |= uint64(block[1+i]) << (8 * i)
	}
	length++
	return uint64(1+extra) + length, length
}

// appendXerial appends src as a frame that snappy-java reads.
func appendXerial(dst, src []byte) []byte {
	dst = appendXerialHeader(dst)
	for len(src) > 0 {
		block := src[:min(len(src), xerialBlockBytes)]
		src = src[len(block):]
		dst = appendXerialBlock(dst, block)
	}
	return dst
}

func appendXerialHeader(dst []byte) []byte {
	dst = append(dst, xerialMagic...)
	dst = binary.BigEndian.AppendUint32(dst, 1)
	return binary.BigEndian.AppendUint32(dst, 1)
}

func appendXerialBlock(dst, block []byte) []byte {
	at := len(dst)
	room := 4 + s2.MaxEncodedLen(len(block))
	dst = append(dst, make([]byte, room)...)
	encoded := s2.EncodeSnappy(dst[at+4:], block)
	binary.BigEndian.PutUint32(dst[at:], uint32(len(encoded)))
	return dst[:at+4+len(encoded)]
}

// compressXerial is appendXerial for a stream.
func compressXerial(out io.Writer, src io.Reader) error {
	if _, err := out.Write(appendXerialHeader(nil)); err != nil {
		return err
	}
	block, packed := make([]byte, xerialBlockBytes), []byte(nil)
	for {
		n, err := io.ReadFull(src, block)
		if n > 0 {
			packed = appendXerialBlock(packed[:0], block[:n])
			if _, err := out.Write(packed); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
			return nil
		case err != nil:
			return err
		}
	}
}
