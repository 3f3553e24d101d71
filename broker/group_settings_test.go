package broker

import (
	"testing"
	"time"
)

// Offsets of a group without members are kept for offsets.retention.minutes, and
// go at the next check.
func TestOffsetsExpire(t *testing.T) {
	w := newSettingsWorld(t, "offsets.retention.minutes=30", "offsets.retention.check.interval.ms=60000")
	w.topic()
	w.client.commit("g", "t", 5)
	expect := func(want int64) {
		t.Helper()
		if offset, code := w.client.committed("g", "t"); offset != want || code != 0 {
			t.Errorf("the offset is %d, error %d, want %d", offset, code, want)
		}
	}
	w.clock.Advance(30*time.Minute - time.Second)
	expect(5)
	w.clock.Advance(time.Second + time.Minute)
	expect(-1)
}
