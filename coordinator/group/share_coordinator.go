package group

import (
	"slices"
	"sync"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/coordinator/group/assignor"
	"github.com/barnabas-mq/barnabas/protocol"
)

// ShareHeartbeat is all that members of share groups say (KIP-932).
func (c *Coordinator) ShareHeartbeat(in ShareHeartbeatInput, reply func(ShareHeartbeatOutput)) {
	callHere(c, in.GroupID, (*Machine).ShareHeartbeat, in, reply,
		func(err error) ShareHeartbeatOutput { return ShareHeartbeatOutput{Err: err} })
}

// DescribeShare shows share groups. The descriptions are in the order of the ids.
func (c *Coordinator) DescribeShare(ids []string, reply func([]ShareDescription)) {
	byShard(c, ids, (*Machine).DescribeShare, reply,
		func(id string, err error) ShareDescription { return ShareDescription{GroupID: id, Err: err} })
}

// initializeShares asks for the state of share partitions, and tells the group.
func (c *Coordinator) initializeShares(q ShareInitialization) {
	c.initialize(q, func(errs []error) {
		for _, err := range errs {
			if err != nil {
				c.log.Warn("Partitions of a share group could not be initialized. It is tried again.", "group", q.GroupID, "error", err)
				break
			}
		}
	})
}

// initialize asks for the state of share partitions, tells the group, and gives the
// error of each partition.
func (c *Coordinator) initialize(q ShareInitialization, done func([]error)) {
	errs := make([]error, len(q.Starts))
	pending := coordinator.NewCountdown(len(q.Starts), func() {
		in := ShareInitialized{GroupID: q.GroupID}
		for i, err := range errs {
			part := assignor.Assignment{{Topic: q.Starts[i].Topic, Partitions: []int32{q.Starts[i].Partition}}}
			if err != nil {
				in.Failed = in.Failed.Union(part)
			} else {
				in.Done = in.Done.Union(part)
			}
		}
		c.runtime.Do(c.ShardOf(q.GroupID),
			func(m *Machine, now coordinator.Moment) coordinator.Decision {
				return m.ShareInitialized(now, in, func(error) { done(errs) })
			}, func(error) { done(errs) })
	})
	for i, s := range q.Starts {
		c.shares.Initialize(q.GroupID, s.Topic, s.Partition, q.StateEpoch, s.Offset, func(err error) {
			errs[i] = err
			pending.Done()
		})
	}
}

// deleteShares deletes the state of share partitions, and gives the first error of
// each topic.
func (c *Coordinator) deleteShares(groupID string, partitions assignor.Assignment, done func([]error)) {
	var mu sync.Mutex
	errs := make([]error, len(partitions))
	pending := coordinator.NewCountdown(partitions.Count(), func() { done(errs) })
	for i, t := range partitions {
		for _, p := range t.Partitions {
			c.shares.Delete(groupID, t.Topic, p, func(err error) {
				mu.Lock()
				if errs[i] == nil {
					errs[i] = err
				}
				mu.Unlock()
				pending.Done()
			})
		}
	}
}

// DeleteGroups removes empty groups, of share groups first the state of their
// partitions. The results are in the order of the ids.
func (c *Coordinator) DeleteGroups(ids []string, reply func([]GroupResult)) {
	byShard(c, ids, (*Machine).BeginShareDeletions, func(deletions []ShareDeletion) {
		pending := coordinator.NewCountdown(len(deletions), func() { c.endDeleteGroups(deletions, reply) })
		for i := range deletions {
			d := &deletions[i]
			c.deleteShares(d.GroupID, d.Partitions, func(errs []error) {
				if at := slices.IndexFunc(errs, func(err error) bool { return err != nil }); d.Err == nil && at >= 0 {
					d.Err = errs[at]
				}
				pending.Done()
			})
		}
	}, func(id string, err error) ShareDeletion { return ShareDeletion{GroupID: id, Err: err} })
}

// endDeleteGroups deletes the groups that nothing stands in the way of.
func (c *Coordinator) endDeleteGroups(deletions []ShareDeletion, reply func([]GroupResult)) {
	results := make([]GroupResult, len(deletions))
	var ids []string
	var places []int
	for i, d := range deletions {
		results[i] = GroupResult{GroupID: d.GroupID, Err: d.Err}
		if d.Err == nil {
			ids, places = append(ids, d.GroupID), append(places, i)
		}
	}
	byShard(c, ids, (*Machine).DeleteGroups, func(deleted []GroupResult) {
		for i, place := range places {
			results[place] = deleted[i]
		}
		reply(results)
	}, func(id string, err error) GroupResult { return GroupResult{GroupID: id, Err: err} })
}

// DeleteShareOffsets forgets how far an empty share group has come in topics.
func (c *Coordinator) DeleteShareOffsets(in DeleteShareOffsetsInput, reply func(DeleteShareOffsetsOutput)) {
	call(c, in.GroupID, (*Machine).BeginDeleteShareOffsets, in, func(out DeleteShareOffsetsOutput) {
		var partitions assignor.Assignment
		var places []int
		for i, t := range out.Topics {
			if len(t.Partitions) > 0 {
				partitions, places = append(partitions, assignor.Partitions{Topic: t.TopicID, Partitions: t.Partitions}), append(places, i)
			}
		}
		if len(partitions) == 0 {
			reply(out)
			return
		}
		c.deleteShares(in.GroupID, partitions, func(errs []error) {
			var gone []protocol.UUID
			for i, err := range errs {
				if out.Topics[places[i]].Err = err; err == nil {
					gone = append(gone, partitions[i].Topic)
				}
			}
			c.endDeleteShareOffsets(in.GroupID, gone, out, reply)
		})
	}, func(err error) DeleteShareOffsetsOutput { return DeleteShareOffsetsOutput{Err: err} })
}

func (c *Coordinator) endDeleteShareOffsets(groupID string, gone []protocol.UUID, out DeleteShareOffsetsOutput, reply func(DeleteShareOffsetsOutput)) {
	ended := func(err error) {
		if err != nil {
			out = DeleteShareOffsetsOutput{Err: err}
		}
		reply(out)
	}
	c.runtime.Do(c.ShardOf(groupID),
		func(m *Machine, now coordinator.Moment) coordinator.Decision {
			return m.EndDeleteShareOffsets(now, groupID, gone, ended)
		}, ended)
}

// AlterShareOffsets lets an empty share group begin elsewhere in partitions.
func (c *Coordinator) AlterShareOffsets(in AlterShareOffsetsInput, reply func(AlterShareOffsetsOutput)) {
	call(c, in.GroupID, (*Machine).BeginAlterShareOffsets, in, func(out AlterShareOffsetsOutput) {
		if len(out.Initialization.Starts) == 0 {
			reply(out)
			return
		}
		c.initialize(out.Initialization, func(errs []error) {
			next := 0 // the partitions without an error are those that were begun, in order
			for i := range out.Topics {
				for j := range out.Topics[i].Partitions {
					if p := &out.Topics[i].Partitions[j]; p.Err == nil {
						p.Err = errs[next]
						next++
					}
				}
			}
			reply(out)
		})
	}, func(err error) AlterShareOffsetsOutput { return AlterShareOffsetsOutput{Err: err} })
}

// ShareOffsetsTopic is how far a share group has come in partitions of a topic.
type ShareOffsetsTopic struct {
	Topic      string
	TopicID    protocol.UUID
	Partitions []ShareOffset
}

// ShareOffset is how far a share group has come in a partition.
type ShareOffset struct {
	Partition int32
	Err       error
	Summary   ShareSummary
}

// ShareOffsets tells how far a group has come in partitions, whether or not there is
// such a group.
func (c *Coordinator) ShareOffsets(groupID string, topics []NamedPartitions, reply func([]ShareOffsetsTopic)) {
	out := make([]ShareOffsetsTopic, len(topics))
	count := 0
	for i, t := range topics {
		out[i] = ShareOffsetsTopic{Topic: t.Topic, TopicID: t.TopicID, Partitions: make([]ShareOffset, len(t.Partitions))}
		count += len(t.Partitions)
	}
	pending := coordinator.NewCountdown(count, func() { reply(out) })
	for i, t := range topics {
		for j, p := range t.Partitions {
			to := &out[i].Partitions[j]
			c.shares.Summary(groupID, t.TopicID, p, func(s ShareSummary, err error) {
				*to = ShareOffset{Partition: p, Err: err, Summary: s}
				pending.Done()
			})
		}
	}
}

// AllShareOffsets is ShareOffsets for every partition that the group has state of.
func (c *Coordinator) AllShareOffsets(groupID string, reply func([]ShareOffsetsTopic, error)) {
	c.runtime.Do(c.ShardOf(groupID),
		func(m *Machine, now coordinator.Moment) coordinator.Decision {
			return m.SharePartitions(now, groupID, func(topics []NamedPartitions, err error) {
				if err != nil {
					reply(nil, err)
					return
				}
				c.ShareOffsets(groupID, topics, func(out []ShareOffsetsTopic) { reply(out, nil) })
			})
		}, func(err error) { reply(nil, err) })
}
