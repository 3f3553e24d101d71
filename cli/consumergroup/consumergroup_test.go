package consumergroup

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
)

// A step never leads to where there can be no record.
func TestStepWithin(t *testing.T) {
	for asked, want := range map[int64]int64{-3: 2, 2: 2, 4: 4, 7: 7, 9: 7} {
		if got := (Step{Asked: asked, Bound: Bound{2, 7}}).within().To; got != want {
			t.Errorf("%d leads to %d, want %d", asked, got, want)
		}
	}
}

// Members with the most partitions come first, and last what was committed and nobody has.
func TestReads(t *testing.T) {
	a, b, c, d := Partition{"a", 0}, Partition{"a", 1}, Partition{"b", 0}, Partition{"c", 0}
	group := Group{Members: []Member{{ID: "idle"}, {ID: "one", Assigned: []Partition{c}}, {ID: "two", Assigned: []Partition{b, a}}}}
	var got []string
	for _, read := range group.reads(map[Partition]kadm.Offset{a: {At: 5}, d: {At: 6}}) {
		word := read.Topic + string(rune('0'+read.Number))
		if read.Member != nil {
			word += " " + read.Member.ID
		}
		if read.Committed != nil {
			word += " committed"
		}
		got = append(got, word)
	}
	if diff := cmp.Diff([]string{"a0 two committed", "a1 two", "b0 one", "c0 committed"}, got); diff != "" {
		t.Error(diff)
	}
}

// A lag is known where both ends of it are.
func TestLag(t *testing.T) {
	end := int64(9)
	if lag, known := (Read{Committed: &kadm.Offset{At: 4}, End: &end}).Lag(); lag != 5 || !known {
		t.Errorf("%d, %t", lag, known)
	}
	for _, read := range []Read{{End: &end}, {Committed: &kadm.Offset{}}} {
		if _, known := read.Lag(); known {
			t.Errorf("the lag of %+v is known", read)
		}
	}
}
