package metadata

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/barnabas-mq/barnabas/internal/invariant"
	"github.com/barnabas-mq/barnabas/protocol"
)

const (
	// proposalsQueued bounds the proposals that wait without blocking their
	// callers' goroutines any earlier.
	proposalsQueued = 128
	// groupBytes is where a group of proposals is journaled without waiting for
	// more: one write of this size takes about as long as its sync.
	groupBytes = 256 << 10
	// batchBytesMax is the largest batch; Kafka's reader refuses 8 MiB. A larger
	// proposal becomes a metadata transaction of several batches; a record that
	// does not fit into one is refused (as by Kafka's BatchAccumulator).
	batchBytesMax = 4 << 20
	// recordBytesGuess is what a record takes about: a partition of one replica has 80
	// bytes, a topic 20 and its name.
	recordBytesGuess = 64
	// recordOverheadMax is what a batch adds to a value at most: seven varints.
	recordOverheadMax = 24
)

// proposal is a decision that waits for the owner, then for the journal.
type proposal struct {
	decide func(*Image) ([]Record, error)
	state  atomic.Int32  // see proposalWaiting
	done   chan struct{} // closed when img and err are final
	img    *Image
	err    error

	records []Record // decided; none when there is nothing to journal
	values  [][]byte // their bytes
	bytes   int      // of all values
}

// States of a proposal: who moves it away from waiting decides what becomes of it.
const (
	proposalWaiting = iota
	proposalRunning
	proposalAbandoned
)

// Propose runs decide on the newest image, journals the records that it returns
// as one atomic change, and returns the image that contains them. Decide runs
// alone, on the owner goroutine: it must be short and must not propose. Its error
// comes back as it is, with the image that it was made from; no records mean no
// change, and one of more than batchBytesMax is refused with ErrPolicyViolation. When ctx ends before decide was run, it will not be.
func (s *Store) Propose(ctx context.Context, decide func(*Image) ([]Record, error)) (*Image, error) {
	p := &proposal{decide: decide, done: make(chan struct{})}
	select {
	case s.proposals <- p:
	case <-s.stop:
		return nil, ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case <-p.done:
	case <-ctx.Done():
		if p.state.CompareAndSwap(proposalWaiting, proposalAbandoned) {
			return nil, ctx.Err()
		}
		<-p.done // its records may be in the journal: the answer has to be true
	case <-s.stopped:
		// The owner has ended; it may have served us first.
		if p.state.CompareAndSwap(proposalWaiting, proposalAbandoned) {
			return nil, ErrClosed
		}
		<-p.done
	}
	return p.img, p.err
}

// own is the owner goroutine, from Open to Close.
func (s *Store) own() {
	defer close(s.stopped)
	for {
		select {
		case p := <-s.proposals:
			s.serve(p)
			s.snapshotWhenDue()
		case err := <-s.snapshots.done:
			s.snapshots.finish(err)
		case <-s.stop:
			s.snapshots.wait()
			s.snapshotAtStop()
			return
		}
	}
}

// serve decides the proposal and those that wait behind it, and commits them.
func (s *Store) serve(p *proposal) {
	img := s.image.Load()
	if s.failed != nil {
		if p.state.CompareAndSwap(proposalWaiting, proposalRunning) {
			p.img, p.err = img, s.failed
			close(p.done)
		}
		return
	}
	invariant.Check(img.end == s.o.Journal.End(), "the image ends at %d, the journal at %d", img.end, s.o.Journal.End())
	g := group{store: s, img: img, now: s.now()}
	g.decide(p)
	for g.bytes < groupBytes {
		select {
		case p := <-s.proposals:
			g.decide(p)
			continue
		default:
		}
		break
	}
	s.commit(g.decided, g.now)
}

// group is proposals that share writes. Each is decided on the image that the
// one before it leaves.
type group struct {
	store   *Store
	img     *Image
	now     protocol.Timestamp
	decided []*proposal
	bytes   int
}

// decide runs the proposal's function and applies its records, which proves
// them, before anything is journaled.
func (g *group) decide(p *proposal) {
	if !p.state.CompareAndSwap(proposalWaiting, proposalRunning) {
		return
	}
	g.decided = append(g.decided, p)
	p.img = g.img
	records, err := p.decide(g.img)
	if err != nil || len(records) == 0 {
		p.err = err
		return
	}
	d := g.img.edit()
	values, size := make([][]byte, len(records)), protocol.BatchHeaderBytes
	slab := make([]byte, 0, len(records)*recordBytesGuess) // of all values
	writer := new(protocol.Coder)
	for i, r := range records {
		start := len(slab)
		if slab, err = writeRecord(writer, slab, r, writeVersion(r, d.img.MetadataVersion())); err == nil {
			values[i] = slab[start:len(slab):len(slab)]
			err = d.apply(r, values[i])
		}
		if err != nil {
			p.err = fmt.Errorf("metadata: a proposal is wrong: %s: %w", r.Type(), err)
			return
		}
		if protocol.BatchHeaderBytes+len(values[i])+recordOverheadMax > batchBytesMax {
			p.err = refuse(ErrPolicyViolation, "A record of %d bytes is too large for the metadata.", len(values[i]))
			return
		}
		size += len(values[i]) + recordOverheadMax
	}
	if size > batchBytesMax {
		values = inTransaction(values)
	}
	d.advance(g.img.end+protocol.Offset(len(values)), g.store.epoch, g.now)
	p.records, p.values, p.bytes, p.img = records, values, size, d.image()
	g.img = p.img
	g.bytes += size
}

// inTransaction wraps records that need several batches.
func inTransaction(values [][]byte) [][]byte {
	begin, end := mustAppendRecord(nil, &BeginTransactionRecord{}, 0), mustAppendRecord(nil, &EndTransactionRecord{}, 0)
	return append(append([][]byte{begin}, values...), end)
}

// commit journals the decided proposals in order, as many in a batch as fit, and
// publishes and answers each. After a failure it answers the rest with the error,
// because their decisions rest on what was not journaled.
func (s *Store) commit(decided []*proposal, now protocol.Timestamp) {
	var err error
	for len(decided) > 0 {
		n := sharedBatch(decided)
		if err == nil {
			s.tellBefore(decided[:n])
			err = s.journal(decided[:n], now)
		}
		for _, p := range decided[:n] {
			switch {
			case err != nil:
				p.img, p.err = s.image.Load(), err
			case len(p.records) > 0:
				s.publish(p.img, p.records)
			}
			close(p.done)
		}
		decided = decided[n:]
	}
}

// tellBefore tells of proposals that are about to be journaled.
func (s *Store) tellBefore(shared []*proposal) {
	if s.o.BeforeJournal == nil {
		return
	}
	for _, p := range shared {
		s.o.BeforeJournal(s.image.Load(), p.records)
	}
}

// sharedBatch is how many of the proposals go into one batch; it is 1 for a
// proposal that needs several.
func sharedBatch(decided []*proposal) int {
	size := 0
	for n, p := range decided {
		if size += p.bytes; size > batchBytesMax {
			return max(n, 1)
		}
	}
	return len(decided)
}

// journal writes the records of the proposals in one batch, or those of a single
// large one in several. now is what their images say too.
func (s *Store) journal(shared []*proposal, now protocol.Timestamp) error {
	b := protocol.NewBatchBuilder(protocol.DefaultBatchOptions())
	for _, p := range shared {
		for _, value := range p.values {
			if b.Count() > 0 && b.Size()+len(value)+recordOverheadMax > batchBytesMax {
				if err := s.append(b); err != nil {
					return err
				}
			}
			b.Add(now, nil, value)
		}
	}
	if b.Count() == 0 {
		return nil
	}
	return s.append(b)
}

// append journals one batch. An error leaves the store usable only when the
// journal certainly holds nothing new, and no transaction that we began.
func (s *Store) append(b *protocol.BatchBuilder) error {
	journal, published := s.o.Journal, s.image.Load().end
	base := journal.End()
	batch := b.Build(base, s.epoch)
	got, err := journal.Append(batch)
	switch {
	case err != nil && (base != published || journal.End() != base):
		s.failed = fmt.Errorf("%w: %w", ErrFailed, err)
		return s.failed
	case err != nil:
		return fmt.Errorf("metadata: the journal refused a batch: %w", err)
	case got != base:
		s.failed = fmt.Errorf("%w: it gave offset %d where %d was next", ErrFailed, got, base)
		return s.failed
	}
	s.snapshotBytes += int64(len(batch))
	return nil
}
