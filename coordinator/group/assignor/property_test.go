package assignor

import (
	"slices"
	"testing"
)

// TestEveryPartitionHasOneSubscribedOwner: complete, disjoint, and in the shape
// that Assignment promises.
func TestEveryPartitionHasOneSubscribedOwner(t *testing.T) {
	for _, a := range []Assignor{Uniform(), Range()} {
		for _, equal := range []bool{true, false} {
			eachLife(t, a, equal, func(t *testing.T, g *Group, got []Assignment) {
				owners := make(map[element]int)
				for m, target := range got {
					checkShape(t, target)
					for p := range each(target) {
						owners[p]++
						if _, subscribed := slices.BinarySearch(g.Members[m].Topics, int32(p.topic)); !subscribed {
							t.Errorf("%s: %s has %v, which it does not subscribe to", a.Name(), g.Members[m].ID, p)
						}
					}
				}
				subscribed := make(map[int]bool)
				for m := range g.Members {
					for _, topic := range g.Members[m].Topics {
						subscribed[int(topic)] = true
					}
				}
				want := 0
				for topic := range subscribed {
					want += int(g.Topics[topic].Partitions)
					for p := range g.Topics[topic].Partitions {
						if n := owners[element{topic, p}]; n != 1 {
							t.Errorf("%s: partition %d of topic %d has %d owners", a.Name(), p, topic, n)
						}
					}
				}
				if len(owners) != want {
					t.Errorf("%s: %d partitions are assigned, want %d", a.Name(), len(owners), want)
				}
			})
		}
	}
}

// TestUniformKeepsAsMuchAsTheQuotasAllow: with equal subscriptions nobody has two
// more than another, and what stays where it was is the most that any assignment
// of those sizes could leave there. So one who leaves moves only what it had, and
// one who joins only what is its share.
func TestUniformKeepsAsMuchAsTheQuotasAllow(t *testing.T) {
	eachLife(t, Uniform(), true, func(t *testing.T, g *Group, got []Assignment) {
		total, most, least := 0, 0, got[0].Count()
		for _, target := range got {
			total, most, least = total+target.Count(), max(most, target.Count()), min(least, target.Count())
		}
		if most-least > 1 {
			t.Errorf("somebody has %d partitions and somebody %d", most, least)
		}
		share, leftOver := total/len(got), total%len(got)
		kept, possible := 0, 0
		for m, target := range got {
			kept += target.Intersect(g.Members[m].Target).Count()
			had := g.Members[m].Target.Count()
			possible += min(had, share)
			if had > share && leftOver > 0 {
				possible++
				leftOver--
			}
		}
		if kept != possible {
			t.Errorf("%d partitions stay where they were, want %d", kept, possible)
		}
	})
}

// TestUniformLevelsNeighbours: with different subscriptions nobody owns a
// partition that a subscriber with two fewer could take.
func TestUniformLevelsNeighbours(t *testing.T) {
	eachLife(t, Uniform(), false, func(t *testing.T, g *Group, got []Assignment) {
		if n := steepest(g, got); n > 1 {
			t.Errorf("somebody has %d partitions more than another who could take one", n)
		}
	})
}

// steepest is how many partitions an owner has more than a subscriber of what it
// owns, at most.
func steepest(g *Group, got []Assignment) int {
	worst := 0
	for _, owner := range got {
		for _, entry := range owner {
			for m, other := range got {
				if slices.Contains(g.Members[m].Topics, int32(topicIndex(entry.Topic))) {
					worst = max(worst, owner.Count()-other.Count())
				}
			}
		}
	}
	return worst
}

// TestAChainOfMembersComesToRest is where the rounds do not suffice: each member
// shares one topic with the next, and at one end a topic grows that only the last
// can take. One assignment leaves a slope; those after it level it, and then rest.
func TestAChainOfMembersComesToRest(t *testing.T) {
	var g Group
	const members = 20
	for m := range members {
		g.Topics = append(g.Topics, Topic{ID: topicID(m), Partitions: 500})
		g.Members = append(g.Members, Member{ID: string(rune('a' + m)), Topics: []int32{int32(m)}})
		if m > 0 {
			g.Members[m].Topics = []int32{int32(m - 1), int32(m)}
		}
	}
	settleOn := func(targets []Assignment) (moved bool) {
		for m := range targets {
			moved = moved || !targets[m].Equal(g.Members[m].Target)
			g.Members[m].Target = targets[m]
		}
		return moved
	}
	g.Topics[members-1].Partitions = 1
	settleOn(Uniform().Assign(&g))
	g.Topics[members-1].Partitions = 400
	first := Uniform().Assign(&g)
	if n := steepest(&g, first); n < 2 || n > 10 {
		t.Errorf("after one assignment neighbours are up to %d apart", n)
	}
	settleOn(first)
	runs := 1
	for settleOn(Uniform().Assign(&g)) && runs < 20 {
		runs++
	}
	if n := steepest(&g, Uniform().Assign(&g)); n > 1 || runs == 20 {
		t.Errorf("after %d assignments neighbours are up to %d apart", runs, n)
	}
}

// TestRangesAreConsecutiveInTheOrderOfMembers: for each topic, its subscribers,
// static ones first, have one range behind the other, the longer ones first.
func TestRangesAreConsecutiveInTheOrderOfMembers(t *testing.T) {
	for _, equal := range []bool{true, false} {
		eachLife(t, Range(), equal, func(t *testing.T, g *Group, got []Assignment) {
			var order []int
			for m := range g.Members {
				order = append(order, m)
			}
			key := func(m int) string {
				if id := g.Members[m].InstanceID; id != nil {
					return "static " + *id
				}
				return "then dynamic " + g.Members[m].ID
			}
			slices.SortFunc(order, func(a, b int) int {
				if key(a) < key(b) {
					return -1
				}
				return 1
			})
			for topic := range g.Topics {
				next, length, first := int32(0), 0, 0
				for _, m := range order {
					if !slices.Contains(g.Members[m].Topics, int32(topic)) {
						continue
					}
					length = 0
					for p := range each(got[m]) {
						if p.topic == topic {
							if p.partition != next {
								t.Errorf("%s has partition %d of topic %d, want %d", g.Members[m].ID, p.partition, topic, next)
							}
							next, length = next+1, length+1
						}
					}
					if first == 0 {
						first = length
					}
					if length > first || length < first-1 {
						t.Errorf("topic %d: a range of %d after a first one of %d", topic, length, first)
					}
				}
			}
		})
	}
}

// TestWhatStandsIsHandedBack: a second assignment changes nothing, and answers
// with the slices that it was given, so that nothing is allocated for it.
func TestWhatStandsIsHandedBack(t *testing.T) {
	for _, a := range []Assignor{Uniform(), Range()} {
		for _, equal := range []bool{true, false} {
			eachLife(t, a, equal, func(t *testing.T, g *Group, got []Assignment) {
				next := *g
				next.Members = slices.Clone(g.Members)
				for m := range next.Members {
					next.Members[m].Target = got[m]
				}
				for m, again := range a.Assign(&next) {
					if !again.Equal(got[m]) {
						t.Errorf("%s moved %s to %s", a.Name(), assignmentText(got[m]), assignmentText(again))
					} else if len(again) > 0 && &again[0] != &got[m][0] {
						t.Errorf("%s made a copy of %s", a.Name(), assignmentText(again))
					}
				}
			})
		}
	}
}

// TestEqualGroupsGetEqualTargets, and the group is not written to.
func TestEqualGroupsGetEqualTargets(t *testing.T) {
	for _, a := range []Assignor{Uniform(), Range()} {
		for _, equal := range []bool{true, false} {
			eachLife(t, a, equal, func(t *testing.T, g *Group, got []Assignment) {
				before := groupText(g, nil)
				again := groupText(g, a.Assign(g))
				if want := groupText(g, got); again != want {
					t.Errorf("%s answered first\n%s and then\n%s", a.Name(), want, again)
				}
				if after := groupText(g, nil); after != before {
					t.Errorf("%s changed\n%s into\n%s", a.Name(), before, after)
				}
			})
		}
	}
}

func TestEmptyGroups(t *testing.T) {
	for _, a := range []Assignor{Uniform(), Range()} {
		for _, g := range []Group{{}, {Topics: topicsOf(3)}, {Members: []Member{{ID: "a"}}}, {Topics: topicsOf(3), Members: []Member{{ID: "a"}, {ID: "b"}}}, {Topics: topicsOf(0), Members: []Member{{ID: "a", Topics: []int32{0}}}}} {
			got := a.Assign(&g)
			if len(got) != len(g.Members) {
				t.Errorf("%s answers %d targets for %d members", a.Name(), len(got), len(g.Members))
			}
			for _, target := range got {
				if len(target) > 0 {
					t.Errorf("%s assigned %s of nothing", a.Name(), assignmentText(target))
				}
			}
		}
	}
}

func TestByName(t *testing.T) {
	for _, name := range []string{"uniform", "range"} {
		if a := ByName(name); a == nil || a.Name() != name {
			t.Errorf("%s is %v", name, a)
		}
	}
	if a := ByName("cooperative-sticky"); a != nil {
		t.Errorf("an assignor of the clients is %v", a)
	}
}
