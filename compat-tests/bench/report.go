package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/barnabas-mq/barnabas/compat-tests/bench/record"
)

// direction tells which way a figure is better.
type direction int

const (
	higher direction = iota
	lower
	// neither is of the load, not of the broker: nobody is ahead by it.
	neither
)

// row is one figure, with a sample per round and broker.
type row struct {
	name, unit string
	better     direction
	samples    map[string][]float64
}

// table holds all figures in the order in which they first came.
type table struct {
	// brokers are the columns. Ratios are of the first to each other one, or of
	// each other one to the first.
	brokers []string
	ofFirst bool
	rows    []*row
	goals   []goal
	// busy are phases that began while others were at work.
	busy int
	// unsteady says that only void rounds were there to take figures from.
	unsteady bool
	// least is how many samples of a figure a verdict takes; 0 is one.
	least int
	// notes tell what the reader has to know, failures which workloads failed.
	notes, failures []string
	rounds          []record.Round
}

// note keeps a note, once.
func (t *table) note(format string, args ...any) {
	if note := fmt.Sprintf(format, args...); !slices.Contains(t.notes, note) {
		t.notes = append(t.notes, note)
		fmt.Fprintln(os.Stderr, note)
	}
}

// noteBusy says how many measurements others may have disturbed.
func (t *table) noteBusy() {
	if t.busy > 0 {
		t.note("%d measurements began though the machine had not been %.0f %% idle within %v", t.busy, 100*idleShare, idlePatience)
	}
}

// fail notes a workload that failed; the others go on.
func (t *table) fail(format string, args ...any) {
	t.failures = append(t.failures, fmt.Sprintf(format, args...))
	fmt.Fprintln(os.Stderr, "FAILED", t.failures[len(t.failures)-1])
}

// merge adds the samples and the notes of another table.
func (t *table) merge(other *table) {
	t.busy += other.busy
	for _, note := range other.notes {
		if !slices.Contains(t.notes, note) {
			t.notes = append(t.notes, note)
		}
	}
	for _, r := range other.rows {
		for _, broker := range other.brokers {
			for _, v := range r.samples[broker] {
				t.add(r.name, r.unit, r.better, broker, v)
			}
		}
	}
}

func newTable(brokers []contender) *table {
	t := &table{}
	for _, b := range brokers {
		t.brokers = append(t.brokers, b.Name())
	}
	if len(brokers) == 0 { // it did not start
		t.brokers = []string{"barnabas"}
	}
	return t
}

func (t *table) add(name, unit string, better direction, broker string, v float64) {
	for _, r := range t.rows {
		if r.name == name && r.unit == unit {
			r.samples[broker] = append(r.samples[broker], v)
			return
		}
	}
	t.rows = append(t.rows, &row{name, unit, better, map[string][]float64{broker: {v}}})
}

// memory adds the resident memory of every broker that still runs.
func (t *table) memory(name string, brokers []contender) {
	for _, b := range brokers {
		u, err := b.Usage()
		if err != nil {
			t.fail("%s on %s: %v", name, b.Name(), err)
			continue
		}
		t.add(name, "MiB", lower, b.Name(), float64(u.RSS)/(1<<20))
	}
}

// measure runs a workload once and adds its figures.
func (t *table) measure(w workload, b contender, o options) error {
	phases, err := w.run(b, o)
	if err != nil {
		return err
	}
	for _, p := range phases {
		t.addPhase(b.Name(), p)
	}
	return nil
}

// asNamed notes a number of things that is not the one that rows and workloads are named
// for.
func asNamed(things string, n, named int) []string {
	if n == named {
		return nil
	}
	return []string{fmt.Sprintf("%d %s, where names say %d", n, things, named)}
}

func (t *table) addPhase(broker string, p phase) {
	if p.busy {
		t.busy++
	}
	for _, note := range p.notes {
		t.note("%s: %s", broker, note)
	}
	for _, m := range p.more {
		t.add(m.name, m.unit, m.better, broker, m.value)
	}
	if len(p.latencies) > 0 {
		t.add(p.name, "p50 ms", lower, broker, millis(percentile(p.latencies, 50)))
		t.add(p.name, "p99 ms", lower, broker, millis(percentile(p.latencies, 99)))
	}
	if p.rss > 0 {
		defer t.add(p.name, "RSS MiB", lower, broker, float64(p.rss)/(1<<20)) // below the others
	}
	switch {
	case p.bytes > 0:
		t.add(p.name, "MB/s", higher, broker, float64(p.bytes)/1e6/p.wall.Seconds())
		t.add(p.name, "CPU s/GB", lower, broker, p.cpu.Seconds()/(float64(p.bytes)/1e9))
	case p.requests > 0:
		t.add(p.name, "k/s", higher, broker, float64(p.requests)/1e3/p.wall.Seconds())
		t.add(p.name, "CPU us each", lower, broker, float64(p.cpu.Microseconds())/float64(p.requests))
	}
}

func percentile(samples []time.Duration, percent int) time.Duration {
	sorted := slices.Sorted(slices.Values(samples))
	return sorted[min(len(sorted)-1, len(sorted)*percent/100)]
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func median(samples []float64) float64 { return record.Median(samples) }

// String is the table for a person: medians, the spread in brackets, what
// Barnabas is of each other (or each other of the first), and the goals.
func (t *table) String() string {
	const columnWidth, ratioWidth = 26, 14
	var b strings.Builder
	nameWidth := 34
	for _, r := range t.rows {
		nameWidth = max(nameWidth, len(r.name))
	}
	fmt.Fprintf(&b, "%-*s %-12s", nameWidth, "", "")
	for _, name := range t.brokers {
		fmt.Fprintf(&b, " %*s", columnWidth, name)
	}
	for _, name := range t.brokers[1:] {
		if !t.ofFirst {
			name = "vs " + name
		}
		fmt.Fprintf(&b, " %*s", max(ratioWidth, len(name)), name)
	}
	b.WriteByte('\n')
	for _, r := range t.rows {
		fmt.Fprintf(&b, "%-*s %-12s", nameWidth, r.name, r.unit)
		for _, name := range t.brokers {
			fmt.Fprintf(&b, " %*s", columnWidth, record.Spread(r.samples[name]))
		}
		for _, name := range t.brokers[1:] {
			width := max(ratioWidth, len(name))
			if !t.ofFirst {
				width = max(ratioWidth, len("vs "+name))
			}
			fmt.Fprintf(&b, " %*s", width, record.Times(t.ratio(r, name)))
		}
		b.WriteByte('\n')
	}
	if t.ofFirst {
		fmt.Fprintf(&b, "\nMedians, in brackets the lowest and highest. Ratios are of medians, to %s.\n", t.brokers[0])
	} else {
		b.WriteString("\nMedians, in brackets the lowest and highest round. Ratios are of medians; for times, CPU and memory less is better.\n")
	}
	for _, v := range t.verdicts() {
		b.WriteString(v.String() + "\n")
	}
	for _, note := range t.notes {
		b.WriteString("note: " + note + "\n")
	}
	for _, failure := range t.failures {
		b.WriteString("FAILED: " + failure + "\n")
	}
	return b.String()
}

// ratio of a row between the first column and another; 0 is none.
func (t *table) ratio(r *row, column string) float64 {
	first, other := median(r.samples[t.brokers[0]]), median(r.samples[column])
	switch {
	case first == 0 || other == 0 || r.better == neither:
		return 0
	case t.ofFirst:
		return other / first
	}
	return first / other
}

// verdicts are those of all goals, one each.
func (t *table) verdicts() (out []record.Verdict) {
	for _, g := range t.goals {
		out = append(out, g.verdict(t))
	}
	return out
}

// record is the table of a series for machines, as part of a run.
func (t *table) record(s series, of record.Run) record.Series {
	figures := t.figures()
	for i := range figures {
		figures[i].Date, figures[i].Version = of.Date, of.Versions["barnabas"]
	}
	var taken []string
	for _, w := range s.workloads {
		taken = append(taken, w.name)
	}
	return record.Series{Title: s.title, Workloads: taken, Columns: t.brokers, OfFirst: t.ofFirst, Figures: figures, Goals: t.verdicts(),
		Notes: t.notes, Failures: t.failures, Rounds: t.rounds}
}

func (t *table) figures() (out []record.Figure) {
	for _, r := range t.rows {
		better := map[direction]string{higher: "higher", lower: "lower", neither: record.Neither}[r.better]
		out = append(out, record.Figure{Name: r.name, Unit: r.unit, Better: better, Samples: r.samples})
	}
	return out
}
