package main

import (
	"cmp"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

// Barnabas is the first column, whatever it is compared with; an unknown peer is
// refused and one that has no part in a series is left out.
func TestBrokersOfASeries(t *testing.T) {
	two := freshEach{columns: []string{"kfake", "kafka"}}
	tests := []struct {
		against string
		want    []string
	}{
		{"", []string{"barnabas"}},
		{"kafka", []string{"barnabas", "kafka"}},
		{"null,kafka,kfake", []string{"barnabas", "kfake", "kafka"}},
	}
	for _, test := range tests {
		if got, err := two.brokers(options{against: test.against}); err != nil || !slices.Equal(got, test.want) {
			t.Errorf("%q: %v, %v; want %v", test.against, got, err, test.want)
		}
	}
	if _, err := two.brokers(options{against: "rabbit"}); err == nil {
		t.Error("a broker that is not known is compared with")
	}
}

// Every broker has its turn in every workload that it is for, in each round; what takes
// minutes is measured once.
func TestFreshSteps(t *testing.T) {
	got := freshSteps([]workload{{name: "for all"}, {name: "for one", columns: []string{"kafka"}}, {name: manyPartitionsName}}, []string{"barnabas", "kafka"}, 2)
	want := []freshStep{
		{1, 0, "barnabas"}, {1, 0, "kafka"}, {1, 1, "kafka"}, {1, 2, "barnabas"}, {1, 2, "kafka"},
		{2, 0, "barnabas"}, {2, 0, "kafka"}, {2, 1, "kafka"},
	}
	inOrder := func(a, b freshStep) int {
		return cmp.Or(cmp.Compare(a.round, b.round), cmp.Compare(a.at, b.at), cmp.Compare(a.broker, b.broker))
	}
	if !slices.IsSortedFunc(got, func(a, b freshStep) int { return cmp.Or(cmp.Compare(a.round, b.round), cmp.Compare(a.at, b.at)) }) {
		t.Errorf("rounds or workloads are mixed: %v", got)
	}
	if slices.SortFunc(got, inOrder); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// The partitions that took a record are those before the first that did not, even
// where later ones of the same request did.
func TestAcceptedIn(t *testing.T) {
	answer := func(codes ...int16) []byte {
		topic := kmsg.NewProduceResponseTopic()
		topic.Topic = "t"
		for i, code := range codes {
			p := kmsg.NewProduceResponseTopicPartition()
			p.Partition, p.ErrorCode = int32(i), code
			topic.Partitions = append(topic.Partitions, p)
		}
		resp := kmsg.NewPtrProduceResponse()
		resp.Version, resp.Topics = 7, append(resp.Topics, topic)
		return resp.AppendTo(nil)
	}
	tests := []struct {
		name string
		body []byte
		want int
		err  error
	}{
		{"all", answer(0, 0, 0), 3, nil},
		{"some", answer(0, 0, -1, 0), 2, kerr.UnknownServerError},
		{"none", answer(56, 0), 0, kerr.KafkaStorageError},
	}
	for _, test := range tests {
		if n, err := acceptedIn(test.body); n != test.want || !errors.Is(err, test.err) {
			t.Errorf("%s: %d, %v; want %d, %v", test.name, n, err, test.want, test.err)
		}
	}
	if _, err := acceptedIn(answer()); err == nil {
		t.Error("an answer about nothing counts as accepted")
	}
	if _, err := acceptedIn(answer(0)[:8]); err == nil {
		t.Error("a cut answer counts as accepted")
	}
}

// A topic counts as created once each of its partitions has a leader.
func TestLed(t *testing.T) {
	topic := func(code int16, leaders ...int32) kmsg.MetadataResponseTopic {
		made := kmsg.NewMetadataResponseTopic()
		made.ErrorCode = code
		for _, leader := range leaders {
			p := kmsg.NewMetadataResponseTopicPartition()
			p.Leader = leader
			made.Partitions = append(made.Partitions, p)
		}
		return made
	}
	resp := kmsg.NewPtrMetadataResponse()
	resp.Topics = []kmsg.MetadataResponseTopic{topic(0, 1, 1), topic(0, 1, -1), topic(3, 1), topic(0)}
	if n := led(resp); n != 1 {
		t.Errorf("%d topics are led, want 1", n)
	}
}

// The files of segments count until they are gone from the disk; others do not.
func TestFolderBytes(t *testing.T) {
	folder := t.TempDir()
	for name, size := range map[string]int{"0.log": 3, "0.index": 100, "1.log.deleted": 4, "1.index.deleted": 100, "partition.metadata": 7} {
		if err := os.WriteFile(filepath.Join(folder, name), make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if size, err := folderBytes(folder); err != nil || size != 7 {
		t.Errorf("%d bytes, %v; want 7", size, err)
	}
	if size, err := folderBytes(filepath.Join(folder, "none")); err != nil || size != 0 {
		t.Errorf("a folder that is not there: %d bytes, %v", size, err)
	}
}

// Requests of a new connection go out one after the other, each after the answer
// to the one before.
func TestGreet(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close() //nolint:errcheck // nothing more comes
	asked := make(chan int, 2)
	go func() { // ends with the connection
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close() //nolint:errcheck // the peer has left
		for range 2 {
			var length [4]byte
			if _, err := io.ReadFull(conn, length[:]); err != nil {
				return
			}
			n, err := io.CopyN(io.Discard, conn, int64(binary.BigEndian.Uint32(length[:])))
			if err != nil {
				return
			}
			asked <- int(n)
			if _, err := conn.Write([]byte{0, 0, 0, 2, 7, 7}); err != nil {
				return
			}
		}
	}()
	crowd := newCrowd(listener.Addr().String())
	defer crowd.leave()
	if err := crowd.growTo(1); err != nil {
		t.Fatal(err)
	}
	for i, greeting := range crowd.greetings {
		if n := <-asked; n != len(greeting)-4 {
			t.Errorf("request %d of %d bytes, want %d", i, n, len(greeting)-4)
		}
	}
}

// The highest memory of a process can be made that of now.
func TestResetPeak(t *testing.T) {
	before, err := testbed.ReadUsage(os.Getpid())
	if err != nil {
		t.Skip("no /proc here:", err)
	}
	if err := resetPeak(os.Getpid()); err != nil {
		t.Fatal(err)
	}
	after, err := testbed.ReadUsage(os.Getpid())
	if err != nil || after.PeakRSS == 0 || after.PeakRSS > max(before.PeakRSS, 2*after.RSS) {
		t.Errorf("peak %d before, %d after, %d now: %v", before.PeakRSS, after.PeakRSS, after.RSS, err)
	}
}
