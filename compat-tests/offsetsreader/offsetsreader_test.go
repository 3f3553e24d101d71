package offsetsreader

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/barnabas"
	"github.com/barnabas-mq/barnabas/compat-tests/matrix"
	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

const (
	// testTimeout bounds a test; members of the consumer protocol settle within some heartbeats of 5 s.
	testTimeout = 90 * time.Second
	// askInterval is how often a group is asked for while its state is awaited.
	askInterval = 100 * time.Millisecond
)

// After a history of every kind of group the topic decodes to the last byte, and
// tells of offsets and members what the broker answers.
func TestReaderSeesWhatTheBrokerAnswers(t *testing.T) {
	oracle.Need(t) // the schemas are in its jars
	for _, target := range []struct {
		name, column string
		start        func(t *testing.T) *testbed.Broker
	}{
		{"barnabas", matrix.Barnabas, func(t *testing.T) *testbed.Broker { return barnabas.Run(t, barnabas.Options{}) }},
		{"kafka", matrix.Kafka, func(t *testing.T) *testbed.Broker {
			if testing.Short() {
				t.Skip("judges the test, not the broker")
			}
			return oracle.Run(t, oracle.Options{})
		}},
	} {
		t.Run(target.name, func(t *testing.T) {
			t.Parallel()
			matrix.Works(t, "readers of __consumer_offsets", oracle.Newest, "as Burrow does", "offsets and members compared with the answers", target.column)
			ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
			defer cancel()
			h := newHistory(t, ctx, target.start(t).Bootstrap())
			h.classic()
			h.consumer()
			h.offsets()
			h.moves()
			read, answered := h.compare()
			if diff := cmp.Diff(answered, read.lines()); diff != "" {
				t.Errorf("the log tells other things (+) than the broker (-):\n%s", diff)
			}
			for _, kind := range []int16{kindOffset, kindClassicGroup, kindGroup, kindMember, kindTarget, kindTargetMember, kindCurrentMember, kindRegex} {
				if read.read[kind] == 0 {
					t.Errorf("the history left no record of kind %d", kind)
				}
			}
			t.Logf("records by kind: %v; %d lines", read.read, len(answered))
		})
	}
}

// history makes groups; members stay until the test ends unless they are told to leave.
type history struct {
	*testing.T
	ctx       context.Context
	bootstrap string
	client    *kgo.Client
	admin     *kadm.Client
}

func newHistory(t *testing.T, ctx context.Context, bootstrap string) *history {
	h := &history{T: t, ctx: ctx, bootstrap: bootstrap}
	h.client = h.connect()
	h.admin = kadm.NewClient(h.client)
	for _, topic := range []string{"pages", "clicks", "orders"} {
		_, err := h.admin.CreateTopic(ctx, 4, 1, nil, topic)
		h.must(err)
		for i := range 40 {
			h.must(h.client.ProduceSync(ctx, &kgo.Record{Topic: topic, Value: fmt.Append(nil, i)}).FirstErr())
		}
	}
	return h
}

func (h *history) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *history) connect(options ...kgo.Opt) *kgo.Client {
	h.Helper()
	client, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(h.bootstrap)}, options...)...)
	h.must(err)
	h.Cleanup(client.Close)
	return client
}

// join adds a member; server says that the broker assigns.
func (h *history) join(group string, server bool, options ...kgo.Opt) *kgo.Client {
	h.Helper()
	options = append([]kgo.Opt{
		kgo.ClientID("reader-of-" + group), kgo.ConsumerGroup(group), kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.SessionTimeout(10 * time.Second), kgo.HeartbeatInterval(200 * time.Millisecond),
		kgo.Balancers(kgo.RangeBalancer()),
	}, options...)
	if server {
		options = append(options, kgo.ServerSideBalancer())
	}
	return h.connect(options...)
}

// work reads some records and commits behind them.
func (h *history) work(member *kgo.Client, records int) {
	h.Helper()
	for got := 0; got < records; {
		fetches := member.PollRecords(h.ctx, records-got)
		h.must(fetches.Err())
		got += fetches.NumRecords()
	}
	h.must(member.CommitUncommittedOffsets(h.ctx))
}

// await waits until the group is described as such.
func (h *history) await(group, groupType, state string, members int) {
	h.Helper()
	tick := time.NewTicker(askInterval)
	defer tick.Stop()
	for {
		got := h.state(group)
		if want := fmt.Sprintf("%s %s %d", groupType, state, members); got == want {
			return
		} else if h.ctx.Err() != nil {
			h.Fatalf("group %s is %q, want %q", group, got, want)
		}
		select {
		case <-tick.C:
		case <-h.ctx.Done():
		}
	}
}

func (h *history) state(group string) string {
	listed, err := admin{h.client}.list(h.ctx)
	if err != nil {
		return err.Error()
	}
	i := slices.IndexFunc(listed, func(g kmsg.ListGroupsResponseGroup) bool { return g.Group == group })
	if i < 0 {
		return "absent"
	}
	g, members := listed[i], 0
	if g.GroupType == "consumer" {
		described, err := h.admin.DescribeConsumerGroups(h.ctx, group)
		if err != nil {
			return err.Error()
		}
		members = len(described[group].Members)
	} else {
		described, err := h.admin.DescribeGroups(h.ctx, group)
		if err != nil {
			return err.Error()
		}
		members = len(described[group].Members)
	}
	return fmt.Sprintf("%s %s %d", g.GroupType, g.GroupState, members)
}

// classic has groups of dynamic and static members, present and gone.
func (h *history) classic() {
	pages := kgo.ConsumeTopics("pages", "clicks")
	h.work(h.join("classic", false, pages), 10)
	h.join("classic", false, pages, kgo.Balancers(kgo.RangeBalancer()))
	h.await("classic", "classic", "Stable", 2)
	h.work(h.join("static", false, pages, kgo.InstanceID("first")), 10)
	h.join("static", false, pages, kgo.InstanceID("second"))
	h.await("static", "classic", "Stable", 2)
	left := h.join("left", false, pages)
	h.work(left, 7)
	left.Close()
	h.await("left", "classic", "Empty", 0)
}

// consumer has groups of the consumer protocol: by name, by pattern, static, left.
func (h *history) consumer() {
	pages := kgo.ConsumeTopics("pages", "clicks")
	h.work(h.join("new", true, pages), 10)
	h.join("new", true, pages, kgo.InstanceID("fixed"))
	h.await("new", "consumer", "Stable", 2)
	h.work(h.join("by-pattern", true, kgo.ConsumeRegex(), kgo.ConsumeTopics("cl.*|or[a-z]+")), 5)
	h.await("by-pattern", "consumer", "Stable", 1)
	left := h.join("left-new", true, pages)
	h.work(left, 7)
	left.Close()
	h.await("left-new", "consumer", "Empty", 0)
}

// offsets come from an admin client and go by one.
func (h *history) offsets() {
	at := func(topic string, partition int32, offset int64, metadata string) kadm.Offset {
		return kadm.Offset{Topic: topic, Partition: partition, At: offset, LeaderEpoch: 0, Metadata: metadata}
	}
	for _, group := range []string{"simple", "deleted", "ünïcode"} {
		for _, offset := range []kadm.Offset{at("pages", 0, 3, ""), at("pages", 1, 0, "a word"), at("clicks", 2, 9, ""), at("pages", 0, 5, "again")} {
			offsets := kadm.Offsets{}
			offsets.Add(offset)
			h.must(h.admin.CommitAllOffsets(h.ctx, group, offsets))
		}
	}
	deleted, err := h.admin.DeleteOffsets(h.ctx, "simple", kadm.TopicsSet{"clicks": {2: {}}})
	h.must(errors.Join(err, deleted.Error()))
	_, err = h.admin.DeleteGroup(h.ctx, "deleted")
	h.must(err)
	_, err = h.admin.DeleteGroup(h.ctx, "left")
	h.must(err)
	_, err = h.admin.DeleteGroup(h.ctx, "left-new")
	h.must(err)
}

// moves turns a classic group into one of the consumer protocol, and another one back.
func (h *history) moves() {
	orders := kgo.ConsumeTopics("orders")
	for _, group := range []string{"moved", "moved-back"} {
		old := h.join(group, false, orders)
		h.work(old, 5)
		h.await(group, "classic", "Stable", 1)
		next := h.join(group, true, orders)
		h.await(group, "consumer", "Stable", 2)
		if group == "moved" {
			old.Close()
			h.await(group, "consumer", "Stable", 1)
		} else {
			next.Close()
			h.await(group, "classic", "Stable", 1)
		}
	}
	empty := h.join("emptied", false, orders)
	h.work(empty, 5)
	empty.Close()
	h.await("emptied", "classic", "Empty", 0)
	h.work(h.join("emptied", true, orders), 5)
	h.await("emptied", "consumer", "Stable", 1)
}

// compare reads the log at a moment around which the broker's answers do not change.
func (h *history) compare() (*log, []string) {
	h.Helper()
	for {
		before, err := admin{h.client}.lines(h.ctx)
		h.must(err)
		read, err := readLog(h.ctx, h.bootstrap)
		h.must(err)
		after, err := admin{h.client}.lines(h.ctx)
		h.must(err)
		if slices.Equal(before, after) {
			return read, after
		}
	}
}
