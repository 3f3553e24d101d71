package main

import "strings"

// series is one table: workloads that are measured on the same brokers.
type series struct {
	title string
	// workloads are its names, for --only.
	workloads []workload
	run       func(s series, o options) (*table, error)
}

// name is the title without what it explains.
func (s series) name() string {
	return strings.TrimSpace(s.title[:(strings.IndexAny(s.title+":", "(:"))])
}

// allSeries in the order in which they run. A new one is a line here; its
// workloads and what its brokers are lie in a file of its own.
var allSeries = []series{
	{"side by side (Barnabas: profile dev)", workloads,
		sideBySide{columns: []string{"kfake", "kfake-memory", "kafka", nullBroker}, starts: true, memory: true}.run},
	{"durable: synced before the answer", durableWorkloads,
		sideBySide{columns: []string{"kfake", "kafka"}, starters: durableStarters}.run},
	{"compressed (Barnabas: profile dev)", compressedWorkloads(),
		sideBySide{columns: []string{"kfake", "kfake-memory", "kafka", nullBroker}}.run},
	{"end to end (Barnabas: profile dev)", e2eWorkloads,
		sideBySide{columns: []string{"kfake", "kfake-memory", "kafka"}}.run},
	{"groups (Barnabas: profile dev)", groupWorkloads,
		sideBySide{columns: []string{"kfake", "kafka", nullBroker}, goals: groupGoals}.run},
	{"transactions (Barnabas: profile dev)", transactionWorkloads,
		sideBySide{columns: []string{"kfake", "kafka"}, goals: transactionGoals}.run},
	{"old consumers (Barnabas: profile dev; Apache Kafka 3.9)", oldWorkloads,
		sideBySide{columns: []string{"kafka"}, starters: oldStarters, goals: oldGoals}.run},
	{"start beside peers: 10,000 partitions (Barnabas: profile dev)", startManyWorkloads,
		sideBySide{columns: []string{"kfake", "kafka"}, manyPartitions: true}.run},
	{"start beside peers: 2 GiB (Barnabas: profile dev)", startBigWorkloads,
		sideBySide{columns: []string{"kfake", "kafka"}}.run},
	{"start", []workload{{name: "start after 1 GiB and with 10,000 partitions"}}, runStarts},
	{"mixed: a sample each 10 s (Barnabas: profile dev)", mixedWorkloads, runMixed},
	{"compaction", compactionWorkloads,
		sideBySide{columns: []string{"kafka"}, starters: compactionStarters, goals: compactionGoals}.run},
	{"retention", retentionWorkloads,
		sideBySide{columns: []string{"kafka"}, starters: retentionStarters, goals: retentionGoals}.run},
	{"memory and scale (Barnabas: profile dev; 20,000 open files)", scaleWorkloads,
		freshEach{columns: []string{"kfake", "kfake-memory", "kafka", nullBroker}, goals: partitionGoals}.run},
}

// selected are the workloads that --only names: all when it is empty, else those
// of whose name it is a part, or else, between its commas, a part is.
func selected(all []workload, only string) []workload {
	if out := named(all, only); len(out) > 0 {
		return out
	}
	return named(all, strings.Split(only, ",")...)
}

func named(all []workload, parts ...string) (out []workload) {
	for _, w := range all {
		for _, part := range parts {
			if strings.Contains(w.name, strings.TrimSpace(part)) {
				out = append(out, w)
				break
			}
		}
	}
	return out
}
