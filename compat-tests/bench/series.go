package main

import (
	"slices"
	"strings"
)

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
		sideBySide{columns: []string{"kfake", "kfake-memory", "kafka", nullBroker}, goals: slices.Concat(throughputTargets, startTargets), starts: true, memory: true, warm: true}.run},
	{"durable: synced before the answer (Barnabas: profile server)", durableWorkloads,
		sideBySide{columns: []string{"kfake", "kafka"}, starters: durableStarters, disk: true, warm: true, goals: slices.Concat(durableTargets, durableGoals)}.run},
	{"compressed (Barnabas: profile dev)", compressedWorkloads(),
		sideBySide{columns: []string{"kfake", "kfake-memory", "kafka", nullBroker}, warm: true}.run},
	{"end to end (Barnabas: profile dev)", e2eWorkloads,
		sideBySide{columns: []string{"kfake", "kfake-memory", "kafka"}, goals: latencyTargets, warm: true}.run},
	{"groups (Barnabas: profile dev)", groupWorkloads,
		sideBySide{columns: []string{"kfake", "kfake-memory", "kafka", nullBroker}, goals: slices.Concat(groupTargets, groupGoals)}.run},
	{"transactions (Barnabas: profile dev)", transactionWorkloads,
		sideBySide{columns: []string{"kfake", "kfake-memory", "kafka"}, goals: slices.Concat(transactionTargets, transactionGoals)}.run},
	{"old consumers (Barnabas: profile dev; Apache Kafka 3.9)", oldWorkloads,
		sideBySide{columns: []string{"kafka"}, starters: oldStarters, goals: oldGoals}.run},
	{"secured: TLS 1.3, access rules (Barnabas: profile dev)", securedWorkloads,
		sideBySide{columns: []string{ourRules, "kafka", kafkaRules}, starters: securedStarters, goals: securedGoals, warm: true}.run},
	{"start beside peers: 10,000 partitions (Barnabas: profile dev)", startManyWorkloads,
		sideBySide{columns: []string{"kfake", "kafka"}, manyPartitions: true, goals: startManyTargets}.run},
	{"start beside peers: 2 GiB (Barnabas: profile dev)", startBigWorkloads,
		sideBySide{columns: []string{"kfake", "kafka"}, goals: startBigTargets}.run},
	{"start (Barnabas: profile server)", []workload{{name: "start after 1 GiB and with 10,000 partitions"}}, runStarts},
	{"mixed: a sample each 10 s (Barnabas: profile dev)", mixedWorkloads, runMixed},
	{"compaction (Barnabas: profile server)", compactionWorkloads,
		sideBySide{columns: []string{"kafka"}, starters: compactionStarters, goals: compactionGoals}.run},
	{"retention (Barnabas: profile dev)", retentionWorkloads,
		sideBySide{columns: []string{"kafka"}, starters: retentionStarters, goals: retentionGoals}.run},
	{"memory and scale (Barnabas: profile dev; 20,000 open files)", scaleWorkloads,
		freshEach{columns: []string{"kfake", "kfake-memory", "kafka", nullBroker}, goals: slices.Concat(scaleTargets, partitionGoals)}.run},
}

// selectedOf are the series that --only leaves, each with the workloads that it names:
// all when it is empty; those of the series that has its name, or of whose name it is a
// part; if there are none, those of its parts between commas.
func selectedOf(all []series, only string) []series {
	if out := named(all, only); len(out) > 0 {
		return out
	}
	return named(all, strings.Split(only, ",")...)
}

func named(all []series, parts ...string) (out []series) {
	for _, s := range all {
		var chosen []workload
		for _, w := range s.workloads {
			if slices.ContainsFunc(parts, func(part string) bool {
				part = strings.TrimSpace(part)
				return part == s.name() || strings.Contains(w.name, part)
			}) {
				chosen = append(chosen, w)
			}
		}
		if len(chosen) > 0 {
			s.workloads = chosen
			out = append(out, s)
		}
	}
	return out
}
