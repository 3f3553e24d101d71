package quota

import (
	"cmp"
	"slices"
	"sync"

	"github.com/barnabas-mq/barnabas/internal/metrics"
)

const (
	// accountsMax bounds the accounts of a ledger, whatever client ids strangers invent.
	// Each takes some 400 bytes with Kafka's windows.
	accountsMax = 16384
	// accountsSwept is how many accounts there may be before idle ones are looked for.
	accountsSwept = 64
)

// ledger is what has been used of one kind. Its lock is held for all that is done with
// its accounts.
type ledger[K comparable] struct {
	sync.Mutex
	window     Window
	remembered *metrics.Counter // accounts, together with those of other ledgers

	accounts map[K]*account
	sweepAt  int // accounts that there may be before idle ones are looked for
}

// account is what those have used who share a limit: a rate, or a bucket in its place.
type account struct {
	rate   Rate
	bucket Bucket
	bound  float64 // the last one
	last   Millis  // when it was used
}

// account finds an account, or opens one.
func (l *ledger[K]) account(key K, bound float64, now Millis) *account {
	a := l.accounts[key]
	if a == nil {
		if len(l.accounts) >= max(l.sweepAt, accountsSwept) {
			l.sweep(now)
		}
		if l.accounts == nil {
			l.accounts = make(map[K]*account)
		}
		a = &account{}
		l.accounts[key] = a
		l.remembered.Add(1)
	}
	a.last, a.bound = now, bound
	return a
}

// sweep forgets accounts in which nothing is left to remember. When there are too many
// others half of them go as well, those that have used the least of their limits, and of
// these that were used the longest ago: who owes is not let off because others, with
// client ids as many as they like, have used a little.
func (l *ledger[K]) sweep(now Millis) {
	before := len(l.accounts)
	for key, a := range l.accounts {
		if now-a.last >= l.window.span() && a.bucket.isFull(l.window, a.bound, now) {
			delete(l.accounts, key)
		}
	}
	if len(l.accounts) >= accountsMax {
		for _, light := range l.byUse(now)[:len(l.accounts)-accountsMax/2] {
			delete(l.accounts, light.key)
		}
	}
	l.sweepAt = min(2*len(l.accounts), accountsMax)
	l.remembered.Add(int64(len(l.accounts) - before))
}

type use[K comparable] struct {
	key  K
	part float64 // of its limit
	last Millis
}

// byUse are all accounts, the lightest first. That takes a few milliseconds for a full
// ledger, once in as many new accounts as half of it has.
func (l *ledger[K]) byUse(now Millis) []use[K] {
	all := make([]use[K], 0, len(l.accounts))
	for key, a := range l.accounts {
		all = append(all, use[K]{key, a.used(l.window, now), a.last})
	}
	slices.SortFunc(all, func(a, b use[K]) int { return cmp.Or(cmp.Compare(a.part, b.part), cmp.Compare(a.last, b.last)) })
	return all
}

// used is how much of its limit an account has used: 0 is nothing, and above 1 it owes.
func (a *account) used(w Window, now Millis) float64 {
	return max(a.rate.PerSecond(w, now)/a.bound, a.bucket.missing(w, a.bound, now))
}

// forget forgets all accounts.
func (l *ledger[K]) forget() {
	l.remembered.Add(-int64(len(l.accounts)))
	l.accounts, l.sweepAt = nil, 0
}
