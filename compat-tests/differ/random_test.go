package differ

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/barnabas"
	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
	"github.com/barnabas-mq/barnabas/compat-tests/schema"
)

var (
	seedsFlag    = flag.Int("seeds", 40, "how many random sequences are told, all judges together")
	seedFlag     = flag.Uint64("seed", 1, "the first seed")
	stepsFlag    = flag.Int("steps", 60, "how many steps a random sequence has")
	requestsFlag = flag.Int("requests", 0, "tell random sequences until so many requests were compared, all judges together, instead of -seeds")
	workersFlag  = flag.Int("workers", 1, "how many random sequences are told at once, to brokers of their own")
	judgeFlag    = flag.String("judge", "", "the only release of Kafka that judges random sequences")
)

// judgeShares are how much of the sequences each of the Judges is told, of their sum: as
// it has versions to judge.
var judgeShares = []int{80, 19, 1}

// randomSettings are those of both brokers: nothing waits for a clock, no share group loses patience, and a default that
// Kafka 4 has changed is that of 4. The last one is for speed, and Kafka does not know it.
var randomSettings = map[string]string{
	"log.message.timestamp.after.max.ms": "3600000",
	"group.initial.rebalance.delay.ms":   "0", "group.consumer.assignment.interval.ms": "0", "group.share.assignment.interval.ms": "0",
	"group.share.session.timeout.ms": "600000", "group.share.max.session.timeout.ms": "600000",
	"group.share.record.lock.duration.ms": "600000", "group.share.max.record.lock.duration.ms": "600000",
	"barnabas.durability": "cached",
}

// share is the part of n that one of the judges gets: all, if it is the only one.
func share(n, judge int) int {
	if *judgeFlag != "" {
		return n
	}
	total := 0
	for _, s := range judgeShares {
		total += s
	}
	return max(n*judgeShares[judge]/total, 1)
}

// Barnabas and Kafka answer any sequence of requests alike, in versions drawn at random.
// A sequence that they do not is cut down to the steps that matter; -judge, -seed and
// -seeds 1 tell it again. With -requests every version that Barnabas advertises must
// have been compared.
func TestRandomSequences(t *testing.T) {
	bench := newBench(t)
	ledger := &Ledger{}
	for judge, release := range Judges {
		if *judgeFlag == "" || *judgeFlag == release {
			t.Run(release, func(t *testing.T) { tellRandom(t, bench, judge, ledger) })
		}
	}
	t.Logf("compared: %s", ledger)
	if *requestsFlag == 0 || *judgeFlag != "" {
		return
	}
	for _, name := range ledger.Missing(bench) {
		t.Errorf("%s is advertised, and no random step has sent it", name)
	}
}

// tellRandom tells one judge its share. Every worker has brokers of its own: in one Kafka
// producers of different versions that ask about their transactions at the same moment are
// answered in the words of the first (AddPartitionsToTxnManager).
func tellRandom(t *testing.T, bench *Bench, judge int, ledger *Ledger) {
	began := ledger.Total()
	due := func(told int) bool {
		if *requestsFlag > 0 {
			return ledger.Total()-began < share(*requestsFlag, judge)
		}
		return told < share(*seedsFlag, judge)
	}
	const failuresMax = 5 // each is cut down, which takes its time
	var told, failures atomic.Int64
	var wg sync.WaitGroup
	for range *workersFlag {
		pair := randomPair(t, bench, judge)
		wg.Go(func() {
			for n := int(told.Add(1)) - 1; due(n) && failures.Load() < failuresMax; n = int(told.Add(1)) - 1 {
				seed := *seedFlag + uint64(n)
				if !t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { tellSeed(t, pair, bench, judge, seed, ledger) }) {
					failures.Add(1)
				}
			}
		})
	}
	wg.Wait()
}

// randomPair starts one of the judges and a broker.
func randomPair(t *testing.T, bench *Bench, judge int) *Pair {
	settings := maps.Clone(randomSettings)
	if !bench.judges(judge, int16(kmsg.ShareFetch)) { // Kafka 3.9 has other limits of these
		maps.DeleteFunc(settings, func(name, _ string) bool { return strings.HasPrefix(name, "group.share.") })
	}
	kafka := oracle.Run(t, oracle.Options{Version: Judges[judge], Properties: settings})
	broker := barnabas.Run(t, barnabas.Options{Profile: "server", Properties: settings})
	pair := &Pair{A: kafka.Bootstrap(), B: broker.Bootstrap(), Release: Judges[judge], Catalog: bench.catalogs[judge]}
	pair.judged = func(v version) bool { return bench.judgeOf(v.key, v.version) == judge }
	for _, address := range []string{pair.A, pair.B} {
		if err := Warm(address, pair.Catalog); err != nil {
			t.Fatal(err)
		}
	}
	return pair
}

func tellSeed(t *testing.T, pair *Pair, bench *Bench, judge int, seed uint64, ledger *Ledger) {
	tell := func(steps []step) []Diff {
		return unexplained(pair.Tell(randomStory("random", bench, steps), 0))
	}
	steps := drawSteps(bench, judge, seed, *stepsFlag)
	pair.ledger = ledger
	found := tell(steps)
	pair.ledger = nil // what is told again counts once
	if len(found) == 0 {
		return
	}
	t.Logf("to be cut down: %s", found[0])
	if last := stepOf(found[0]); last >= 0 && len(tell(steps[:last+1])) > 0 {
		steps = steps[:last+1] // what comes after cannot matter
	}
	steps = shrink(steps, func(some []step) bool { return len(tell(some)) > 0 })
	again := tell(steps)
	if len(again) == 0 {
		t.Errorf("a difference that is gone when the sequence is told again: %s", found[0])
	}
	for _, d := range again {
		t.Errorf("%s\n  alone:   go test ./differ -run TestRandomSequences -judge %s -seeds 1 -seed %d -steps %d", d, Judges[judge], seed, *stepsFlag)
	}
	for _, x := range pair.last[0] {
		t.Logf("%s: %s", x.label, x.request)
	}
}

// stepOf is the number of the step that differs, -1 for none.
func stepOf(d Diff) (n int) {
	if _, err := fmt.Sscanf(d.Label, "step %d:", &n); err != nil {
		return -1
	}
	return n
}

// Only the steps that matter are left.
func TestShrink(t *testing.T) {
	steps := make([]step, 50)
	for i := range steps {
		steps[i].action = i
	}
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
	if len(left) != 2 || left[0].action != 7 || left[1].action != 31 {
		t.Errorf("%d steps are left", len(left))
	}
}

// A ledger names what was not compared, and counts the rest.
func TestLedger(t *testing.T) {
	bench := &Bench{advertised: map[int16]schema.Range{3: {Min: 0, Max: 2}, 78: {Min: 1, Max: 1}}}
	l := &Ledger{}
	for _, v := range []int16{0, 2, 2} {
		l.note(version{3, v})
	}
	if diff := cmp.Diff([]string{"Metadata v1", "ShareFetch v1"}, l.Missing(bench)); diff != "" {
		t.Error(diff)
	}
	if got := l.String(); l.Total() != 3 || !strings.Contains(got, "3: v0 1, v2 2") {
		t.Errorf("%d: %s", l.Total(), got)
	}
	var none *Ledger
	none.note(version{})
}

// unexplained are the differences that are not meant. Where old records are not converted,
// or the record with the largest timestamp is another one, all that is told of the
// partition differs.
func unexplained(all []Diff) []Diff {
	const unsupportedCompression = "76"
	parent := func(d Diff) string { return d.Label + d.Path[:strings.LastIndexByte(d.Path, '.')+1] }
	explained := map[string]bool{}
	for _, d := range all {
		other := d.Judge == oracle.Old && d.A == unsupportedCompression || strings.HasSuffix(d.Path, ".Timestamp")
		if other && isMeant(d) {
			explained[parent(d)] = true
		}
	}
	return slices.DeleteFunc(all, func(d Diff) bool { return isMeant(d) || explained[parent(d)] })
}

// less compares two numbers.
func less(a, b string) bool {
	x, errX := strconv.ParseInt(a, 10, 64)
	y, errY := strconv.ParseInt(b, 10, 64)
	return errX == nil && errY == nil && x < y
}

// isMeant tells whether a difference is one that differences.md has for a story of the
// same API, by its field and values.
func isMeant(d Diff) bool {
	field := indexes.ReplaceAllString(d.Path, "")
	api, _, _ := strings.Cut(d.Request, " ")
	is := func(name string, versions ...int) bool {
		return api == name && (len(versions) == 0 || slices.ContainsFunc(versions, func(v int) bool {
			return strings.HasPrefix(d.Request, fmt.Sprintf("%s v%d ", name, v))
		}))
	}
	switch {
	case is("ApiVersions"): // api versions
		return strings.HasPrefix(field, "ApiKeys") || strings.HasPrefix(field, "SupportedFeatures") || strings.HasPrefix(field, "FinalizedFeatures")
	case field == "Responses.Records.Rest": // fetch/byte limits
		return true
	case is("ListOffsets") && strings.Contains(d.Request, "Timestamp: -3"): // list offsets/all deleted
		return d.B == "-1" || strings.HasSuffix(field, ".Timestamp") && less(d.B, d.A) || strings.HasSuffix(field, ".Offset") && less(d.A, d.B)
	case field == "Responses.LastStableOffset", field == "Topics.Partitions.Offset" && strings.Contains(d.Label, "offset of"): // transactions/start deleted
		return d.A != "-1" && less(d.A, d.B)
	case is("DescribeQuorum"): // describe quorum/one node
		return field == "Nodes.Listeners"
	case d.Judge != oracle.Old:
		return false
	case is("Fetch", 0, 1, 2, 3): // old fetch, old fetch/zstd
		return strings.HasPrefix(field, "Responses.Records.Messages") || d.A == "76"
	case is("DescribeConfigs", 0): // describe configs
		return strings.HasPrefix(field, "Results.Configs")
	case is("OffsetCommit", 0), is("OffsetFetch", 0): // offsets
		return strings.HasPrefix(field, "Topics.Partitions.")
	}
	return false
}
