package assignor

import (
	"slices"

	"github.com/barnabas-mq/barnabas/protocol"
)

// Topic is a topic that some member subscribes to and that exists.
type Topic struct {
	ID protocol.UUID
	// Partitions is their number; the indexes are 0 to Partitions-1.
	Partitions int32
}

// Member is one member as an assignor sees it.
type Member struct {
	ID string
	// InstanceID is nil for a dynamic member.
	InstanceID *string
	// Topics are what the member subscribes to, as indexes into Group.Topics.
	//
	// Invariant: ascending, none twice.
	Topics []int32
	// Target is what the last assignment gave the member. It may name topics that
	// are gone or not subscribed to any more, and partitions that another member's
	// target names as well: then the first member of the group has it. Who takes
	// the place of a static member brings the target of its predecessor.
	Target Assignment
}

// Group is all that an assignor knows.
//
// Invariant: Topics are sorted by the bytes of ID, Members by ID, none twice.
type Group struct {
	Topics  []Topic
	Members []Member
}

// Assignor computes a target for each member.
type Assignor interface {
	// Name is what clients ask for in ConsumerGroupHeartbeat's ServerAssignor.
	Name() string
	// Assign answers one target for each of g.Members, in their order; a member
	// without partitions has an empty one. A member whose target does not change
	// gets the very slices of its Target back; both are to be read only. Nothing
	// else is shared with the group or between members.
	Assign(g *Group) []Assignment
}

// Uniform spreads the partitions evenly and moves few of them (Kafka's
// UniformAssignor, the default).
func Uniform() Assignor { return uniform{} }

// Range gives each member one consecutive range of each of its topics (Kafka's
// RangeAssignor).
func Range() Assignor { return ranges{} }

// ByName finds the assignor that a client asks for; it is nil when there is none.
func ByName(name string) Assignor {
	for _, a := range []Assignor{Uniform(), Range()} {
		if a.Name() == name {
			return a
		}
	}
	return nil
}

type uniform struct{}

func (uniform) Name() string { return "uniform" }

func (uniform) Assign(g *Group) []Assignment {
	b := newBoard(g)
	if len(g.Members) == 0 {
		return nil
	}
	b.claimTargets()
	if sameSubscriptions(g.Members) {
		assignEvenly(b)
	} else {
		newUneven(b).assign()
	}
	return b.targets()
}

// sameSubscriptions tells whether quotas suffice. Kafka compares the subscribed
// names (SubscriptionType); here those of topics that do not exist do not count.
func sameSubscriptions(members []Member) bool {
	for i := range members[1:] {
		if !slices.Equal(members[i].Topics, members[i+1].Topics) {
			return false
		}
	}
	return true
}
