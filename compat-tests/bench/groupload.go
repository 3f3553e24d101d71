package main

import (
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/wire"

	"context"
)

const (
	// commitGroups have one member each, on a connection of its own, with
	// commitsInFlight commits at a time, half of which are written at once.
	commitGroups    = 64
	commitsInFlight = 16
	// commitsPerRequest makes a round of commits long enough to measure.
	commitsPerRequest = 4
	// heartbeatMembers send one heartbeat at a time each.
	heartbeatMembers = 16
	// heartbeatsPerRequest makes the CPU time long beside the clock's ticks of 10 ms.
	heartbeatsPerRequest = 4
)

// runCommits has one member in each of many groups commit one offset after the
// other. At the end every group must hold the last one.
func runCommits(b contender, o options) (phases []phase, err error) {
	if left, ok, err := serves(b, kmsg.JoinGroup, kmsg.SyncGroup, kmsg.OffsetCommit, kmsg.OffsetFetch); !ok {
		return left, err
	}
	err = withTopic(b, 1, func(_ context.Context, topic string) error {
		members, err := settledMembers(b, "commit", commitGroups)
		defer closeMembers(members)
		if err != nil {
			return err
		}
		each := max(1, commitsPerRequest*o.requests/commitGroups)
		p, err := timed(b, o, commitsRow, func() (_, requests int64, err error) {
			return 0, int64(each * commitGroups), inParallel(members, func(m *classicMember) error {
				return m.commit(topic, each)
			})
		})
		if err != nil {
			return err
		}
		phases = []phase{p}
		for _, m := range members {
			if err := m.checkCommitted(topic, int64(each)); err != nil {
				return err
			}
		}
		return inParallel(members, func(m *classicMember) error { return leaveAll([]*classicMember{m}) })
	})
	return phases, err
}

// runHeartbeats has members of as many groups send heartbeats, each one after the
// answer to the one before. The null broker has no groups and is sent the same.
func runHeartbeats(b contender, o options) ([]phase, error) {
	if left, ok, err := serves(b, kmsg.Heartbeat); !ok {
		return left, err
	}
	members, err := heartbeaters(b)
	defer closeMembers(members)
	if err != nil {
		return nil, err
	}
	each := max(1, heartbeatsPerRequest*o.requests/heartbeatMembers)
	p, err := timed(b, o, heartbeatsRow, func() (_, requests int64, err error) {
		return 0, int64(each * heartbeatMembers), inParallel(members, func(m *classicMember) error {
			id := wire.DefaultClientID
			frame := wire.EncodeRequest(m.heartbeatRequest(), 1, &id)
			return pipelined(m.conn, func(int) []byte { return frame }, each, 1, checkHeartbeat)
		})
	})
	return []phase{p}, err
}

// heartbeaters are settled members; the null broker needs none of the group, but
// ids as long.
func heartbeaters(b contender) ([]*classicMember, error) {
	if b.Name() != "null" {
		return settledMembers(b, "heartbeat", heartbeatMembers)
	}
	var members []*classicMember
	for range heartbeatMembers {
		m, err := dialMember(b, "heartbeat-0000000000000000000")
		if err != nil {
			return members, err
		}
		m.id, m.generation = wire.DefaultClientID+"-00000000-0000-0000-0000-000000000000", 1
		members = append(members, m)
	}
	return members, nil
}

// settledMembers are the only members of as many groups.
func settledMembers(b contender, prefix string, n int) (members []*classicMember, err error) {
	for range n {
		group, err := newGroup(b, prefix)
		if err != nil {
			return members, err
		}
		m, err := dialMember(b, group)
		if err != nil {
			return members, err
		}
		members = append(members, m)
		if err := m.settle(); err != nil {
			return members, err
		}
	}
	return members, nil
}

func closeMembers(members []*classicMember) {
	for _, m := range members {
		_ = m.conn.Close()
	}
}

// inParallel runs f for every member at once and returns an error of one.
func inParallel(members []*classicMember, f func(*classicMember) error) error {
	failed := make(chan error, len(members))
	var all sync.WaitGroup
	for _, m := range members {
		all.Go(func() { failed <- f(m) })
	}
	all.Wait()
	close(failed)
	for err := range failed {
		if err != nil {
			return err
		}
	}
	return nil
}

// commit commits the offsets from 1 to n.
func (m *classicMember) commit(topic string, n int) error {
	const mark = 0x0123456789abcdef
	partition := kmsg.NewOffsetCommitRequestTopicPartition()
	partition.Offset = mark
	one := kmsg.NewOffsetCommitRequestTopic()
	one.Topic, one.Partitions = topic, append(one.Partitions, partition)
	request := kmsg.NewPtrOffsetCommitRequest()
	request.Version, request.Group, request.MemberID, request.Generation = 7, m.group, m.id, m.generation
	request.Topics = append(request.Topics, one)
	id := wire.DefaultClientID
	frame := wire.EncodeRequest(request, 1, &id)
	at := len(frame) - 8
	for binary.BigEndian.Uint64(frame[at:]) != mark {
		at--
	}
	next := func(burst []byte, i int) []byte {
		binary.BigEndian.PutUint64(frame[at:], uint64(i+1))
		return append(burst, frame...)
	}
	return inBursts(m.conn, next, n, commitsInFlight, func(body []byte) error { return checkCommit(body, topic) })
}

// inBursts sends n frames with one write for half of those that are in flight, so
// that a frame costs the driver next to nothing, and checks every answer.
func inBursts(conn *wire.Conn, next func(burst []byte, i int) []byte, n, inFlight int, check func(body []byte) error) error {
	var burst []byte
	sent := 0
	for got := range n {
		if sent < n && sent-got <= inFlight/2 {
			for burst = burst[:0]; sent < n && sent-got < inFlight; sent++ {
				burst = next(burst, sent)
			}
			if err := conn.Write(burst); err != nil {
				return err
			}
		}
		_, body, err := conn.Receive()
		if err != nil {
			return fmt.Errorf("answer %d of %d: %w", got+1, n, err)
		}
		if err := check(body); err != nil {
			return err
		}
	}
	return nil
}

// checkCommit finds the error code of an OffsetCommit v7 answer: throttle time (4),
// topics (4), name (2 and its bytes), partitions (4), index (4), error (2).
func checkCommit(body []byte, topic string) error {
	at := 4 + 4 + 2 + len(topic) + 4 + 4
	if len(body) != at+2 {
		return fmt.Errorf("answer of %d bytes to a commit", len(body))
	}
	if code := int16(binary.BigEndian.Uint16(body[at:])); code != 0 {
		return fmt.Errorf("error %d in the answer to a commit", code)
	}
	return nil
}

// checkHeartbeat does the same for Heartbeat v4: tags of the header (1), throttle
// time (4), error (2), tags (1).
func checkHeartbeat(body []byte) error {
	if len(body) != 8 {
		return fmt.Errorf("answer of %d bytes to a heartbeat", len(body))
	}
	if code := int16(binary.BigEndian.Uint16(body[5:])); code != 0 {
		return fmt.Errorf("error %d in the answer to a heartbeat", code)
	}
	return nil
}

func (m *classicMember) checkCommitted(topic string, want int64) error {
	one := kmsg.NewOffsetFetchRequestTopic()
	one.Topic, one.Partitions = topic, []int32{0}
	request := kmsg.NewPtrOffsetFetchRequest()
	request.Version, request.Group = 5, m.group
	request.Topics = append(request.Topics, one)
	answer, err := m.conn.Call(request)
	if err != nil {
		return err
	}
	response := answer.(*kmsg.OffsetFetchResponse)
	if response.ErrorCode != 0 || len(response.Topics) != 1 || len(response.Topics[0].Partitions) != 1 {
		return fmt.Errorf("offsets cannot be fetched: %+v", response)
	}
	if got := response.Topics[0].Partitions[0].Offset; got != want {
		return fmt.Errorf("group %s holds offset %d, committed was %d", m.group, got, want)
	}
	return nil
}
