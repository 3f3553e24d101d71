package metadata

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/internal/clock"
	"github.com/barnabas-mq/barnabas/protocol"
)

// A new directory begins with the records that a new Kafka node writes.
func TestNewDirectory(t *testing.T) {
	w := newWorld(t)
	s := w.open()
	var got []string
	var controls int
	for _, b := range w.journal.batches {
		if b.LeaderEpoch() != 1 {
			t.Errorf("a batch has the epoch %d", b.LeaderEpoch())
		}
		err := b.EachRecord(protocol.DecodeLimits{}, func(rec *protocol.Record) error {
			if b.IsControl() {
				controls++
				return nil
			}
			r, err := DecodeRecord(rec.Value)
			if err != nil {
				return err
			}
			got = append(got, fmt.Sprintf("%d %s", rec.Offset, r.Type()))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	want := []string{
		"1 BEGIN_TRANSACTION_RECORD", "2 FEATURE_LEVEL_RECORD", "3 FEATURE_LEVEL_RECORD", "4 FEATURE_LEVEL_RECORD",
		"5 FEATURE_LEVEL_RECORD", "6 FEATURE_LEVEL_RECORD", "7 FEATURE_LEVEL_RECORD", "8 CONFIG_RECORD", "9 END_TRANSACTION_RECORD",
		"10 REGISTER_CONTROLLER_RECORD", "11 REGISTER_BROKER_RECORD",
		"12 BROKER_REGISTRATION_CHANGE_RECORD", "13 BROKER_REGISTRATION_CHANGE_RECORD",
	}
	if !slices.Equal(got, want) || controls != 1 {
		t.Errorf("the log holds %d control records and\n%s", controls, strings.Join(got, "\n"))
	}
	img := s.Image()
	if img.MetadataVersion() != 30 || img.FeatureLevel("transaction.version") != 2 || img.ClusterID() != w.options.ClusterID {
		t.Errorf("features %v of cluster %s", img.Features(), img.ClusterID())
	}
	b := img.Broker(1)
	if b == nil || b.Epoch != 11 || b.Fenced || s.BrokerEpoch() != 11 {
		t.Fatalf("broker %+v", b)
	}
	if e, ok := b.Endpoint("PLAINTEXT"); !ok || e.Port != 9092 {
		t.Errorf("endpoint %+v", e)
	}
	quorum, err := os.ReadFile(w.options.Dir + "/quorum-state")
	if err != nil || !json.Valid(quorum) {
		t.Fatal(err)
	}
	if want := `{"clusterId":"","leaderId":1,"leaderEpoch":1,"votedId":-1,"appliedOffset":0,"currentVoters":[{"voterId":1}],"data_version":0}`; string(quorum) != want {
		t.Errorf("quorum-state is %s", quorum)
	}
}

// A restart sees what the last process was told, under the next epoch.
func TestRestart(t *testing.T) {
	w := newWorld(t)
	s := w.open()
	orders := create(t, s, "orders", 3)
	propose(t, s, &ConfigRecord{ResourceTopic, "orders", "retention.ms", text("1000")})
	first := s.Image()
	w.close(s)
	s = w.open()
	img := s.Image()
	if img.Epoch() != 2 || s.BrokerEpoch() != int64(first.EndOffset())+2 {
		t.Errorf("epoch %d, broker epoch %d, first log ended at %d", img.Epoch(), s.BrokerEpoch(), first.EndOffset())
	}
	if got := img.TopicByID(orders.ID); got == nil || got.Name != "orders" || got.Partition(0).LeaderEpoch != 0 {
		t.Errorf("a led partition changed at a restart: %+v", got)
	}
	if value, _ := img.TopicConfig("orders").Get("retention.ms"); value != "1000" {
		t.Errorf("retention.ms %q", value)
	}
}

// ticking is a clock that moves whenever it is asked.
type ticking struct{ *clock.Manual }

func (c ticking) Now() time.Time {
	c.Advance(time.Second)
	return c.Manual.Now()
}

// A change has one time: what its batch says, its image says too.
func TestLiveTimeIsJournaledTime(t *testing.T) {
	w := newWorld(t)
	w.options.Clock = ticking{w.clock}
	s := w.open()
	create(t, s, "orders", 1)
	rec, err := recoverFolder(&w.options)
	if err != nil {
		t.Fatal(err)
	}
	if live := s.Image().timestamp; rec.img.timestamp != live {
		t.Errorf("the journal says %d, the image said %d", rec.img.timestamp, live)
	}
}

func text(s string) *string { return &s }

// Concurrent proposals each see what the one before left, and share batches.
func TestConcurrentProposals(t *testing.T) {
	w := newWorld(t)
	s := w.open()
	const count = 300
	var wg sync.WaitGroup
	blocks := make([]protocol.ProducerID, count)
	for i := range count {
		wg.Go(func() {
			_, err := s.Propose(context.Background(), func(img *Image) ([]Record, error) {
				records, block, err := NextProducerIDBlock(img, 1, s.BrokerEpoch())
				blocks[i] = block.First
				return records, err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	slices.Sort(blocks)
	for i, first := range blocks {
		if first != protocol.ProducerID(i)*1000 {
			t.Fatalf("block %d begins at %d", i, first)
		}
	}
	w.close(s)
	if got := w.open().Image().NextProducerID(); got != count*1000 {
		t.Errorf("after a restart the next producer id is %d", got)
	}
}

// Watchers are told in order, before the change can be seen and before Propose returns.
func TestWatchers(t *testing.T) {
	w := newWorld(t)
	s := w.open()
	var calls []string
	if first := s.Watch(func(old, new *Image, records []Record) {
		if s.Image() != old {
			t.Error("the image was published before the watcher was told")
		}
		calls = append(calls, fmt.Sprintf("%d>%d %s", old.TopicCount(), new.TopicCount(), records[0].Type()))
	}); first != s.Image() {
		t.Error("Watch returned another image")
	}
	id := create(t, s, "a", 1).ID
	propose(t, s, &RemoveTopicRecord{id})
	if _, err := s.Propose(context.Background(), func(*Image) ([]Record, error) { return nil, nil }); err != nil {
		t.Fatal(err)
	}
	if want := []string{"0>1 TOPIC_RECORD", "1>0 REMOVE_TOPIC_RECORD"}; !slices.Equal(calls, want) {
		t.Errorf("calls %q", calls)
	}
}

// The function's error comes back untouched and changes nothing; a record that
// does not fit is refused before it is journaled.
func TestRefusedProposals(t *testing.T) {
	w := newWorld(t)
	s := w.open()
	before := s.Image()
	own := errors.New("own")
	img, err := s.Propose(context.Background(), func(*Image) ([]Record, error) { return []Record{&NoOpRecord{}}, own })
	if err != own || img != before {
		t.Errorf("%v", err)
	}
	_, err = s.Propose(context.Background(), func(*Image) ([]Record, error) {
		return []Record{&TopicRecord{"t", protocol.UUID{1}}, &RemoveTopicRecord{protocol.UUID{2}}}, nil
	})
	if err == nil || !strings.Contains(err.Error(), "REMOVE_TOPIC_RECORD") {
		t.Errorf("%v", err)
	}
	if s.Image() != before || w.journal.End() != before.EndOffset() {
		t.Error("something was changed")
	}
}

// When the journal certainly holds nothing, the proposal fails and the next may
// pass (a full disk); when it may hold something, only a restart tells.
func TestJournalFailures(t *testing.T) {
	w := newWorld(t)
	s := w.open()
	full := errors.New("no space left")
	w.journal.before = func(protocol.Batch) error { return full }
	img, err := s.Propose(context.Background(), func(*Image) ([]Record, error) { return []Record{&TopicRecord{"a", protocol.UUID{1}}}, nil })
	if !errors.Is(err, full) || errors.Is(err, ErrFailed) || img.Topic("a") != nil || s.Image().Topic("a") != nil {
		t.Fatalf("%v", err)
	}
	w.journal.before = nil
	create(t, s, "b", 1)

	w.journal.after = func(protocol.Batch) error { return full }
	if _, err := s.Propose(context.Background(), func(*Image) ([]Record, error) { return []Record{&TopicRecord{"c", protocol.UUID{3}}}, nil }); !errors.Is(err, ErrFailed) || !errors.Is(err, full) {
		t.Fatalf("%v", err)
	}
	w.journal.after = nil
	if _, err := s.Propose(context.Background(), func(*Image) ([]Record, error) { return nil, nil }); !errors.Is(err, ErrFailed) {
		t.Errorf("after an unknown outcome: %v", err)
	}
	if s.Image().Topic("c") != nil {
		t.Error("an unknown outcome was published")
	}
	w.close(s)
	if img := w.open().Image(); img.Topic("b") == nil || img.Topic("c") == nil {
		t.Error("the restart did not replay what the journal holds")
	}
}

// A proposal that is too large for a batch is still atomic: it becomes a metadata
// transaction, and one that was cut off by a crash does not count.
func TestLargeProposal(t *testing.T) {
	w := newWorld(t)
	s := w.open()
	topic := create(t, s, "wide", 1)
	records := make([]Record, 0, 70_000)
	for i := range int32(70_000) {
		records = append(records, newPartition(s.Image(), topic.ID, i+1, []int32{1}))
	}
	before := len(w.journal.batches)
	img := propose(t, s, records...)
	batches := len(w.journal.batches) - before
	if got := len(img.Topic("wide").Partitions); got != 70_001 || batches < 2 || img.EndOffset() != w.journal.End() {
		t.Fatalf("%d partitions in %d batches", got, batches)
	}
	for _, b := range w.journal.batches {
		if len(b) > batchBytesMax {
			t.Errorf("a batch of %d bytes", len(b))
		}
	}
	w.close(s)

	whole := w.journal.batches
	s = w.open()
	again := s.Image()
	w.close(s)
	if len(again.Topic("wide").Partitions) != 70_001 {
		t.Error("the transaction was not replayed")
	}
	w.journal.batches = whole[:len(whole)-1] // as if the process had died in between
	s = w.open()
	if got := len(s.Image().Topic("wide").Partitions); got != 1 {
		t.Errorf("half a transaction gave %d partitions", got)
	}
	create(t, s, "after", 1)
	w.close(s)
	if img := w.open().Image(); img.Topic("after") == nil || len(img.Topic("wide").Partitions) != 1 {
		t.Error("what follows a cut transaction was taken for a part of it")
	}
}

// A record that no batch holds is refused, and nothing of its proposal is written; one
// that fills a batch is written.
func TestLargeRecord(t *testing.T) {
	w := newWorld(t)
	s := w.open()
	set := func(length int) Record {
		return &UserScramCredentialRecord{Name: "u", Mechanism: 1, Salt: make([]byte, length)}
	}
	frame := len(mustAppendRecord(nil, set(batchBytesMax/2), 0)) - batchBytesMax/2 // the length's varint is as long
	most := batchBytesMax - protocol.BatchHeaderBytes - recordOverheadMax - frame
	end := w.journal.End()
	for _, records := range [][]Record{{set(most + 1)}, {set(1), set(most + 1), set(2)}} {
		img, err := s.Propose(context.Background(), func(*Image) ([]Record, error) { return records, nil })
		if !errors.Is(err, ErrPolicyViolation) || img != s.Image() || w.journal.End() != end {
			t.Errorf("%v, journal from %d to %d", err, end, w.journal.End())
		}
	}
	if img := propose(t, s, set(most)); len(img.ScramUser("u")) != 1 {
		t.Error("the largest record is not there")
	}
	for _, b := range w.journal.batches {
		if len(b) > batchBytesMax {
			t.Errorf("a batch of %d bytes", len(b))
		}
	}
	w.close(s)
	if img := w.open().Image(); len(img.ScramUser("u")) != 1 {
		t.Error("the largest record was not read again")
	}
}

// Contexts end waiting, not what has begun; after Close everything is refused.
func TestCancelAndClose(t *testing.T) {
	w := newWorld(t)
	s := w.open()
	entered, leave := make(chan struct{}), make(chan struct{})
	go func() {
		_, _ = s.Propose(context.Background(), func(*Image) ([]Record, error) {
			close(entered)
			<-leave
			return nil, nil
		})
	}()
	<-entered
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	ran := false
	if _, err := s.Propose(ctx, func(*Image) ([]Record, error) {
		ran = true
		return nil, nil
	}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	close(leave)
	w.close(s)
	if ran {
		t.Error("an abandoned proposal was run")
	}
	if _, err := s.Propose(context.Background(), func(*Image) ([]Record, error) { return nil, nil }); !errors.Is(err, ErrClosed) {
		t.Errorf("%v", err)
	}
	if w.journal.flushed != w.journal.End() {
		t.Error("Close left the journal unflushed")
	}
}
