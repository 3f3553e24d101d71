package group

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

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

// BenchmarkMemoryOfGroups reports what a group with one committed offset takes.
func BenchmarkMemoryOfGroups(b *testing.B) {
	const count = 100_000
	memory := func() uint64 {
		var stats runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc
	}
	for b.Loop() {
		before := memory()
		m := NewMachine(DefaultConfig(), func() string { return "" })
		for i := range count {
			r := offsetRecord(fmt.Sprint("group-", i), topicPartition{"topic", 0}, committed{offset: 1})
			if err := m.Apply(0, r, coordinator.NoProducer); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(memory()-before)/count, "B/group")
		runtime.KeepAlive(m)
	}
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
