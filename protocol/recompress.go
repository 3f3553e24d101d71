package protocol

import "encoding/binary"

// Recompress is the batch with its records in another codec, for a topic whose
// compression.type is not "producer". The records stay byte for byte, and so do
// all fields of the header but length, codec and CRC. The bytes are new. The zero
// limits are HeldBytesMax.
func Recompress(b Batch, codec Codec, level int, limits DecodeLimits) (Batch, error) {
	payload := b.Payload()
	if b.Codec() != CodecNone {
		var err error
		if payload, err = decompressAll(b.Codec(), payload, limits.held()); err != nil {
			return nil, err
		}
	}
	out := make([]byte, BatchHeaderBytes, BatchHeaderBytes+len(payload)/2)
	copy(out, b[:BatchHeaderBytes])
	made := Batch(appendCompressed(out, payload, codec, level))
	binary.BigEndian.PutUint32(made[8:], uint32(len(made)-batchLengthOffset))
	made.SetAttributes(made.Attributes()&^AttributeCodecMask | int16(codec))
	made.SetCRC()
	return made, nil
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
