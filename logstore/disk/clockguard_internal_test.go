package disk

import (
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/protocol"
)

// The guard sees a jump, waits until it has held or is taken back, and lets time
// that simply passes, and a clock that goes back, alone.
func TestClockGuard(t *testing.T) {
	const hour, year = time.Hour, 365 * 24 * time.Hour
	type look struct {
		monotonic, jump time.Duration // since the look before
		want            clockVerdict
	}
	for name, looks := range map[string][]look{
		"time passes":                   {{0, 0, clockFine}, {5 * time.Minute, 0, clockFine}, {90 * 24 * hour, 0, clockFine}},
		"small corrections":             {{0, 0, clockFine}, {time.Minute, 50 * time.Minute, clockFine}, {time.Minute, -50 * time.Minute, clockFine}},
		"a jump that holds":             {{0, 0, clockFine}, {time.Minute, 10 * year, clockJumped}, {59 * time.Minute, 0, clockDoubted}, {time.Minute, 0, clockConfirmed}, {time.Minute, 0, clockFine}},
		"a jump taken back":             {{0, 0, clockFine}, {time.Minute, 10 * year, clockJumped}, {time.Minute, 0, clockDoubted}, {time.Minute, -10 * year, clockReturned}, {time.Minute, 0, clockFine}},
		"a jump upon a jump":            {{0, 0, clockFine}, {time.Minute, year, clockJumped}, {50 * time.Minute, year, clockJumped}, {50 * time.Minute, 0, clockDoubted}, {10 * time.Minute, 0, clockConfirmed}},
		"half of it taken back":         {{0, 0, clockFine}, {time.Minute, 2 * year, clockJumped}, {time.Minute, -year, clockJumped}, {hour, 0, clockConfirmed}},
		"back, and forth again":         {{0, 0, clockFine}, {time.Minute, -year, clockFine}, {time.Minute, year, clockJumped}},
		"rare looks":                    {{0, 0, clockFine}, {30 * hour, 0, clockFine}, {30 * hour, year, clockJumped}, {30 * hour, 0, clockConfirmed}},
		"far beyond what time can hold": {{0, 0, clockFine}, {0, 1<<63 - 1, clockJumped}},
	} {
		t.Run(name, func(t *testing.T) {
			var guard clockGuard
			now := clockReading{wall: 1_795_348_800_000}
			for i, l := range looks {
				now.monotonic += l.monotonic
				now.wall += protocol.Timestamp((l.monotonic + l.jump) / time.Millisecond)
				if got := guard.look(now); got != l.want {
					t.Fatalf("look %d: %d, want %d", i, got, l.want)
				}
			}
		})
	}
}
