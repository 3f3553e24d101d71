package quota

import (
	"math"
	"time"
)

// Millis is a time on a clock that never goes back, or a length of time, in
// milliseconds: the unit in which Kafka takes all of this.
type Millis int64

// Duration is the same for those who wait.
func (m Millis) Duration() time.Duration { return time.Duration(m) * time.Millisecond }

func (m Millis) seconds() float64 { return float64(m) / 1000 }

// throttleMost is the longest throttle time that an answer can tell.
const throttleMost = math.MaxInt32

// Window is what a rate is taken over: quota.window.num samples of
// quota.window.size.seconds.
type Window struct {
	Samples int
	Length  Millis // of one sample
}

func (w Window) span() Millis { return w.lengthOf(w.Samples) }

// lengthOf is how long so many samples are, or for ever: settings can be of 2^31 samples of
// 2^31 seconds.
func (w Window) lengthOf(samples int) Millis {
	if Millis(samples) > forEver/w.Length {
		return forEver
	}
	return Millis(samples) * w.Length
}

// forEver leaves room for what is added to it.
const forEver Millis = math.MaxInt64 / 2

// Rate is how much has come per second over the last samples. The zero value is one
// where nothing has come. It belongs to whoever holds the lock around it.
//
// There is one sample more than the window has: a sample counts as a whole as long as
// its last event is inside of the window, although it may have begun before.
type Rate struct {
	samples []sample // as many as were needed so far
	current int
}

type sample struct {
	start, last Millis
	sum         float64
}

// Record adds an amount, which may be negative to take back what was added before.
func (r *Rate) Record(w Window, amount float64, now Millis) {
	if len(r.samples) == 0 {
		r.samples = append(r.samples, sample{start: now, last: now})
	}
	s := &r.samples[r.current]
	if now-s.start >= w.Length {
		s = r.advance(w, now)
	}
	s.sum += amount
	s.last = now
}

func (r *Rate) advance(w Window, now Millis) *sample {
	r.current = (r.current + 1) % (w.Samples + 1)
	if r.current == len(r.samples) {
		r.samples = append(r.samples, sample{})
	}
	s := &r.samples[r.current]
	*s = sample{start: now, last: now}
	return s
}

// Over is how long nothing may come until the rate is at the bound again, in units per
// second; 0 while it is not above it.
func (r *Rate) Over(w Window, bound float64, now Millis) Millis {
	sum, over := r.measure(w, now)
	observed := sum / over.seconds()
	if observed <= bound {
		return 0
	}
	return roundMillis((observed - bound) / bound * float64(over))
}

// PerSecond is the rate itself.
func (r *Rate) PerSecond(w Window, now Millis) float64 {
	sum, over := r.measure(w, now)
	return sum / over.seconds()
}

// measure forgets what is too old. It takes the sum over the time since the oldest
// sample began, but over all samples except the current one at least.
func (r *Rate) measure(w Window, now Millis) (sum float64, over Millis) {
	oldest := now
	for i := range r.samples {
		s := &r.samples[i]
		if now-s.last >= w.span() {
			*s = sample{start: now, last: now}
		}
		sum += s.sum
		oldest = min(oldest, s.start)
	}
	over = now - oldest
	if over/w.Length < Millis(w.Samples-1) {
		over = w.lengthOf(w.Samples-1) + over%w.Length
	}
	return sum, max(over, 1)
}

// roundMillis rounds as Java's Math.round, to what an answer can tell.
func roundMillis(m float64) Millis {
	return Millis(math.Floor(min(m, throttleMost) + 0.5))
}

// Bucket holds tokens that come back with time, at the bound's rate and up to a
// window's worth. It is allowed to owe. The zero value is a full one.
type Bucket struct {
	tokens float64
	filled Millis
	used   bool // tokens and filled mean something
}

// Take takes tokens, and may leave the bucket in debt.
func (b *Bucket) Take(w Window, bound, tokens float64, now Millis) {
	b.refill(w, bound, now)
	b.tokens = min(b.burst(w, bound), b.tokens-tokens)
}

// Debt tells whether the bucket owes tokens, and how long nothing may be taken until it
// does not: a debt of less than half a millisecond is one, and takes none.
func (b *Bucket) Debt(w Window, bound float64, now Millis) (wait Millis, owes bool) {
	b.refill(w, bound, now)
	if b.tokens >= 0 {
		return 0, false
	}
	return roundMillis(-b.tokens / bound * 1000), true
}

// isFull tells that the bucket is as good as a new one.
func (b *Bucket) isFull(w Window, bound float64, now Millis) bool {
	return !b.used || b.tokens+bound*(now-b.filled).seconds() >= b.burst(w, bound)
}

// missing is how much is not in the bucket, as a part of what it holds.
func (b *Bucket) missing(w Window, bound float64, now Millis) float64 {
	b.refill(w, bound, now)
	return 1 - b.tokens/b.burst(w, bound)
}

func (b *Bucket) burst(w Window, bound float64) float64 { return w.span().seconds() * bound }

func (b *Bucket) refill(w Window, bound float64, now Millis) {
	burst := b.burst(w, bound)
	if !b.used {
		b.tokens, b.used = burst, true
	} else {
		b.tokens = min(burst, b.tokens+bound*(now-b.filled).seconds())
	}
	b.filled = now
}
