package api

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/protocol"
)

// oldValues reads a message set: "offset=value" of each message, and of a wrapper's
// messages together with the offset of the last one.
func oldValues(t *testing.T, set []byte) (values []string) {
	t.Helper()
	for len(set) > 0 {
		offset, size := binary.BigEndian.Uint64(set), binary.BigEndian.Uint32(set[8:])
		b, err := protocol.ConvertMessageSet(set[:12+size], protocol.DecodeLimits{})
		if err != nil {
			t.Fatalf("the entry at %d: %v", offset, err)
		}
		values = append(values, fmt.Sprintf("%d=%s", offset, strings.Join(valuesIn(t, b, 0), "+")))
		set = set[12+size:]
	}
	return values
}

// fetchOld asks for t from an offset in an old version.
func fetchOld(w *world, version int16, offset int64, most int32, partitions ...int32) []kmsg.FetchResponseTopicPartition {
	w.t.Helper()
	q := fetchOf("t", offset, partitions...)
	for i := range q.Topics[0].Partitions {
		q.Topics[0].Partitions[i].PartitionMaxBytes = most
	}
	return ask[*kmsg.FetchResponse](w, version, q).Topics[0].Partitions
}

// Old clients get message sets of their format, with codecs that they know, from
// within a batch too, and nothing of markers.
func TestOldVersionsOfFetchGetMessageSets(t *testing.T) {
	w := newWorld(t)
	w.topic("t", 1)
	zstd := plain()
	zstd.Codec = protocol.CodecZstd
	w.send("t", w.batchOf(plain(), "a", "b", "c"))
	w.send("t", w.batchOf(zstd, "d", "e"))
	w.transact("t", "^7") // 5
	large := strings.Repeat("x", 2*copyBelowBytes)
	w.send("t", w.batchOf(plain(), large)) // 6
	for version := int16(0); version < fetchBatches; version++ {
		for _, c := range []struct {
			from int64
			want []string
		}{
			{1, []string{"1=b", "2=c", "4=d+e", "6=" + large}},
			{4, []string{"4=e", "6=" + large}},
			{5, []string{"6=" + large}},
			{6, []string{"6=" + large}},
		} {
			p := fetchOld(w, version, c.from, 1<<20, 0)[0]
			if p.ErrorCode != 0 || p.HighWatermark != 7 {
				t.Fatalf("version %d: %+v", version, p)
			}
			if got := oldValues(t, p.RecordBatches); !slices.Equal(got, c.want) {
				t.Errorf("version %d from %d: %.60q, want %.60q", version, c.from, got, c.want)
			}
			if magic := p.RecordBatches[16]; magic != byte(version/2) {
				t.Errorf("version %d has format %d", version, magic)
			}
		}
		if p := fetchOld(w, version, 8, 1<<20, 0)[0]; p.ErrorCode != protocol.ErrOffsetOutOfRange.Code || p.HighWatermark != -1 {
			t.Errorf("version %d beyond the end: %+v", version, p)
		}
	}
}

// A limit that is smaller than a message does not keep its reader from going on, and
// below version 3 every partition gets its turn.
func TestOldVersionsOfFetchMakeProgress(t *testing.T) {
	w := newWorld(t, "barnabas.fetch.conversion.max.bytes=65536")
	w.topic("t", 3)
	value := strings.Repeat("v", 40_000)
	for partition := range int32(3) {
		w.produce("t", partition, value, value, value)
	}
	for version := int16(0); version < fetchBatches; version++ {
		served := make(map[int32]int)
		for range 3 {
			for _, p := range fetchOld(w, version, 0, 100, 0, 1, 2) {
				served[p.Partition] += len(oldValues(t, p.RecordBatches))
			}
		}
		// Each answer has room for one message and, since one is given in any case, a second one.
		want := map[int32]int{0: 2, 1: 2, 2: 2}
		if version == 3 { // its clients turn their list themselves, and the limit is for the answer
			want = map[int32]int{0: 3, 1: 0, 2: 0}
		}
		for partition, n := range want {
			if served[partition] != n {
				t.Errorf("version %d: partitions %v, want %v", version, served, want)
				break
			}
		}
	}
}

// The limits of a request hold for what is sent: of each partition and, from version 3
// on, of the answer.
func TestOldVersionsOfFetchKeepToTheirLimits(t *testing.T) {
	w := newWorld(t)
	w.topic("t", 3)
	value := strings.Repeat("v", 1000)
	for partition := range int32(3) {
		w.produce("t", partition, value, value, value, value, value)
	}
	const message = 1000 + 34
	for version := int16(0); version < fetchBatches; version++ {
		q := fetchOf("t", 0, 0, 1, 2)
		q.MaxBytes = 4 * (1000 + protocol.BatchHeaderBytes + 100)
		for i := range q.Topics[0].Partitions {
			q.Topics[0].Partitions[i].PartitionMaxBytes = 3 * (1000 + protocol.BatchHeaderBytes + 100)
		}
		var got []int
		for _, p := range ask[*kmsg.FetchResponse](w, version, q).Topics[0].Partitions {
			got = append(got, len(oldValues(t, p.RecordBatches)))
		}
		want := []int{3, 3, 3}
		if version == 3 {
			want = []int{3, 1, 0}
		}
		if !slices.Equal(got, want) {
			t.Errorf("version %d: %v messages, want %v (a message has up to %d bytes)", version, got, want, message)
		}
	}
}

// Records that became fewer bytes than their batches had are answered with at once, as
// long as there are more behind them.
func TestOldVersionsOfFetchDoNotWaitForWhatIsThere(t *testing.T) {
	w := newWorld(t)
	w.topic("t", 1)
	w.produce("t", 0, slices.Repeat([]string{"0123456789"}, 1000)...)
	q := fetchOf("t", 0, 0)
	q.MinBytes, q.MaxWaitMillis, q.Topics[0].Partitions[0].PartitionMaxBytes = 15_000, 60_000, 20_000
	p := ask[*kmsg.FetchResponse](w, 3, q).Topics[0].Partitions[0]
	if n := len(p.RecordBatches); n == 0 || n >= 15_000 {
		t.Errorf("%d bytes: the test means fewer than it asks for", n)
	}
}

// Bytes that an old client never sees do not answer its poll.
func TestOldVersionsOfFetchWaitBehindMarkers(t *testing.T) {
	w := newWorld(t)
	w.topic("t", 1)
	w.transact("t", "^7")
	answer := make(chan []string, 1)
	go func() {
		defer close(answer) // however it ends
		q := fetchOf("t", 0, 0)
		q.MaxWaitMillis = 60_000
		answer <- oldValues(t, ask[*kmsg.FetchResponse](w, 3, q).Topics[0].Partitions[0].RecordBatches)
	}()
	for w.clock.Pending() == 0 { // the time-out is the last thing that a poll sets up
		select {
		case got := <-answer:
			t.Fatalf("answered with %q at once", got)
		case <-time.After(time.Millisecond):
		}
	}
	w.produce("t", 0, "v")
	if got := <-answer; !slices.Equal(got, []string{"1=v"}) {
		t.Errorf("read %q", got)
	}
	// What was found out about the marker is not believed of another offset.
	w.transact("t", "^7 ^8 .")
	for from, want := range map[int64]string{0: "1=v", 1: "1=v", 2: "4=.", 4: "4=."} {
		if got := oldValues(t, fetchOld(w, 3, from, 1<<20, 0)[0].RecordBatches); len(got) == 0 || got[0] != want {
			t.Errorf("from %d: %q, want %s first", from, got, want)
		}
	}
}

// What a topic compresses with zstd is no error below version 4, where it is converted.
func TestOldVersionsOfFetchReadTopicsOfZstd(t *testing.T) {
	w := newWorld(t)
	w.topic("t", 1, "compression.type", "zstd")
	w.send("t", w.batchOf(plain(), "a", "b"))
	for version := int16(0); version < 10; version++ {
		p := fetchOld(w, version, 0, 1<<20, 0)[0]
		switch {
		case version >= fetchBatches:
			if p.ErrorCode != protocol.ErrUnsupportedCompressionType.Code {
				t.Errorf("version %d: error %d", version, p.ErrorCode)
			}
		case !slices.Equal(oldValues(t, p.RecordBatches), []string{"1=a+b"}):
			t.Errorf("version %d: %q", version, oldValues(t, p.RecordBatches))
		}
	}
}
