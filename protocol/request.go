package protocol

import "github.com/twmb/franz-go/pkg/kmsg"

// DecodeRequest reads the body of a request. Strings are copied, byte slices are
// parts of body. Every count, length and tag is checked against the bytes that are
// there before anything is allocated, and null is refused where Kafka refuses it.
// Bytes after the body are ignored, as Kafka does (RequestContext.parseRequest):
// librdkafka 2.16 sends some with Metadata 13. The errors are *Error values; where
// Kafka closes the connection, so should the caller.
//
// memoryMax bounds what the decoded form may take, apart from its strings and
// bytes, which are bounded by the frame.
func DecodeRequest(key, version int16, body []byte, memoryMax int) (request kmsg.Request, err error) {
	request = kmsg.RequestForKey(key)
	if layoutOf(key) == nil || request == nil || version < 0 || version > request.MaxVersion() {
		return nil, ErrUnsupportedVersion.WithMessage("API key %d version %d is not known", key, version)
	}
	if err := checkLayout(key, version, body, memoryMax); err != nil {
		return nil, err
	}
	request.SetVersion(version)
	defer func() { // the generated code is not ours, and peers choose its input
		if p := recover(); p != nil {
			request, err = nil, ErrInvalidRequest.WithMessage("decoding %s version %d failed: %v", requestLayouts[key].name, version, p)
		}
	}()
	if err := request.ReadFrom(body); err != nil {
		return nil, ErrInvalidRequest.WithMessage("decoding %s version %d failed: %v", requestLayouts[key].name, version, err)
	}
	return request, nil
}
