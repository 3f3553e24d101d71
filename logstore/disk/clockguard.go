package disk

import (
	"context"
	"fmt"
	"log/slog"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/protocol"
)

// clockGuard keeps a wall clock that jumps from deleting everything: a machine that
// comes up in 2036 finds every record too old. It compares wall time with monotonic
// time at each round of retention. When the wall clock has run ahead by more than
// clockJumpMax, it is not believed, and nothing goes for its age, until
//
//   - it is back where it would be without the jump, or
//   - it has kept its new course for clockConfirm: somebody had the time to notice.
//
// The last time that was believed is kept in clockFile, so that a restart neither
// believes a jump that was under watch nor one that came while the broker was down.
// Downtime looks the same, so that after more than clockJumpMax of it retention by
// age begins that much later. A clock that goes back deletes nothing and is believed.
//
// It is pure; the Store guards it.
type clockGuard struct {
	known   bool
	trusted clockReading // the last one that was believed
	jump    clockReading // where the course began that is not believed yet
	// doubting is what look said last.
	doubting bool
}

type clockReading struct {
	wall      protocol.Timestamp
	monotonic time.Duration
}

const (
	// clockJumpMax is far above what time daemons correct and below the shortest
	// retention that anybody counts on.
	clockJumpMax = time.Hour
	clockConfirm = time.Hour
)

// ahead is how much further the wall clock has moved since before than the monotonic one.
func (r clockReading) ahead(before clockReading) time.Duration {
	// A century is far beyond what matters and within what a Duration can hold.
	const century = 100 * 365 * 24 * time.Hour
	moved := min(max(int64(r.wall-before.wall), -century.Milliseconds()), century.Milliseconds())
	return time.Duration(moved)*time.Millisecond - (r.monotonic - before.monotonic)
}

// clockVerdict is what a look at the clock says.
type clockVerdict uint8

const (
	clockFine      clockVerdict = iota
	clockJumped                 // just now; not believed from here on
	clockDoubted                // still not believed
	clockConfirmed              // the new course has held; believed again
	clockReturned               // the jump was taken back; believed again
)

func (v clockVerdict) believed() bool { return v != clockJumped && v != clockDoubted }

func (g *clockGuard) look(now clockReading) clockVerdict {
	if !g.known || now.ahead(g.trusted) <= clockJumpMax {
		verdict := clockFine
		if g.doubting {
			verdict = clockReturned
		}
		g.known, g.doubting, g.trusted = true, false, now
		return verdict
	}
	if !g.doubting || now.ahead(g.jump).Abs() > clockJumpMax {
		g.doubting, g.jump = true, now
		return clockJumped
	}
	if now.monotonic-g.jump.monotonic < clockConfirm {
		return clockDoubted
	}
	g.doubting, g.trusted = false, now
	return clockConfirmed
}

// clockFile holds the last wall time that retention believed, in milliseconds. It
// is a plain file with a name of ours, which Kafka passes over.
const clockFile = "barnabas-clock"

// readClock begins with what the last run believed; without it, or when it cannot
// be understood, the clock is believed.
func (s *Store) readClock() {
	text, err := vfs.ReadFile(s.opts.FS, path.Join(s.opts.Dir, clockFile), 64)
	if err != nil {
		return
	}
	wall, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err == nil && wall > 0 {
		s.clock.known, s.clockOfLastRun = true, true
		s.clock.trusted = clockReading{protocol.Timestamp(wall), s.opts.Clock.Monotonic()}
	}
}

// lookAtClock tells whether wall time may decide what is too old.
func (s *Store) lookAtClock(now protocol.Timestamp) bool {
	s.clockMu.Lock()
	defer s.clockMu.Unlock()
	reading, expected := clockReading{now, s.opts.Clock.Monotonic()}, s.clock.trusted
	verdict := s.clock.look(reading)
	s.tellOfClock(verdict, reading.ahead(expected))
	if !verdict.believed() {
		return false
	}
	// Without room for it, the next round writes it.
	_ = vfs.ReplaceFile(s.opts.FS, path.Join(s.opts.Dir, clockFile), fmt.Appendf(nil, "%d\n", now), s.opts.Durability == Sync)
	return true
}

// downtimeUsual is how long a broker may be down without anybody being told that
// retention by age waits for it: a laptop over the weekend.
const downtimeUsual = 7 * 24 * time.Hour

func (s *Store) tellOfClock(verdict clockVerdict, ahead time.Duration) {
	level := slog.LevelWarn
	if s.clockOfLastRun && ahead < downtimeUsual {
		level = slog.LevelInfo
	}
	switch verdict {
	case clockJumped:
		s.opts.Logger.Log(context.Background(), level, "the clock is ahead of where it was expected: it jumped, or the broker was down; nothing is deleted for its age until it has held",
			"ahead", ahead.Truncate(time.Second), "for", clockConfirm)
	case clockConfirmed, clockReturned:
		s.opts.Logger.Log(context.Background(), level, "the clock has held or is back; retention by age goes on")
	}
	if verdict.believed() {
		s.clockOfLastRun = false
	}
}

// believedNow is the wall clock as far as it is believed: compaction drops tombstones
// and markers for their age.
func (s *Store) believedNow() protocol.Timestamp {
	s.clockMu.Lock()
	defer s.clockMu.Unlock()
	reading, trusted := clockReading{s.now(), s.opts.Clock.Monotonic()}, s.clock.trusted
	if !s.clock.known || reading.ahead(trusted) <= clockJumpMax {
		return reading.wall
	}
	return trusted.wall + protocol.Timestamp((reading.monotonic - trusted.monotonic).Milliseconds())
}
