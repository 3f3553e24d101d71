package oauth

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/barnabas-mq/barnabas/internal/clock"
)

// KeysOptions say where keys come from.
type KeysOptions struct {
	// Fetch gives a JSON Web Key Set. It ends soon after its context, and bounds what it reads.
	Fetch func(context.Context) ([]byte, error)
	// From is what the log says of where they come from.
	From  string
	Clock clock.Clock
	Log   *slog.Logger
	// Refresh is how often they are fetched again (sasl.oauthbearer.jwks.endpoint.refresh.ms).
	Refresh time.Duration
	// Backoff is the pause after a fetch that failed, which doubles up to BackoffMax
	// (sasl.oauthbearer.jwks.endpoint.retry.backoff.ms, .max.ms).
	Backoff, BackoffMax time.Duration
}

const (
	// renewPause is the least time between two fetches for tokens of unknown keys, which
	// anybody can make up. Whoever has a token of a key that is that new comes again.
	renewPause = 10 * time.Second
	// renewPatience is how long such a token waits. A login as a whole has ten seconds
	// (barnabas.connection.handshake.timeout.ms), and a healthy issuer takes a tenth of one.
	renewPatience = 3 * time.Second
	// fetchTime bounds a fetch, with all its redirects.
	fetchTime = 30 * time.Second
	// backoffMin keeps a pause of 0 from becoming a loop.
	backoffMin = 10 * time.Millisecond
)

// Keys are the keys by which tokens are verified. They stay as they are while fetches fail.
type Keys struct {
	o       KeysOptions
	current atomic.Pointer[KeySet] // nil until the first were fetched
	ctx     context.Context        // of all fetches
	cancel  context.CancelFunc

	mu struct {
		sync.Mutex
		closed bool
		// fetching is closed when the fetch that is under way, or about to be, has ended.
		// Invariant: nil exactly while next is the timer of a later one, or Keys are closed.
		fetching chan struct{}
		next     clock.Timer
		failures int    // fetches that failed since one did not
		told     string // the last failure's text
		// renewedAt is when a token asked for a fetch last, if one did.
		renewed   bool
		renewedAt time.Duration
	}
}

// NewKeys begins to fetch keys. Until they are there nothing can be said of a token; those
// that come wait a while.
func NewKeys(o KeysOptions) *Keys {
	k := &Keys{o: o}
	k.ctx, k.cancel = context.WithCancel(context.Background())
	k.mu.Lock()
	defer k.mu.Unlock()
	k.fetchLocked()
	return k
}

// Current are the keys that are known, for reading only.
func (k *Keys) Current() KeySet {
	if set := k.current.Load(); set != nil {
		return *set
	}
	return nil
}

// HaveCome tells whether any set of keys was fetched since the start.
func (k *Keys) HaveCome() bool { return k.current.Load() != nil }

// fetchLocked begins a fetch. None is under way.
func (k *Keys) fetchLocked() {
	k.mu.fetching = make(chan struct{})
	k.mu.next = k.o.Clock.AfterFunc(0, k.fetch)
}

// fetch runs on a timer's goroutine.
func (k *Keys) fetch() {
	k.mu.Lock()
	if k.mu.fetching == nil { // the regular one
		k.mu.fetching = make(chan struct{})
	}
	if k.mu.closed {
		close(k.mu.fetching)
		k.mu.fetching = nil
		k.mu.Unlock()
		return
	}
	k.mu.Unlock()

	ctx, cancel := context.WithTimeout(k.ctx, fetchTime)
	defer cancel()
	set, err := k.read(ctx)
	if err == nil {
		k.current.Store(&set)
	}

	k.mu.Lock()
	defer k.mu.Unlock()
	close(k.mu.fetching)
	k.mu.fetching = nil
	if !k.mu.closed {
		k.tellLocked(len(set), err)
		k.mu.next = k.o.Clock.AfterFunc(k.pauseLocked(err), k.fetch)
	}
}

func (k *Keys) read(ctx context.Context) (KeySet, error) {
	raw, err := k.o.Fetch(ctx)
	if err != nil {
		return nil, err
	}
	return ParseKeySet(raw)
}

// tellLocked tells of a failure once, until it is another or over.
func (k *Keys) tellLocked(keys int, err error) {
	text := ""
	if err != nil {
		text = withoutLocalPort(err.Error())
	}
	switch {
	case text == k.mu.told:
	case err != nil && !k.HaveCome():
		k.o.Log.Warn("the keys that sign tokens cannot be fetched yet, and clients that bring tokens are hung up on, to come again: see that sasl.oauthbearer.jwks.endpoint.url is right, and that this machine reaches and trusts it",
			"from", k.o.From, "error", err)
	case err != nil:
		k.o.Log.Warn("the keys that sign tokens cannot be fetched; those that are known stay, and it is tried again", "from", k.o.From, "known", len(k.Current()), "error", err)
	default:
		k.o.Log.Info("the keys that sign tokens are fetched again", "from", k.o.From, "known", keys)
	}
	k.mu.told = text
}

// withoutLocalPort is what is the same of errors like "read tcp HOST:PORT->HOST:PORT: …": our
// own port is another each time.
func withoutLocalPort(text string) string {
	local, rest, found := strings.Cut(text, "->")
	if !found {
		return text
	}
	return strings.TrimRight(local, "0123456789") + "->" + rest
}

// pauseLocked is the time to the next fetch.
func (k *Keys) pauseLocked(err error) time.Duration {
	if err == nil {
		k.mu.failures = 0
		return k.o.Refresh
	}
	pause := max(k.o.Backoff, backoffMin)
	for range k.mu.failures {
		if pause >= k.o.BackoffMax {
			break
		}
		pause *= 2
	}
	k.mu.failures++
	return min(pause, max(k.o.BackoffMax, backoffMin), max(k.o.Refresh, backoffMin))
}

// Renew is for a token whose key is not known: it waits for the fetch that is under way
// or begins one, unless that was done a moment ago. It reports whether a fetch has ended
// meanwhile. It takes renewPatience at most.
func (k *Keys) Renew() bool {
	ended := k.renew()
	if ended == nil {
		return false
	}
	late := make(chan struct{})
	timer := k.o.Clock.AfterFunc(renewPatience, func() { close(late) })
	defer timer.Stop()
	select {
	case <-ended:
		return true
	case <-late:
		return false
	}
}

// renew gives the end of a fetch, nil for none.
func (k *Keys) renew() <-chan struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.mu.closed || k.mu.fetching != nil {
		return k.mu.fetching
	}
	now := k.o.Clock.Monotonic()
	if k.mu.renewed && now-k.mu.renewedAt < renewPause || !k.mu.next.Stop() {
		return nil
	}
	k.mu.renewed, k.mu.renewedAt = true, now
	k.fetchLocked()
	return k.mu.fetching
}

// Close ends the fetches. Tokens that wait for one wait no longer.
func (k *Keys) Close() {
	k.mu.Lock()
	k.mu.closed = true
	fetching, stopped := k.mu.fetching, k.mu.next.Stop()
	if fetching != nil && stopped { // it had not begun
		close(fetching)
		k.mu.fetching = nil
	}
	k.mu.Unlock()
	k.cancel()
	if fetching != nil {
		<-fetching
	}
}
