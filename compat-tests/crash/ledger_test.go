package crash

import (
	"strings"
	"testing"
)

// The checker sees each kind of broken promise, and only those.
func TestLedgerFindsBrokenPromises(t *testing.T) {
	tests := []struct {
		name  string
		acked map[int]int64
		read  []entry
		want  []string
	}{
		{"all kept", map[int]int64{0: 0, 1: 1, 2: 2}, []entry{{0, 0}, {1, 1}, {2, 2}}, nil},
		{"unknown outcome is there", map[int]int64{0: 0}, []entry{{0, 0}, {1, 1}}, nil},
		{"unknown outcome is not there", map[int]int64{0: 0}, []entry{{0, 0}}, nil},
		{"lost", map[int]int64{0: 0, 1: 1}, []entry{{0, 0}}, []string{"lost: value 1"}},
		{"doubled", map[int]int64{0: 0, 1: 1}, []entry{{0, 0}, {1, 1}, {1, 2}}, []string{"doubled: value 1"}},
		{"reordered", map[int]int64{0: 1, 1: 0}, []entry{{1, 0}, {0, 1}}, []string{"reordered: value 0"}},
		{"foreign", map[int]int64{}, []entry{{7, 0}}, []string{"foreign: value 7"}},
		{"moved", map[int]int64{0: 5}, []entry{{0, 0}}, []string{"moved: value 0"}},
		{"gap", map[int]int64{0: 0}, []entry{{0, 0}, {1, 2}}, []string{"gap: offset 2"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := NewLedger(1)
			for range 3 {
				l.Send(0)
			}
			for value, offset := range test.acked {
				l.Acked(0, value, offset)
			}
			for _, e := range test.read {
				l.Read(0, e.value, e.offset)
			}
			wantFindings(t, l.Check(), test.want)
		})
	}
}

// The checker sees what only a reader that was there all the time can know.
func TestLedgerFindsWhatReadersSawBroken(t *testing.T) {
	tests := []struct {
		name string
		see  func(l *Ledger)
		want []string
	}{
		{"all kept", func(l *Ledger) { l.Seen(0, 0, 0); l.Seen(0, 0, 0); l.Marks(0, 0, 1, 1); l.Marks(0, 0, 1, 2) }, nil},
		{"vanished", func(l *Ledger) { l.Seen(0, 1, 1) }, []string{"vanished: value 1"}},
		{"changed for readers", func(l *Ledger) { l.Seen(0, 1, 0); l.Seen(0, 0, 0) }, []string{"changed: offset 0"}},
		{"changed at the end", func(l *Ledger) { l.Seen(0, 1, 0) }, []string{"changed: offset 0"}},
		{"high watermark fell", func(l *Ledger) { l.Marks(0, 0, 1, 2); l.Marks(0, 0, 1, 1) }, []string{"went back"}},
		{"stable above high", func(l *Ledger) { l.Marks(0, 0, 2, 1) }, []string{"crossed"}},
		{"denied", func(l *Ledger) { l.Fault(0, "gone: reader at 5") }, []string{"gone: reader at 5"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := NewLedger(1)
			l.Send(0)
			l.Send(0)
			l.Acked(0, 0, 0)
			l.Read(0, 0, 0)
			test.see(l)
			wantFindings(t, l.Check(), test.want)
		})
	}
}

// wantFindings compares findings with what each of them has to say.
func wantFindings(t *testing.T, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %q, want %q", got, want)
	}
	for i := range got {
		if !strings.Contains(got[i], want[i]) {
			t.Errorf("got %q, want %q", got[i], want[i])
		}
	}
}
