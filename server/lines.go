package server

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/barnabas-mq/barnabas/internal/clock"
)

// Lines is what the log has room for of one kind of trouble that peers make. A peer that
// makes it over and over must not fill the disk: there are so many lines a second, and a
// count of the others at its end. Nor must it keep from the log what others do: of the
// lines that others have left in a second, one peer gets at most half.
type Lines struct {
	Log   *slog.Logger
	Clock clock.Clock
	Level slog.Level
	// Message says what happened.
	Message string
	// PerSecond bounds the lines; 0 is none.
	PerSecond int

	// telling is locked by who tells what was left out; it comes before mu.
	telling sync.Mutex
	// mu has this second's: it begins with the first trouble, and a timer ends it.
	mu struct {
		sync.Mutex
		closed bool
		timer  clock.Timer // nil between a second's end and the next trouble
		lines  int
		// told are the lines by peer, as many at most as there are lines.
		told map[string]int
		// untold is the trouble without a line by peer; others is that of more peers than
		// untoldNamesMax.
		untold map[string]int
		others int
	}
}

// untoldNamesMax bounds the peers that the line about what was left out names.
const untoldNamesMax = 8

// untoldNameBytes is what that line has of a name, which a peer may have chosen.
const untoldNameBytes = 128

// Tell writes a line if there is room. who is a peer that others are to have lines beside.
func (l *Lines) Tell(who string, attributes ...any) {
	if l.Take(who) {
		l.Write(attributes...)
	}
}

// Write writes a line that Take has given leave for.
func (l *Lines) Write(attributes ...any) {
	l.Log.Log(context.Background(), l.Level, l.Message, attributes...)
}

// Take is for lines that are dear to make: it tells whether there may be another one about a
// peer, and counts it.
func (l *Lines) Take(who string) bool {
	if l.PerSecond == 0 {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mu.closed {
		return false
	}
	if l.mu.timer == nil {
		l.mu.lines, l.mu.told, l.mu.untold = 0, make(map[string]int), make(map[string]int)
		l.mu.timer = l.Clock.AfterFunc(time.Second, l.end)
	}
	own := l.mu.told[who]
	ofOthers := l.mu.lines - own
	if l.mu.lines < l.PerSecond && own < max(1, (l.PerSecond-ofOthers)/2) {
		l.mu.lines++
		l.mu.told[who]++
		return true
	}
	if _, known := l.mu.untold[who]; known || len(l.mu.untold) < untoldNamesMax {
		l.mu.untold[who]++
	} else {
		l.mu.others++
	}
	return false
}

// Close tells at once of what was left out. When it returns nothing more is written, now or
// ever: the log may be closed.
func (l *Lines) Close() {
	l.mu.Lock()
	l.mu.closed = true
	if l.mu.timer != nil {
		l.mu.timer.Stop() // else it has ended the second, or finds nothing to tell
	}
	l.mu.Unlock()
	l.end()
}

// end ends a second, and tells of what was left out in it.
func (l *Lines) end() {
	l.telling.Lock()
	defer l.telling.Unlock()
	l.mu.Lock()
	untold, others := l.mu.untold, l.mu.others
	l.mu.timer, l.mu.told, l.mu.untold, l.mu.others = nil, nil, nil, 0
	l.mu.Unlock()
	if len(untold) == 0 {
		return
	}
	times := others
	of := make([]string, 0, len(untold))
	for who, n := range untold {
		times += n
		of = append(of, fmt.Sprintf("%s %d", shortened(who), n))
	}
	slices.Sort(of)
	attributes := []any{"times", times, "of", strings.Join(of, ", ")}
	if others > 0 {
		attributes = append(attributes, "others", others)
	}
	l.Log.Log(context.Background(), l.Level, l.Message+" more often than there are lines for", attributes...)
}

// shortened is a name of untoldNameBytes at most, without half a character at its end.
func shortened(name string) string {
	if len(name) <= untoldNameBytes {
		return name
	}
	end := untoldNameBytes
	for end > untoldNameBytes-utf8.UTFMax && !utf8.RuneStart(name[end]) {
		end--
	}
	return name[:end]
}
