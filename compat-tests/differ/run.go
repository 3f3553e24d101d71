package differ

import (
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/schema"
	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

// Pair is two brokers to compare: A is the judge.
type Pair struct {
	A, B string // addresses
	// Catalog is of the judge's release; it decodes both.
	Catalog *schema.Catalog
	// Release is the judge's version.
	Release string
	// Dial makes the connection of a peer; nil is one that does not say who it is.
	Dial func(address, peer string) (*wire.Conn, error)

	told int
	// last is what the brokers answered to the last story, before it was normalised.
	last [2][]exchange
	// answered are the versions in which both have answered something.
	answered map[version]bool
	// judged tells which versions are compared; nil means all.
	judged func(version) bool
	// ledger, if there is one, counts what is compared.
	ledger *Ledger
}

// storyAge puts record timestamps well before the story, so that they can never
// be taken for "now".
const storyAge = 10 * time.Minute

// Tell tells one story in one version to both brokers and returns how their
// answers differ.
func (p *Pair) Tell(story Story, version int16) []Diff {
	p.told++
	prefix := fmt.Sprintf("d%d-", p.told)
	base := time.Now().Add(-storyAge).UnixMilli()
	name := fmt.Sprintf("%s/v%d", story.Name, version)

	var transcripts [2][]exchange
	var wg sync.WaitGroup
	for i, address := range []string{p.A, p.B} {
		wg.Go(func() {
			s := &Session{
				Version: version, Base: base, key: int16(story.Key), prefix: prefix, address: address, dial: p.Dial,
				catalog: p.Catalog, peers: map[string]*Peer{}, began: time.Now(),
			}
			s.tell(story)
			p.last[i] = s.transcript
			n := newNormalizer(prefix, s.began)
			n.flatFetch, n.unordered = story.FlatFetch, story.Unordered
			transcripts[i] = n.transcript(s.transcript)
		})
	}
	wg.Wait()
	p.leaveOut(transcripts)
	p.tally(transcripts)
	return compareTranscripts(p.Release, name, transcripts[0], transcripts[1])
}

// leaveOut drops the answers of versions that the judge is not asked about.
func (p *Pair) leaveOut(transcripts [2][]exchange) {
	if p.judged == nil {
		return
	}
	for _, t := range transcripts {
		for i := range t {
			if t[i].api != "" && !p.judged(t[i].asked) {
				t[i].outcome, t[i].answer = "not compared", nil
			}
		}
	}
}

// tally notes what both brokers have answered.
func (p *Pair) tally(transcripts [2][]exchange) {
	if p.answered == nil {
		p.answered = map[version]bool{}
	}
	for i := range min(len(transcripts[0]), len(transcripts[1])) {
		if a, b := transcripts[0][i], transcripts[1][i]; a.answer != nil && b.answer != nil {
			p.answered[a.asked] = true
			p.ledger.note(a.asked)
		}
	}
}

// tell runs the story. One that cannot go on (also because an answer lacks the
// element that the story looks at) says so in its transcript. The address makes
// it a difference even when both brokers stop it in the same way: then the story
// itself is wrong.
func (s *Session) tell(story Story) {
	defer s.close()
	defer func() {
		if cause := recover(); cause != nil {
			s.record(exchange{label: "end of the story", request: "none", outcome: fmt.Sprintf("%v (at %s)", cause, s.address)})
		}
	}()
	story.Tell(s)
}

// warmGroups is so large that the names surely touch each of the 50 partitions
// of the coordinators' topics, which load one by one.
const warmGroups = 500

// transactionalIDNotFound is what a coordinator that serves says of an id that it does not know.
const transactionalIDNotFound = 105

// Warm brings a broker to the state that every story expects: the coordinators
// serve, so that the first story is not answered "loading".
func Warm(address string, catalog *schema.Catalog) (err error) {
	s := &Session{Version: -1, key: -1, address: address, catalog: catalog, peers: map[string]*Peer{}, began: time.Now()}
	defer s.close()
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("%s is not ready for stories: %v", address, cause)
		}
	}()
	find := kmsg.NewPtrFindCoordinatorRequest()
	find.CoordinatorKeys = []string{"warm"}
	s.Until(find, func(resp kmsg.Response) bool {
		found := resp.(*kmsg.FindCoordinatorResponse).Coordinators
		return len(found) == 1 && found[0].ErrorCode == 0
	})
	fetch := kmsg.NewPtrOffsetFetchRequest()
	for i := range warmGroups {
		group := kmsg.NewOffsetFetchRequestGroup()
		group.Group = fmt.Sprintf("warm-%d", i)
		fetch.Groups = append(fetch.Groups, group)
	}
	s.Until(fetch, func(resp kmsg.Response) bool {
		for _, g := range resp.(*kmsg.OffsetFetchResponse).Groups {
			if g.ErrorCode != 0 {
				return false
			}
		}
		return true
	})
	find.CoordinatorType = 1
	s.Until(find, func(resp kmsg.Response) bool {
		return resp.(*kmsg.FindCoordinatorResponse).Coordinators[0].ErrorCode == 0
	})
	describe := kmsg.NewPtrDescribeTransactionsRequest()
	for i := range warmGroups {
		describe.TransactionalIDs = append(describe.TransactionalIDs, fmt.Sprintf("warm-%d", i))
	}
	s.Until(describe, func(resp kmsg.Response) bool {
		for _, t := range resp.(*kmsg.DescribeTransactionsResponse).TransactionStates {
			if t.ErrorCode != transactionalIDNotFound {
				return false
			}
		}
		return true
	})
	init := kmsg.NewPtrInitProducerIDRequest()
	s.Until(init, func(resp kmsg.Response) bool { return resp.(*kmsg.InitProducerIDResponse).ErrorCode == 0 })
	return nil
}
