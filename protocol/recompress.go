package protocol

import (
	"bytes"
	"encoding/binary"
	"io"
)

// Recompress is the batch with its records in another codec, for a topic whose
// compression.type is not "producer". The records stay byte for byte, and so do
// all fields of the header but length, codec and CRC. The bytes are new.
//
// A batch that would be larger than bytesMax is MESSAGE_TOO_LARGE. Records of more than
// a megabyte are decompressed and compressed as a stream, so that bytesMax is what it
// takes at most.
func Recompress(b Batch, codec Codec, level, bytesMax int, limits DecodeLimits) (Batch, error) {
	out := make([]byte, BatchHeaderBytes, BatchHeaderBytes+len(b.Payload())/2)
	copy(out, b[:BatchHeaderBytes])
	var err error
	switch payload := b.Payload(); {
	case b.Codec() == CodecNone && len(payload) <= heldAtOnce:
		out = appendCompressed(out, payload, codec, level)
	case b.Codec() == CodecNone:
		if out, err = appendStream(out, &inPieces{payload, pauses{turn: limits.Turn}}, codec, level, bytesMax); err != nil {
			return nil, err
		}
	default:
		r, err := openPayload(b.Codec(), payload, limits)
		if err != nil {
			return nil, err
		}
		defer r.close()
		if out, err = repack(out, r, codec, level, bytesMax); err != nil {
			return nil, err
		}
	}
	if len(out) > bytesMax {
		return nil, errBatchFull
	}
	made := Batch(out)
	binary.BigEndian.PutUint32(made[8:], uint32(len(made)-batchLengthOffset))
	made.SetAttributes(made.Attributes()&^AttributeCodecMask | int16(codec))
	made.SetCRC()
	return made, nil
}

// heldAtOnce is what is compressed in one piece.
const heldAtOnce = 1 << 20

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

// repack appends what r has to dst, compressed.
func repack(dst []byte, r *payloadReader, codec Codec, level, bytesMax int) ([]byte, error) {
	held, err := readAll(io.LimitReader(r, heldAtOnce), make([]byte, 0, min(4*r.src.Len(), heldAtOnce)+1))
	if err != nil {
		return nil, err
	}
	if len(held) < heldAtOnce {
		return appendCompressed(dst, held, codec, level), nil
	}
	return appendStream(dst, io.MultiReader(bytes.NewReader(held), r), codec, level, bytesMax)
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

// decompressAll gives the whole output, within the limit.
func decompressAll(codec Codec, payload []byte, limits DecodeLimits) ([]byte, error) {
	r, err := openPayload(codec, payload, limits)
	if err != nil {
		return nil, err
	}
	defer r.close()
	return readAll(r, make([]byte, 0, min(4*len(payload), 1<<20, limits.bytes())+1))
}
