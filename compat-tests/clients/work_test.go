package clients

import (
	"strings"
	"testing"
)

// The ledger of workers must see what it is for, and forgive what is allowed.
func TestWorkSeesWhatIsWrong(t *testing.T) {
	tests := []struct {
		name string
		do   func(w *work, a, b *member)
		want string // part of the first finding; empty: none
	}{
		{"goes on at the commit", func(w *work, a, b *member) { move(w, a, b); w.read(b, 0, 2) }, ""},
		{"reads again what was not committed", func(w *work, a, b *member) { w.read(a, 0, 2); move(w, a, b); w.read(b, 0, 2) }, ""},
		{"goes on at a commit not heard of", func(w *work, a, b *member) { w.read(a, 0, 2); move(w, a, b); w.read(b, 0, 3) }, ""},
		{"reads again what was committed", func(w *work, a, b *member) { move(w, a, b); w.read(b, 0, 1) }, "was committed up to 2"},
		{"skips at the take-over", func(w *work, a, b *member) { move(w, a, b); w.read(b, 0, 3) }, "was read up to 2"},
		{"skips on the way", func(w *work, a, _ *member) { w.read(a, 0, 3) }, "where 2 follows"},
		{"goes back on the way", func(w *work, a, _ *member) { w.read(a, 0, 1) }, "where 2 follows"},
		{"reads what it lost", func(w *work, a, b *member) { move(w, a, b); w.read(a, 0, 2) }, "does not own"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWork(1)
			a, b := &member{name: "a", next: map[int32]int64{}}, &member{name: "b", next: map[int32]int64{}}
			own(w, a, 0)
			w.read(a, 0, 0)
			w.read(a, 0, 1)
			w.committed(map[int32]int64{0: 2})
			test.do(w, a, b)
			if test.want == "" && len(w.wrong) > 0 || test.want != "" && (len(w.wrong) != 1 || !strings.Contains(w.wrong[0], test.want)) {
				t.Errorf("found %q, want %q", w.wrong, test.want)
			}
		})
	}
}

func own(w *work, m *member, partitions ...int32) {
	w.assigned(m, partitions)
	m.owned = partitions
}

func move(w *work, from, to *member) {
	own(w, from)
	own(w, to, 0)
}

// A record that nobody read holds the end of what is whole back.
func TestWorkSeesAMissingRecord(t *testing.T) {
	w := newWork(1)
	a := &member{name: "a", next: map[int32]int64{}}
	own(w, a, 0)
	w.read(a, 0, 0)
	w.read(a, 0, 2)
	if w.readUpTo([]int64{3}) || !w.readUpTo([]int64{1}) {
		t.Error("offset 1 was not read")
	}
	own(w, a)
	own(w, a, 0)
	w.read(a, 0, 1)
	if !w.readUpTo([]int64{3}) {
		t.Error("all was read")
	}
}
