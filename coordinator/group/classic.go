package group

import (
	"maps"
	"slices"
	"time"

	"github.com/barnabas-mq/barnabas/internal/invariant"
	"github.com/barnabas-mq/barnabas/protocol"
)

// member is one member of a classic group.
type member struct {
	id         string
	instanceID *string // nil for a dynamic member
	clientID   string
	clientHost string

	rebalanceTimeout time.Duration
	sessionTimeout   time.Duration
	protocols        []Protocol // no name twice
	assignment       []byte     // never nil

	// session is when the member is given up. While the member waits for an answer
	// it may be not set.
	session timer
	// join and sync answer the request that the member waits for; nil when none.
	join func(JoinOutput)
	sync func(SyncOutput)
	// isNew: the member's first join has not been answered. Only such a member can
	// be given up while it waits.
	isNew bool
	// owesSync: the member has joined this generation and not asked for its
	// assignment yet.
	owesSync bool
}

func newMember(g *classicGroup, id string) *member {
	return &member{id: id, assignment: []byte{}, session: newTimer(sessionTimer, g, id)}
}

func (m *member) isStatic() bool { return m.instanceID != nil }

// isWaiting: the group owes the member an answer, which stands for a heartbeat.
func (m *member) isWaiting() bool { return m.join != nil || m.sync != nil }

// metadata is what the member says for a protocol.
func (m *member) metadata(protocolName string) []byte {
	for _, p := range m.protocols {
		if p.Name == protocolName {
			return p.Metadata
		}
	}
	return nil
}

// matches tells whether the member says the same as before.
func (m *member) matches(protocols []Protocol) bool {
	if len(m.protocols) != len(protocols) {
		return false
	}
	for i, p := range protocols {
		if m.protocols[i].Name != p.Name || string(m.protocols[i].Metadata) != string(p.Metadata) {
			return false
		}
	}
	return true
}

// classicGroup is the membership of one group in the classic protocol. Its
// methods change only itself; what must be journaled, answered or timed is the
// machine's part (join.go, rebalance.go, sync.go, leave.go).
type classicGroup struct {
	id    string
	state State
	// initialJoin: the join phase under way began from Empty, so that only its
	// timer ends it.
	initialJoin  bool
	generation   int32
	protocolType string  // "" until the first member
	protocol     *string // nil until a generation has members
	leader       string  // "" when there is none
	stateSince   protocol.Timestamp
	written      bool // there is a record of the group

	// Invariant: members, byID and static hold the same members; members is in the
	// order of joining, and leader is one of them unless there is none. byID is nil
	// while there are few. protocols is how many protocols all of them name together,
	// supported counts the members of each and is nil while these are few. bytes is
	// about what all of them say, awaitingJoin counts those whose join is not nil,
	// owingSync those with owesSync.
	members      []*member
	byID         map[string]*member
	static       map[string]*member // by group instance id
	supported    map[string]int
	protocols    int
	bytes        int
	awaitingJoin int
	owingSync    int

	// pending are ids given out that have not come back (KIP-394), with what ends
	// the wait.
	pending map[string]*timer

	// topics are those that a stable group of consumers is subscribed to, sorted; nil
	// when their metadata cannot be read.
	topics []string

	// phase is nil in a group that has had no member since it was loaded or became
	// empty: of these there may be very many.
	*phase
}

// phase is how far the group is in a rebalance.
type phase struct {
	joinDeadline timer
	syncDeadline timer
	// While initialJoin: a member arrived since the last look, the present delay,
	// how much longer the phase may be drawn out, and until when at the latest.
	arrived      bool
	delay        time.Duration
	delayMayGrow time.Duration
	initialUntil time.Duration
	// notBefore is when an initial phase may end that has a member that starts slowly.
	notBefore time.Duration
}

func newClassicGroup(id string) *classicGroup {
	return &classicGroup{id: id, state: Empty, stateSince: protocol.None}
}

// exists tells whether the group is more than a place for offsets: it has been
// written, or somebody is about to join.
func (g *classicGroup) exists() bool { return g.written || len(g.members) > 0 || len(g.pending) > 0 }

// find is the member with an id, nil when there is none.
func (g *classicGroup) find(memberID string) *member {
	if g.byID != nil {
		return g.byID[memberID]
	}
	for _, m := range g.members {
		if m.id == memberID {
			return m
		}
	}
	return nil
}

// supporters is how many members name the protocol.
func (g *classicGroup) supporters(protocolName string) int {
	if g.supported != nil {
		return g.supported[protocolName]
	}
	n := 0
	for _, m := range g.members {
		if slices.ContainsFunc(m.protocols, func(p Protocol) bool { return p.Name == protocolName }) {
			n++
		}
	}
	return n
}

func (g *classicGroup) isPending(memberID string) bool {
	_, ok := g.pending[memberID]
	return ok
}

// check finds the member that a request names, by id and instance id (KIP-345).
func (g *classicGroup) check(memberID string, instanceID *string) (*member, error) {
	if instanceID != nil {
		holder := g.static[*instanceID]
		if holder == nil {
			return nil, ErrUnknownMember
		}
		if holder.id != memberID {
			return nil, ErrFencedInstance
		}
	}
	m := g.find(memberID)
	if m == nil {
		return nil, ErrUnknownMember
	}
	return m, nil
}

// supports tells whether a member with these protocols could join.
func (g *classicGroup) supports(protocolType string, protocols []Protocol) bool {
	if g.state == Empty {
		return protocolType != "" && len(protocols) > 0
	}
	if g.protocolType != protocolType {
		return false
	}
	for _, p := range protocols {
		if g.supporters(p.Name) == len(g.members) {
			return true
		}
	}
	return false
}

// add takes a member in.
func (g *classicGroup) add(m *member, protocolType string) {
	invariant.Check(g.find(m.id) == nil, "member %q joins group %q twice", m.id, g.id)
	if len(g.members) == 0 {
		g.protocolType = protocolType
	}
	if g.phase == nil {
		g.phase = &phase{joinDeadline: newTimer(joinTimer, g, ""), syncDeadline: newTimer(syncTimer, g, "")}
	}
	if m.isStatic() {
		if g.static == nil {
			g.static = map[string]*member{}
		}
		invariant.Check(g.static[*m.instanceID] == nil, "instance %q joins group %q twice", *m.instanceID, g.id)
		g.static[*m.instanceID] = m
	}
	g.members = append(g.members, m)
	switch {
	case g.byID != nil:
		g.byID[m.id] = m
	case len(g.members) == indexedMin:
		g.byID = make(map[string]*member, 2*indexedMin)
		for _, m := range g.members {
			g.byID[m.id] = m
		}
	}
	g.count(m, +1)
	if m.join != nil {
		g.awaitingJoin++
	}
	if m.owesSync {
		g.owingSync++
	}
	if g.leader == "" {
		g.leader = m.id
	}
}

// clearMembers takes all members out.
func (g *classicGroup) clearMembers() {
	g.members, g.byID, g.static, g.supported = nil, nil, nil, nil
	g.protocols, g.bytes, g.awaitingJoin, g.owingSync, g.leader = 0, 0, 0, 0, ""
}

// remove takes a member out. Its timers and answers are the caller's.
func (g *classicGroup) remove(m *member) {
	invariant.Check(g.find(m.id) == m, "member %q is not in group %q", m.id, g.id)
	delete(g.byID, m.id)
	if m.isStatic() {
		delete(g.static, *m.instanceID)
	}
	for i := range g.members {
		if g.members[i] == m {
			g.members = append(g.members[:i:i], g.members[i+1:]...)
			break
		}
	}
	g.count(m, -1)
	if m.join != nil {
		g.awaitingJoin--
	}
	if m.owesSync {
		g.owingSync--
	}
	if g.leader == m.id {
		g.leader = ""
		if len(g.members) > 0 {
			g.leader = g.members[0].id
		}
	}
}

func (g *classicGroup) count(m *member, by int) {
	g.bytes += by * weightOf(m.protocols)
	g.protocols += by * len(m.protocols)
	if g.supported == nil {
		if g.protocols < indexedMin {
			return
		}
		g.supported = map[string]int{}
		for _, other := range g.members {
			if other != m {
				g.countEach(other, +1)
			}
		}
	}
	g.countEach(m, by)
}

func (g *classicGroup) countEach(m *member, by int) {
	for _, p := range m.protocols {
		if g.supported[p.Name] += by; g.supported[p.Name] == 0 {
			delete(g.supported, p.Name)
		}
	}
}

// rename gives a static member another member id. It keeps its place, its
// assignment and the lead.
func (g *classicGroup) rename(m *member, id string) {
	delete(g.byID, m.id)
	if g.leader == m.id {
		g.leader = id
	}
	m.id, m.session.Of.memberID = id, id
	if g.byID != nil {
		g.byID[id] = m
	}
}

func (g *classicGroup) setProtocols(m *member, protocols []Protocol) {
	g.count(m, -1)
	m.protocols = protocols
	g.count(m, +1)
}

// setJoin notes who is to be answered, or that no one is.
func (g *classicGroup) setJoin(m *member, reply func(JoinOutput)) {
	if m.join != nil {
		g.awaitingJoin--
	}
	if m.join = reply; reply != nil {
		g.awaitingJoin++
	}
}

// allJoined: nobody is missing for the next generation.
func (g *classicGroup) allJoined() bool {
	return g.awaitingJoin == len(g.members) && len(g.pending) == 0
}

// setOwesSync notes whether the member has yet to ask for its assignment.
func (g *classicGroup) setOwesSync(m *member, owes bool) {
	if m.owesSync != owes {
		m.owesSync = owes
		if owes {
			g.owingSync++
		} else {
			g.owingSync--
		}
	}
}

// electLeader makes sure that the leader is a member that has joined; false when
// no member has.
func (g *classicGroup) electLeader() bool {
	if leader := g.find(g.leader); leader != nil && leader.join != nil {
		return true
	}
	for _, m := range g.members {
		if m.join != nil {
			g.leader = m.id
			return true
		}
	}
	return false
}

// selectProtocol is the protocol that most members want first among those that
// all support. Ties go to the earlier one in the eldest member's list.
func (g *classicGroup) selectProtocol() string {
	invariant.Check(len(g.members) > 0, "group %q selects a protocol without members", g.id)
	votes := map[string]int{}
	for _, m := range g.members {
		for _, p := range m.protocols {
			if g.supporters(p.Name) == len(g.members) {
				votes[p.Name]++
				break
			}
		}
	}
	best, most := "", 0
	for _, p := range g.members[0].protocols {
		if votes[p.Name] > most {
			best, most = p.Name, votes[p.Name]
		}
	}
	invariant.Check(most > 0, "the members of group %q have no protocol in common", g.id)
	return best
}

// rebalanceTimeout is the longest that a member asks for.
func (g *classicGroup) rebalanceTimeout() time.Duration {
	var longest time.Duration
	for _, m := range g.members {
		longest = max(longest, m.rebalanceTimeout)
	}
	return longest
}

// noTopics is what empty groups are subscribed to; it is not nil.
var noTopics = []string{}

// readTopics notes what the members are subscribed to.
func (g *classicGroup) readTopics() {
	g.topics = nil
	if g.protocolType != consumerProtocolType || g.protocol == nil && len(g.members) > 0 {
		return
	}
	if len(g.members) == 0 {
		g.topics = noTopics
		return
	}
	topics := map[string]struct{}{}
	for _, m := range g.members {
		names, ok := subscribedTopics(m.metadata(*g.protocol))
		if !ok {
			return
		}
		for _, name := range names {
			topics[name] = struct{}{}
		}
	}
	g.topics = slices.AppendSeq(make([]string, 0, len(topics)), maps.Keys(topics)) // not nil
	slices.Sort(g.topics)
}

// isSubscribed tells whether offsets of the topic are in use. A group of
// consumers whose metadata cannot be read counts as subscribed to everything.
func (g *classicGroup) isSubscribed(topic string) bool {
	if g.topics == nil {
		return g.protocolType == consumerProtocolType
	}
	_, ok := slices.BinarySearch(g.topics, topic)
	return ok
}

func (g *classicGroup) transition(to State, now protocol.Timestamp) {
	g.state, g.stateSince = to, now
	if to != PreparingRebalance {
		g.initialJoin = false
	}
}

// typeAndProtocol are what answers to members carry.
func (g *classicGroup) typeAndProtocol() (protocolType, protocol *string) {
	if g.protocolType != "" {
		t := g.protocolType
		protocolType = &t
	}
	return protocolType, g.protocol
}

// roster is what the leader is told.
func (g *classicGroup) roster() []JoinMember {
	members := make([]JoinMember, len(g.members))
	for i, m := range g.members {
		members[i] = JoinMember{MemberID: m.id, InstanceID: m.instanceID, Metadata: m.metadata(*g.protocol)}
	}
	return members
}

// weightOf is about how many bytes a member with these protocols takes.
func weightOf(protocols []Protocol) int {
	const idsAndTimeouts = 200
	sum := idsAndTimeouts
	for _, p := range protocols {
		sum += len(p.Name) + len(p.Metadata)
	}
	return sum
}
