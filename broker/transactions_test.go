package broker

import (
	"fmt"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/coordinator/txn"
	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/protocol"
)

// transactor is a transactional producer that speaks raw requests, by the rules of
// transaction.version 2 or before.
type transactor struct {
	*client
	id       string
	bumping  bool
	producer coordinator.Producer
	sequence int32
}

func (c *client) transactor(id string, bumping bool) *transactor {
	c.t.Helper()
	c.coordinator()
	find := kmsg.NewPtrFindCoordinatorRequest()
	find.SetVersion(3)
	find.CoordinatorKey, find.CoordinatorType = id, 1
	c.ask(find)
	return &transactor{client: c, id: id, bumping: bumping, producer: coordinator.NoProducer}
}

// init asks until it is not told to ask again, for as long as markers may take.
func (x *transactor) init(timeoutMillis int32) int16 {
	x.t.Helper()
	q := kmsg.NewPtrInitProducerIDRequest()
	q.SetVersion(4)
	q.TransactionalID, q.TransactionTimeoutMillis = &x.id, timeoutMillis
	for range 10_000 {
		p := x.ask(q).(*kmsg.InitProducerIDResponse)
		if p.ErrorCode != protocol.ErrConcurrentTransactions.Code {
			x.producer, x.sequence = coordinator.Producer{ID: protocol.ProducerID(p.ProducerID), Epoch: p.ProducerEpoch}, 0
			return p.ErrorCode
		}
	}
	x.t.Fatal("the transaction before does not end")
	return 0
}

func (x *transactor) add(topic string) int16 {
	x.t.Helper()
	q := kmsg.NewPtrAddPartitionsToTxnRequest()
	q.SetVersion(3)
	q.TransactionalID, q.ProducerID, q.ProducerEpoch = x.id, int64(x.producer.ID), x.producer.Epoch
	q.Topics = []kmsg.AddPartitionsToTxnRequestTopic{{Topic: topic, Partitions: []int32{0}}}
	return x.ask(q).(*kmsg.AddPartitionsToTxnResponse).Topics[0].Partitions[0].ErrorCode
}

func (x *transactor) send(topic, value string) int16 {
	x.t.Helper()
	options := protocol.DefaultBatchOptions()
	options.ProducerID, options.ProducerEpoch, options.BaseSequence, options.Transactional = x.producer.ID, x.producer.Epoch, x.sequence, true
	builder := protocol.NewBatchBuilder(options)
	builder.Add(1, nil, []byte(value))
	q := kmsg.NewPtrProduceRequest()
	q.SetVersion(11)
	if x.bumping {
		q.SetVersion(12)
	}
	q.Acks, q.TransactionID = -1, &x.id
	one := kmsg.NewProduceRequestTopic()
	one.Topic = topic
	p := kmsg.NewProduceRequestTopicPartition()
	p.Records = builder.Build(0, 0)
	one.Partitions = append(one.Partitions, p)
	q.Topics = append(q.Topics, one)
	code := x.ask(q).(*kmsg.ProduceResponse).Topics[0].Partitions[0].ErrorCode
	if code == 0 {
		x.sequence++
	}
	return code
}

func (x *transactor) addOffsets(group string) int16 {
	x.t.Helper()
	q := kmsg.NewPtrAddOffsetsToTxnRequest()
	q.SetVersion(3)
	q.TransactionalID, q.ProducerID, q.ProducerEpoch, q.Group = x.id, int64(x.producer.ID), x.producer.Epoch, group
	return x.ask(q).(*kmsg.AddOffsetsToTxnResponse).ErrorCode
}

func (x *transactor) commitOffset(group, topic string, offset int64) int16 {
	x.t.Helper()
	q := kmsg.NewPtrTxnOffsetCommitRequest()
	q.SetVersion(3)
	if x.bumping {
		q.SetVersion(5)
	}
	q.TransactionalID, q.ProducerID, q.ProducerEpoch, q.Group, q.Generation = x.id, int64(x.producer.ID), x.producer.Epoch, group, -1
	one := kmsg.NewTxnOffsetCommitRequestTopic()
	one.Topic = topic
	p := kmsg.NewTxnOffsetCommitRequestTopicPartition()
	p.Offset = offset
	one.Partitions = append(one.Partitions, p)
	q.Topics = append(q.Topics, one)
	return x.ask(q).(*kmsg.TxnOffsetCommitResponse).Topics[0].Partitions[0].ErrorCode
}

func (x *transactor) end(commit bool) int16 {
	x.t.Helper()
	q := kmsg.NewPtrEndTxnRequest()
	q.SetVersion(4)
	if x.bumping {
		q.SetVersion(5)
	}
	q.TransactionalID, q.ProducerID, q.ProducerEpoch, q.Commit = x.id, int64(x.producer.ID), x.producer.Epoch, commit
	p := x.ask(q).(*kmsg.EndTxnResponse)
	if p.ErrorCode == 0 && x.bumping {
		x.producer, x.sequence = coordinator.Producer{ID: protocol.ProducerID(p.ProducerID), Epoch: p.ProducerEpoch}, 0
	}
	return p.ErrorCode
}

// must has what a call answers be without error.
func (x *transactor) must(codes ...int16) {
	x.t.Helper()
	for _, code := range codes {
		if code != 0 {
			x.t.Fatal(protocol.ErrorForCode(code))
		}
	}
}

// transact does a transaction without its end.
func (x *transactor) transact(value string, offset int64) {
	x.t.Helper()
	if !x.bumping {
		x.must(x.add("t"), x.addOffsets("g"))
	}
	x.must(x.send("t", value), x.commitOffset("g", "t", offset))
}

// ended waits until the transaction has its markers, and returns its state.
func (c *client) ended(id string) string {
	c.t.Helper()
	return c.stateOf(id, "CompleteCommit", "CompleteAbort")
}

// stateOf waits until the transaction is in one of the states, and returns it.
func (c *client) stateOf(id string, states ...string) string {
	c.t.Helper()
	q := kmsg.NewPtrDescribeTransactionsRequest()
	q.TransactionalIDs = []string{id}
	for range 100_000 {
		d := c.ask(q).(*kmsg.DescribeTransactionsResponse).TransactionStates[0]
		if slices.Contains(states, d.State) || d.ErrorCode != 0 && d.ErrorCode != protocol.ErrCoordinatorLoadInProgress.Code {
			return d.State
		}
	}
	c.t.Fatal("the transaction does not end")
	return ""
}

// committedValues are what a reader of committed records sees in partition 0 of t.
func (c *client) committedValues() (values []string, stable int64) {
	c.t.Helper()
	return c.committedIn("t")
}

// committedIn is what a reader of committed records sees in partition 0 of a topic, and
// where it may read to.
func (c *client) committedIn(topic string) (values []string, stable int64) {
	c.t.Helper()
	for from := int64(0); ; {
		answer := c.fetchCommitted(topic, from)
		stable = answer.LastStableOffset
		aborted := map[int64][]int64{} // the first offsets of transactions, by producer
		for _, a := range answer.AbortedTransactions {
			aborted[a.ProducerID] = append(aborted[a.ProducerID], a.FirstOffset)
		}
		for rest := answer.RecordBatches; len(rest) > 0; {
			batch, more, err := protocol.NextBatch(rest)
			must(c.t, err)
			rest, from = more, int64(batch.LastOffset())+1
			firsts := aborted[int64(batch.ProducerID())]
			isAborted := len(firsts) > 0 && firsts[0] <= int64(batch.BaseOffset())
			if batch.IsControl() {
				if isAborted {
					aborted[int64(batch.ProducerID())] = firsts[1:]
				}
				continue
			}
			must(c.t, batch.EachRecord(protocol.DecodeLimits{}, func(r *protocol.Record) error {
				if !isAborted {
					values = append(values, string(r.Value))
				}
				return nil
			}))
		}
		if from >= stable {
			return values, stable
		}
		if len(answer.RecordBatches) == 0 {
			c.t.Fatalf("nothing at %d, below %d", from, stable)
		}
	}
}

func (c *client) fetchCommitted(topic string, from int64) kmsg.FetchResponseTopicPartition {
	c.t.Helper()
	q := kmsg.NewPtrFetchRequest()
	q.SetVersion(12)
	q.MaxBytes, q.SessionEpoch, q.IsolationLevel = 1<<20, -1, 1
	one := kmsg.NewFetchRequestTopic()
	one.Topic = topic
	p := kmsg.NewFetchRequestTopicPartition()
	p.PartitionMaxBytes, p.FetchOffset = 1<<20, from
	one.Partitions = append(one.Partitions, p)
	q.Topics = append(q.Topics, one)
	return c.ask(q).(*kmsg.FetchResponse).Topics[0].Partitions[0]
}

func versions(t *testing.T, run func(t *testing.T, bumping bool)) {
	for name, bumping := range map[string]bool{"strict": false, "bumping": true} {
		t.Run(name, func(t *testing.T) { run(t, bumping) })
	}
}

// Readers of committed records see whole transactions and stop at the first open one.
func TestTransactionsOverTheWire(t *testing.T) {
	versions(t, func(t *testing.T, bumping bool) {
		b := mustOpen(t, vfs.NewMem())
		defer mustClose(t, b)
		c := dial(t, b)
		c.topic("t")
		x, y := c.transactor("x", bumping), c.transactor("y", bumping)
		x.must(x.init(60_000), y.init(60_000))
		x.transact("x1", 1)
		y.must(y.add("t"), y.send("t", "y1"))
		x.must(x.send("t", "x2"))
		if values, stable := c.committedValues(); len(values) > 0 || stable != 0 {
			t.Errorf("while both are open: %v up to %d", values, stable)
		}
		if offset, _ := c.committed("g", "t"); offset != -1 {
			t.Errorf("the offset %d is seen while its transaction is open", offset)
		}
		x.must(x.end(true))
		c.ended("x")
		if values, stable := c.committedValues(); fmt.Sprint(values) != "[x1]" || stable != 1 {
			t.Errorf("while the second is open: %v up to %d", values, stable)
		}
		if offset, _ := c.committed("g", "t"); offset != 1 {
			t.Errorf("the offset is %d", offset)
		}
		y.must(y.end(false))
		c.ended("y")
		x.transact("x3", 9)
		x.must(x.end(false))
		c.ended("x")
		x.transact("x4", 2)
		x.must(x.end(true))
		c.ended("x")
		if values, _ := c.committedValues(); fmt.Sprint(values) != "[x1 x2 x4]" {
			t.Errorf("in the end: %v", values)
		}
		if offset, _ := c.committed("g", "t"); offset != 2 {
			t.Errorf("the offset is %d", offset)
		}
	})
}

// A new instance aborts what the old one left, which is fenced on every path.
func TestAZombieIsFenced(t *testing.T) {
	versions(t, func(t *testing.T, bumping bool) {
		b := mustOpen(t, vfs.NewMem())
		defer mustClose(t, b)
		c := dial(t, b)
		c.topic("t")
		old, next := c.transactor("x", bumping), c.transactor("x", bumping)
		old.must(old.init(60_000))
		old.transact("old", 1)
		next.must(next.init(60_000))
		next.transact("next", 2)
		for what, code := range map[string]int16{
			"AddPartitionsToTxn": old.add("t"), "AddOffsetsToTxn": old.addOffsets("g"), "EndTxn, commit": old.end(true), "EndTxn, abort": old.end(false),
		} {
			if code != protocol.ErrProducerFenced.Code {
				t.Errorf("%s: %v", what, protocol.ErrorForCode(code))
			}
		}
		for what, code := range map[string]int16{"Produce": old.send("t", "zombie"), "TxnOffsetCommit": old.commitOffset("g", "t", 7)} {
			if code != protocol.ErrInvalidProducerEpoch.Code {
				t.Errorf("%s: %v", what, protocol.ErrorForCode(code))
			}
		}
		next.must(next.end(true))
		c.ended("x")
		if values, _ := c.committedValues(); fmt.Sprint(values) != "[next]" {
			t.Errorf("readers see %v", values)
		}
		if offset, _ := c.committed("g", "t"); offset != 2 {
			t.Errorf("the offset is %d", offset)
		}
	})
}

// Whatever the disk keeps of a crash, a decided transaction is finished without
// anybody's help, and an open one may go on.
func TestTransactionsAreFinishedAfterACrash(t *testing.T) {
	for durability, crash := range map[string]vfs.Crash{"cached": vfs.CrashKeepAll, "sync": vfs.CrashKeepNone} {
		versions(t, func(t *testing.T, bumping bool) {
			files, setting := vfs.NewMem(), "barnabas.durability="+durability
			b := mustOpen(t, files, setting)
			c := dial(t, b)
			c.topic("t")
			var crashes []*vfs.Mem
			for i, commit := range []bool{true, false} {
				x := c.transactor(fmt.Sprint("x", i), bumping)
				x.must(x.init(60_000))
				x.transact(x.id, int64(i+1))
				x.must(x.end(commit))
				crashes = append(crashes, files.CrashCopy(crash, nil))
				c.ended(x.id)
			}
			x := c.transactor("kept", bumping)
			x.must(x.init(60_000))
			x.transact("kept", 5)
			crashes = append(crashes, files.CrashCopy(crash, nil))
			mustClose(t, b)
			for i, files := range crashes {
				b := mustOpen(t, files, setting)
				c := dial(t, b)
				switch i {
				case 0:
					if state := c.ended("x0"); state != "CompleteCommit" {
						t.Errorf("what was committed became %s", state)
					}
				case 1:
					if state := c.ended("x1"); state != "CompleteAbort" {
						t.Errorf("what was aborted became %s", state)
					}
				case 2:
					x := &transactor{client: c, id: x.id, bumping: bumping, producer: x.producer, sequence: x.sequence}
					x.must(x.end(true)) // it goes on after the crash
					if state := c.ended("kept"); state != "CompleteCommit" {
						t.Errorf("what was open became %s", state)
					}
				}
				want, offset := []string{"[x0]", "[x0]", "[x0 kept]"}[i], []int64{1, 1, 5}[i]
				values, stable := c.committedValues()
				if end := int64(b.partitionNamed(txn.TopicPartition{Topic: "t"}).Offsets().End); fmt.Sprint(values) != want || stable != end {
					t.Errorf("crash %d: readers see %v up to %d of %d", i, values, stable, end)
				}
				if got, _ := c.committed("g", "t"); got != offset {
					t.Errorf("crash %d: the offset is %d", i, got)
				}
				mustClose(t, b)
			}
		})
	}
}

// A transaction that is open for too long aborts by itself, and its producer is
// fenced.
func TestATransactionTimesOut(t *testing.T) {
	versions(t, func(t *testing.T, bumping bool) {
		b := mustOpen(t, vfs.NewMem())
		defer mustClose(t, b)
		c := dial(t, b)
		c.topic("t")
		x := c.transactor("x", bumping)
		x.must(x.init(1)) // millisecond
		x.must(x.add("t"))
		if state := c.ended("x"); state != "CompleteAbort" {
			t.Errorf("it became %s", state)
		}
		if code := x.send("t", "late"); code != protocol.ErrInvalidProducerEpoch.Code {
			t.Errorf("Produce: %v", protocol.ErrorForCode(code))
		}
		if !bumping {
			if code := x.end(true); code != protocol.ErrProducerFenced.Code {
				t.Errorf("EndTxn: %v", protocol.ErrorForCode(code))
			}
		}
	})
}
