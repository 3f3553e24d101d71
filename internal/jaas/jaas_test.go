package jaas

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseConfig(t *testing.T) {
	for _, c := range []struct {
		text string
		want []Module
	}{
		{`org.x.Plain required username="admin" password='a"b' user_admin=plain;`, []Module{{"org.x.Plain", "REQUIRED", map[string]string{"username": "admin", "password": `a"b`, "user_admin": "plain"}}}},
		{"A Optional ; # a comment\n// another\n/* and\none */ B sufficient\n x = \"\\\"\\n\\\\\" ;", []Module{{"A", "OPTIONAL", map[string]string{}}, {"B", "SUFFICIENT", map[string]string{"x": "\"\n\\"}}}},
		{`A required x="\a\b\f\n\r\t\v\q\\" y='\0\7\101\1012\377\477\8\é';`, []Module{{"A", "REQUIRED", map[string]string{"x": "\a\b\f\n\r\t\vq\\", "y": "\x00\aAA2ÿ'78é"}}}},
	} {
		got, err := ParseConfig(c.text)
		if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
			t.Errorf("%q: %v\n%s", c.text, err, diff)
		}
	}
}

// A fault names its line, and nothing that may be a password.
func TestFaults(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "no login module"},
		{"A", "line 1: required, requisite, sufficient or optional is expected and not the end"},
		{"A secret x=1;", "required, requisite"},
		{"A required\nx=1", "line 2: an option or a semicolon is expected and not the end"},
		{"A required x \"secret\";", "= is expected and not something else"},
		{"A required x=;", "a value is expected and not ;"},
		{"A required x=\"secret", "line 1: a quoted text has no end"},
		{"A required x=\"secret\n\";", "line 1: a quoted text has no end"},
		{"A required x=\"secret\r\";", "line 1: a quoted text has no end"},
		{"A required x=\"secret\\", "line 1: a quoted text has no end"},
		{"/* ", "line 1: a comment has no end"},
		{"{", "the class of a login module is expected and not {"},
	} {
		_, err := ParseConfig(c.text)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v; want %q", c.text, err, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("B required x=\"1\";")
	f.Fuzz(func(_ *testing.T, text string) {
		_, _ = ParseConfig(text)
	})
}
