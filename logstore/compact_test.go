package logstore_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/protocol"
)

// batchOf makes a batch out of words: "k=v" is a record, "k=" one with an empty value,
// "k" a tombstone, "=v" a record without a key. The last one of the batch may say who
// sends it: "@7" is producer 7, "@7t" in a transaction.
func batchOf(base protocol.Offset, sequence int32, text string) protocol.Batch {
	options := protocol.DefaultBatchOptions()
	words := strings.Fields(text)
	if who, ok := strings.CutPrefix(words[len(words)-1], "@"); ok {
		words = words[:len(words)-1]
		options.Transactional = strings.HasSuffix(who, "t")
		options.ProducerID, options.ProducerEpoch, options.BaseSequence = protocol.ProducerID(who[0]-'0'), 0, sequence
	}
	if len(words) == 1 && (words[0] == "commit" || words[0] == "abort") {
		b := protocol.NewEndTxnMarkerBatch(options.ProducerID, 0, 1000, protocol.EndTxnMarker{Commit: words[0] == "commit"})
		b.SetBaseOffset(base)
		return b
	}
	w := protocol.NewBatchBuilder(options)
	for _, word := range words {
		key, value, hasValue := strings.Cut(word, "=")
		k, v := []byte(key), []byte(value)
		if key == "" {
			k = nil
		}
		if !hasValue {
			v = nil
		}
		w.Add(1000, k, v)
	}
	return w.Build(base, 0)
}

// simLog is a log in memory with the state that an engine keeps of it.
type simLog struct {
	t         *testing.T
	batches   []protocol.Batch
	producers logstore.ProducerTable
	aborted   []logstore.AbortedTransaction
	sequences map[protocol.ProducerID]int32
	cleanedTo protocol.Offset
}

func newSimLog(t *testing.T) *simLog {
	return &simLog{t: t, sequences: make(map[protocol.ProducerID]int32)}
}

func (s *simLog) end() protocol.Offset {
	if len(s.batches) == 0 {
		return 0
	}
	return s.batches[len(s.batches)-1].LastOffset() + 1
}

func (s *simLog) append(text string) {
	producer := protocol.ProducerID(protocol.None)
	if i := strings.IndexByte(text, '@'); i >= 0 {
		producer = protocol.ProducerID(text[i+1] - '0')
	}
	b := batchOf(s.end(), s.sequences[producer], text)
	if !b.IsControl() {
		s.sequences[producer] += b.Count()
	}
	s.add(b)
}

func (s *simLog) add(b protocol.Batch) {
	s.batches = append(s.batches, b)
	if ended, ok := s.producers.Apply(b, 0); ok && ended.Aborted {
		s.aborted = append(s.aborted, logstore.AbortedTransaction{
			Producer: ended.ProducerID, First: ended.First, Last: ended.Last, LastStable: ended.LastStable})
	}
}

// clean compacts everything below bound, which is a batch's edge.
func (s *simLog) clean(bound protocol.Offset, now protocol.Timestamp, keys *logstore.OffsetMap) {
	s.t.Helper()
	scan := logstore.NewKeyScan(keys, s.cleanedTo, s.aborted, protocol.DecodeLimits{})
	full := false
	for _, b := range s.batches {
		if b.LastOffset() < s.cleanedTo || b.BaseOffset() >= bound {
			continue
		}
		room, err := scan.Add(b)
		if err != nil {
			s.t.Fatal(err)
		}
		if full = !room; full {
			break
		}
	}
	if !full {
		scan.Reached(bound)
	}
	rules := logstore.NewRetention(logstore.RetentionInput{Keys: scan, Bound: bound, Now: now, DeleteRetentionMillis: 100,
		Producers: s.producers.LastBatches(bound), Aborted: s.aborted})
	var left []protocol.Batch
	for _, b := range s.batches {
		if b.BaseOffset() >= bound {
			left = append(left, b)
			continue
		}
		made, err := rules.Apply(b)
		if err != nil {
			s.t.Fatal(err)
		}
		if made == nil {
			continue
		}
		if err := protocol.VerifyBatch(made); err != nil {
			s.t.Fatal(err)
		}
		left = append(left, append(protocol.Batch(nil), made...))
	}
	aborted := rules.TakeAborted()
	for _, txn := range s.aborted {
		if txn.Last >= bound {
			aborted = append(aborted, txn)
		}
	}
	s.batches, s.aborted, s.cleanedTo = left, aborted, scan.End()
}

// text shows what is there: offsets with records, and headers that have none.
func (s *simLog) text() string {
	var words []string
	for _, b := range s.batches {
		head := ""
		if at, ok := b.DeleteHorizon(); ok {
			head = fmt.Sprintf("until %d ", at)
		}
		if b.Count() == 0 {
			words = append(words, fmt.Sprintf("%d-%d empty", b.BaseOffset(), b.LastOffset()))
		}
		_ = b.EachRecord(protocol.DecodeLimits{}, func(r *protocol.Record) error {
			switch {
			case b.IsControl():
				marker, _ := b.EndTxnMarker()
				words = append(words, fmt.Sprintf("%s%d %s", head, r.Offset, map[bool]string{true: "commit", false: "abort"}[marker.Commit]))
			case r.Value == nil:
				words = append(words, fmt.Sprintf("%s%d %s", head, r.Offset, r.Key))
			default:
				words = append(words, fmt.Sprintf("%s%d %s=%s", head, r.Offset, r.Key, r.Value))
			}
			return nil
		})
	}
	return strings.Join(words, ", ")
}

// The rules, each as a log, the times at which it is compacted and what is left. The
// bound is the end of what stands before "|".
func TestCompaction(t *testing.T) {
	for _, test := range []struct {
		name string
		log  string // batches, parted by ";"
		at   []protocol.Timestamp
		want string
	}{
		{"the newest of each key stays", "a=1 b=1; a=2; b=2 c=1; c=2", []protocol.Timestamp{0}, "2 a=2, 3 b=2, 5 c=2"},
		{"within a batch too", "a=1 a=2 a=3", []protocol.Timestamp{0}, "2 a=3"},
		{"records without a key go", "=1 a=1 =2; b=1", []protocol.Timestamp{0}, "1 a=1, 3 b=1"},
		{"an empty value is a value", "a=1; a=; b=1", []protocol.Timestamp{0, 1000}, "1 a=, 2 b=1"},
		{"an empty key is a key", "=1 a=1; a=2", []protocol.Timestamp{0}, "2 a=2"},
		{"nothing above the bound is touched", "a=1; a=2 | a=3", []protocol.Timestamp{0}, "1 a=2, 2 a=3"},
		{"the last batch stays without its records", "a=1; =1 =2", []protocol.Timestamp{0}, "0 a=1, 1-2 empty"},
		{"a tombstone removes what came before, and stays a while", "a=1; a; b=1", []protocol.Timestamp{1000}, "until 1100 1 a, 2 b=1"},
		{"until its time is up", "a=1; a; b=1", []protocol.Timestamp{1000, 1099}, "until 1100 1 a, 2 b=1"},
		{"then it goes", "a=1; a; b=1", []protocol.Timestamp{1000, 1100}, "2 b=1"},
		{"a time that was set is not set anew", "a=1; a c=1; b=1", []protocol.Timestamp{1000, 1050, 1099}, "until 1100 1 a, until 1100 2 c=1, 3 b=1"},
		{"its neighbours stay with their times", "a c=1; b=1", []protocol.Timestamp{1000, 1100}, "until 1100 1 c=1, 2 b=1"},
		{"a tombstone that was superseded goes", "a; a=2", []protocol.Timestamp{1000}, "1 a=2"},
		{"the last batch of a producer stays", "a=1 @7; a=2 b=1 @7; b=2 a=3", []protocol.Timestamp{0}, "1-2 empty, 3 b=2, 4 a=3"},
		{"of each producer", "a=1 @7; a=2 @8; a=3", []protocol.Timestamp{0, 1}, "0-0 empty, 1-1 empty, 2 a=3"},
		{"not when it went on above the bound", "a=1 @7; a=2 | b=1 @7", []protocol.Timestamp{0}, "1 a=2, 2 b=1"},
		{"committed data is data", "a=1 @7t; commit @7; b=1", []protocol.Timestamp{0, 1000}, "0 a=1, 1 commit, 2 b=1"},
		{"a commit outlives its data for a while", "a=1 @7t; commit @7; a=2 @7t; commit @7; b=1", []protocol.Timestamp{0}, "1 commit, 2 a=2, 3 commit, 4 b=1"},
		{"then its time begins", "a=1 @7t; commit @7; a=2 @7t; commit @7; b=1", []protocol.Timestamp{0, 1000}, "until 1100 1 commit, 2 a=2, 3 commit, 4 b=1"},
		{"and then it goes", "a=1 @7t; commit @7; a=2 @7t; commit @7; b=1", []protocol.Timestamp{0, 1000, 1100}, "2 a=2, 3 commit, 4 b=1"},
		{"aborted data goes", "a=1; a=2 @7t; abort @7; a=3 @7t; commit @7; b=1", []protocol.Timestamp{0}, "2 abort, 3 a=3, 4 commit, 5 b=1"},
		{"and supersedes nothing", "a=1; a=2 @7t; abort @7; b=1 @7", []protocol.Timestamp{0}, "0 a=1, 2 abort, 3 b=1"},
		{"aborted by a marker above the bound", "a=1; a=2 @7t; c=1 | abort @7; b=1 @7", []protocol.Timestamp{0}, "0 a=1, 2 c=1, 3 abort, 4 b=1"},
		{"an abort without data waits, then goes", "a=2 @7t; abort @7; b=1 @7", []protocol.Timestamp{0, 1000, 1099}, "until 1100 1 abort, 2 b=1"},
		{"as said", "a=2 @7t; abort @7; b=1 @7", []protocol.Timestamp{0, 1000, 1100}, "2 b=1"},
		{"aborted data of a live producer leaves its batch, and its marker", "a=2 @7t; abort @7; b=1", []protocol.Timestamp{0, 1000, 9000}, "0-0 empty, 1 abort, 2 b=1"},
		{"a transaction without data is a marker that goes", "commit @7; b=1 @7", []protocol.Timestamp{0, 100}, "1 b=1"},
		{"the marker alone keeps the producer", "commit @7; b=1", []protocol.Timestamp{0, 100}, "0-0 empty, 1 b=1"},
		{"transactions in one another", "a=1 @7t; a=2 @8t; b=1 @7t; abort @8; commit @7; c=1 @8; d=1 @7", []protocol.Timestamp{0},
			"0 a=1, 2 b=1, 3 abort, 4 commit, 5 c=1, 6 d=1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			log := newSimLog(t)
			below, above, hasBound := strings.Cut(test.log, "|")
			for _, b := range strings.Split(below, ";") {
				log.append(strings.TrimSpace(b))
			}
			bound := log.end()
			if hasBound {
				for _, b := range strings.Split(above, ";") {
					log.append(strings.TrimSpace(b))
				}
			}
			for _, now := range test.at {
				log.clean(bound, now, logstore.NewOffsetMap(1<<20, 0.9))
			}
			if diff := cmp.Diff(test.want, log.text()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What loses nothing keeps its bytes.
func TestUntouchedBatchesAreCopied(t *testing.T) {
	log := newSimLog(t)
	log.append("a=1 b=1 @7")
	log.append("c=1 d=1")
	before := [][]byte{log.batches[0], log.batches[1]}
	log.clean(log.end(), 0, logstore.NewOffsetMap(1<<20, 0.9))
	if diff := cmp.Diff(before, [][]byte{log.batches[0], log.batches[1]}); diff != "" {
		t.Error(diff)
	}
}

// A map that is too small takes several rounds, each of which comes forward.
func TestSmallMapTakesRounds(t *testing.T) {
	log := newSimLog(t)
	for i := range 30 {
		log.append(fmt.Sprintf("k%d=%d k%d=%d", i%10, i, (i+5)%10, i))
	}
	for rounds := 0; log.cleanedTo < log.end(); rounds++ {
		before := log.cleanedTo
		log.clean(log.end(), 0, logstore.NewOffsetMap(24*5, 0.9))
		if log.cleanedTo <= before || rounds > 60 {
			t.Fatalf("round %d went from %d to %d", rounds, before, log.cleanedTo)
		}
	}
	log.cleanedTo = 0
	log.clean(log.end(), 0, logstore.NewOffsetMap(1<<20, 0.9))
	want := newSimLog(t)
	for i := range 30 {
		want.append(fmt.Sprintf("k%d=%d k%d=%d", i%10, i, (i+5)%10, i))
	}
	want.clean(want.end(), 0, logstore.NewOffsetMap(1<<20, 0.9))
	if diff := cmp.Diff(want.text(), log.text()); diff != "" {
		t.Error(diff)
	}
}
