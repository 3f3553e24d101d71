package coordinator

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/barnabas-mq/barnabas/internal/invariant"
	"github.com/barnabas-mq/barnabas/protocol"
)

// batchBytesMax bounds what decisions share one append: some hundred commits,
// after which another record saves next to nothing and answers only wait longer.
// A decision above it is appended alone, as ever.
const batchBytesMax = 32 << 10

// openBatch gathers the records of the decisions of one turn.
type openBatch struct {
	records   []Record
	bytes     int
	timestamp protocol.Timestamp // of the first decision
}

// write applies the records of a decision and puts them into the open batch. They
// are applied where the journal will put them, which is known because the shard
// alone writes there; flush finds out if it was not so. An error says that this
// machine's life has ended, or must, unless it is a RefusedError.
func (s *shard[M]) write(d Decision, now Moment) error {
	if len(d.Records) == 0 && d.Marker == nil {
		return nil
	}
	invariant.Check(len(d.Records) == 0 || d.Marker == nil, "a decision with a marker and records")
	bytes := 0
	for _, r := range d.Records {
		bytes += len(r.Key) + len(r.Value)
	}
	// A transaction's records are a batch of their own, and so is its marker. So are
	// the first ones of a life, which tell where the journal ends.
	alone := d.Producer != nil || d.Marker != nil || !s.endKnown
	if alone || s.batch.bytes+bytes > batchBytesMax {
		if err := s.appendBatch(); err != nil {
			return err
		}
	}
	if alone {
		base, err := s.append(Batch{Records: d.Records, Timestamp: now.Wall, Producer: d.Producer, Pass: d.Pass, Marker: d.Marker}, s.end)
		if err != nil {
			return err
		}
		s.apply(base, d)
		return nil
	}
	if len(s.batch.records) == 0 {
		s.batch.timestamp = now.Wall
	}
	s.batch.records = append(s.batch.records, d.Records...)
	s.batch.bytes += bytes
	base := s.end
	s.end += protocol.Offset(len(d.Records))
	s.apply(base, d)
	return nil
}

func (s *shard[M]) apply(base protocol.Offset, d Decision) {
	if d.Marker != nil {
		s.machine.ApplyMarker(d.Marker.Producer, d.Marker.Commit)
		return
	}
	producer := NoProducer
	if d.Producer != nil {
		producer = *d.Producer
	}
	for i, r := range d.Records {
		if err := s.machine.Apply(base+protocol.Offset(i), r, producer); err != nil {
			invariant.Check(false, "a machine cannot apply its own record %x: %v", r.Key, err)
		}
	}
}

// flush ends the turn's batch. If that fails the machine goes, and with it
// everything that it decided since the last append.
func (s *shard[M]) flush() {
	if err := s.appendBatch(); err != nil {
		s.failed(err)
	}
}

// errNotAlone: somebody else wrote to the journal, so that records were applied
// with offsets that are not theirs. Loading anew sets that right.
var errNotAlone = errors.New("the journal has records that this coordinator did not write")

// appendBatch appends what decisions have gathered.
func (s *shard[M]) appendBatch() error {
	if len(s.batch.records) == 0 {
		return nil
	}
	batch, expected := s.batch, s.end-protocol.Offset(len(s.batch.records))
	s.batch = openBatch{}
	_, err := s.append(Batch{Records: batch.records, Timestamp: batch.timestamp}, expected)
	s.batch.records = emptied(batch.records)
	return err
}

// keptMax is how long a slice may be that a shard keeps for its memory.
const keptMax = 1024

// emptied is the same memory without contents, unless it is a lot.
func emptied[T any](s []T) []T {
	if cap(s) > keptMax {
		return nil
	}
	clear(s)
	return s[:0]
}

// append orders a batch, which is expected to begin where the last one ended, and
// notes where the journal ends then.
func (s *shard[M]) append(b Batch, expected protocol.Offset) (protocol.Offset, error) {
	life := s.life
	note := &commitNote{report: func(end protocol.Offset, err error) { s.signalCommitted(life, end, err) }}
	base, err := s.rt.options.Journal.Append(s.id, b, note.committed)
	if err != nil {
		return 0, err
	}
	if s.endKnown && base != expected {
		return 0, fmt.Errorf("offset %d where %d was due: %w", base, expected, errNotAlone)
	}
	s.end, s.endKnown = base+b.count(), true
	done, err := note.ordered(s.end)
	if err != nil {
		return 0, err
	}
	if done {
		s.committed = s.end
		s.release(nil, func(p parked) bool { return p.end <= s.committed })
	}
	return base, nil
}

// commitNote joins the two things that are to be known of an append: where it
// ends, which Append returns, and that it is committed, which may come first.
type commitNote struct {
	report func(end protocol.Offset, err error)

	mu                     sync.Mutex
	end                    protocol.Offset
	err                    error
	isOrdered, isCommitted bool
}

// committed is the journal's callback.
func (n *commitNote) committed(err error) {
	n.mu.Lock()
	n.isCommitted, n.err = true, err
	isOrdered, end := n.isOrdered, n.end
	n.mu.Unlock()
	if isOrdered {
		n.report(end, err)
	}
}

// ordered notes the end; true when the journal has spoken already, so that
// committed will not report.
func (n *commitNote) ordered(end protocol.Offset) (bool, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.isOrdered, n.end = true, end
	return n.isCommitted, n.err
}

// parked is a reply that waits until everything below end is committed, but not
// longer than to its deadline.
type parked struct {
	end      protocol.Offset
	deadline time.Duration
	send     Reply
}

// park sends a reply now if nothing is uncommitted, else when it is committed.
func (s *shard[M]) park(r Reply, now Moment) {
	if s.committed >= s.end && len(s.parked) == 0 {
		r(nil)
		return
	}
	s.parked = append(s.parked, parked{end: s.end, deadline: now.Elapsed + s.rt.options.CommitTimeout, send: r})
}

// takeCommits sends the replies that the journal's progress sets free.
func (s *shard[M]) takeCommits(e events) {
	if !s.loaded || e.life != s.life {
		return
	}
	if e.failure != nil {
		s.failed(e.failure)
		return
	}
	s.committed = max(s.committed, e.committed)
	s.release(nil, func(p parked) bool { return p.end <= s.committed })
}

// expireParked answers those who have waited too long for a commit. The write
// itself goes on; its outcome stays unknown to them.
func (s *shard[M]) expireParked() {
	if len(s.parked) == 0 {
		return
	}
	now := s.rt.options.Clock.Monotonic()
	s.release(ErrUnavailable, func(p parked) bool { return p.deadline <= now })
}

// release sends the first parked replies, as many as may go.
func (s *shard[M]) release(err error, mayGo func(parked) bool) {
	n := 0
	for n < len(s.parked) && mayGo(s.parked[n]) {
		s.parked[n].send(err)
		s.parked[n] = parked{} // let go of the answer
		n++
	}
	if n == len(s.parked) {
		s.parked = emptied(s.parked) // from the start of what is left of its memory
		return
	}
	s.parked = s.parked[n:]
}
