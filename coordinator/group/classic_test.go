package group

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestMembersOfAGroup compares a group with a list of members, while it grows over
// the sizes at which members and protocols are indexed and shrinks again.
func TestMembersOfAGroup(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	g := newClassicGroup("g")
	var model []*member
	randomProtocols := func() []Protocol {
		var all []Protocol
		for _, i := range r.Perm(5)[:1+r.IntN(4)] {
			all = append(all, Protocol{Name: fmt.Sprint("p", i)})
		}
		return all
	}
	byID, counted := 0, 0
	for step := range 20_000 {
		adds := 6
		if step/500%2 == 1 {
			adds = 1
		}
		switch n := r.IntN(10); {
		case n < adds && len(model) < 40:
			m := newMember(g, fmt.Sprint("m", step))
			m.protocols = randomProtocols()
			g.add(m, consumerProtocolType)
			model = append(model, m)
		case len(model) == 0:
		case n < 7:
			i := r.IntN(len(model))
			g.remove(model[i])
			model = slices.Delete(model, i, i+1)
		case n < 8:
			g.rename(model[r.IntN(len(model))], fmt.Sprint("renamed", step))
		default:
			g.setProtocols(model[r.IntN(len(model))], randomProtocols())
		}
		if !slices.Equal(g.members, model) {
			t.Fatalf("step %d: %d members, want %d", step, len(g.members), len(model))
		}
		supporters, protocols := map[string]int{}, 0
		for _, m := range model {
			if g.find(m.id) != m {
				t.Fatalf("step %d: member %s is not found", step, m.id)
			}
			for _, p := range m.protocols {
				supporters[p.Name]++
				protocols++
			}
		}
		for i := range 6 {
			if name := fmt.Sprint("p", i); g.supporters(name) != supporters[name] {
				t.Fatalf("step %d: %d members support %s, want %d", step, g.supporters(name), name, supporters[name])
			}
		}
		if g.protocols != protocols || g.find("stranger") != nil {
			t.Fatalf("step %d: %d protocols, want %d", step, g.protocols, protocols)
		}
		if g.byID != nil {
			byID++
		}
		if g.supported != nil {
			counted++
		}
		if len(model) == 0 {
			g.clearMembers()
		}
	}
	for what, steps := range map[string]int{"indexed": byID, "counted": counted} {
		if steps == 0 || steps == 20_000 {
			t.Errorf("%s in %d steps", what, steps)
		}
	}
}

// Members that subscribe to nothing are not members whose metadata is unreadable.
func TestSubscribedToNothing(t *testing.T) {
	g := newClassicGroup("g")
	protocol := "range"
	g.protocol = &protocol
	m := newMember(g, "m")
	m.protocols = []Protocol{{Name: protocol, Metadata: subscribing()}}
	g.add(m, consumerProtocolType)
	if g.readTopics(); g.topics == nil || g.isSubscribed("t") {
		t.Errorf("topics %#v", g.topics)
	}
	g.setProtocols(m, []Protocol{{Name: protocol, Metadata: subscribing("t", "s")}})
	if g.readTopics(); !g.isSubscribed("t") || !g.isSubscribed("s") || g.isSubscribed("a") {
		t.Errorf("topics %#v", g.topics)
	}
	g.setProtocols(m, []Protocol{{Name: protocol, Metadata: []byte("junk")}})
	if g.readTopics(); g.topics != nil || !g.isSubscribed("a") {
		t.Errorf("topics %#v", g.topics)
	}
}
