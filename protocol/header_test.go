package protocol

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func parseHeader(frame []byte) (h Header, body []byte, err error) {
	body, err = h.Parse(frame)
	return h, body, err
}

// Every key and version has the header that kmsg writes, and the body follows it.
func TestParseHeader(t *testing.T) {
	eachRequest(func(key, version int16, name string) {
		q := kmsg.RequestForKey(key)
		q.SetVersion(version)
		frame := kmsg.NewRequestFormatter(kmsg.FormatterClientID("me")).AppendRequest(nil, q, 77)[4:]
		h, body, err := parseHeader(frame)
		want := Header{Key: key, Version: version, CorrelationID: 77, ClientID: "me", HasClientID: true}
		if err != nil || h != want || !bytes.Equal(body, q.AppendTo(nil)) {
			t.Errorf("%s v%d: %+v, %v", name, version, h, err)
		}
	})
}

func TestParseHeaderClientID(t *testing.T) {
	for _, c := range []struct {
		name string
		tail []byte
		want Header
		body string
	}{
		{"null", []byte{0xff, 0xff, 'b'}, Header{Key: 3, Version: 1}, "b"},
		{"empty", []byte{0, 0, 'b'}, Header{Key: 3, Version: 1, HasClientID: true}, "b"},
		{"given", []byte{0, 1, 'c', 'b'}, Header{Key: 3, Version: 1, ClientID: "c", HasClientID: true}, "b"},
	} {
		h, body, err := parseHeader(append([]byte{0, 3, 0, 1, 0, 0, 0, 0}, c.tail...))
		if err != nil || h != c.want || string(body) != c.body {
			t.Errorf("%s: %+v, %q, %v", c.name, h, body, err)
		}
	}
}

// Headers that no client sends by mistake.
func TestParseHeaderRefuses(t *testing.T) {
	start := []byte{0, 18, 0, 3, 0, 0, 0, 0}
	with := func(tail ...byte) []byte { return append(bytes.Clone(start), tail...) }
	millions := append(with(0, 0), appendUvarint(nil, 2_000_000)...)
	for name, frame := range map[string][]byte{
		"nothing":                 nil,
		"seven bytes":             start[:7],
		"no client id":            start,
		"a client id too long":    with(0, 2, 'x'),
		"a client id of -2 bytes": with(0xff, 0xfe),
		"no tagged fields":        with(0, 0),
		"2 million tagged fields": append(millions, make([]byte, 1000)...),
		"four billion of them":    with(0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f),
		"a count of six bytes":    with(0, 0, 0x80, 0x80, 0x80, 0x80, 0x80, 0),
		"the same tag twice":      with(0, 0, 2, 1, 0, 1, 0),
		"a tag beyond the frame":  with(0, 0, 1, 1, 9, 0),
	} {
		if _, _, err := parseHeader(frame); !errors.Is(err, ErrInvalidRequest) {
			t.Errorf("%s: %v", name, err)
		}
	}
	h, body, err := parseHeader(with(0, 0, 2, 1, 0, 5, 2, 8, 8, 'b'))
	if err != nil || h.Key != 18 || string(body) != "b" {
		t.Errorf("unknown tagged fields are skipped: %+v, %q, %v", h, body, err)
	}
}

// An unknown key has a plain header, so that it can be named in the log.
func TestParseHeaderUnknownKey(t *testing.T) {
	h, body, err := parseHeader([]byte{0x27, 0x0f, 0x7f, 0xff, 0, 0, 0, 9, 0xff, 0xff, 1, 2})
	if err != nil || h.Key != 9999 || h.Version != 32767 || h.CorrelationID != 9 || len(body) != 2 {
		t.Errorf("%+v %v %v", h, body, err)
	}
}

// The response header is flexible with the request, except that of ApiVersions.
func TestAppendResponseHeader(t *testing.T) {
	for _, c := range []struct {
		key, version int16
		want         string
	}{{3, 8, "0000002a"}, {3, 9, "0000002a00"}, {18, 0, "0000002a"}, {18, 4, "0000002a"}, {17, 1, "0000002a"}, {46, 0, "0000002a00"}} {
		if got := fmt.Sprintf("%x", AppendResponseHeader(nil, c.key, c.version, 42)); got != c.want {
			t.Errorf("key %d v%d: %s, want %s", c.key, c.version, got, c.want)
		}
	}
}

func storyTable() *VersionTable {
	return NewVersionTable([]Version{
		{Key: 18, Name: "ApiVersions", Min: 0, Max: 4},
		{Key: 0, Name: "Produce", Min: 0, Max: 13},
		{Key: 17, Name: "SaslHandshake", Min: 1, Max: 1},
	})
}

func TestVersionTable(t *testing.T) {
	table := storyTable()
	for _, c := range []struct {
		key, version int16
		want         bool
	}{{0, 0, true}, {0, 13, true}, {0, 14, false}, {0, -1, false}, {17, 0, false}, {17, 1, true}, {1, 0, false}, {-1, 0, false}, {19, 0, false}, {math.MaxInt16, 0, false}} {
		v, ok := table.Lookup(c.key)
		if got := ok && v.Min <= c.version && c.version <= v.Max; got != c.want {
			t.Errorf("key %d version %d: %v", c.key, c.version, got)
		}
	}
	if rows := table.Rows(); rows[0].Key != 0 || rows[1].Key != 17 || rows[2].Key != 18 {
		t.Errorf("rows are not sorted: %v", rows)
	}
	if v, ok := table.Lookup(17); !ok || v.Name != "SaslHandshake" {
		t.Errorf("%v %v", v, ok)
	}
}

// A table that contradicts itself is our bug.
func TestVersionTableRefusesNonsense(t *testing.T) {
	for _, versions := range [][]Version{
		{{Key: 1, Max: 1}, {Key: 1, Max: 2}},
		{{Key: -1}},
		{{Key: 1, Min: -1, Max: -1}},
		{{Key: 1, Min: 2, Max: 1}},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%v was accepted", versions)
				}
			}()
			NewVersionTable(versions)
		}()
	}
}

// ApiVersions v0 to v5 is what kmsg reads, features included.
func TestAppendApiVersions(t *testing.T) {
	in := ApiVersionsInput{
		ThrottleMillis: 7, FinalizedEpoch: 12,
		Supported: []SupportedFeature{{"group.version", 0, 1}, {"metadata.version", 7, 30}},
		Finalized: []FinalizedFeature{{"metadata.version", 30, 30}},
	}
	for version := int16(0); version <= 5; version++ {
		want := kmsg.NewPtrApiVersionsResponse()
		want.SetVersion(version)
		for _, v := range storyTable().Rows() {
			want.ApiKeys = append(want.ApiKeys, kmsg.ApiVersionsResponseApiKey{ApiKey: v.Key, MinVersion: v.Min, MaxVersion: v.Max})
		}
		want.ThrottleMillis, want.FinalizedFeaturesEpoch = 7, 12
		for _, f := range in.Supported {
			if version >= 4 || f.Min > 0 {
				want.SupportedFeatures = append(want.SupportedFeatures, kmsg.ApiVersionsResponseSupportedFeature{Name: f.Name, MinVersion: f.Min, MaxVersion: f.Max})
			}
		}
		want.FinalizedFeatures = append(want.FinalizedFeatures, kmsg.ApiVersionsResponseFinalizedFeature{Name: "metadata.version", MaxVersionLevel: 30, MinVersionLevel: 30})
		if d := cmp.Diff(want.AppendTo(nil), storyTable().AppendApiVersions(nil, version, in)); d != "" {
			t.Errorf("v%d: %s", version, d)
		}
	}
	plain := storyTable().AppendApiVersions(nil, 3, ApiVersionsInput{FinalizedEpoch: None})
	if plain[len(plain)-1] != 0 {
		t.Errorf("without features there are tagged fields: %x", plain)
	}
}

// A version from the future is answered in the form of version 0 (KIP-511).
func TestAppendUnsupportedApiVersions(t *testing.T) {
	got := kmsg.NewPtrApiVersionsResponse()
	if err := got.ReadFrom(storyTable().AppendUnsupportedApiVersions(nil)); err != nil {
		t.Fatal(err)
	}
	if got.ErrorCode != 35 || len(got.ApiKeys) != 1 || got.ApiKeys[0].ApiKey != 18 || got.ApiKeys[0].MaxVersion != 4 {
		t.Errorf("%+v", got)
	}
}

// A field that is almost never there may be null; a connection sees many headers.
func TestHeaderParseAllocatesOncePerClient(t *testing.T) {
	frame := requestFrame(3, 9, []byte{0})
	var h Header
	if n := testing.AllocsPerRun(100, func() {
		if _, err := h.Parse(frame); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestUUIDText(t *testing.T) {
	for range 100 {
		u := NewUUID()
		back, err := ParseUUID(u.String())
		if err != nil || back != u || u.IsZero() || u.String()[0] == '-' {
			t.Fatalf("%v %v %v", u, back, err)
		}
	}
	for _, s := range []string{"", "a", "AAAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAA!"} {
		if _, err := ParseUUID(s); err == nil {
			t.Errorf("%q is read as an id", s)
		}
	}
}
