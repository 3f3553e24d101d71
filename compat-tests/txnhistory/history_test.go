package txnhistory

import (
	"strings"
	"testing"
	"time"
)

// told is a history of four transactions as it should be: producer 0 commits one
// over two partitions, aborts one, and commits another; the outcome of producer
// 1's is unknown. Markers have the offsets that no value has.
type told struct {
	*History
	a0, b0, no, a1, u0, u1 Value
	clock                  time.Time
}

var (
	first, aborted, second, unknown = ID{0, 0}, ID{0, 1}, ID{0, 2}, ID{1, 0}
)

func tell() *told {
	t := &told{clock: time.Unix(0, 0)}
	t.History = New(func() time.Time { t.clock = t.clock.Add(time.Second); return t.clock })
	t.Begin(first)
	t.a0, t.b0 = t.Send(first, 0), t.Send(first, 1)
	t.Acked(t.a0, 0)
	t.Acked(t.b0, 0)
	t.Ending(first)
	t.Ended(first, Committed)
	t.Begin(aborted)
	t.no = t.Send(aborted, 0)
	t.Acked(t.no, 2)
	t.Ended(aborted, Aborted)
	t.Begin(second)
	t.a1 = t.Send(second, 0)
	t.Acked(t.a1, 4)
	t.Ending(second)
	t.Ended(second, Committed)
	t.Begin(unknown)
	t.u0, t.u1 = t.Send(unknown, 0), t.Send(unknown, 1)
	t.Ending(unknown)
	return t
}

func (t *told) committed(partition int32, offset int64, values ...Value) {
	t.both(partition, offset, ReadCommitted, values)
}

// both finds values from an offset on, two apart.
func (t *told) both(partition int32, offset int64, isolation Isolation, values []Value) {
	for i, v := range values {
		t.Final(isolation, partition, Entry{v.String(), offset + 2*int64(i)})
	}
}

// good is what the last readers find when nothing is wrong.
func (t *told) good() {
	t.committed(0, 0, t.a0)
	t.committed(0, 4, t.a1)
	t.committed(1, 0, t.b0)
}

// The checker names each kind of broken promise, and is silent of the others.
func TestCheckFindsBrokenPromises(t *testing.T) {
	tests := []struct {
		name   string
		happen func(t *told)
		want   []string
	}{
		{"all kept", (*told).good, nil},
		{"all kept, and seen", func(t *told) {
			t.good()
			t.Seen("r", nil, 0, Entry{t.a0.String(), 0})
			t.Seen("r", &second, 0, Entry{t.a1.String(), 4})
			t.both(0, 0, ReadUncommitted, []Value{t.a0, t.no, t.a1})
		}, nil},
		{"the unknown is there", func(t *told) { t.good(); t.committed(0, 6, t.u0); t.committed(1, 2, t.u1) }, nil},
		{"the unknown is torn", func(t *told) { t.good(); t.committed(1, 2, t.u1) }, []string{"torn: of transaction {1 0}"}},
		{"the committed is torn", func(t *told) { t.committed(0, 0, t.a0); t.committed(0, 4, t.a1) }, []string{"torn: of transaction {0 0}"}},
		{"lost", func(t *told) { t.committed(0, 0, t.a0); t.committed(1, 0, t.b0) }, []string{"lost: all 1 values of transaction {0 2}"}},
		{"aborted for the last reader", func(t *told) { t.committed(0, 0, t.a0, t.no, t.a1); t.committed(1, 0, t.b0) }, []string{"aborted: the last reader"}},
		{"aborted for a live reader", func(t *told) { t.good(); t.Seen("r", nil, 0, Entry{t.no.String(), 2}) }, []string{"aborted: r found"}},
		{"doubled", func(t *told) { t.good(); t.committed(0, 6, t.a1) }, []string{"doubled: 0.2/0/2"}},
		{"doubled and aborted", func(t *told) {
			t.good()
			t.both(0, 2, ReadUncommitted, []Value{t.no})
			t.both(0, 8, ReadUncommitted, []Value{t.no})
		},
			[]string{"doubled: 0.1/0/1"}},
		{"moved", func(t *told) { t.committed(0, 0, t.a0); t.committed(0, 5, t.a1); t.committed(1, 0, t.b0) }, []string{"moved: 0.2/0/2"}},
		{"changed", func(t *told) { t.good(); t.Seen("r", nil, 0, Entry{t.a1.String(), 0}) }, []string{"changed: partition 0, offset 0"}},
		{"changed for the uncommitted", func(t *told) { t.good(); t.both(1, 0, ReadUncommitted, []Value{t.u1}) }, []string{"changed: partition 1, offset 0"}},
		{"reordered", func(t *told) { t.good(); t.both(0, 4, ReadUncommitted, []Value{t.a1, t.no}) },
			[]string{"reordered: 0.1/0/1", "moved: 0.1/0/1"}},
		{"backwards", func(t *told) {
			t.good()
			t.Seen("r", nil, 0, Entry{t.a1.String(), 4})
			t.Seen("r", nil, 0, Entry{t.a0.String(), 0})
		}, []string{"backwards: r in partition 0"}},
		{"begun anew", func(t *told) {
			t.good()
			t.Seen("r", nil, 0, Entry{t.a1.String(), 4})
			t.Seen("r again", nil, 0, Entry{t.a0.String(), 0})
		}, nil},
		{"vanished", func(t *told) { t.good(); t.Seen("r", nil, 1, Entry{t.u1.String(), 2}) }, []string{"vanished: r found 1.0/1/0"}},
		{"foreign", func(t *told) { t.good(); t.committed(1, 2, Value{ID{7, 0}, 1, 0}) }, []string{"foreign"}},
		{"in another partition", func(t *told) { t.good(); t.committed(1, 2, t.u0) }, []string{"foreign", "torn"}},
		{"damaged", func(t *told) { t.good(); t.Final(ReadCommitted, 1, Entry{"0.0/1/0x", 2}) }, []string{"foreign"}},
		{"early", func(t *told) {
			late := ID{2, 0}
			t.good()
			t.Begin(late)
			v := t.Send(late, 1)
			t.Seen("r", nil, 1, Entry{v.String(), 2})
			t.Ending(late)
			t.Ended(late, Committed)
			t.committed(1, 2, v)
		}, []string{"early: r found 2.0/1/0"}},
		{"a circle", func(t *told) {
			t.good()
			t.Seen("r", &first, 0, Entry{t.a1.String(), 4})
			t.Seen("s", &second, 0, Entry{t.a0.String(), 0})
		}, []string{"cycle: among the transactions [{0 0} {0 2}]"}},
		{"its own", func(t *told) { t.good(); t.Seen("r", &first, 0, Entry{t.a0.String(), 0}) }, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := tell()
			test.happen(h)
			got := h.Check()
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

// Values are told from others by every byte of their text.
func TestValuesAreTheirText(t *testing.T) {
	v := Value{ID{3, 14}, 1, 59}
	if got, ok := ParseValue(v.String()); !ok || got != v {
		t.Errorf("%v, %t", got, ok)
	}
	for _, text := range []string{"", "3.14/1", "3.14/1/59 ", "03.14/1/59", "3.14/1/59/2", "nothing"} {
		if v, ok := ParseValue(text); ok {
			t.Errorf("%q is %v", text, v)
		}
	}
}
