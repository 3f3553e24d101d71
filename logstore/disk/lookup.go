package disk

import (
	"errors"
	"fmt"

	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/protocol"
)

var nothingFound = logstore.TimestampOffset{Timestamp: protocol.None, Offset: protocol.None, Epoch: protocol.None}

// errStop ends a walk over records early.
var errStop = errors.New("found")

// OffsetForTime implements logstore.Log, as Kafka's LogSegment.findOffsetByTimestamp:
// the first segment that reaches the time, in it the first batch, in that the
// first record.
func (l *log) OffsetForTime(t protocol.Timestamp) (logstore.TimestampOffset, error) {
	return l.lookUp(func(list []*segment, start protocol.Offset) (logstore.TimestampOffset, error) {
		for _, s := range list {
			if s.nextOffset() <= start {
				continue
			}
			newest, err := s.maximum()
			if err != nil {
				return nothingFound, err
			}
			if newest.timestamp < t {
				continue
			}
			found, err := s.firstAtOrAfter(t, start)
			if err != nil || found.Offset >= 0 {
				return found, err
			}
		}
		return nothingFound, nil
	})
}

// OffsetOfMaxTimestamp implements logstore.Log.
func (l *log) OffsetOfMaxTimestamp() (logstore.TimestampOffset, error) {
	return l.lookUp(func(list []*segment, start protocol.Offset) (logstore.TimestampOffset, error) {
		var best *segment
		largest := protocol.Timestamp(protocol.None)
		for _, s := range list {
			if s.nextOffset() <= start {
				continue
			}
			newest, err := s.maximumFrom(start)
			if err != nil {
				return nothingFound, err
			}
			if newest > largest {
				best, largest = s, newest
			}
		}
		if best == nil {
			return nothingFound, nil
		}
		return best.firstAtOrAfter(largest, start)
	})
}

// lookUp runs a search, again when retention took a segment away meanwhile.
func (l *log) lookUp(search func([]*segment, protocol.Offset) (logstore.TimestampOffset, error)) (logstore.TimestampOffset, error) {
	for {
		if err := l.Ready(); err != nil {
			return nothingFound, err
		}
		list := l.segments.Load()
		found, err := search(*list, protocol.Offset(l.start.Load()))
		if err == nil {
			return found, nil
		}
		if l.segments.Load() == list && !errors.Is(err, errGone) {
			err = l.readFailed(err, func(list []*segment) (err error) {
				found, err = search(list, protocol.Offset(l.start.Load()))
				return err
			})
			return found, err
		}
	}
}

// maximumFrom is the largest timestamp of the batches that end at or above start.
// The index knows it for the whole segment only.
func (s *segment) maximumFrom(start protocol.Offset) (protocol.Timestamp, error) {
	if start <= s.base {
		newest, err := s.maximum()
		return newest.timestamp, err
	}
	largest := protocol.Timestamp(protocol.None)
	err := s.walkFrom(start, func(header protocol.Batch, _ int64) error {
		if header.Count() > 0 {
			largest = max(largest, header.MaxTimestamp())
		}
		return nil
	})
	return largest, err
}

// firstAtOrAfter finds the first record at or above start with a timestamp of at
// least t; Offset is -1 when the segment has none.
func (s *segment) firstAtOrAfter(t protocol.Timestamp, start protocol.Offset) (logstore.TimestampOffset, error) {
	entry, ok, err := s.floorTime(t)
	if err != nil {
		return nothingFound, err
	}
	from := max(start, s.base)
	if ok {
		// Every batch before the entry's has only smaller timestamps.
		from = max(from, s.base+protocol.Offset(entry.relative))
	}
	found := nothingFound
	err = s.walkFrom(from, func(header protocol.Batch, position int64) error {
		if header.MaxTimestamp() < t {
			return nil
		}
		b, err := s.readBatch(header, position)
		if err != nil {
			return err
		}
		err = b.EachPosition(protocol.DecodeLimits{}, func(offset protocol.Offset, at protocol.Timestamp) error {
			if at >= t && offset >= start {
				found = logstore.TimestampOffset{Timestamp: at, Offset: offset, Epoch: b.LeaderEpoch()}
				return errStop
			}
			return nil
		})
		if err != nil && !errors.Is(err, errStop) {
			return &logstore.CorruptError{File: s.data.name, Position: position, Offset: b.BaseOffset(), Reason: err.Error()}
		}
		return err
	})
	return found, err
}

// walkFrom calls fn with the header and position of every batch that ends at or
// above offset, until it returns an error; errStop ends the walk without one.
func (s *segment) walkFrom(offset protocol.Offset, fn func(header protocol.Batch, position int64) error) error {
	file, err := s.data.acquire()
	if err != nil {
		return err
	}
	defer s.data.release()
	w := s.startWalk(file, s.size.Load())
	defer w.close()
	position, err := w.find(offset)
	for err == nil && position < w.end {
		var header protocol.Batch
		if header, err = w.header(position); err != nil {
			break
		}
		size := int64(header.Size())
		err = fn(header, position)
		position += size
	}
	if errors.Is(err, errStop) {
		return nil
	}
	return err
}

// positionOf is where the first batch begins that ends at or above offset.
func (s *segment) positionOf(offset protocol.Offset) (int64, error) {
	file, err := s.data.acquire()
	if err != nil {
		return 0, err
	}
	defer s.data.release()
	w := s.startWalk(file, s.size.Load())
	defer w.close()
	return w.find(offset)
}

func (s *segment) readBatch(header protocol.Batch, position int64) (protocol.Batch, error) {
	b := make(protocol.Batch, header.Size())
	if n, err := s.data.file.ReadAt(b, position); n < len(b) {
		return nil, fmt.Errorf("%w: read %s: %w", logstore.ErrStorage, s.data.name, err)
	}
	if err := protocol.VerifyBatch(b); err != nil {
		return nil, &logstore.CorruptError{File: s.data.name, Position: position, Offset: b.BaseOffset(), Reason: err.Error()}
	}
	return b, nil
}

// baseAt is the offset of the batch at a position, the next one at the end.
func (s *segment) baseAt(position int64) (protocol.Offset, error) {
	file, err := s.data.acquire()
	if err != nil {
		return 0, err
	}
	defer s.data.release()
	w := s.startWalk(file, s.size.Load())
	defer w.close()
	if position >= w.end {
		return s.nextOffset(), nil
	}
	header, err := w.header(position)
	if err != nil {
		return 0, err
	}
	return header.BaseOffset(), nil
}
