package adoption

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

// Snapshot is what a broker says of its data, sorted lines.
type Snapshot []string

func (s *Snapshot) add(format string, args ...any) { *s = append(*s, fmt.Sprintf(format, args...)) }

// observer asks one broker.
type observer struct {
	t     *testing.T
	ctx   context.Context
	admin *kadm.Client
	conn  *wire.Conn
}

func observe(t *testing.T, ctx context.Context, bootstrap string) *observer {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap))
	check(t, err)
	conn, err := wire.Dial(bootstrap)
	check(t, err)
	return &observer{t, ctx, kadm.NewClient(client), conn}
}

func (o *observer) close() {
	o.admin.Close()
	_ = o.conn.Close()
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// same reports how what is there after a move differs from what was there before it.
func same[T any](t *testing.T, otherwise string, before, after T) {
	t.Helper()
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("%s:\n%s", otherwise, diff)
	}
}

// take is what both brokers can tell.
func take(t *testing.T, ctx context.Context, bootstrap string, groups ...string) Snapshot {
	t.Helper()
	o := observe(t, ctx, bootstrap)
	defer o.close()
	var s Snapshot
	o.features(&s)
	o.topics(&s)
	o.groups(&s, groups)
	o.security(&s)
	slices.Sort(s)
	return s
}

// takeAll is take, and what Barnabas keeps without serving it yet.
func takeAll(t *testing.T, ctx context.Context, bootstrap string, groups ...string) Snapshot {
	t.Helper()
	s := take(t, ctx, bootstrap, groups...)
	o := observe(t, ctx, bootstrap)
	defer o.close()
	o.kept(&s)
	slices.Sort(s)
	return s
}

// settled is takeAll once a broker has done what it does by itself.
func settled(t *testing.T, ctx context.Context, bootstrap string, groups ...string) Snapshot {
	t.Helper()
	before := takeAll(t, ctx, bootstrap, groups...)
	for {
		now := takeAll(t, ctx, bootstrap, groups...)
		check(t, ctx.Err())
		if slices.Equal(before, now) {
			return now
		}
		before = now
	}
}

// features are the finalized ones. A broker may offer fewer than the metadata
// have (see differences.md), but metadata.version is never another.
func (o *observer) features(s *Snapshot) {
	req := kmsg.NewPtrApiVersionsRequest()
	req.Version, req.ClientSoftwareName, req.ClientSoftwareVersion = 3, "adoption", "1"
	resp, err := o.conn.Call(req)
	check(o.t, err)
	for _, f := range resp.(*kmsg.ApiVersionsResponse).FinalizedFeatures {
		if f.Name == "metadata.version" {
			s.add("feature %s %d", f.Name, f.MaxVersionLevel)
		}
	}
}

func (o *observer) topics(s *Snapshot) {
	meta, err := o.admin.Metadata(o.ctx)
	check(o.t, err)
	s.add("cluster %s", meta.Cluster)
	names := meta.Topics.Names()
	configs, err := o.admin.DescribeTopicConfigs(o.ctx, names...)
	check(o.t, err)
	for _, c := range configs {
		check(o.t, c.Err)
		for _, entry := range c.Configs {
			if entry.Source == kmsg.ConfigSourceDynamicTopicConfig {
				s.add("config %s %s=%s", c.Name, entry.Key, entry.MaybeValue())
			}
		}
	}
	starts, err := o.admin.ListStartOffsets(o.ctx, names...)
	check(o.t, err)
	ends, err := o.admin.ListEndOffsets(o.ctx, names...)
	check(o.t, err)
	for _, topic := range meta.Topics.Sorted() {
		check(o.t, topic.Err)
		s.add("topic %s %s partitions %d", topic.Topic, topic.ID, len(topic.Partitions))
		for _, p := range topic.Partitions.Sorted() {
			start, _ := starts.Lookup(topic.Topic, p.Partition)
			end, _ := ends.Lookup(topic.Topic, p.Partition)
			check(o.t, start.Err)
			check(o.t, end.Err)
			if end.Offset > 0 {
				batches, sum := o.read(topic, p.Partition, start.Offset, end.Offset)
				s.add("records %s-%d from %d to %d: %d batches %s", topic.Topic, p.Partition, start.Offset, end.Offset, batches, sum)
			}
			o.producers(s, topic.Topic, p.Partition)
		}
	}
}

// read sums the batches of a partition, byte for byte.
func (o *observer) read(topic kadm.TopicDetail, partition int32, from, to int64) (count int, sum string) {
	const headerBytes, lengthEnd = 61, 12
	hash := sha256.New()
	for from < to {
		p := kmsg.NewFetchRequestTopicPartition()
		p.Partition, p.FetchOffset, p.PartitionMaxBytes = partition, from, 4<<20
		p.CurrentLeaderEpoch, p.LastFetchedEpoch, p.LogStartOffset = -1, -1, -1
		one := kmsg.NewFetchRequestTopic()
		one.TopicID, one.Partitions = topic.ID, append(one.Partitions, p)
		req := kmsg.NewPtrFetchRequest()
		req.Version, req.MaxWaitMillis, req.MaxBytes, req.SessionEpoch = 13, 100, 8<<20, -1
		req.Topics = append(req.Topics, one)
		resp, err := o.conn.Call(req)
		check(o.t, err)
		got := resp.(*kmsg.FetchResponse).Topics[0].Partitions[0]
		if got.ErrorCode != 0 {
			o.t.Fatalf("fetch of %s-%d at %d: error %d", topic.Topic, partition, from, got.ErrorCode)
		}
		before := from
		for b := got.RecordBatches; len(b) >= headerBytes; {
			size := lengthEnd + int(binary.BigEndian.Uint32(b[8:]))
			if size > len(b) {
				break // the beginning of a batch that did not fit
			}
			hash.Write(b[:size])
			count++
			from = int64(binary.BigEndian.Uint64(b)) + int64(binary.BigEndian.Uint32(b[23:])) + 1
			b = b[size:]
		}
		if from == before {
			o.t.Fatalf("fetch of %s-%d at %d: no batch in %d bytes", topic.Topic, partition, from, len(got.RecordBatches))
		}
	}
	return count, fmt.Sprintf("%x", hash.Sum(nil)[:8])
}

func (o *observer) producers(s *Snapshot, topic string, partition int32) {
	var set kadm.TopicsSet
	set.Add(topic, partition)
	described, err := o.admin.DescribeProducers(o.ctx, set)
	check(o.t, err)
	for _, p := range described.SortedProducers() {
		s.add("producer %s-%d id %d epoch %d sequence %d at %d coordinator %d transaction %d",
			topic, partition, p.ProducerID, p.ProducerEpoch, p.LastSequence, p.LastTimestamp, p.CoordinatorEpoch, p.CurrentTxnStartOffset)
	}
}

// groups are all of them by their type, and what some have committed.
func (o *observer) groups(s *Snapshot, groups []string) {
	list := kmsg.NewPtrListGroupsRequest()
	list.Version = 5
	resp, err := o.conn.Call(list)
	check(o.t, err)
	for _, g := range resp.(*kmsg.ListGroupsResponse).Groups {
		s.add("group %s %s %s", g.Group, strings.ToLower(g.GroupType), g.ProtocolType)
	}
	for _, group := range groups {
		offsets, err := o.admin.FetchOffsets(o.ctx, group)
		check(o.t, err)
		for _, c := range offsets.Sorted() {
			check(o.t, c.Err)
			s.add("offset %s %s-%d at %d epoch %d %q", group, c.Topic, c.Partition, c.At, c.LeaderEpoch, c.Metadata)
		}
	}
}

// security is users and quotas.
func (o *observer) security(s *Snapshot) {
	users, err := o.admin.DescribeUserSCRAMs(o.ctx)
	check(o.t, err)
	for _, u := range users.Sorted() {
		for _, c := range u.CredInfos {
			s.add("user %s %s %d", u.User, c.Mechanism, c.Iterations)
		}
	}
	quotas, err := o.admin.DescribeClientQuotas(o.ctx, false, nil)
	check(o.t, err)
	for _, q := range quotas {
		for _, v := range q.Values {
			s.add("quota %s %s=%v", q.Entity.String(), v.Key, v.Value)
		}
	}
}

// kept is what only Kafka tells.
func (o *observer) kept(s *Snapshot) {
	everything := kadm.NewACLs().AnyResource().Allow().AllowHosts().Deny().DenyHosts().Operations().ResourcePatternType(kadm.ACLPatternAny)
	if rules, err := o.admin.DescribeACLs(o.ctx, everything); err == nil { // a broker without an authorizer refuses
		for _, result := range rules {
			for _, r := range result.Described {
				s.add("acl %s %s %s %s %s", r.Principal, r.Permission, r.Operation, r.Type, r.Name)
			}
		}
	}
	transactions, err := o.admin.ListTransactions(o.ctx, nil, nil)
	check(o.t, err)
	for _, x := range transactions.Sorted() {
		s.add("transaction %s producer %d %s", x.TxnID, x.ProducerID, x.State)
	}
}

// kept are the kinds of lines that takeAll adds to take.
var kept = []string{"acl", "transaction"}

func isKept(line string) bool {
	kind, _, _ := strings.Cut(line, " ")
	return slices.Contains(kept, kind)
}

// kept is the lines that only takeAll has, and common the others.
func (s Snapshot) kept() Snapshot {
	return slices.DeleteFunc(slices.Clone(s), func(line string) bool { return !isKept(line) })
}

func (s Snapshot) common() Snapshot { return slices.DeleteFunc(slices.Clone(s), isKept) }
