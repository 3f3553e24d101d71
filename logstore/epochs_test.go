package logstore_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/protocol"
)

func epochs(t *testing.T) *logstore.Epochs {
	t.Helper()
	var e logstore.Epochs
	for _, s := range []logstore.EpochStart{{Epoch: 2, Start: 0}, {Epoch: 4, Start: 10}, {Epoch: 5, Start: 30}} {
		if !e.Assign(s.Epoch, s.Start) {
			t.Fatalf("%v was no news", s)
		}
	}
	return &e
}

// The answers to OffsetForLeaderEpoch, of a log that ends at 50.
func TestEndOfEpoch(t *testing.T) {
	for _, test := range []struct {
		epoch, want protocol.Epoch
		end         protocol.Offset
	}{
		{-1, -1, -1}, {0, 0, 0}, {2, 2, 10}, {3, 2, 10}, {4, 4, 30}, {5, 5, 50}, {6, -1, -1},
	} {
		got, end := epochs(t).EndOf(test.epoch, 50)
		if got != test.want || end != test.end {
			t.Errorf("epoch %d: %d ends at %d, want %d at %d", test.epoch, got, end, test.want, test.end)
		}
	}
	for offset, want := range map[protocol.Offset]protocol.Epoch{-1: -1, 0: 2, 9: 2, 10: 4, 29: 4, 30: 5, 99: 5} {
		if got := epochs(t).Of(offset); got != want {
			t.Errorf("offset %d: epoch %d, want %d", offset, got, want)
		}
	}
}

func TestEpochsShrink(t *testing.T) {
	e := epochs(t)
	if e.Assign(5, 40) || e.Assign(3, 40) {
		t.Error("an epoch that is not newer was news")
	}
	if e.DropBefore(0) {
		t.Error("nothing lies below the start")
	}
	if !e.DropBefore(12) || !e.TruncateTo(30) || e.TruncateTo(30) {
		t.Error("wrong word on change")
	}
	if diff := cmp.Diff([]logstore.EpochStart{{Epoch: 4, Start: 12}}, e.All()); diff != "" {
		t.Error(diff)
	}
	// An epoch without a record gives way to the next.
	e.Assign(6, 20)
	e.Assign(7, 20)
	if diff := cmp.Diff([]logstore.EpochStart{{Epoch: 4, Start: 12}, {Epoch: 7, Start: 20}}, e.All()); diff != "" {
		t.Error(diff)
	}
	if _, ok := logstore.NewEpochs([]logstore.EpochStart{{Epoch: 1, Start: 5}, {Epoch: 1, Start: 6}}); ok {
		t.Error("epochs that do not rise were taken")
	}
}
