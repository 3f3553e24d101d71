package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/barnabas-mq/barnabas/compat-tests/bench/record"
)

func exampleRun() record.Run {
	return record.Run{
		Date: "2026-01-02T03:04:05Z", Machine: record.Machine{CPU: "X", Cores: 2}, Versions: map[string]string{"kafka": "4.3.1", "barnabas": "1"},
		Series: []record.Series{{
			Title: "side by side (dev)", Columns: []string{"barnabas", "kafka-4.3.1", "null"},
			Figures: []record.Figure{
				{Name: "produce", Unit: "MB/s", Better: "higher", Samples: map[string][]float64{"barnabas": {8, 9, 10}, "kafka-4.3.1": {3}, "null": {18}}},
				{Name: "a < b", Unit: "CPU s/GB", Better: "lower", Samples: map[string][]float64{"barnabas": {1}, "kafka-4.3.1": {20}}},
				{Name: "late", Unit: "ms", Better: record.Neither, Samples: map[string][]float64{"barnabas": {1}, "kafka-4.3.1": {20}}},
			},
			Goals: []record.Verdict{{Row: "produce", Unit: "MB/s", Column: "kafka-4.3.1", Ratio: true, Got: 3, Bound: 4}},
			Notes: []string{"a note"}, Failures: []string{"x on y: broken\nwith a log"},
			Rounds: []record.Round{{Void: true}, {}},
		}},
	}
}

// The page keeps what is written by hand; the results stand between the marks, and
// writing them again changes nothing.
func TestPage(t *testing.T) {
	docs := t.TempDir()
	path := filepath.Join(docs, "performance.md")
	if err := os.WriteFile(path, []byte("before\n"+beginMark+"\nold\n"+endMark+"\nafter\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	run := filepath.Join(docs, "run.json")
	if err := exampleRun().Write(run); err != nil {
		t.Fatal(err)
	}
	var first string
	for range 2 {
		if err := write(docs, []string{run}); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if first != "" && first != string(text) {
			t.Error("written again, the page differs")
		}
		first = string(text)
	}
	for _, want := range []string{
		"before\n", "\nafter\n", "Measured on 2026-01-02: 2 cores of X", "barnabas 1; kafka 4.3.1", "| produce | MB/s | 9.00 (8.00-10.0) | 3.00 | 18.0 | 3x | 0.5x |",
		"| late | ms | 1.00 | 20.0 | - | - | - |",
		"| produce, MB/s, to kafka-4.3.1 | 3x | >= 4x | **missed** |", "1 of 2 rounds were void", "- a note", "- failed: x on y: broken\n", "(performance/side-by-side.svg)",
	} {
		if !strings.Contains(first, want) {
			t.Errorf("no %q in\n%s", want, first)
		}
	}
	if strings.Contains(first, "old") || strings.Contains(first, "with a log") {
		t.Errorf("too much in\n%s", first)
	}
	if _, err := between([]byte("no marks"), ""); err == nil {
		t.Error("a page without marks is written")
	}
}

// Figures of several runs say of which; a column of an earlier one has its date and no
// ratio.
func TestPageOfSeveralRuns(t *testing.T) {
	r := exampleRun()
	figures := r.Series[0].Figures
	figures[0].Date, figures[0].Version = "2026-01-02T03:04:05Z", "v2"
	figures[1].Date, figures[1].Version = "2026-01-01T03:04:05Z", "v1"
	figures[0].Earlier = map[string]string{"null": "2026-01-01T00:00:00Z"}
	text := results(r, nil)
	for _, want := range []string{"| 18.0, of 2026-01-01 | 3x | - |", "- of 2026-01-02, Barnabas v2: produce (MB/s)\n", "- of 2026-01-01, Barnabas v1: a < b (CPU s/GB)\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// A plot is well-formed XML; less is better turns into how many times better, and what
// nobody is ahead by has no bars.
func TestPlot(t *testing.T) {
	plots := plotsOf(exampleRun())
	if len(plots) != 1 || len(plots[0].rows) != 2 || plots[0].rows[1].times[0] != 20 || plots[0].rows[0].times[1] != 0.5 {
		t.Fatalf("plots %+v", plots)
	}
	svg := plots[0].svg()
	decoder := xml.NewDecoder(strings.NewReader(svg))
	for {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%v in\n%s", err, svg)
		}
	}
	if low, high := plots[0].decades(); low != -1 || high != 2 {
		t.Errorf("axis from 10^%v to 10^%v", low, high)
	}
}
