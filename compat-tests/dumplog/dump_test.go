package dumplog

import "testing"

// Of what the tool complains about, only the beginning of a file is its own
// mistake, and gaps are right after compaction.
func TestComplaints(t *testing.T) {
	const file = "Non-consecutive offsets in /data/a-0/00000000000000000992.log\n"
	tests := []struct {
		name, stderr string
		gapsAllowed  bool
		want         int
	}{
		{"nothing", "", false, 0},
		{"the first offset of a file", file + "  -1 is followed by 992\n", false, 0},
		{"a file that begins late", file + "  -1 is followed by 993\n", false, 1},
		{"a gap", file + "  -1 is followed by 992\n  995 is followed by 997\n", false, 1},
		{"a gap after compaction", file + "  995 is followed by 997\n", true, 0},
		{"anything else", "Mismatches in :/data/a-0/0.index\n", true, 1},
	}
	for _, test := range tests {
		if got := complaintsOf(test.stderr, test.gapsAllowed); len(got) != test.want {
			t.Errorf("%s: %q, want %d", test.name, got, test.want)
		}
	}
}
