package kerberos

import (
	"crypto/sha256"
	"sync"
	"time"
)

// Replays are the requests that were accepted without a reply: a second time they are refused.
// One is remembered until the wall clock has passed its time by more than clocks may differ; then
// it is too old by itself. A clock that is put back forgets nothing, and one that is put forward
// no more than what is too old for it. They are kept for the life of the process, as Java keeps them.
type Replays struct {
	mu struct {
		sync.Mutex
		// before is forgotten as a whole when the clock has passed until, as the last of it is
		// too old then, and now takes its place.
		now, before replays
		until       time.Time
	}
}

// replays are some of them.
type replays struct {
	seen   map[digest]struct{}
	of     map[digest]int // by client
	newest time.Time      // when it was begun, or a later request's
}

// NewReplays remembers nothing yet. Services that have the same keys remember together.
func NewReplays() *Replays { return new(Replays) }

// digest is half of a hash, of a client's name or over an authenticator as it was sealed, which
// nobody can change without its key. Half is enough: whoever has two of one has it with himself.
type digest [sha256.Size / 2]byte

func idOf(authenticator []byte) digest {
	sum := sha256.Sum256(authenticator)
	return digest(sum[:])
}

// requestsMax bounds the requests of now, and of before: 50 bytes each, and as many for its client
// if that has no others. They are of five minutes, or of ten where clocks are ahead.
const requestsMax = 120_000

// add remembers a request, which must be fresh. Where there are too many it is refused, as it
// could not be told from its repetition. Who makes very many does not keep others out: a client
// gets at most half of what others have left.
func (r *Replays) add(id digest, client Principal, at, now time.Time) error {
	who := idOf([]byte(client.String()))
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.After(r.mu.until) {
		r.mu.before, r.mu.now = r.mu.now, replays{make(map[digest]struct{}), make(map[digest]int), now}
		r.mu.until = r.mu.before.newest.Add(Skew)
		if soon := now.Add(Skew); soon.After(r.mu.until) {
			r.mu.until = soon
		}
	}
	in := &r.mu.now
	_, known := in.seen[id]
	if _, longer := r.mu.before.seen[id]; known || longer {
		return refuse(CodeReplay, "the request of %.128q was sent before", client)
	}
	own := in.of[who]
	if left := requestsMax - (len(in.seen) - own); own >= (left+1)/2 {
		return refuse(CodeUnavailable, "%.128q has logged in %d times, and others %d times, within minutes: another login could not be told from its repetition, "+
			"and is not taken; let its clients ask for mutual authentication, or connect less often", client, own, len(in.seen)-own)
	}
	in.seen[id] = struct{}{}
	in.of[who]++
	if at.After(in.newest) {
		in.newest = at
	}
	return nil
}
