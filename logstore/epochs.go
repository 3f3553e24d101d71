package logstore

import (
	"slices"
	"sort"

	"github.com/barnabas-mq/barnabas/protocol"
)

// EpochStart says at which offset a leader epoch begins.
type EpochStart struct {
	Epoch protocol.Epoch
	Start protocol.Offset
}

// Epochs remembers where each leader epoch of a log begins (KIP-101, KIP-279). It
// is pure; the log that owns it guards it with its lock.
//
// Invariant: epochs and starts both rise strictly.
type Epochs struct {
	starts []EpochStart
}

// NewEpochs takes starts as they were kept; it reports false when they do not rise.
func NewEpochs(starts []EpochStart) (Epochs, bool) {
	for i := 1; i < len(starts); i++ {
		if starts[i].Epoch <= starts[i-1].Epoch || starts[i].Start <= starts[i-1].Start {
			return Epochs{}, false
		}
	}
	return Epochs{starts: starts}, true
}

// All lists what is known, oldest first.
func (e *Epochs) All() []EpochStart { return slices.Clone(e.starts) }

// Last is the newest epoch, -1 when there was none.
func (e *Epochs) Last() protocol.Epoch {
	if len(e.starts) == 0 {
		return protocol.None
	}
	return e.starts[len(e.starts)-1].Epoch
}

// Assign notes that the batch at offset has the epoch and reports whether that
// was news. An older epoch than the last is none: epochs never go back.
func (e *Epochs) Assign(epoch protocol.Epoch, offset protocol.Offset) bool {
	if epoch <= e.Last() {
		return false
	}
	// An epoch that got no record is forgotten: the newer one takes its place.
	e.TruncateTo(offset)
	e.starts = append(e.starts, EpochStart{epoch, offset})
	return true
}

// Of is the epoch of the record at offset, -1 below the first one known.
func (e *Epochs) Of(offset protocol.Offset) protocol.Epoch {
	i := sort.Search(len(e.starts), func(i int) bool { return e.starts[i].Start > offset })
	if i == 0 {
		return protocol.None
	}
	return e.starts[i-1].Epoch
}

// EndOf gives the largest epoch <= epoch and where it ends in a log that ends at
// end, with the answers of Kafka's LeaderEpochFileCache.endOffsetFor for epochs
// before the first and after the last one.
func (e *Epochs) EndOf(epoch protocol.Epoch, end protocol.Offset) (protocol.Epoch, protocol.Offset) {
	if epoch < 0 || epoch > e.Last() {
		return protocol.None, protocol.None
	}
	if epoch == e.Last() {
		return epoch, end
	}
	higher := sort.Search(len(e.starts), func(i int) bool { return e.starts[i].Epoch > epoch })
	if higher == 0 {
		return epoch, e.starts[0].Start
	}
	return e.starts[higher-1].Epoch, e.starts[higher].Start
}

// TruncateTo forgets the epochs that begin at or above offset and reports
// whether there were any.
func (e *Epochs) TruncateTo(offset protocol.Offset) bool {
	keep := sort.Search(len(e.starts), func(i int) bool { return e.starts[i].Start >= offset })
	changed := keep < len(e.starts)
	e.starts = e.starts[:keep]
	return changed
}

// DropBefore forgets the epochs that end at or below the log start; the one in
// which the log now starts begins there. It reports whether anything changed.
func (e *Epochs) DropBefore(start protocol.Offset) bool {
	later := sort.Search(len(e.starts), func(i int) bool { return e.starts[i].Start > start })
	if later == 0 || later == 1 && e.starts[0].Start == start {
		return false
	}
	e.starts = slices.Delete(e.starts, 0, later-1)
	e.starts[0].Start = start
	return true
}
