package partition

import (
	"math/rand"
	"slices"
	"testing"
)

// Readers hold lists of any age: whatever is added and taken away, in whatever
// order, a list that was published stays as it was.
func TestListsOfPartitionsDoNotChange(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	type published struct{ list, copied []*Partition }
	var all []published
	var list []*Partition
	want := map[int]*Partition{}
	for range 2_000 {
		index := random.Intn(12)
		p := want[index]
		if p == nil {
			p = new(Partition)
			want[index] = p
		} else {
			p = nil
			delete(want, index)
		}
		list = withPartition(list, index, p)
		all = append(all, published{list, slices.Clone(list)})
		for i := range 12 {
			var got *Partition
			if i < len(list) {
				got = list[i]
			}
			if got != want[i] {
				t.Fatalf("place %d of %d holds %p, want %p", i, len(list), got, want[i])
			}
		}
		if len(want) == 0 && len(list) > 0 || len(list) > 0 && list[len(list)-1] == nil {
			t.Fatalf("a list of %d places for %d partitions ends with nothing", len(list), len(want))
		}
	}
	for i, p := range all {
		if !slices.Equal(p.list, p.copied) {
			t.Fatalf("the list published as number %d has changed", i)
		}
	}
}
