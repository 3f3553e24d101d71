package disk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"sort"
	"sync"

	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/protocol"
)

// Sizes of an entry in Kafka's index files (docs/formats.md).
const (
	offsetEntryBytes = 8
	timeEntryBytes   = 12
)

// offsetEntry says that the batch at position ends with offset base+relative.
// Kafka's index has the last offset of the batch, not its first.
type offsetEntry struct {
	relative uint32
	position uint32
}

// timeEntry says that timestamp is the largest of the records up to the batch
// that ends with base+relative, and that this batch has it first.
type timeEntry struct {
	timestamp protocol.Timestamp
	relative  uint32
}

// index is a segment's sparse index. The active segment's entries are in memory;
// a sealed segment's are in its two files and are read at need.
type index struct {
	mu      sync.RWMutex // guards everything; held for a search, never for an append to the log
	offsets []offsetEntry
	times   []timeEntry
	// largest is the segment's newest maximum, which need not be in times yet.
	largest timeEntry
	// aborted are the transactions whose abort marker is in the segment (txn.go).
	aborted []logstore.AbortedTransaction

	// onDisk is set once the files hold the entries and memory does not.
	onDisk      bool
	noAborted   bool // there is no file of aborted transactions
	offsetCount int
	timeCount   int
	offsetFile  *handle
	timeFile    *handle
}

// append takes in a batch: its largest timestamp always, its place when indexed.
// Only the appender and recovery call it.
func (x *index) append(entry offsetEntry, largest protocol.Timestamp, indexed bool) {
	x.mu.Lock()
	if largest > x.largest.timestamp {
		x.largest = timeEntry{largest, entry.relative}
	}
	if indexed {
		x.offsets = append(x.offsets, entry)
		x.addTimeLocked(x.largest)
	}
	x.mu.Unlock()
}

// finish adds the last time entry, as a segment is sealed or the broker stops.
func (x *index) finish() {
	x.mu.Lock()
	if !x.onDisk {
		x.addTimeLocked(x.largest)
	}
	x.mu.Unlock()
}

func (x *index) addTimeLocked(largest timeEntry) {
	last := protocol.Timestamp(protocol.None)
	if n := len(x.times); n > 0 {
		last = x.times[n-1].timestamp
	}
	if largest.timestamp > last {
		x.times = append(x.times, largest)
	}
}

// full tells whether Kafka's preallocated index files would have no room left.
func (x *index) full(bytesMax int64) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return int64(len(x.offsets)) >= bytesMax/offsetEntryBytes || int64(len(x.times)) >= bytesMax/timeEntryBytes-1
}

// floorOffset is the position of the last indexed batch that ends at or below
// relative and begins before the byte end, 0 when there is none. A batch is indexed
// before it is published: who reads up to end may find entries of later ones.
func (x *index) floorOffset(relative, end int64) (int64, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	above := func(e offsetEntry) bool { return int64(e.relative) > relative || int64(e.position) >= end }
	if x.onDisk {
		return x.searchOffsets(above)
	}
	i := sort.Search(len(x.offsets), func(i int) bool { return above(x.offsets[i]) })
	if i == 0 {
		return 0, nil
	}
	return int64(x.offsets[i-1].position), nil
}

// floorPosition is the position of the last indexed batch that begins at or
// below position, 0 when there is none.
func (x *index) floorPosition(position int64) (int64, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if x.onDisk {
		return x.searchOffsets(func(e offsetEntry) bool { return int64(e.position) > position })
	}
	i := sort.Search(len(x.offsets), func(i int) bool { return int64(x.offsets[i].position) > position })
	if i == 0 {
		return 0, nil
	}
	return int64(x.offsets[i-1].position), nil
}

// floorTime is the entry with the largest timestamp at or below t; false when
// there is none.
func (x *index) floorTime(t protocol.Timestamp) (timeEntry, bool, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if !x.onDisk {
		i := sort.Search(len(x.times), func(i int) bool { return x.times[i].timestamp > t })
		if i == 0 {
			return timeEntry{}, false, nil
		}
		return x.times[i-1], true, nil
	}
	return x.searchTimes(func(e timeEntry) bool { return e.timestamp > t })
}

// maximum is the segment's largest timestamp and the batch that has it first;
// the timestamp is -1 when no record has one.
func (x *index) maximum() (timeEntry, error) {
	x.mu.RLock()
	known, onDisk := x.largest, x.onDisk
	x.mu.RUnlock()
	if !onDisk || known.timestamp >= 0 {
		return known, nil
	}
	last, found, err := x.floorTime(math.MaxInt64)
	if err != nil || !found {
		return known, err
	}
	x.mu.Lock()
	x.largest = last
	x.mu.Unlock()
	return last, nil
}

// searchOffsets finds the position of the last entry for which above is false.
func (x *index) searchOffsets(above func(offsetEntry) bool) (int64, error) {
	raw, found, err := searchFile(x.offsetFile, x.offsetCount, offsetEntryBytes, func(raw []byte) bool {
		return above(decodeOffsetEntry(raw))
	})
	if err != nil || !found {
		return 0, err
	}
	return int64(decodeOffsetEntry(raw[:]).position), nil
}

func (x *index) searchTimes(above func(timeEntry) bool) (timeEntry, bool, error) {
	raw, found, err := searchFile(x.timeFile, x.timeCount, timeEntryBytes, func(raw []byte) bool {
		return above(decodeTimeEntry(raw))
	})
	if err != nil || !found {
		return timeEntry{}, false, err
	}
	return decodeTimeEntry(raw[:]), true, nil
}

// searchBlock is how many entries are read in one go at the end of a search: a
// page of the smaller kind.
const searchBlock = 512

var searchBuffers = sync.Pool{New: func() any { return new([searchBlock * timeEntryBytes]byte) }}

// searchFile finds the last of count sorted entries for which above is false.
// The upper steps read one entry each, the rest is one read.
func searchFile(h *handle, count, entryBytes int, above func([]byte) bool) (found [timeEntryBytes]byte, ok bool, err error) {
	if count == 0 {
		return found, false, nil
	}
	file, err := h.acquire()
	if err != nil {
		return found, false, err
	}
	defer h.release()
	buf := searchBuffers.Get().(*[searchBlock * timeEntryBytes]byte)
	defer searchBuffers.Put(buf)

	read := func(first, n int) ([]byte, error) {
		b := buf[:n*entryBytes]
		got, err := file.ReadAt(b, int64(first)*int64(entryBytes))
		if got == len(b) {
			return b, nil
		}
		return nil, fmt.Errorf("read an index: %w", errors.Join(err, io.ErrUnexpectedEOF))
	}
	low, high := 0, count // the answer is the entry before the first one above, which is in [low, high]
	for high-low > searchBlock {
		middle := low + (high-low)/2
		entry, err := read(middle, 1)
		if err != nil {
			return found, false, err
		}
		if above(entry) {
			high = middle
		} else {
			low = middle // not above: stays in the block as a candidate
		}
	}
	block, err := read(low, high-low)
	if err != nil {
		return found, false, err
	}
	i := sort.Search(high-low, func(i int) bool { return above(block[i*entryBytes : (i+1)*entryBytes]) })
	if i == 0 {
		return found, false, nil
	}
	copy(found[:], block[(i-1)*entryBytes:i*entryBytes])
	return found, true, nil
}

func decodeOffsetEntry(raw []byte) offsetEntry {
	return offsetEntry{binary.BigEndian.Uint32(raw), binary.BigEndian.Uint32(raw[4:])}
}

func decodeTimeEntry(raw []byte) timeEntry {
	return timeEntry{protocol.Timestamp(binary.BigEndian.Uint64(raw)), binary.BigEndian.Uint32(raw[8:])}
}

// encode gives the contents of the two files.
func (x *index) encode() (offsets, times []byte) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	offsets = make([]byte, 0, len(x.offsets)*offsetEntryBytes)
	for _, e := range x.offsets {
		offsets = binary.BigEndian.AppendUint32(offsets, e.relative)
		offsets = binary.BigEndian.AppendUint32(offsets, e.position)
	}
	times = make([]byte, 0, len(x.times)*timeEntryBytes)
	for _, e := range x.times {
		times = binary.BigEndian.AppendUint64(times, uint64(e.timestamp))
		times = binary.BigEndian.AppendUint32(times, e.relative)
	}
	return offsets, times
}

// useFiles drops the entries from memory: the files, just written or found, hold
// them.
func (x *index) useFiles(offsetCount, timeCount int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.onDisk, x.offsetCount, x.timeCount = true, offsetCount, timeCount
	x.offsets, x.times, x.aborted = nil, nil, nil
}

// inMemory tells whether the files are still to be written.
func (x *index) inMemory() bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return !x.onDisk
}

// loadFiles reads both files of the segment that becomes active again into
// memory; false when they are missing or their shape is wrong.
func (x *index) loadFiles(fsys vfs.FS, bytesMax int64) bool {
	offsets, err := vfs.ReadFile(fsys, x.offsetFile.name, bytesMax)
	if err != nil || len(offsets)%offsetEntryBytes != 0 {
		return false
	}
	times, err := vfs.ReadFile(fsys, x.timeFile.name, bytesMax)
	if err != nil || len(times)%timeEntryBytes != 0 {
		return false
	}
	for ; len(offsets) > 0; offsets = offsets[offsetEntryBytes:] {
		e := decodeOffsetEntry(offsets)
		if n := len(x.offsets); n > 0 && (e.relative <= x.offsets[n-1].relative || e.position <= x.offsets[n-1].position) {
			return false
		}
		x.offsets = append(x.offsets, e)
	}
	for ; len(times) > 0; times = times[timeEntryBytes:] {
		e := decodeTimeEntry(times)
		if n := len(x.times); n > 0 && (e.timestamp <= x.times[n-1].timestamp || e.relative < x.times[n-1].relative) {
			return false
		}
		x.times, x.largest = append(x.times, e), e
	}
	return true
}
