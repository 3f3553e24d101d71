package metadata

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
)

// A stop fences the broker and takes every partition's leader away; with eligible
// leader replicas the ISR empties, without them it stays, as in Kafka's logs.
func TestControlledShutdown(t *testing.T) {
	for _, c := range []struct {
		level int16
		want  string
	}{
		{0, "leader -1 epoch 1 isr [1] elr [] last []"},
		{1, "leader -1 epoch 1 isr [] elr [1] last [1]"},
	} {
		img := oneBroker(t, "a", "b")
		img = applied(t, img, &FeatureLevelRecord{featureELR, c.level})
		records := ControlledShutdown(img, 1, 5)
		if len(records) != 6 {
			t.Fatalf("%d records for 4 partitions", len(records))
		}
		stopped := applied(t, img, records...)
		if b := stopped.Broker(1); !b.Fenced || !b.InControlledShutdown {
			t.Errorf("the broker is %+v", b)
		}
		for topic := range stopped.Topics() {
			for _, p := range topic.Partitions {
				got := fmt.Sprintf("leader %d epoch %d isr %v elr %v last %v", p.Leader, p.LeaderEpoch, p.ISR, p.ELR, p.LastKnownELR)
				if got != c.want {
					t.Errorf("level %d, %s-%d: %s, want %s", c.level, topic.Name, p.Index, got, c.want)
				}
			}
		}
		started := applied(t, stopped, electLeaders(stopped, 1)...)
		if p := started.Topic("a").Partition(0); p.Leader != 1 || !slices.Equal(p.ISR, []int32{1}) || len(p.ELR) != 0 {
			t.Errorf("level %d: after the next start %+v %+v", c.level, p, p.Placement)
		}
	}
	if records := ControlledShutdown(oneBroker(t, "a"), 1, 6); records != nil {
		t.Errorf("another process's registration is changed: %v", records)
	}
}

func applied(t *testing.T, img *Image, records ...Record) *Image {
	t.Helper()
	d := img.edit()
	for _, r := range records {
		if err := d.apply(r, nil); err != nil {
			t.Fatal(err)
		}
	}
	return d.image()
}

// BeforeLead sees what was recovered, and its refusal leaves the folder as it was.
func TestBeforeLead(t *testing.T) {
	w := newWorld(t)
	w.journal.load(t, kafkaLog)
	w.copyTestdata("quorum-state", kafkaSnapshot)
	before, end := w.files(), w.journal.End()
	quorum, err := os.ReadFile(w.options.Dir + "/" + quorumFile)
	if err != nil {
		t.Fatal(err)
	}
	refusal := errors.New("not this one")
	w.options.BeforeLead = func(img *Image) error {
		if img.Topic("orders") == nil || img.EndOffset() != end {
			t.Errorf("the image ends at %d", img.EndOffset())
		}
		return refusal
	}
	if _, err := Open(w.options); !errors.Is(err, refusal) {
		t.Fatal(err)
	}
	after, err := os.ReadFile(w.options.Dir + "/" + quorumFile)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(before, w.files()) || w.journal.End() != end || string(after) != string(quorum) {
		t.Error("the folder has changed")
	}
}

// A new log does not begin with features that the next start would refuse.
func TestUnsupportedBootstrap(t *testing.T) {
	for _, records := range [][]Record{
		{&FeatureLevelRecord{FeatureMetadataVersion, MetadataVersionMin - 1}},
		{&FeatureLevelRecord{FeatureMetadataVersion, MetadataVersionMax + 1}},
		{&FeatureLevelRecord{FeatureMetadataVersion, MetadataVersionMax}, &FeatureLevelRecord{"new.version", 1}},
	} {
		w := newWorld(t)
		w.options.Bootstrap = records
		var unsupported *UnsupportedError
		if _, err := Open(w.options); !errors.As(err, &unsupported) {
			t.Errorf("%v: %v", records, err)
		}
		if w.journal.End() != 0 || len(w.files()) != 0 {
			t.Error("something was written")
		}
	}
}

// With many partitions a stop writes a snapshot rather than leave the next start a
// long replay; with few it does not.
func TestSnapshotAtStop(t *testing.T) {
	for _, c := range []struct {
		partitions int32
		snapshots  int
	}{{100, 0}, {9000, 1}} {
		w := newWorld(t)
		s := w.open()
		create(t, s, "t", c.partitions)
		for range 2 {
			if _, err := s.Propose(t.Context(), func(img *Image) ([]Record, error) {
				return ControlledShutdown(img, 1, s.BrokerEpoch()), nil
			}); err != nil {
				t.Fatal(err)
			}
			w.close(s)
			live := s.Image()
			rec, err := recoverFolder(&s.o)
			if err != nil {
				t.Fatal(err)
			}
			same(t, rec.img, live)
			if len(rec.snapshots) < c.snapshots || c.snapshots == 0 && len(rec.snapshots) > 0 {
				t.Errorf("%d partitions: snapshots %v", c.partitions, rec.snapshots)
			}
			if c.snapshots > 0 && rec.replayedBytes > 0 {
				t.Errorf("%d partitions: %d bytes are to be replayed", c.partitions, rec.replayedBytes)
			}
			s = w.open()
		}
	}
}
