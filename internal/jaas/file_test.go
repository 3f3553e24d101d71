package jaas

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseFile(t *testing.T) {
	const text = `// of a broker
KafkaServer {
    org.x.Plain required
        username="admin" user_admin="a;\"}b";
    org.x.Scram required; # without options
};
"sasl_ssl.KafkaServer" { };
Client{org.x.Digest optional a=b;};
`
	got, err := ParseFile(text)
	want := []Section{
		{"KafkaServer", []Entry{
			{Module{"org.x.Plain", "REQUIRED", map[string]string{"username": "admin", "user_admin": `a;"}b`}}, 3, "org.x.Plain required\n        username=\"admin\" user_admin=\"a;\\\"}b\";"},
			{Module{"org.x.Scram", "REQUIRED", map[string]string{}}, 5, "org.x.Scram required;"},
		}},
		{"sasl_ssl.KafkaServer", nil},
		{"Client", []Entry{{Module{"org.x.Digest", "OPTIONAL", map[string]string{"a": "b"}}, 8, "org.x.Digest optional a=b;"}}},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

// A fault names its line, and nothing that may be a password.
func TestFaultsOfFiles(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "it holds no section"},
		{"org.x.Plain required user_secret=secret;", "line 1: { is expected and not something else"},
		{"KafkaServer {\n A required\n};", "line 3: an option or a semicolon is expected and not }"},
		{"KafkaServer {\n A required x=1;\n}", "line 3: ; is expected and not the end"},
		{"KafkaServer {", "line 1: the class of a login module is expected and not the end"},
		{"A {};\nA {};", "line 2: a section is there twice"},
		{"A { B required x=\"secret\n\"; };", "line 1: a quoted text has no end"},
		{"; A {};", "line 1: the name of a section is expected and not ;"},
	} {
		_, err := ParseFile(c.text)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v; want %q", c.text, err, c.want)
		}
	}
}

// What a file has is read the same from the text of each module.
func FuzzParseFile(f *testing.F) {
	f.Add("A { B required x=\"1\"; /* } */ C optional; };")
	f.Fuzz(func(t *testing.T, text string) {
		sections, err := ParseFile(text)
		for _, s := range sections {
			for _, e := range s.Entries {
				again, err := ParseConfig(e.Text)
				if err != nil || len(again) != 1 || !cmp.Equal(again[0], e.Module) {
					t.Errorf("%q: %v, %v", e.Text, again, err)
				}
			}
		}
		if err == nil && len(sections) == 0 {
			t.Error("no section and no error")
		}
	})
}
