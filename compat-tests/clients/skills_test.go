package clients

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/barnabas-mq/barnabas/compat-tests/clients/program"
	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

const (
	// largeLimit is what the topic takes in one batch, five times the default.
	largeLimit = 5 << 20
	largeFlag  = "--max-bytes"
	// largeSlack is for what else is in the batch: the small records, and what is around each.
	largeSlack = 64 << 10
)

// large: a record that nearly fills the topic's limit goes in and comes back among small ones; one
// that is above the limit is refused by the broker, and the client says so.
func large(t *testing.T, broker testbed.Target, client Program) {
	const topic = "large"
	judge := newJudge(t, broker.Bootstrap())
	judge.create(1, topic)
	judge.alter(topic, "max.message.bytes", strconv.Itoa(largeLimit))
	small := makeRecords(0, 2, client.Client.Lacks)
	sent := []program.Record{small[0], {Key: []byte("large"), Value: noise(largeLimit - largeSlack)}, small[1]}
	client.Produce(t, broker.Bootstrap(), topic, "none", sent, largeFlag, strconv.Itoa(2*largeLimit))
	got := client.Read(t, broker.Bootstrap(), []string{topic}, len(sent))
	if len(got) != len(sent) {
		t.Fatalf("%d records came back, want %d", len(got), len(sent))
	}
	for i, r := range got {
		if r.Offset != int64(i) || !bytes.Equal(r.Key, sent[i].Key) || !bytes.Equal(r.Value, sent[i].Value) {
			t.Errorf("offset %d: key %s, value %s; want key %s, value %s", r.Offset, show(r.Key), show(r.Value), show(sent[i].Key), show(sent[i].Value))
		}
	}
	above := []program.Record{{Key: []byte("above"), Value: noise(largeLimit + largeSlack)}}
	message := client.Refused(t, lines(t, above), "produce", "--bootstrap", broker.Bootstrap(), "--topic", topic, "--codec", "none",
		largeFlag, strconv.Itoa(2*largeLimit))
	t.Logf("a record above the limit: %s", message)
	if end := judge.ends(topic)[0]; end != int64(len(sent)) {
		t.Errorf("the log ends at %d, want %d", end, len(sent))
	}
}

// noise is the same for one size, and no codec shrinks it.
func noise(size int) []byte {
	value := make([]byte, size)
	source := rand.NewChaCha8([32]byte{})
	_, _ = source.Read(value) // never fails
	return value
}

// seek: a read from a point in time begins at the first record that is not older, wherever in its
// batch that lies and whatever the codec.
func seek(t *testing.T, broker testbed.Target, client Program) {
	const (
		topic    = "seek"
		interval = 1000 // milliseconds between two records
		batch    = 50
		batches  = 6
	)
	judge := newJudge(t, broker.Bootstrap())
	judge.create(1, topic)
	start := time.Now().Add(-batch * batches * interval * time.Millisecond).UnixMilli()
	for i := range batches {
		var records []*kgo.Record
		for j := range batch {
			index := i*batch + j
			records = append(records, &kgo.Record{Topic: topic, Timestamp: time.UnixMilli(start + int64(index)*interval), Value: value(index)})
		}
		judge.produce([]kgo.CompressionCodec{kgo.NoCompression(), kgo.GzipCompression(), kgo.Lz4Compression()}[i%3], records)
	}
	for _, first := range []int{1, batch - 1, batch, 3*batch + 17} {
		for _, before := range []int64{0, interval - 1} { // exactly then, and just after the one before
			since := start + int64(first)*interval - before
			count := batches*batch - first
			got := client.Read(t, broker.Bootstrap(), []string{topic}, count, "--since", strconv.FormatInt(since, 10))
			if len(got) != count {
				t.Fatalf("since record %d: %d records, want %d", first, len(got), count)
			}
			for i, r := range got {
				if r.Offset != int64(first+i) || !bytes.Equal(r.Value, value(first+i)) {
					t.Fatalf("since record %d: the record %d is offset %d, value %s", first, i, r.Offset, show(r.Value))
				}
			}
		}
	}
}

// staticMembers: a static member that is killed and comes back within its session gets what it had, and the other
// member hears nothing of it; whoever takes its name while it lives takes its partitions too.
func staticMembers(t *testing.T, broker testbed.Target, client Program) {
	const topic, groupName, partitions = "static", "static-group", 4
	newJudge(t, broker.Bootstrap()).create(partitions, topic)
	g := newGroup(t, client, broker.Bootstrap(), topic, groupName, settleTimeout)
	owns := func(m *member, count int) bool { return len(m.owned) == count }
	stays := g.joinWith("stays", "--instance", "stays")
	g.await(settleTimeout, "the first member owns all partitions", func() bool { return owns(stays, partitions) })
	killed := g.joinWith("killed", "--instance", "returns")
	g.await(settleTimeout, "two members share the partitions", func() bool {
		return g.shared(partitions) && owns(stays, partitions/2) && owns(killed, partitions/2)
	})
	g.mu.Lock()
	had, changes := slices.Clone(killed.owned), stays.changes
	g.mu.Unlock()
	same := func(m *member) func() bool {
		return func() bool {
			return slices.Equal(slices.Sorted(slices.Values(m.owned)), slices.Sorted(slices.Values(had)))
		}
	}
	killed.kill()
	returned := g.joinWith("returned", "--instance", "returns")
	g.await(settleTimeout, fmt.Sprintf("the member that returned owns %v", had), same(returned))

	g.mu.Lock()
	returned.gone = true // it is going to be fenced, and may end or report that
	g.mu.Unlock()
	usurper := g.joinWith("usurper", "--instance", "returns")
	g.await(settleTimeout, fmt.Sprintf("the member that took the name owns %v", had), same(usurper))
	g.mu.Lock()
	defer g.mu.Unlock()
	if stays.changes != changes {
		t.Errorf("what the other member owns has changed %d times, want %d: it has seen a rebalance", stays.changes, changes)
	}
}

// restart: a producer sends on and a member of a group reads on while the broker is killed and started
// again: everything that was acknowledged is where it was said to be, and is read.
func restart(t *testing.T, broker testbed.Target, client Program) {
	const topic, groupName, each = "restart", "restart-group", 300
	judge := newJudge(t, broker.Bootstrap())
	judge.create(topicPartitions, topic)
	lacks := client.Client.Lacks
	sender := client.stream(t, broker.Bootstrap(), topic)
	feed := func(round int) error { return sender.feed(makeRecords(round*each, each, lacks)) }
	var readers *group
	if !lacks.Groups {
		readers = newGroup(t, client, broker.Bootstrap(), topic, groupName, sessionTimeout)
		reader := readers.join("reader")
		readers.await(settleTimeout, "the member owns all partitions", func() bool { return len(reader.owned) == topicPartitions })
	}
	if err := feed(0); err != nil {
		t.Fatalf("%v\n%s", err, sender.stderr)
	}
	sender.await(t, each/2)
	if err := broker.Kill(); err != nil {
		t.Fatal(err)
	}
	fed := make(chan error, 1)
	go func() { fed <- errors.Join(feed(1), feed(2)) }() // beside the start, since clients may take none without a broker
	if err := broker.Start(); err != nil {
		t.Fatal(err)
	}
	limit := time.NewTimer(settleTimeout)
	defer limit.Stop()
	select {
	case err := <-fed:
		if err != nil {
			t.Fatalf("%v\n%s", err, sender.stderr)
		}
	case <-limit.C:
		t.Fatalf("the program takes no more records\n%s", sender.stderr)
	}
	acked := sender.end(t)

	judge = newJudge(t, broker.Bootstrap())
	var total int
	for _, end := range judge.ends(topic) {
		total += int(end)
	}
	at, times := map[place]int{}, map[int]int{}
	for _, r := range judge.stored(total, topic) {
		if err := checkRecord(r.Record, lacks); err != nil {
			t.Fatalf("as stored: %v", err)
		}
		at[place{r.Partition, r.Offset}] = indexOf(r.Record)
		times[indexOf(r.Record)]++
	}
	for index, place := range acked {
		if got, found := at[place]; !found || got != index {
			t.Fatalf("record %d was acknowledged at %+v, where record %d is (found: %t)", index, place, got, found)
		}
	}
	if len(acked) != 3*each {
		t.Errorf("%d records were acknowledged, want %d", len(acked), 3*each)
	}
	if slices.Contains(client.Client.Can, StreamOnce) {
		if err := once(times, 3*each); err != nil {
			t.Errorf("an idempotent producer: %v", err)
		}
	}
	if readers != nil {
		readers.await(settleTimeout, "every record is read", func() bool { return len(readers.read()) == 3*each })
	}
}

// administer: what the client changes, the judge finds changed, and what the broker refuses the client tells.
func administer(t *testing.T, broker testbed.Target, client Program) {
	const topic, groupName = "administered", "administered-group"
	a := &administering{T: t, judge: newJudge(t, broker.Bootstrap()), talker: client.talk(t, "admin", broker.Bootstrap()), has: client.Client.Admin}
	if !a.do(program.Command{Do: "create", Topic: topic, Count: 2}, nil) {
		a.judge.create(2, topic)
	}
	a.refused(program.Command{Do: "create", Topic: topic, Count: 2})
	a.do(program.Command{Do: "topics"}, func(e event) bool { return slices.Contains(e.Names, topic) })
	a.do(program.Command{Do: "describe", Topic: topic}, func(e event) bool { return e.Count == 2 })
	if a.do(program.Command{Do: "partitions", Topic: topic, Count: 3}, nil) {
		a.equal("partitions", a.judge.partitions(topic), 3)
	}
	a.refused(program.Command{Do: "partitions", Topic: topic, Count: 1})
	if a.do(program.Command{Do: "alter", Topic: topic, Name: "max.message.bytes", Value: "123456"}, nil) {
		a.equal("max.message.bytes", a.judge.setting(topic, "max.message.bytes"), "123456")
	}
	a.refused(program.Command{Do: "alter", Topic: topic, Name: "cleanup.policy", Value: "nonsense"})
	a.judge.alter(topic, "retention.ms", "7654321")
	a.do(program.Command{Do: "config", Topic: topic, Name: "retention.ms"}, func(e event) bool { return e.Text == "7654321" })

	a.judge.produce(kgo.NoCompression(), []*kgo.Record{{Topic: topic, Value: []byte("a")}, {Topic: topic, Value: []byte("b")}, {Topic: topic, Value: []byte("c")}})
	if a.do(program.Command{Do: "delete-records", Topic: topic, Partition: 0, Before: 2}, nil) {
		a.equal("the log's start", a.judge.starts(topic)[0], int64(2))
	}
	a.refused(program.Command{Do: "delete-records", Topic: topic, Partition: 0, Before: 99})
	a.judge.commit(groupName, topic, 0, 3)
	a.do(program.Command{Do: "groups"}, func(e event) bool { return slices.Contains(e.Names, groupName) })
	a.do(program.Command{Do: "offsets", Group: groupName, Topic: topic}, func(e event) bool { return maps.Equal(e.Offsets, map[int32]int64{0: 3}) })
	if a.do(program.Command{Do: "delete-group", Group: groupName}, nil) {
		a.equal("committed offsets", len(a.judge.committed(groupName, topic)), 0)
	}
	if a.do(program.Command{Do: "delete", Topic: topic}, nil) {
		a.judge.gone(topic)
	}
	a.refused(program.Command{Do: "delete", Topic: "no-such-topic"})
}

// administering is the running scenario.
type administering struct {
	*testing.T
	*talker
	judge *judge
	has   []string
}

// do gives a command, if the client has it, and judges the answer.
func (a *administering) do(c program.Command, right func(event) bool) (done bool) {
	a.Helper()
	if !slices.Contains(a.has, c.Do) {
		return false
	}
	_, e := a.ask(a.T, c)
	if e.Event != "done" {
		a.Fatalf("%+v is answered with %s: %s\n%s", c, e.Event, e.Message, a.stderr)
	}
	if right != nil && !right(e) {
		a.Errorf("%+v is answered with names %q, count %d, text %q, offsets %v", c, e.Names, e.Count, e.Text, e.Offsets)
	}
	return true
}

// refused gives a command that the broker does not do.
func (a *administering) refused(c program.Command) {
	a.Helper()
	if !slices.Contains(a.has, c.Do) {
		return
	}
	_, e := a.ask(a.T, c)
	if e.Event != "refused" || strings.TrimSpace(e.Message) == "" {
		a.Errorf("%+v is answered with %s %q, want a refusal", c, e.Event, e.Message)
	}
	a.Logf("%s: %s", c.Do, e.Message)
}

func (a *administering) equal(what string, got, want any) {
	a.Helper()
	if got != want {
		a.Errorf("%s: %v, want %v", what, got, want)
	}
}
