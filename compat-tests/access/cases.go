package access

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/differ"
)

// unordered are lists in which Kafka puts what is not allowed in the order of a hash.
var unordered = []string{"DescribeTopicPartitions.Topics"}

// casesPerSet is for how many cases rules stay: to change them takes longer than a case.
const casesPerSet = 20

// attempt is one random case: a user sends a request while some rules are imposed. All of
// it is drawn from seed and number, so that each can be told alone.
type attempt struct {
	seed    uint64
	number  int
	user    string
	api     int // in requests
	version int16
}

// drawAttempt draws a case. All APIs are drawn equally often.
func (b *bench) drawAttempt(seed uint64, number int) attempt {
	asked := b.asked()
	round := rand.New(rand.NewPCG(seed, uint64(number/len(asked))))
	a := attempt{seed: seed, number: number, api: asked[round.Perm(len(asked))[number%len(asked)]]}
	r := a.random(0)
	a.user = weighted[string](r, alice, 6, bob, 4, carol, 1)
	served := b.served[int16(requests[a.api].key)]
	a.version = served.Min + int16(r.IntN(int(served.Max-served.Min)+1))
	return a
}

// random draws one aspect of a case.
func (a attempt) random(aspect uint64) *rand.Rand {
	return rand.New(rand.NewPCG(a.seed, uint64(a.number)<<8|aspect|1<<63))
}

// asked are the requests whose APIs are served, by index.
func (b *bench) asked() []int {
	var all []int
	for i, q := range requests {
		if _, ok := b.served[int16(q.key)]; ok {
			all = append(all, i)
		}
	}
	return all
}

func (a attempt) String() string {
	return fmt.Sprintf("case %d of seed %d: %s", a.number, a.seed, a.user)
}

// rulesOf are those that the cases of a number are drawn with.
func rulesOf(seed uint64, number int) []rule {
	return drawRules(rand.New(rand.NewPCG(seed, uint64(number/casesPerSet)|1<<62)))
}

// send sends the request of a case and puts back what it has changed. The answer is nil if
// there was none.
func (a attempt) send(r *room) kmsg.Response { return a.sendAs(a.String(), r) }

func (a attempt) sendAs(label string, r *room) kmsg.Response {
	q := requests[a.api]
	req := q.draw(&draw{Rand: a.random(1), room: r, version: a.version})
	r.Choose = func(int16) int16 { return a.version }
	resp := r.Peer(a.user).Try(label, req, q.racing...)
	r.Choose = nil
	if q.after != nil && resp != nil {
		q.after(r, resp)
	}
	return resp
}

// tellCases sends cases of one set under some rules.
func (b *bench) tellCases(attempts []attempt, rules []rule, outcomes *tally) []differ.Diff {
	return b.Tell(differ.Story{Name: "cases", Key: -1, FlatFetch: true, Unordered: unordered, Tell: func(s *differ.Session) {
		r := enter(s)
		r.nameIDs()
		r.rules = rules
		impose(s, rules)
		for _, a := range attempts {
			outcomes.note(a, a.send(r))
		}
	}}, 0)
}

// shrink leaves out the rules without which a case differs as well.
func shrink(rules []rule, differs func([]rule) bool) []rule {
	for i := 0; i < len(rules); {
		if fewer := slices.Delete(slices.Clone(rules), i, i+1); differs(fewer) {
			rules = fewer
		} else {
			i++
		}
	}
	return rules
}

// nameIDs has the ids of all topics named in the transcript before they are compared, and
// those of no topic one by one, as two of them cannot be told apart.
func (r *room) nameIDs() {
	r.Ask("topics", metadataOf(topics...))
	for _, name := range missing {
		r.Ask("the id of "+name, r.deleteTopicsOf(true, name))
	}
}

// tally is what became of the cases: asked, and refused for want of a right. Both brokers
// note into it; where they agree that is the same.
type tally struct {
	sync.Mutex
	asked, refused map[string]map[int]bool // numbers of cases by API
}

func newTally() *tally {
	return &tally{asked: map[string]map[int]bool{}, refused: map[string]map[int]bool{}}
}

func (t *tally) note(a attempt, resp kmsg.Response) {
	t.Lock()
	defer t.Unlock()
	api := requests[a.api].key.Name()
	for _, m := range []map[string]map[int]bool{t.asked, t.refused} {
		if m[api] == nil {
			m[api] = map[int]bool{}
		}
	}
	t.asked[api][a.number] = true
	if resp != nil && refuses(reflect.ValueOf(resp)) {
		t.refused[api][a.number] = true
	}
}

// String says of each API how many cases there were, and in how many of them something
// was refused.
func (t *tally) String() string {
	t.Lock()
	defer t.Unlock()
	parts := make([]string, 0, len(t.asked))
	total, refused := 0, 0
	for api, numbers := range t.asked {
		parts = append(parts, fmt.Sprintf("%s %d (%d)", api, len(numbers), len(t.refused[api])))
		total += len(numbers)
		refused += len(t.refused[api])
	}
	slices.Sort(parts)
	return fmt.Sprintf("%d cases, %d of them refused in whole or in part: %s", total, refused, strings.Join(parts, ", "))
}

// refusals are the codes that say who lacks what: of topics, groups, the cluster,
// transactions, delegation tokens.
var refusals = []int64{29, 30, 31, 53, 65}

// refuses finds an error code among refusals anywhere in an answer.
func refuses(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer:
		return !v.IsNil() && refuses(v.Elem())
	case reflect.Slice:
		if v.Type().Elem().Kind() != reflect.Struct {
			return false
		}
		for i := range v.Len() {
			if refuses(v.Index(i)) {
				return true
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			field := v.Field(i)
			isCode := field.Kind() == reflect.Int16 && v.Type().Field(i).Name == "ErrorCode"
			if isCode && slices.Contains(refusals, field.Int()) || !isCode && v.Type().Field(i).IsExported() && refuses(field) {
				return true
			}
		}
	}
	return false
}
