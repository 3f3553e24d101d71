package protocol

import "encoding/binary"

// KeyApiVersions is the one key whose rules differ from all others: its response
// header is never flexible, and a version that is not supported gets an answer.
const KeyApiVersions = 18

// Header is a request's header.
type Header struct {
	Key           int16
	Version       int16
	CorrelationID int32
	// ClientID is the client's name for itself; HasClientID tells "" from null.
	ClientID    string
	HasClientID bool
}

// requestHeaderBytesMin is key, version, correlation id and the length of the client id.
const requestHeaderBytesMin = 2 + 2 + 4 + 2

// Parse reads the header of a frame (without the frame's length) and gives the
// body. Whether the header is flexible follows from key and version; an unknown
// key is taken as not flexible. The client id is copied; as long as it is the one
// that h has already, its string is kept and nothing is allocated.
//
//	v1: key int16 | version int16 | correlation id int32 | client id nullable string
//	v2: the same, then tagged fields. The client id keeps its 16-bit length.
func (h *Header) Parse(frame []byte) (body []byte, err error) {
	if len(frame) < requestHeaderBytesMin {
		return nil, ErrInvalidRequest.WithMessage("a frame of %d bytes is too short for a request header", len(frame))
	}
	h.Key = int16(binary.BigEndian.Uint16(frame))
	h.Version = int16(binary.BigEndian.Uint16(frame[2:]))
	h.CorrelationID = int32(binary.BigEndian.Uint32(frame[4:]))
	length := int(int16(binary.BigEndian.Uint16(frame[8:])))
	body = frame[requestHeaderBytesMin:]
	if length < -1 || length > len(body) {
		return nil, ErrInvalidRequest.WithMessage("a client id of %d bytes in a frame with %d left", length, len(body))
	}
	h.HasClientID = length >= 0
	length = max(length, 0)
	if h.ClientID != string(body[:length]) {
		h.ClientID = string(body[:length])
	}
	body = body[length:]
	if flexibleRequest(h.Key, h.Version) {
		return skipTags(body)
	}
	return body, nil
}

// AppendResponseHeader appends the header that belongs to the request: the
// correlation id, and in flexible versions an empty list of tagged fields. That of
// ApiVersions is never flexible, since a client reads it before it knows what the
// server speaks.
func AppendResponseHeader(dst []byte, key, version int16, correlation int32) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(correlation))
	if key != KeyApiVersions && flexibleRequest(key, version) {
		dst = append(dst, 0)
	}
	return dst
}
