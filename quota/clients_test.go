package quota

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/barnabas-mq/barnabas/internal/metrics"
	"github.com/barnabas-mq/barnabas/internal/scenario"
)

// stage plays clients under limits that come and go, on a clock that the dialogue moves.
// "-" is a part that an entity does not have, "*" the default.
type stage struct {
	clients *Clients
	limits  map[string]float64 // by kind, user and client id, divided by spaces
	now     Millis
}

func newClients() *Clients {
	return NewClients(Windows{Window{11, 1000}, Window{11, 1000}}, &metrics.Set{})
}

func TestScenarios(t *testing.T) {
	scenario.Play(t, func(t *testing.T) func([]string) []string {
		s := &stage{clients: newClients(), limits: make(map[string]float64), now: 1_000_000}
		return func(command []string) []string { return s.play(t, command) }
	})
}

func (s *stage) play(t *testing.T, command []string) []string {
	number := func(i int) float64 {
		f, err := strconv.ParseFloat(command[i], 64)
		if err != nil {
			t.Fatalf("%v: %v", command, err)
		}
		return f
	}
	grant := func() *Grant { return s.clients.Grant(nil, command[1], strings.Trim(command[2], "-")) }
	switch command[0] {
	case "limit": // key user client-id bound, 0 takes it away
		s.limits[strings.Join(command[1:4], " ")] = number(4)
		s.change(t)
		return []string{"ok"}
	case "wait": // milliseconds
		s.now += Millis(number(1))
		return []string{fmt.Sprintf("it is %d", s.now)}
	case "produce", "request": // user client-id amount
		k := Produce
		if command[0] == "request" {
			k = Request
		}
		return []string{told(s.clients.Charge(k, grant(), number(3), s.now))}
	case "fetch": // user client-id bytes
		throttle := s.clients.Charge(Fetch, grant(), number(3), s.now)
		if throttle > 0 {
			s.clients.Refund(Fetch, grant(), number(3), s.now)
		}
		return []string{told(throttle)}
	case "create": // user client-id partitions strict|permissive
		throttle, refused := s.clients.Mutate(grant(), int(number(3)), command[4] == "strict", s.now)
		if refused {
			return []string{"refused, " + told(throttle)}
		}
		return []string{told(throttle)}
	}
	t.Fatalf("no command %q", command[0])
	return nil
}

func told(throttle Millis) string {
	if throttle == 0 {
		return "goes on"
	}
	return fmt.Sprintf("waits for %d ms", throttle)
}

func (s *stage) change(t *testing.T) {
	l := &Limits{}
	for what, perSecond := range s.limits {
		words := strings.Fields(what)
		k, ok := KindOf(words[0])
		if !ok {
			t.Fatalf("no kind %q", words[0])
		}
		if perSecond > 0 {
			l.Set(k, part(words[1]), part(words[2]), perSecond)
		}
	}
	s.clients.Change(l)
}

func part(word string) Part {
	switch word {
	case "-":
		return Part{}
	case "*":
		return Default
	}
	return Named(word)
}

// The most specific limit counts, in Kafka's order, and who shares it is told by its level.
func TestPrecedence(t *testing.T) {
	levels := []struct{ user, client, sharers string }{
		{"alice", "app", "alice/app"}, {"alice", "*", "alice/app"}, {"alice", "-", "alice/"},
		{"*", "app", "alice/app"}, {"*", "*", "alice/app"}, {"*", "-", "alice/"},
		{"-", "app", "/app"}, {"-", "*", "/app"},
	}
	for first := range levels {
		l := &Limits{}
		for i, level := range levels[first:] {
			l.Set(Produce, part(level.user), part(level.client), float64(first+i+1))
		}
		l.Set(Fetch, Named("alice"), Named("app"), 99) // of another kind, and says nothing
		bound, by, ok := l.find(Produce, "alice", "app")
		if !ok || bound != float64(first+1) || by.user+"/"+by.clientID != levels[first].sharers {
			t.Errorf("from %v on: %v for %+v", levels[first], bound, by)
		}
		if _, _, ok := l.find(Request, "alice", "app"); ok {
			t.Error("a kind without limits has one")
		}
	}
}

// A client that has no id is one of its user's, and nothing by client id is for it.
func TestClientsWithoutAnID(t *testing.T) {
	l := &Limits{}
	l.Set(Produce, Named("alice"), Default, 1)
	l.Set(Produce, Default, Default, 2)
	l.Set(Produce, Part{}, Default, 3)
	if _, _, ok := l.find(Produce, "alice", ""); ok {
		t.Error("a limit by client id is for who has none")
	}
	l.Set(Produce, Default, Part{}, 4)
	if bound, by, _ := l.find(Produce, "alice", ""); bound != 4 || by != (shared{user: "alice"}) {
		t.Errorf("%v for %+v", bound, by)
	}
}

// What is remembered is bounded whatever client ids come, and who owes is not let off by
// them.
func TestMemoryIsBounded(t *testing.T) {
	c := newClients()
	l := &Limits{}
	for k := range kinds {
		l.Set(k, Part{}, Default, 10)
	}
	c.Change(l)
	steady := c.Grant(nil, "ANONYMOUS", "steady")
	now := Millis(0)
	for i := range 100_000 {
		now++
		stranger := c.Grant(nil, "ANONYMOUS", strconv.Itoa(i))
		c.Charge(Produce, stranger, 1, now)
		c.Mutate(stranger, 1, false, now)
		if throttle := c.Charge(Produce, steady, 100, now); i > 1 && throttle == 0 {
			t.Fatalf("after %d strangers the steady client has a clean sheet", i)
		}
	}
	for k := range kinds {
		if n := len(c.ledgers[k].accounts); n > accountsMax {
			t.Errorf("kind %d remembers %d", k, n)
		}
	}
	if n := c.ledgers[0].remembered.Value(); n != int64(len(c.ledgers[Produce].accounts)+len(c.ledgers[Mutation].accounts)) {
		t.Errorf("%d are told of", n)
	}
	now += 12_000
	for i := range accountsMax { // all that came before are idle
		c.Charge(Produce, c.Grant(nil, "ANONYMOUS", "late"+strconv.Itoa(i)), 1, now)
	}
	if n := len(c.ledgers[Produce].accounts); n != accountsMax {
		t.Errorf("of %d, %d are left", accountsMax, n)
	}
	c.Change(nil)
	if c.IsLimiting() || c.ledgers[0].remembered.Value() != 0 {
		t.Error("without limits there is nothing to remember")
	}
}

// Of more clients than are remembered those are forgotten that owe nothing; those that do owe
// go on owing, of bytes as of changes.
func TestDebtsAreRemembered(t *testing.T) {
	c := newClients()
	l := &Limits{}
	l.Set(Produce, Part{}, Default, 10)
	l.Set(Mutation, Part{}, Default, 10)
	c.Change(l)
	const debtors = 4000
	now := Millis(0)
	grant := func(name string, i int) *Grant { return c.Grant(nil, "ANONYMOUS", name+strconv.Itoa(i)) }
	for i := range debtors {
		c.Charge(Produce, grant("debtor", i), 1000, now)
		c.Mutate(grant("debtor", i), 1000, false, now)
	}
	for i := range 4 * accountsMax {
		c.Charge(Produce, grant("stranger", i), 1, now)
		c.Mutate(grant("stranger", i), 1, false, now)
	}
	forgotten := 0
	for i := range debtors {
		bytes := c.Charge(Produce, grant("debtor", i), 0, now)
		changes, _ := c.Mutate(grant("debtor", i), 0, false, now)
		if bytes == 0 || changes == 0 {
			forgotten++
		}
	}
	if forgotten > 0 {
		t.Errorf("%d of %d debtors have a clean sheet", forgotten, debtors)
	}
}

// Limits that nobody has cost nothing, and neither do those of others.
func TestAllocations(t *testing.T) {
	var none *Clients
	c := newClients()
	if none.IsLimiting() || c.IsLimiting() {
		t.Error("nobody is limited")
	}
	l := &Limits{}
	l.Set(Produce, Named("alice"), Part{}, 10)
	c.Change(l)
	alice := c.Grant(nil, "alice", "app")
	c.Charge(Produce, alice, 1, 0)
	if n := testing.AllocsPerRun(100, func() {
		c.IsLimiting()
		alice = c.Grant(alice, "alice", "app")
		c.Charge(Produce, alice, 1, 0)
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
	if bob := c.Grant(nil, "bob", "app"); bob.IsLimited() || !alice.IsLimited() || !alice.Has(Produce) || alice.Has(Fetch) {
		t.Error("the wrong one is limited")
	}
	c.Change(&Limits{})
	if c.Grant(alice, "alice", "app").IsLimited() {
		t.Error("a grant outlives its limits")
	}
	c.Change(l)
	if c.Grant(alice, "alice", "app") == alice {
		t.Error("a grant outlives its limits, which are the same again")
	}
}

// What is no number, or no end, limits nobody, and leaves nothing behind.
func TestLimitsThatAreNone(t *testing.T) {
	c := newClients()
	for _, limit := range []float64{math.NaN(), math.Inf(1), 0, -1} {
		l := new(Limits)
		l.Set(Mutation, Named("alice"), Part{}, limit)
		l.Set(Mutation, Default, Part{}, 1)
		c.Change(l)
		g := c.Grant(nil, "alice", "app")
		for range 5 {
			if throttle, refused := c.Mutate(g, 100, true, 1000); throttle != 0 || refused {
				t.Errorf("limit %v: throttled for %d ms, refused %v", limit, throttle, refused)
			}
		}
	}
	l := new(Limits)
	l.Set(Mutation, Named("alice"), Part{}, 10)
	c.Change(l)
	if throttle, refused := c.Mutate(c.Grant(nil, "alice", "app"), 1, true, 2000); throttle != 0 || refused {
		t.Errorf("afterwards: throttled for %d ms, refused %v", throttle, refused)
	}
}
