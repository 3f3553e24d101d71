package disk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"

	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/protocol"
)

// A transaction index is Kafka's TransactionIndex: the aborted transactions whose
// marker is in the segment, big-endian, in the markers' order.
//
//	 0 version       int16 = 0
//	 2 producer id   int64
//	10 first offset  int64   of the transaction, perhaps in an earlier segment
//	18 last offset   int64   the marker's
//	26 last stable   int64   offset once the marker was in the log
const (
	txnIndexVersion    = 0
	txnIndexEntryBytes = 34
	// txnIndexBytesMax is more than the index of the largest segment can have: an
	// entry needs a marker of 78 bytes and a batch of 68 at least, in 2 GiB.
	txnIndexBytesMax = 512 << 20
)

// appendAbortedTxn appends the entry as it is in the file.
func appendAbortedTxn(dst []byte, t logstore.AbortedTransaction) []byte {
	dst = binary.BigEndian.AppendUint16(dst, txnIndexVersion)
	dst = binary.BigEndian.AppendUint64(dst, uint64(t.Producer))
	dst = binary.BigEndian.AppendUint64(dst, uint64(t.First))
	dst = binary.BigEndian.AppendUint64(dst, uint64(t.Last))
	return binary.BigEndian.AppendUint64(dst, uint64(t.LastStable))
}

// parseTxnIndex reads a whole file. What it refuses is a *logstore.CorruptError
// without the file's name.
func parseTxnIndex(data []byte) ([]logstore.AbortedTransaction, error) {
	if len(data)%txnIndexEntryBytes != 0 {
		return nil, &logstore.CorruptError{Position: int64(len(data) - len(data)%txnIndexEntryBytes),
			Reason: fmt.Sprintf("%d bytes are no whole entries of %d", len(data), txnIndexEntryBytes)}
	}
	var list []logstore.AbortedTransaction
	if len(data) > 0 {
		list = make([]logstore.AbortedTransaction, 0, len(data)/txnIndexEntryBytes)
	}
	for at := 0; at < len(data); at += txnIndexEntryBytes {
		entry := data[at : at+txnIndexEntryBytes]
		t := logstore.AbortedTransaction{
			Producer:   protocol.ProducerID(binary.BigEndian.Uint64(entry[2:])),
			First:      protocol.Offset(binary.BigEndian.Uint64(entry[10:])),
			Last:       protocol.Offset(binary.BigEndian.Uint64(entry[18:])),
			LastStable: protocol.Offset(binary.BigEndian.Uint64(entry[26:])),
		}
		reason := ""
		switch version := int16(binary.BigEndian.Uint16(entry)); {
		case version != txnIndexVersion:
			reason = fmt.Sprintf("version %d of a transaction index, only %d is known", version, txnIndexVersion)
		case len(list) > 0 && t.Last <= list[len(list)-1].Last:
			reason = fmt.Sprintf("the transaction ends at offset %d, not after %d as the one before", t.Last, list[len(list)-1].Last)
		default:
			list = append(list, t)
			continue
		}
		return nil, &logstore.CorruptError{Position: int64(at), Offset: t.Last, Reason: reason}
	}
	return list, nil
}

// readTxnIndex reads a segment's transaction index; a missing file is an empty one.
func readTxnIndex(fsys vfs.FS, name string) ([]logstore.AbortedTransaction, error) {
	data, err := vfs.ReadFile(fsys, name, txnIndexBytesMax)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w: read a transaction index: %w", logstore.ErrStorage, err)
	}
	list, err := parseTxnIndex(data)
	var corrupt *logstore.CorruptError
	if errors.As(err, &corrupt) {
		corrupt.File = name
	}
	return list, err
}
