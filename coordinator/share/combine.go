package share

import (
	"cmp"
	"slices"

	"github.com/barnabas-mq/barnabas/protocol"
)

// combine lays batches over each other. Where several cover an offset, the one
// delivered more often holds, and of those the one further on (PersisterStateBatchCombiner):
// a count never goes back, so that writes that overtake each other do no harm. What is
// below start is cut off, unless start is Uninitialized. The result is in order, without
// overlaps, and has no two neighbours that could be one.
func combine(old, changed []Batch, start protocol.Offset) []Batch {
	all := make([]Batch, 0, len(old)+len(changed))
	for _, batches := range [][]Batch{old, changed} {
		for _, b := range batches {
			if start != Uninitialized {
				b.First = max(b.First, start)
			}
			if b.First <= b.Last {
				all = append(all, b)
			}
		}
	}
	slices.SortFunc(all, func(a, b Batch) int { return cmp.Compare(a.First, b.First) })
	var out []Batch
	var open []Batch // those that cover the offset at hand
	for at, next := protocol.Offset(0), 0; next < len(all) || len(open) > 0; {
		if len(open) == 0 {
			at = all[next].First
		}
		for next < len(all) && all[next].First == at {
			open = append(open, all[next])
			next++
		}
		best := open[0]
		end := best.Last
		for _, b := range open[1:] {
			end = min(end, b.Last)
			if strength(b, best) > 0 {
				best = b
			}
		}
		if next < len(all) {
			end = min(end, all[next].First-1)
		}
		out = joined(out, Batch{First: at, Last: end, State: best.State, Count: best.Count})
		at = end + 1
		open = slices.DeleteFunc(open, func(b Batch) bool { return b.Last < at })
	}
	return out
}

func strength(a, b Batch) int {
	return cmp.Or(cmp.Compare(a.Count, b.Count), cmp.Compare(a.State, b.State))
}

// joined appends b, as a part of the last batch if it goes on with that.
func joined(batches []Batch, b Batch) []Batch {
	if n := len(batches); n > 0 {
		last := &batches[n-1]
		if last.Last+1 == b.First && last.State == b.State && last.Count == b.Count {
			last.Last = b.Last
			return batches
		}
	}
	return append(batches, b)
}
