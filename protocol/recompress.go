package protocol

import (
	"bytes"
	"encoding/binary"
	"io"
	"sync"
)

// Recompress is the batch with its records in another codec, for a topic whose
// compression.type is not "producer". The records stay byte for byte, and so do
// all fields of the header but length, codec and CRC. The bytes are new.
//
// A batch that would be larger than bytesMax is MESSAGE_TOO_LARGE. Records of more than
// a megabyte are decompressed and compressed as a stream, so that bytesMax is what it
// takes at most.
func Recompress(b Batch, codec Codec, level, bytesMax int, limits DecodeLimits) (Batch, error) {
	payload := b.Payload()
	var src io.Reader
	if b.Codec() == CodecNone {
		if len(payload) <= heldAtOnce {
			return b.packed(payload, codec, level, bytesMax)
		}
		src = &inPieces{payload, pauses{turn: limits.Turn}}
	} else {
		r, err := openPayload(b.Codec(), payload, limits)
		if err != nil {
			return nil, err
		}
		defer r.close()
		room := takeRoom(8 * len(payload))
		defer room.giveBack()
		held, err := readAll(io.LimitReader(r, heldAtOnce), (*room)[:0])
		if err != nil {
			return nil, err
		}
		if len(held) < heldAtOnce {
			return b.packed(held, codec, level, bytesMax)
		}
		src = io.MultiReader(bytes.NewReader(held), r)
	}
	out := append(make([]byte, 0, BatchHeaderBytes+len(payload)/2), b[:BatchHeaderBytes]...)
	out, err := appendStream(out, src, codec, level, bytesMax)
	if err != nil {
		return nil, err
	}
	return sealed(out, codec), nil
}

// packed is the batch with these records instead of its own, compressed.
func (b Batch) packed(records []byte, codec Codec, level, bytesMax int) (Batch, error) {
	room := takeRoom(BatchHeaderBytes + len(records))
	defer room.giveBack()
	out := appendCompressed(append((*room)[:0], b[:BatchHeaderBytes]...), records, codec, level)
	if len(out) > bytesMax {
		return nil, errBatchFull
	}
	return sealed(bytes.Clone(out), codec), nil
}

// sealed has the header say what the batch has become.
func sealed(b Batch, codec Codec) Batch {
	binary.BigEndian.PutUint32(b[8:], uint32(len(b)-batchLengthOffset))
	b.SetAttributes(b.Attributes()&^AttributeCodecMask | int16(codec))
	b.SetCRC()
	return b
}

// Unpacked is a batch without its compression, until it is released. Its length and CRC
// are those of the compressed one.
type Unpacked struct {
	Batch
	room *room
}

// Unpack decompresses a batch whose records take less than a megabyte: whoever looks into
// them and compresses them anew does this once for both. ok is false if they take more, or
// cannot be decompressed: then the batch is to be judged as it is, which tells why.
func Unpack(b Batch, limits DecodeLimits) (u Unpacked, ok bool) {
	if b.surelyTakesMuch() {
		return Unpacked{}, false
	}
	r, err := openPayload(b.Codec(), b.Payload(), limits)
	if err != nil {
		return Unpacked{}, false
	}
	defer r.close()
	u.room = takeRoom(BatchHeaderBytes + 8*len(b.Payload()))
	u.Batch, err = readAll(io.LimitReader(r, heldAtOnce), append((*u.room)[:0], b[:BatchHeaderBytes]...))
	if err != nil || len(u.Payload()) == heldAtOnce {
		u.Release()
		return Unpacked{}, false
	}
	u.SetAttributes(u.Attributes() &^ AttributeCodecMask)
	return u, true
}

// surelyTakesMuch tells of batches that would be decompressed as a whole to find out that
// they take more than a megabyte.
func (b Batch) surelyTakesMuch() bool {
	payload := b.Payload()
	if b.Codec() == CodecSnappy && !bytes.HasPrefix(payload, xerialMagic) {
		size, n := binary.Uvarint(payload)
		return n > 0 && size >= heldAtOnce
	}
	return len(payload) >= heldAtOnce || b.HasLargeWindow()
}

// Release ends the use of the batch.
func (u Unpacked) Release() { u.room.giveBack() }

// heldAtOnce is what is compressed in one piece.
const heldAtOnce = 1 << 20

// room is for the records of a batch, and its header. Large ones come from a pool: they have
// room for heldAtOnce, and for one byte by which the end is seen.
type room []byte

// pooledBytes is what it takes for a room to be large.
const pooledBytes = 64 << 10

var rooms = sync.Pool{New: func() any {
	r := make(room, 0, BatchHeaderBytes+heldAtOnce+1)
	return &r
}}

// takeRoom gives room for what will take about n bytes.
func takeRoom(n int) *room {
	if n < pooledBytes {
		r := make(room, 0, n)
		return &r
	}
	return rooms.Get().(*room)
}

func (r *room) giveBack() {
	if cap(*r) >= pooledBytes {
		rooms.Put(r)
	}
}

// inPieces reads what is in memory, with pauses.
type inPieces struct {
	rest   []byte
	pauses pauses
}

func (r *inPieces) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	r.pauses.after(n)
	return n, nil
}

// appendStream appends what src has to dst, compressed, up to bytesMax.
func appendStream(dst []byte, src io.Reader, codec Codec, level, bytesMax int) ([]byte, error) {
	out := &boundedBuffer{dst, bytesMax}
	err := compressStream(out, src, codec, level)
	return out.buf, err
}

var errBatchFull = ErrMessageTooLarge.WithMessage("the batch is too large in the codec of the topic")

// boundedBuffer takes what is written, up to a size.
type boundedBuffer struct {
	buf      []byte
	bytesMax int
}

func (b *boundedBuffer) Write(p []byte) (int, error) {
	if len(p) > b.bytesMax-len(b.buf) {
		return 0, errBatchFull
	}
	b.buf = append(b.buf, p...)
	return len(p), nil
}
