package fault

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const produce, fetch = 0, 1

func mustAdd(t *testing.T, s *Set, r Rule) *Fault {
	t.Helper()
	f, err := s.Add(r)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Which requests a rule is about.
func TestARuleMatchesWhatItNames(t *testing.T) {
	orders := []Place{{"orders", 0}, {"orders", 1}}
	for _, c := range []struct {
		name string
		rule Rule
		q    Request
		want bool
	}{
		{"no condition", Rule{}, Request{Key: fetch}, true},
		{"the key", Rule{Keys: []int16{produce, fetch}}, Request{Key: fetch}, true},
		{"another key", Rule{Keys: []int16{produce}}, Request{Key: fetch}, false},
		{"the client", Rule{ClientID: "a"}, Request{ClientID: "a"}, true},
		{"another client", Rule{ClientID: "a"}, Request{ClientID: "b"}, false},
		{"the topic", Rule{Topic: "orders"}, Request{Places: orders}, true},
		{"another topic", Rule{Topic: "bills"}, Request{Places: orders}, false},
		{"a topic, and a request without any", Rule{Topic: "orders"}, Request{}, false},
		{"one of the partitions", Rule{Topic: "orders", Partitions: []int32{1, 7}}, Request{Places: orders}, true},
		{"none of the partitions", Rule{Topic: "orders", Partitions: []int32{7}}, Request{Places: orders}, false},
		{"the topic as a whole", Rule{Topic: "orders", Partitions: []int32{7}}, Request{Places: []Place{{"orders", AnyPartition}}}, true},
	} {
		c.rule.Code = 1
		s := new(Set)
		f := mustAdd(t, s, c.rule)
		if got := s.Decide(&c.q) == f; got != c.want {
			t.Errorf("%s: fires is %v, want %v", c.name, got, c.want)
		}
	}
}

// The counts decide which of the matching requests fail.
func TestTheCountsOfARule(t *testing.T) {
	for _, c := range []struct {
		rule Rule
		want []int // of ten requests, from 1
	}{
		{Rule{}, []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}},
		{Rule{Times: 2}, []int{1, 2}},
		{Rule{After: 3}, []int{4, 5, 6, 7, 8, 9, 10}},
		{Rule{Every: 3}, []int{3, 6, 9}},
		{Rule{After: 2, Every: 2, Times: 3}, []int{4, 6, 8}},
	} {
		c.rule.Code = 1
		s := new(Set)
		f := mustAdd(t, s, c.rule)
		var got []int
		for i := range 10 {
			if s.Decide(&Request{}) != nil {
				got = append(got, i+1)
			}
		}
		if !slices.Equal(got, c.want) || f.Count() != len(c.want) {
			t.Errorf("%+v: requests %v failed, want %v; counted %d", c.rule, got, c.want, f.Count())
		}
		if isSpent := c.rule.Times > 0; s.Active() == isSpent {
			t.Errorf("%+v: active is %v afterwards", c.rule, s.Active())
		}
		if all := s.All(); len(all) != 1 || all[0] != f {
			t.Errorf("%+v: a spent rule is not listed any more", c.rule)
		}
	}
}

func TestTheFirstRuleThatFiresDecides(t *testing.T) {
	s := new(Set)
	first, second := mustAdd(t, s, Rule{Code: 1, Times: 1}), mustAdd(t, s, Rule{Code: 2})
	if got := []*Fault{s.Decide(&Request{}), s.Decide(&Request{})}; got[0] != first || got[1] != second {
		t.Errorf("fired: %v", got)
	}
	if first.Matched() != 1 || second.Matched() != 1 {
		t.Errorf("matched %d and %d, want 1 and 1", first.Matched(), second.Matched())
	}
	second.Remove()
	second.Remove()
	if s.Active() || s.Decide(&Request{}) != nil || len(s.All()) != 1 || s.Find(2) != nil || s.Find(1) != first {
		t.Error("a removed rule is still there")
	}
	if s.Clear(); len(s.All()) != 0 {
		t.Error("rules are left after Clear")
	}
	if f := mustAdd(t, s, Rule{Code: 1}); f.ID() != 3 {
		t.Errorf("id %d was given again", f.ID())
	}
}

func TestConcernsLooksAtKeyAndClient(t *testing.T) {
	s := new(Set)
	mustAdd(t, s, Rule{Code: 1, Keys: []int16{fetch}, ClientID: "a", Topic: "orders"})
	for _, c := range []struct {
		key    int16
		client string
		want   bool
	}{{fetch, "a", true}, {produce, "a", false}, {fetch, "b", false}} {
		if got := s.Concerns(c.key, c.client); got != c.want {
			t.Errorf("key %d, client %s: %v", c.key, c.client, got)
		}
	}
}

func TestWaitReturnsWithTheNthFiring(t *testing.T) {
	s := new(Set)
	f := mustAdd(t, s, Rule{Code: 1})
	done := make(chan error)
	go func() { done <- f.Wait(context.Background(), 2) }()
	for range 2 {
		s.Decide(&Request{})
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := f.Wait(ctx, 3); err != context.Canceled {
		t.Errorf("waiting for a third: %v", err)
	}
}

func TestRulesThatMakeNoSenseAreRefused(t *testing.T) {
	for _, r := range []Rule{
		{}, {Topic: "a"}, {Code: 1, Drop: DropAfter}, {Code: 1, Partitions: []int32{0}},
		{Code: 1, After: -1}, {Code: 1, Every: -1}, {Code: 1, Times: -1}, {Delay: -time.Second},
	} {
		if _, err := new(Set).Add(r); err == nil {
			t.Errorf("%s was accepted", fmt.Sprintf("%+v", r))
		}
	}
}

func BenchmarkWithoutRules(b *testing.B) {
	s := new(Set)
	b.ReportAllocs()
	for b.Loop() {
		if s.Active() {
			b.Fatal("there is no rule")
		}
	}
}
