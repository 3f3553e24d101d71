package metadata

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/barnabas-mq/barnabas/protocol"
)

// The files in testdata/kafka-4.3.1 come from a single node of Apache Kafka 4.3.1
// that was started, used (topics, partitions, configs, SCRAM users, quotas, ACLs),
// stopped, started with snapshots after every change, and stopped.
const (
	kafkaLog        = "testdata/kafka-4.3.1/00000000000000000000.log"
	kafkaSnapshot   = "00000000000000000314-0000000002.checkpoint"
	standaloneStart = "00000000000000000000-0000000000.checkpoint"
)

// Replaying Kafka's log gives what Kafka's own snapshot of it holds.
func TestKafkasLogEqualsKafkasSnapshot(t *testing.T) {
	var j memJournal
	j.load(t, kafkaLog)
	r := reader{file: "log", draft: new(Image).edit()}
	for _, b := range j.batches {
		if r.next == 314 {
			break
		}
		if err := r.batch(b); err != nil {
			t.Fatal(err)
		}
	}
	replayed := r.draft.image()
	snapshot, err := loadSnapshot(newWorld(t).options.FS, "testdata/kafka-4.3.1", snapshotID{314, 2})
	if err != nil {
		t.Fatal(err)
	}
	same(t, snapshot, replayed)
	if len(describe(snapshot)) < 21 {
		t.Errorf("the snapshot holds only %d lines", len(describe(snapshot)))
	}
}

// A snapshot of ours holds the records of Kafka's, byte for byte.
func TestSnapshotHoldsKafkasRecords(t *testing.T) {
	img, err := loadSnapshot(newWorld(t).options.FS, "testdata/kafka-4.3.1", snapshotID{314, 2})
	if err != nil {
		t.Fatal(err)
	}
	read := func(data []byte) []string {
		var lines []string
		for len(data) > 0 {
			b, rest, err := protocol.NextBatch(data)
			if err != nil {
				t.Fatal(err)
			}
			data = rest
			if b.IsControl() {
				continue
			}
			if err := b.EachRecord(protocol.DecodeLimits{}, func(rec *protocol.Record) error {
				r, err := DecodeRecord(rec.Value)
				if err == nil {
					lines = append(lines, r.Type().String()+" "+string(rec.Value))
				}
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		slices.Sort(lines) // Kafka's order within a family is that of a hash map
		return lines
	}
	theirs, err := os.ReadFile("testdata/kafka-4.3.1/" + kafkaSnapshot)
	if err != nil {
		t.Fatal(err)
	}
	var ours []byte
	if err := img.snapshotBatches(1, func(b protocol.Batch) error {
		ours = append(ours, b...)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	// The order of a broker's features is that of a hash map too.
	drop := func(lines []string) []string {
		return slices.DeleteFunc(lines, func(l string) bool { return strings.HasPrefix(l, "REGISTER_") })
	}
	if diff := cmp.Diff(drop(read(theirs)), drop(read(ours))); diff != "" {
		t.Errorf("records differ (-Kafka +ours):\n%s", diff)
	}
}

// A directory of Kafka opens after its clean stop: leaderless partitions get their
// leader back, under the next epoch, and everything else stays.
func TestOpenKafkasDirectory(t *testing.T) {
	w := newWorld(t)
	w.journal.load(t, kafkaLog)
	w.copyTestdata("quorum-state", kafkaSnapshot)
	s := w.open()
	img := s.Image()
	if img.Epoch() != 3 {
		t.Errorf("quorum epoch %d", img.Epoch())
	}
	orders := img.Topic("orders")
	if orders == nil || orders.ID.String() != "qmA0U3cFR2iH4yjYnSmEwQ" || len(orders.Partitions) != 3 {
		t.Fatalf("orders is %+v", orders)
	}
	p := orders.Partition(2)
	if p.Leader != 1 || p.LeaderEpoch != 4 || p.PartitionEpoch != 4 || !slices.Equal(p.ISR, []int32{1}) || len(p.ELR) != 0 {
		t.Errorf("partition 2 is %+v %+v", p, p.Placement)
	}
	if value, ok := img.TopicConfig("orders").Get("cleanup.policy"); !ok || value != "compact" {
		t.Errorf("cleanup.policy %q", value)
	}
	if value, ok := img.Config(Resource{ResourceBroker, "1"}).Get("log.cleaner.threads"); !ok || value != "2" {
		t.Errorf("log.cleaner.threads %q", value)
	}
	if img.NextProducerID() != 1000 {
		t.Errorf("next producer id %d", img.NextProducerID())
	}
	if n := img.tokens.size; n != 0 {
		t.Errorf("%d delegation tokens", n)
	}
	if rules := slices.Collect(img.ACLs().All()); len(rules) != 1 {
		t.Errorf("access rules %v", rules)
	}
	if quotas := slices.Collect(img.ClientQuotas()); len(quotas) != 1 || len(quotas[0].Limits) != 1 {
		t.Errorf("quotas %+v", quotas)
	}
	for user, credentials := range img.ScramUsers() {
		if len(credentials) != 1 || len(credentials[0].StoredKey) != 32 && len(credentials[0].StoredKey) != 64 {
			t.Errorf("%s has %+v", user, credentials)
		}
	}
	if img.scram.size != 1 {
		t.Errorf("%d users", img.scram.size)
	}
	if b := img.Broker(1); b == nil || b.Fenced || b.Epoch != s.BrokerEpoch() || b.Epoch != 316 {
		t.Errorf("broker is %+v", b)
	}
	if img.Topic("gone") != nil {
		t.Error("a deleted topic is back")
	}
}

// A directory that was formatted with kraft.version 1 keeps its voters.
func TestOpenStandaloneDirectory(t *testing.T) {
	w := newWorld(t)
	w.copyTestdata(standaloneStart)
	var unsupported *UnsupportedError
	if _, err := Open(w.options); !errors.As(err, &unsupported) {
		t.Fatalf("the voter's directory is another: %v", err)
	}
	directory, err := protocol.ParseUUID("cTCly99gSlWrgcJ5ju17cA")
	if err != nil {
		t.Fatal(err)
	}
	w.options.DirectoryID = directory
	s := w.open()
	if s.Image().KRaftVersion() != 1 {
		t.Error("kraft.version is lost")
	}
	w.close(s)
	quorum, err := os.ReadFile(w.options.Dir + "/quorum-state")
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"leaderId":1,"leaderEpoch":1,"votedId":-1,"votedDirectoryId":"AAAAAAAAAAAAAAAAAAAAAA","data_version":1}`; string(quorum) != want {
		t.Errorf("quorum-state is %s", quorum)
	}
	// The log alone has the voters too.
	if err := os.Remove(w.options.Dir + "/" + standaloneStart); err != nil {
		t.Fatal(err)
	}
	if s := w.open(); s.Image().KRaftVersion() != 1 || s.Image().Epoch() != 2 {
		t.Errorf("kraft.version %d, epoch %d", s.Image().KRaftVersion(), s.Image().Epoch())
	}
}

// The bootstrap file is Kafka's, times and checksums aside.
func TestBootstrapCheckpoint(t *testing.T) {
	theirs, err := os.ReadFile("testdata/kafka-4.3.1/" + BootstrapFile)
	if err != nil {
		t.Fatal(err)
	}
	records, err := ReadBootstrapCheckpoint(BootstrapFile, theirs)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(DefaultBootstrap(), records); diff != "" {
		t.Errorf("features differ (-ours +Kafka):\n%s", diff)
	}
	ours := BootstrapCheckpoint(DefaultBootstrap(), 1)
	if len(ours) != len(theirs) {
		t.Errorf("%d bytes, Kafka's has %d", len(ours), len(theirs))
	}
	if again, err := ReadBootstrapCheckpoint(BootstrapFile, ours); err != nil || !cmp.Equal(again, records) {
		t.Errorf("our own file reads as %v (%v)", again, err)
	}
}
