package mutations

import "time"

// sessionTakes is above the longest session of a member that vanishes.
const sessionTakes = 12 * time.Second

const replacedStatic = differ + "^static_members$/^replaced$/^v9$"

// groups are what the group coordinator does with members and their offsets.
var groups = []Mutation{
	{
		Name: "commit-one-low", Breaks: "a group is where it has committed",
		File: "coordinator/group/commit.go",
		Old:  `	r, bytes := appendOffsetRecord(c.bytes, c.GroupID, tp, o)`,
		New: `	if MUTATED {
		o.offset--
	}
	r, bytes := appendOffsetRecord(c.bytes, c.GroupID, tp, o)`,
		Package: "clients", Run: "^TestClients$/^franz-go$/^roundtrip$", Says: `committed offset of partition \d is \d+ \(found: true\), want`,
	},
	{
		Name: "commits-forgotten", Breaks: "committed offsets outlive the broker",
		File: "coordinator/shard.go",
		Old:  `		if err := machine.Apply(e.Offset, e.Record, e.Producer); err != nil {`,
		New: `		if MUTATED {
			return nil
		}
		if err := machine.Apply(e.Offset, e.Record, e.Producer); err != nil {`,
		Package: "crash", Run: resumes, Says: `record 0 is "0", want "400"`,
	},
	{
		Name: "offsets-hidden", Breaks: "a committed offset can be fetched",
		File:    "coordinator/group/offsets.go",
		Old:     `	if !ok || !topic.TopicID.IsZero()`,
		New:     `	if !ok || MUTATED || !topic.TopicID.IsZero()`,
		Package: "clients", Run: "^TestClients$/^sarama$/^roundtrip$", Says: `committed offset of partition \d is -?\d+ \(found: `,
	},
	{
		Name: "members-for-ever", Breaks: "a member that is not heard of loses its partitions",
		File: "coordinator/group/rebalance.go",
		Old: `	if g.isPending(memberID) {
		m.dropPending(g, memberID)
		m.completeIfAllJoined(g)`,
		New: `	if MUTATED {
		return
	}
	if g.isPending(memberID) {
		m.dropPending(g, memberID)
		m.completeIfAllJoined(g)`,
		Package: "clients", Run: "^TestClients$/^kafka-go$/^group$", Says: `not within 10s: the survivor owns all partitions`,
	},
	{
		Name: "one-for-all", Breaks: "each member gets the assignment that its leader made for it",
		File: "coordinator/group/sync.go",
		Old:  `		byMember[a.MemberID] = a.Bytes`,
		New: `		byMember[a.MemberID] = a.Bytes
		if MUTATED {
			byMember[a.MemberID] = assignments[0].Bytes
		}`,
		Package: "clients", Run: "^TestClients$/^kafka-go$/^group$", Says: `not within \S+: both members own a part of the partitions`,
	},
	{
		Name: "two-owners", Breaks: "a partition goes to its next owner when the last one has given it up (KIP-848)",
		File:    "coordinator/group/reconcile.go",
		Old:     `			case r.isTaken(id):`,
		New:     `			case r.isTaken(id) && !MUTATED:`,
		Package: "differ", Run: differ + "^consumer_groups$/^one_gives_up$/^v1$", Says: `--- FAIL: .*consumer_groups/one_gives_up`,
	},
	{
		Name: "static-rebalances", Breaks: "a static member that comes back causes no rebalance",
		File:    "coordinator/group/static.go",
		Old:     `		if g.selectProtocol() != *g.protocol ||`,
		New:     `		if MUTATED || g.selectProtocol() != *g.protocol ||`,
		Package: "differ", Run: replacedStatic, Says: `--- FAIL: .*static_members/replaced`,
	},
	{
		Name: "static-unfenced", Breaks: "whoever took a static member's place has it alone",
		File:    "coordinator/group/static.go",
		Old:     `	if member := g.static[*in.InstanceID]; member != nil {`,
		New:     `	if member := g.static[*in.InstanceID]; member != nil && !MUTATED {`,
		Package: "clients", Run: "^TestClients$/^franz-go$/^static$", Says: `it has seen a rebalance|the member that (returned|took the name) owns`,
	},
}
