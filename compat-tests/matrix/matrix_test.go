package matrix

import (
	"os"
	"slices"
	"testing"
	"time"
)

var cell = Cell{Table: Clients, Subject: "kcat", Version: "1.7.1", Language: "C", Scenario: "group", Target: Barnabas}

// The page must show the record.
func TestPageIsUpToDate(t *testing.T) {
	results, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	_, path := Files()
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	updated, err := results.Update(page)
	if err != nil {
		t.Fatal(err)
	}
	if string(updated) != string(page) {
		t.Error("docs/compatibility.md does not show results.json; `go run ./matrix/write` with an empty folder writes it anew")
	}
}

// What is not in the record is told, whatever it is.
func TestHas(t *testing.T) {
	var r Results
	r.Add(cell)
	if err := r.Has(cell); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*Cell){
		"subject":  func(c *Cell) { c.Subject = "other" },
		"version":  func(c *Cell) { c.Version = "1.7.2" },
		"scenario": func(c *Cell) { c.Scenario = "static" },
		"target":   func(c *Cell) { c.Target = Kafka },
		"table":    func(c *Cell) { c.Table = Ecosystem },
		"language": func(c *Cell) { c.Language = "Go" },
	} {
		other := cell
		change(&other)
		if r.Has(other) == nil {
			t.Errorf("another %s is not seen", name)
		}
	}
}

// A new version begins a row anew: what passed before says nothing of it.
func TestAddBeginsANewVersionAnew(t *testing.T) {
	var r Results
	r.Add(cell)
	newer := cell
	newer.Version, newer.Scenario = "2.0.0", "static"
	r.Add(newer)
	if r.Has(newer) != nil || r.Has(cell) == nil || len(r.Rows) != 1 || len(r.Rows[0].Passed) != 1 {
		t.Errorf("%+v", r)
	}
}

func TestCellsOfARunAreRead(t *testing.T) {
	folder := t.TempDir()
	other := cell
	other.Scenario = "large"
	for _, c := range []Cell{cell, other, cell} {
		if err := c.write(folder, time.Unix(0, 0)); err != nil {
			t.Fatal(err)
		}
	}
	cells, err := Read(folder)
	if err != nil || len(cells) != 2 || cells[0].Date != "1970-01-01" {
		t.Errorf("%+v, %v", cells, err)
	}
}

func TestUpdateReplacesTheTables(t *testing.T) {
	var r Results
	r.Add(cell)
	page := []byte("before\n" + pageBegin + "old\n" + pageEnd + "after\n")
	first, err := r.Update(page)
	if err != nil {
		t.Fatal(err)
	}
	again, err := r.Update(first)
	if err != nil || !slices.Equal(first, again) {
		t.Errorf("%s\n%s\n%v", first, again, err)
	}
	if _, err := r.Update([]byte("no tables")); err == nil {
		t.Error("a page without the lines is taken")
	}
}
