package txn

import (
	"strings"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/protocol"
)

// A decision whose commit takes longer than anybody waits is finished nevertheless.
func TestADecisionThatIsCommittedLate(t *testing.T) {
	s := newStage(t)
	s.run(strings.Fields("init a"))
	s.run(strings.Fields("add a 1001/0 t-0"))
	s.late = coordinator.ErrUnavailable
	s.run(strings.Fields("commit a 1001/0"))
	if len(s.markers) > 0 {
		t.Fatal("markers before the decision is committed")
	}
	s.late = nil
	s.sleep(markersPatience)
	if len(s.markers) != 1 || !s.markers[0].Commit {
		t.Fatalf("the markers asked for are %+v", s.markers)
	}
}

// A transaction grows as long as its end fits in a record, also after a downgrade; an
// id that leaves no room for any is refused.
func TestTheEndOfATransactionAlwaysFits(t *testing.T) {
	for _, level := range []int16{0, 2} {
		s := newStage(t)
		s.config.RecordBytesMax = 1024
		s.level = 2
		s.restart()
		var long error
		s.do(s.machine.InitProducerID(s.now, InitInput{TransactionalID: strings.Repeat("x", 1100), TimeoutMillis: 1, Expected: coordinator.NoProducer, NewID: 5},
			func(out InitOutput) { long = out.Err }))
		if long != protocol.ErrInvalidRequest {
			t.Errorf("a long id: %v", long)
		}
		s.run(strings.Fields("init a"))
		s.run(strings.Fields("epoch a 32766"))
		p := coordinator.Producer{ID: 1001, Epoch: epochLast}
		var err error
		for i := int32(0); err == nil; i++ {
			in := AddInput{TransactionalID: "a", Producer: p, Partitions: []TopicPartition{{Topic: strings.Repeat("t", int(i%9+1)), Partition: i}}}
			s.do(s.machine.AddPartitions(s.now, in, func(out AddOutput) { err = out.First() }))
		}
		if err != protocol.ErrUnknownServerError {
			t.Fatal(err)
		}
		s.level = level
		out := EndOutput{Err: protocol.ErrUnknownServerError}
		s.do(s.machine.End(s.now, EndInput{TransactionalID: "a", Producer: p, Commit: true, Version: 2, NewID: 77}, func(o EndOutput) { out = o }))
		last := s.journal[len(s.journal)-1]
		if out.Err != nil || len(s.markers) != 1 || !s.markers[0].Commit || len(last.Key)+len(last.Value) > 1024-protocol.BatchHeaderBytes {
			t.Errorf("level %d: the end is %+v, its record has %d bytes", level, out, len(last.Key)+len(last.Value))
		}
	}
}

// No partitions begin no transaction.
func TestNothingAddedBeginsNothing(t *testing.T) {
	s := newStage(t)
	s.run(strings.Fields("init a"))
	s.run(strings.Fields("add a 1001/0"))
	s.sleep(time.Hour)
	if state := s.machine.transactions["a"].state; state != Empty {
		t.Errorf("the state is %s", state)
	}
}
