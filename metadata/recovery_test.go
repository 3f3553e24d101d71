package metadata

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/barnabas-mq/barnabas/protocol"
)

// randomHistory proposes commands that a seed chooses.
func randomHistory(t *testing.T, s *Store, seed uint64, steps int) {
	random := rand.New(rand.NewPCG(seed, 0))
	pick := func(img *Image) *Topic {
		if img.TopicCount() == 0 {
			return nil
		}
		topics := slices.Collect(img.Topics())
		return topics[random.IntN(len(topics))]
	}
	options := CreateOptions{NewID: protocol.NewUUID}
	for range steps {
		step := random.IntN(10)
		_, err := s.Propose(context.Background(), func(img *Image) ([]Record, error) {
			topic := pick(img)
			name := fmt.Sprintf("t%d.%d", random.IntN(50), random.IntN(3))
			switch {
			case step < 4 || topic == nil:
				records, _, err := CreateTopics(img, []NewTopic{{
					Name: name, Partitions: int32(1 + random.IntN(4)), ReplicationFactor: 1,
					Configs: []ConfigEntry{{"retention.ms", fmt.Sprint(random.IntN(100))}},
				}}, options)
				return records, err
			case step == 4:
				records, _ := DeleteTopics(img, []TopicKey{{ID: topic.ID}}, nil)
				return records, nil
			case step == 5:
				return CreatePartitions(img, topic.Name, int32(len(topic.Partitions)+1), nil, options)
			case step == 6:
				policies := []*string{nil, text("compact"), text("delete,compact"), text("delete")}
				return AlterConfigs(img, Resource{ResourceTopic, topic.Name}, []ConfigChange{
					{"cleanup.policy", policies[random.IntN(4)]}, {"retention.ms", nil},
				})
			case step == 7:
				return RaiseEpochs(img, 1, []TopicIDPartition{{topic.ID, 0}, {topic.ID, 1}, {topic.ID, 0}}), nil
			case step == 8:
				records, _, err := NextProducerIDBlock(img, 1, s.BrokerEpoch())
				return records, err
			default:
				id := protocol.UUID{byte(random.IntN(8) + 1)}
				if random.IntN(2) == 0 {
					return []Record{&RemoveAccessControlEntryRecord{id}}, nil
				}
				return []Record{&AccessControlEntryRecord{ID: id, ResourceName: name, Principal: "User:a", Host: "*"}}, nil
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// The live image, a replay of the log and a snapshot all hold the same.
func TestReplayAndSnapshotEqualLive(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := newWorld(t)
			s := w.open()
			randomHistory(t, s, seed, 200)
			w.close(s)
			live := s.Image()

			rec, err := recoverFolder(&s.o)
			if err != nil {
				t.Fatal(err)
			}
			same(t, rec.img, live)

			if err := writeSnapshot(w.options.FS, w.options.Dir, live, 5); err != nil {
				t.Fatal(err)
			}
			snapshot, err := loadSnapshot(w.options.FS, w.options.Dir, snapshotID{live.end, live.epoch})
			if err != nil {
				t.Fatal(err)
			}
			same(t, snapshot, live)
			if rec, err = recoverFolder(&s.o); err != nil {
				t.Fatal(err)
			}
			same(t, rec.img, live)
			if rec.replayedBytes != 0 {
				t.Errorf("%d bytes were replayed in spite of the snapshot", rec.replayedBytes)
			}
		})
	}
}

// Snapshots are written as the log grows; two stay, and the log since the older.
func TestSnapshotsTrimTheLog(t *testing.T) {
	w := newWorld(t)
	w.options.SnapshotBytes = 20_000
	s := w.open()
	randomHistory(t, s, 1, 3000)
	w.close(s)
	live := s.Image()
	ids, parts, err := listSnapshots(w.options.FS, w.options.Dir)
	if err != nil || len(ids) != 2 || len(parts) != 0 {
		t.Fatalf("snapshots %v, parts %v, %v", ids, parts, err)
	}
	if w.journal.Start() != ids[0].offset {
		t.Errorf("the log begins at %d, the older snapshot stands at %d", w.journal.Start(), ids[0].offset)
	}
	rec, err := recoverFolder(&s.o)
	if err != nil {
		t.Fatal(err)
	}
	same(t, rec.img, live)

	// The newest snapshot is damaged: the older one and the log hold the same.
	damage(t, filepath.Join(w.options.Dir, ids[1].file()))
	if rec, err = recoverFolder(&s.o); err != nil {
		t.Fatal(err)
	}
	same(t, rec.img, live)

	// Both are damaged: nothing is guessed.
	damage(t, filepath.Join(w.options.Dir, ids[0].file()))
	var corrupt *CorruptError
	if _, err := Open(w.options); !errors.As(err, &corrupt) || !strings.HasSuffix(corrupt.File, ids[1].file()) {
		t.Errorf("two damaged snapshots: %v", err)
	}
	for _, id := range ids {
		if err := os.Remove(filepath.Join(w.options.Dir, id.file())); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Open(w.options); !errors.As(err, &corrupt) {
		t.Errorf("no snapshot for a log that begins later: %v", err)
	}
}

func damage(t *testing.T, file string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// A snapshot cut anywhere, or with any byte changed, is not taken for whole.
func TestDamagedSnapshots(t *testing.T) {
	data, err := os.ReadFile("testdata/kafka-4.3.1/" + kafkaSnapshot)
	if err != nil {
		t.Fatal(err)
	}
	for n := range data {
		var corrupt *CorruptError
		if _, err := readSnapshot("s", data[:n]); !errors.As(err, &corrupt) {
			t.Fatalf("cut to %d bytes: %v", n, err)
		}
		// Outside the CRC are base offset and epoch; the epoch is in the name too.
		if !headerByte(data, n) {
			changed := slices.Clone(data)
			changed[n] ^= 0x40
			if _, err := readSnapshot("s", changed); err == nil {
				t.Fatalf("byte %d changed and accepted", n)
			}
		}
	}
}

// headerByte tells whether the byte is part of a batch's leader epoch, which no
// checksum covers.
func headerByte(data []byte, at int) bool {
	for start := 0; start < len(data); {
		b, _, err := protocol.NextBatch(data[start:])
		if err != nil {
			return false
		}
		if at >= start+12 && at < start+16 {
			return true
		}
		start += len(b)
	}
	return false
}

// Damage and strangers are refused with file and offset, and the folder stays as it is.
func TestRefusedFolders(t *testing.T) {
	add := func(records ...Record) func(*world) {
		return func(w *world) {
			b := protocol.NewBatchBuilder(protocol.DefaultBatchOptions())
			for _, r := range records {
				b.Add(1, nil, mustAppendRecord(nil, r, MetadataVersionMax))
			}
			w.journal.batches = append(w.journal.batches, b.Build(w.journal.end(), 1))
		}
	}
	raw := func(value ...byte) func(*world) {
		return func(w *world) {
			b := protocol.NewBatchBuilder(protocol.DefaultBatchOptions())
			b.Add(1, nil, value)
			w.journal.batches = append(w.journal.batches, b.Build(w.journal.end(), 1))
		}
	}
	for name, c := range map[string]struct {
		spoil       func(*world)
		unsupported bool
		says        string
	}{
		"unknown record type":     {raw(1, 29, 0, 0), true, "record type 29"},
		"unknown record version":  {raw(1, 20, 1, 0), true, "NO_OP_RECORD version 1"},
		"newer metadata.version":  {add(&FeatureLevelRecord{FeatureMetadataVersion, 31}), true, "metadata.version is at level 31"},
		"older metadata.version":  {add(&FeatureLevelRecord{FeatureMetadataVersion, 20}), true, "metadata.version is 20"},
		"unknown feature":         {add(&FeatureLevelRecord{"x.version", 1}), true, "x.version"},
		"another broker":          {add(&RegisterBrokerRecord{BrokerID: 2}), true, "broker 2"},
		"another controller":      {add(&RegisterControllerRecord{ControllerID: 2}), true, "controller 2"},
		"another node id":         {func(w *world) { w.options.NodeID = 3 }, true, "node 3"},
		"damaged record":          {raw(1, 2, 0, 9), false, "offset 14"},
		"change of unknown topic": {add(&RemoveTopicRecord{protocol.UUID{1}}), false, "does not fit"},
		"damaged batch":           {func(w *world) { w.journal.batches[1][80] ^= 1 }, false, "cannot be read"},
		"missing batch":           {func(w *world) { w.journal.batches = slices.Delete(w.journal.batches, 1, 2) }, false, "missing"},
		"lost log":                {func(w *world) { w.journal.batches = nil }, false, "the log is empty"},
		"log before snapshot": {func(w *world) {
			w.write("00000000000000009999-0000000001.checkpoint", nil)
		}, false, "ends before the snapshot"},
		"damaged quorum-state": {func(w *world) { w.write(quorumFile, []byte("{")) }, false, quorumFile},
		"newer quorum-state":   {func(w *world) { w.write(quorumFile, []byte(`{"leaderEpoch":1,"data_version":2}`)) }, true, "data_version 2"},
		"several voters": {func(w *world) {
			w.write(quorumFile, []byte(`{"leaderEpoch":1,"data_version":0,"currentVoters":[{"voterId":1},{"voterId":2}]}`))
		}, true, "[1 2]"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.close(w.open())
			c.spoil(w)
			files, end := w.files(), w.journal.end()
			_, err := Open(w.options)
			var corrupt *CorruptError
			var unsupported *UnsupportedError
			if c.unsupported != errors.As(err, &unsupported) || !c.unsupported != errors.As(err, &corrupt) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v", err)
			}
			if !slices.Equal(files, w.files()) || w.journal.end() != end {
				t.Error("the folder was changed")
			}
		})
	}
}

// A crash at any point of the first start leaves a folder that starts.
func TestCrashInBootstrap(t *testing.T) {
	w := newWorld(t)
	w.close(w.open())
	batches := w.journal.batches
	for n := range len(batches) + 1 {
		w := newWorld(t) // without quorum-state, which comes after the first batch
		w.journal.batches = slices.Clone(batches[:n])
		img := w.open().Image()
		if img.MetadataVersion() != 30 || img.Broker(1) == nil {
			t.Errorf("after %d batches: features %v", n, img.Features())
		}
		if value, _ := img.Config(Resource{ResourceBroker, ""}).Get("min.insync.replicas"); value != "1" {
			t.Errorf("after %d batches the bootstrap config is missing", n)
		}
	}
}

// What unfinished snapshots have left is removed.
func TestPartsAreRemoved(t *testing.T) {
	w := newWorld(t)
	w.write("00000000000000000005-0000000001.checkpoint.part", []byte("half"))
	w.open()
	if got := w.files(); !slices.Equal(got, []string{quorumFile}) {
		t.Errorf("files %q", got)
	}
}
