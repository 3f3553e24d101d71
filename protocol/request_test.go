package protocol

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// requestMemoryMax is the default of barnabas.request.decoded.max.bytes. Half a
// million topics in a Metadata request fit; a frame full of empty elements does not.
const requestMemoryMax = 32 << 20

// eachRequest calls fn for every key and version that can be decoded.
func eachRequest(fn func(key, version int16, name string)) {
	for key := range int16(len(requestLayouts)) {
		if requestLayouts[key].name == "" {
			continue
		}
		for version := int16(0); version <= kmsg.RequestForKey(key).MaxVersion(); version++ {
			fn(key, version, requestLayouts[key].name)
		}
	}
}

// fill gives every field of a message a value; empty leaves arrays and pointers nil.
func fill(v reflect.Value, r *rand.Rand, empty bool) {
	switch v.Kind() {
	case reflect.Pointer:
		if !empty {
			v.Set(reflect.New(v.Type().Elem()))
			fill(v.Elem(), r, empty)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && f.Name != "UnknownTags" && f.Name != "Version" {
				fill(v.Field(i), r, empty)
			}
		}
	case reflect.Slice:
		n := 1 + r.IntN(3)
		if empty {
			n = 0
		}
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			fill(v.Index(i), r, empty)
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i), r, empty)
		}
	case reflect.String:
		v.SetString([]string{"", "a", "topic-x", "another name"}[r.IntN(4)])
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 0)
	case reflect.Float64:
		v.SetFloat(r.NormFloat64())
	case reflect.Uint8, reflect.Uint16, reflect.Uint32:
		v.SetUint(uint64(r.Uint32()) >> (32 - v.Type().Bits()))
	default:
		v.SetInt(r.Int64() >> (64 - v.Type().Bits()))
	}
}

func filledRequest(key, version int16, r *rand.Rand, empty bool) kmsg.Request {
	q := kmsg.RequestForKey(key)
	fill(reflect.ValueOf(q).Elem(), r, empty)
	q.SetVersion(version)
	return q
}

// The layouts and the generated code agree on every version of every request.
func TestLayoutsAgreeWithKmsg(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	eachRequest(func(key, version int16, name string) {
		for round := range 20 {
			q := filledRequest(key, version, r, round == 0)
			body := q.AppendTo(nil)
			if got := flexibleRequest(key, version); got != q.IsFlexible() {
				t.Errorf("%s v%d: flexible %v", name, version, got)
			}
			back, err := DecodeRequest(key, version, body, requestMemoryMax)
			if err != nil {
				t.Errorf("%s v%d: %v\n%x", name, version, err, body)
				return
			}
			if again := back.AppendTo(nil); !bytes.Equal(again, body) {
				t.Errorf("%s v%d: decoding and encoding gives other bytes\n%s", name, version, cmp.Diff(body, again))
				return
			}
		}
	})
}

// A body that is cut anywhere is refused and harms nobody.
func TestDecodeRequestRefusesCutBodies(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	eachRequest(func(key, version int16, name string) {
		body := filledRequest(key, version, r, false).AppendTo(nil)
		for n := range body {
			if _, err := DecodeRequest(key, version, body[:n:n], requestMemoryMax); !errors.Is(err, ErrInvalidRequest) {
				t.Fatalf("%s v%d cut at %d of %d: %v", name, version, n, len(body), err)
			}
		}
	})
}

// Bytes after a body are nobody's: librdkafka 2.16 sends three with the Metadata request, version 13, for all topics.
func TestDecodeRequestIgnoresWhatFollows(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	eachRequest(func(key, version int16, name string) {
		body := filledRequest(key, version, r, false).AppendTo(nil)
		longer := append(slices.Clone(body), 1, 0, 0)
		q, err := DecodeRequest(key, version, longer, requestMemoryMax)
		if err != nil {
			t.Errorf("%s v%d: %v", name, version, err)
			return
		}
		if again := q.AppendTo(nil); !bytes.Equal(again, body) {
			t.Errorf("%s v%d: decoding and encoding gives other bytes\n%s", name, version, cmp.Diff(body, again))
		}
	})
}

// What the generated code would believe, and what it would cost.
func TestDecodeRequestRefusesLies(t *testing.T) {
	manyTopics := make([]byte, 4+16<<20) // 8 million topics with an empty name
	putInt32(manyTopics, 8<<20)
	for _, c := range []struct {
		name         string
		key, version int16
		body         []byte
	}{
		{"2^31-1 topics", 3, 1, []byte{0x7f, 0xff, 0xff, 0xff}},
		{"minus five topics", 3, 1, []byte{0xff, 0xff, 0xff, 0xfb}},
		{"null topics in v0", 3, 0, []byte{0xff, 0xff, 0xff, 0xff}},
		{"2^32-2 topics, compact", 3, 9, []byte{0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0, 0, 0}},
		{"a varint of six bytes", 3, 9, []byte{0x80, 0x80, 0x80, 0x80, 0x80, 0x00, 0, 0, 0}},
		{"four billion tagged fields", 3, 9, []byte{1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f}},
		{"tags in descending order", 3, 9, []byte{1, 0, 0, 0, 2, 7, 0, 6, 0}},
		{"a tag twice", 3, 9, []byte{1, 0, 0, 0, 2, 7, 0, 7, 0}},
		{"a tag that is cut", 3, 9, []byte{1, 0, 0, 0, 1, 7, 9}},
		{"a string longer than the rest", 10, 0, []byte{0x7f, 0xff, 'a'}},
		{"a string of length -2", 10, 0, []byte{0xff, 0xfe}},
		{"a null group id", 10, 0, []byte{0xff, 0xff}},
		{"8 million empty topics", 3, 0, manyTopics},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := DecodeRequest(c.key, c.version, c.body, requestMemoryMax)
		runtime.ReadMemStats(&after)
		if !errors.Is(err, ErrInvalidRequest) {
			t.Errorf("%s: %v", c.name, err)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
			t.Errorf("%s: %d bytes were allocated", c.name, used)
		}
	}
	if _, err := DecodeRequest(3, 9, []byte{1, 0, 0, 0, 2, 6, 1, 9, 200, 1, 0}, requestMemoryMax); err != nil {
		t.Errorf("unknown tagged fields must be skipped: %v", err)
	}
}

// Keys and versions that nobody knows.
func TestDecodeRequestUnknown(t *testing.T) {
	for _, c := range [][2]int16{{-1, 0}, {4, 0}, {9999, 0}, {32767, 0}, {3, -1}, {3, 99}, {-32768, -32768}} {
		if _, err := DecodeRequest(c[0], c[1], nil, requestMemoryMax); !errors.Is(err, ErrUnsupportedVersion) {
			t.Errorf("key %d version %d: %v", c[0], c[1], err)
		}
	}
}
