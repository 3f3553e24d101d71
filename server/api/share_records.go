package api

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/barnabas-mq/barnabas/coordinator/share"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/partition"
	"github.com/barnabas-mq/barnabas/protocol"
)

// shareRecords are whole record batches that hold what was acquired. The chunk is given
// back once.
type shareRecords struct {
	chunk      logstore.Chunk
	position   int64
	bytes      int
	deliveries []share.Delivery
}

// available is how many bytes there are to acquire from, without doing so.
func (c *shareCall) available() (bytes int) {
	for i := range c.items {
		item := &c.items[i]
		if item.share == nil {
			continue
		}
		marks := item.partition.Offsets()
		item.below = item.partition.Bound(c.isolation())
		from, ok := item.share.BeginFetch(marks.Start)
		if item.blocked = !ok; item.blocked {
			continue
		}
		chunk, err := item.partition.Read(logstore.ReadInput{From: from, Below: item.below, MaxBytes: c.partitionBytes(), AtLeastOne: bytes == 0})
		item.share.EndFetch()
		if err == nil {
			bytes += chunk.Bytes
			chunk.Release()
		}
	}
	return bytes
}

// partitionBytes is each partition's part of the answer (PartitionMaxBytesStrategy).
func (c *shareCall) partitionBytes() int { return c.bytesMax() / max(len(c.items), 1) }

// acquireFrom reads one partition from where the group is and acquires what it finds.
func (c *shareCall) acquireFrom(item *shareItem, recordsMax int32, first bool) error {
	item.found.release()
	marks := item.partition.Offsets()
	item.below = item.partition.Bound(c.isolation())
	from, ok := item.share.BeginFetch(marks.Start)
	if item.blocked = !ok; item.blocked {
		return nil
	}
	defer item.share.EndFetch()
	if from >= item.below {
		return nil
	}
	chunk, err := item.partition.Read(logstore.ReadInput{From: from, Below: item.below, MaxBytes: c.partitionBytes(), AtLeastOne: first})
	if err != nil || chunk.Bytes == 0 {
		chunk.Release()
		if errors.Is(err, logstore.ErrOffsetOutOfRange) {
			err = nil // the log was cut below where the group is: there is nothing yet
		}
		return err
	}
	// What was fetched before may be somebody else's: the limit counts behind it.
	scan, err := scanBatches(chunk, max(from, item.share.FetchedEnd()), recordsMax)
	if err == nil && c.isolation() == partition.ReadCommitted {
		err = scan.findAborted(item.partition, from)
	}
	if err != nil {
		chunk.Release()
		return err
	}
	deliveries := item.share.Acquire(share.AcquireInput{
		Member: c.member.member, From: from, Fetched: scan.extents, Aborted: scan.aborted,
		RecordsMax: int(recordsMax), Strict: c.request.ShareAcquireMode == strictMode, BatchSize: int(c.request.BatchSize),
	})
	if len(deliveries) == 0 {
		c.passed = c.passed || len(scan.aborted) > 0
		chunk.Release()
		return nil
	}
	item.found = scan.slice(deliveries)
	return nil
}

// strictMode is the acquire mode that does not exceed max_records.
const strictMode = 1

func (f *shareRecords) release() {
	f.chunk.Release()
	*f = shareRecords{}
}

// batchScan is what is known of the record batches of a chunk without reading them
// whole.
type batchScan struct {
	chunk   logstore.Chunk
	extents []share.Extent
	aborted []share.Extent
	heads   []batchHead
}

// batchHead says where a batch lies and who wrote it.
type batchHead struct {
	position      int64
	bytes         int
	producer      protocol.ProducerID
	transactional bool
	endsAborted   bool // it is an abort marker
}

// headWindow is read at once: the heads of small batches, without the bodies of large
// ones.
const headWindow = 8 << 10

// controlBatchMax is more than a control batch takes.
const controlBatchMax = 1 << 10

// scanBatches reads the heads of batches until they hold as many records from an offset on
// as are wanted.
func scanBatches(chunk logstore.Chunk, from protocol.Offset, recordsMax int32) (*batchScan, error) {
	s := &batchScan{chunk: chunk}
	window, windowAt := []byte(nil), int64(0)
	buffer := make([]byte, min(headWindow, chunk.Bytes))
	end := chunk.Position + int64(chunk.Bytes)
	for at := chunk.Position; at < end; {
		offset := at - windowAt
		if window == nil || offset+protocol.BatchHeaderBytes > int64(len(window)) {
			window, windowAt, offset = buffer[:min(int64(len(buffer)), end-at)], at, 0
			if n, err := chunk.Source.ReadAt(window, at); n < len(window) {
				return nil, fmt.Errorf("reading the head of a record batch: %w", err)
			}
		}
		if len(window)-int(offset) < protocol.BatchHeaderBytes {
			return nil, fmt.Errorf("%d bytes of a record batch", len(window)-int(offset))
		}
		head := protocol.Batch(window[offset:])
		size := int64(head.Size())
		if size < protocol.BatchHeaderBytes || at+size > end || head.Magic() != 2 || head.LastOffset() < head.BaseOffset() {
			return nil, fmt.Errorf("a record batch of %d bytes at offset %d: %w", size, head.BaseOffset(), protocol.ErrCorruptMessage)
		}
		h := batchHead{position: at, bytes: int(size), producer: head.ProducerID(), transactional: head.IsTransactional()}
		if head.IsControl() && size <= controlBatchMax {
			control := make([]byte, size)
			if n, err := chunk.Source.ReadAt(control, at); n < len(control) {
				return nil, fmt.Errorf("reading a control batch: %w", err)
			}
			marker, ok := protocol.Batch(control).EndTxnMarker()
			h.endsAborted = ok && !marker.Commit
			h.transactional = false // it is passed over by the member itself
		}
		s.extents = append(s.extents, share.Extent{First: head.BaseOffset(), Last: head.LastOffset()})
		s.heads = append(s.heads, h)
		at += size
		if head.LastOffset()-from >= protocol.Offset(recordsMax)-1 {
			break
		}
	}
	return s, nil
}

// findAborted notes the batches of aborted transactions
// (SharePartition.fetchAbortedTransactionRecordBatches).
func (s *batchScan) findAborted(p *partition.Partition, from protocol.Offset) error {
	aborted, err := p.Log().AbortedIn(from, s.chunk.End)
	if err != nil {
		return err
	}
	if s.chunk.Source.Replaced() {
		return logstore.ErrStorage // the list is of what is there instead; the member asks again
	}
	slices.SortFunc(aborted, func(a, b logstore.Aborted) int { return cmp.Compare(a.First, b.First) })
	open := map[protocol.ProducerID]bool{}
	for i, e := range s.extents {
		for len(aborted) > 0 && aborted[0].First <= e.Last {
			open[aborted[0].ProducerID] = true
			aborted = aborted[1:]
		}
		h := &s.heads[i]
		switch {
		case h.endsAborted:
			delete(open, h.producer)
		case h.transactional && open[h.producer]:
			s.aborted = append(s.aborted, e)
		}
	}
	return nil
}

// slice is the part of the chunk whose batches hold what was acquired
// (ShareFetchUtils.maybeSliceFetchRecords).
func (s *batchScan) slice(deliveries []share.Delivery) shareRecords {
	first, last := deliveries[0].First, deliveries[len(deliveries)-1].Last
	found := shareRecords{chunk: s.chunk, deliveries: deliveries}
	for i, e := range s.extents {
		if e.Last < first || e.First > last {
			continue
		}
		if found.bytes == 0 {
			found.position = s.heads[i].position
		}
		found.bytes = int(s.heads[i].position-found.position) + s.heads[i].bytes
	}
	return found
}

// resetTimestamp reads share.auto.offset.reset: latest, earliest, or by_duration: and an
// ISO-8601 duration back from now.
func resetTimestamp(reset string, now time.Time) (int64, error) {
	switch text, isDuration := strings.CutPrefix(reset, "by_duration:"); {
	case reset == "latest":
		return timestampLatest, nil
	case reset == "earliest":
		return timestampEarliest, nil
	case isDuration:
		d, err := isoDuration(text)
		return max(now.Add(-d).UnixMilli(), 0), err
	}
	return 0, fmt.Errorf("share.auto.offset.reset is %.64q", reset)
}

// isoDuration reads what Java's Duration.parse does: PnDTnHnMn.nS.
func isoDuration(text string) (time.Duration, error) {
	bad := fmt.Errorf("%.64q is no ISO-8601 duration", text)
	rest, ok := strings.CutPrefix(strings.ToUpper(text), "P")
	if !ok {
		return 0, bad
	}
	total, isTime := 0.0, false
	for rest != "" {
		if rest[0] == 'T' {
			isTime, rest = true, rest[1:]
			continue
		}
		n := strings.IndexAny(rest, "DHMS")
		if n < 0 {
			return 0, bad
		}
		v, err := strconv.ParseFloat(rest[:n], 64)
		unit := map[byte]float64{'D': 86_400, 'H': 3600, 'M': 60, 'S': 1}[rest[n]]
		if err != nil || (rest[n] == 'D') == isTime {
			return 0, bad
		}
		total += v * unit
		rest = rest[n+1:]
	}
	return time.Duration(min(max(total, 0), 9e9) * float64(time.Second)), nil
}
