package access

import (
	"flag"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/differ"
)

var (
	casesFlag = flag.Int("cases", 300, "how many random cases are told")
	seedFlag  = flag.Uint64("seed", 1, "what random cases are drawn from")
	caseFlag  = flag.Int("case", -1, "the only random case that is told")
	pairFlag  = flag.String("pair", kafka+","+ours, "the two brokers that are compared; two of a kind judge the tests")
)

// pair are the brokers that are compared.
func pair() [2]string {
	first, second, _ := strings.Cut(*pairFlag, ",")
	return [2]string{first, second}
}

// Barnabas lets through and refuses what Kafka's authorizer does, in the same words: in
// stories of what is subtle, and in random cases.
func TestAccess(t *testing.T) {
	b := startBench(t, pair(), nil)
	t.Run("every API", func(t *testing.T) { everyAPI(t, b) })
	t.Run("stories", func(t *testing.T) { tellStories(t, b, stories()) })
	t.Run("random", func(t *testing.T) { tellRandom(t, b, *casesFlag) })
}

// So it does where everyone may do what no rule is about. It is one setting, so a fifth
// of the cases is enough.
func TestAccessUnlessThereAreRules(t *testing.T) {
	b := startBench(t, pair(), map[string]string{"allow.everyone.if.no.acl.found": "true"})
	t.Run("stories", func(t *testing.T) { tellStories(t, b, slices.Concat(ruleStories(), idempotentStories())) })
	t.Run("random", func(t *testing.T) { tellRandom(t, b, *casesFlag/5) })
}

// everyAPI: there are random cases of all that both brokers serve, but for what no rule is
// about.
func everyAPI(t *testing.T, b *bench) {
	if pair()[1] != ours {
		t.Skip("it is about what Barnabas serves")
	}
	for key := range b.served {
		asked := slices.ContainsFunc(b.asked(), func(i int) bool { return int16(requests[i].key) == key })
		if _, known := unasked[kmsg.Key(key)]; asked == known {
			t.Errorf("%s: there are cases: %v; a reason why not: %v", kmsg.NameForKey(key), asked, known)
		}
	}
}

// tellStories tells each story in the versions that matter.
func tellStories(t *testing.T, b *bench, stories []differ.Story) {
	for _, story := range stories {
		for _, version := range b.versions(story) {
			t.Run(fmt.Sprintf("%s/v%d", story.Name, version), func(t *testing.T) {
				for _, d := range b.Tell(story, version) {
					t.Errorf("%s\n  alone:   go test ./access -run '%s'", d, t.Name())
				}
			})
		}
	}
}

// tellRandom tells cases set by set. Of differences of one kind, of one field of one API,
// the first is shown.
func tellRandom(t *testing.T, b *bench, count int) {
	if *caseFlag >= 0 {
		count = *caseFlag + 1
	}
	outcomes := newTally()
	kinds := map[string]int{}
	for number := 0; number < count; number += casesPerSet {
		var attempts []attempt
		for n := number; n < min(number+casesPerSet, count); n++ {
			if *caseFlag < 0 || *caseFlag == n {
				attempts = append(attempts, b.drawAttempt(*seedFlag, n))
			}
		}
		if len(attempts) == 0 {
			continue
		}
		rules := rulesOf(*seedFlag, number)
		for _, d := range b.tellCases(attempts, rules, outcomes) {
			kind := kindOf(d)
			if kinds[kind]++; kinds[kind] == 1 {
				report(t, b, attempts, rules, d)
			}
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		t.Errorf("%d times: %s", kinds[kind], kind)
	}
	t.Log(outcomes)
}

var indexes = regexp.MustCompile(`\[[^\]]*\]`)

// kindOf is the field of the API that differs.
func kindOf(d differ.Diff) string {
	api, _, _ := strings.Cut(d.Request, " ")
	return api + " " + indexes.ReplaceAllString(d.Path, "")
}

// report shows a difference, with the rules that matter if it is there when its case is
// told alone.
func report(t *testing.T, b *bench, attempts []attempt, rules []rule, d differ.Diff) {
	t.Helper()
	i := slices.IndexFunc(attempts, func(a attempt) bool { return d.Label == a.String() })
	if i < 0 {
		t.Error(d)
		return
	}
	a := attempts[i]
	t.Errorf("%s\n  alone:   go test ./access -run '%s' -seed %d -case %d", d, t.Name(), a.seed, a.number)
	differs := func(rules []rule) bool {
		return slices.ContainsFunc(b.tellCases([]attempt{a}, rules, newTally()), func(other differ.Diff) bool { return kindOf(other) == kindOf(d) })
	}
	if !differs(rules) {
		t.Log("alone it does not differ; the rules of the set:")
	} else {
		t.Log("with these rules:")
		rules = shrink(rules, differs)
	}
	for _, c := range rules {
		t.Logf("  %s", show(c))
	}
}

// What is drawn depends on seed and number alone.
func TestDrawing(t *testing.T) {
	first, second := rulesOf(7, 21), rulesOf(7, 39)
	if gone, added := changes(first, second); len(first) == 0 || len(gone)+len(added) > 0 {
		t.Errorf("one set has rules %v and %v", first, second)
	}
	a := attempt{seed: 7, number: 3}
	if a.random(0).Uint64() != a.random(0).Uint64() || a.random(0).Uint64() == a.random(1).Uint64() {
		t.Error("a case is drawn otherwise the second time, or its aspects are drawn alike")
	}
}

// Only the rules that matter are left.
func TestShrink(t *testing.T) {
	rules := rulesOf(7, 0)
	matter := []rule{rules[0], rules[len(rules)-1]}
	left := shrink(rules, func(some []rule) bool { return len(without(matter, some)) == 0 })
	if gone, added := changes(matter, left); len(gone)+len(added) > 0 {
		t.Errorf("%v are left, want %v", left, matter)
	}
}

// A refusal is found wherever it is in an answer.
func TestRefuses(t *testing.T) {
	resp := kmsg.NewPtrMetadataResponse()
	topic := kmsg.NewMetadataResponseTopic()
	resp.Topics = append(resp.Topics, topic)
	outcomes := newTally()
	metadata := slices.IndexFunc(requests, func(q request) bool { return q.key == kmsg.Metadata })
	outcomes.note(attempt{number: 1, api: metadata}, resp)
	resp.Topics[0].ErrorCode = 29
	outcomes.note(attempt{number: 2, api: metadata}, resp)
	if got, want := outcomes.String(), "2 cases, 1 of them refused in whole or in part: Metadata 2 (1)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
