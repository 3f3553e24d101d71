package soak

import (
	"fmt"
	"regexp"
	"strings"
)

// kind is a column of the ledger.
type kind int

const (
	lost kind = iota
	doubled
	reordered
	aborted
	back
	other
	kinds
)

var columns = [kinds]string{"lost", "doubled", "reordered", "aborted", "back", "other"}

// kindOf is the column of what the checkers call a broken promise.
var kindOf = map[string]kind{
	"lost": lost, "vanished": lost,
	"doubled":   doubled,
	"reordered": reordered, "backwards": reordered,
	"aborted": aborted, "early": aborted,
	"back": back,
}

// row is what is known of one load.
type row struct {
	name              string
	sent, acked, read int
	broken            [kinds]int
	texts             []string
}

// label is what a finding begins with, behind the partition that it is of.
var label = regexp.MustCompile(`^(?:partition \d+: )?([a-z ]+):`)

// add takes findings in.
func (r *row) add(findings []string) {
	for _, text := range findings {
		k := other
		if m := label.FindStringSubmatch(text); m != nil {
			if known, ok := kindOf[m[1]]; ok {
				k = known
			}
		}
		r.broken[k]++
		r.texts = append(r.texts, r.name+": "+text)
	}
}

// ledger is the sum of rounds.
type ledger struct {
	rows []row
	// troubles counts what was done to the broker.
	troubles map[trouble]int
}

// plus adds the rows of a round, by name.
func (l *ledger) plus(rows []row) {
	for _, more := range rows {
		r := l.row(more.name)
		r.sent, r.acked, r.read = r.sent+more.sent, r.acked+more.acked, r.read+more.read
		for k, n := range more.broken {
			r.broken[k] += n
		}
		r.texts = append(r.texts, more.texts...)
	}
}

func (l *ledger) row(name string) *row {
	for i := range l.rows {
		if l.rows[i].name == name {
			return &l.rows[i]
		}
	}
	l.rows = append(l.rows, row{name: name})
	return &l.rows[len(l.rows)-1]
}

// isBroken tells whether any promise was.
func (l *ledger) isBroken() bool {
	for _, r := range l.rows {
		if r.broken != [kinds]int{} {
			return true
		}
	}
	return false
}

// String is a table.
func (l *ledger) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-22s %9s %9s %9s", "", "sent", "acked", "read")
	for _, c := range columns {
		fmt.Fprintf(&b, " %9s", c)
	}
	for _, r := range l.rows {
		fmt.Fprintf(&b, "\n%-22s %9d %9d %9d", r.name, r.sent, r.acked, r.read)
		for _, n := range r.broken {
			fmt.Fprintf(&b, " %9d", n)
		}
	}
	var done []string
	for t := range troubles {
		if n := l.troubles[t]; n > 0 {
			done = append(done, fmt.Sprintf("%s %d", t, n))
		}
	}
	return b.String() + "\ntrouble: " + strings.Join(done, ", ")
}
