package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The rules of java.util.Properties.load, case by case.
func TestPropertiesAsJavaReadsThem(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []Property
	}{
		{"the three separators", "a=1\nb:2\nc 3", []Property{{"a", "1", 1}, {"b", "2", 2}, {"c", "3", 3}}},
		{"white space around a separator", "  a \t = \f 1 ", []Property{{"a", "1 ", 1}}},
		{"only one separator is eaten", "a==1\nb: :2\nc  =  = 3", []Property{{"a", "=1", 1}, {"b", ":2", 2}, {"c", "= 3", 3}}},
		{"no value", "a\nb=\nc:", []Property{{"a", "", 1}, {"b", "", 2}, {"c", "", 3}}},
		{"no name", "=1", []Property{{"", "1", 1}}},
		{"comments and blank lines", "# x\n\n  ! y=1\n \t\na=1", []Property{{"a", "1", 5}}},
		{"a mark inside is no comment", "a=1 # x", []Property{{"a", "1 # x", 1}}},
		{"a comment does not go on", "# x \\\na=1", []Property{{"a", "1", 2}}},
		{"a line goes on", "a=1,\\\n   2,\\\r\n\t3\nb=4", []Property{{"a", "1,2,3", 1}, {"b", "4", 4}}},
		{"a mark in a line that goes on is text", "a=1\\\n#2", []Property{{"a", "1#2", 1}}},
		{"two backslashes do not go on", "a=1\\\\\nb=2", []Property{{"a", `1\`, 1}, {"b", "2", 2}}},
		{"a backslash at the end", "a=1\\", []Property{{"a", "1", 1}}},
		{"line ends", "a=1\rb=2\r\nc=3\n", []Property{{"a", "1", 1}, {"b", "2", 2}, {"c", "3", 3}}},
		{"escapes", `a\ b\=\:=\t\n\r\f\\\q`, []Property{{"a b=:", "\t\n\r\f\\q", 1}}},
		{"unicode", `a=\u00e4\u20AC\uD83D\uDE00`, []Property{{"a", "ä€😀", 1}}},
		{"plain UTF-8", "a=ä€😀", []Property{{"a", "ä€😀", 1}}},
		{"a name twice", "a=1\na=2", []Property{{"a", "1", 1}, {"a", "2", 2}}},
		{"references stay", "a=${env:HOME}", []Property{{"a", "${env:HOME}", 1}}},
		{"nothing", "", nil},
		{"a lone backslash", "\\\n", nil},
	} {
		got, err := ParseProperties([]byte(c.text))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", c.name, diff)
		}
	}
}

func TestMalformedEscapeNamesItsLine(t *testing.T) {
	for _, text := range []string{"a=1\nb=\\u12", "a=1\nb=\\uxyz1", "a=1\nb=\\u 12"} {
		_, err := ParseProperties([]byte(text))
		if err == nil || !strings.HasPrefix(err.Error(), "line 2: ") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// Whatever the text, the parser ends, finds lines that exist, and reads its own
// writing again.
func FuzzParseProperties(f *testing.F) {
	for _, seed := range []string{"a=1\nb:2", "a=1\\\n 2", `\u0041=\uD83D\uDE00`, "#c\n!d\n\\", "a\\=b==c\r\r\n\f=x"} {
		f.Add(seed)
	}
	escape := strings.NewReplacer(`\`, `\\`, "=", `\=`, ":", `\:`, " ", `\ `, "\t", `\t`, "\n", `\n`, "\r", `\r`, "\f", `\f`, "#", `\#`, "!", `\!`)
	f.Fuzz(func(t *testing.T, text string) {
		entries, err := ParseProperties([]byte(text))
		if err != nil {
			return
		}
		var again strings.Builder
		lines := 1 + strings.Count(text, "\n") + strings.Count(text, "\r")
		for _, p := range entries {
			if p.Line < 1 || p.Line > lines {
				t.Fatalf("%q is on line %d of %d", p.Name, p.Line, lines)
			}
			again.WriteString(escape.Replace(p.Name) + "=" + escape.Replace(p.Value) + "\n")
		}
		second, err := ParseProperties([]byte(again.String()))
		if err != nil || len(second) != len(entries) {
			t.Fatalf("%d entries written, %d read: %v", len(entries), len(second), err)
		}
		for i := range second {
			if second[i].Name != entries[i].Name || second[i].Value != entries[i].Value {
				t.Fatalf("%q=%q became %q=%q", entries[i].Name, entries[i].Value, second[i].Name, second[i].Value)
			}
		}
	})
}
