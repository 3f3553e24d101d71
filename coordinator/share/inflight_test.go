package share

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/protocol"
)

func newFloor(t *testing.T) *floor {
	return &floor{t: t, s: NewInFlight(0, nil), changes: map[string]*Change{}, batchSize: 100, locks: 100, deliveries: 5}
}

// floor is a share partition over a log whose batches a scenario gives.
type floor struct {
	t       *testing.T
	s       *InFlight
	log     []Extent
	now     time.Duration
	changes map[string]*Change
	said    []string

	batchSize, locks, deliveries int
	aborted                      []Extent
}

const lockTime = 30 * time.Second

func (f *floor) say(format string, args ...any) {
	f.said = append(f.said, fmt.Sprintf(format, args...))
}

func (f *floor) number(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		f.t.Fatal(err)
	}
	return n
}

func (f *floor) extents(words []string) (all []Extent) {
	for _, w := range words {
		first, last, ok := strings.Cut(w, "-")
		if !ok {
			last = first
		}
		all = append(all, Extent{protocol.Offset(f.number(first)), protocol.Offset(f.number(last))})
	}
	return all
}

// state is what is in flight: batches in brackets, with a star when they are tracked.
func (f *floor) state() string {
	text := fmt.Sprintf("%d to %d, next %d, complete %d:", f.s.start, f.s.end, f.s.Next(), f.s.Complete())
	for i := range f.s.batches {
		b := &f.s.batches[i]
		text += " ["
		for j, r := range b.runs {
			if j > 0 {
				text += " "
			}
			text += fmt.Sprintf("%d-%d %s", r.first, r.last, showSlot(r.slot))
			if r.change != nil {
				text += " was " + showSlot(r.before)
			}
		}
		text += "]"
		if b.tracked {
			text += "*"
		}
	}
	return text
}

func showSlot(s slot) string {
	text := fmt.Sprintf("%s:%d", s.state, s.count)
	if s.member != "" {
		text += fmt.Sprintf(" %s until %s", s.member, s.until)
	}
	return text
}

func (f *floor) changed(name string, c *Change) {
	if c == nil {
		f.say("nothing to write")
		return
	}
	f.say("write start %d, complete %d%s", c.Start, c.Complete, showBatches(c.Batches))
	f.changes[name] = c
}

// fetch reads the log from the next offset on, as a broker does.
func (f *floor) fetch(member string, limit int, strict bool) {
	if !f.s.CanAcquire(f.locks) {
		f.say("nothing can be acquired")
		return
	}
	from := f.s.Next()
	i := slices.IndexFunc(f.log, func(e Extent) bool { return e.Last >= from })
	if i < 0 {
		f.say("no records at %d", from)
		return
	}
	got := f.s.Acquire(AcquireInput{
		Member: member, From: from, Fetched: f.log[i:], Aborted: f.aborted, RecordsMax: limit, Strict: strict,
		BatchSize: f.batchSize, Until: f.now + lockTime, LocksMax: f.locks, DeliveriesMax: f.deliveries,
	})
	text := member + " gets"
	for _, d := range got {
		text += fmt.Sprintf(" %d-%d:%d", d.First, d.Last, d.Count)
	}
	f.say("%s", text)
}

var typesByName = map[byte]AcknowledgeType{'g': Gap, 'k': Accept, 'r': Release, 'x': Reject, 'n': Renew}

// play plays one command and tells what is in flight then.
func (f *floor) play(words []string) []string {
	f.said = nil
	f.run(words)
	return append(f.said, f.state())
}

func (f *floor) run(words []string) {
	switch words[0] {
	case "log": // FIRST-LAST... the batches of the log
		f.log = f.extents(words[1:])
	case "aborted": // FIRST-LAST... those of aborted transactions
		f.aborted = f.extents(words[1:])
	case "size", "locks", "deliveries":
		*map[string]*int{"size": &f.batchSize, "locks": &f.locks, "deliveries": &f.deliveries}[words[0]] = int(f.number(words[1]))
	case "load": // START BATCH...
		f.s = NewInFlight(protocol.Offset(f.number(words[1])), readBatches(f.t, words[2:]))
	case "fetch", "strict": // MEMBER LIMIT
		f.fetch(words[1], int(f.number(words[2])), words[0] == "strict")
	case "ack": // CHANGE MEMBER FIRST-LAST:TYPES...
		in := AcknowledgeInput{Member: words[2], DeliveriesMax: f.deliveries, RenewAllowed: true, RenewUntil: f.now + lockTime}
		for _, w := range words[3:] {
			where, types, _ := strings.Cut(w, ":")
			e := f.extents([]string{where})[0]
			a := Acknowledgement{First: e.First, Last: e.Last}
			for i := range types {
				a.Types = append(a.Types, typesByName[types[i]])
			}
			in.Batches = append(in.Batches, a)
		}
		c, err := f.s.Acknowledge(in)
		if err != nil {
			f.say("%v", err)
			return
		}
		f.changed(words[1], c)
	case "release": // CHANGE MEMBER
		f.changed(words[1], f.s.Release(words[2], f.deliveries))
	case "stored", "lost": // CHANGE
		if c := f.changes[words[1]]; c != nil {
			f.s.Settle(c, words[0] == "stored", f.now)
		} else {
			f.say("no such change")
		}
	case "sleep": // DURATION
		d, err := time.ParseDuration(words[1])
		if err != nil {
			f.t.Fatal(err)
		}
		f.now += d
	case "expire":
		f.changed("", f.s.ExpireLocks(f.now, f.deliveries))
	case "start": // OFFSET of the log
		f.s.Advance(protocol.Offset(f.number(words[1])))
	default:
		f.t.Fatalf("no command %q", words[0])
	}
}
