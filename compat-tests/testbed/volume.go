package testbed

import "testing"

// NeedVolume mounts a volume. Where it cannot be mounted the test is skipped, naming the
// reason, or fails in CI.
func NeedVolume(t *testing.T, mebibytes int) *Volume {
	t.Helper()
	v, err := MountVolume(t, mebibytes)
	if err != nil && InCI() {
		t.Fatal(err)
	}
	if err != nil {
		t.Skip(err)
	}
	return v
}
