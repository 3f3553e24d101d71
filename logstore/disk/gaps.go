package disk

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/protocol"
)

// mayHaveGaps tells whether offsets may be missing between two batches: compaction
// has been here. Without it, a gap is damage.
func (l *log) mayHaveGaps() bool { return l.compacted.Load() }

// gapBehind is what a segment without compaction that ends before the next one
// begins says: records between them are missing.
func (s *segment) gapBehind(offset protocol.Offset, next protocol.Offset) error {
	return &logstore.CorruptError{File: s.data.name, Position: s.size.Load(), Offset: offset,
		Reason: fmt.Sprintf("the records from here to offset %d, where the next segment begins, are missing", next)}
}

// missingBefore finds out whether segments are missing at the log's begin. The
// first leader epoch begins where the log does (retention moves it before it takes
// a file away), so that an older begin tells of segments that nobody has deleted.
// Kafka writes the epochs later; after its death what it was deleting is there still.
func (l *log) missingBefore(first *segment, known marks) error {
	starts := l.mu.epochs.All()
	if len(starts) == 0 || l.mu.deleting || starts[0].Start >= first.base || known.start >= first.base {
		return nil
	}
	return &logstore.CorruptError{File: l.dir, Offset: starts[0].Start,
		Reason: fmt.Sprintf("the segments before the one at offset %d are missing; nobody has deleted them", first.base)}
}

// readFailed decides what a failed read means: damage, or a file that somebody has
// taken away, takes the partition offline, so that it is told once and nothing that
// depends on the rest is answered. Any other error is the one read's.
//
// The read took no lock, and may have met a truncation or a segment's end in the
// making; so it is done again with all of these kept out, and that counts.
func (l *log) readFailed(err error, again func(list []*segment) error) error {
	if !isDamage(err) {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if phase(l.phase.Load()) != phaseReady {
		return *l.failure.Load() // it ended while this read was under way
	}
	if err = again(*l.segments.Load()); !isDamage(err) {
		return err
	}
	l.store.unverified.Store(true)
	l.store.syncer.add(l) // those who wait for a commit get their answer
	return l.goOffline(err)
}

func isDamage(err error) bool {
	var corrupt *logstore.CorruptError
	return errors.As(err, &corrupt) || errors.Is(err, fs.ErrNotExist)
}

// Damaged implements logstore.Log.
func (l *log) Damaged(chunk logstore.Chunk, in logstore.ReadInput, cause error) error {
	s, ok := chunk.Source.(*segment)
	if !ok {
		return cause
	}
	damage := func(cause error) error {
		return &logstore.CorruptError{File: s.data.name, Position: chunk.Position, Offset: s.base, Reason: cause.Error()}
	}
	err := l.readFailed(damage(cause), func(list []*segment) error {
		if !slices.Contains(list, s) {
			return nil // the copy was taken while the segment went
		}
		data := make([]byte, chunk.Bytes)
		if n, err := s.ReadAt(data, chunk.Position); n < len(data) {
			return err
		}
		if err := chunk.VerifyCopy(data, in.From, in.Below); err != nil {
			return damage(err)
		}
		return nil
	})
	return cmp.Or(err, cause)
}
