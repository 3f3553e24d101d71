package assignor

import (
	"fmt"
	"testing"
)

// large is a group of 1,000 members and 10,000 partitions in 100 topics. Member m
// subscribes to all of them, or leaves out every tenth one, from m on.
func large(equal bool) *Group {
	var g Group
	for t := range 100 {
		g.Topics = append(g.Topics, Topic{ID: topicID(t), Partitions: 100})
	}
	for m := range 1000 {
		member := Member{ID: fmt.Sprintf("member-%04d", m)}
		for t := range g.Topics {
			if equal || t%10 != m%10 {
				member.Topics = append(member.Topics, int32(t))
			}
		}
		g.Members = append(g.Members, member)
	}
	return &g
}

func settled(a Assignor, g *Group) *Group {
	for m, target := range a.Assign(g) {
		g.Members[m].Target = target
	}
	return g
}

func BenchmarkAssign(b *testing.B) {
	for _, a := range []Assignor{Uniform(), Range()} {
		for _, kind := range []string{"same", "different"} {
			first := large(kind == "same")
			rest := settled(a, large(kind == "same"))
			joined := settled(a, large(kind == "same"))
			joined.Members = append(joined.Members, Member{ID: "new", Topics: joined.Members[0].Topics})
			left := settled(a, large(kind == "same"))
			left.Members = left.Members[1:]
			for _, c := range []struct {
				name string
				g    *Group
			}{{"first", first}, {"nothing-changed", rest}, {"one-joined", joined}, {"one-left", left}} {
				b.Run(a.Name()+"/"+kind+"/"+c.name, func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						a.Assign(c.g)
					}
				})
			}
		}
	}
}
