package logstore_test

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/protocol"
)

// sent is a batch of count records by producer 7.
type sent struct {
	epoch    int16
	sequence int32
	count    int
}

func (s sent) batch(base protocol.Offset) protocol.Batch {
	options := protocol.DefaultBatchOptions()
	options.ProducerID, options.ProducerEpoch, options.BaseSequence = 7, s.epoch, s.sequence
	b := protocol.NewBatchBuilder(options)
	for range max(s.count, 1) {
		b.Add(1000, nil, []byte("v"))
	}
	return b.Build(base, 0)
}

// The rules for a producer's sequences, each as a history and one more batch.
func TestProducerSequences(t *testing.T) {
	const top = math.MaxInt32
	tests := []struct {
		name      string
		history   []sent
		next      sent
		err       error
		duplicate protocol.Offset // base offset of the first copy, -1 for none
	}{
		{"the first batch of all", nil, sent{0, 0, 1}, nil, -1},
		{"an unknown producer may start anywhere", nil, sent{3, 77, 1}, nil, -1},
		{"the next one", []sent{{0, 0, 3}}, sent{0, 3, 1}, nil, -1},
		{"a gap", []sent{{0, 0, 3}}, sent{0, 4, 1}, logstore.ErrOutOfOrder, -1},
		{"the same again", []sent{{0, 0, 3}, {0, 3, 1}}, sent{0, 3, 1}, nil, 3},
		{"the fifth last again", []sent{{0, 0, 1}, {0, 1, 1}, {0, 2, 1}, {0, 3, 1}, {0, 4, 1}}, sent{0, 0, 1}, nil, 0},
		{"the sixth last is forgotten", []sent{{0, 0, 1}, {0, 1, 1}, {0, 2, 1}, {0, 3, 1}, {0, 4, 1}, {0, 5, 1}}, sent{0, 0, 1}, logstore.ErrOutOfOrder, -1},
		{"half of a sent batch is no duplicate", []sent{{0, 0, 3}}, sent{0, 0, 2}, logstore.ErrOutOfOrder, -1},
		{"an older epoch", []sent{{2, 0, 1}}, sent{1, 1, 1}, logstore.ErrStaleEpoch, -1},
		{"a newer epoch starts at 0", []sent{{2, 0, 9}}, sent{3, 0, 1}, nil, -1},
		{"a newer epoch that does not", []sent{{2, 0, 9}}, sent{3, 9, 1}, logstore.ErrOutOfOrder, -1},
		{"a newer epoch forgets the older batches", []sent{{2, 0, 1}, {3, 0, 1}}, sent{3, 0, 2}, logstore.ErrOutOfOrder, -1},
		{"wrap between batches", []sent{{0, top, 1}}, sent{0, 0, 1}, nil, -1},
		{"wrap within a batch", []sent{{0, top - 1, 4}}, sent{0, 2, 1}, nil, -1},
		{"a duplicate that wraps", []sent{{0, top - 1, 4}}, sent{0, top - 1, 4}, nil, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var table logstore.ProducerTable
			end := protocol.Offset(0)
			for _, s := range test.history {
				b := s.batch(end)
				if _, duplicate, err := table.Judge(logstore.AppendInput{Batch: b}); duplicate || err != nil {
					t.Fatalf("the history's %+v: %v, %v", s, duplicate, err)
				}
				table.Apply(b, 0)
				end = b.LastOffset() + 1
			}
			// What is kept in a snapshot judges alike.
			var loaded logstore.ProducerTable
			if err := loaded.LoadSnapshot(table.AppendSnapshot(nil), 0); err != nil {
				t.Fatal(err)
			}
			for which, table := range map[string]*logstore.ProducerTable{"live": &table, "loaded": &loaded} {
				first, duplicate, err := table.Judge(logstore.AppendInput{Batch: test.next.batch(0)})
				if !errors.Is(err, test.err) || duplicate != (test.duplicate >= 0) {
					t.Errorf("%s: duplicate %v, error %v", which, duplicate, err)
				}
				if duplicate && first.BaseOffset() != test.duplicate {
					t.Errorf("%s: the first copy is at %d, want %d", which, first.BaseOffset(), test.duplicate)
				}
			}
		})
	}
}

// A batch without a sequence, as coordinators write them, is judged by epoch alone.
func TestCoordinatorsWriteWithoutSequences(t *testing.T) {
	var table logstore.ProducerTable
	table.Apply(sent{5, 0, 1}.batch(0), 0)
	b := sent{5, -1, 1}.batch(0)
	if _, _, err := table.Judge(logstore.AppendInput{Batch: b, Origin: logstore.FromCoordinator}); err != nil {
		t.Error(err)
	}
	if _, _, err := table.Judge(logstore.AppendInput{Batch: sent{4, -1, 1}.batch(0), Origin: logstore.FromCoordinator}); !errors.Is(err, logstore.ErrStaleEpoch) {
		t.Errorf("an older epoch: %v", err)
	}
}

// Idle producers are forgotten by the broker's clock, not by their records' time.
func TestIdleProducersExpire(t *testing.T) {
	var table logstore.ProducerTable
	const hour = 3_600_000
	table.Apply(sent{0, 0, 1}.batch(0), 10*hour) // its records are of the year 1970
	if n := table.Expire(11*hour, hour); n != 0 || table.Len() != 1 {
		t.Fatalf("%d expired after an hour to the millisecond", n)
	}
	if n := table.Expire(11*hour+1, hour); n != 1 || table.Len() != 0 {
		t.Fatalf("%d expired, %d left", n, table.Len())
	}
}

// A snapshot by Kafka has the newest batch of each producer and nothing more.
func TestSnapshotOfKafka(t *testing.T) {
	var file []byte
	file = binary.BigEndian.AppendUint16(file, 1)
	file = binary.BigEndian.AppendUint32(file, 0)
	file = binary.BigEndian.AppendUint32(file, 1)
	file = binary.BigEndian.AppendUint64(file, 4000)              // producer id
	file = binary.BigEndian.AppendUint16(file, 2)                 // epoch
	file = binary.BigEndian.AppendUint32(file, 9)                 // last sequence
	file = binary.BigEndian.AppendUint64(file, 109)               // last offset
	file = binary.BigEndian.AppendUint32(file, 4)                 // offset delta
	file = binary.BigEndian.AppendUint64(file, 1_700_000_000_000) // timestamp
	file = binary.BigEndian.AppendUint32(file, uint32(1<<32-1))   // coordinator epoch
	file = binary.BigEndian.AppendUint64(file, uint64(1<<64-1))   // open transaction
	binary.BigEndian.PutUint32(file[2:], crc32.Checksum(file[6:], crc32.MakeTable(crc32.Castagnoli)))

	var table logstore.ProducerTable
	if err := table.LoadSnapshot(file, 0); err != nil {
		t.Fatal(err)
	}
	want := []logstore.ProducerEntry{{ProducerID: 4000, Epoch: 2, LastSequence: 9,
		LastTimestamp: 1_700_000_000_000, CoordinatorEpoch: -1, TxnStartOffset: -1}}
	if diff := cmp.Diff(want, table.List()); diff != "" {
		t.Error(diff)
	}
	// Ours begins with the same bytes after the CRC.
	if diff := cmp.Diff(file[6:], table.AppendSnapshot(nil)[6:len(file)]); diff != "" {
		t.Error(diff)
	}
}

func FuzzLoadSnapshot(f *testing.F) {
	var table logstore.ProducerTable
	for i := range int32(7) {
		table.Apply(sent{0, i, 1}.batch(protocol.Offset(i)), 0)
	}
	f.Add(table.AppendSnapshot(nil)[6:])
	f.Fuzz(func(t *testing.T, body []byte) {
		file := binary.BigEndian.AppendUint16(nil, 1)
		file = binary.BigEndian.AppendUint32(file, crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)))
		var table logstore.ProducerTable
		if err := table.LoadSnapshot(append(file, body...), 0); err == nil {
			table.AppendSnapshot(nil)
		} else if !errors.Is(err, logstore.ErrBadSnapshot) {
			t.Error(err)
		}
	})
}
