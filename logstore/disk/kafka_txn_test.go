package disk_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/logstore/disk"
	"github.com/barnabas-mq/barnabas/protocol"
)

// kafkaFolder is a partition's folder as Apache Kafka 4.3.1 left it at a clean stop:
// three producers whose transactions overlap across six segments of 1 MiB, under
// transaction version 2. Producer 0's last one is open.
//
//go:embed testdata/kafka-4.3.1-transactions.tar.gz
var kafkaFolder []byte

// kafkaAborted are the folder's aborted transactions, as kafka-dump-log shows them.
var kafkaAborted = []logstore.Aborted{
	{ProducerID: 1, First: 2}, {ProducerID: 2, First: 3}, {ProducerID: 0, First: 0}, {ProducerID: 1, First: 11},
	{ProducerID: 0, First: 13}, {ProducerID: 1, First: 24},
	{ProducerID: 2, First: 29}, {ProducerID: 1, First: 37}, {ProducerID: 1, First: 41},
}

// unpackKafka gives the files by name.
func unpackKafka(t *testing.T) map[string][]byte {
	t.Helper()
	unzipped, err := gzip.NewReader(bytes.NewReader(kafkaFolder))
	must(t, err)
	files := make(map[string][]byte)
	for archive := tar.NewReader(unzipped); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		must(t, err)
		files[header.Name], err = io.ReadAll(archive)
		must(t, err)
	}
}

// kafkaWorld is a store on Kafka's folder, without the files that skip names.
func kafkaWorld(t *testing.T, skip func(name string) bool) (*world, map[string][]byte) {
	t.Helper()
	files := unpackKafka(t)
	w, m := memWorld(t, disk.Sync)
	must(t, m.MkdirAll("/data/orders-0", vfs.DirPerm))
	for name, data := range files {
		if skip == nil || !skip(name) {
			must(t, vfs.ReplaceFile(m, "/data/orders-0/"+name, data, true))
		}
	}
	w.cfg.SegmentBytes, w.cfg.IndexIntervalBytes, w.cfg.IndexBytesMax = 1<<20, 4096, 10<<20
	return w, files
}

// wantKafkas checks what the log says of the folder's transactions.
func wantKafkas(t *testing.T, l logstore.Log) {
	t.Helper()
	must(t, l.Ready())
	if marks, want := l.Offsets(), (logstore.Offsets{Stable: 39, High: 44, End: 44}); marks != want {
		t.Fatalf("marks %+v, want %+v", marks, want)
	}
	got, err := l.AbortedIn(0, 44)
	must(t, err)
	if diff := cmp.Diff(kafkaAborted, got); diff != "" {
		t.Error(diff)
	}
	producers := l.ActiveProducers()
	for i := range producers {
		producers[i].LastTimestamp = 0
	}
	want := []logstore.ProducerEntry{
		{ProducerID: 0, Epoch: 3, LastSequence: 1, CoordinatorEpoch: 0, TxnStartOffset: 39},
		{ProducerID: 1, Epoch: 7, LastSequence: -1, CoordinatorEpoch: 0, TxnStartOffset: -1},
		{ProducerID: 2, Epoch: 3, LastSequence: -1, CoordinatorEpoch: 0, TxnStartOffset: -1},
	}
	if diff := cmp.Diff(want, producers); diff != "" {
		t.Error(diff)
	}
}

// wantKafkasFiles checks that our transaction indexes and snapshots are the bytes
// that Kafka wrote. Ours of snapshots go on after Kafka's end.
func wantKafkasFiles(t *testing.T, fsys vfs.FS, files map[string][]byte) {
	t.Helper()
	entries, err := fsys.ReadDir("/data/orders-0")
	must(t, err)
	for _, entry := range entries {
		if name := entry.Name(); strings.HasSuffix(name, ".txnindex") && files[name] == nil {
			t.Errorf("%s should not be there", name)
		}
	}
	for name, want := range files {
		kind := path.Ext(name)
		if kind != ".txnindex" && kind != ".snapshot" {
			continue
		}
		got, err := vfs.ReadFile(fsys, "/data/orders-0/"+name, 1<<20)
		must(t, err)
		if kind == ".snapshot" {
			// Kafka's order of producers is a hash table's, ours is by id: here the same.
			from, end := 6, 10+46*int(binary.BigEndian.Uint32(want[6:]))
			got, want = got[from:end], want[from:end]
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s:\n%x, want\n%x", name, got, want)
		}
	}
}

// A folder of Kafka's is served after a clean stop without a scan, and after a crash
// with one, whatever derived files are missing; then those are Kafka's to the byte.
func TestKafkasTransactions(t *testing.T) {
	suffix := func(suffixes ...string) func(string) bool {
		return func(name string) bool {
			for _, s := range suffixes {
				if strings.HasSuffix(name, s) {
					return true
				}
			}
			return false
		}
	}
	tests := []struct {
		name  string
		clean bool
		skip  func(name string) bool
	}{
		{"as Kafka left it", true, nil},
		{"as Kafka left it, not trusted", false, nil},
		{"no indexes", true, suffix(".index", ".timeindex", ".txnindex")},
		{"no offset indexes", true, suffix(".index")},
		{"no transaction indexes, not trusted", false, suffix(".txnindex")},
		{"only the records", false, suffix(".index", ".timeindex", ".txnindex", ".snapshot")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w, files := kafkaWorld(t, test.skip)
			if !test.clean {
				w.crashTo(w.fs)
			}
			wantKafkas(t, w.log(0))
			w.restart()
			wantKafkas(t, w.log(0))
			if test.skip == nil || !test.skip(".snapshot") { // they are not made again
				wantKafkasFiles(t, w.fs, files)
			}
		})
	}
}

// The same batches, appended to a log of ours, make the same files.
func TestOurTransactionsAreKafkas(t *testing.T) {
	theirs, files := kafkaWorld(t, nil)
	w, _ := memWorld(t, disk.Sync)
	w.cfg = theirs.cfg
	l := w.log(0)
	err := logstore.EachBatch(theirs.log(0), 0, 44, func(b protocol.Batch) error {
		in := logstore.AppendInput{Batch: bytes.Clone(b)}
		if in.Batch.SetBaseOffset(0); b.IsControl() {
			in.Origin, in.TransactionVersion = logstore.FromCoordinator, 2
		}
		return appendInput(l, in).Err
	})
	must(t, err)
	wantKafkas(t, l)
	for name := range files {
		if strings.HasSuffix(name, ".txnindex") && sizeOf(t, w.fs, "/data/orders-0/"+name) != int64(len(files[name])) {
			t.Errorf("%s is not written at the append", name)
		}
	}
	w.restart()
	wantKafkas(t, w.log(0))
	wantKafkasFiles(t, w.fs, files)
}

// A reader of committed transactions hears of those that overlap its range, as by
// Kafka's TransactionIndex.collectAbortedTxns.
func TestAbortedInRange(t *testing.T) {
	w, _ := kafkaWorld(t, nil)
	l := w.log(0)
	for _, test := range []struct {
		from, below protocol.Offset
		want        string
	}{
		{0, 1, "0@0"},
		{0, 3, "1@2 0@0"},
		{8, 9, "1@2 2@3 0@0"},
		{9, 10, "2@3 0@0"},
		{11, 12, "1@11"},
		{12, 13, "1@11"},
		{13, 24, "0@13"},
		{24, 25, "1@24"},
		{26, 29, ""},
		{26, 30, "2@29"},
		{35, 36, "2@29"},
		{36, 37, ""},
		{39, 41, ""},
		{39, 44, "1@41"},
		{43, 44, "1@41"},
	} {
		got, err := l.AbortedIn(test.from, test.below)
		must(t, err)
		var text []string
		for _, a := range got {
			text = append(text, fmt.Sprintf("%d@%d", a.ProducerID, a.First))
		}
		if joined := strings.Join(text, " "); joined != test.want {
			t.Errorf("[%d, %d): %q, want %q", test.from, test.below, joined, test.want)
		}
	}
}
