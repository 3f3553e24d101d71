package matrix

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
)

// The brokers of the matrix.
const (
	Barnabas = "barnabas"
	Kafka    = "kafka-4.3.1"
)

// The tables of the page.
const (
	Clients   = "clients"
	Ecosystem = "ecosystem"
)

// Cell is one thing that was seen to work.
type Cell struct {
	// Table is Clients or Ecosystem.
	Table string `json:"table"`
	// Subject is what was tried: a row.
	Subject string `json:"subject"`
	// Version of the subject, as it says itself or as its lock file pins it.
	Version string `json:"version"`
	// Language or origin of the subject.
	Language string `json:"language"`
	// Scenario is what was tried with it: a column.
	Scenario string `json:"scenario"`
	// Target is Barnabas or Kafka.
	Target string `json:"target"`
	// Date is the day of the run, as in 2006-01-02.
	Date string `json:"date"`
}

// Results is the record.
type Results struct {
	// Dates are the days of the last recorded run, by target.
	Dates map[string]string `json:"dates"`
	Rows  []Row             `json:"rows"`
}

// Row is what was seen of one subject.
type Row struct {
	Table    string `json:"table"`
	Subject  string `json:"subject"`
	Version  string `json:"version"`
	Language string `json:"language"`
	// Passed are the targets by scenario.
	Passed map[string][]string `json:"passed"`
}

//go:embed results.json
var recorded []byte

// Load reads the record as it was when this package was built.
func Load() (*Results, error) {
	r := &Results{}
	if err := json.Unmarshal(recorded, r); err != nil {
		return nil, fmt.Errorf("results.json: %w", err)
	}
	return r, nil
}

// Has tells whether a cell is in the record, and if not, what there is instead.
func (r *Results) Has(c Cell) error {
	row := r.row(c.Table, c.Subject)
	switch {
	case row == nil:
		return fmt.Errorf("the matrix has no row %s", c.Subject)
	case row.Version != c.Version || row.Language != c.Language:
		return fmt.Errorf("the matrix has %s %s (%s), this is %s (%s)", c.Subject, row.Version, row.Language, c.Version, c.Language)
	case !slices.Contains(row.Passed[c.Scenario], c.Target):
		return fmt.Errorf("the matrix does not have that %s passes %s on %s", c.Subject, c.Scenario, c.Target)
	}
	return nil
}

// Add puts a cell in the record. A row in another version begins anew.
func (r *Results) Add(c Cell) {
	if r.Dates == nil {
		r.Dates = map[string]string{}
	}
	r.Dates[c.Target] = max(r.Dates[c.Target], c.Date)
	row := r.row(c.Table, c.Subject)
	if row == nil {
		r.Rows = append(r.Rows, Row{Table: c.Table, Subject: c.Subject})
		row = &r.Rows[len(r.Rows)-1]
	}
	if row.Version != c.Version || row.Language != c.Language {
		row.Version, row.Language, row.Passed = c.Version, c.Language, map[string][]string{}
	}
	if targets := row.Passed[c.Scenario]; !slices.Contains(targets, c.Target) {
		row.Passed[c.Scenario] = slices.Sorted(slices.Values(append(targets, c.Target)))
	}
	slices.SortStableFunc(r.Rows, func(a, b Row) int { return cmp.Or(cmp.Compare(a.Table, b.Table), cmp.Compare(a.Subject, b.Subject)) })
}

func (r *Results) row(table, subject string) *Row {
	i := slices.IndexFunc(r.Rows, func(row Row) bool { return row.Table == table && row.Subject == subject })
	if i < 0 {
		return nil
	}
	return &r.Rows[i]
}

// Encode is the record as its file holds it.
func (r *Results) Encode() ([]byte, error) {
	b, err := json.MarshalIndent(r, "", " ")
	return append(b, '\n'), err
}

// Files are where the record and the page are in the sources.
func Files() (results, page string) {
	_, file, _, _ := runtime.Caller(0)
	folder := filepath.Dir(file)
	return filepath.Join(folder, "results.json"), filepath.Join(folder, "..", "..", "docs", "compatibility.md")
}
