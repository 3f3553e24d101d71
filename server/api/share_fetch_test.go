package api

import (
	"bufio"
	"fmt"
	"net"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/config"
	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/coordinator/share"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/protocol"
)

// shareStates is a persister in memory that answers at once.
type shareStates struct {
	mu      sync.Mutex
	machine *share.Machine
	end     protocol.Offset
	fail    error // what writes answer
}

func (w *world) shareState(decide func(m *share.Machine) coordinator.Decision) {
	s := &w.shareStates
	s.mu.Lock()
	if s.machine == nil {
		s.machine = share.NewMachine(share.Config{UpdatesMax: 500, Partitions: func(id protocol.UUID) int32 {
			if t := w.store.Image().TopicByID(id); t != nil {
				return int32(len(t.Partitions))
			}
			return 0
		}})
	}
	d := decide(s.machine)
	for _, r := range d.Records {
		w.must(s.machine.Apply(s.end, r, coordinator.NoProducer))
		s.end++
	}
	s.mu.Unlock()
	for _, reply := range d.Replies {
		reply(nil)
	}
}

// Read implements share.Persister.
func (w *world) Read(in share.ReadInput, reply func(share.ReadOutput)) {
	w.shareState(func(m *share.Machine) coordinator.Decision { return m.Read(coordinator.Moment{}, in, reply) })
}

// Write implements share.Persister.
func (w *world) Write(in share.WriteInput, reply func(error)) {
	w.shareStates.mu.Lock()
	err := w.shareStates.fail
	w.shareStates.mu.Unlock()
	if err != nil {
		reply(err)
		return
	}
	w.shareState(func(m *share.Machine) coordinator.Decision { return m.Write(coordinator.Moment{}, in, reply) })
}

func (w *world) failShareWrites(err error) {
	w.shareStates.mu.Lock()
	defer w.shareStates.mu.Unlock()
	w.shareStates.fail = err
}

func (w *world) groupSettings(groupID string) config.Group {
	return w.settings.Load().Group(w.store.Image().Config(metadata.Resource{Type: metadata.ResourceGroup, Name: groupID}).Map())
}

func (w *world) shareSettings(groupID string) share.Settings {
	g := w.groupSettings(groupID)
	return share.Settings{
		LockDuration: g.ShareRecordLockDuration, DeliveriesMax: g.ShareDeliveryCountLimit,
		LocksMax: g.SharePartitionRecordLocksMax, RenewAllowed: g.ShareRenewAcknowledge,
	}
}

// configureGroup sets settings of a group.
func (w *world) configureGroup(group string, settings ...string) {
	w.t.Helper()
	q := kmsg.NewPtrIncrementalAlterConfigsRequest()
	r := kmsg.NewIncrementalAlterConfigsRequestResource()
	r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeGroupConfig, group
	for _, s := range settings {
		name, value, _ := strings.Cut(s, "=")
		c := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
		c.Name, c.Value = name, &value
		r.Configs = append(r.Configs, c)
	}
	q.Resources = append(q.Resources, r)
	if p := ask[*kmsg.IncrementalAlterConfigsResponse](w, 1, q); p.Resources[0].ErrorCode != 0 {
		w.t.Fatalf("configuring %s: %v", group, *p.Resources[0].ErrorMessage)
	}
}

// shareWorld is a world with a topic of one partition whose share partition in group g is
// initialized, to begin at the earliest record.
func shareWorld(t *testing.T, overrides ...string) (*world, protocol.UUID) {
	t.Helper()
	w := newWorld(t, overrides...)
	id := w.topic("t", 1)
	w.configureGroup("g", "share.auto.offset.reset=earliest")
	w.initShare("g", id)
	return w, id
}

func (w *world) initShare(group string, topic protocol.UUID) {
	w.t.Helper()
	in := share.InitializeInput{Key: share.Key{GroupID: group, TopicID: topic}, StartOffset: share.Uninitialized}
	w.shareState(func(m *share.Machine) coordinator.Decision { return m.Initialize(coordinator.Moment{}, in, w.must) })
}

// sharer is a member of a share group on a connection of its own.
type sharer struct {
	*world
	group, name string
	topic       protocol.UUID
	epoch       int32
	conn        net.Conn
	in          *bufio.Reader
}

func (w *world) sharer(name string, topic protocol.UUID) *sharer {
	w.t.Helper()
	conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(w.listener.Port)))
	w.must(err)
	w.must(conn.SetDeadline(time.Now().Add(30 * time.Second)))
	w.t.Cleanup(func() { _ = conn.Close() })
	return &sharer{world: w, group: "g", name: name, topic: topic, conn: conn, in: bufio.NewReader(conn)}
}

// askAs sends a request on the member's connection.
func askAs[P kmsg.Response](s *sharer, version int16, q kmsg.Request) P {
	s.t.Helper()
	return askOn[P](s.world, s.conn, s.in, version, q)
}

// fetchRequest is the member's next fetch from partition 0, with acknowledgements such
// as "0-4:1" (one type) or "0-2:1,2,3".
func (s *sharer) fetchRequest(acks ...string) *kmsg.ShareFetchRequest {
	q := kmsg.NewPtrShareFetchRequest()
	q.GroupID, q.MemberID, q.ShareSessionEpoch = &s.group, &s.name, s.epoch
	q.MinBytes, q.MaxBytes, q.MaxRecords, q.BatchSize = 1, 1<<20, 500, 500
	t := kmsg.NewShareFetchRequestTopic()
	t.TopicID = s.topic
	p := kmsg.NewShareFetchRequestTopicPartition()
	for _, a := range acks {
		b := kmsg.NewShareFetchRequestTopicPartitionAcknowledgementBatch()
		b.FirstOffset, b.LastOffset, b.AcknowledgeTypes = s.ack(a)
		p.AcknowledgementBatches = append(p.AcknowledgementBatches, b)
	}
	t.Partitions = append(t.Partitions, p)
	q.Topics = append(q.Topics, t)
	return q
}

func (s *sharer) ack(text string) (first, last int64, types []int8) {
	s.t.Helper()
	where, kinds, _ := strings.Cut(text, ":")
	if _, err := fmt.Sscanf(where, "%d-%d", &first, &last); err != nil {
		s.t.Fatal(err)
	}
	for _, kind := range strings.Split(kinds, ",") {
		if kind != "" {
			n, err := strconv.Atoi(kind)
			s.must(err)
			types = append(types, int8(n))
		}
	}
	return first, last, types
}

// fetch fetches and tells what came: the values and the deliveries, or errors.
func (s *sharer) fetch(acks ...string) string {
	s.t.Helper()
	return s.tell(askAs[*kmsg.ShareFetchResponse](s, 2, s.fetchRequest(acks...)))
}

func (s *sharer) tell(p *kmsg.ShareFetchResponse) (text string) {
	s.t.Helper()
	if p.ErrorCode != 0 {
		return errorName(p.ErrorCode)
	}
	s.epoch++
	for _, t := range p.Topics {
		for _, p := range t.Partitions {
			text += fmt.Sprintf("[%d", p.Partition)
			if p.ErrorCode != 0 {
				text += " " + errorName(p.ErrorCode)
			}
			if p.AcknowledgeErrorCode != 0 {
				text += " ack " + errorName(p.AcknowledgeErrorCode)
			}
			for rest := p.Records; len(rest) > 0; {
				batch, more, err := protocol.NextBatch(rest)
				s.must(err)
				s.must(batch.EachRecord(protocol.DecodeLimits{}, func(r *protocol.Record) error {
					text += fmt.Sprintf(" %d=%s", r.Offset, r.Value)
					return nil
				}))
				rest = more
			}
			for _, a := range p.AcquiredRecords {
				text += fmt.Sprintf(" %d-%d:%d", a.FirstOffset, a.LastOffset, a.DeliveryCount)
			}
			text += "]"
		}
	}
	return text
}

func errorName(code int16) string { return protocol.ErrorForCode(code).Name }

// acknowledge sends a ShareAcknowledge and tells the error of partition 0.
func (s *sharer) acknowledge(isRenewal bool, acks ...string) string {
	s.t.Helper()
	q := kmsg.NewPtrShareAcknowledgeRequest()
	q.GroupID, q.MemberID, q.ShareSessionEpoch, q.IsRenewAck = &s.group, &s.name, s.epoch, isRenewal
	t := kmsg.NewShareAcknowledgeRequestTopic()
	t.TopicID = s.topic
	p := kmsg.NewShareAcknowledgeRequestTopicPartition()
	for _, a := range acks {
		b := kmsg.NewShareAcknowledgeRequestTopicPartitionAcknowledgementBatch()
		b.FirstOffset, b.LastOffset, b.AcknowledgeTypes = s.ack(a)
		p.AcknowledgementBatches = append(p.AcknowledgementBatches, b)
	}
	t.Partitions = append(t.Partitions, p)
	q.Topics = append(q.Topics, t)
	answer := askAs[*kmsg.ShareAcknowledgeResponse](s, 2, q)
	if answer.ErrorCode != 0 {
		return errorName(answer.ErrorCode)
	}
	s.epoch++
	return errorName(answer.Topics[0].Partitions[0].ErrorCode)
}

func expect(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Fatalf("%s: %q, want %q", what, got, want)
	}
}

// Two members share a partition; what one acknowledges nobody gets again, also after a
// restart.
func TestShareFetchDeliversEachRecordToOne(t *testing.T) {
	w, id := shareWorld(t)
	w.produce("t", 0, "a", "b", "c")
	alice, bob := w.sharer("alice", id), w.sharer("bob", id)
	q := alice.fetchRequest()
	q.MaxRecords = 2
	expect(t, "the first fetch", alice.tell(askAs[*kmsg.ShareFetchResponse](alice, 2, q)), "[0 0=a 1=b 0-1:1]")
	expect(t, "bob's first", bob.fetch(), "[0 2=c 2-2:1]")
	expect(t, "nothing is left", bob.fetch(), "")
	expect(t, "one accepted, one released", alice.acknowledge(false, "0-1:1,2"), "NONE")
	expect(t, "what is released", bob.fetch("2-2:1"), "[0 1=b 1-1:2]")
	expect(t, "again", alice.acknowledge(false, "0-0:1"), "NONE") // below the start
	expect(t, "what is bob's", alice.acknowledge(false, "1-1:1"), "INVALID_RECORD_STATE")
	expect(t, "what nobody has", alice.acknowledge(false, "3-3:1"), "INVALID_REQUEST")
	w.restart()
	carol := w.sharer("carol", id)
	expect(t, "after a restart", carol.fetch(), "[0 1=b 1-1:3]") // bob's connection gave it back
}

// A group begins where its settings say.
func TestShareFetchBeginsWhereTheGroupSays(t *testing.T) {
	w, id := shareWorld(t)
	w.produce("t", 0, "a")
	w.clock.Advance(time.Hour)
	w.produce("t", 0, "b")
	for group, want := range map[string]string{"latest": "", "by_duration:PT30M": "[0 1=b 1-1:1]", "by_duration:P1DT1H0.5S": "[0 0=a 1=b 0-1:1]"} {
		w.configureGroup(group, "share.auto.offset.reset="+group)
		w.initShare(group, id)
		s := w.sharer("m", id)
		s.group = group
		want := want
		if want == "" {
			want = "[0]"
		}
		expect(t, group, s.fetch(), want)
	}
}

func TestShareFetchRefuses(t *testing.T) {
	w, id := shareWorld(t, "group.share.max.share.sessions=2")
	w.produce("t", 0, "a", "b")
	s := w.sharer("m", id)
	with := func(change func(*kmsg.ShareFetchRequest)) string {
		q := s.fetchRequest()
		change(q)
		return errorName(askAs[*kmsg.ShareFetchResponse](s, 2, q).ErrorCode)
	}
	expect(t, "no group", with(func(q *kmsg.ShareFetchRequest) { q.GroupID = nil }), "INVALID_REQUEST")
	expect(t, "no member", with(func(q *kmsg.ShareFetchRequest) { q.MemberID = nil }), "INVALID_REQUEST")
	long := strings.Repeat("m", 37)
	expect(t, "a long member", with(func(q *kmsg.ShareFetchRequest) { q.MemberID = &long }), "INVALID_REQUEST")
	expect(t, "no session", with(func(q *kmsg.ShareFetchRequest) { q.ShareSessionEpoch = 1 }), "SHARE_SESSION_NOT_FOUND")
	expect(t, "no session to end", with(func(q *kmsg.ShareFetchRequest) { q.ShareSessionEpoch = -1 }), "SHARE_SESSION_NOT_FOUND")
	expect(t, "records in a renewal", with(func(q *kmsg.ShareFetchRequest) { q.IsRenewAck = true }), "INVALID_REQUEST")
	expect(t, "acknowledged too early", errorName(askAs[*kmsg.ShareFetchResponse](s, 2, s.fetchRequest("0-0:1")).ErrorCode), "INVALID_REQUEST")
	expect(t, "an acknowledgement opens none", s.acknowledge(false, "0-0:1"), "INVALID_SHARE_SESSION_EPOCH")
	expect(t, "the first", s.fetch(), "[0 0=a 1=b 0-1:1]")
	expect(t, "an epoch too far", with(func(q *kmsg.ShareFetchRequest) { q.ShareSessionEpoch = 7 }), "INVALID_SHARE_SESSION_EPOCH")
	for acks, want := range map[string]string{
		"1-0:1": "INVALID_REQUEST", "0-1:1,1,1": "INVALID_REQUEST", "0-1:": "INVALID_REQUEST", "0-1:5": "INVALID_REQUEST",
		"0-1:-1": "INVALID_REQUEST", "0-1:4": "INVALID_REQUEST",
	} {
		expect(t, acks, s.acknowledge(false, acks), want)
	}
	expect(t, "overlapping", s.acknowledge(false, "0-1:1", "0-0:1"), "INVALID_REQUEST")
	gone := w.sharer("gone", protocol.UUID{9})
	expect(t, "no such topic", gone.fetch(), "[0 UNKNOWN_TOPIC_ID]")
	third := w.sharer("third", id)
	third.topic = id
	expect(t, "one session too many", third.fetch(), "SHARE_SESSION_LIMIT_REACHED")
	w.must(gone.conn.Close())
	stranger := w.sharer("stranger", id)
	stranger.group = "nobody has initialized it"
	for stranger.epoch == 0 { // until the other session has ended
		if got := stranger.fetch(); got != "SHARE_SESSION_LIMIT_REACHED" {
			expect(t, "a group that nobody has joined", got, "[0 UNKNOWN_SERVER_ERROR]")
		}
	}
}

// A fetch waits for records, whoever makes them available.
func TestShareFetchWaits(t *testing.T) {
	w, id := shareWorld(t)
	alice, bob := w.sharer("alice", id), w.sharer("bob", id)
	waiting := func() <-chan string {
		got := make(chan string, 1)
		q := bob.fetchRequest()
		q.MaxWaitMillis = 60_000
		before := w.clock.Pending()
		go func() { got <- bob.tell(askAs[*kmsg.ShareFetchResponse](bob, 2, q)) }()
		for w.clock.Pending() == before { // until the wait has begun
			select {
			case text := <-got:
				t.Errorf("it did not wait: %s", text)
				return got
			default:
				runtime.Gosched()
			}
		}
		return got
	}
	got := waiting()
	w.produce("t", 0, "a")
	expect(t, "appended", <-got, "[0 0=a 0-0:1]")
	expect(t, "nothing for alice", alice.fetch(), "[0]")
	w.produce("t", 0, "b")
	expect(t, "alice's", alice.fetch(), "[0 1=b 1-1:1]")
	got = waiting()
	expect(t, "released", alice.acknowledge(false, "1-1:2"), "NONE")
	expect(t, "released", <-got, "[0 1=b 1-1:2]")
	expect(t, "bob's done", bob.acknowledge(false, "0-1:1"), "NONE")
	w.produce("t", 0, "c")
	expect(t, "alice's", alice.fetch(), "[0 2=c 2-2:1]")
	got = waiting()
	w.clock.Advance(30 * time.Second)
	expect(t, "its lock has ended", <-got, "[0 2=c 2-2:2]")
	expect(t, "bob's done", bob.acknowledge(false, "2-2:1"), "NONE")
	w.produce("t", 0, "d")
	expect(t, "alice's", alice.fetch(), "[0 3=d 3-3:1]")
	got = waiting()
	w.must(alice.conn.Close())
	expect(t, "alice has gone", <-got, "[0 3=d 3-3:2]")
}

// min_bytes holds records back until the time is up, when what there is goes.
func TestShareFetchWaitsForBytes(t *testing.T) {
	w, id := shareWorld(t)
	w.produce("t", 0, "a")
	s := w.sharer("m", id)
	q := s.fetchRequest()
	q.MinBytes, q.MaxWaitMillis = 1<<20, 500
	got := make(chan string, 1)
	before := w.clock.Pending()
	go func() { got <- s.tell(askAs[*kmsg.ShareFetchResponse](s, 2, q)) }()
	for w.clock.Pending() == before && len(got) == 0 {
		runtime.Gosched()
	}
	if len(got) > 0 {
		t.Fatalf("it did not wait: %s", <-got)
	}
	w.clock.Advance(time.Second)
	expect(t, "in the end", <-got, "[0 0=a 0-0:1]")
}

// Renewed locks last longer; strict fetches do not exceed their limit; a session that ends
// gives back what it had.
func TestShareFetchOfVersion2(t *testing.T) {
	w, id := shareWorld(t)
	w.send("t", w.batchOf(plain(), "a", "b", "c", "d"))
	s, other := w.sharer("m", id), w.sharer("other", id)
	q := s.fetchRequest()
	q.ShareAcquireMode, q.MaxRecords = 1, 3
	expect(t, "three of four", s.tell(askAs[*kmsg.ShareFetchResponse](s, 2, q)), "[0 0=a 1=b 2=c 3=d 0-2:1]")
	w.clock.Advance(20 * time.Second)
	expect(t, "renewed", s.acknowledge(true, "0-0:4"), "NONE")
	w.clock.Advance(10 * time.Second)
	expect(t, "not renewed", other.fetch(), "[0 0=a 1=b 2=c 3=d 1-2:2 3-3:1]")
	q = s.fetchRequest("0-0:4")
	q.IsRenewAck, q.MaxBytes, q.MinBytes, q.MaxRecords = true, 0, 0, 0
	expect(t, "renewed by a fetch", s.tell(askAs[*kmsg.ShareFetchResponse](s, 2, q)), "[0]")
	w.clock.Advance(29 * time.Second)
	other.epoch = -1
	expect(t, "the last word", other.fetch("1-1:1"), "[0]")
	other.epoch = 0
	expect(t, "given back", other.fetch(), "[0 0=a 1=b 2=c 3=d 2-2:3 3-3:2]")
}

// What could not be stored is said so, and is as before.
func TestShareAcknowledgementsThatAreNotStored(t *testing.T) {
	w, id := shareWorld(t)
	w.produce("t", 0, "a")
	s := w.sharer("m", id)
	expect(t, "fetched", s.fetch(), "[0 0=a 0-0:1]")
	w.failShareWrites(coordinator.ErrUnavailable)
	expect(t, "not stored", s.acknowledge(false, "0-0:1"), "COORDINATOR_NOT_AVAILABLE")
	w.failShareWrites(nil)
	expect(t, "stored", s.acknowledge(false, "0-0:1"), "NONE")
	w.produce("t", 0, "b")
	expect(t, "fetched", s.fetch(), "[0 1=b 1-1:1]")
	w.initShare("g", id) // another life of it begins
	w.failShareWrites(protocol.ErrFencedStateEpoch)
	expect(t, "fenced", s.acknowledge(false, "1-1:1"), "NOT_LEADER_OR_FOLLOWER")
	w.failShareWrites(nil)
	expect(t, "loaded anew", s.fetch(), "[0 0=a 1=b 0-1:1]")
}

// A group that reads committed records does not get aborted ones, which are done with.
func TestShareFetchOfCommittedRecords(t *testing.T) {
	w, id := shareWorld(t)
	w.configureGroup("g", "share.isolation.level=read_committed")
	w.transact("t", "+1 +2 ^1 !2 +3")
	s := w.sharer("m", id)
	got := s.fetch()
	if !strings.HasSuffix(got, " 0-0:1 2-3:1]") || strings.Contains(got, "+3") {
		t.Errorf("it gets %q", got)
	}
	w.transact("t", "!3 +4 !4 .")
	last := ""
	for range 10 { // what comes after the aborted ones, without a wait
		if last = s.fetch(); strings.Contains(last, "=.") {
			return
		}
	}
	t.Errorf("the last record does not come; at last %q", last)
}

// One record that comes back does not keep away the new ones behind those that somebody
// has.
func TestShareFetchGoesOnBehindWhatIsHeld(t *testing.T) {
	w, id := shareWorld(t)
	w.send("t", w.batchOf(plain(), "a", "b", "c", "d"))
	s, other := w.sharer("m", id), w.sharer("other", id)
	expect(t, "fetched", s.fetch(), "[0 0=a 1=b 2=c 3=d 0-3:1]")
	w.send("t", w.batchOf(plain(), "e", "f", "g"))
	expect(t, "one is given back", s.acknowledge(false, "1-1:2"), "NONE")
	q := other.fetchRequest()
	q.MaxRecords = 3
	expect(t, "it, and the new ones", other.tell(askAs[*kmsg.ShareFetchResponse](other, 1, q)), "[0 0=a 1=b 2=c 3=d 4=e 5=f 6=g 1-1:2 4-6:1]")
}

// The heads of many batches are read in windows, and a limit ends the scan.
func TestShareFetchOfManyBatches(t *testing.T) {
	w, id := shareWorld(t)
	var values []string
	for i := range 300 {
		values = append(values, strings.Repeat("x", 10+i%200))
	}
	w.produce("t", 0, values...)
	s := w.sharer("m", id)
	var got []int64
	for len(got) < 300 {
		q := s.fetchRequest()
		q.MaxRecords, q.BatchSize = 70, 30
		p := askAs[*kmsg.ShareFetchResponse](s, 1, q)
		s.epoch++
		if len(p.Topics) == 0 {
			t.Fatalf("nothing after %d records", len(got))
		}
		for _, a := range p.Topics[0].Partitions[0].AcquiredRecords {
			if n := a.LastOffset - a.FirstOffset + 1; n > 30 {
				t.Errorf("%d records together", n)
			}
			for o := a.FirstOffset; o <= a.LastOffset; o++ {
				got = append(got, o)
			}
		}
		records := 0
		for rest := p.Topics[0].Partitions[0].Records; len(rest) > 0; records++ {
			_, more, err := protocol.NextBatch(rest)
			w.must(err)
			rest = more
		}
		if records != 70 && len(got) < 300 {
			t.Errorf("%d batches", records)
		}
	}
	if !slices.IsSorted(got) || len(slices.Compact(got)) != 300 {
		t.Errorf("the offsets are %v", got)
	}
}
