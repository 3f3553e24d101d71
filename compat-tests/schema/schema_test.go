package schema

import (
	"strings"
	"testing"
)

const sample = `// A licence.
{
  "apiKey": 77, "type": "response", "name": "SampleResponse",
  "validVersions": "0-2", "flexibleVersions": "2+",
  "fields": [
    { "name": "Names", "type": "[]string", "versions": "0+", "nullableVersions": "1+", "about": "see https://example.org" },
    { "name": "Inner", "type": "Inner", "versions": "1+", "nullableVersions": "1+" },
    { "name": "Late", "type": "int32", "versions": "2+", "taggedVersions": "2+", "tag": 3 },
    { "name": "Tail", "type": "Inner", "versions": "2+", "nullableVersions": "2+", "taggedVersions": "2+", "tag": 4 }
  ],
  "commonStructs": [
    { "name": "Inner", "versions": "0+", "fields": [ { "name": "Code", "type": "int16", "versions": "0+" } ] }
  ]
}`

// What the decoder must tell apart: null and empty, absent and present tags,
// all that a client's decoder would forgive.
func TestDecode(t *testing.T) {
	catalog, err := Parse(map[string][]byte{"SampleResponse": []byte(sample)})
	if err != nil {
		t.Fatal(err)
	}
	message := catalog.Response(77)
	tests := []struct {
		name    string
		version int16
		body    string
		want    string // rendered, or part of the error
	}{
		{"empty array", 0, "\x00\x00\x00\x00", "{Names: []}"},
		{"strings", 0, "\x00\x00\x00\x01\x00\x02hi", `{Names: ["hi"]}`},
		{"null array where none is allowed", 0, "\xff\xff\xff\xff", "error: null where the schema allows none"},
		{"null array and null struct", 1, "\xff\xff\xff\xff\xff", "{Names: null, Inner: null}"},
		{"struct", 1, "\x00\x00\x00\x00\x01\x00\x07", "{Names: [], Inner: {Code: 7}}"},
		{"flexible null", 2, "\x00\xff\x00", "{Names: null, Inner: null}"},
		{"flexible empty, struct with its own tags", 2, "\x01\x01\x00\x07\x00\x00", "{Names: [], Inner: {Code: 7}}"},
		{"known and unknown tag", 2, "\x01\xff\x02\x03\x04\x00\x00\x00\x09\x05\x01\xab", "{Names: [], Inner: null, Late: 9, Tag5: 1 bytes ab}"},
		{"tagged null struct", 2, "\x01\xff\x01\x04\x01\x00", "{Names: [], Inner: null, Tail: null}"},
		{"tagged struct", 2, "\x01\xff\x01\x04\x04\x01\x00\x07\x00", "{Names: [], Inner: null, Tail: {Code: 7}}"},
		{"tag longer than its type", 2, "\x01\xff\x01\x03\x05\x00\x00\x00\x09\x00", "error: 1 bytes after the end"},
		{"bytes after the end", 0, "\x00\x00\x00\x00\x00", "error: 1 bytes after the end"},
		{"array beyond the body", 0, "\x7f\xff\xff\xff", "error: ends too early"},
		{"negative length", 0, "\xff\xff\xff\xfe", "error: length -2"},
		{"cut", 0, "\x00\x00", "error: ends too early"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := message.Decode(test.version, []byte(test.body))
			if part, wantError := strings.CutPrefix(test.want, "error: "); wantError {
				if err == nil || !strings.Contains(err.Error(), part) {
					t.Fatalf("got %v, %v; want error %q", got, err, part)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if text := Render(got); text != test.want {
				t.Errorf("got %s, want %s", text, test.want)
			}
		})
	}
}
