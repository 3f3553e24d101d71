package record

import (
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func run(date string, series ...Series) Run {
	return Run{Date: date, Machine: Machine{CPU: "x", Cores: 2}, Versions: map[string]string{"barnabas": date}, Series: series}
}

func figure(name string, ours, theirs float64) Figure {
	return Figure{Name: name, Unit: "MB/s", Better: "higher", Samples: map[string][]float64{"barnabas": {ours}, "kafka": {theirs}}}
}

// A merged run has the figures of all; of a figure that several have, the last one,
// with its verdict.
func TestMerge(t *testing.T) {
	columns := []string{"barnabas", "kafka"}
	first := run("2026-01-01", Series{Title: "a", Columns: columns, Figures: []Figure{figure("fetch", 1, 2), figure("produce", 3, 4)},
		Goals: []Verdict{{Row: "fetch", Unit: "MB/s", Got: 0.5}, {Row: "produce", Unit: "MB/s", Got: 0.75}}})
	second := run("2026-01-02", Series{Title: "a", Columns: columns, Figures: []Figure{figure("fetch", 6, 2)}, Goals: []Verdict{{Row: "fetch", Unit: "MB/s", Got: 3}}},
		Series{Title: "b", Columns: columns, Figures: []Figure{figure("start", 1, 1)}})
	got, err := Merge(first, second)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Series) != 2 || got.Date != "2026-01-02" || got.Versions["barnabas"] != "2026-01-01, 2026-01-02" {
		t.Errorf("merged into %+v", got)
	}
	a := got.Series[0]
	if len(a.Figures) != 2 || a.Ratio(a.Figures[0], "kafka") != 3 || a.Ratio(a.Figures[1], "kafka") != 0.75 {
		t.Errorf("figures %+v", a.Figures)
	}
	var judged []float64
	for _, v := range a.Goals {
		judged = append(judged, v.Got)
	}
	if !slices.Equal(judged, []float64{0.75, 3}) {
		t.Errorf("verdicts of %v", judged)
	}
	second.Machine.Cores = 4
	if _, err := Merge(first, second); err == nil {
		t.Error("runs of two machines merge")
	}
}

// A series that is measured again as a whole leaves nothing of what it was.
func TestMergeReplaces(t *testing.T) {
	first := run("2026-01-01", Series{Title: "a", Columns: []string{"barnabas", "kafka"}, Figures: []Figure{figure("fetch", 1, 2)}, Failures: []string{"produce"}})
	second := run("2026-01-01", Series{Title: "a", Columns: []string{"barnabas", "kafka"}, Figures: []Figure{figure("fetch", 3, 2), figure("produce", 3, 4)}})
	got, err := Merge(first, second)
	if err != nil || len(got.Series) != 1 || len(got.Series[0].Failures) != 0 || len(got.Series[0].Figures) != 2 {
		t.Errorf("merged into %+v, %v", got, err)
	}
	if got.Versions["barnabas"] != "2026-01-01" {
		t.Errorf("versions %v", got.Versions)
	}
}

// Measured again with fewer peers, a figure keeps the columns of those that were left out,
// and nobody is compared with them; failures go with the workload that is taken again.
func TestMergeFewerPeers(t *testing.T) {
	f := figure("fetch", 1, 2)
	f.Date = "2026-01-01"
	alone := Figure{Name: "fetch", Unit: "MB/s", Date: "2026-01-02", Samples: map[string][]float64{"barnabas": {5}}}
	first := run("2026-01-01", Series{Title: "a", Columns: []string{"barnabas", "kafka"}, Workloads: []string{"raw fetch", "other"}, Figures: []Figure{f},
		Failures: []string{"raw fetch on barnabas: x", "other on barnabas: y", "kafka is left out from here on: z"}})
	second := run("2026-01-02", Series{Title: "a", Columns: []string{"barnabas"}, Workloads: []string{"raw fetch"}, Figures: []Figure{alone}})
	got, err := Merge(first, second)
	if err != nil {
		t.Fatal(err)
	}
	a := got.Series[0]
	merged := a.Figures[0]
	if merged.Date != "2026-01-02" || merged.Samples["barnabas"][0] != 5 || merged.Samples["kafka"][0] != 2 || merged.Earlier["kafka"] != "2026-01-01" || a.Ratio(merged, "kafka") != 0 {
		t.Errorf("merged into %+v, a ratio of %v", merged, a.Ratio(merged, "kafka"))
	}
	if alone.Earlier != nil || len(alone.Samples) != 1 {
		t.Errorf("the later run has changed: %+v", alone)
	}
	if !slices.Equal(a.Failures, []string{"other on barnabas: y", "kafka is left out from here on: z"}) {
		t.Errorf("failures %q", a.Failures)
	}
	if !slices.Equal(a.Workloads, []string{"raw fetch", "other"}) {
		t.Errorf("workloads %q", a.Workloads)
	}
}

// A part of a run is written beside what the file has, unless that is of another machine.
func TestEarlier(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run.json")
	next := run("2026-01-02")
	if got, err := Earlier(path, next); len(got) != 0 || err != nil {
		t.Errorf("no file: %v, %v", got, err)
	}
	if err := run("2026-01-01", Series{Title: "a"}).Write(path); err != nil {
		t.Fatal(err)
	}
	if got, err := Earlier(path, next); len(got) != 1 || err != nil {
		t.Errorf("a file: %v, %v", got, err)
	}
	next.Machine.Cores = 4
	if _, err := Earlier(path, next); err == nil {
		t.Error("a file of another machine is taken")
	}
}

// A file reads back as what was written, and has the samples of a figure on one line.
func TestFile(t *testing.T) {
	want := run("2026-01-01", Series{Title: "a, [1, 2]", Columns: []string{"barnabas"}, Figures: []Figure{{Name: "x", Samples: map[string][]float64{"barnabas": {1.5, 2, 3}}}}})
	path := filepath.Join(t.TempDir(), "run.json")
	if err := want.Write(path); err != nil {
		t.Fatal(err)
	}
	got, err := Read(path)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v, %v", got, err)
	}
	if text := string(listOfNumbers.ReplaceAllFunc([]byte("[\n 1.5,\n 2\n]"), oneLine)); text != "[1.5,2]" {
		t.Errorf("a list is %q", text)
	}
}

// A goal reads as a sentence, met or missed.
func TestVerdict(t *testing.T) {
	v := Verdict{Row: "fetch", Unit: "MB/s", Column: "kafka-4.3.1", Ratio: true, Got: 0.5, Bound: 1.15}
	if text := v.String(); !strings.Contains(text, "MISSED       fetch, MB/s, vs kafka-4.3.1: 0.5x, at least 1.15x") {
		t.Error(text)
	}
	v.Missing, v.Got = "1 sample of 3", 0
	if text := v.String(); !strings.Contains(text, "goal NOT MEASURED fetch, MB/s, vs kafka-4.3.1: 1 sample of 3, at least 1.15x") {
		t.Error(text)
	}
}

// Where nothing was measured again the earlier verdict stays; what was measured replaces
// one that said that nothing was.
func TestMergeVerdicts(t *testing.T) {
	missing := Verdict{Row: "fetch", Unit: "MB/s", Column: "kafka", Among: "kafka", Ratio: true, Missing: "no figure"}
	had := Verdict{Row: "fetch", Unit: "MB/s", Column: "kafka-4.3.1", Among: "kafka", Ratio: true, Got: 2, Met: true}
	for _, c := range []struct {
		name           string
		earlier, later Series
		want           Verdict
	}{
		{"not measured again", Series{Goals: []Verdict{had}}, Series{Goals: []Verdict{missing}}, had},
		{"measured now", Series{Goals: []Verdict{missing}}, Series{Figures: []Figure{figure("fetch", 4, 2)}, Goals: []Verdict{had}}, had},
		{"failed now", Series{Goals: []Verdict{had}}, Series{Figures: []Figure{figure("fetch", 4, 2)}, Goals: []Verdict{missing}}, missing},
	} {
		if got := c.earlier.with(c.later).Goals; len(got) != 1 || got[0] != c.want {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

// benchstat reads a line for each round, with all units of a row.
func TestBenchfmt(t *testing.T) {
	s := Series{Title: "a", Columns: []string{"barnabas"}, Figures: []Figure{
		{Name: "end to end, 1,000/s", Unit: "p50 ms", Better: "lower", Samples: map[string][]float64{"barnabas": {1, 2}}},
		{Name: "end to end, 1,000/s", Unit: "p99 ms", Better: "lower", Samples: map[string][]float64{"barnabas": {3}}},
	}}
	var out strings.Builder
	if err := run("2026-01-01", s).WriteBenchfmt(&out); err != nil {
		t.Fatal(err)
	}
	want := "Unit p50-ms better=lower\nUnit p99-ms better=lower\n" +
		"BenchmarkEnd_to_end_1000|s/Barnabas 1 1 p50-ms 3 p99-ms\nBenchmarkEnd_to_end_1000|s/Barnabas 1 2 p50-ms\n"
	if !strings.HasSuffix(out.String(), want) {
		t.Errorf("wrote\n%swant at its end\n%s", &out, want)
	}
}
