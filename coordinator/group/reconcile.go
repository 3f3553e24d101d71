package group

import (
	"github.com/barnabas-mq/barnabas/coordinator/group/assignor"
	"github.com/barnabas-mq/barnabas/protocol"
)

// reconciliation brings a member nearer to its target: it first has to give up
// what is no longer its own, and gets what is new when the others have given
// that up (KIP-848; Kafka's CurrentAssignmentBuilder).
type reconciliation struct {
	current     current
	target      assignor.Assignment
	targetEpoch int32
	// reads tells whether the member is subscribed to a topic; what it is not is
	// taken from it without waiting for the next target.
	reads func(protocol.UUID) bool
	// isTaken: another member owns the partition.
	isTaken func(partitionID) bool
	// owned is what the member says that it owns; nil when it says nothing.
	owned *assignor.Assignment
	// rereads: its subscription has just changed.
	rereads bool
}

// next is where the member stands after this step.
func (r *reconciliation) next() (current, error) {
	switch c := r.current; c.state {
	case memberStable:
		if c.epoch != r.targetEpoch {
			return r.advance(c.epoch), nil
		}
		if r.rereads {
			return r.dropUnread(), nil
		}
		return c, nil
	case memberRevoking:
		if !r.stillOwns(c.revoking) {
			return r.advance(c.epoch), nil
		}
		if r.rereads {
			return r.dropUnread(), nil
		}
		return c, nil
	case memberWaiting:
		return r.advance(c.epoch), nil
	default: // of a newer version, before a downgrade: it must begin from nothing
		if r.owned == nil || len(*r.owned) > 0 {
			return c, refuse(ErrFencedEpoch, "The consumer group member is in a unknown state. "+
				"The member must abandon all its partitions and rejoin.")
		}
		return r.advance(r.targetEpoch), nil
	}
}

// stillOwns tells whether the member has not said yet that it gave these up.
func (r *reconciliation) stillOwns(revoking ownedPartitions) bool {
	if r.owned == nil {
		return true
	}
	for _, t := range *r.owned {
		for _, p := range t.Partitions {
			if revoking.has(partitionID{t.Topic, p}) {
				return true
			}
		}
	}
	return false
}

// dropUnread takes from the member the topics that it does not read any more.
func (r *reconciliation) dropUnread() current {
	c := r.current
	kept, dropped := c.assigned.split(func(id partitionID) bool { return r.reads(id.topic) })
	if len(dropped) == 0 {
		return c
	}
	next := current{epoch: c.epoch, previousEpoch: c.epoch, state: c.state, assigned: kept, revoking: c.revoking}
	if revoking := c.revoking.union(dropped); r.stillOwns(revoking) {
		next.state, next.revoking = memberRevoking, revoking
	}
	return next
}

// advance goes one step towards the target. A member that has to give something
// up stays at epoch until it has.
func (r *reconciliation) advance(epoch int32) current {
	c := r.current
	kept, surplus := c.assigned.split(func(id partitionID) bool {
		return r.target.Contains(id.topic, id.partition) && r.reads(id.topic)
	})
	if len(surplus) > 0 && r.stillOwns(surplus) {
		return current{epoch: epoch, previousEpoch: c.epoch, state: memberRevoking, assigned: kept, revoking: surplus}
	}
	waits := false
	var added ownedBuilder
	for _, t := range r.target {
		if !r.reads(t.Topic) {
			continue
		}
		for _, p := range t.Partitions {
			switch id := (partitionID{t.Topic, p}); {
			case kept.has(id):
			case r.isTaken(id):
				waits = true
			default:
				added.add(id, r.targetEpoch)
			}
		}
	}
	next := current{epoch: r.targetEpoch, previousEpoch: c.epoch, state: memberStable, assigned: kept.union(added.owned)}
	if waits {
		next.state = memberWaiting
	}
	return next
}

func (c *current) equal(o *current) bool {
	return c.epoch == o.epoch && c.previousEpoch == o.previousEpoch && c.state == o.state &&
		c.assigned.equal(o.assigned) && c.revoking.equal(o.revoking)
}
