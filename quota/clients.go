package quota

import (
	"hash/maphash"
	"sync/atomic"

	"github.com/barnabas-mq/barnabas/internal/metrics"
)

// Windows are what the rates are taken over.
type Windows struct {
	Clients  Window // quota.window.num and quota.window.size.seconds
	Mutation Window // controller.quota.window.num and controller.quota.window.size.seconds
}

// Clients is what all clients have used. Its methods are safe for concurrent use.
//
// As long as nobody is limited it remembers nothing, and all that it costs is one look at
// IsLimiting.
type Clients struct {
	current atomic.Pointer[edition] // nil: nobody is limited
	changes atomic.Uint64
	seed    maphash.Seed
	ledgers [kinds]ledger[uint64]

	throttled, throttledMillis [kinds]*metrics.Counter
}

// kindNames are for the metrics.
var kindNames = [kinds]string{"produce", "fetch", "request", "controller_mutation"}

// NewClients makes one where nobody is limited.
func NewClients(w Windows, m *metrics.Set) *Clients {
	c := &Clients{seed: maphash.MakeSeed()}
	for k := range kinds {
		c.ledgers[k].window, c.ledgers[k].remembered = w.Clients, m.Counter("barnabas_quota_clients")
		c.throttled[k] = m.Counter("barnabas_quota_" + kindNames[k] + "_throttled_total")
		c.throttledMillis[k] = m.Counter("barnabas_quota_" + kindNames[k] + "_throttle_milliseconds_total")
	}
	c.ledgers[Mutation].window = w.Mutation
	return c
}

// edition is the limits since some change of them.
type edition struct {
	limits *Limits
	number uint64 // from 1 on
}

// IsLimiting tells whether anybody is limited. It is false for nil.
func (c *Clients) IsLimiting() bool { return c != nil && c.current.Load() != nil }

// Change replaces the limits. What has been used stays, unless nobody is limited any more.
func (c *Clients) Change(l *Limits) {
	if l != nil && !l.IsEmpty() {
		c.current.Store(&edition{l, c.changes.Add(1)})
		return
	}
	c.current.Store(nil)
	for k := range kinds {
		c.ledgers[k].Lock()
		c.ledgers[k].forget()
		c.ledgers[k].Unlock()
	}
}

// Grant is what one client may do under one set of limits. It is never changed, and holds
// nothing of the limits of others: a connection that says nothing keeps its grant for long.
type Grant struct {
	user, clientID string
	edition        uint64 // the number of that of the limits, 0 for none
	bounds         [kinds]bound
	any            bool
}

// bound is a limit and where what was used of it is noted; 0 is without a limit.
type bound struct {
	perSecond float64
	account   uint64
}

// Has tells whether the client is limited in a kind.
func (g *Grant) Has(k Kind) bool { return g.bounds[k].perSecond > 0 }

// IsLimited tells whether the client is limited in anything.
func (g *Grant) IsLimited() bool { return g.any }

// Grant is what a client may do now. It is the last one, which may be nil, as long as
// nothing has changed.
func (c *Clients) Grant(last *Grant, user, clientID string) *Grant {
	var limits *Limits
	var number uint64
	if e := c.current.Load(); e != nil {
		limits, number = e.limits, e.number
	}
	if last != nil && last.edition == number && last.clientID == clientID && last.user == user {
		return last
	}
	g := &Grant{user: user, clientID: clientID, edition: number}
	if limits == nil {
		return g
	}
	for k := range kinds {
		perSecond, by, ok := limits.find(k, user, clientID)
		if !ok {
			continue
		}
		// Names may be long and many. Two of them fall on one number once in 2^64 times,
		// and nobody can choose them so.
		g.bounds[k] = bound{perSecond, maphash.Comparable(c.seed, by)}
		g.any = true
	}
	return g
}

// FetchBytesMax is how much a client may fetch at once: more would be throttled for
// certain, however little was fetched before (getMaxValueInQuotaWindow).
func (c *Clients) FetchBytesMax(g *Grant) float64 {
	w := c.ledgers[Fetch].window
	return g.bounds[Fetch].perSecond * float64(w.Samples-1) * w.Length.seconds()
}

// Charge notes what a client has used of a kind that it is limited in, and tells how long
// it is to be throttled. That of Request is bounded by the length of a sample.
func (c *Clients) Charge(k Kind, g *Grant, amount float64, now Millis) Millis {
	b := &g.bounds[k]
	if b.perSecond <= 0 {
		return 0
	}
	l := &c.ledgers[k]
	l.Lock()
	defer l.Unlock()
	a := l.account(b.account, b.perSecond, now)
	a.rate.Record(l.window, amount, now)
	throttle := a.rate.Over(l.window, b.perSecond, now)
	if k == Request {
		throttle = min(throttle, l.window.Length)
	}
	return throttle
}

// Refund takes back what was charged and not given.
func (c *Clients) Refund(k Kind, g *Grant, amount float64, now Millis) {
	b := &g.bounds[k]
	if b.perSecond <= 0 {
		return
	}
	l := &c.ledgers[k]
	l.Lock()
	defer l.Unlock()
	l.account(b.account, b.perSecond, now).rate.Record(l.window, -amount, now)
}

// Mutate is for so many partitions that are to be created or deleted (KIP-599). Strict
// refuses all while the client owes for what came before, and lets through any number
// when it does not; otherwise all are let through, and a client that owes afterwards is
// throttled.
func (c *Clients) Mutate(g *Grant, partitions int, strict bool, now Millis) (throttle Millis, refused bool) {
	b := &g.bounds[Mutation]
	if b.perSecond <= 0 {
		return 0, false
	}
	l := &c.ledgers[Mutation]
	l.Lock()
	defer l.Unlock()
	a := l.account(b.account, b.perSecond, now)
	if strict {
		if wait, owes := a.bucket.Debt(l.window, b.perSecond, now); owes {
			return wait, true
		}
	}
	a.bucket.Take(l.window, b.perSecond, float64(partitions), now)
	if !strict {
		throttle, _ = a.bucket.Debt(l.window, b.perSecond, now)
	}
	return throttle, false
}

// Throttled counts that a client is throttled.
func (c *Clients) Throttled(k Kind, d Millis) {
	c.throttled[k].Inc()
	c.throttledMillis[k].Add(int64(d))
}
