package api

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/internal/fault"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/protocol"
)

// fault sets a rule.
func (w *world) fault(rule fault.Rule) *fault.Fault {
	w.t.Helper()
	f, err := w.faults.Add(rule)
	w.must(err)
	return f
}

// sample fills a request: one entry in each list, and the topic "orders" wherever
// one is named.
func sample(v reflect.Value, name string, topic metadata.Topic) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if field := v.Type().Field(i).Name; field != "Version" && field != "UnknownTags" {
				sample(v.Field(i), field, topic)
			}
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			if name == "Records" {
				v.SetBytes(batchOf("a record"))
			}
			return
		}
		entry := reflect.New(v.Type().Elem())
		setDefaults(entry)
		sample(entry.Elem(), name, topic)
		v.Set(reflect.Append(reflect.MakeSlice(v.Type(), 0, 1), entry.Elem()))
	case reflect.Array:
		if name == "TopicID" {
			v.Set(reflect.ValueOf([16]byte(topic.ID)))
		}
	case reflect.Pointer:
		if v.Type().Elem().Kind() == reflect.String {
			v.Set(reflect.New(v.Type().Elem()))
			sample(v.Elem(), name, topic)
		}
	case reflect.String:
		v.SetString("x")
		if name == "Topic" || name == "ResourceName" || name == "TopicNames" {
			v.SetString(topic.Name)
		}
	case reflect.Int8:
		if name == "ResourceType" {
			v.SetInt(int64(kmsg.ConfigResourceTypeTopic))
		}
	}
}

func batchOf(value string) []byte {
	b := protocol.NewBatchBuilder(protocol.DefaultBatchOptions())
	b.Add(1, nil, []byte(value))
	return b.Build(0, protocol.None)
}

// codesIn lists where an answer has the code.
func codesIn(v reflect.Value, path string, code int16) (places []string) {
	if c := v.FieldByName("ErrorCode"); c.IsValid() && c.Int() == int64(code) {
		places = append(places, path)
	}
	for i := range v.NumField() {
		list := v.Field(i)
		if !isList(list) || list.Type().Elem().Kind() != reflect.Struct {
			continue
		}
		for j := range list.Len() {
			entry := list.Index(j)
			var names []string
			for _, name := range namingFields {
				field := entry.FieldByName(name)
				if field.IsValid() && field.Kind() == reflect.Pointer && !field.IsNil() {
					field = field.Elem()
				}
				if field.IsValid() && name != "TopicID" && name != "Entity" && !field.IsZero() {
					names = append(names, fmt.Sprint(field))
				}
			}
			places = append(places, codesIn(entry, path+"/"+v.Type().Field(i).Name+"["+strings.Join(names, " ")+"]", code)...)
		}
	}
	return places
}

// Every API answers every version with the error that a fault asks for, at each place
// that Kafka's getErrorResponse of that request has one. The golden file lists the places.
func TestEveryAPICanBeRefused(t *testing.T) {
	const code = 7
	w := newWorld(t, "barnabas.replication.clamp=true")
	w.topic("orders", 1)
	topic := *w.store.Image().Topic("orders")
	var page strings.Builder
	w.fault(fault.Rule{Code: code})
	for _, e := range table() {
		var last string
		for version := e.min; version <= e.max; version++ {
			q := kmsg.RequestForKey(e.key)
			q.SetVersion(version)
			setDefaults(reflect.ValueOf(q))
			q.SetVersion(version)
			sample(reflect.ValueOf(q).Elem(), "", topic)
			if p, ok := q.(*kmsg.ProduceRequest); ok {
				p.Acks, p.TransactionID = 1, nil
			}
			if p, ok := q.(*kmsg.FetchRequest); ok {
				p.SessionEpoch, p.SessionID, p.ReplicaID = -1, 0, -1
				p.ReplicaState.ID = -1
			}
			places := codesIn(reflect.ValueOf(ask[kmsg.Response](w, version, q)).Elem(), ".", code)
			text := strings.Join(places, "  ")
			if len(places) == 0 {
				t.Errorf("%s version %d: the answer says nothing of the error", e.name, version)
			}
			if text != last {
				fmt.Fprintf(&page, "%s v%d: %s\n", e.name, version, text)
			}
			last = text
		}
	}
	const golden = "testdata/refused.txt"
	if *rewrite {
		w.must(os.MkdirAll("testdata", 0o755))
		w.must(os.WriteFile(golden, []byte(page.String()), 0o644))
	}
	want, err := os.ReadFile(golden)
	w.must(err)
	if string(want) != page.String() {
		t.Errorf("%s is not what the answers say (-rewrite):\n%s", golden, page.String())
	}
}

// A fault for a topic, or for a partition of it, leaves the rest of a request alone.
func TestAFaultForAPartitionLeavesTheRestAlone(t *testing.T) {
	const code = 6
	w := newWorld(t)
	w.topic("orders", 2)
	w.topic("bills", 1)
	w.produce("orders", 0, "a", "b")
	w.fault(fault.Rule{Code: code, Topic: "orders", Partitions: []int32{1}})

	list := kmsg.NewPtrListOffsetsRequest()
	list.ReplicaID = -1
	for _, name := range []string{"orders", "bills"} {
		topic := kmsg.NewListOffsetsRequestTopic()
		topic.Topic = name
		for i := range len(w.store.Image().Topic(name).Partitions) {
			p := kmsg.NewListOffsetsRequestTopicPartition()
			p.Partition, p.Timestamp = int32(i), -1
			topic.Partitions = append(topic.Partitions, p)
		}
		list.Topics = append(list.Topics, topic)
	}
	var got []string
	for _, topic := range ask[*kmsg.ListOffsetsResponse](w, 7, list).Topics {
		for _, p := range topic.Partitions {
			got = append(got, fmt.Sprintf("%s-%d: error %d offset %d", topic.Topic, p.Partition, p.ErrorCode, p.Offset))
		}
	}
	slices.Sort(got)
	want := []string{"bills-0: error 0 offset 0", "orders-0: error 0 offset 2", "orders-1: error 6 offset -1"}
	if !slices.Equal(got, want) {
		t.Errorf("offsets:\n%s", strings.Join(got, "\n"))
	}

	produce := kmsg.NewPtrProduceRequest()
	produce.Acks = -1
	topic := kmsg.NewProduceRequestTopic()
	topic.Topic = "orders"
	for i := range int32(2) {
		p := kmsg.NewProduceRequestTopicPartition()
		p.Partition, p.Records = i, batchOf("c")
		topic.Partitions = append(topic.Partitions, p)
	}
	produce.Topics = append(produce.Topics, topic)
	answered := ask[*kmsg.ProduceResponse](w, 9, produce).Topics[0].Partitions
	if answered[0].ErrorCode != 0 || answered[0].BaseOffset != 2 || answered[1].ErrorCode != code {
		t.Errorf("produced: %+v", answered)
	}
	id := w.store.Image().Topic("orders").ID
	if end := w.set.Get(id, 1).Offsets().End; end != 0 {
		t.Errorf("the partition that refused has records up to %d", end)
	}
}

// A fetch session need not name its partitions for a fault to find them.
func TestAFaultFindsThePartitionsOfAFetchSession(t *testing.T) {
	w := newWorld(t)
	w.topic("orders", 2)
	w.produce("orders", 0, "a")
	w.produce("orders", 1, "a")
	q := kmsg.NewPtrFetchRequest()
	q.ReplicaID, q.MaxBytes, q.MinBytes, q.SessionEpoch = -1, 1<<20, 0, 0
	topic := kmsg.NewFetchRequestTopic()
	topic.Topic = "orders"
	for i := range int32(2) {
		p := kmsg.NewFetchRequestTopicPartition()
		p.Partition, p.PartitionMaxBytes, p.CurrentLeaderEpoch, p.LogStartOffset = i, 1<<20, -1, -1
		topic.Partitions = append(topic.Partitions, p)
	}
	q.Topics = append(q.Topics, topic)
	opened := ask[*kmsg.FetchResponse](w, 12, q)
	f := w.fault(fault.Rule{Keys: []int16{1}, Topic: "orders", Partitions: []int32{0}, Code: 6, Times: 1})
	q.Topics, q.SessionID, q.SessionEpoch = nil, opened.SessionID, 1
	p := ask[*kmsg.FetchResponse](w, 12, q)
	if len(p.Topics) != 1 || f.Count() != 1 {
		t.Fatalf("the fault fired %d times; the answer: %+v", f.Count(), p)
	}
	for _, one := range p.Topics[0].Partitions {
		if refused := one.ErrorCode == 6; refused != (one.Partition == 0) {
			t.Errorf("partition %d: error %d", one.Partition, one.ErrorCode)
		}
	}

	w.faults.Clear()
	w.fault(fault.Rule{Keys: []int16{1}, Code: protocol.ErrFetchSessionIDNotFound.Code})
	q.SessionEpoch = 2
	if p := ask[*kmsg.FetchResponse](w, 12, q); p.ErrorCode != protocol.ErrFetchSessionIDNotFound.Code || len(p.Topics) != 0 {
		t.Errorf("an error of sessions: %+v", p)
	}
}

// What a fault refuses of a share session is answered, stays in the session, and is found
// there by the next fault; the rest is served.
func TestAFaultForAPartitionOfAShareSession(t *testing.T) {
	w, id := shareWorld(t)
	other := w.topic("other", 1)
	w.initShare("g", other)
	w.produce("t", 0, "a")
	w.produce("other", 0, "b")
	rule := fault.Rule{Topic: "other", Code: protocol.ErrNotLeaderOrFollower.Code, Times: 1}
	refuse := func(key kmsg.Key) { rule.Keys = []int16{int16(key)}; w.fault(rule) }
	s := w.sharer("m", id)
	q := s.fetchRequest()
	q.Topics = append(q.Topics, q.Topics[0])
	q.Topics[1].TopicID = other
	refuse(kmsg.ShareFetch)
	expect(t, "opened", s.tell(askAs[*kmsg.ShareFetchResponse](s, 2, q)), "[0 0=a 0-0:1][0 NOT_LEADER_OR_FOLLOWER]")
	next := func() string {
		q := s.fetchRequest()
		q.Topics = nil
		return s.tell(askAs[*kmsg.ShareFetchResponse](s, 2, q))
	}
	expect(t, "of the session", next(), "[0 0=b 0-0:1]")
	refuse(kmsg.ShareFetch)
	expect(t, "refused", next(), "[0 NOT_LEADER_OR_FOLLOWER]")
	s.topic = other
	refuse(kmsg.ShareAcknowledge)
	expect(t, "an acknowledgement that is refused", s.acknowledge(false, "0-0:1"), "NOT_LEADER_OR_FOLLOWER")
	refuse(kmsg.ShareFetch)
	expect(t, "one with a fetch", s.fetch("0-0:1"), "[0 NOT_LEADER_OR_FOLLOWER ack NOT_LEADER_OR_FOLLOWER]")
	expect(t, "nothing of which was done", s.acknowledge(false, "0-0:1"), "NONE")
}

// Metadata of a topic that fails, among those of others.
func TestAFaultForOneTopicsMetadata(t *testing.T) {
	w := newWorld(t)
	w.topic("orders", 1)
	w.topic("bills", 1)
	w.fault(fault.Rule{Code: protocol.ErrLeaderNotAvailable.Code, Topic: "orders"})
	q := kmsg.NewPtrMetadataRequest()
	for _, name := range []string{"orders", "bills"} {
		topic := kmsg.NewMetadataRequestTopic()
		topic.Topic = kmsg.StringPtr(name)
		q.Topics = append(q.Topics, topic)
	}
	p := ask[*kmsg.MetadataResponse](w, 12, q)
	codes := make(map[string]int16)
	for _, topic := range p.Topics {
		codes[*topic.Topic] = topic.ErrorCode
	}
	if len(p.Brokers) != 1 || codes["orders"] != protocol.ErrLeaderNotAvailable.Code || codes["bills"] != 0 || len(codes) != 2 {
		t.Errorf("brokers %d, codes %v", len(p.Brokers), codes)
	}
	q.Topics = q.Topics[:1] // nothing is left to be served; still it is no error of the request
	p = ask[*kmsg.MetadataResponse](w, 13, q)
	if p.ErrorCode != 0 || len(p.Topics) != 1 || p.Topics[0].ErrorCode != protocol.ErrLeaderNotAvailable.Code {
		t.Errorf("of one topic: %+v", p)
	}
}

// dial opens another connection.
func (w *world) dial() (net.Conn, *bufio.Reader) {
	w.t.Helper()
	conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(w.listener.Port)))
	w.must(err)
	w.must(conn.SetDeadline(time.Now().Add(30 * time.Second)))
	w.t.Cleanup(func() { conn.Close() })
	return conn, bufio.NewReader(conn)
}

// findCoordinator makes the coordinator of a group ready.
func (w *world) findCoordinator(group string) {
	w.t.Helper()
	q := kmsg.NewPtrFindCoordinatorRequest()
	q.CoordinatorKey = group
	if p := ask[*kmsg.FindCoordinatorResponse](w, 3, q); p.ErrorCode != 0 {
		w.t.Fatalf("finding the coordinator of %s: error %d", group, p.ErrorCode)
	}
}

func createFrame(client, topic string) []byte {
	q := createRequest(topicRequest(topic, 1, 1))
	q.SetVersion(7)
	return kmsg.NewRequestFormatter(kmsg.FormatterClientID(client)).AppendRequest(nil, q, 1)
}

// A dropped connection: before the work nothing has happened, after it everything.
func TestADroppedConnection(t *testing.T) {
	for _, c := range []struct {
		topic string
		drop  fault.Drop
		done  bool
	}{{"before", fault.DropBefore, false}, {"after", fault.DropAfter, true}} {
		w := newWorld(t)
		w.fault(fault.Rule{Drop: c.drop, Times: 1})
		conn, in := w.dial()
		_, err := conn.Write(createFrame("test", c.topic))
		w.must(err)
		if n, err := io.Copy(io.Discard, in); n > 0 || err != nil && !errors.Is(err, net.ErrClosed) {
			t.Errorf("%s: read %d bytes, %v", c.topic, n, err)
		}
		if got := w.store.Image().Topic(c.topic) != nil; got != c.done {
			t.Errorf("dropped %s the work: the topic exists: %v", c.topic, got)
		}
	}
}

// What is answered later is done too before its connection is dropped.
func TestADroppedConnectionOfAParkedRequest(t *testing.T) {
	w := newWorld(t)
	w.fault(fault.Rule{Keys: []int16{int16(kmsg.OffsetCommit)}, Drop: fault.DropAfter, Times: 1})
	w.topic("orders", 1)
	w.findCoordinator("g")
	q := kmsg.NewPtrOffsetCommitRequest()
	q.SetVersion(8)
	q.Group, q.Generation = "g", -1
	topic := kmsg.NewOffsetCommitRequestTopic()
	topic.Topic = "orders"
	p := kmsg.NewOffsetCommitRequestTopicPartition()
	p.Offset = 5
	topic.Partitions = append(topic.Partitions, p)
	q.Topics = append(q.Topics, topic)
	conn, in := w.dial()
	_, err := conn.Write(kmsg.NewRequestFormatter().AppendRequest(nil, q, 1))
	w.must(err)
	if n, err := io.Copy(io.Discard, in); n > 0 || err != nil {
		t.Errorf("read %d bytes, %v", n, err)
	}
	fetch := kmsg.NewPtrOffsetFetchRequest()
	fetch.Group = "g"
	of := kmsg.NewOffsetFetchRequestTopic()
	of.Topic, of.Partitions = "orders", []int32{0}
	fetch.Topics = append(fetch.Topics, of)
	if got := ask[*kmsg.OffsetFetchResponse](w, 7, fetch).Topics[0].Partitions[0].Offset; got != 5 {
		t.Errorf("the offset is %d: the commit was not made", got)
	}
}

// A delay is waited by the broker's clock, before any work, and holds up its own
// connection alone.
func TestADelay(t *testing.T) {
	w := newWorld(t)
	f := w.fault(fault.Rule{Delay: time.Hour, ClientID: "slow"})
	timers := w.clock.Pending()
	conn, in := w.dial()
	_, err := conn.Write(createFrame("slow", "late"))
	w.must(err)
	w.must(f.Wait(t.Context(), 1))
	ask[*kmsg.MetadataResponse](w, 12, kmsg.NewPtrMetadataRequest()) // another client has its answer
	broken := time.Now().Add(20 * time.Second)
	for w.clock.Pending() == timers && time.Now().Before(broken) { // until the delay has begun
		runtime.Gosched()
	}
	if w.store.Image().Topic("late") != nil {
		t.Error("the work was done at once")
	}
	w.clock.Advance(time.Hour)
	if _, err := in.ReadByte(); err != nil || w.store.Image().Topic("late") == nil {
		t.Errorf("after the delay: %v", err)
	}
}

// Parts of an answer about one topic stay together, be it named by id.
func TestARefusedPartJoinsTheRestOfItsTopic(t *testing.T) {
	w := newWorld(t)
	id := w.topic("orders", 2)
	w.findCoordinator("g")
	w.fault(fault.Rule{Code: protocol.ErrInvalidCommitOffsetSize.Code, Topic: "orders", Partitions: []int32{1}})
	for _, version := range []int16{8, 10} {
		q := kmsg.NewPtrOffsetCommitRequest()
		q.Group, q.Generation = "g", -1
		topic := kmsg.NewOffsetCommitRequestTopic()
		topic.Topic, topic.TopicID = "orders", id
		for i := range int32(2) {
			p := kmsg.NewOffsetCommitRequestTopicPartition()
			p.Partition, p.Offset = i, 5
			topic.Partitions = append(topic.Partitions, p)
		}
		q.Topics = append(q.Topics, topic)
		p := ask[*kmsg.OffsetCommitResponse](w, version, q)
		if len(p.Topics) != 1 || len(p.Topics[0].Partitions) != 2 {
			t.Fatalf("version %d: %+v", version, p.Topics)
		}
		for _, one := range p.Topics[0].Partitions {
			if refused := one.ErrorCode != 0; refused != (one.Partition == 1) {
				t.Errorf("version %d, partition %d: error %d", version, one.Partition, one.ErrorCode)
			}
		}
	}
}
