package group

import (
	"strings"
	"testing"
)

func TestPatternsMatchWholeNames(t *testing.T) {
	topics := &topicsFake{topics: map[string]Topic{"logs-a": {}, "logs-b": {}, "old-logs-a": {}, "x": {}}}
	for pattern, want := range map[string]string{
		"logs-.*": "logs-a logs-b", "logs|x": "x", "x": "x", "": "", "(?i)LOGS-A": "logs-a", "[lo]+gs-a": "logs-a", ".*-[ab]$": "logs-a logs-b old-logs-a",
		"(": "", `\p{Greek}`: "",
	} {
		a, ok := PatternQuery{Patterns: []string{pattern}, Topics: topics}.Resolve(func() bool { return false })
		if got := strings.Join(a.Topics[pattern], " "); !ok || got != want {
			t.Errorf("%q stands for %q, want %q", pattern, got, want)
		}
	}
}

// A short expression can become a program that takes seconds for a name.
func TestPatternsThatRepeatTooMuchAreRefused(t *testing.T) {
	for pattern, refused := range map[string]bool{
		"(?:" + strings.Repeat("b?", 505) + "){1000}": true,
		"(?:a{100}){100}":                            true,
		"((a{30}){30}){30}":                          true,
		"a{1000}":                                    false,
		strings.Repeat("x", 1000):                    false,
		strings.Repeat("a|", 500):                    false,
		"(orders|payments)-v[0-9]{1,3}-(dlq|retry)?": false,
	} {
		if err := checkPattern(pattern); (err != nil) != refused {
			t.Errorf("%.30q: %v", pattern, err)
		}
	}
}

func TestAQueryStopsWhenItIsTold(t *testing.T) {
	topics := &topicsFake{topics: map[string]Topic{"a": {}, "b": {}}}
	names := 0
	_, ok := PatternQuery{Patterns: []string{"a"}, Topics: topics}.Resolve(func() bool { names++; return names > 1 })
	if ok || names != 2 {
		t.Errorf("it went on over %d names: %v", names, ok)
	}
}

// A group waits once, however often it asks.
func TestTheResolverKeepsTheNewestQueryOfAGroup(t *testing.T) {
	var r resolver
	r.mu.running = true // so that nothing begins
	for version := range int64(3) {
		r.ask(PatternQuery{GroupID: "g", Topics: &topicsFake{version: version}})
		r.ask(PatternQuery{GroupID: "h", Topics: &topicsFake{version: version}})
	}
	if len(r.mu.queries) != 2 || r.mu.queries[0].Topics.Version() != 2 {
		t.Errorf("%d queries wait, the first of version %d", len(r.mu.queries), r.mu.queries[0].Topics.Version())
	}
}
