package protocol

import (
	"bytes"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// framed is the answer to a request as it is sent.
func framed(p kmsg.Response) []byte {
	b := AppendResponseHeader([]byte{0, 0, 0, 0}, p.Key(), p.GetVersion(), 7)
	return p.AppendTo(b)
}

// The throttle time is written where kmsg writes it, in every version of every answer.
func TestSetThrottle(t *testing.T) {
	const millis = 0x01020304
	for key := range int16(93) {
		p := kmsg.ResponseForKey(key)
		if p == nil {
			continue
		}
		settable, hasField := p.(kmsg.SetThrottleResponse)
		for version := range p.MaxVersion() + 1 {
			p.SetVersion(version)
			if hasField {
				settable.SetThrottle(0)
			}
			got := framed(p)
			SetThrottle(got, key, version, millis)
			if hasField {
				settable.SetThrottle(millis)
			}
			if want := framed(p); !bytes.Equal(got, want) {
				t.Errorf("%s v%d:\n got %x\nwant %x", kmsg.NameForKey(key), version, got, want)
			}
		}
	}
}

// ApiVersions tells the time behind its list, and may tell features behind it.
func TestSetThrottleBehindVersions(t *testing.T) {
	table := NewVersionTable([]Version{{Key: 0, Max: 13}, {Key: 1, Max: 18}})
	for version := range int16(6) {
		b := AppendResponseHeader([]byte{0, 0, 0, 0}, KeyApiVersions, version, 7)
		b = table.AppendApiVersions(b, version, ApiVersionsInput{Supported: []SupportedFeature{{Name: "kraft.version", Max: 1}}})
		SetThrottle(b, KeyApiVersions, version, 99)
		p := kmsg.NewPtrApiVersionsResponse()
		p.SetVersion(version)
		if err := p.ReadFrom(b[8:]); err != nil {
			t.Fatal(err)
		}
		if want := int32(99); version > 0 && p.ThrottleMillis != want || len(p.ApiKeys) != 2 {
			t.Errorf("v%d: %+v", version, p)
		}
	}
}

// An answer that is shorter than any never makes it write beside it.
func TestSetThrottleOfShortAnswers(t *testing.T) {
	for key := range int16(93) {
		for version := range int16(20) {
			for n := range 16 {
				SetThrottle(make([]byte, n), key, version, 1)
			}
		}
	}
}
