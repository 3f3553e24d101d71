package disk

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/logstore"
)

var twoAborted = []logstore.AbortedTransaction{
	{Producer: 4000, First: 10, Last: 19, LastStable: 12},
	{Producer: 4001, First: 12, Last: 20, LastStable: 21},
}

func txnIndexOf(list ...logstore.AbortedTransaction) []byte {
	var data []byte
	for _, t := range list {
		data = appendAbortedTxn(data, t)
	}
	return data
}

// An entry is laid out as Kafka's AbortedTxn.
func TestTxnIndexEntry(t *testing.T) {
	got := hex.EncodeToString(txnIndexOf(twoAborted[0]))
	want := "0000" + "0000000000000fa0" + "000000000000000a" + "0000000000000013" + "000000000000000c"
	if got != want {
		t.Errorf("%s, want %s", got, want)
	}
	list, err := parseTxnIndex(txnIndexOf(twoAborted...))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(twoAborted, list); diff != "" {
		t.Error(diff)
	}
}

// What cannot be a transaction index is refused, with the place.
func TestTxnIndexDamage(t *testing.T) {
	whole := txnIndexOf(twoAborted...)
	newer := bytes.Clone(whole)
	newer[txnIndexEntryBytes+1] = 1
	tests := []struct {
		name     string
		data     []byte
		position int64
		reason   string
	}{
		{"a byte is missing", whole[:len(whole)-1], txnIndexEntryBytes, "no whole entries"},
		{"a byte too many", append(bytes.Clone(whole), 0), 2 * txnIndexEntryBytes, "no whole entries"},
		{"another version", newer, txnIndexEntryBytes, "version 1"},
		{"the same twice", txnIndexOf(twoAborted[0], twoAborted[0]), txnIndexEntryBytes, "not after 19"},
		{"the wrong order", txnIndexOf(twoAborted[1], twoAborted[0]), txnIndexEntryBytes, "not after 20"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			fsys := vfs.NewMem()
			if err := vfs.ReplaceFile(fsys, "/a.txnindex", test.data, false); err != nil {
				t.Fatal(err)
			}
			list, err := readTxnIndex(fsys, "/a.txnindex")
			var corrupt *logstore.CorruptError
			if !errors.As(err, &corrupt) || len(list) != 0 {
				t.Fatalf("%v, %v", list, err)
			}
			if corrupt.File != "/a.txnindex" || corrupt.Position != test.position || !strings.Contains(corrupt.Reason, test.reason) {
				t.Errorf("%+v", corrupt)
			}
		})
	}
}

// Kafka makes the file with its first entry, so most segments have none.
func TestTxnIndexMissing(t *testing.T) {
	fsys := vfs.NewMem()
	if list, err := readTxnIndex(fsys, "/a.txnindex"); err != nil || list != nil {
		t.Errorf("missing: %v, %v", list, err)
	}
	if err := vfs.ReplaceFile(fsys, "/a.txnindex", nil, false); err != nil {
		t.Fatal(err)
	}
	if list, err := readTxnIndex(fsys, "/a.txnindex"); err != nil || list != nil {
		t.Errorf("empty: %v, %v", list, err)
	}
}

// What is read is written the same, and nothing panics.
func FuzzTxnIndex(f *testing.F) {
	f.Add(txnIndexOf(twoAborted...))
	f.Add(txnIndexOf(twoAborted[0], twoAborted[0]))
	f.Add([]byte{0})
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := parseTxnIndex(data)
		if err != nil {
			var corrupt *logstore.CorruptError
			if !errors.As(err, &corrupt) {
				t.Errorf("%v is no CorruptError", err)
			}
			return
		}
		if again := txnIndexOf(list...); !bytes.Equal(again, data) {
			t.Errorf("%x becomes %x", data, again)
		}
	})
}
