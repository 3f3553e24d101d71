package oauth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/internal/clock"
)

// endpoint is where an issuer shows its keys.
type endpoint struct {
	mu      sync.Mutex
	set     []byte
	fault   error
	fetches int
	// held, when set, keeps fetches from ending, until it is closed or they are called off.
	held, begun chan struct{}
}

func (e *endpoint) fetch(ctx context.Context) ([]byte, error) {
	e.mu.Lock()
	e.fetches++
	set, fault, held, begun := e.set, e.fault, e.held, e.begun
	e.mu.Unlock()
	if held != nil {
		begun <- struct{}{}
		select {
		case <-held:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return set, fault
}

func (e *endpoint) show(set []byte, fault error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.set, e.fault = set, fault
}

func (e *endpoint) count() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.fetches
}

type keysWorld struct {
	*endpoint
	t     *testing.T
	clock *clock.Manual
	keys  *Keys
	log   bytes.Buffer // of the goroutine that moves the clock
}

func newKeysWorld(t *testing.T, e *endpoint) *keysWorld {
	w := &keysWorld{endpoint: e, t: t, clock: clock.NewManual(epoch)}
	log := slog.New(slog.NewTextHandler(&w.log, nil))
	w.keys = NewKeys(KeysOptions{
		Fetch: e.fetch, From: "test", Clock: w.clock, Log: log,
		Refresh: time.Hour, Backoff: 100 * time.Millisecond, BackoffMax: time.Second,
	})
	t.Cleanup(w.keys.Close)
	return w
}

// after lets time go by and holds the numbers of fetches and keys against what they must be.
func (w *keysWorld) after(d time.Duration, fetches, keys int) {
	w.t.Helper()
	w.clock.Advance(d)
	if w.count() != fetches || len(w.keys.Current()) != keys {
		w.t.Errorf("%d fetches and %d keys, want %d and %d", w.count(), len(w.keys.Current()), fetches, keys)
	}
}

// renewing is a token of an unknown key that waits; it tells how that ended.
func (w *keysWorld) renewing() <-chan bool {
	ended, before := make(chan bool, 1), w.clock.Pending()
	go func() { ended <- w.keys.Renew() }()
	for w.clock.Pending() <= before && len(ended) == 0 {
		runtime.Gosched() // until its timer is set, or it does not wait
	}
	return ended
}

func one(t *testing.T) []byte { return keySet(t, jwk(t, p256Key().Public(), fields{"kid": "1"})) }

func two(t *testing.T) []byte {
	return keySet(t, jwk(t, p256Key().Public(), fields{"kid": "1"}), jwk(t, p384Key().Public(), fields{"kid": "2"}))
}

// Keys are fetched at the start and each hour; a failure is tried again with pauses that
// double up to the most, and takes no key away.
func TestKeysAreFetchedAgain(t *testing.T) {
	w := newKeysWorld(t, &endpoint{set: one(t)})
	w.after(0, 1, 1)
	w.after(time.Hour-1, 1, 1)
	w.show(two(t), nil)
	w.after(1, 2, 2)
	w.show(nil, errors.New("gone"))
	w.after(time.Hour, 3, 2)
	fetches := 3
	for _, pause := range []time.Duration{100, 200, 400, 800, 1000, 1000} {
		w.after(pause*time.Millisecond-1, fetches, 2)
		fetches++
		w.after(1, fetches, 2)
	}
	w.show([]byte("{}"), nil) // no set of keys is a failure as well
	fetches++
	w.after(time.Second, fetches, 2)
	w.show(one(t), nil)
	fetches++
	w.after(time.Second, fetches, 1)
	w.after(time.Hour-1, fetches, 1)
	w.after(1, fetches+1, 1)
}

// A failure is told once, until it is another or over; that each try has a port of its own is
// no other failure.
func TestAFailureIsToldOnce(t *testing.T) {
	w := newKeysWorld(t, &endpoint{set: one(t)})
	told := func(port int, what string, want int) {
		t.Helper()
		var fault error
		if what != "" {
			fault = fmt.Errorf("read tcp 127.0.0.1:%d->127.0.0.1:8080: %s", port, what)
		}
		w.show(one(t), fault)
		w.clock.Advance(time.Hour)
		if n := strings.Count(w.log.String(), "cannot be fetched"); n != want {
			t.Errorf("told %d times, want %d:\n%s", n, want, &w.log)
		}
	}
	told(40001, "connection reset by peer", 1)
	told(40002, "connection reset by peer", 1)
	told(7, "connection reset by peer", 1)
	told(40003, "i/o timeout", 2)
	told(0, "", 2)
	told(40004, "i/o timeout", 3)
}

// A token of an unknown key has the keys fetched at once; the next such token has to wait
// its turn, so that made-up tokens do not become requests.
func TestUnknownKeys(t *testing.T) {
	w := newKeysWorld(t, &endpoint{set: one(t)})
	w.after(0, 1, 1)
	w.show(two(t), nil)
	ended := w.renewing()
	w.after(0, 2, 2)
	if !<-ended {
		t.Error("it did not wait for the keys")
	}
	if w.keys.Renew() {
		t.Error("the keys are fetched again at once")
	}
	w.after(renewPause-1, 2, 2)
	if w.keys.Renew() {
		t.Error("the keys are fetched again too soon")
	}
	w.after(1, 2, 2)
	ended = w.renewing()
	w.after(0, 3, 2)
	if !<-ended {
		t.Error("nobody may ask again")
	}
	w.after(time.Hour, 4, 2) // and the regular fetch is counted from the last
}

// Who waits for keys does so for a while only, and what is slow is not asked twice.
func TestASlowIssuer(t *testing.T) {
	held := make(chan struct{})
	w := newKeysWorld(t, &endpoint{set: one(t), held: held, begun: make(chan struct{})})
	go w.clock.Advance(0)
	<-w.begun
	ended := w.renewing()
	another := w.renewing()
	w.clock.Advance(renewPatience)
	if <-ended || <-another {
		t.Error("they waited for keys that did not come")
	}
	ended = w.renewing()
	close(held)
	if !<-ended {
		t.Error("it did not wait for the keys")
	}
	if len(w.keys.Current()) != 1 || w.count() != 1 {
		t.Errorf("%d keys after %d fetches", len(w.keys.Current()), w.count())
	}
}

// As long as no keys have come, nobody's token is called invalid; afterwards it may be, also
// when the issuer does not answer any more.
func TestNoKeysYet(t *testing.T) {
	w := newKeysWorld(t, &endpoint{fault: errors.New("connection refused")})
	w.after(0, 1, 0)
	s := &Signed{Keys: w.keys, SubjectClaim: "sub", ScopeClaim: "scope", Now: now}
	token := sign(t, p256Key(), fields{"alg": "ES256", "kid": "1"}, alice)
	asked := 0
	check := func() error {
		ended, before := make(chan error, 1), w.clock.Pending()
		go func() { _, err := s.Check(token, func() { asked++ }); ended <- err }()
		for w.clock.Pending() <= before && len(ended) == 0 {
			runtime.Gosched()
		}
		w.clock.Advance(0)
		return <-ended
	}
	for range 3 { // with a fetch of its own, and without
		if err := check(); !errors.Is(err, auth.ErrBearerUndecided) {
			t.Errorf("without keys: %v", err)
		}
	}
	if asked != 3 {
		t.Errorf("%d checks told that they ask for keys", asked)
	}
	if _, err := s.Check("e30."+encodeJSON(t, alice)+".AA", unasked); !errors.As(err, new(*auth.BearerRefused)) {
		t.Errorf("what no key would make valid: %v", err)
	}
	w.show(keySet(t, jwk(t, p384Key().Public(), fields{"kid": "2"})), nil)
	w.clock.Advance(time.Minute)
	if err := check(); !errors.As(err, new(*auth.BearerRefused)) {
		t.Errorf("the issuer has another key: %v", err)
	}
	w.show(nil, errors.New("gone"))
	w.clock.Advance(time.Hour)
	if err := check(); !errors.As(err, new(*auth.BearerRefused)) {
		t.Errorf("the issuer is gone: %v", err)
	}
}

// Close ends a fetch, and the wait for it.
func TestClose(t *testing.T) {
	w := newKeysWorld(t, &endpoint{held: make(chan struct{}), begun: make(chan struct{})})
	go w.clock.Advance(0)
	<-w.begun
	ended := w.renewing()
	w.keys.Close()
	if !<-ended {
		t.Error("the fetch has not ended")
	}
	w.keys.Close()
	w.after(2*time.Hour, 1, 0)
	if w.keys.Renew() {
		t.Error("closed keys are fetched")
	}
	// Closed before the first fetch has begun, as before any wait.
	w = newKeysWorld(t, &endpoint{})
	ended = w.renewing()
	w.keys.Close()
	<-ended
	w.after(time.Hour, 0, 0)
}

// A token that was signed by a new key is taken once the issuer shows it.
func TestRotation(t *testing.T) {
	w := newKeysWorld(t, &endpoint{set: one(t)})
	w.after(0, 1, 1)
	s := &Signed{Keys: w.keys, SubjectClaim: "sub", ScopeClaim: "scope", Now: now}
	check := func(kid, want string) {
		t.Helper()
		alg, key := "ES256", p256Key()
		if kid == "2" {
			alg, key = "ES384", p384Key()
		}
		token := sign(t, key, fields{"alg": alg, "kid": kid}, alice)
		type result struct {
			who auth.Bearer
			err error
		}
		ended, before := make(chan result, 1), w.clock.Pending()
		go func() { who, err := s.Check(token, unasked); ended <- result{who, err} }()
		for w.clock.Pending() <= before && len(ended) == 0 {
			runtime.Gosched() // until it waits: the regular fetch is gone by then, one at once is there, and its patience
		}
		w.clock.Advance(0)
		if r := <-ended; r.who.Name != want {
			t.Errorf("the key %s: %+v, %v; want %q", kid, r.who, r.err, want)
		}
	}
	check("1", "alice")
	w.show(two(t), nil)
	check("2", "alice")
	w.show(keySet(t, jwk(t, p384Key().Public(), fields{"kid": "2"})), nil)
	w.after(time.Hour, 3, 1)
	check("1", "")
	check("2", "alice")
}
