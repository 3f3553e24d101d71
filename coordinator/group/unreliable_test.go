package group

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/coordinator/group/assignor"
	"github.com/barnabas-mq/barnabas/internal/clock"
	"github.com/barnabas-mq/barnabas/protocol"
)

// unreliable is a journal whose appends fail in all ways: before and after they
// were written, and after they were ordered.
type unreliable struct {
	*shelf
	mu     sync.Mutex
	random *rand.Rand
}

func (u *unreliable) Append(shard int32, b coordinator.Batch, committed func(error)) (protocol.Offset, error) {
	u.mu.Lock()
	n := u.random.IntN(100)
	u.mu.Unlock()
	switch {
	case n < 6:
		return 0, errors.New("nothing is written")
	case n < 9:
		_, _ = u.shelf.Append(shard, b, func(error) {})
		return 0, errors.New("written, and nobody knows")
	case n < 12:
		base, err := u.shelf.Append(shard, b, func(error) {})
		go committed(errors.New("too late"))
		return base, err
	case n < 40:
		base, err := u.shelf.Append(shard, b, func(error) {})
		go committed(nil)
		return base, err
	}
	return u.shelf.Append(shard, b, committed)
}

// crowd are clients that call a coordinator over an unreliable journal and count
// their answers.
type crowd struct {
	*Coordinator
	open      atomic.Int64
	protocols []Protocol
}

// once counts a call; what it returns counts its answer.
func (c *crowd) once() func() {
	c.open.Add(1)
	var n atomic.Int32
	return func() {
		if n.Add(1) != 1 {
			panic("a call is answered twice")
		}
		c.open.Add(-1)
	}
}

func newCrowd(seed uint64) *crowd {
	config := DefaultConfig()
	config.InitialRebalanceDelayMillis, config.JoinQuiet, config.SessionTimeoutMinMillis = 0, time.Millisecond, 1
	topics := &topicsFake{topics: map[string]Topic{"t": {Name: "t", ID: topicIDOf("t", 1), Partitions: 6}}}
	config.Topics = func() Topics { return topics }
	config.Settings = func(string) Settings {
		return Settings{SessionTimeout: 300 * time.Millisecond, HeartbeatInterval: time.Second}
	}
	said := kmsg.NewConsumerMemberMetadata()
	said.Version, said.Topics = 1, []string{"t"}
	var ids atomic.Int64
	return &crowd{
		Coordinator: New(Options{
			Config: config, Journal: &unreliable{shelf: newShelf(), random: rand.New(rand.NewPCG(seed, 3))}, Clock: clock.Real(), Shards: 2,
			NewMemberID: func() string { return fmt.Sprint(ids.Add(1)) },
		}),
		protocols: []Protocol{{Name: "range", Metadata: said.AppendTo(nil)}},
	}
}

// Whatever fails, every call is answered once, also while shards are unloaded and
// when the coordinator is closed.
func TestEveryCallIsAnsweredOnce(t *testing.T) {
	for seed := range uint64(6) {
		c := newCrowd(seed)
		var clients sync.WaitGroup
		for i := range 6 {
			clients.Go(func() {
				one := &caller{crowd: c, random: rand.New(rand.NewPCG(seed, uint64(i))), group: fmt.Sprint("g", i%2), id: fmt.Sprint("m", i), generation: noGeneration}
				for range 250 {
					one.call()
				}
			})
		}
		clients.Wait()
		c.Close()
		if n := c.open.Load(); n != 0 {
			t.Fatalf("seed %d: %d calls are not answered", seed, n)
		}
	}
}

// caller is one client, of both protocols in turns.
type caller struct {
	*crowd
	random     *rand.Rand
	group      string
	id         string // in the consumer protocol
	epoch      int32
	classicID  string
	generation int32
}

func (c *caller) call() {
	switch c.random.IntN(8) {
	case 0, 1, 2:
		c.beat()
	case 3:
		done := c.once()
		in := ConsumerHeartbeatInput{GroupID: c.group, MemberID: c.id, Epoch: LeaveEpoch, RebalanceTimeoutMillis: -1}
		c.ConsumerHeartbeat(in, func(ConsumerHeartbeatOutput) { done() })
		c.epoch = JoinEpoch
	case 4, 5:
		c.join()
	case 6:
		done := c.once()
		c.Heartbeat(HeartbeatInput{GroupID: c.group, MemberID: c.classicID, Generation: c.generation}, func(error) { done() })
		if c.random.IntN(3) == 0 {
			done := c.once()
			who := []LeaveMember{{MemberID: c.classicID}, {MemberID: c.id}, {MemberID: fmt.Sprint("m", c.random.IntN(6))}}
			c.Leave(LeaveInput{GroupID: c.group, Members: who}, func(LeaveOutput) { done() })
			c.classicID = ""
		}
	case 7:
		c.commit()
	}
}

// beat says so much that a step of it is a batch of its own now and then.
func (c *caller) beat() {
	in := ConsumerHeartbeatInput{
		GroupID: c.group, MemberID: c.id, Epoch: c.epoch, ClientID: strings.Repeat("x", 9000), ClientHost: fmt.Sprint(c.random.IntN(3)),
		RebalanceTimeoutMillis: 200, Topics: []string{"t"}, Owned: &assignor.Assignment{},
	}
	if c.random.IntN(4) == 0 {
		pattern := fmt.Sprint("t|", c.random.IntN(3))
		in.Pattern = &pattern
	}
	done, answer := c.once(), make(chan ConsumerHeartbeatOutput, 2)
	c.ConsumerHeartbeat(in, func(o ConsumerHeartbeatOutput) { done(); answer <- o })
	c.epoch = (<-answer).Epoch // 0 with an error
}

func (c *caller) join() {
	done, answer := c.once(), make(chan JoinOutput, 2)
	in := JoinInput{
		GroupID: c.group, MemberID: c.classicID, ClientID: "c", SessionTimeoutMillis: 200, RebalanceTimeoutMillis: 100,
		ProtocolType: consumerProtocolType, Protocols: c.protocols, MemberIDRequired: c.random.IntN(2) == 0,
	}
	c.Join(in, func(o JoinOutput) { done(); answer <- o })
	out := <-answer
	c.classicID, c.generation = out.MemberID, out.Generation
	if out.Err == nil {
		done := c.once()
		c.Sync(SyncInput{GroupID: c.group, MemberID: c.classicID, Generation: c.generation}, func(SyncOutput) { done() })
	}
}

func (c *caller) commit() {
	done := c.once()
	in := CommitInput{
		GroupID: c.group, MemberID: c.id, Generation: c.epoch, RetentionMillis: -1, TakesMemberEpoch: true, Alone: c.random.IntN(2) == 0,
		Topics: []CommitTopic{{Topic: "t", TopicID: topicIDOf("t", 1), Partitions: []CommitPartition{{Offset: 1}}}},
	}
	c.Commit(in, func(CommitOutput) { done() })
	if c.random.IntN(40) == 0 {
		c.Unload(int32(c.random.IntN(2)))
	}
	if c.random.IntN(20) == 0 {
		done := c.once()
		c.DeleteGroups([]string{"g0", "g1"}, func([]GroupResult) { done() })
	}
}
