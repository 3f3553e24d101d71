package api

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/coordinator/txn"
	"github.com/barnabas-mq/barnabas/protocol"
)

// transactionsFake is a transaction coordinator that says what a test wants.
type transactionsFake struct {
	Transactions // nil: the rest is not asked

	mu    sync.Mutex
	asked []txn.AddInput
	// answer is asked on a goroutine of its own; without one, all is well.
	answer func(txn.AddInput) txn.AddOutput
}

func (f *transactionsFake) AddPartitions(in txn.AddInput, reply func(txn.AddOutput)) {
	f.mu.Lock()
	f.asked = append(f.asked, in)
	answer := f.answer
	f.mu.Unlock()
	if answer == nil {
		reply(txn.AddOutput{Partitions: make([]error, len(in.Partitions))})
		return
	}
	go func() { reply(answer(in)) }()
}

// set says what is answered from now on, and forgets what was asked.
func (f *transactionsFake) set(answer func(txn.AddInput) txn.AddOutput) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked, f.answer = nil, answer
}

// questions is what was asked, as text.
func (f *transactionsFake) questions() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	text := ""
	for _, in := range f.asked {
		text += fmt.Sprintf("%s %v %v", in.TransactionalID, in.Producer, in.Partitions)
		if in.VerifyOnly {
			text += " verify"
		}
		text += fmt.Sprintf(" version %d\n", in.Version)
	}
	return text
}

// saying answers every partition with the error.
func saying(err error) func(txn.AddInput) txn.AddOutput {
	return func(in txn.AddInput) txn.AddOutput {
		return txn.AddOutput{Partitions: slices.Repeat([]error{err}, len(in.Partitions))}
	}
}

func inTransaction(id protocol.ProducerID, epoch int16, sequence int32) protocol.BatchOptions {
	o := sequenced(id, epoch, sequence)
	o.Transactional = true
	return o
}

// transactionalRequest produces batches to partitions 0 and up of topic t.
func (w *world) transactionalRequest(batches ...protocol.Batch) *kmsg.ProduceRequest {
	q := produceRequest(-1, "t", 0, batches[0])
	for i, b := range batches[1:] {
		q.Topics[0].Partitions = append(q.Topics[0].Partitions, produceRequest(-1, "t", int32(i+1), b).Topics[0].Partitions[0])
	}
	q.Topics[0].TopicID = w.store.Image().Topic("t").ID
	id := "tx"
	q.TransactionID = &id
	return q
}

// transacted produces in a transaction and returns the answers of the partitions.
func (w *world) transacted(version int16, batches ...protocol.Batch) []kmsg.ProduceResponseTopicPartition {
	w.t.Helper()
	return ask[*kmsg.ProduceResponse](w, version, w.transactionalRequest(batches...)).Topics[0].Partitions
}

func newTransactionWorld(t *testing.T, overrides ...string) *world {
	w := newWorld(t, overrides...)
	w.topic("t", 3)
	return w
}

// The coordinator is asked about the first batch of a transaction: to add its
// partition from version 12 on, else whether that was added.
func TestProduceInTransactions(t *testing.T) {
	w := newTransactionWorld(t)
	for version := int16(3); version <= 13; version++ {
		w.transactions.set(nil)
		id := protocol.ProducerID(version)
		for sequence := range int32(2) {
			if p := w.transacted(version, w.batchOf(inTransaction(id, 1, sequence), "v"))[0]; p.ErrorCode != 0 {
				t.Fatalf("version %d, batch %d: %v", version, sequence, protocol.ErrorForCode(p.ErrorCode))
			}
		}
		want := fmt.Sprintf("tx {%d 1} [{t 0}] verify version 0\n", version)
		if version >= 12 {
			want = fmt.Sprintf("tx {%d 1} [{t 0}] version 2\n", version)
		}
		if got := w.transactions.questions(); got != want {
			t.Errorf("version %d asked %qwant %q", version, got, want)
		}
	}
	if got := w.committed(0, 1<<20); got != "stable 0, 0 records, aborted []" {
		t.Errorf("readers see %s", got)
	}
}

// The same answers of the coordinator in the words of each version.
func TestProduceTellsWhatTheCoordinatorSaid(t *testing.T) {
	w := newTransactionWorld(t)
	for _, c := range []struct {
		said         error
		v9, v11, v13 *protocol.Error
	}{
		{protocol.ErrTransactionAbortable, protocol.ErrInvalidTxnState, protocol.ErrTransactionAbortable, protocol.ErrTransactionAbortable},
		{protocol.ErrConcurrentTransactions, protocol.ErrNotEnoughReplicas, protocol.ErrNotEnoughReplicas, protocol.ErrConcurrentTransactions},
		{coordinator.ErrUnavailable, protocol.ErrNotEnoughReplicas, protocol.ErrNotEnoughReplicas, protocol.ErrNotEnoughReplicas},
		{coordinator.ErrLoading, protocol.ErrNotEnoughReplicas, protocol.ErrNotEnoughReplicas, protocol.ErrNotEnoughReplicas},
		{coordinator.ErrNotOwner, protocol.ErrNotEnoughReplicas, protocol.ErrNotEnoughReplicas, protocol.ErrNotEnoughReplicas},
		{protocol.ErrProducerFenced, protocol.ErrInvalidProducerEpoch, protocol.ErrInvalidProducerEpoch, protocol.ErrInvalidProducerEpoch},
		{protocol.ErrInvalidProducerIDMapping, protocol.ErrInvalidProducerIDMapping, protocol.ErrInvalidProducerIDMapping, protocol.ErrInvalidProducerIDMapping},
	} {
		for version, want := range map[int16]*protocol.Error{9: c.v9, 10: c.v9, 11: c.v11, 12: c.v13, 13: c.v13} {
			for _, answer := range []func(txn.AddInput) txn.AddOutput{
				saying(c.said), func(txn.AddInput) txn.AddOutput { return txn.AddOutput{Err: c.said} },
			} {
				w.transactions.set(answer)
				p := w.transacted(version, w.batchOf(inTransaction(7, 0, 0), "v"))[0]
				// The version that knows TRANSACTION_ABORTABLE has no message for it, as from Kafka.
				if (p.ErrorMessage != nil) != (want == protocol.ErrInvalidTxnState || want == protocol.ErrNotEnoughReplicas) {
					t.Errorf("version %d, coordinator says %v: message %q", version, c.said, text(p.ErrorMessage))
				}
				if p.ErrorCode != want.Code || p.BaseOffset != -1 || p.LogStartOffset != -1 {
					t.Errorf("version %d, coordinator says %v: %v, log start %d, want %v",
						version, c.said, protocol.ErrorForCode(p.ErrorCode), p.LogStartOffset, want)
				}
			}
		}
	}
	w.transactions.set(nil)
	if p := w.transacted(13, w.batchOf(inTransaction(7, 0, 0), "v"))[0]; p.ErrorCode != 0 || p.BaseOffset != 0 {
		t.Errorf("after all that: %v at offset %d", protocol.ErrorForCode(p.ErrorCode), p.BaseOffset)
	}
}

// One question for all partitions that need it, and each gets its own answer.
func TestProduceAsksForManyPartitionsAtOnce(t *testing.T) {
	w := newTransactionWorld(t)
	w.transacted(12, w.batchOf(inTransaction(7, 0, 0), "v"))
	w.transactions.set(func(in txn.AddInput) txn.AddOutput {
		return txn.AddOutput{Partitions: []error{protocol.ErrTransactionAbortable, nil}}
	})
	answers := w.transacted(12, w.batchOf(inTransaction(7, 0, 1), "v"), w.batchOf(inTransaction(7, 0, 0), "v"), w.batchOf(inTransaction(7, 0, 0), "v"))
	for i, want := range []int16{0, protocol.ErrTransactionAbortable.Code, 0} {
		if answers[i].Partition != int32(i) || answers[i].ErrorCode != want {
			t.Errorf("partition %d: %v", answers[i].Partition, protocol.ErrorForCode(answers[i].ErrorCode))
		}
	}
	if got, want := w.transactions.questions(), "tx {7 0} [{t 1} {t 2}] version 2\n"; got != want {
		t.Errorf("asked %qwant %q", got, want)
	}
}

// A batch is asked about before anybody looks into it, as in Kafka, so that one that is
// damaged adds its partition too. One of no transaction needs no coordinator whatever
// the request says.
func TestProduceAsksBeforeItLooksAtRecords(t *testing.T) {
	w := newTransactionWorld(t)
	damaged := w.batchOf(inTransaction(7, 0, 0), "v")
	damaged[len(damaged)-1]++
	answers := w.transacted(12, damaged, w.batchOf(plain(), "v"), w.batchOf(sequenced(7, 0, 0), "v"))
	for i, want := range []int16{protocol.ErrCorruptMessage.Code, 0, 0} {
		if answers[i].ErrorCode != want {
			t.Errorf("partition %d: %v", i, protocol.ErrorForCode(answers[i].ErrorCode))
		}
	}
	if got, want := w.transactions.questions(), "tx {7 0} [{t 0}] version 2\n"; got != want {
		t.Errorf("asked %q, want %q", got, want)
	}
	w.transactions.set(saying(protocol.ErrTransactionAbortable))
	if p := w.transacted(12, damaged)[0]; p.ErrorCode != protocol.ErrTransactionAbortable.Code || p.LogStartOffset != -1 {
		t.Errorf("damaged, and no part of the transaction: %+v", p)
	}
	cut := protocol.Batch(append([]byte{}, damaged[:protocol.BatchHeaderBytes-10]...))
	binary.BigEndian.PutUint32(cut[8:], uint32(len(cut)-12))
	if p := w.transacted(12, cut)[0]; p.ErrorCode != protocol.ErrCorruptMessage.Code {
		t.Errorf("no whole header: %+v", p)
	}
}

func TestProduceByTwoProducersInOneTransaction(t *testing.T) {
	w := newTransactionWorld(t)
	for _, second := range []protocol.BatchOptions{inTransaction(8, 0, 0), inTransaction(7, 1, 0)} {
		answers := w.transacted(12, w.batchOf(inTransaction(7, 0, 0), "v"), w.batchOf(second, "v"), w.batchOf(plain(), "v"))
		for i, p := range answers {
			if p.ErrorCode != protocol.ErrInvalidProducerIDMapping.Code || p.ErrorMessage == nil {
				t.Errorf("partition %d: %v, message %q", i, protocol.ErrorForCode(p.ErrorCode), text(p.ErrorMessage))
			}
		}
	}
	if got := w.transactions.questions(); got != "" {
		t.Errorf("asked %q", got)
	}
}

func TestTransactionalBatchWithoutTransactionalID(t *testing.T) {
	w := newTransactionWorld(t)
	if p := w.send("t", w.batchOf(inTransaction(7, 0, 0), "v")); p.ErrorCode != protocol.ErrTransactionalIDAuthorizationFailed.Code {
		t.Errorf("the answer is %v", protocol.ErrorForCode(p.ErrorCode))
	}
}

// transaction.partition.verification.enable=false is for clients that add their
// partitions themselves.
func TestVerificationCanBeSwitchedOff(t *testing.T) {
	w := newTransactionWorld(t, "transaction.partition.verification.enable=false")
	w.transactions.set(saying(protocol.ErrTransactionAbortable))
	if p := w.transacted(11, w.batchOf(inTransaction(7, 0, 0), "v"))[0]; p.ErrorCode != 0 {
		t.Errorf("version 11: %v", protocol.ErrorForCode(p.ErrorCode))
	}
	if p := w.transacted(12, w.batchOf(inTransaction(8, 0, 0), "v"))[0]; p.ErrorCode != protocol.ErrTransactionAbortable.Code {
		t.Errorf("version 12: %v", protocol.ErrorForCode(p.ErrorCode))
	}
}

// From version 12 on each transaction begins at sequence 0.
func TestProduceKnowsTheTransactionVersion(t *testing.T) {
	w := newTransactionWorld(t)
	if p := w.transacted(12, w.batchOf(inTransaction(7, 0, 3), "v"))[0]; p.ErrorCode != protocol.ErrOutOfOrderSequenceNumber.Code {
		t.Errorf("version 12: %v", protocol.ErrorForCode(p.ErrorCode))
	}
	if p := w.transacted(11, w.batchOf(inTransaction(7, 0, 3), "v"))[0]; p.ErrorCode != 0 {
		t.Errorf("version 11: %v", protocol.ErrorForCode(p.ErrorCode))
	}
}

// The transaction ends after the coordinator has said yes and before the append, as
// often as it is asked: the records would be in a transaction that nobody ends.
func TestNoBatchSlipsInBehindTheMarker(t *testing.T) {
	for _, before := range []string{"", "+1 ^1"} {
		w := newTransactionWorld(t)
		w.transact("t", before)
		var ends atomic.Int64 // each is a record
		w.transactions.set(func(in txn.AddInput) txn.AddOutput {
			w.transact("t", "!1")
			ends.Add(1)
			return saying(nil)(in)
		})
		end := w.set.Get(w.store.Image().Topic("t").ID, 0).Offsets().End
		p := w.transacted(11, w.batchOf(inTransaction(1, 0, 0), "v"))[0]
		if p.ErrorCode != protocol.ErrInvalidTxnState.Code {
			t.Errorf("the answer is %v", protocol.ErrorForCode(p.ErrorCode))
		}
		marks := w.set.Get(w.store.Image().Topic("t").ID, 0).Offsets()
		if marks.End != end+protocol.Offset(ends.Load()) || marks.Stable != marks.End {
			t.Errorf("after the marker: %+v, before it the end was %d", marks, end)
		}
	}
}

// The coordinator may let a batch wait until the last transaction has its markers.
func TestABatchFollowsTheMarkerThatItWaitedFor(t *testing.T) {
	w := newTransactionWorld(t)
	w.transact("t", "+1 ^1")
	var asked atomic.Int64
	w.transactions.set(func(in txn.AddInput) txn.AddOutput {
		if asked.Add(1) == 1 {
			w.transact("t", "!1")
		}
		return saying(nil)(in)
	})
	if p := w.transacted(12, w.batchOf(inTransaction(1, 1, 0), "v"))[0]; p.ErrorCode != 0 || asked.Load() != 2 {
		t.Errorf("the answer is %v after %d questions", protocol.ErrorForCode(p.ErrorCode), asked.Load())
	}
}

// While the coordinator thinks, earlier answers leave, and later batches wait.
func TestProduceKeepsItsOrderWhileTheCoordinatorThinks(t *testing.T) {
	w := newTransactionWorld(t)
	gate := make(chan struct{})
	think := sync.OnceFunc(func() { close(gate) })
	defer think()
	w.transactions.set(func(in txn.AddInput) txn.AddOutput {
		<-gate
		return saying(nil)(in)
	})
	var requests []byte
	formatter := kmsg.NewRequestFormatter(kmsg.FormatterClientID("test"))
	plainFirst := produceRequest(-1, "t", 0, w.batchOf(plain(), "v"))
	plainFirst.SetVersion(9)
	requests = append(requests, formatter.AppendRequest(nil, plainFirst, 0)...)
	for sequence := range int32(3) {
		q := w.transactionalRequest(w.batchOf(inTransaction(7, 0, sequence), "v"))
		q.SetVersion(9)
		requests = append(requests, formatter.AppendRequest(nil, q, sequence+1)...)
	}
	_, err := w.conn.Write(requests)
	w.must(err)
	for i := range uint32(4) {
		var head [8]byte
		_, err := io.ReadFull(w.in, head[:])
		w.must(err)
		body := make([]byte, binary.BigEndian.Uint32(head[:])-4)
		_, err = io.ReadFull(w.in, body)
		w.must(err)
		p := kmsg.NewPtrProduceResponse()
		p.SetVersion(9)
		w.must(p.ReadFrom(bytes.TrimPrefix(body, []byte{0})))
		if got := p.Topics[0].Partitions[0]; binary.BigEndian.Uint32(head[4:]) != i || got.ErrorCode != 0 || got.BaseOffset != int64(i) {
			t.Fatalf("answer %d: %+v", i, got)
		}
		if i == 0 {
			if end := w.set.Get(w.store.Image().Topic("t").ID, 0).Offsets().End; end != 1 {
				t.Errorf("the log ends at %d before the coordinator has answered", end)
			}
			think()
		}
	}
	if got, want := w.transactions.questions(), "tx {7 0} [{t 0}] verify version 0\n"; got != want {
		t.Errorf("asked %qwant %q", got, want)
	}
}

// A batch that the client has to send again comes before those that were sent behind
// it, although the log, which does not know the producer, would take any sequence.
func TestBatchesBehindOneThatIsPutOffWait(t *testing.T) {
	w := newTransactionWorld(t)
	batch := func(id protocol.ProducerID, sequence int32) protocol.Batch {
		return w.batchOf(inTransaction(id, 0, sequence), "v")
	}
	code := func(id protocol.ProducerID, sequence int32, want *protocol.Error) {
		t.Helper()
		got := w.transacted(11, batch(id, sequence))[0].ErrorCode
		if want == nil && got != 0 || want != nil && got != want.Code {
			t.Fatalf("producer %d, batch %d: %v", id, sequence, protocol.ErrorForCode(got))
		}
	}
	w.transactions.set(saying(coordinator.ErrUnavailable))
	code(7, 1, protocol.ErrNotEnoughReplicas)
	code(7, 0, protocol.ErrNotEnoughReplicas)
	w.transactions.set(nil)
	code(7, 1, protocol.ErrNotEnoughReplicas)
	code(8, 1, nil) // of somebody else
	if p := w.transacted(11, w.batchOf(plain(), "v"), batch(7, 1))[1]; p.ErrorCode != 0 {
		t.Fatalf("in another partition: %v", protocol.ErrorForCode(p.ErrorCode))
	}
	code(7, 0, nil)
	code(7, 1, nil)
	if got, want := w.transactions.questions(), "tx {8 0} [{t 0}] verify version 0\ntx {7 0} [{t 1}] verify version 0\ntx {7 0} [{t 0}] verify version 0\n"; got != want {
		t.Errorf("asked %qwant %q", got, want)
	}

	// One that is refused for good holds nothing back.
	w.transactions.set(saying(coordinator.ErrUnavailable))
	code(9, 0, protocol.ErrNotEnoughReplicas)
	w.transactions.set(saying(protocol.ErrTransactionAbortable))
	code(9, 0, protocol.ErrTransactionAbortable)
	w.transactions.set(nil)
	code(9, 1, nil)
}
