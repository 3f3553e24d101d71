// Package record is what a run of the benchmarks leaves for machines: every sample
// of every round, what it was measured on, and how the goals were met. It reads
// and merges such files; the page and the comparison are made from them.
package record

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
)

// Run is one run, or several merged into one.
type Run struct {
	// Date is when it began, in UTC, as RFC 3339 writes it.
	Date    string  `json:"date"`
	Machine Machine `json:"machine"`
	// Versions of the brokers and clients, by name.
	Versions map[string]string `json:"versions"`
	// Flags are those of the command line, of all runs one after the other.
	Flags  []string `json:"flags"`
	Series []Series `json:"series"`
}

// Series is one table.
type Series struct {
	Title string `json:"title"`
	// Workloads are those that were taken, whether they failed or not.
	Workloads []string `json:"workloads,omitempty"`
	Columns   []string `json:"columns"`
	// OfFirst says that the ratios are of each column to the first; else they are
	// of the first to each other one.
	OfFirst bool      `json:"of_first,omitempty"`
	Figures []Figure  `json:"figures"`
	Goals   []Verdict `json:"goals,omitempty"`
	// Notes tell what the reader has to know, and Failures which workloads failed.
	Notes    []string `json:"notes,omitempty"`
	Failures []string `json:"failures,omitempty"`
	// Rounds are all that were measured, those that are void as well.
	Rounds []Round `json:"rounds,omitempty"`
}

// Neither is the Better of a figure by which nobody is ahead: it is of the load.
const Neither = "neither"

// Figure is a row: the samples of the rounds that count, by column.
type Figure struct {
	Name    string               `json:"name"`
	Unit    string               `json:"unit"`
	Better  string               `json:"better"`
	Samples map[string][]float64 `json:"samples"`
	// Date is that of the run that measured it, and Version that of Barnabas then.
	Date    string `json:"date,omitempty"`
	Version string `json:"version,omitempty"`
	// Earlier has the dates of those columns that are of an earlier run than the others,
	// because that of Date did not measure them: there is no ratio to them.
	Earlier map[string]string `json:"earlier,omitempty"`
}

// Verdict is a goal: met, missed, or not measured.
type Verdict struct {
	Row  string `json:"row"`
	Unit string `json:"unit"`
	// Column is the broker that was judged against, Among those of which the goal
	// means the best.
	Column string `json:"column"`
	Among  string `json:"among,omitempty"`
	// Ratio tells whether Got and Bound are ratios to the column; else they are in
	// Unit. AtMost tells which side of the bound is good.
	Ratio  bool    `json:"ratio,omitempty"`
	AtMost bool    `json:"at_most,omitempty"`
	Got    float64 `json:"got"`
	Bound  float64 `json:"bound"`
	Met    bool    `json:"met"`
	// Samples are as many as the figure that has the fewest of those judged. Missing
	// tells why there is no verdict; then neither Met nor Got says anything.
	Samples int    `json:"samples,omitempty"`
	Missing string `json:"missing,omitempty"`
	// Unsteady says that the machine moved in every round.
	Unsteady bool `json:"unsteady,omitempty"`
}

// Outcome is the verdict in a word or two.
func (v Verdict) Outcome() string {
	switch {
	case v.Missing != "":
		return "NOT MEASURED"
	case v.Met:
		return "met"
	}
	return "MISSED"
}

// same tells whether two verdicts are of one goal.
func (v Verdict) same(o Verdict) bool {
	among := func(v Verdict) string { return cmp.Or(v.Among, v.Column) }
	return v.Row == o.Row && v.Unit == o.Unit && v.Ratio == o.Ratio && among(v) == among(o)
}

// String is the verdict as a line.
func (v Verdict) String() string {
	text, suffix := v.Column, " "+v.Unit
	if v.Ratio {
		text, suffix = "vs "+v.Column, "x"
	}
	limit := "at least"
	if v.AtMost {
		limit = "at most"
	}
	got := fmt.Sprintf("%.3g%s", v.Got, suffix)
	if v.Missing != "" {
		got = v.Missing
	}
	text = fmt.Sprintf("goal %-12s %s, %s, %s: %s, %s %.3g%s", v.Outcome(), v.Row, v.Unit, text, got, limit, v.Bound, suffix)
	if v.Samples > 0 {
		text += fmt.Sprintf(" (%d samples)", v.Samples)
	}
	if v.Unsteady {
		text += " - but the machine was not steady"
	}
	return text
}

// Round is one attempt at a round: what was measured, and what the machine was
// like meanwhile, told by a broker that stores nothing, in the first half (Before) and
// in the second.
type Round struct {
	Round   int     `json:"round"`
	Attempt int     `json:"attempt"`
	Before  Reading `json:"null_before"`
	After   Reading `json:"null_after"`
	// Moved is by how much the readings differ from the first one of the first valid round.
	Moved float64 `json:"null_moved"`
	// Steal is the share of the machine's time that its host gave to others.
	Steal float64 `json:"steal"`
	// Busy are the measurements that began while others were at work.
	Busy int `json:"busy,omitempty"`
	// Void rounds do not count.
	Void    bool     `json:"void"`
	Figures []Figure `json:"figures,omitempty"`
}

// Reading is what the null broker reached: small requests and large ones.
type Reading struct {
	RequestsPerSecond  float64 `json:"requests_per_s"`
	MegabytesPerSecond float64 `json:"mb_per_s"`
}

// Read reads a file.
func Read(path string) (Run, error) {
	var r Run
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		return r, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// Write writes a file, whole or not at all: a run may be interrupted.
func (r Run) Write(path string) error {
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	part := path + ".part"
	if err := os.WriteFile(part, append(listOfNumbers.ReplaceAllFunc(text, oneLine), '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(part, path)
}

// Earlier is what a file has already of the day's run, to be merged with a part of it
// that follows; none where there is no file. A file of another machine is refused
// before anything is measured.
func Earlier(path string, next Run) ([]Run, error) {
	r, err := Read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		_, err = Merge(r, next)
	}
	if err != nil {
		return nil, fmt.Errorf("%w; name another file, or remove this one", err)
	}
	return []Run{r}, nil
}

// Ratio of a figure between the first column and another; 0 is none.
func (s Series) Ratio(f Figure, column string) float64 {
	if f.Earlier[s.Columns[0]] != f.Earlier[column] {
		return 0 // they were not measured beside each other
	}
	first, other := Median(f.Samples[s.Columns[0]]), Median(f.Samples[column])
	switch {
	case first == 0 || other == 0 || f.Better == Neither:
		return 0
	case s.OfFirst:
		return other / first
	}
	return first / other
}

// Median of samples, 0 of none.
func Median(samples []float64) float64 {
	if len(samples) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(samples))
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}

// Number is a figure for a person: three digits or more.
func Number(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// Spread is the median with the lowest and the highest in brackets.
func Spread(samples []float64) string {
	switch len(samples) {
	case 0:
		return "-"
	case 1:
		return Number(samples[0])
	}
	return fmt.Sprintf("%s (%s-%s)", Number(Median(samples)), Number(slices.Min(samples)), Number(slices.Max(samples)))
}

// Times is a ratio for a person; 0 is none.
func Times(ratio float64) string {
	if ratio == 0 {
		return "-"
	}
	return fmt.Sprintf("%.3gx", ratio)
}
