package soak

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

const (
	// sessionTimeout is above what a busy machine holds a member up for.
	sessionTimeout = 10 * time.Second
	// membersMax of a group; it has more members than partitions at times.
	membersMax = sharedPartitions + 1
	// workBatch is how many records a member takes between two commits.
	workBatch = 100
	// changeEvery is about the time between two changes of a group.
	changeEvery = 1500 * time.Millisecond
	// askEvery is the time between two looks at the committed offsets.
	askEvery = 200 * time.Millisecond
)

// team is a group whose members come and go.
type team struct {
	*testing.T
	broker          *testbed.Broker
	topic, name     string
	protocol        string // classic or consumer
	watch           *watch
	random          *rand.Rand
	joins, departed int
	members         []*member
	running         sync.WaitGroup
}

// member reads and commits until it is told to leave, or vanishes.
type member struct {
	*team
	holder *holder
	client *kgo.Client
	// leave ends the work, vanish the client with all its connections.
	leave, vanish context.CancelFunc
}

// join begins a member.
func (g *team) join(ctx context.Context) {
	living, vanish := context.WithCancel(ctx)
	working, leave := context.WithCancel(living)
	m := &member{team: g, holder: g.watch.begins(fmt.Sprintf("%s-%d", g.name, g.joins)), leave: leave, vanish: vanish}
	g.joins++
	options := []kgo.Opt{
		kgo.SeedBrokers(g.broker.Bootstrap()), kgo.WithContext(living), kgo.ConsumerGroup(g.name), kgo.ConsumeTopics(g.topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.SessionTimeout(sessionTimeout), kgo.HeartbeatInterval(sessionTimeout / 20),
		kgo.DisableAutoCommit(), kgo.BlockRebalanceOnPoll(), kgo.MetadataMinAge(20 * time.Millisecond),
		kgo.RetryBackoffFn(func(int) time.Duration { return 50 * time.Millisecond }), kgo.FetchMaxWait(200 * time.Millisecond),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, got map[string][]int32) {
			g.watch.assigned(m.holder, got[g.topic])
		}),
		kgo.OnPartitionsRevoked(func(_ context.Context, _ *kgo.Client, given map[string][]int32) {
			g.watch.revoked(m.holder, given[g.topic])
		}),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, taken map[string][]int32) {
			g.watch.lost(m.holder, taken[g.topic])
		}),
	}
	if g.protocol == "consumer" {
		options = append(options, kgo.ServerSideBalancer(), kgo.Balancers(kgo.StickyBalancer()))
	}
	var err error
	if m.client, err = kgo.NewClient(options...); err != nil {
		vanish()
		g.Error(err)
		return
	}
	g.members = append(g.members, m)
	g.running.Go(func() { m.work(working) })
}

func (m *member) work(ctx context.Context) {
	defer m.vanish()
	for ctx.Err() == nil {
		fetches := m.client.PollRecords(ctx, workBatch)
		records := fetches.Records()
		for _, r := range records {
			m.watch.read(m.holder, r.Partition, r.Offset)
		}
		// News of a broker that is down are no errors of the group: what was read is read again.
		if len(records) > 0 && m.client.CommitRecords(ctx, records...) == nil {
			for _, r := range records {
				m.watch.committed(r.Partition, r.Offset+1)
			}
		}
		m.client.AllowRebalance()
	}
	m.client.CloseAllowingRebalance()
}

// goes takes a member out of the group: in order, or without a word.
func (g *team) goes(i int, inOrder bool) {
	m := g.members[i]
	g.members = append(g.members[:i:i], g.members[i+1:]...)
	g.departed++
	if inOrder {
		m.leave()
		return
	}
	g.watch.vanished(m.holder)
	m.vanish()
}

// churn has members come and go until ctx ends.
func (g *team) churn(ctx context.Context, clients context.Context) {
	for {
		pause(ctx, changeEvery/2+time.Duration(g.random.Int64N(int64(changeEvery))))
		if ctx.Err() != nil {
			return
		}
		choice := g.random.IntN(4)
		switch n := len(g.members); {
		case n < 2, choice < 2 && n < membersMax:
			g.join(clients)
		default:
			g.goes(g.random.IntN(n), choice != 3)
		}
	}
}

// ask looks at the committed offsets until ctx ends.
func (g *team) ask(ctx context.Context) {
	admin, err := kadm.NewOptClient(kgo.SeedBrokers(g.broker.Bootstrap()), kgo.MetadataMinAge(20*time.Millisecond),
		kgo.RetryBackoffFn(func(int) time.Duration { return 50 * time.Millisecond }))
	if err != nil {
		g.Error(err)
		return
	}
	defer admin.Close()
	for ctx.Err() == nil {
		floors := g.watch.floors()
		if offsets, err := admin.FetchOffsets(ctx, g.name); err == nil {
			for p, floor := range floors {
				one, there := offsets.Lookup(g.topic, int32(p))
				switch {
				case one.Err != nil:
				case !there:
					g.watch.told(int32(p), floor, -1)
				default:
					g.watch.told(int32(p), floor, one.At)
				}
			}
		}
		pause(ctx, askEvery)
	}
}

// settle waits until the group has read everything up to the ends; what it has not then is
// found by the check.
func (g *team) settle(ctx context.Context, ends []int64) {
	for {
		whole, changed := g.watch.readUpTo(ends)
		if whole {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// disband has all members leave in order.
func (g *team) disband() {
	for len(g.members) > 0 {
		g.goes(0, true)
	}
	g.running.Wait()
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
