package api

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/protocol"
)

// transact appends one batch to partition 0 of a topic, as a coordinator would: "+1"
// a record in producer 1's transaction, "!1" its abort, "^1" its commit, "." a record
// of none.
func (w *world) transact(topic, steps string) {
	w.t.Helper()
	p := w.set.Get(w.store.Image().Topic(topic).ID, 0)
	w.must(p.Ready())
	for _, step := range strings.Fields(steps) {
		options := protocol.DefaultBatchOptions()
		if len(step) > 1 {
			options.ProducerID, options.ProducerEpoch, options.Transactional = protocol.ProducerID(step[1]-'0'), 0, true
		}
		at := protocol.Timestamp(w.clock.Now().UnixMilli())
		b := protocol.NewBatchBuilder(options)
		b.Add(at, nil, []byte(step))
		batch := b.Build(0, 0)
		if step[0] == '!' || step[0] == '^' {
			batch = protocol.NewEndTxnMarkerBatch(options.ProducerID, 0, at, protocol.EndTxnMarker{Commit: step[0] == '^'})
		}
		var pending logstore.Pending
		in := logstore.AppendInput{Batch: batch, Origin: logstore.FromCoordinator}
		if state := p.Append(in, &pending); state != logstore.Committed || pending.Err != nil {
			w.t.Fatalf("appending %s: state %d, error %v", step, state, pending.Err)
		}
	}
}

// committed fetches with read_committed and shows the answer: last stable offset, how
// many records came, and the aborted transactions.
func (w *world) committed(offset int64, maxBytes int32) string {
	w.t.Helper()
	q := fetchOf("t", offset, 0)
	q.IsolationLevel, q.Topics[0].Partitions[0].PartitionMaxBytes = 1, maxBytes
	p := ask[*kmsg.FetchResponse](w, 12, q).Topics[0].Partitions[0]
	var aborted []string
	for _, a := range p.AbortedTransactions {
		aborted = append(aborted, fmt.Sprintf("%d@%d", a.ProducerID, a.FirstOffset))
	}
	return fmt.Sprintf("stable %d, %d records, aborted %v", p.LastStableOffset, len(valuesIn(w.t, p.RecordBatches, offset)), aborted)
}

// A reader of committed transactions gets what is below the last stable offset, and
// the aborted transactions that overlap just that.
func TestFetchCommitted(t *testing.T) {
	w := newWorld(t)
	w.topic("t", 1)
	w.transact("t", ". +1 +2 . ^1 .") // 2 is open from offset 2 on
	expect := func(offset int64, maxBytes int32, want string) {
		t.Helper()
		if got := w.committed(offset, maxBytes); got != want {
			t.Errorf("from %d, %d bytes: %s, want %s", offset, maxBytes, got, want)
		}
	}
	expect(0, 1<<20, "stable 2, 2 records, aborted []")
	expect(2, 1<<20, "stable 2, 0 records, aborted []")
	w.transact("t", "!2 +3 !3 . +4") // offsets 6 to 10
	expect(0, 1<<20, "stable 10, 10 records, aborted [2@2 3@7]")
	expect(0, 1, "stable 10, 1 records, aborted []")
	expect(2, 1, "stable 10, 1 records, aborted [2@2]")
	expect(6, 1, "stable 10, 1 records, aborted [2@2]")
	expect(7, 1, "stable 10, 1 records, aborted [3@7]")
	expect(9, 1<<20, "stable 10, 1 records, aborted []")
	// Kafka answers null, not empty, when uncommitted records were asked for.
	p := ask[*kmsg.FetchResponse](w, 12, fetchOf("t", 0, 0)).Topics[0].Partitions[0]
	if len(valuesIn(t, p.RecordBatches, 0)) != 11 || p.AbortedTransactions != nil {
		t.Errorf("uncommitted: %d records, %v", len(valuesIn(t, p.RecordBatches, 0)), p.AbortedTransactions)
	}
}

// The latest offset, and a time, are bound by the last stable offset alike.
func TestListOffsetsCommitted(t *testing.T) {
	w := newWorld(t)
	w.topic("t", 1)
	w.transact("t", ".")
	w.clock.Advance(time.Second)
	w.transact("t", "+1 .")
	now := w.clock.Now().UnixMilli()
	look := func(timestamp int64, isolation int8) int64 {
		q := kmsg.NewPtrListOffsetsRequest()
		q.IsolationLevel = isolation
		topic := kmsg.NewListOffsetsRequestTopic()
		topic.Topic = "t"
		one := kmsg.NewListOffsetsRequestTopicPartition()
		one.Timestamp = timestamp
		topic.Partitions = append(topic.Partitions, one)
		q.Topics = append(q.Topics, topic)
		return ask[*kmsg.ListOffsetsResponse](w, 7, q).Topics[0].Partitions[0].Offset
	}
	for _, test := range []struct {
		timestamp int64
		isolation int8
		want      int64
	}{
		{timestampLatest, 0, 3}, {timestampLatest, 1, 1}, {now, 0, 1}, {now, 1, -1}, {now - 1000, 1, 0},
	} {
		if got := look(test.timestamp, test.isolation); got != test.want {
			t.Errorf("time %d, isolation %d: offset %d, want %d", test.timestamp, test.isolation, got, test.want)
		}
	}
	w.transact("t", "^1")
	if got := look(timestampLatest, 1); got != 4 {
		t.Errorf("after the commit: %d", got)
	}
}
