package logstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"

	"github.com/barnabas-mq/barnabas/protocol"
)

// A producer snapshot is Kafka's ProducerSnapshot, version 1, big-endian:
//
//	0 version      int16     6 count       int32   per producer, 46 bytes:
//	2 CRC-32C [6:] uint32   10 producers           id int64, epoch int16, last sequence int32,
//	                                               last offset int64, offset delta int32, timestamp int64,
//	                                               coordinator epoch int32, open transaction's first offset int64
//
// Kafka keeps only the newest batch of each producer there, so that a broker that
// restarts no longer knows the other four of the window. What follows the last
// producer is ours, and Kafka ignores it (its CRC covers it): a version int16 = 1,
// then for each producer in the same order a count int8 and that many older
// batches, oldest first: last sequence int32, last offset int64, offset delta
// int32, timestamp int64.
const (
	snapshotVersion       = 1
	snapshotHeaderBytes   = 10
	snapshotProducerBytes = 46
	snapshotBatchBytes    = 24
	snapshotWindowVersion = 1
)

// ErrBadSnapshot is the answer to a producer snapshot that cannot be read; the
// log is replayed instead.
var ErrBadSnapshot = errors.New("the producer snapshot cannot be read")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// AppendSnapshot appends the snapshot file's bytes to dst.
func (t *ProducerTable) AppendSnapshot(dst []byte) []byte {
	ids := make([]protocol.ProducerID, 0, len(t.producers))
	for id := range t.producers {
		ids = append(ids, id)
	}
	slices.Sort(ids)

	begin := len(dst)
	dst = binary.BigEndian.AppendUint16(dst, snapshotVersion)
	dst = binary.BigEndian.AppendUint32(dst, 0) // the CRC, below
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(ids)))
	for _, id := range ids {
		dst = t.producers[id].appendEntry(dst, id)
	}
	dst = binary.BigEndian.AppendUint16(dst, snapshotWindowVersion)
	for _, id := range ids {
		dst = t.producers[id].appendWindow(dst)
	}
	binary.BigEndian.PutUint32(dst[begin+2:], crc32.Checksum(dst[begin+6:], castagnoli))
	return dst
}

func (p *producer) appendEntry(dst []byte, id protocol.ProducerID) []byte {
	last, ok := p.last()
	if !ok {
		last = ProducerBatch{LastSequence: protocol.None, LastOffset: protocol.None}
	}
	dst = binary.BigEndian.AppendUint64(dst, uint64(id))
	dst = binary.BigEndian.AppendUint16(dst, uint16(p.epoch))
	dst = binary.BigEndian.AppendUint32(dst, uint32(last.LastSequence))
	dst = binary.BigEndian.AppendUint64(dst, uint64(last.LastOffset))
	dst = binary.BigEndian.AppendUint32(dst, uint32(last.OffsetDelta))
	dst = binary.BigEndian.AppendUint64(dst, uint64(p.lastTimestamp))
	dst = binary.BigEndian.AppendUint32(dst, uint32(p.coordinatorEpoch))
	return binary.BigEndian.AppendUint64(dst, uint64(p.txnFirst))
}

func (p *producer) appendWindow(dst []byte) []byte {
	older := p.batches[:max(int(p.known)-1, 0)]
	dst = append(dst, byte(len(older)))
	for _, b := range older {
		dst = binary.BigEndian.AppendUint32(dst, uint32(b.LastSequence))
		dst = binary.BigEndian.AppendUint64(dst, uint64(b.LastOffset))
		dst = binary.BigEndian.AppendUint32(dst, uint32(b.OffsetDelta))
		dst = binary.BigEndian.AppendUint64(dst, uint64(b.Timestamp))
	}
	return dst
}

// LoadSnapshot replaces the table by what a snapshot file holds; on an error,
// which wraps ErrBadSnapshot, the table is unchanged. A loaded producer counts as
// used now: idle time is not kept in the file.
func (t *ProducerTable) LoadSnapshot(data []byte, now protocol.Timestamp) error {
	if len(data) < snapshotHeaderBytes {
		return fmt.Errorf("%w: %d bytes are too few", ErrBadSnapshot, len(data))
	}
	if v := binary.BigEndian.Uint16(data); v != snapshotVersion {
		return fmt.Errorf("%w: version %d", ErrBadSnapshot, v)
	}
	if stored, computed := binary.BigEndian.Uint32(data[2:]), crc32.Checksum(data[6:], castagnoli); stored != computed {
		return fmt.Errorf("%w: stored CRC %d, computed %d", ErrBadSnapshot, stored, computed)
	}
	count := int64(int32(binary.BigEndian.Uint32(data[6:])))
	data = data[snapshotHeaderBytes:]
	if count < 0 || count*snapshotProducerBytes > int64(len(data)) {
		return fmt.Errorf("%w: it claims %d producers in %d bytes", ErrBadSnapshot, count, len(data))
	}
	producers := make(map[protocol.ProducerID]*producer, count)
	order := make([]*producer, count)
	for i := range order {
		p := newProducer()
		p.used = now
		producers[protocol.ProducerID(binary.BigEndian.Uint64(data))] = p
		p.loadEntry(data[8:])
		order[i] = p
		data = data[snapshotProducerBytes:]
	}
	if err := loadWindows(data, order); err != nil {
		return err
	}
	t.producers, t.transactions = producers, transactions{}
	for id, p := range producers {
		if p.txnFirst >= 0 {
			t.transactions.begin(openTxn{p.txnFirst, id}) // which keeps its list in order
		}
	}
	return nil
}

func (p *producer) loadEntry(data []byte) {
	p.epoch = int16(binary.BigEndian.Uint16(data))
	last := ProducerBatch{
		LastSequence: int32(binary.BigEndian.Uint32(data[2:])),
		LastOffset:   protocol.Offset(binary.BigEndian.Uint64(data[6:])),
		OffsetDelta:  int32(binary.BigEndian.Uint32(data[14:])),
		Timestamp:    protocol.Timestamp(binary.BigEndian.Uint64(data[18:])),
	}
	p.lastTimestamp = last.Timestamp
	p.coordinatorEpoch = int32(binary.BigEndian.Uint32(data[26:]))
	p.txnFirst = max(protocol.Offset(binary.BigEndian.Uint64(data[30:])), protocol.None)
	if last.LastOffset >= 0 { // without a sequence it is a coordinator's
		p.remember(last)
	}
}

// loadWindows reads the part that is ours; a file of Kafka's ends before it, and
// a later version of ours is passed over.
func loadWindows(data []byte, order []*producer) error {
	if len(data) < 2 || binary.BigEndian.Uint16(data) != snapshotWindowVersion {
		return nil
	}
	data = data[2:]
	for _, p := range order {
		if len(data) < 1 || int(data[0]) >= producerWindow || len(data)-1 < int(data[0])*snapshotBatchBytes {
			return fmt.Errorf("%w: the batches of a producer are cut off", ErrBadSnapshot)
		}
		older := int(data[0])
		data = data[1:]
		newest, known := p.last()
		p.known = 0
		for range older {
			p.remember(ProducerBatch{
				LastSequence: int32(binary.BigEndian.Uint32(data)),
				LastOffset:   protocol.Offset(binary.BigEndian.Uint64(data[4:])),
				OffsetDelta:  int32(binary.BigEndian.Uint32(data[12:])),
				Timestamp:    protocol.Timestamp(binary.BigEndian.Uint64(data[16:])),
			})
			data = data[snapshotBatchBytes:]
		}
		if known {
			p.remember(newest)
		}
	}
	return nil
}
