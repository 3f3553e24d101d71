package main

import (
	"bytes"
	"errors"
	"io"
	"math"
	"net"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

// fetchAnswer is an answer as a broker encodes it, behind its correlation id.
func fetchAnswer(topic string, partitions ...kmsg.FetchResponseTopicPartition) []byte {
	one := kmsg.NewFetchResponseTopic()
	one.Topic, one.Partitions = topic, partitions
	answer := &kmsg.FetchResponse{Version: fetchVersion, Topics: []kmsg.FetchResponseTopic{one}}
	return answer.AppendTo([]byte{0, 0, 0, 1})
}

// The places where the fetcher looks are those of the encoder, with aborted
// transactions before the records or without.
func TestFetcherReadsAnswers(t *testing.T) {
	first, second := kmsg.NewFetchResponseTopicPartition(), kmsg.NewFetchResponseTopicPartition()
	first.Partition, first.RecordBatches = 1, []byte("abc")
	first.AbortedTransactions = append(first.AbortedTransactions, kmsg.NewFetchResponseTopicPartitionAbortedTransaction())
	second.Partition = 0
	f := &fetcher{topic: "topic", offsets: make([]int64, 2), answer: fetchAnswer("topic", first, second)}
	var seen [2][]byte
	n, err := f.walkAnswer(func(partition int32, offset int64, records []byte) (int64, error) {
		seen[partition] = records
		return offset + 7, nil
	})
	if err != nil || n != 3 || !bytes.Equal(seen[1], []byte("abc")) || len(seen[0]) != 0 || f.offsets[0] != 7 {
		t.Errorf("%d bytes, %q, offsets %v, error %v", n, seen, f.offsets, err)
	}
	whole := f.answer
	keep := func(_ int32, offset int64, _ []byte) (int64, error) { return offset, nil }
	for cut := range whole {
		f.answer = whole[:cut]
		if _, err := f.walkAnswer(keep); !errors.Is(err, errCutAnswer) {
			t.Fatalf("an answer of %d bytes of %d: %v", cut, len(whole), err)
		}
	}
	second.Partition = 2
	f.answer = fetchAnswer("topic", second)
	if _, err := f.walkAnswer(keep); err == nil {
		t.Error("a partition that was not asked for is not noticed")
	}
	second.Partition, second.ErrorCode = 0, 3
	f.answer = fetchAnswer("topic", second)
	if _, err := f.walkAnswer(keep); err == nil {
		t.Error("an error code is not noticed")
	}
}

// A request asks at each partition's offset, and no longer for what is read.
func TestFetcherAsks(t *testing.T) {
	f := &fetcher{topic: "topic", limits: fetchLimits{64 << 10, bulkFetch.wait}, offsets: []int64{5, 9, 3}}
	f.session, f.epoch = 7, 3
	f.encode(9)
	if f.session != 7 || f.epoch != 0 {
		t.Errorf("session %d, epoch %d; other partitions end the session of before", f.session, f.epoch)
	}
	for i := range f.asked {
		if got := f.place(i)[3]; int32(got) != f.asked[i] {
			t.Errorf("place %d is of partition %d, want %d", i, got, f.asked[i])
		}
	}
	request := kmsg.NewPtrFetchRequest()
	request.Version = fetchVersion
	const header = 4 + 2 + 2 + 4 + 2 + len(wire.DefaultClientID)
	if err := request.ReadFrom(f.frame[header:]); err != nil {
		t.Fatal(err)
	}
	p := request.Topics[0].Partitions
	if len(p) != 2 || p[0].Partition != 0 || p[0].FetchOffset != 5 || p[1].Partition != 2 || p[1].PartitionMaxBytes != 64<<10 {
		t.Errorf("asked for %+v", p)
	}
}

// A request is of the session that the answer before it named, from epoch 1 on.
func TestFetcherSession(t *testing.T) {
	f := &fetcher{topic: "topic", limits: bulkFetch, offsets: []int64{0}}
	keep := func(_ int32, offset int64, _ []byte) (int64, error) { return offset, nil }
	for _, c := range []struct{ told, epoch uint32 }{{77, 1}, {77, 2}, {0, 0}, {78, 1}} {
		nothing := &kmsg.FetchResponse{Version: fetchVersion, SessionID: int32(c.told)}
		f.answer = nothing.AppendTo([]byte{0, 0, 0, 1})
		if n, err := f.walkAnswer(keep); n != 0 || err != nil {
			t.Errorf("an answer of nothing new: %d bytes, %v", n, err)
		}
		if f.session != c.told || f.epoch != c.epoch {
			t.Errorf("session %d, epoch %d; want %d, %d", f.session, f.epoch, c.told, c.epoch)
		}
	}
	f.epoch = math.MaxInt32
	if f.goOn(78); f.epoch != 1 {
		t.Errorf("epoch %d after the last", f.epoch)
	}
	ours, theirs := net.Pipe()
	defer theirs.Close() //nolint:errcheck // nothing to lose
	f.conn = ours
	f.encode(math.MaxInt64)
	f.session, f.epoch = 78, 5
	go func() { _, _ = f.ask(math.MaxInt64); _ = ours.Close() }()
	sent, err := io.ReadAll(theirs)
	if err != nil {
		t.Fatal(err)
	}
	request := kmsg.NewPtrFetchRequest()
	request.Version = fetchVersion
	if err := request.ReadFrom(sent[4+2+2+4+2+len(wire.DefaultClientID):]); err != nil {
		t.Fatal(err)
	}
	if request.SessionID != 78 || request.SessionEpoch != 5 || request.MaxBytes != fetchBytesMax {
		t.Errorf("asked in session %d, epoch %d; want 78, 5", request.SessionID, request.SessionEpoch)
	}
}
