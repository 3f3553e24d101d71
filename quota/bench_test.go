package quota

import (
	"strconv"
	"testing"
)

// BenchmarkLimits makes the limits of 10,000 users, as each alteration of a quota does.
func BenchmarkLimits(b *testing.B) {
	users := make([]Part, 10_000)
	for i := range users {
		users[i] = Named("user" + strconv.Itoa(i))
	}
	b.ReportAllocs()
	for b.Loop() {
		l := new(Limits)
		for _, user := range users {
			l.Set(Produce, user, Part{}, 1000)
		}
	}
}

// BenchmarkSweep forgets half of a full ledger, once in as many new accounts.
func BenchmarkSweep(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		c := newClients()
		l := &c.ledgers[Produce]
		for i := range accountsMax {
			l.account(uint64(i), 10, 0).rate.Record(l.window, float64(i), 0)
		}
		b.StartTimer()
		l.sweep(1)
	}
}
