package assignor

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// life is a random group that changes and is assigned again after each change.
type life struct {
	*rand.Rand
	group Group
	equal bool // all members subscribe to all topics
	born  int
}

func newLife(seed uint64, equal bool) *life {
	l := &life{Rand: rand.New(rand.NewPCG(seed, 848)), equal: equal}
	for t := range 1 + l.IntN(6) {
		l.group.Topics = append(l.group.Topics, Topic{ID: topicID(t), Partitions: int32(1 + l.IntN(12))})
	}
	for range 1 + l.IntN(8) {
		l.join()
	}
	return l
}

func (l *life) subscription() []int32 {
	var topics []int32
	for t := range l.group.Topics {
		if l.equal || l.IntN(2) == 0 {
			topics = append(topics, int32(t))
		}
	}
	return topics
}

func (l *life) join() {
	l.born++
	m := Member{ID: fmt.Sprintf("m%03d", l.IntN(500)*2+l.born%2), Topics: l.subscription()}
	if l.IntN(3) == 0 {
		instance := fmt.Sprintf("i%03d", l.born)
		m.InstanceID = &instance
	}
	at, taken := slices.BinarySearchFunc(l.group.Members, m.ID, func(m Member, id string) int { return strings.Compare(m.ID, id) })
	if !taken {
		l.group.Members = slices.Insert(l.group.Members, at, m)
	}
}

// change lets somebody join, leave or subscribe anew, or a topic grow.
func (l *life) change() {
	at := l.IntN(len(l.group.Members))
	switch l.IntN(4) {
	case 0:
		l.join()
	case 1:
		if len(l.group.Members) > 1 {
			l.group.Members = slices.Delete(slices.Clone(l.group.Members), at, at+1)
		}
	case 2:
		l.group.Members[at].Topics = l.subscription()
	case 3:
		l.group.Topics[l.IntN(len(l.group.Topics))].Partitions += int32(l.IntN(5))
	}
}

func (l *life) settle(targets []Assignment) {
	for m := range l.group.Members {
		l.group.Members[m].Target = targets[m]
	}
}

// eachLife calls check for every assignment of many lives: with the group as it
// was given to the assignor, and the answer.
func eachLife(t *testing.T, a Assignor, equal bool, check func(t *testing.T, g *Group, got []Assignment)) {
	for seed := range uint64(300) {
		l := newLife(seed, equal)
		for range 12 {
			got := a.Assign(&l.group)
			check(t, &l.group, got)
			if t.Failed() {
				t.Fatalf("seed %d: %s", seed, groupText(&l.group, got))
			}
			l.settle(got)
			l.change()
		}
	}
}

func groupText(g *Group, got []Assignment) string {
	var s strings.Builder
	s.WriteString("topics")
	for _, topic := range g.Topics {
		fmt.Fprintf(&s, " %d", topic.Partitions)
	}
	for m, member := range g.Members {
		instance := "-"
		if member.InstanceID != nil {
			instance = *member.InstanceID
		}
		fmt.Fprintf(&s, "\nmember %s %s %s %s", member.ID, instance, numbersText(member.Topics), assignmentText(member.Target))
		if got != nil {
			fmt.Fprintf(&s, " %s", assignmentText(got[m]))
		}
	}
	return s.String() + "\nend\n"
}
