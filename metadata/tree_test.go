package metadata

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// check verifies what node promises, and counts the entries.
func (n *node[V]) check(t *testing.T, low, high string) int {
	t.Helper()
	if len(n.keys) == 0 || len(n.keys) > treeFanout || !slices.IsSorted(n.keys) {
		t.Fatalf("a node has the keys %q", n.keys)
	}
	if n.children == nil {
		if len(n.values) != len(n.keys) || n.keys[0] < low || high != "" && n.keys[len(n.keys)-1] >= high {
			t.Fatalf("a leaf between %q and %q has the keys %q", low, high, n.keys)
		}
		return len(n.keys)
	}
	count := 0
	for i, child := range n.children {
		end := high
		if i+1 < len(n.keys) {
			end = n.keys[i+1]
		}
		count += child.check(t, n.keys[i], end)
	}
	return count
}

// A tree does what a map does, and trees that were handed out do not change.
func TestTreeAgainstMap(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	type version struct {
		tree tree[int]
		want map[string]int
	}
	var versions []version
	var current tree[int]
	model := make(map[string]int)
	for round := range 300 {
		o := &owner{}
		for range 1 + random.IntN(100) {
			key := fmt.Sprintf("k%d", random.IntN(3000))
			if random.IntN(3) > 0 != (round > 200) { // mostly grow, at the end shrink
				model[key] = round
				current = current.set(o, key, round)
			} else {
				delete(model, key)
				current = current.remove(o, key)
			}
		}
		versions = append(versions, version{current, maps.Clone(model)})
	}
	for _, v := range versions {
		got := make(map[string]int)
		var keys []string
		for k, value := range v.tree.from("") {
			got[k], keys = value, append(keys, k)
		}
		if !maps.Equal(got, v.want) || v.tree.size != len(v.want) || !slices.IsSorted(keys) {
			t.Fatalf("a tree of %d entries should have %d", len(got), len(v.want))
		}
		if v.tree.root != nil && v.tree.root.check(t, "", "") != v.tree.size {
			t.Fatal("a tree miscounts its entries")
		}
	}
	final := versions[len(versions)-1]
	sorted := slices.Sorted(maps.Keys(final.want))
	for i := range 3000 {
		key := fmt.Sprintf("k%d", i)
		value, ok := final.tree.getBytes([]byte(key))
		if want, wantOK := final.want[key]; value != want || ok != wantOK {
			t.Fatalf("%s: got %d %v, want %d %v", key, value, ok, want, wantOK)
		}
		at, _ := slices.BinarySearch(sorted, key)
		for k := range final.tree.from(key) {
			if k != sorted[at] {
				t.Fatalf("from %s begins at %s, not %s", key, k, sorted[at])
			}
			break
		}
	}
}

func TestTreeWithPrefix(t *testing.T) {
	var tr tree[int]
	for i, k := range []string{"a1", "a2", "b", "b1", "c"} {
		tr = tr.set(&owner{}, k, i)
	}
	for prefix, want := range map[string][]string{"a": {"a1", "a2"}, "b": {"b", "b1"}, "d": nil, "": {"a1", "a2", "b", "b1", "c"}} {
		var got []string
		for k := range tr.withPrefix(prefix) {
			got = append(got, k)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", prefix, got, want)
		}
	}
}

func TestTreeLookupDoesNotAllocate(t *testing.T) {
	var tr tree[int]
	o := &owner{}
	for i := range 1000 {
		tr = tr.set(o, fmt.Sprintf("a-name-that-is-longer-than-thirty-two-bytes-%d", i), i)
	}
	key := []byte("a-name-that-is-longer-than-thirty-two-bytes-567")
	if n := testing.AllocsPerRun(100, func() {
		if _, ok := tr.getBytes(key); !ok {
			t.Fatal("not found")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
