package api

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/config"
	"github.com/barnabas-mq/barnabas/internal/clock"
	"github.com/barnabas-mq/barnabas/protocol"
)

// fetchOf asks for partitions of one topic from an offset, without a session.
func fetchOf(topic string, offset int64, partitions ...int32) *kmsg.FetchRequest {
	q := kmsg.NewPtrFetchRequest()
	q.MaxBytes, q.MinBytes, q.SessionEpoch = 1<<20, 1, sessionEpochFinal
	t := kmsg.NewFetchRequestTopic()
	t.Topic = topic
	for _, index := range partitions {
		p := kmsg.NewFetchRequestTopicPartition()
		p.Partition, p.FetchOffset, p.PartitionMaxBytes = index, offset, 1<<20
		t.Partitions = append(t.Partitions, p)
	}
	q.Topics = append(q.Topics, t)
	return q
}

func (w *world) fetchAll(topic string) []byte {
	w.t.Helper()
	return ask[*kmsg.FetchResponse](w, 12, fetchOf(topic, 0, 0)).Topics[0].Partitions[0].RecordBatches
}

// valuesIn reads the records of an answer from an offset on.
func valuesIn(t *testing.T, b []byte, from int64) []string {
	t.Helper()
	var values []string
	for len(b) > 0 {
		batch, rest, err := protocol.NextBatch(b)
		if err != nil {
			t.Fatal(err)
		}
		b = rest
		err = batch.EachRecord(protocol.DecodeLimits{}, func(r *protocol.Record) error {
			if int64(r.Offset) >= from {
				values = append(values, string(r.Value))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return values
}

func TestFetchAnswersEveryVersion(t *testing.T) {
	w := newWorld(t)
	id := w.topic("t", 1)
	w.send("t", w.batchOf(plain(), "a", "b", "c"))
	large := strings.Repeat("x", 2*copyBelowBytes) // sent from the file
	w.send("t", w.batchOf(plain(), large))
	for version := int16(4); version <= 18; version++ {
		q := fetchOf("t", 1, 0) // in the middle of the first batch, which comes whole
		q.Topics[0].TopicID = id
		p := ask[*kmsg.FetchResponse](w, version, q).Topics[0].Partitions[0]
		if p.ErrorCode != 0 || p.HighWatermark != 4 || p.LastStableOffset != 4 {
			t.Fatalf("version %d: error %d, high watermark %d, stable %d", version, p.ErrorCode, p.HighWatermark, p.LastStableOffset)
		}
		if got := strings.Join(valuesIn(t, p.RecordBatches, 1), " "); got != "b c "+large {
			t.Fatalf("version %d: read %.20q", version, got)
		}
	}
}

func TestFetchLimits(t *testing.T) {
	w := newWorld(t)
	w.topic("t", 2)
	for range 3 {
		w.produce("t", 0, strings.Repeat("x", 1000))
		w.produce("t", 1, strings.Repeat("y", 1000))
	}
	count := func(change func(*kmsg.FetchRequest)) (n [2]int) {
		q := fetchOf("t", 0, 0, 1)
		change(q)
		for i, p := range ask[*kmsg.FetchResponse](w, 12, q).Topics[0].Partitions {
			n[i] = len(valuesIn(t, p.RecordBatches, 0))
		}
		return n
	}
	for _, c := range []struct {
		name   string
		change func(*kmsg.FetchRequest)
		want   [2]int
	}{
		{"none", func(*kmsg.FetchRequest) {}, [2]int{3, 3}},
		{"one batch at least", func(q *kmsg.FetchRequest) { q.MaxBytes = 1 }, [2]int{1, 0}},
		{"partition limits", func(q *kmsg.FetchRequest) {
			q.Topics[0].Partitions[0].PartitionMaxBytes = 2500
			q.Topics[0].Partitions[1].PartitionMaxBytes = 1500
		}, [2]int{2, 1}},
		{"what is left for the second", func(q *kmsg.FetchRequest) { q.MaxBytes = 4800 }, [2]int{3, 1}},
	} {
		if got := count(c.change); got != c.want {
			t.Errorf("%s: %v batches, want %v", c.name, got, c.want)
		}
	}
}

func TestFetchErrors(t *testing.T) {
	w := newWorld(t)
	id := w.topic("t", 1)
	w.produce("t", 0, "v")
	code := func(version int16, change func(*kmsg.FetchRequest)) int16 {
		t.Helper()
		q := fetchOf("t", 0, 0)
		q.Topics[0].TopicID = id
		change(q)
		p := ask[*kmsg.FetchResponse](w, version, q).Topics[0].Partitions[0]
		if p.ErrorCode != 0 && (p.HighWatermark != -1 || p.RecordBatches == nil) {
			t.Errorf("an error comes with the high watermark %d and records %v", p.HighWatermark, p.RecordBatches)
		}
		return p.ErrorCode
	}
	partition := func(q *kmsg.FetchRequest) *kmsg.FetchRequestTopicPartition { return &q.Topics[0].Partitions[0] }
	for _, c := range []struct {
		name    string
		version int16
		change  func(*kmsg.FetchRequest)
		want    *protocol.Error
	}{
		{"unknown topic", 12, func(q *kmsg.FetchRequest) { q.Topics[0].Topic = "nowhere" }, protocol.ErrUnknownTopicOrPartition},
		{"unknown id", 13, func(q *kmsg.FetchRequest) { q.Topics[0].TopicID = [16]byte{9} }, protocol.ErrUnknownTopicID},
		{"unknown partition", 12, func(q *kmsg.FetchRequest) { partition(q).Partition = 3 }, protocol.ErrUnknownTopicOrPartition},
		{"beyond the end", 12, func(q *kmsg.FetchRequest) { partition(q).FetchOffset = 2 }, protocol.ErrOffsetOutOfRange},
		{"before the start", 12, func(q *kmsg.FetchRequest) { partition(q).FetchOffset = -5 }, protocol.ErrOffsetOutOfRange},
		{"newer leader epoch", 12, func(q *kmsg.FetchRequest) { partition(q).CurrentLeaderEpoch = 5 }, protocol.ErrUnknownLeaderEpoch},
		{"a follower", 12, func(q *kmsg.FetchRequest) { q.ReplicaID = 2 }, protocol.ErrNotLeaderOrFollower},
	} {
		if got := code(c.version, c.change); got != c.want.Code {
			t.Errorf("%s: %v, want %v", c.name, protocol.ErrorForCode(got), c.want)
		}
	}
	w.restart()
	w.produce("t", 0, "raises the epoch")
	if got := code(12, func(q *kmsg.FetchRequest) { partition(q).CurrentLeaderEpoch = 0 }); got != protocol.ErrFencedLeaderEpoch.Code {
		t.Errorf("an old leader epoch: %v", protocol.ErrorForCode(got))
	}
}

func TestFetchWaitsForBytesAndForTime(t *testing.T) {
	w := newWorld(t)
	w.topic("t", 1)
	fetched := make(chan int, 1)
	poll := func(minBytes int32) {
		go func() {
			q := fetchOf("t", 0, 0)
			q.MinBytes, q.MaxWaitMillis = minBytes, 1000
			p := ask[*kmsg.FetchResponse](w, 12, q).Topics[0].Partitions[0]
			fetched <- len(valuesIn(t, p.RecordBatches, 0))
		}()
		// The time-out is the last thing that a poll sets up.
		for w.clock.Pending() == 0 {
			select {
			case n := <-fetched:
				t.Fatalf("a poll for %d bytes was answered with %d records at once", minBytes, n)
			case <-time.After(time.Millisecond):
			}
		}
	}
	poll(1)
	w.produce("t", 0, "wakes it")
	if n := <-fetched; n != 1 {
		t.Fatalf("woken with %d records", n)
	}
	poll(100_000)
	w.clock.Advance(time.Second)
	if n := <-fetched; n != 1 {
		t.Fatalf("after its time the poll got %d records", n)
	}
}

func TestAFetchSession(t *testing.T) {
	w := newWorld(t)
	w.topic("t", 2)
	w.produce("t", 0, "a")
	q := fetchOf("t", 0, 0, 1)
	q.SessionEpoch = sessionEpochInitial
	full := ask[*kmsg.FetchResponse](w, 12, q)
	if full.SessionID == 0 || len(full.Topics[0].Partitions) != 2 {
		t.Fatalf("the full answer has session %d and %+v", full.SessionID, full.Topics)
	}
	next := func(epoch int32, change func(*kmsg.FetchRequest)) *kmsg.FetchResponse {
		q := fetchOf("t", 1, 0)
		q.SessionID, q.SessionEpoch = full.SessionID, epoch
		q.Topics = nil
		if change != nil {
			change(q)
		}
		return ask[*kmsg.FetchResponse](w, 12, q)
	}
	advance := func(q *kmsg.FetchRequest) { q.Topics = fetchOf("t", 1, 0).Topics }
	if p := next(1, advance); p.ErrorCode != 0 || len(p.Topics) != 0 {
		t.Fatalf("nothing is new, and the answer is %+v", p)
	}
	w.produce("t", 1, "b")
	if p := next(2, nil); len(p.Topics) != 1 || len(p.Topics[0].Partitions) != 1 || p.Topics[0].Partitions[0].Partition != 1 {
		t.Fatalf("only partition 1 has news, and the answer is %+v", p.Topics)
	}
	if p := next(2, nil); p.ErrorCode != protocol.ErrInvalidFetchSessionEpoch.Code {
		t.Fatalf("a repeated epoch got %d", p.ErrorCode)
	}
	forget := func(q *kmsg.FetchRequest) {
		f := kmsg.NewFetchRequestForgottenTopic()
		f.Topic, f.Partitions = "t", []int32{0, 1}
		q.ForgottenTopics = append(q.ForgottenTopics, f)
	}
	if p := next(3, forget); p.ErrorCode != 0 || p.SessionID != 0 {
		t.Fatalf("a session without partitions goes on: %+v", p)
	}
	if p := next(4, nil); p.ErrorCode != protocol.ErrFetchSessionIDNotFound.Code {
		t.Fatalf("the ended session got %d", p.ErrorCode)
	}
}

func TestFetchSessionsMakeRoom(t *testing.T) {
	clk := clock.NewManual(time.UnixMilli(0))
	cache := newSessionCache(clk, func() int { return 2 })
	open := func(partitions int) *session {
		var all []*sessionPartition
		for i := range partitions {
			all = append(all, &sessionPartition{key: partitionKey{name: "t", index: int32(i)}})
		}
		return cache.create(false, all)
	}
	small, large := open(1), open(5)
	if open(9) != nil {
		t.Fatal("a third session fits into two slots")
	}
	clk.Advance(sessionEvictionAge + time.Second)
	small.mu.lastUsed, large.mu.lastUsed = clk.Monotonic(), clk.Monotonic()
	if open(1) != nil {
		t.Fatal("a session that is used made room for one of its size")
	}
	if open(3) == nil || cache.find(small.id) != nil {
		t.Fatal("an old small session does not make room for a larger one")
	}
	clk.Advance(sessionEvictionAge + time.Second)
	if open(1) == nil || cache.find(large.id) != nil {
		t.Fatal("an unused session does not make room")
	}
}

// Whoever makes room in the cache holds its lock and waits for each session's:
// a request that holds its session's must not wait for the cache. Here the cache
// stays locked, and requests that end their session come through all the same.
func TestEndingASessionDoesNotWaitForTheCacheWithTheSessionLocked(t *testing.T) {
	clk := clock.NewManual(time.UnixMilli(0))
	cache := newSessionCache(clk, func() int { return 2 })
	forget := protocol.FetchRequest{SessionEpoch: 1, Forgotten: []protocol.ForgottenTopic{{Partitions: []int32{0}}}}
	grow := protocol.FetchRequest{SessionEpoch: 1, Topics: []protocol.FetchTopic{{Partitions: []protocol.FetchPartition{{Index: 1}}}}}
	for name, request := range map[string]protocol.FetchRequest{"nothing left": forget, "too much": grow} {
		s := cache.create(false, []*sessionPartition{{key: partitionKey{index: 0}}})
		c := &fetchCall{api: &API{Rooms: Rooms{Clock: clk}}, settings: &config.Broker{RequestPartitionsMax: 1}, request: request}
		cache.mu.Lock()
		ended, err := c.continueSession(s)
		cache.mu.Unlock()
		if !ended || (err != nil) != (name == "too much") {
			t.Errorf("%s: ended %t, %v", name, ended, err)
		}
	}
}

func TestSessionEpochsWrap(t *testing.T) {
	s := newSessionCache(clock.NewManual(time.UnixMilli(0)), func() int { return 1 }).create(false, nil)
	s.mu.epoch = math.MaxInt32
	if err := s.advance(math.MaxInt32, false, 0); err != nil || s.mu.epoch != 1 {
		t.Fatalf("after 2^31-1 comes %d, %v", s.mu.epoch, err)
	}
}

// After a restart every client comes back with the session that it had: a new
// session must not have its id.
func TestSessionIDsDoNotComeBackAfterARestart(t *testing.T) {
	clk := clock.NewManual(time.UnixMilli(0))
	slots := func() int { return 10 }
	before, after := newSessionCache(clk, slots), newSessionCache(clk, slots)
	for range 10 {
		before.create(false, nil)
		if s := after.create(false, nil); s.id <= 0 || before.find(s.id) != nil {
			t.Fatalf("session id %d is given twice, or is not positive", s.id)
		}
	}
}

func TestASessionIsBoundedLikeARequest(t *testing.T) {
	w := newWorld(t, "barnabas.request.partitions.max=3")
	w.topic("t", 5)
	q := fetchOf("t", 0, 0, 1)
	q.SessionEpoch = sessionEpochInitial
	q.SessionID = ask[*kmsg.FetchResponse](w, 12, q).SessionID
	q.SessionEpoch, q.Topics = 1, fetchOf("t", 0, 2).Topics
	if p := ask[*kmsg.FetchResponse](w, 12, q); p.ErrorCode != 0 {
		t.Fatalf("the third partition got %d", p.ErrorCode)
	}
	q.SessionEpoch, q.Topics = 2, fetchOf("t", 0, 3).Topics
	if p := ask[*kmsg.FetchResponse](w, 12, q); p.ErrorCode != protocol.ErrInvalidRequest.Code {
		t.Fatalf("a session of four partitions got %d", p.ErrorCode)
	}
	q.SessionEpoch, q.Topics = 3, nil
	if p := ask[*kmsg.FetchResponse](w, 12, q); p.ErrorCode != protocol.ErrFetchSessionIDNotFound.Code {
		t.Fatalf("the refused session is kept: %d", p.ErrorCode)
	}
}

// A peer may vanish while its fetch waits, which shows when the wait ends.
func TestAFetchWaitsNoLongerThanAnIdleConnectionLives(t *testing.T) {
	w := newWorld(t, "connections.max.idle.ms=1000")
	w.topic("t", 1)
	q := fetchOf("t", 0, 0)
	q.MinBytes, q.MaxWaitMillis = 1, math.MaxInt32
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
				w.clock.Advance(100 * time.Millisecond)
			}
		}
	}()
	began := w.clock.Monotonic()
	ask[*kmsg.FetchResponse](w, 12, q)
	if waited := w.clock.Monotonic() - began; waited > 60*time.Second {
		t.Fatalf("the fetch waited for %s", waited)
	}
}
