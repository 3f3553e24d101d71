package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// direction tells which way a figure is better.
type direction int

const (
	higher direction = iota
	lower
)

// row is one figure, with a sample per round and broker.
type row struct {
	name, unit string
	better     direction
	samples    map[string][]float64
}

// table holds all figures in the order in which they first came.
type table struct {
	brokers []string
	rows    []*row
}

func newTable(brokers []contender) *table {
	t := &table{}
	for _, b := range brokers {
		t.brokers = append(t.brokers, b.Name())
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

// memory adds the resident memory of every broker.
func (t *table) memory(name string, brokers []contender) error {
	for _, b := range brokers {
		u, err := b.Usage()
		if err != nil {
			return err
		}
		t.add(name, "MiB", lower, b.Name(), float64(u.RSS)/(1<<20))
	}
	return nil
}

// measure runs a workload once and adds its figures.
func (t *table) measure(w workload, b contender, o options) error {
	phases, err := w.run(b, o)
	if err != nil {
		return err
	}
	for _, p := range phases {
		if p.bytes > 0 {
			t.add(p.name, "MB/s", higher, b.Name(), float64(p.bytes)/1e6/p.wall.Seconds())
			t.add(p.name, "CPU s/GB", lower, b.Name(), p.cpu.Seconds()/(float64(p.bytes)/1e9))
			continue
		}
		t.add(p.name, "k/s", higher, b.Name(), float64(p.requests)/1e3/p.wall.Seconds())
		t.add(p.name, "CPU us each", lower, b.Name(), float64(p.cpu/time.Microsecond)/float64(p.requests))
	}
	return nil
}

func median(samples []float64) float64 {
	if len(samples) == 0 {
		return 0
	}
	s := slices.Clone(samples)
	slices.Sort(s)
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}

// String is the table for a person: medians, the spread in brackets, and what
// Barnabas is of each other.
func (t *table) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-26s %-12s", "", "")
	for _, name := range t.brokers {
		fmt.Fprintf(&b, " %26s", name)
	}
	for _, name := range t.brokers[1:] {
		fmt.Fprintf(&b, " %12s", "vs "+name)
	}
	b.WriteByte('\n')
	for _, r := range t.rows {
		fmt.Fprintf(&b, "%-26s %-12s", r.name, r.unit)
		for _, name := range t.brokers {
			fmt.Fprintf(&b, " %26s", r.spread(name))
		}
		for _, name := range t.brokers[1:] {
			fmt.Fprintf(&b, " %12s", r.ratio(t.brokers[0], name))
		}
		b.WriteByte('\n')
	}
	b.WriteString("\nMedians, in brackets the lowest and highest round. Ratios are of medians; for times, CPU and memory less is better.\n")
	return b.String()
}

func (r *row) spread(broker string) string {
	s := r.samples[broker]
	if len(s) == 0 {
		return "-"
	}
	if len(s) == 1 {
		return number(s[0])
	}
	return fmt.Sprintf("%s (%s-%s)", number(median(s)), number(slices.Min(s)), number(slices.Max(s)))
}

func (r *row) ratio(of, to string) string {
	a, b := median(r.samples[of]), median(r.samples[to])
	if a == 0 || b == 0 {
		return "-"
	}
	return fmt.Sprintf("%.3gx", a/b)
}

func number(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// figure is a row for machines.
type figure struct {
	Name    string               `json:"name"`
	Unit    string               `json:"unit"`
	Better  string               `json:"better"`
	Samples map[string][]float64 `json:"samples"`
}

func (t *table) figures() []figure {
	var out []figure
	for _, r := range t.rows {
		better := "higher"
		if r.better == lower {
			better = "lower"
		}
		out = append(out, figure{r.name, r.unit, better, r.samples})
	}
	return out
}
