package world

import "testing"

// A check that cannot fail would tell nothing.
func TestAtLeastOnceTellsFaults(t *testing.T) {
	want := []string{"a", "b", "c"}
	for _, good := range [][]string{{"a", "b", "c"}, {"a", "b", "a", "b", "c"}, {"a", "b", "b", "c", "c"}, {"a", "b", "c", "b", "c"}} {
		if fault := AtLeastOnce(good, want); fault != "" {
			t.Errorf("%v: %s", good, fault)
		}
	}
	for _, bad := range [][]string{nil, {"a", "c"}, {"b", "c"}, {"a", "b"}, {"a", "b", "c", "a"}, {"a", "b", "x", "c"}, {"a", "b", "a", "c"}} {
		if AtLeastOnce(bad, want) == "" {
			t.Errorf("%v is taken to be good", bad)
		}
	}
}
