package api

import (
	"encoding/binary"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/protocol"
	"github.com/barnabas-mq/barnabas/quota"
)

// QuotaLimits are the limits of clients that the image has. They are made anew with each
// alteration of quotas: of 10,000 entities in some milliseconds, about what the alteration
// itself takes on a disk.
func QuotaLimits(image *metadata.Image) *quota.Limits {
	limits := &quota.Limits{}
	for q := range image.ClientQuotas() {
		var user, clientID quota.Part
		for _, part := range q.Entity {
			one := quota.Default
			if part.Name != nil {
				one = quota.Named(*part.Name)
			}
			switch part.Type {
			case metadata.QuotaUser:
				user = one
			case metadata.QuotaClientID:
				clientID = one
			}
		}
		for _, limit := range q.Limits {
			if k, ok := quota.KindOf(limit.Key); ok {
				limits.Set(k, user, clientID, limit.Value)
			}
		}
	}
	return limits
}

// charge is what a request costs a client that is limited in something. Others have none:
// its methods do nothing on nil where a handler calls them in any case.
//
// As in Kafka a request counts with its time on a request handler, which is here that of
// the connection's goroutine except for where it waits; that of reading, decoding the
// frame and sending, which Kafka adds later, does not count.
type charge struct {
	api          *API
	grant        *quota.Grant
	key, version int16
	bodyBytes    int
	exempt       bool // its time does not count
	judged       bool // by Fetch, which has to know before it answers

	// throttle is the longest time so far, and kind why.
	throttle quota.Millis
	kind     quota.Kind
	// owed is what the client owed for changes of topics at owedAt.
	owed, owedAt quota.Millis

	// A parked call may be answered by another goroutine before its handler returns.
	mu struct {
		sync.Mutex
		working bool
		since   time.Duration // when it went on working
		worked  time.Duration // before since
	}
}

// chargeOf is the charge for a request, nil if its client is not limited.
func (a *API) chargeOf(r *Request) *charge {
	p := r.Peer
	p.mayUse = a.Quotas.Grant(p.mayUse, p.who.Name, r.Header.ClientID)
	if !p.mayUse.IsLimited() || !concerns(p.mayUse, r.Header.Key) {
		return nil
	}
	c := &charge{api: a, grant: p.mayUse, key: r.Header.Key, version: r.Header.Version, bodyBytes: len(r.Body)}
	c.exempt = c.key == int16(kmsg.WriteTxnMarkers) // brokers ask for it, and they are not to wait
	c.work()
	r.Call.Charge(c.toll)
	return c
}

// concerns tells whether some limit of a client can be of a request: a call that is charged
// is not overtaken, which costs much where nothing is ever counted.
func concerns(grant *quota.Grant, key int16) bool {
	if grant.Has(quota.Request) {
		return true
	}
	switch kmsg.Key(key) {
	case kmsg.Produce:
		return grant.Has(quota.Produce)
	case kmsg.Fetch, kmsg.ShareFetch:
		return grant.Has(quota.Fetch)
	case kmsg.Metadata, kmsg.CreateTopics, kmsg.DeleteTopics, kmsg.CreatePartitions:
		return grant.Has(quota.Mutation)
	}
	return false
}

// countsFetches tells whether the bytes of a fetch count.
func (c *charge) countsFetches() bool { return c != nil && c.grant.Has(quota.Fetch) }

// work and rest say when the time of a handler begins and ends to count.
func (c *charge) work() {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mu.working, c.mu.since = true, c.api.Clock.Monotonic()
}

func (c *charge) rest() {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mu.working {
		c.mu.working = false
		c.mu.worked += c.api.Clock.Monotonic() - c.mu.since
	}
}

// resting waits, in time that does not count.
func (c *charge) resting(wait func() error) error {
	c.rest()
	defer c.work()
	return wait()
}

// percent is the time so far, in hundredths of a processor's second.
func (c *charge) percent() float64 {
	c.rest()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.mu.worked.Seconds() * 100
}

func (c *charge) now() quota.Millis { return quota.Millis(c.api.Clock.Monotonic().Milliseconds()) }

// raise notes a reason to throttle. Of two that are as long the earlier one counts.
func (c *charge) raise(k quota.Kind, throttle quota.Millis) {
	if throttle > c.throttle {
		c.throttle, c.kind = throttle, k
	}
}

// toll implements server.Call.Charge's.
func (c *charge) toll(answer []byte) time.Duration {
	now, quotas := c.now(), c.api.Quotas
	if !c.judged {
		if !c.exempt {
			c.raise(quota.Request, quotas.Charge(quota.Request, c.grant, c.percent(), now))
		}
		switch c.key {
		case keyProduce:
			c.raise(quota.Produce, quotas.Charge(quota.Produce, c.grant, float64(c.bodyBytes), now))
		case keyShareFetch:
			c.raise(quota.Fetch, quotas.Charge(quota.Fetch, c.grant, float64(wholeLength(answer)), now))
		}
		c.raise(quota.Mutation, c.owed-(now-c.owedAt))
	}
	if c.throttle <= 0 {
		return 0
	}
	protocol.SetThrottle(answer, c.key, c.version, int32(c.throttle))
	quotas.Throttled(c.kind, c.throttle)
	return c.throttle.Duration()
}

// wholeLength is that of an answer with its ranges.
func wholeLength(answer []byte) int {
	if len(answer) < 4 {
		return 0
	}
	return 4 + int(binary.BigEndian.Uint32(answer))
}

// atMost is how many bytes of records a fetch may bring at once without being too much
// for certain.
func (c *charge) atMost(bytes int) int {
	if !c.grant.Has(quota.Fetch) {
		return bytes
	}
	return int(min(float64(bytes), c.api.Quotas.FetchBytesMax(c.grant)))
}

// forTopics asks for leave to create or delete the partitions of a topic, nil for a
// client that is not limited in this. Strict refuses what is too much, otherwise only the
// answer tells (ControllerMutationQuotaManager).
func (c *charge) forTopics(strict bool) func(partitions int) error {
	if c == nil || !c.grant.Has(quota.Mutation) {
		return nil
	}
	return func(partitions int) error {
		now := c.now()
		throttle, refused := c.api.Quotas.Mutate(c.grant, partitions, strict, now)
		if throttle > 0 {
			c.owed, c.owedAt = throttle, now
		}
		if refused {
			return protocol.ErrThrottlingQuotaExceeded
		}
		return nil
	}
}

// forNamedTopics is forTopics for those that are created because somebody named them: what
// is too much is not there yet, and the answer tells nothing else.
func (c *charge) forNamedTopics() func(partitions int) error {
	leave := c.forTopics(true)
	if leave == nil {
		return nil
	}
	return func(partitions int) error {
		err := leave(partitions)
		c.owed = 0
		return err
	}
}

// isTooMuch judges a fetch whose answer would be so long. One that is too much is not
// given, and not counted (KafkaApis.handleFetchRequest).
func (c *charge) isTooMuch(answerBytes int) bool {
	now, quotas := c.now(), c.api.Quotas
	c.judged = true
	c.raise(quota.Request, quotas.Charge(quota.Request, c.grant, c.percent(), now))
	c.raise(quota.Fetch, quotas.Charge(quota.Fetch, c.grant, float64(answerBytes), now))
	if c.throttle <= 0 {
		return false
	}
	quotas.Refund(quota.Fetch, c.grant, float64(answerBytes), now)
	return true
}
