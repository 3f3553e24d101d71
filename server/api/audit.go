package api

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/internal/clock"
	"github.com/barnabas-mq/barnabas/protocol"
)

// Audit writes down what is denied. A client that is denied the same over and over must
// not fill the disk: there are so many lines a second, and a count of the others at its
// end. Nor must it keep from the log what others are denied: of the lines that others have
// left in a second a principal gets at most half.
type Audit struct {
	Log   *slog.Logger
	Clock clock.Clock
	// PerSecond is barnabas.access.denied.lines.max.
	PerSecond int

	// mu has this second's: it begins with a denial, and a timer ends it.
	mu struct {
		sync.Mutex
		began bool
		lines int
		// told are the lines by principal, as many at most as there are lines.
		told map[string]int
		// untold are the denials without a line by principal; others are those of more
		// principals than untoldNamesMax.
		untold map[string]int
		others int
	}
}

// untoldNamesMax bounds the principals that the line about untold denials names.
const untoldNamesMax = 8

// denied tells about something that a request has named (StandardAuthorizerData).
func (u *Audit) denied(r *Request, action *auth.Action, verdict auth.Verdict) {
	if u == nil || !u.take(action.Who.String()) {
		return
	}
	u.Log.Info("access denied",
		"principal", action.Who.String(), "operation", action.Operation.String(), "host", action.Host,
		"resource", action.Type.String()+":"+auth.Literal.String()+":"+cut(action.Name),
		"request", protocol.APIName(r.Header.Key), "rule", verdict.String())
}

// take tells whether there may be another line about a principal, and counts it.
func (u *Audit) take(principal string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if !u.mu.began {
		u.mu.began, u.mu.lines = true, 0
		u.mu.told, u.mu.untold = make(map[string]int), make(map[string]int)
		u.Clock.AfterFunc(time.Second, u.end)
	}
	own := u.mu.told[principal]
	ofOthers := u.mu.lines - own
	if u.mu.lines < u.PerSecond && own < max(1, (u.PerSecond-ofOthers)/2) {
		u.mu.lines++
		u.mu.told[principal]++
		return true
	}
	if _, known := u.mu.untold[principal]; known || len(u.mu.untold) < untoldNamesMax {
		u.mu.untold[principal]++
	} else {
		u.mu.others++
	}
	return false
}

// end ends a second, and tells of what was left out in it.
func (u *Audit) end() {
	u.mu.Lock()
	untold, others := u.mu.untold, u.mu.others
	u.mu.began, u.mu.told, u.mu.untold, u.mu.others = false, nil, nil, 0
	u.mu.Unlock()
	if len(untold) == 0 || u.PerSecond == 0 {
		return
	}
	denials := others
	of := make([]string, 0, len(untold))
	for principal, n := range untold {
		denials += n
		of = append(of, fmt.Sprintf("%s %d", cut(principal), n))
	}
	slices.Sort(of)
	attributes := []any{"denials", denials, "of", strings.Join(of, ", ")}
	if others > 0 {
		attributes = append(attributes, "others", others)
	}
	u.Log.Info("access denied more often than there are lines for", attributes...)
}
