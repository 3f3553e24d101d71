package main

import (
	"slices"
	"testing"
)

// --only names a series, or workloads by a part of their name; a comma may be part of
// one, or stand between two, in whichever series.
func TestSelected(t *testing.T) {
	all := []series{
		{title: "groups (Barnabas: profile dev)", workloads: []workload{{name: "1,000 members join"}, {name: "heartbeats"}}},
		{title: "side by side", workloads: []workload{{name: "raw fetch"}, {name: "produce 1 KiB"}}},
	}
	for only, want := range map[string][]string{
		"":                 {"1,000 members join", "heartbeats", "raw fetch", "produce 1 KiB"},
		"1,000":            {"1,000 members join"},
		"groups":           {"1,000 members join", "heartbeats"},
		"groups,raw":       {"1,000 members join", "heartbeats", "raw fetch"},
		"produce, raw":     {"raw fetch", "produce 1 KiB"},
		"nothing of these": nil,
	} {
		var got []string
		for _, s := range selectedOf(all, only) {
			for _, w := range s.workloads {
				got = append(got, w.name)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("--only %q is %q, want %q", only, got, want)
		}
	}
}

// Every series has a title of its own, and every column is a broker that there is.
func TestSeriesAreWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range allSeries {
		if seen[s.title] || len(s.workloads) == 0 {
			t.Errorf("series %q: a title twice, or no workloads", s.title)
		}
		seen[s.title] = true
		for _, w := range s.workloads {
			for _, name := range w.columns {
				if devStarters[name] == nil {
					t.Errorf("%s: no broker %q", w.name, name)
				}
			}
		}
	}
}

// A broker is named with its version or without.
func TestIs(t *testing.T) {
	for _, c := range []struct {
		broker, name string
		want         bool
	}{{"kafka-4.3.1", "kafka", true}, {"kafka", "kafka", true}, {"kfake-memory", "kfake", false}, {"kfake-memory", "kfake-memory", true}, {"null", "kafka", false}} {
		if is(c.broker, c.name) != c.want {
			t.Errorf("is(%q, %q) is %v", c.broker, c.name, !c.want)
		}
	}
}
