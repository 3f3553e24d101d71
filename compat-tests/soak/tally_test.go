package soak

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/compat-tests/crash"
	"github.com/barnabas-mq/barnabas/compat-tests/txnhistory"
)

// damaged is a crash ledger of one partition of which three values were sent and
// acknowledged; damage is what readers find.
func damaged(damage func(l *crash.Ledger)) []string {
	l := crash.NewLedger(1)
	for range 3 {
		value := l.Send(0)
		l.Acked(0, value, int64(value))
	}
	damage(l)
	return l.Check()
}

// told is a history of a transaction with one value that was aborted; find is what a
// reader of the committed gets.
func told(find func(h *txnhistory.History, v txnhistory.Value)) []string {
	h := txnhistory.New(nil)
	id := txnhistory.ID{}
	h.Begin(id)
	v := h.Send(id, 0)
	h.Ended(id, txnhistory.Aborted)
	find(h, v)
	return h.Check()
}

// watched is a group of one partition that has committed 5 of 10.
func watchedAt(offset int64) []string {
	w := newWatch(1)
	a := w.begins("a")
	w.assigned(a, zero)
	for i := range int64(10) {
		w.read(a, 0, i)
	}
	w.committed(0, 5)
	w.told(0, 5, offset)
	return w.check([]int64{10})
}

// Damage of each kind, as the checkers find it, is in its column of the ledger, and the
// run is broken.
func TestTheLedgerShowsInjectedDamage(t *testing.T) {
	tests := []struct {
		name     string
		findings []string
		want     kind
	}{
		{"a record is gone", damaged(func(l *crash.Ledger) { l.Read(0, 0, 0); l.Read(0, 1, 1) }), lost},
		{"a record that was seen is gone", damaged(func(l *crash.Ledger) {
			l.Send(0)
			l.Seen(0, 3, 3)
			for i := range 3 {
				l.Read(0, i, int64(i))
			}
		}), lost},
		{"a record is there twice", damaged(func(l *crash.Ledger) {
			for i, value := range []int{0, 1, 2, 2} {
				l.Read(0, value, int64(i))
			}
		}), doubled},
		{"a record that was never acknowledged comes too late", damaged(func(l *crash.Ledger) {
			l.Send(0)
			l.Send(0)
			for i, value := range []int{0, 1, 2, 4, 3} {
				l.Read(0, value, int64(i))
			}
		}), reordered},
		{"another record is there", damaged(func(l *crash.Ledger) {
			for i, value := range []int{0, 1, 2, 77} {
				l.Read(0, value, int64(i))
			}
		}), other},
		{"a mark fell", damaged(func(l *crash.Ledger) {
			l.Marks(0, 0, 3, 3)
			l.Marks(0, 0, 2, 2)
			for i := range 3 {
				l.Read(0, i, int64(i))
			}
		}), other},
		{"the live reader got what was aborted", told(func(h *txnhistory.History, v txnhistory.Value) {
			h.Seen("r", nil, 0, txnhistory.Entry{Value: v.String()})
		}), aborted},
		{"a committed offset is forgotten", watchedAt(-1), back},
		{"a committed offset is one too low", watchedAt(4), back},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := row{name: "damaged"}
			r.add(test.findings)
			var want [kinds]int
			want[test.want] = 1
			if r.broken != want {
				t.Errorf("the columns are %v, want one in %s; found %q", r.broken, columns[test.want], test.findings)
			}
			var sum ledger
			sum.plus([]row{r})
			if !sum.isBroken() || !strings.Contains(sum.String(), "damaged") {
				t.Errorf("the ledger does not show it:\n%v", &sum)
			}
		})
	}
	whole := row{name: "whole"}
	whole.add(damaged(func(l *crash.Ledger) {
		for i := range 3 {
			l.Read(0, i, int64(i))
		}
	}))
	whole.add(watchedAt(5))
	sum := ledger{}
	sum.plus([]row{whole})
	if sum.isBroken() {
		t.Errorf("the ledger shows damage where there is none: %q", whole.texts)
	}
}

// A seed repeats the plan, which has every trouble in it and ends before the round does.
func TestTheSeedRepeatsThePlan(t *testing.T) {
	all := []trouble{killed, killedTwice, stopped, paused, full, killedWhileFull}
	planOf := func(seed uint64) []planned { return plan(rand.New(rand.NewPCG(seed, 0)), time.Minute, all, 1) }
	first := planOf(1)
	if !slices.Equal(first, planOf(1)) {
		t.Error("one seed has two plans")
	}
	if slices.Equal(first, planOf(2)) {
		t.Error("two seeds have one plan")
	}
	for _, what := range all {
		if !slices.ContainsFunc(first, func(p planned) bool { return p.what == what }) {
			t.Errorf("the plan has no: %s", what)
		}
	}
	if last := first[len(first)-1]; last.at > time.Minute-calm {
		t.Errorf("the last trouble comes at %v", last.at)
	}
}
