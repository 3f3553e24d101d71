package main

import (
	"errors"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// runJoin has all members join at once and takes the time from the first join
// until each of them is assigned in one and the same generation. Members that
// were assigned in an earlier one learn of the next by their heartbeats, as
// clients do. Connections are made beforehand.
func runJoin(b contender, _ options) (phases []phase, err error) {
	if left, ok, err := serves(b, kmsg.JoinGroup, kmsg.SyncGroup, kmsg.Heartbeat, kmsg.LeaveGroup); !ok {
		return left, err
	}
	group, err := newGroup(b, "join")
	if err != nil {
		return nil, err
	}
	members := make([]*classicMember, groupMembers)
	defer func() {
		for _, m := range members {
			if m != nil {
				_ = m.conn.Close()
			}
		}
	}()
	for i := range members {
		if members[i], err = dialMember(b, group); err != nil {
			return nil, err
		}
	}
	meeting := newMeeting(len(members))
	before, err := b.Usage()
	if err != nil {
		return nil, err
	}
	var all sync.WaitGroup
	start := make(chan struct{})
	for _, m := range members {
		all.Go(func() {
			<-start
			meeting.end(attend(m, meeting))
		})
	}
	began := time.Now()
	close(start)
	err = meeting.wait()
	took := meeting.at.Sub(began)
	if err != nil {
		for _, m := range members {
			_ = m.conn.Close() // ends those who wait for an answer
		}
	}
	all.Wait()
	if err != nil {
		return nil, err
	}
	after, err := b.Usage()
	if err != nil {
		return nil, err
	}
	return []phase{{more: []sample{
		{joinRow, "ms", lower, millis(took)},
		{joinRow, "CPU ms", lower, millis(after.CPU() - before.CPU())},
		{joinRow, "generations", lower, float64(meeting.generation)},
	}}}, leaveAll(members)
}

// attend is the life of a member until all are assigned.
func attend(m *classicMember, meeting *meeting) error {
	for {
		if err := m.settle(); err != nil {
			return err
		}
		meeting.arrive(m.generation)
		for again := false; !again; {
			select {
			case <-meeting.done:
				return nil
			case <-time.After(memberHeartbeatEvery):
			}
			if err := m.heartbeat(); err != nil {
				if again = m.mustJoinAgain(err); !again {
					return err
				}
			}
		}
	}
}

// meeting waits until everyone has arrived in the same generation.
type meeting struct {
	size int
	done chan struct{} // closed when all are there, or one cannot come

	mu         sync.Mutex
	arrived    map[int32]int
	generation int32
	at         time.Time
	err        error
}

func newMeeting(size int) *meeting {
	return &meeting{size: size, done: make(chan struct{}), arrived: map[int32]int{}}
}

func (m *meeting) arrive(generation int32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.arrived[generation]++; m.arrived[generation] == m.size {
		m.generation, m.at = generation, time.Now()
		m.finish(nil)
	}
}

// end tells that a member has ended; an error ends the meeting.
func (m *meeting) end(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil {
		m.finish(err)
	}
}

// finish closes done once; m.mu is held.
func (m *meeting) finish(err error) {
	select {
	case <-m.done:
	default:
		m.err = err
		close(m.done)
	}
}

func (m *meeting) wait() error {
	select {
	case <-m.done:
	case <-time.After(groupPatience):
		m.end(errors.New("the group did not come together in time"))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.err
}
