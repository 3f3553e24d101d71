package broker

import (
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/coordinator/group"
	"github.com/barnabas-mq/barnabas/coordinator/txn"
	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/protocol"
)

// beginTransaction appends a record of a producer's transaction to partition 0, as
// Produce does.
func beginTransaction(t *testing.T, b *Broker, topic string, p coordinator.Producer) {
	t.Helper()
	options := protocol.DefaultBatchOptions()
	options.ProducerID, options.ProducerEpoch, options.BaseSequence, options.Transactional = p.ID, p.Epoch, 0, true
	builder := protocol.NewBatchBuilder(options)
	builder.Add(1, nil, []byte("v"))
	done := make(chan struct{})
	pending := &logstore.Pending{OnCommitted: func(*logstore.Pending) { close(done) }}
	in := logstore.AppendInput{Batch: builder.Build(0, 0)}
	if b.partitionNamed(txn.TopicPartition{Topic: topic}).Append(in, pending) != logstore.Committed {
		<-done
	}
	must(t, pending.Err)
}

// endTransaction asks over the wire, and returns the codes of partition 0 of the topics.
func (c *client) endTransaction(version int16, m coordinator.Marker, topics ...string) (codes []int16) {
	c.t.Helper()
	q := kmsg.NewPtrWriteTxnMarkersRequest()
	q.SetVersion(version)
	marker := kmsg.NewWriteTxnMarkersRequestMarker()
	marker.ProducerID, marker.ProducerEpoch, marker.Committed = int64(m.Producer.ID), m.Producer.Epoch, m.Commit
	marker.CoordinatorEpoch, marker.TransactionVersion = m.CoordinatorEpoch, int8(m.TransactionVersion)
	for _, name := range topics {
		marker.Topics = append(marker.Topics, kmsg.WriteTxnMarkersRequestMarkerTopic{Topic: name, Partitions: []int32{0}})
	}
	q.Markers = append(q.Markers, marker)
	p := c.ask(q).(*kmsg.WriteTxnMarkersResponse)
	if len(p.Markers) != 1 || p.Markers[0].ProducerID != int64(m.Producer.ID) || len(p.Markers[0].Topics) != len(topics) {
		c.t.Fatalf("the answer is %+v", p)
	}
	for i, t := range p.Markers[0].Topics {
		if t.Topic != topics[i] || len(t.Partitions) != 1 || t.Partitions[0].Partition != 0 {
			c.t.Fatalf("the answer is %+v", p)
		}
		codes = append(codes, t.Partitions[0].ErrorCode)
	}
	return codes
}

// A transaction over two partitions, one of them that of a group's offsets, ends in
// both, and stays ended after a crash.
func TestATransactionEndsInItsPartitions(t *testing.T) {
	for durability, crash := range map[string]vfs.Crash{"cached": vfs.CrashKeepAll, "sync": vfs.CrashKeepNone} {
		t.Run(durability, func(t *testing.T) {
			files, setting := vfs.NewMem(), "barnabas.durability="+durability
			b := mustOpen(t, files, setting, "offsets.topic.num.partitions=1")
			defer func() { mustClose(t, b) }()
			c := dial(t, b)
			c.topic("t")
			c.coordinator()
			p := coordinator.Producer{ID: 7, Epoch: 1}
			beginTransaction(t, b, "t", p)
			committed := make(chan error, 1)
			b.groups.Commit(group.CommitInput{
				GroupID: "g", Generation: -1, RetentionMillis: -1, Producer: &p,
				Topics: []group.CommitTopic{{Topic: "t", Partitions: []group.CommitPartition{{Offset: 5, LeaderEpoch: -1}}}},
			}, func(out group.CommitOutput) { committed <- out.Err })
			must(t, <-committed)
			for _, name := range []string{"t", "__consumer_offsets"} {
				if marks := b.partitionNamed(txn.TopicPartition{Topic: name}).Offsets(); marks.Stable != 0 || marks.End != 1 {
					t.Errorf("%s before the end: %+v", name, marks)
				}
			}

			got := c.endTransaction(1, coordinator.Marker{Producer: p, Commit: true, CoordinatorEpoch: 3}, "t", "__consumer_offsets", "nowhere")
			if want := []int16{0, 0, protocol.ErrUnknownTopicOrPartition.Code}; fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("the codes are %v, want %v", got, want)
			}
			check := func() {
				t.Helper()
				for _, name := range []string{"t", "__consumer_offsets"} {
					partition := b.partitionNamed(txn.TopicPartition{Topic: name})
					must(t, partition.Ready())
					if marks := partition.Offsets(); marks.Stable != 2 || marks.End != 2 {
						t.Errorf("%s after the end: %+v", name, marks)
					}
				}
				fetched := make(chan group.FetchOutput, 1)
				b.groups.Fetch(group.FetchInput{GroupID: "g", MemberEpoch: -1, All: true, RequireStable: true},
					func(out group.FetchOutput) { fetched <- out })
				if out := <-fetched; out.Err != nil || len(out.Topics) != 1 || out.Topics[0].Partitions[0].Offset != 5 {
					t.Errorf("the group has committed %+v", out)
				}
			}
			check()
			crashed := files.CrashCopy(crash, nil)
			mustClose(t, b)
			b = mustOpen(t, crashed, setting, "offsets.topic.num.partitions=1")
			check()
		})
	}
}

// A marker that comes too late ends nothing, in either kind of partition.
func TestMarkersThatAreTooOld(t *testing.T) {
	b := mustOpen(t, vfs.NewMem(), "offsets.topic.num.partitions=1")
	defer mustClose(t, b)
	c := dial(t, b)
	c.topic("t")
	c.coordinator()
	end := func(version int16, m coordinator.Marker, want int16) {
		t.Helper()
		if got := c.endTransaction(version, m, "t", "__consumer_offsets"); got[0] != want || got[1] != want {
			t.Errorf("%+v: codes %v, want %d", m, got, want)
		}
	}
	p := coordinator.Producer{ID: 7, Epoch: 1}
	end(1, coordinator.Marker{Producer: p, CoordinatorEpoch: 3}, 0)
	end(1, coordinator.Marker{Producer: p, CoordinatorEpoch: 2}, protocol.ErrTransactionCoordinatorFenced.Code)
	end(1, coordinator.Marker{Producer: coordinator.Producer{ID: 7}, CoordinatorEpoch: 3}, protocol.ErrInvalidProducerEpoch.Code)
	beginTransaction(t, b, "t", p)
	if got := c.endTransaction(2, coordinator.Marker{Producer: p, CoordinatorEpoch: 3, TransactionVersion: 2}, "t"); got[0] != protocol.ErrInvalidProducerEpoch.Code {
		t.Errorf("the epoch of the transaction itself: %v", got)
	}
	if marks := b.partitionNamed(txn.TopicPartition{Topic: "t"}).Offsets(); marks.Stable != 1 || marks.End != 2 {
		t.Errorf("after all that: %+v", marks)
	}
	next := coordinator.Producer{ID: 7, Epoch: 2}
	if got := c.endTransaction(2, coordinator.Marker{Producer: next, CoordinatorEpoch: 3, TransactionVersion: 2}, "t"); got[0] != 0 {
		t.Errorf("the next epoch: %v", got)
	}
}

// In a partition that is not there any more nothing is left to end.
func TestMarkersForPartitionsThatAreGone(t *testing.T) {
	b := mustOpen(t, vfs.NewMem())
	defer mustClose(t, b)
	c := dial(t, b)
	c.topic("t")
	c.topic("u")
	p := coordinator.Producer{ID: 7, Epoch: 1}
	beginTransaction(t, b, "t", p)
	beginTransaction(t, b, "u", p)
	if code := c.deleteTopic("t"); code != 0 {
		t.Fatal(protocol.ErrorForCode(code))
	}
	write := func(partitions ...txn.TopicPartition) []error {
		done := make(chan []error, 1)
		b.writeMarkers(coordinator.Marker{Producer: p}, partitions, func(errs []error) { done <- errs })
		return <-done
	}
	for i, err := range write(txn.TopicPartition{Topic: "t"}, txn.TopicPartition{Topic: "u"}, txn.TopicPartition{Topic: "u", Partition: 9},
		txn.TopicPartition{Topic: "u", Partition: -1}, txn.TopicPartition{Topic: "__consumer_offsets"}) {
		if err != nil {
			t.Errorf("partition %d: %v", i, err)
		}
	}
	if marks := b.partitionNamed(txn.TopicPartition{Topic: "u"}).Offsets(); marks.Stable != 2 {
		t.Errorf("what is there: %+v", marks)
	}
	u := b.partitionNamed(txn.TopicPartition{Topic: "u"})
	must(t, b.logs.Delete(u.ID())) // while the partition is still found
	if errs := write(txn.TopicPartition{Topic: "u"}); errs[0] != nil {
		t.Errorf("deleted a moment ago: %v", errs[0])
	}
	if errs := write(); len(errs) != 0 {
		t.Errorf("no partitions: %v", errs)
	}
}

// Where the topic stamps the time of append, the batch of a marker says so too.
func TestMarkersHaveTheTimeThatTheTopicAsksFor(t *testing.T) {
	for kind, stamped := range map[string]bool{"CreateTime": false, "LogAppendTime": true} {
		b := mustOpen(t, vfs.NewMem(), "log.message.timestamp.type="+kind)
		c := dial(t, b)
		c.topic("t")
		p := coordinator.Producer{ID: 7, Epoch: 1}
		beginTransaction(t, b, "t", p)
		if got := c.endTransaction(1, coordinator.Marker{Producer: p, Commit: true}, "t"); got[0] != 0 {
			t.Errorf("the code is %v", got)
		}
		log := b.partitionNamed(txn.TopicPartition{Topic: "t"}).Log()
		must(t, logstore.EachBatch(log, 1, 2, func(batch protocol.Batch) error {
			if !batch.IsControl() || batch.IsLogAppendTime() != stamped || protocol.VerifyBatch(batch) != nil {
				t.Errorf("%s: attributes %#x, %v", kind, batch.Attributes(), protocol.VerifyBatch(batch))
			}
			return nil
		}))
		mustClose(t, b)
	}
}
