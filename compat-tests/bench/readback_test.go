package main

import (
	"context"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
)

// known is a broker of which only the address counts.
type known struct {
	contender
	address string
}

func (k known) Name() string      { return "known" }
func (k known) Bootstrap() string { return k.address }

// A broker has its partitions when every one of them ends where it did.
func TestAwaitEnds(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "a", "b"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	b := known{address: cluster.ListenAddrs()[0]}
	before, err := endsOfTopics(b, []string{"a", "b"}, 2)
	if err != nil {
		t.Fatal(err)
	}
	batch := batchOf(3, 100)
	for _, topic := range []string{"a", "b"} {
		if err := sendFrames(b.Bootstrap(), produceFrame(topic, 2, batch), topic, 2, 1); err != nil {
			t.Fatal(err)
		}
	}
	if err := awaitEnds(b, before.plus(3)); err != nil {
		t.Error(err)
	}
	if err := awaitEnds(b, equalEnds([]string{"a", "b"}, 2, 3)); err != nil {
		t.Error(err)
	}
	if err := differing([]int64{3, 2}, []int64{3, 3}); err == nil || !strings.Contains(err.Error(), "partition 1 ends at 2") {
		t.Errorf("a record less: %v", err)
	}
}

// Topics that were created are deleted again, and Metadata tells of neither too early.
func TestThrowAwayTopics(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	conn, err := dialRaw(cluster.ListenAddrs()[0])
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // the answers have been read
	if err := createRaw(conn, 1, "a", "b", "c"); err != nil {
		t.Fatal(err)
	}
	if err := awaitListed(conn, 3); err != nil {
		t.Error(err)
	}
	if err := deleteRaw(conn, "a", "b", "c"); err != nil {
		t.Error(err)
	}
	if err := awaitListed(conn, 0); err != nil {
		t.Error(err)
	}
	if err := deleteRaw(conn, "a"); err == nil {
		t.Error("a topic that is not there was deleted")
	}
}

// What an idempotent producer sends of raw frames is stored, and read back in a session
// of fetches, by requests for less than there is.
func TestProduceAndReadBack(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(partitions, "topic"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	b := known{address: cluster.ListenAddrs()[0]}
	const n = 50
	batch := batchOf(7, 100)
	next, err := idempotentFrames(b, "topic", partitions, batch)
	if err != nil {
		t.Fatal(err)
	}
	if err := sendNext(b.Bootstrap(), next, "topic", partitions, n); err != nil {
		t.Fatal(err)
	}
	if err := verifyCopies(b, "topic", partitions, batch, n); err != nil {
		t.Error(err)
	}
	if err := verifyCopies(b, "topic", partitions, batch, n+1); err == nil {
		t.Error("a batch less than was sent is not noticed")
	}
	if err := checkStored(context.Background(), b, "topic", partitions*n*7); err != nil {
		t.Error(err)
	}
	f, err := newFetcher(b.Bootstrap(), "topic", partitions, fetchLimits{3 * len(batch), bulkFetch.wait})
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	f.offsets[1] = 7 * (n - 1) // is at its end before the others
	err = f.readTo(7*n, func(_ int32, offset int64, records []byte) (int64, error) { return checkCopies(records, offset, batch) })
	if err != nil {
		t.Error(err)
	}
	if f.session == 0 || f.epoch == 0 {
		t.Errorf("session %d, epoch %d: not in a session", f.session, f.epoch)
	}
}
