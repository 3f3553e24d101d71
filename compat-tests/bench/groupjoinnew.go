package main

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

// newMember is a member of a group of the consumer protocol (KIP-848).
type newMember struct {
	conn  *wire.Conn
	group string
	topic string
	id    string
	epoch int32
	owned []kmsg.ConsumerGroupHeartbeatRequestTopic
	every time.Duration
}

// runJoinNew has all members join at once and takes the time until each of them
// owns one of as many partitions, all in the same epoch. A member that is given
// another assignment says at once that it has taken it over; else it waits as
// long between heartbeats as the coordinator told it.
func runJoinNew(b contender, _ options) (phases []phase, err error) {
	if left, ok, err := serves(b, kmsg.ConsumerGroupHeartbeat); !ok {
		return left, err
	}
	err = withTopic(b, groupMembers, func(_ context.Context, topic string) error {
		group, err := newGroup(b, "consumers")
		if err != nil {
			return err
		}
		members := make([]*newMember, groupMembers)
		defer func() {
			for _, m := range members {
				if m != nil {
					_ = m.conn.Close()
				}
			}
		}()
		for i := range members {
			conn, err := wire.Dial(b.Bootstrap())
			if err != nil {
				return err
			}
			members[i] = &newMember{conn: conn, group: group, topic: topic, id: fmt.Sprintf("member-%d-%x", i, rand.Uint64())}
		}
		meeting := newMeeting(len(members))
		before, err := b.Usage()
		if err != nil {
			return err
		}
		var all sync.WaitGroup
		start := make(chan struct{})
		for _, m := range members {
			all.Go(func() {
				<-start
				meeting.end(m.attend(meeting))
			})
		}
		began := time.Now()
		close(start)
		err = meeting.wait()
		took := meeting.at.Sub(began)
		if err != nil {
			for _, m := range members {
				_ = m.conn.Close()
			}
		}
		all.Wait()
		if err != nil {
			return err
		}
		after, err := b.Usage()
		if err != nil {
			return err
		}
		phases = []phase{{more: []sample{
			{joinNewRow, "ms", lower, millis(took)},
			{joinNewRow, "CPU ms", lower, millis(after.CPU() - before.CPU())},
		}}}
		for _, m := range members {
			m.epoch = -1 // leaves
			if _, err := m.heartbeat(true); err != nil {
				return err
			}
		}
		return nil
	})
	return phases, err
}

// attend is the life of a member until all are assigned. It counts as arrived in
// the newest epoch in which it owns one partition.
func (m *newMember) attend(meeting *meeting) error {
	arrived := int32(-1)
	full := true
	for {
		changed, err := m.heartbeat(full)
		if err != nil {
			return err
		}
		full = changed
		if partitions := m.partitions(); partitions == 1 && m.epoch != arrived && !changed {
			arrived = m.epoch
			meeting.arrive(arrived)
		}
		pause := m.every
		if changed {
			pause = 0
		}
		select {
		case <-meeting.done:
			return nil
		case <-time.After(pause):
		}
	}
}

func (m *newMember) partitions() (n int) {
	for _, t := range m.owned {
		n += len(t.Partitions)
	}
	return n
}

// heartbeat tells what the member owns and takes over what it is given; true when
// that is something else than before. A member that is fenced begins anew.
func (m *newMember) heartbeat(full bool) (changed bool, err error) {
	request := kmsg.NewPtrConsumerGroupHeartbeatRequest()
	request.Version, request.Group, request.MemberID, request.MemberEpoch = 1, m.group, m.id, m.epoch
	if full {
		request.RebalanceTimeoutMillis = memberRebalanceMillis
		request.SubscribedTopicNames = []string{m.topic}
		request.Topics = append([]kmsg.ConsumerGroupHeartbeatRequestTopic{}, m.owned...)
	}
	answer, err := m.conn.Call(request)
	if err != nil {
		return false, fmt.Errorf("heartbeat: %w", err)
	}
	response := answer.(*kmsg.ConsumerGroupHeartbeatResponse)
	switch failure := kerr.ErrorForCode(response.ErrorCode); failure {
	case nil:
	case kerr.FencedMemberEpoch, kerr.UnknownMemberID:
		m.epoch, m.owned = 0, nil
		return true, nil
	default:
		return false, fmt.Errorf("heartbeat: %w", failure)
	}
	m.epoch = response.MemberEpoch
	m.every = time.Duration(response.HeartbeatIntervalMillis) * time.Millisecond
	if response.Assignment == nil {
		return false, nil
	}
	given := []kmsg.ConsumerGroupHeartbeatRequestTopic{}
	for _, t := range response.Assignment.Topics {
		one := kmsg.NewConsumerGroupHeartbeatRequestTopic()
		one.TopicID, one.Partitions = t.TopicID, slices.Sorted(slices.Values(t.Partitions))
		given = append(given, one)
	}
	changed = slices.CompareFunc(given, m.owned, compareOwned) != 0
	m.owned = given
	return changed, nil
}

func compareOwned(a, b kmsg.ConsumerGroupHeartbeatRequestTopic) int {
	return cmp.Or(slices.Compare(a.TopicID[:], b.TopicID[:]), slices.Compare(a.Partitions, b.Partitions))
}
