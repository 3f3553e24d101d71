package logstore

import (
	"cmp"
	"slices"

	"github.com/barnabas-mq/barnabas/protocol"
)

// Completed is a transaction that its marker has ended in one log.
type Completed struct {
	ProducerID protocol.ProducerID
	First      protocol.Offset // of its first record
	Last       protocol.Offset // of the marker
	// LastStable is where the earliest transaction begins that is still open, else
	// the offset after the marker (Kafka's ProducerStateManager.lastStableOffset).
	LastStable protocol.Offset
	Aborted    bool
}

// transactions are those of one log that keep its last stable offset back. A
// transaction is undecided up to its marker, and the decision counts once the
// marker is below the high watermark (ProducerStateManager.firstUnstableOffset).
//
// The zero value has none.
type transactions struct {
	open []openTxn // by first offset
	// decided are those whose marker is not below High yet, in the markers' order.
	// One that begins at or after a later marker's transaction never decides
	// anything and is left out, so that first rises along the list.
	decided []decidedTxn
}

type openTxn struct {
	first    protocol.Offset
	producer protocol.ProducerID
}

type decidedTxn struct{ first, marker protocol.Offset }

func compareOpen(a, b openTxn) int {
	return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.producer, b.producer))
}

// begin takes a transaction in. Its place is nearly always the end.
func (t *transactions) begin(txn openTxn) {
	if n := len(t.open); n == 0 || compareOpen(t.open[n-1], txn) < 0 {
		t.open = append(t.open, txn)
		return
	}
	if i, found := slices.BinarySearchFunc(t.open, txn, compareOpen); !found {
		t.open = slices.Insert(t.open, i, txn)
	}
}

// end notes the marker of an open transaction and gives the last stable offset as
// of then, were the marker replicated.
func (t *transactions) end(txn openTxn, marker protocol.Offset) (lastStable protocol.Offset) {
	if i, found := slices.BinarySearchFunc(t.open, txn, compareOpen); found {
		t.open = slices.Delete(t.open, i, i+1)
	}
	for n := len(t.decided); n > 0 && t.decided[n-1].first >= txn.first; n-- {
		t.decided = t.decided[:n-1]
	}
	t.decided = append(t.decided, decidedTxn{txn.first, marker})
	if len(t.open) > 0 {
		return t.open[0].first
	}
	return marker + 1
}

// Advance forgets the completed transactions whose marker is below the high
// watermark, and gives the last stable offset: where the first transaction begins
// that is open, or whose marker is not below high yet, else high itself.
func (t *ProducerTable) Advance(high protocol.Offset) protocol.Offset {
	x := &t.transactions
	decided := 0
	for decided < len(x.decided) && x.decided[decided].marker < high {
		decided++
	}
	if decided > 0 {
		x.decided = slices.Delete(x.decided, 0, decided)
	}
	stable := high
	if len(x.open) > 0 {
		stable = min(stable, x.open[0].first)
	}
	if len(x.decided) > 0 {
		stable = min(stable, x.decided[0].first)
	}
	return stable
}
