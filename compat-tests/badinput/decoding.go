package badinput

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

const (
	keyFetch       = int16(1)
	keyMetadata    = int16(3)
	keyAPIVersions = int16(18)
)

func request(key, version int16, flexible bool, body []byte) func(*Fixture) []byte {
	return constant(wire.Frame(key, version, 1, flexible, body))
}

// tagged is an ApiVersions v3 request whose header carries the given tagged
// fields.
func tagged(tags []byte) []byte {
	id := wire.DefaultClientID
	frame := wire.AppendHeader(make([]byte, 4), keyAPIVersions, 3, 1, &id, false)
	frame = append(frame, tags...)
	req := kmsg.NewPtrApiVersionsRequest()
	req.Version, req.ClientSoftwareName, req.ClientSoftwareVersion = 3, "compat", "1"
	return wire.Seal(req.AppendTo(frame))
}

// manyTags are n empty tagged fields with ascending numbers.
func manyTags(n int) []byte {
	out := binary.AppendUvarint(nil, uint64(n))
	for i := range n {
		out = append(binary.AppendUvarint(out, uint64(i)), 0)
	}
	return out
}

func apiVersionsV3(name, version string) kmsg.Request {
	req := kmsg.NewPtrApiVersionsRequest()
	req.Version, req.ClientSoftwareName, req.ClientSoftwareVersion = 3, name, version
	return req
}

func encoded(req kmsg.Request) func(*Fixture) []byte {
	return constant(frameOf(req))
}

func codeOfVersions(r kmsg.Response) []int16 {
	return []int16{r.(*kmsg.ApiVersionsResponse).ErrorCode}
}

func codesOfMetadata(r kmsg.Response) []int16 {
	var codes []int16
	for _, t := range r.(*kmsg.MetadataResponse).Topics {
		codes = append(codes, t.ErrorCode)
	}
	return codes
}

// metadataV4 asks for topics by name without creating them.
func metadataV4(names ...string) *kmsg.MetadataRequest {
	req := kmsg.NewPtrMetadataRequest()
	req.Version = 4
	for _, name := range names {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = &name
		req.Topics = append(req.Topics, t)
	}
	return req
}

func int32s(values ...int32) []byte {
	var out []byte
	for _, v := range values {
		out = binary.BigEndian.AppendUint32(out, uint32(v))
	}
	return out
}

var oldest = kmsg.NewPtrApiVersionsRequest()

// decoding is what a request can say wrongly.
var decoding = []Case{
	{Name: "unknown API key", Send: request(9999, 0, false, nil), Want: Closed()},
	{Name: "negative API key", Send: request(-1, 0, false, nil), Want: Closed()},
	{Name: "version too new", Send: request(keyMetadata, 99, true, []byte{1, 1, 0}), Want: Closed()},
	{Name: "negative version", Send: request(keyMetadata, -1, false, nil), Want: Closed()},
	{Name: "ApiVersions too new", Send: request(keyAPIVersions, 99, true, []byte("what is this")), Want: Code(oldest, codeOfVersions, 35)},
	{Name: "software name empty", Send: encoded(apiVersionsV3("", "1")), Want: Code(apiVersionsV3("", ""), codeOfVersions, 42)},
	{Name: "software name with a line break", Send: encoded(apiVersionsV3("a\nb", "1")), Want: Code(apiVersionsV3("", ""), codeOfVersions, 42)},
	{Name: "array of 2^31-1", Send: request(keyMetadata, 1, false, int32s(1<<31-1)), Want: Closed()},
	{Name: "array of -5", Send: request(keyMetadata, 0, false, int32s(-5)), Want: Closed()},
	{Name: "null array where none is allowed", Send: request(keyMetadata, 0, false, int32s(-1)), Want: Closed()},
	{Name: "compact array of 2^32-1", Send: request(keyMetadata, 12, true, []byte{0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0, 0}), Want: ClosedOrAnswered()}, // Kafka reads it as null
	{Name: "varint of six bytes", Send: request(keyMetadata, 12, true, []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0}), Want: Closed()},
	{Name: "string longer than the frame", Send: request(keyMetadata, 1, false, append(int32s(1), 0x7f, 0xff, 'a')), Want: Closed()},
	{Name: "string of length -2", Send: request(keyMetadata, 1, false, append(int32s(1), 0xff, 0xfe)), Want: Closed()},
	{Name: "client id longer than the frame", Send: constant(append(int32s(12), 0, 18, 0, 0, 0, 0, 0, 1, 0x7f, 0xff, 'a', 'b')), Want: Closed()},
	{Name: "unknown tag is skipped", Send: constant(tagged([]byte{1, 99, 2, 7, 7})), Want: Code(apiVersionsV3("", ""), codeOfVersions, 0)},
	{Name: "two million tagged fields", Send: constant(tagged(manyTags(2_000_000))), Want: ClosedOrAnswered()},
	{Name: "twenty million tagged fields claimed", Send: constant(tagged([]byte{0x80, 0xda, 0xc4, 0x09})), Want: Closed()},
	{Name: "tagged field longer than the frame", Send: constant(tagged([]byte{1, 0, 0xff, 0xff, 0xff, 0x7f})), Want: Closed()},
	{Name: "one tag twice", Send: constant(tagged([]byte{2, 9, 0, 9, 0})), Want: ClosedOrAnswered()},
	{Name: "tags descending", Send: constant(tagged([]byte{2, 9, 0, 8, 0})), Want: ClosedOrAnswered()},
	{Name: "a million topics in Metadata", Send: request(keyMetadata, 1, false, append(int32s(1_000_000), bytes.Repeat([]byte{0, 2, 'n', 'o'}, 1_000_000)...)), Want: ClosedOrAnswered()},
	{Name: "a million topics in Fetch", Send: constant(millionFetch()), Want: ClosedOrAnswered()},
	{Name: "invalid topic names", Send: encoded(metadataV4("..", "a/b", "a\x00b", "a\nb", "ü", strings.Repeat("n", 250))), Want: Code(metadataV4(), codesOfMetadata, 17)},
	{Name: "topic name that is no UTF-8", Send: encoded(metadataV4("a\xff\xfeb")), Want: Code(metadataV4(), codesOfMetadata, 17)},
	{Name: "unknown topic", Send: encoded(metadataV4("badinput-never-created")), Want: Code(metadataV4(), codesOfMetadata, 3)},
}

// millionFetch asks Fetch v4 for a million unknown topics of one partition.
func millionFetch() []byte {
	body := append(int32s(-1, 0, 0, 1<<20), 0)
	body = append(body, int32s(1_000_000)...)
	topic := append([]byte{0, 2, 'n', 'o'}, int32s(1, 0, 0, 0, 1<<20)...)
	return wire.Frame(keyFetch, 4, 1, false, append(body, bytes.Repeat(topic, 1_000_000)...))
}

// Truncations are every client API, in its oldest and newest version, cut after
// every byte of its body and with the length corrected: none may harm the
// broker. Versions are those that the broker advertises.
func Truncations(advertised map[int16][2]int16) []Case {
	var cases []Case
	for key := int16(0); key < 100; key++ {
		versions, ok := advertised[key]
		if !ok || kmsg.RequestForKey(key) == nil || skipTruncation[key] {
			continue
		}
		for _, version := range versions {
			req := kmsg.RequestForKey(key)
			req.SetVersion(min(version, req.MaxVersion()))
			body := req.AppendTo(nil)
			for cut := range len(body) {
				cases = append(cases, Case{
					Name: fmt.Sprintf("%s v%d cut after %d bytes", kmsg.NameForKey(key), req.GetVersion(), cut),
					Send: constant(wire.Frame(key, req.GetVersion(), 1, req.IsFlexible(), body[:cut])),
					Want: ClosedOrAnswered(),
				})
			}
		}
	}
	return cases
}

// skipTruncation are APIs of brokers among each other that an answer does not
// follow at once, or that would stop a broker.
var skipTruncation = map[int16]bool{4: true, 5: true, 6: true, 7: true, 52: true, 53: true, 54: true, 55: true, 58: true, 59: true, 62: true, 63: true, 64: true, 67: true, 70: true}
