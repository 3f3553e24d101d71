package differ

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
)

var (
	seedsFlag = flag.Int("seeds", 40, "how many random sequences are told")
	seedFlag  = flag.Uint64("seed", 1, "the first seed")
	stepsFlag = flag.Int("steps", 60, "how many steps a random sequence has")
)

// Barnabas and Kafka answer any sequence of requests alike. A sequence that they do
// not is cut down to the steps that matter; -seed and -seeds 1 tell it again.
func TestRandomSequences(t *testing.T) {
	bench := newBench(t)
	kafka := oracle.Run(t, oracle.Options{Properties: sameSettings})
	pair := &Pair{A: kafka.Bootstrap(), B: ours(t).Bootstrap(), Release: Judges[0], Catalog: bench.catalogs[0]}
	for _, address := range []string{pair.A, pair.B} {
		if err := Warm(address, pair.Catalog); err != nil {
			t.Fatal(err)
		}
	}
	for seed := *seedFlag; seed < *seedFlag+uint64(*seedsFlag); seed++ {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			tell := func(steps []step) []Diff {
				return slices.DeleteFunc(pair.Tell(randomStory("random", bench, steps), 0), isMeant)
			}
			steps := drawSteps(seed, *stepsFlag)
			if len(tell(steps)) == 0 {
				return
			}
			steps = shrink(steps, func(some []step) bool { return len(tell(some)) > 0 })
			for _, d := range tell(steps) {
				t.Errorf("%s\n  alone:   go test ./differ -run TestRandomSequences -seeds 1 -seed %d -steps %d", d, seed, *stepsFlag)
			}
			for _, x := range pair.last[0] {
				t.Logf("%s: %s", x.label, x.request)
			}
		})
	}
}

// Only the steps that matter are left.
func TestShrink(t *testing.T) {
	steps := drawSteps(1, 50)
	needed := map[step]bool{steps[7]: true, steps[31]: true}
	left := shrink(steps, func(some []step) bool {
		found := 0
		for _, s := range some {
			if needed[s] {
				found++
			}
		}
		return found == len(needed)
	})
	if len(left) != 2 || left[0] != steps[7] || left[1] != steps[31] {
		t.Errorf("%d steps are left", len(left))
	}
}

// isMeant tells whether a difference is one that differences.md has for a story of the
// same API, by its field and values.
func isMeant(d Diff) bool {
	field := indexes.ReplaceAllString(d.Path, "")
	switch {
	case field == "Responses.Records.Rest": // fetch/byte limits
		return true
	case field == "Responses.ErrorCode": // fetch session/topic deleted
		return d.A == "3" && d.B == "100"
	case strings.HasPrefix(field, "Topics.Partitions.") && strings.Contains(d.Request, "Timestamp: -3"): // list offsets/all deleted
		return d.B == "-1"
	case field == "Responses.LastStableOffset", field == "Topics.Partitions.Offset" && strings.Contains(d.Label, "offset of"): // transactions/start deleted
		return d.A != "-1" && d.B != "-1" && len(d.A) <= len(d.B) && d.A < d.B
	case field == "Responses.Records.Batches.Attributes": // transactions/log append time
		return d.A == fmt.Sprint(markerAttributes|logAppendTimeBit) && d.B == fmt.Sprint(markerAttributes)
	case !strings.HasPrefix(field, "Responses.PartitionResponses."):
		return false
	case strings.Contains(d.Label, "tx"): // transactions/wrong in two ways
		return !strings.HasSuffix(field, ".ErrorCode") || d.A != "0" && d.B != "0"
	}
	return field == "Responses.PartitionResponses.ErrorCode" && d.A == "-1" && (d.B == "2" || d.B == "76") // produce
}

const (
	logAppendTimeBit = 1 << 3
	markerAttributes = 1<<4 | 1<<5
)
