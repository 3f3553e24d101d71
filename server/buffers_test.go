package server

import "testing"

func TestBuffersAreAsLargeAsAskedFor(t *testing.T) {
	for _, n := range []int{1, 4095, 4096, 4097, 70_000, 1 << 20, 16 << 20, 16<<20 + 1} {
		// One that grew, and one that is cut, come back as what they are enough for.
		lend(make([]byte, 0, n+100))
		lend(make([]byte, n)[:n/2])
		for range 3 {
			if got := len(borrow(n)); got < n || n <= bufferBytesMax && got >= 2*max(n, bufferBytesMin) {
				t.Errorf("asked for %d, got %d", n, got)
			}
		}
	}
}
