package logstore_test

import (
	"fmt"
	"testing"

	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/protocol"
)

// The map knows the newest offset of every key it took, in every size it grows
// through.
func TestOffsetMap(t *testing.T) {
	m := logstore.NewOffsetMap(8<<20, 0.9)
	const keys = 100_000
	for round := range 2 {
		for i := range keys {
			if !m.Put(fmt.Appendf(nil, "key %d", i), protocol.Offset(round*keys+i)) {
				t.Fatalf("no room for key %d of %d", i, keys)
			}
		}
	}
	if m.Len() != keys {
		t.Errorf("%d keys", m.Len())
	}
	for i := range keys {
		if got := m.Get(fmt.Appendf(nil, "key %d", i)); got != protocol.Offset(keys+i) {
			t.Fatalf("key %d is at %d", i, got)
		}
	}
	if m.Get([]byte("other")) != -1 || m.Get(nil) != -1 {
		t.Error("it knows keys that nobody put")
	}
}

// A full map refuses new keys and takes known ones; it has room for one key always.
func TestOffsetMapIsBounded(t *testing.T) {
	for _, bytes := range []int64{0, 48, 1000, 24 * 1000, 1 << 20} {
		m := logstore.NewOffsetMap(bytes, 0.9)
		n := 0
		for m.Put(fmt.Appendf(nil, "%d", n), protocol.Offset(n)) {
			n++
		}
		if n < 1 || int64(n)*24 > max(bytes, 48) {
			t.Errorf("%d keys in %d bytes", n, bytes)
		}
		if bytes >= 1000 && int64(n)*24 < bytes/2 {
			t.Errorf("only %d keys in %d bytes", n, bytes)
		}
		if !m.Put([]byte("0"), 77) || m.Get([]byte("0")) != 77 {
			t.Error("a known key was refused")
		}
	}
}
