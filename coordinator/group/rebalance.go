package group

import (
	"time"

	"github.com/barnabas-mq/barnabas/internal/invariant"
)

// rebalance begins a rebalance, or sees whether the one under way can end.
func (m *Machine) rebalance(g *classicGroup) {
	if g.state == PreparingRebalance {
		m.maybeCompleteJoin(g)
		return
	}
	m.prepareRebalance(g)
}

// prepareRebalance asks all members to join again. They learn it from their
// heartbeats, and those who wait for an assignment at once.
func (m *Machine) prepareRebalance(g *classicGroup) {
	if g.state == CompletingRebalance {
		for _, member := range g.members {
			member.assignment = []byte{}
		}
		m.finishSyncs(g, func(*member) SyncOutput { return SyncOutput{Err: ErrRebalanceInProgress} })
	}
	for _, member := range g.members {
		g.setOwesSync(member, false)
	}
	m.timers.Stop(&g.syncDeadline)

	wasEmpty := g.state == Empty
	g.transition(PreparingRebalance, m.now.Wall)
	if wasEmpty {
		m.startInitialJoin(g)
		return
	}
	if g.allJoined() {
		m.completeJoin(g)
		return
	}
	m.timers.Set(&g.joinDeadline, m.now.Elapsed+g.rebalanceTimeout())
}

// startInitialJoin waits group.initial.rebalance.delay.ms for more members, so
// that a group that starts up does not rebalance once for each of them. Each
// arrival draws the wait out, up to the rebalance timeout.
//
// Without a delay it waits for members that have been given an id, and so are about
// to come back with it, and then for a moment in which nobody comes. Kafka does not
// (InitialDelayedJoin): whoever is first is a generation of its own, and when it is
// stable by the time of the second, all others wait for its next heartbeat.
func (m *Machine) startInitialJoin(g *classicGroup) {
	g.initialJoin, g.arrived = true, false
	g.delay = m.initialDelay(g)
	g.initialUntil = m.now.Elapsed + g.rebalanceTimeout()
	g.delayMayGrow = max(g.rebalanceTimeout()-g.delay, 0)
	m.timers.Set(&g.joinDeadline, m.now.Elapsed+g.delay)
}

// initialDelay is how long an initial join phase waits for another member.
func (m *Machine) initialDelay(g *classicGroup) time.Duration {
	switch {
	case m.config.InitialRebalanceDelayMillis > 0:
		return millis(m.config.InitialRebalanceDelayMillis)
	case len(g.pending) > 0:
		return pendingWaitMax
	}
	return m.config.JoinQuiet
}

func (m *Machine) initialJoinDue(g *classicGroup) {
	if m.now.Elapsed < g.notBefore {
		m.timers.Set(&g.joinDeadline, g.notBefore)
		return
	}
	isQuiet := m.config.InitialRebalanceDelayMillis == 0 && g.allJoined()
	if isQuiet || !g.arrived || g.delayMayGrow == 0 {
		m.completeJoin(g)
		return
	}
	g.arrived = false
	waited := g.delay
	g.delay = min(m.initialDelay(g), g.delayMayGrow)
	g.delayMayGrow = max(g.delayMayGrow-waited, 0)
	m.timers.Set(&g.joinDeadline, m.now.Elapsed+g.delay)
}

// maybeCompleteJoin ends the join phase if nobody is missing. An initial one lasts
// until its delay is over or, without one, until nobody has come for a moment.
func (m *Machine) maybeCompleteJoin(g *classicGroup) {
	switch {
	case g.state != PreparingRebalance || !g.allJoined():
	case !g.initialJoin:
		m.completeJoin(g)
	case m.config.InitialRebalanceDelayMillis > 0:
	case m.config.JoinQuiet > 0 || m.now.Elapsed < g.notBefore:
		m.timers.Set(&g.joinDeadline, max(min(m.now.Elapsed+m.config.JoinQuiet, g.initialUntil), g.notBefore))
	default:
		m.completeJoin(g)
	}
}

// completeJoin ends the join phase: members that did not come are out, static
// ones excepted, and the next generation begins.
func (m *Machine) completeJoin(g *classicGroup) {
	invariant.Check(g.state == PreparingRebalance, "group %q completes a join in state %s", g.id, g.state)
	m.timers.Stop(&g.joinDeadline)
	for _, member := range g.members {
		if member.join == nil && !member.isStatic() {
			m.timers.Stop(&member.session)
			g.remove(member)
		}
	}
	if len(g.members) == 0 {
		m.write(groupRecord(g.id, m.emptyValue(g.protocolType, g.generation+1)))
		return
	}
	if !g.electLeader() {
		// Only static members are left, and none came: wait for one of them.
		m.timers.Set(&g.joinDeadline, m.now.Elapsed+max(g.rebalanceTimeout(), staticWaitMin))
		return
	}
	selected := g.selectProtocol()
	g.generation++
	g.protocol = &selected
	g.readTopics()
	g.transition(CompletingRebalance, m.now.Wall)
	for _, member := range g.members {
		m.finishJoin(g, member, g.joined(member))
		m.startSession(member, member.sessionTimeout)
		member.isNew = false
		g.setOwesSync(member, true)
	}
	m.timers.Set(&g.syncDeadline, m.now.Elapsed+g.rebalanceTimeout())
}

// syncExpired puts those out who joined and never asked for their assignment.
func (m *Machine) syncExpired(g *classicGroup) {
	if g.owingSync == 0 || g.state != CompletingRebalance && g.state != Stable {
		return
	}
	for _, member := range g.members {
		if member.owesSync {
			m.timers.Stop(&member.session)
			g.remove(member)
		}
	}
	m.prepareRebalance(g)
}

// sessionExpired gives up a member that was not heard of.
func (m *Machine) sessionExpired(g *classicGroup, memberID string) {
	if g.isPending(memberID) {
		m.dropPending(g, memberID)
		m.completeIfAllJoined(g)
		return
	}
	member := g.find(memberID)
	if member == nil || !member.isNew && member.isWaiting() {
		// One who waits for the group cannot be blamed; the answer starts its session.
		return
	}
	m.expel(g, member, ErrUnknownMember)
	if g.state == PreparingRebalance {
		m.completeIfAllJoined(g)
		return
	}
	m.rebalance(g)
}

// completeIfAllJoined ends the join phase when the last one it waited for is
// gone. Unlike an arrival, this ends an initial one as well, as in Kafka.
func (m *Machine) completeIfAllJoined(g *classicGroup) {
	if g.state == PreparingRebalance && g.allJoined() {
		m.completeJoin(g)
	}
}

// expel puts a member out and tells it so if it waits.
func (m *Machine) expel(g *classicGroup, member *member, reason error) {
	m.timers.Stop(&member.session)
	m.finishJoin(g, member, refusedJoin(reason, ""))
	m.finishSync(member, SyncOutput{Err: reason})
	g.remove(member)
}

// staticWaitMin is how long a group waits at least before it looks again whether
// one of its static members has come. They may ask for no time at all, and a shard
// that looks all the time serves nobody else.
const staticWaitMin = time.Second

// slowStart is what a member that starts slowly is given.
const slowStart = 250 * time.Millisecond

// pendingWaitMax bounds what the first members of a group wait for the next one
// that was given an id: many times the round trip that such a member needs, and little
// beside the heartbeat interval of 3 s that the wait saves.
const pendingWaitMax = 100 * time.Millisecond
