package kerberos

import (
	"crypto/sha256"
	"sync"
	"time"
)

// Replays are the requests that were accepted: a second time they are refused. One is
// remembered until its time has passed by more than clocks may differ; then it is too old by
// itself. They are kept for the life of the process, as Java keeps them.
type Replays struct {
	window time.Duration // in which a request can be accepted

	mu struct {
		sync.Mutex
		// now has those since then, before those of the window that ended there.
		now, before map[requestID]struct{}
		then        time.Time
	}
}

// NewReplays remembers nothing yet. Services that have the same keys remember together.
func NewReplays() *Replays { return &Replays{window: 2 * Skew} }

// requestID is half of a hash over an authenticator as it was sealed, which nobody can change
// without its key. Half is enough: whoever has two of one ID has it with himself.
type requestID [sha256.Size / 2]byte

func idOf(authenticator []byte) (id requestID) {
	sum := sha256.Sum256(authenticator)
	copy(id[:], sum[:])
	return id
}

// requestsMax bounds the requests of a window: 50 bytes each, and 200 logins a second over ten
// minutes. Only who has a ticket can add one.
const requestsMax = 120_000

// add remembers a request, which must be fresh. Where there are too many it is refused, as it
// could not be told from its repetition.
func (r *Replays) add(id requestID, now time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch age := now.Sub(r.mu.then); {
	case r.mu.now == nil || age >= r.window:
		r.mu.before = r.mu.now
		if age >= 2*r.window {
			r.mu.before = nil
		}
		r.mu.now, r.mu.then = make(map[requestID]struct{}), now
	case age < 0: // the clock was set back, and nothing is forgotten for it
		r.mu.then = now
	}
	_, known := r.mu.now[id]
	if _, longer := r.mu.before[id]; known || longer {
		return refuse(CodeReplay, "the request was sent before")
	}
	if len(r.mu.now) >= requestsMax {
		return refuse(CodeReplay, "there were %d logins within %v: no more can be told from their repetition", len(r.mu.now), r.window)
	}
	r.mu.now[id] = struct{}{}
	return nil
}
