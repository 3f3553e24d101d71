package api

import (
	"bufio"
	"io"
	"net"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/internal/clock"
	"github.com/barnabas-mq/barnabas/internal/metrics"
	"github.com/barnabas-mq/barnabas/quota"
)

// limit sets a limit, 0 takes it away. The clock moves on by as much as the request is
// throttled itself.
func (w *world) limit(entity, key string, value float64) {
	w.t.Helper()
	if codes := alterQuotas(w, false, quotaEntry(entity, key, value)); len(codes) != 1 || codes[0] != 0 {
		w.t.Fatalf("limiting %s: %v", entity, codes)
	}
}

// another is a second connection, which is not muted with the first.
func (w *world) another() (net.Conn, *bufio.Reader) {
	w.t.Helper()
	conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(w.listener.Port)))
	w.must(err)
	w.must(conn.SetDeadline(time.Now().Add(30 * time.Second)))
	w.t.Cleanup(func() { _ = conn.Close() })
	return conn, bufio.NewReader(conn)
}

// sizedProduce writes to the topic t, with a body of exactly so many bytes in version 9.
func (w *world) sizedProduce(acks int16, bodyBytes int) *kmsg.ProduceRequest {
	w.t.Helper()
	value := bodyBytes
	for range 3 {
		q := produceRequest(acks, "t", 0, w.batchOf(plain(), strings.Repeat("x", value)))
		q.SetVersion(9)
		n := len(q.AppendTo(nil))
		if n == bodyBytes {
			return q
		}
		value -= n - bodyBytes
	}
	w.t.Fatalf("no request has %d bytes", bodyBytes)
	return nil
}

// throttled waits until so many timers run: those of connections that are muted.
func (w *world) throttled(timers int) {
	w.t.Helper()
	for broken := time.Now().Add(20 * time.Second); w.clock.Pending() < timers; runtime.Gosched() {
		if time.Now().After(broken) {
			w.t.Fatal("nobody is throttled")
		}
	}
}

// A producer above its rate is answered, told to wait, and left alone for that time.
func TestAProducerIsThrottled(t *testing.T) {
	w := newWorld(t)
	w.topic("t", 1)
	w.limit("client-id=test", "producer_byte_rate", 1000)
	// 12,000 bytes in the 10 s that a rate is taken over at least: 20 % too much.
	p := ask[*kmsg.ProduceResponse](w, 9, w.sizedProduce(1, 12_000))
	if code := p.Topics[0].Partitions[0].ErrorCode; code != 0 || p.ThrottleMillis != 2000 {
		t.Fatalf("error %d, throttled for %d ms", code, p.ThrottleMillis)
	}
	// Another connection of the client writes as well, and is told of both.
	conn, in := w.another()
	if p := askOn[*kmsg.ProduceResponse](w, conn, in, 9, w.sizedProduce(-1, 1000)); p.ThrottleMillis != 3000 {
		t.Errorf("throttled for %d ms", p.ThrottleMillis)
	}
	// The first connection is served again when its time is over.
	answered := make(chan int32, 1)
	go func() { answered <- ask[*kmsg.MetadataResponse](w, 12, kmsg.NewPtrMetadataRequest()).ThrottleMillis }()
	w.throttled(2)
	w.clock.Advance(1999 * time.Millisecond)
	select {
	case <-answered:
		t.Error("the connection is read while its client is throttled")
	default:
	}
	w.clock.Advance(time.Millisecond)
	if throttle := <-answered; throttle != 0 {
		t.Errorf("what is not limited is throttled for %d ms", throttle)
	}
	for name, want := range map[string]int64{
		"barnabas_quota_produce_throttled_total": 2, "barnabas_quota_produce_throttle_milliseconds_total": 5000,
		"barnabas_quota_request_throttled_total": 0, "barnabas_quota_clients": 1,
	} {
		if got := w.counters.Counter(name).Value(); got != want {
			t.Errorf("%s is %d, want %d", name, got, want)
		}
	}
}

// A limit of a user is for who has logged in as that user, and for nobody else.
func TestLimitsOfAUser(t *testing.T) {
	w := newGuardedWorld(t)
	w.topic("t", 1)
	w.rules("allow * WRITE TOPIC t")
	w.limit("user=alice", "producer_byte_rate", 1000)
	for name, want := range map[string]int32{"bob": 0, "alice": 2000} {
		w.become(name)
		p := ask[*kmsg.ProduceResponse](w, 9, w.sizedProduce(1, 12_000))
		if code := p.Topics[0].Partitions[0].ErrorCode; code != 0 || p.ThrottleMillis != want {
			t.Errorf("%s: error %d, throttled for %d ms", name, code, p.ThrottleMillis)
		}
	}
}

// A producer that asks for no answer is muted all the same.
func TestAProducerWithoutAnswersIsThrottled(t *testing.T) {
	w := newWorld(t)
	w.topic("t", 1)
	w.limit("client-id=test", "producer_byte_rate", 1000)
	q := w.sizedProduce(0, 12_000)
	_, err := w.conn.Write(kmsg.NewRequestFormatter(kmsg.FormatterClientID("test")).AppendRequest(nil, q, 7))
	w.must(err)
	answered := make(chan struct{})
	go func() { ask[*kmsg.MetadataResponse](w, 12, kmsg.NewPtrMetadataRequest()); close(answered) }()
	w.throttled(1)
	w.clock.Advance(2 * time.Second)
	<-answered
}

// A consumer above its rate gets nothing for now, and what it was told before stays true:
// the same offsets are there for the next fetch of its session.
func TestAConsumerIsThrottled(t *testing.T) {
	w := newWorld(t)
	w.topic("t", 1)
	for range 10 {
		w.produce("t", 0, strings.Repeat("x", 900))
	}
	w.limit("user=ANONYMOUS", "consumer_byte_rate", 500)
	q := fetchOf("t", 0, 0)
	q.SessionEpoch, q.MaxBytes = 0, 1<<20
	first := ask[*kmsg.FetchResponse](w, 12, q)
	// 10 s of 500 bytes are the most that is ever given at once.
	got := len(first.Topics[0].Partitions[0].RecordBatches)
	if first.ThrottleMillis != 0 || first.SessionID == 0 || got < 3000 || got > 5000 {
		t.Fatalf("throttled for %d ms, session %d, %d bytes", first.ThrottleMillis, first.SessionID, got)
	}
	conn, in := w.another()
	next := func(epoch int32) *kmsg.FetchResponse {
		q := fetchOf("t", 4, 0)
		q.SessionID, q.SessionEpoch, q.MaxBytes = first.SessionID, epoch, 1<<20
		return askOn[*kmsg.FetchResponse](w, conn, in, 12, q)
	}
	second := next(1)
	if second.ThrottleMillis < 5000 || len(second.Topics) != 0 || second.SessionID != first.SessionID || second.ErrorCode != 0 {
		t.Fatalf("throttled for %d ms: %+v", second.ThrottleMillis, second)
	}
	done := make(chan *kmsg.FetchResponse, 1)
	go func() { done <- next(2) }()
	w.throttled(1)
	w.clock.Advance(12 * time.Second)
	if third := <-done; third.ThrottleMillis != 0 || len(third.Topics) != 1 {
		t.Errorf("throttled for %d ms: %+v", third.ThrottleMillis, third)
	}
}

// Time on a handler counts, for every API, and no wait is longer than a second.
func TestRequestsAreThrottledByTheirTime(t *testing.T) {
	w := newWorld(t)
	w.limit("user=ANONYMOUS,client-id=-", "request_percentage", 1)
	describe := func(conn net.Conn, in *bufio.Reader) int32 {
		return askOn[*kmsg.DescribeLogDirsResponse](w, conn, in, 4, kmsg.NewPtrDescribeLogDirsRequest()).ThrottleMillis
	}
	w.volumeTakes.Store(int64(102 * time.Millisecond))
	if throttle := describe(w.conn, w.in); throttle != 200 {
		t.Errorf("10.2 hundredths of a second in 10 s: throttled for %d ms", throttle)
	}
	w.volumeTakes.Store(int64(500 * time.Millisecond))
	if throttle := describe(w.another()); throttle != 1000 {
		t.Errorf("throttled for %d ms", throttle)
	}
	// Versions that cannot tell are throttled and not told.
	conn, in := w.another()
	w.volumeTakes.Store(0)
	if p := askOn[*kmsg.ListGroupsResponse](w, conn, in, 0, kmsg.NewPtrListGroupsRequest()); p.ErrorCode != 0 {
		t.Errorf("error %d", p.ErrorCode)
	}
}

// Time counts in which a handler works, and not that in which it waits, for the client to
// take earlier answers or for anything else. Without a limit nothing is counted.
func TestTimeThatCounts(t *testing.T) {
	manual := clock.NewManual(time.UnixMilli(0))
	takes := func(d time.Duration) func() error {
		return func() error { manual.Advance(d); return io.ErrShortWrite }
	}
	c := &charge{api: &API{Rooms: Rooms{Clock: manual}}}
	c.work()
	manual.Advance(20 * time.Millisecond)
	if err := c.resting(takes(time.Hour)); err != io.ErrShortWrite {
		t.Errorf("the wait ended with %v", err)
	}
	manual.Advance(30 * time.Millisecond)
	if got := c.percent(); got != 5 {
		t.Errorf("%v hundredths of a second", got)
	}
	var none *charge
	if err := none.resting(takes(0)); err != io.ErrShortWrite {
		t.Errorf("the wait ended with %v", err)
	}
}

// Changes of topics are refused while the client owes for earlier ones, one by one; what
// came before KIP-599 is throttled instead. Whatever was refused for another reason costs
// nothing.
func TestChangesOfTopicsAreLimited(t *testing.T) {
	w := newWorld(t)
	w.limit("user=ANONYMOUS", "controller_mutation_rate", 1)
	const exceeded = 89
	create := func(version int16, topics ...kmsg.CreateTopicsRequestTopic) (codes string, throttle int32) {
		conn, in := w.another() // the first is muted soon
		p := askOn[*kmsg.CreateTopicsResponse](w, conn, in, version, createRequest(topics...))
		for _, one := range p.Topics {
			codes += strconv.Itoa(int(one.ErrorCode)) + " "
		}
		return codes, p.ThrottleMillis
	}
	// 11 are there, 13 are taken, 2 s are owed.
	if codes, throttle := create(7, topicRequest("a", 3, 1), topicRequest("b", 1, 7), topicRequest("c", 10, 1)); codes != "0 38 0 " || throttle != 0 {
		t.Errorf("codes %s, throttled for %d ms", codes, throttle)
	}
	if codes, throttle := create(6, topicRequest("d", 1, 1)); codes != "89 " || throttle != 2000 {
		t.Errorf("codes %s, throttled for %d ms", codes, throttle)
	}
	w.clock.Advance(1500 * time.Millisecond)
	partitions := kmsg.NewPtrCreatePartitionsRequest()
	more := kmsg.NewCreatePartitionsRequestTopic()
	more.Topic, more.Count = "a", 4
	partitions.Topics = append(partitions.Topics, more)
	conn, in := w.another()
	if p := askOn[*kmsg.CreatePartitionsResponse](w, conn, in, 3, partitions); p.Topics[0].ErrorCode != exceeded || p.ThrottleMillis != 500 {
		t.Errorf("code %d, throttled for %d ms", p.Topics[0].ErrorCode, p.ThrottleMillis)
	}
	remove := kmsg.NewPtrDeleteTopicsRequest()
	name, topic := "a", kmsg.NewDeleteTopicsRequestTopic()
	topic.Topic = &name
	remove.TopicNames, remove.Topics = []string{name}, append(remove.Topics, topic)
	conn, in = w.another()
	if p := askOn[*kmsg.DeleteTopicsResponse](w, conn, in, 6, remove); p.Topics[0].ErrorCode != exceeded || p.ThrottleMillis != 500 {
		t.Errorf("code %d, throttled for %d ms", p.Topics[0].ErrorCode, p.ThrottleMillis)
	}
	// A topic that is created by its name is as unknown as before.
	q := kmsg.NewPtrMetadataRequest()
	named := kmsg.NewMetadataRequestTopic()
	named.Topic = kmsg.StringPtr("e")
	q.Topics, q.AllowAutoTopicCreation = append(q.Topics, named), true
	conn, in = w.another()
	if p := askOn[*kmsg.MetadataResponse](w, conn, in, 12, q); p.Topics[0].ErrorCode != 3 || p.ThrottleMillis != 0 {
		t.Errorf("code %d, throttled for %d ms", p.Topics[0].ErrorCode, p.ThrottleMillis)
	}
	// Before KIP-599 all of it is done, and the client is told to wait.
	conn, in = w.another()
	if p := askOn[*kmsg.DeleteTopicsResponse](w, conn, in, 4, remove); p.Topics[0].ErrorCode != 0 || p.ThrottleMillis != 3500 {
		t.Errorf("code %d, throttled for %d ms", p.Topics[0].ErrorCode, p.ThrottleMillis)
	}
	w.clock.Advance(4 * time.Second)
	if codes, throttle := create(5, topicRequest("f", 2, 1)); codes != "0 " || throttle != 1500 {
		t.Errorf("codes %s, throttled for %d ms", codes, throttle)
	}
	if n := w.counters.Counter("barnabas_quota_controller_mutation_throttled_total").Value(); n != 5 {
		t.Errorf("%d were throttled", n)
	}
}

// A request that no limit of its client is about is not charged, and so overtaken as ever.
func TestWhatNoLimitIsAboutIsNotCharged(t *testing.T) {
	grantOf := func(kinds ...quota.Kind) *quota.Grant {
		l := new(quota.Limits)
		for _, k := range kinds {
			l.Set(k, quota.Named("alice"), quota.Part{}, 1)
		}
		c := quota.NewClients(quota.Windows{}, &metrics.Set{})
		c.Change(l)
		return c.Grant(nil, "alice", "app")
	}
	for _, c := range []struct {
		kind quota.Kind
		keys []kmsg.Key
	}{
		{quota.Produce, []kmsg.Key{kmsg.Produce}},
		{quota.Fetch, []kmsg.Key{kmsg.Fetch, kmsg.ShareFetch}},
		{quota.Mutation, []kmsg.Key{kmsg.Metadata, kmsg.CreateTopics, kmsg.DeleteTopics, kmsg.CreatePartitions}},
	} {
		grant := grantOf(c.kind)
		for _, e := range table() {
			if want, got := slices.Contains(c.keys, kmsg.Key(e.key)), concerns(grant, e.key); got != want {
				t.Errorf("%s under a limit of kind %d: %v", e.name, c.kind, got)
			}
			if !concerns(grantOf(quota.Request), e.key) {
				t.Errorf("the time of %s does not count", e.name)
			}
		}
	}
}
