package kafkatools

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"
)

// show writes a record on a line: headers, key, value; ~ is null.
func show(r *kgo.Record) string {
	text := func(b []byte) string {
		if b == nil {
			return "~"
		}
		return string(b)
	}
	var words []string
	for _, h := range r.Headers {
		words = append(words, h.Key+"="+text(h.Value))
	}
	return strings.Join(append(words, text(r.Key), text(r.Value)), " ")
}

// Lines become records as Kafka's LineMessageReader makes them.
func TestLineReader(t *testing.T) {
	for _, c := range []struct {
		about      string
		properties properties
		line, want string
	}{
		{"a value", nil, "a\tb", "~ a\tb"},
		{"a key", properties{"parse.key": "true"}, "a\tb\tc", "a b\tc"},
		{"another separator", properties{"parse.key": "TRUE", "key.separator": "::"}, "a::b", "a b"},
		{"no key", properties{"parse.key": "true"}, "a", "error: No key separator found on line number 1: 'a'"},
		{"no key, and no matter", properties{"parse.key": "true", "ignore.error": "true"}, "a", "~ a"},
		{"headers", properties{"parse.headers": "true"}, "h:1,i:2\tv", "h=1 i=2 ~ v"},
		{"headers and key", properties{"parse.headers": "true", "parse.key": "true"}, "h:1\tk\tv", "h=1 k v"},
		{"null", properties{"parse.key": "true", "null.marker": "N"}, "N\tN", "~ ~"},
		{"a header of null", properties{"parse.headers": "true", "null.marker": "N"}, "h:N\tv", "h=~ ~ v"},
		{"a header without a sign", properties{"parse.headers": "true"}, "h\tv", "error: No header key separator found in pair 'h' on line number 1"},
	} {
		reader, err := newLineReader(c.properties)
		if err != nil {
			t.Fatal(err)
		}
		record, err := reader.record(c.line)
		got := ""
		if err != nil {
			got = "error: " + err.Error()
		} else {
			got = show(record)
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.about, got, c.want)
		}
	}
	if _, err := newLineReader(properties{"key.separator": "x", "null.marker": "x"}); err == nil {
		t.Error("the same word separates keys and stands for null")
	}
}

func TestSplitOutsideBrackets(t *testing.T) {
	for list, want := range map[string][]string{
		"": nil, "a=1": {"a=1"}, "a=1,b=2": {"a=1", "b=2"}, "a=[1,2],b=3": {"a=[1,2]", "b=3"},
	} {
		if got := splitOutsideBrackets(list); !cmp.Equal(got, want) {
			t.Errorf("%q: %q, want %q", list, got, want)
		}
	}
}

func TestPartitionFilter(t *testing.T) {
	p := newParser(text("topic-partitions", "x", ""), text("topic", "x", ""), text("partitions", "x", ""))
	for _, c := range []struct{ args, want string }{
		{"--topic-partitions a:1", "a1"}, {"--topic-partitions a:1-3,b", "a1 a2 b0 b1 b2 b3"}, {"--topic-partitions :-1", "a0 b0"},
		{"--topic-partitions b:2-", "b2 b3"}, {"--topic [ab] --partitions 0,3", "a0 a3 b0 b3"},
	} {
		got, err := p.parse(strings.Fields(c.args))
		if err != nil {
			t.Fatal(err)
		}
		wanted, err := partitionFilter(got)
		if err != nil {
			t.Fatal(err)
		}
		var chosen []string
		for _, topic := range []string{"a", "b"} {
			for i := range int32(4) {
				if wanted(partition{Topic: topic, Number: i}) {
					chosen = append(chosen, topic+string(rune('0'+i)))
				}
			}
		}
		if all := strings.Join(chosen, " "); all != c.want {
			t.Errorf("%s: %s, want %s", c.args, all, c.want)
		}
	}
}
