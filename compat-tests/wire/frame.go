package wire

import (
	"encoding/binary"
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

const apiVersionsKey = 18

// EncodeRequest is a whole request frame, length prefix included.
func EncodeRequest(req kmsg.Request, correlation int32, clientID *string) []byte {
	frame := make([]byte, 4, 256)
	frame = AppendHeader(frame, req.Key(), req.GetVersion(), correlation, clientID, req.IsFlexible())
	return Seal(req.AppendTo(frame))
}

// AppendHeader appends a request header: version 2 if flexible, else version 1.
func AppendHeader(dst []byte, key, version int16, correlation int32, clientID *string, flexible bool) []byte {
	dst = binary.BigEndian.AppendUint16(dst, uint16(key))
	dst = binary.BigEndian.AppendUint16(dst, uint16(version))
	dst = binary.BigEndian.AppendUint32(dst, uint32(correlation))
	if clientID == nil {
		dst = binary.BigEndian.AppendUint16(dst, 0xffff)
	} else {
		dst = binary.BigEndian.AppendUint16(dst, uint16(len(*clientID)))
		dst = append(dst, *clientID...)
	}
	if flexible {
		dst = append(dst, 0) // no tagged fields
	}
	return dst
}

// Seal writes the length of a frame into its first four bytes.
func Seal(frame []byte) []byte {
	binary.BigEndian.PutUint32(frame, uint32(len(frame)-4))
	return frame
}

// Frame is any body behind a header, as a whole frame. It serves requests that
// no encoder would make.
func Frame(key, version int16, correlation int32, flexible bool, body []byte) []byte {
	id := DefaultClientID
	frame := AppendHeader(make([]byte, 4, 64+len(body)), key, version, correlation, &id, flexible)
	return Seal(append(frame, body...))
}

// StripResponseHeader removes what follows the correlation id in a response
// header: tagged fields where the request was flexible, ApiVersions excepted,
// because a client reads that answer before it knows the broker's age.
func StripResponseHeader(key int16, flexible bool, rest []byte) ([]byte, error) {
	if !flexible || key == apiVersionsKey {
		return rest, nil
	}
	count, n := binary.Uvarint(rest)
	if n <= 0 {
		return nil, fmt.Errorf("response header without tagged fields")
	}
	rest = rest[n:]
	for range count {
		_, n := binary.Uvarint(rest)
		if n <= 0 {
			return nil, fmt.Errorf("response header with a broken tag")
		}
		size, m := binary.Uvarint(rest[n:])
		if m <= 0 || size > uint64(len(rest)-n-m) {
			return nil, fmt.Errorf("response header with a tagged field beyond its frame")
		}
		rest = rest[n+m+int(size):]
	}
	return rest, nil
}

// DecodeBody is the answer to req, its response header stripped, decoded in the
// version of req.
func DecodeBody(req kmsg.Request, body []byte) (kmsg.Response, error) {
	resp := req.ResponseKind()
	resp.SetVersion(req.GetVersion())
	if err := resp.ReadFrom(body); err != nil {
		return nil, fmt.Errorf("%s v%d: %w", kmsg.NameForKey(req.Key()), req.GetVersion(), err)
	}
	return resp, nil
}
