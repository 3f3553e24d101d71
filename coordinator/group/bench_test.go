package group

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/internal/clock"
	"github.com/barnabas-mq/barnabas/protocol"
)

// BenchmarkHeartbeats sends heartbeats of 50 groups through the shards' queues,
// 100 in flight.
func BenchmarkHeartbeats(b *testing.B) {
	groups := newBenchCoordinator(b)
	inputs := make([]HeartbeatInput, 50)
	for i := range inputs {
		inputs[i] = HeartbeatInput{GroupID: fmt.Sprint("g", i), Generation: 1}
		in := joinInput(inputs[i].GroupID)
		in.SessionTimeoutMillis = 1_800_000
		joined := make(chan JoinOutput, 1)
		groups.Join(in, func(out JoinOutput) { joined <- out })
		inputs[i].MemberID = (<-joined).MemberID
	}
	inFlight(b, func(i int, done func()) {
		groups.Heartbeat(inputs[i%len(inputs)], func(err error) {
			if err != nil {
				b.Error(err)
			}
			done()
		})
	})
}

// BenchmarkCommits commits one offset at a time in 1,000 groups, 100 in flight.
func BenchmarkCommits(b *testing.B) {
	groups := newBenchCoordinator(b)
	inFlight(b, func(i int, done func()) {
		in := CommitInput{GroupID: fmt.Sprint("g", i%1000), Generation: noGeneration, RetentionMillis: -1, Topics: []CommitTopic{
			{Topic: "t", Partitions: []CommitPartition{{Offset: 1, LeaderEpoch: -1}}},
		}}
		groups.Commit(in, func(out CommitOutput) {
			if out.Err != nil {
				b.Error(out.Err)
			}
			done()
		})
	})
}

func inFlight(b *testing.B, call func(i int, done func())) {
	slots := make(chan struct{}, 100)
	var all sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		slots <- struct{}{}
		all.Add(1)
		call(i, func() { <-slots; all.Done() })
	}
	all.Wait()
}

func newBenchCoordinator(b *testing.B) *Coordinator {
	config := DefaultConfig()
	config.InitialRebalanceDelayMillis = 0
	c := New(Options{
		Config: config, Journal: &nowhere{shelf: newShelf()}, Clock: clock.Real(), Shards: 50,
		NewMemberID: func() string { return "id" },
	})
	b.Cleanup(c.Close)
	return c
}

// BenchmarkMemoryOfGroups reports what a group with three committed offsets takes
// in the heap, and loads a shard with 100,000 of them.
func BenchmarkMemoryOfGroups(b *testing.B) {
	for _, kind := range []string{"simple", "left by its member", "with a member"} {
		b.Run(kind, func(b *testing.B) {
			const count = 100_000
			entries := entriesOfGroups(b, count, kind)
			before := liveHeap()
			for b.Loop() {
				m := NewMachine(DefaultConfig(), func() string { return "" })
				for _, e := range entries {
					if err := m.Apply(e.Offset, e.Record, coordinator.NoProducer); err != nil {
						b.Fatal(err)
					}
				}
				b.StopTimer()
				b.ReportMetric(float64(liveHeap()-before)/count, "B/group")
				runtime.KeepAlive(m)
				b.StartTimer()
			}
		})
	}
}

// entriesOfGroups is the journal of groups of the kind.
func entriesOfGroups(b *testing.B, count int, kind string) []coordinator.Entry {
	var entries []coordinator.Entry
	add := func(r coordinator.Record) {
		entries = append(entries, coordinator.Entry{Offset: protocol.Offset(len(entries)), Record: r})
	}
	for i := range count {
		id := fmt.Sprintf("service-%06d-consumers", i)
		if kind != "simple" {
			range1, memberID := "range", "consumer-service-1-1b4e28ba-2fa1-11d2-883f-0016d3cca427"
			v := kmsg.NewGroupMetadataValue()
			v.ProtocolType = consumerProtocolType
			if kind == "with a member" {
				v.Generation, v.Protocol, v.Leader = 1, &range1, &memberID
				member := kmsg.NewGroupMetadataValueMember()
				member.MemberID, member.ClientID, member.ClientHost = memberID, "consumer-service-1", "/10.20.30.40"
				member.Subscription, member.Assignment = subscribing("orders"), make([]byte, 40)
				v.Members = append(v.Members, member)
			}
			add(groupRecord(id, v))
		}
		for p := range int32(3) {
			add(offsetRecord(id, topicPartition{"orders", p}, committed{
				offset: 1, expireAt: protocol.None, topicID: protocol.UUID{1},
			}))
		}
	}
	return entries
}

func liveHeap() uint64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// BenchmarkSweep looks for expired offsets in a shard of 100,000 groups, and
// reports the longest slice.
func BenchmarkSweep(b *testing.B) {
	m := NewMachine(DefaultConfig(), func() string { return "" })
	for _, e := range entriesOfGroups(b, 100_000, "left by its member") {
		if err := m.Apply(e.Offset, e.Record, coordinator.NoProducer); err != nil {
			b.Fatal(err)
		}
	}
	m.Loaded(coordinator.Moment{})
	var longest time.Duration
	for b.Loop() {
		for {
			at, _ := m.NextWake()
			begin := time.Now()
			m.Wake(coordinator.Moment{Elapsed: at})
			longest = max(longest, time.Since(begin))
			if m.sweep.left == nil {
				break
			}
		}
	}
	b.ReportMetric(float64(longest.Microseconds()), "longest-us")
}

// nowhere is a shelf that keeps nothing of what is appended but its number.
type nowhere struct {
	*shelf
	ends [50]atomic.Int64
}

func (n *nowhere) Append(shard int32, b coordinator.Batch, committed func(error)) (protocol.Offset, error) {
	committed(nil)
	count := int64(len(b.Records))
	return protocol.Offset(n.ends[shard].Add(count) - count), nil
}
