package group

import "github.com/barnabas-mq/barnabas/coordinator"

// timerKind tells what to do when a timer is due.
type timerKind uint8

const (
	sessionTimer timerKind = iota // a member or pending member was not heard of
	joinTimer                     // the join phase has lasted long enough
	syncTimer                     // members did not fetch their assignment
	sweepTimer                    // expired offsets are to be forgotten

	// Those of one member of a consumer group, beside its session.
	rebalanceTimer  // it did not give up partitions
	memberJoinTimer // a classic member did not join again
	memberSyncTimer // a classic member did not fetch its assignment
)

// due is what a timer is about: something of a group, unless it is the sweep.
type due struct {
	kind     timerKind
	group    *classicGroup // nil for members of consumer and share groups
	memberID string
	member   *consumerMember
	share    *shareMember
}

type (
	timer      = coordinator.Timer[due]
	timerQueue = coordinator.TimerQueue[due]
)

func newTimer(kind timerKind, g *classicGroup, memberID string) timer {
	return coordinator.NewTimer(due{kind: kind, group: g, memberID: memberID})
}

func newMemberTimer(kind timerKind, m *consumerMember) timer {
	return coordinator.NewTimer(due{kind: kind, member: m})
}

func newShareTimer(m *shareMember) timer {
	return coordinator.NewTimer(due{kind: sessionTimer, share: m})
}
