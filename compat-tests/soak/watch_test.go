package soak

import (
	"strings"
	"testing"
)

// group is a watched group of one partition with two members, in a story.
type group struct {
	*watch
	a, b *holder
}

func newGroup() group {
	w := newWatch(1)
	return group{w, w.begins("a"), w.begins("b")}
}

// reads has a member read from an offset up to an end.
func (g group) reads(h *holder, from, end int64) {
	for offset := from; offset < end; offset++ {
		g.read(h, 0, offset)
	}
}

var zero = []int32{0}

// The watch names each kind of broken promise, and is silent of what is allowed.
func TestTheWatchFindsBrokenPromises(t *testing.T) {
	tests := []struct {
		name   string
		happen func(g group)
		want   []string
	}{
		{"all read by one", func(g group) { g.assigned(g.a, zero); g.reads(g.a, 0, 10); g.committed(0, 10); g.told(0, 10, 10) }, nil},
		{"handed over in order", func(g group) {
			g.assigned(g.a, zero)
			g.reads(g.a, 0, 5)
			g.committed(0, 5)
			g.revoked(g.a, zero)
			g.assigned(g.b, zero)
			g.reads(g.b, 5, 10)
		}, nil},
		{"read again from the commit", func(g group) {
			g.assigned(g.a, zero)
			g.reads(g.a, 0, 7)
			g.committed(0, 3)
			g.vanished(g.a)
			g.assigned(g.b, zero)
			g.reads(g.b, 3, 10)
		}, nil},
		{"given away over the head of one that was put out", func(g group) {
			g.assigned(g.a, zero)
			g.reads(g.a, 0, 10)
			g.assigned(g.b, zero)
			g.lost(g.a, zero)
		}, nil},
		{"two owners", func(g group) {
			g.assigned(g.a, zero)
			g.reads(g.a, 0, 10)
			g.assigned(g.b, zero)
			g.revoked(g.a, zero)
		}, []string{"two owners: b was given partition 0"}},
		{"reads what was committed", func(g group) {
			g.assigned(g.a, zero)
			g.reads(g.a, 0, 10)
			g.committed(0, 10)
			g.revoked(g.a, zero)
			g.assigned(g.b, zero)
			g.reads(g.b, 9, 10)
		}, []string{"back: b takes partition 0 over at offset 9"}},
		{"skips at the take-over", func(g group) {
			g.assigned(g.a, zero)
			g.reads(g.a, 0, 5)
			g.revoked(g.a, zero)
			g.assigned(g.b, zero)
			g.reads(g.b, 6, 10)
		}, []string{"lost: b takes partition 0 over at offset 6", "lost: offset 5 of partition 0 was never read"}},
		{"skips", func(g group) {
			g.assigned(g.a, zero)
			g.reads(g.a, 0, 5)
			g.reads(g.a, 6, 10)
		}, []string{"reordered: a reads offset 6", "lost: offset 5"}},
		{"reads on what it gave up", func(g group) {
			g.assigned(g.a, zero)
			g.reads(g.a, 0, 10)
			g.revoked(g.a, zero)
			g.read(g.a, 0, 10)
		}, []string{"not its own: a reads offset 10"}},
		{"the broker forgot a commit", func(g group) {
			g.assigned(g.a, zero)
			g.reads(g.a, 0, 10)
			g.told(0, 10, -1)
		}, []string{"back: partition 0 was committed up to 10, the broker tells -1"}},
		{"the broker went back", func(g group) {
			g.assigned(g.a, zero)
			g.reads(g.a, 0, 10)
			g.told(0, 0, 7)
			g.told(0, 0, 6)
		}, []string{"back: partition 0 was committed up to 7, the broker tells 6"}},
		{"never read", func(g group) { g.assigned(g.a, zero); g.reads(g.a, 0, 9) }, []string{"lost: offset 9 of partition 0"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			g := newGroup()
			test.happen(g)
			got := g.check([]int64{10})
			if len(got) != len(test.want) {
				t.Fatalf("got %q, want %q", got, test.want)
			}
			for i := range got {
				if !strings.Contains(got[i], test.want[i]) {
					t.Errorf("got %q, want %q", got[i], test.want[i])
				}
			}
		})
	}
}
