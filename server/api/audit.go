package api

import (
	"log/slog"
	"sync"
	"time"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/internal/clock"
	"github.com/barnabas-mq/barnabas/protocol"
)

// Audit writes down what is denied. A client that is denied the same over and over must
// not fill the disk: there are so many lines a second, and a count of the others.
type Audit struct {
	Log   *slog.Logger
	Clock clock.Clock
	// PerSecond is barnabas.access.denied.lines.max.
	PerSecond int

	mu     sync.Mutex
	began  time.Duration // when the second began, on the monotonic clock
	lines  int           // in this second
	untold int
}

// denied tells about something that a request has named (StandardAuthorizerData).
func (u *Audit) denied(r *Request, action *auth.Action, verdict auth.Verdict) {
	if u == nil {
		return
	}
	untold, told := u.take()
	if !told {
		return
	}
	attributes := []any{
		"principal", action.Who.String(), "operation", action.Operation.String(), "host", action.Host,
		"resource", action.Type.String() + ":" + auth.Literal.String() + ":" + cut(action.Name),
		"request", protocol.APIName(r.Header.Key), "rule", verdict.String(),
	}
	if untold > 0 {
		attributes = append(attributes, "untold", untold)
	}
	u.Log.Info("access denied", attributes...)
}

// take tells whether there may be another line, and how many there were not since the
// last one.
func (u *Audit) take() (untold int, told bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if now := u.Clock.Monotonic(); now-u.began >= time.Second {
		u.began, u.lines = now, 0
	}
	if u.lines >= u.PerSecond {
		u.untold++
		return 0, false
	}
	u.lines++
	untold, u.untold = u.untold, 0
	return untold, true
}
