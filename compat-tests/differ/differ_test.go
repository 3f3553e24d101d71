package differ

import (
	"flag"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/barnabas"
	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
	"github.com/barnabas-mq/barnabas/compat-tests/schema"
	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

// sameSettings are what both brokers run with where their defaults differ for
// good reasons.
var sameSettings = map[string]string{"group.initial.rebalance.delay.ms": "0"}

// ours starts the broker under test.
func ours(t *testing.T) *testbed.Broker {
	t.Helper()
	return barnabas.Run(t, barnabas.Options{Profile: "server", Properties: map[string]string{
		"group.initial.rebalance.delay.ms": "0",
		"barnabas.durability":              "cached", // speed; answers do not depend on it
	}})
}

// Barnabas answers as Apache Kafka does, in every version that it advertises: as the
// newest Kafka where that serves the version, else as the one that does. A difference
// fails unless differences.md allows it, with a reason; so does a version that no
// story tells.
func TestBarnabasAnswersAsKafka(t *testing.T) {
	allowances, err := ReadAllowances("../differences.md")
	if err != nil {
		t.Fatal(err)
	}
	bench := newBench(t)
	answered := map[version]bool{}
	whole := 0
	for judge, release := range Judges {
		t.Run(release, func(t *testing.T) {
			kafka := oracle.Run(t, oracle.Options{Version: release, Properties: sameSettings})
			pair := &Pair{A: kafka.Bootstrap(), B: ours(t).Bootstrap(), Release: release, Catalog: bench.catalogs[judge], answered: answered}
			if tellAll(t, pair, func(s Story) []int16 { return bench.Due(s, judge) }, allowances) {
				whole++
			}
		})
	}
	if whole < len(Judges) {
		return // a run of some stories says nothing about the lists
	}
	for _, p := range allowances.Unused() {
		t.Errorf("differences.md allows a difference that is not there: %s", p)
	}
	for _, v := range bench.Advertised() {
		if reason := untold[v]; answered[v] == (reason != "") {
			t.Errorf("%s v%d is told by a story: %v; untold.go gives the reason %q why not", kmsg.NameForKey(v.key), v.version, answered[v], reason)
		}
	}
}

var itselfFlag = flag.Bool("itself", false, "compare two Kafkas with each other")

// Two Kafkas do not differ: what the stories compare is what a broker decides,
// not chance.
func TestKafkaAnswersAsItself(t *testing.T) {
	if !*itselfFlag {
		t.Skip("judges the stories, not the broker: -itself runs it")
	}
	bench := newBench(t)
	a := oracle.Run(t, oracle.Options{Properties: sameSettings})
	b := oracle.Run(t, oracle.Options{Properties: sameSettings})
	pair := &Pair{A: a.Bootstrap(), B: b.Bootstrap(), Release: Judges[0], Catalog: bench.catalogs[0]}
	tellAll(t, pair, func(s Story) []int16 { // the last: the others send the same
		due := bench.Due(s, 0)
		return due[max(len(due)-1, 0):]
	}, nil)
}

// tellAll tells every story in every version that is due, and reports whether all
// were told (none was left out by -run).
func tellAll(t *testing.T, pair *Pair, versions func(Story) []int16, allowances Allowances) bool {
	t.Helper()
	for _, address := range []string{pair.A, pair.B} {
		if err := Warm(address, pair.Catalog); err != nil {
			t.Fatal(err)
		}
	}
	due, told := 0, 0
	for _, story := range Stories() {
		for _, version := range versions(story) {
			due++
			t.Run(fmt.Sprintf("%s/v%d", story.Name, version), func(t *testing.T) {
				told++
				for _, d := range pair.Tell(story, version) {
					if !allowances.Allows(d) {
						t.Errorf("%s\n  alone:   go test ./differ -run '%s'", d, t.Name())
					}
				}
			})
		}
	}
	return told == due
}

// newBench has the schemas of every judge and the ranges of the broker.
func newBench(t *testing.T) *Bench {
	t.Helper()
	oracle.Need(t)
	catalogs, err := allCatalogs()
	if err != nil {
		t.Fatal(err)
	}
	b, err := NewBench(catalogs, ours(t).Bootstrap())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// allCatalogs are those of the Judges, in order.
var allCatalogs = sync.OnceValues(func() ([]*schema.Catalog, error) {
	var all []*schema.Catalog
	for _, release := range Judges {
		files, err := oracle.Schemas(release)
		if err != nil {
			return nil, err
		}
		c, err := schema.Parse(files)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
})

// catalogOf is that of one of the Judges.
func catalogOf(t *testing.T, release string) *schema.Catalog {
	t.Helper()
	all, err := allCatalogs()
	if err != nil {
		t.Fatal(err)
	}
	return all[slices.Index(Judges, release)]
}
