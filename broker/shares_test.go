package broker

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/coordinator/share"
	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/server/api"
)

const sharedGroup = "s"

// shareFrom lets the group begin at an offset of partition 0.
func (c *client) shareFrom(topic string, offset int64) {
	c.t.Helper()
	f := kmsg.NewPtrFindCoordinatorRequest()
	f.SetVersion(4)
	f.CoordinatorKeys = []string{sharedGroup}
	c.ask(f)
	q := kmsg.NewPtrAlterShareGroupOffsetsRequest()
	q.GroupID = sharedGroup
	one := kmsg.NewAlterShareGroupOffsetsRequestTopic()
	one.Topic = topic
	p := kmsg.NewAlterShareGroupOffsetsRequestTopicPartition()
	p.StartOffset = offset
	one.Partitions = append(one.Partitions, p)
	q.Topics = append(q.Topics, one)
	answer := c.ask(q).(*kmsg.AlterShareGroupOffsetsResponse)
	if answer.ErrorCode != 0 || answer.Topics[0].Partitions[0].ErrorCode != 0 {
		c.t.Fatalf("altering offsets: %+v", answer)
	}
}

// share opens a session for a member and tells what it is given.
func (c *client) share(member string, topicID [16]byte) string {
	c.t.Helper()
	q := kmsg.NewPtrShareFetchRequest()
	q.SetVersion(1)
	group := sharedGroup
	q.GroupID, q.MemberID = &group, &member
	q.MinBytes, q.MaxBytes, q.MaxRecords, q.BatchSize = 1, 1<<20, 500, 500
	one := kmsg.NewShareFetchRequestTopic()
	one.TopicID = topicID
	one.Partitions = append(one.Partitions, kmsg.NewShareFetchRequestTopicPartition())
	q.Topics = append(q.Topics, one)
	answer := c.ask(q).(*kmsg.ShareFetchResponse)
	if answer.ErrorCode != 0 {
		return fmt.Sprintf("error %d", answer.ErrorCode)
	}
	var parts []string
	for _, p := range answer.Topics[0].Partitions {
		if p.ErrorCode != 0 {
			parts = append(parts, fmt.Sprintf("error %d", p.ErrorCode))
		}
		for _, a := range p.AcquiredRecords {
			parts = append(parts, fmt.Sprintf("%d-%d:%d", a.FirstOffset, a.LastOffset, a.DeliveryCount))
		}
	}
	return strings.Join(parts, " ")
}

// accept acknowledges what the member of epoch 1 has done with.
func (c *client) accept(member string, topicID [16]byte, first, last int64) {
	c.t.Helper()
	q := kmsg.NewPtrShareAcknowledgeRequest()
	q.SetVersion(1)
	group := sharedGroup
	q.GroupID, q.MemberID, q.ShareSessionEpoch = &group, &member, 1
	one := kmsg.NewShareAcknowledgeRequestTopic()
	one.TopicID = topicID
	p := kmsg.NewShareAcknowledgeRequestTopicPartition()
	b := kmsg.NewShareAcknowledgeRequestTopicPartitionAcknowledgementBatch()
	b.FirstOffset, b.LastOffset, b.AcknowledgeTypes = first, last, []int8{1}
	p.AcknowledgementBatches = append(p.AcknowledgementBatches, b)
	one.Partitions = append(one.Partitions, p)
	q.Topics = append(q.Topics, one)
	answer := c.ask(q).(*kmsg.ShareAcknowledgeResponse)
	if answer.ErrorCode != 0 || answer.Topics[0].Partitions[0].ErrorCode != 0 {
		c.t.Fatalf("acknowledging: %+v", answer)
	}
}

func wantShared(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Fatalf("%s: %q, want %q", what, got, want)
	}
}

// What a member was told to be acknowledged survives a power cut; what it still had is
// delivered again. A stop in order remembers of that how often it was delivered.
func TestSharedRecordsOutliveABroker(t *testing.T) {
	files := vfs.NewMem()
	durable := "barnabas.durability=sync"
	b := mustOpen(t, files, durable)
	c := dial(t, b)
	id := c.topic("t")
	for i := range 6 {
		c.produce("t", fmt.Sprint(i))
	}
	c.shareFrom("t", 1)
	wantShared(t, "at first", c.share("m", id), "1-5:1")
	c.accept("m", id, 2, 3)
	left := files.CrashCopy(vfs.CrashKeepNone, rand.New(rand.NewPCG(1, 1)))
	mustClose(t, b)

	cut := mustOpen(t, left, durable)
	wantShared(t, "after a power cut", dial(t, cut).share("m", id), "1-1:1 4-5:1")
	mustClose(t, cut)

	stopped := mustOpen(t, files, durable)
	wantShared(t, "after a stop", dial(t, stopped).share("m", id), "1-1:2 4-5:2")
	mustClose(t, stopped)
}

// The journal of share groups loses what newer snapshots stand for, and a topic that is
// made anew begins anew.
func TestSharedStateIsPruned(t *testing.T) {
	files := vfs.NewMem()
	everyWrite := "share.coordinator.snapshot.update.records.per.snapshot=0"
	b := mustOpen(t, files, everyWrite)
	c := dial(t, b)
	id := c.topic("t")
	for i := range 6 {
		c.produce("t", fmt.Sprint(i))
	}
	c.shareFrom("t", 0)
	wantShared(t, "at first", c.share("m", id), "0-5:1")
	c.accept("m", id, 0, 2)
	topic := b.metadata.Image().Topic(api.ShareStateTopic)
	shards := b.shardsInUse(topic)
	if len(shards) != 1 {
		t.Fatalf("%d shards are in use", len(shards))
	}
	log := b.partitions.Get(topic.ID, shards[0]).Log()
	b.pruneShares()
	pruned := make(chan share.Summary, 1) // the shard answers in order
	b.shares.Summary(share.Key{GroupID: sharedGroup, TopicID: id}, func(s share.Summary) { pruned <- s })
	<-pruned
	if m := log.Offsets(); m.End < 2 || m.Start != m.End-1 { // the last snapshot
		t.Errorf("the journal goes from %d to %d", m.Start, m.End)
	}
	mustClose(t, b)

	b = mustOpen(t, files, everyWrite)
	c = dial(t, b)
	wantShared(t, "after a restart", c.share("m", id), "3-5:2")
	q := kmsg.NewPtrDeleteTopicsRequest()
	q.SetVersion(3)
	q.TopicNames = []string{"t"}
	c.ask(q)
	wantShared(t, "without a topic", c.share("n", id), "error 100")
	again := c.topic("t")
	c.produce("t", "again")
	c.shareFrom("t", 0)
	wantShared(t, "made anew", c.share("o", again), "0-0:1")
	mustClose(t, b)
}
