package clients

import (
	"slices"
	"testing"

	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

const (
	topicPartitions = 3
	// recordsPerCodec is what the acceptance of the product asks for.
	recordsPerCodec = 2000
	// pastTheMiddle moves the first commit off every batch boundary that a
	// client might choose by counting.
	pastTheMiddle = 33
)

// roundtrip: a client makes a topic, sends records with each of its codecs,
// reads half of them in a group and commits exactly there; the broker restarts;
// the client reads the rest, from exactly there. Every byte is compared, as
// stored and as read, and the stored codec is the one that the client was told
// to use.
func roundtrip(t *testing.T, broker testbed.Target, client Program) {
	const topic, groupName = "roundtrip", "roundtrip-group"
	lacks := client.Client.Lacks
	judge := newJudge(t, broker.Bootstrap())
	codecs := checkAbout(t, client)

	client.Create(t, broker.Bootstrap(), topic, topicPartitions)
	if got := judge.partitions(topic); got != topicPartitions {
		t.Fatalf("the topic has %d partitions, want %d", got, topicPartitions)
	}
	for i, codec := range codecs {
		client.Produce(t, broker.Bootstrap(), topic, codec, makeRecords(i*recordsPerCodec, recordsPerCodec, lacks))
	}
	total := len(codecs) * recordsPerCodec
	checkStored(t, judge.stored(total, topic), codecs, lacks)

	half := total/2 + pastTheMiddle
	next := make(map[int32]int64)
	first, committed := client.Consume(t, broker.Bootstrap(), topic, groupName, half)
	if err := checkOrder(first, next); err != nil {
		t.Errorf("before the restart: %v", err)
	}
	checkCommitted(t, committed, next)
	checkCommitted(t, judge.committed(groupName, topic), next)

	if err := broker.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := broker.Start(); err != nil {
		t.Fatal(err)
	}

	judge = newJudge(t, broker.Bootstrap()) // the old one's connection is gone
	checkCommitted(t, judge.committed(groupName, topic), next)
	second, _ := client.Consume(t, broker.Bootstrap(), topic, groupName, total-half)
	if err := checkOrder(second, next); err != nil { // goes on from the commit
		t.Errorf("after the restart: %v", err)
	}
	checkCommitted(t, judge.committed(groupName, topic), next)
	times := make(map[int]int)
	for _, r := range slices.Concat(first, second) {
		if err := checkRecord(r, lacks); err != nil {
			t.Fatalf("as read: %v", err)
		}
		times[indexOf(r)]++
	}
	if err := once(times, total); err != nil {
		t.Error(err)
	}
	want := slices.Sorted(slices.Values(codecs))
	if got := dumpedCodecs(t, broker.DataDir(), topic); !slices.Equal(got, want) {
		t.Errorf("dump-log finds codecs %v, want %v", got, want)
	}
}

// checkAbout returns the codecs to use: those of the row that the program has.
func checkAbout(t *testing.T, client Program) []string {
	t.Helper()
	version, codecs := client.About(t)
	if version != client.Client.Version {
		t.Errorf("the library says that it is %s, want %s", version, client.Client.Version)
	}
	for _, codec := range client.Client.Codecs {
		if !slices.Contains(codecs, codec) {
			t.Errorf("the client has no codec %s", codec)
		}
	}
	for _, codec := range client.Client.OptionalCodecs {
		if !slices.Contains(codecs, codec) {
			t.Logf("without codec %s, which this runtime does not have", codec)
		}
	}
	return slices.DeleteFunc(codecs, func(codec string) bool {
		return !slices.Contains(client.Client.Codecs, codec) && !slices.Contains(client.Client.OptionalCodecs, codec)
	})
}

// checkStored compares what lies in the log: each record once, in the order of sending, with the codec asked for.
func checkStored(t *testing.T, records []stored, codecs []string, lacks Lacks) {
	t.Helper()
	lacks.ReadsEmptyAsNull = false // the judge can tell them apart
	times, latest := make(map[int]int), make(map[int32]int)
	for _, r := range records {
		if err := checkRecord(r.Record, lacks); err != nil {
			t.Fatalf("as stored: %v", err)
		}
		index := indexOf(r.Record)
		times[index]++
		if before, seen := latest[r.Partition]; seen && index <= before {
			t.Errorf("partition %d: record %d lies after record %d", r.Partition, index, before)
		}
		latest[r.Partition] = index
		if want := codecs[index/recordsPerCodec]; r.codec != want {
			t.Fatalf("record %d is stored with codec %s, the client was told %s", index, r.codec, want)
		}
	}
	if err := once(times, len(codecs)*recordsPerCodec); err != nil {
		t.Errorf("as stored: %v", err)
	}
}

// checkCommitted compares committed offsets with the positions behind the records that were read. A partition of
// which nothing was read has no commit or, where the client commits all that it owns, one at 0.
func checkCommitted(t *testing.T, committed, next map[int32]int64) {
	t.Helper()
	for partition, offset := range next {
		if got, found := committed[partition]; !found || got != offset {
			t.Errorf("committed offset of partition %d is %d (found: %t), want %d", partition, got, found, offset)
		}
	}
	for partition, offset := range committed {
		if _, read := next[partition]; !read && offset > 0 {
			t.Errorf("committed offset of partition %d is %d, but nothing of it was read", partition, offset)
		}
	}
}
