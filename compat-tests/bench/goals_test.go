package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/barnabas-mq/barnabas/compat-tests/bench/record"
	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

// Goals are judged on medians, by ratio or by the figure itself, and say what was not
// measured.
func TestGoals(t *testing.T) {
	tab := &table{brokers: []string{"ours", "theirs-4.3"}, goals: []goal{
		{row: "speed", unit: "MB/s", column: "theirs", ratio: true, atLeast: 2},
		{row: "speed", unit: "MB/s", column: "theirs", ratio: true, atLeast: 4},
		{row: "size", unit: "MiB", column: "ours", atMost: 64},
		{row: "size", unit: "MiB", column: "theirs", atMost: 64},
		{row: "other", unit: "MiB", column: "ours", atMost: 64},
	}}
	tab.add("speed", "MB/s", higher, "ours", 9)
	tab.add("speed", "MB/s", higher, "theirs-4.3", 3)
	tab.add("size", "MiB", lower, "ours", 65)
	text := tab.String()
	for _, want := range []string{"goal met          speed", "3x, at least 2x (1 samples)", "goal MISSED       speed", "goal MISSED       size, MiB, ours: 65 MiB, at most 64 MiB",
		"goal NOT MEASURED size, MiB, theirs: 0 of at least 1 samples, at most 64 MiB", "goal NOT MEASURED other, MiB, ours: no figure"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if n := strings.Count(text, "goal "); n != 5 {
		t.Errorf("%d goals told, want 5\n%s", n, text)
	}
	tab.ofFirst = true
	if got := tab.ratio(tab.rows[0], "theirs-4.3"); got != 3.0/9 {
		t.Errorf("ratio of the first is %v", got)
	}
}

// The best of several columns is judged: the highest, or the lowest where less is better.
func TestGoalAgainstTheBest(t *testing.T) {
	tab := &table{brokers: []string{"ours", "kfake", "kfake-memory"}}
	for _, row := range []struct {
		name   string
		better direction
	}{{"speed", higher}, {"time", lower}} {
		tab.add(row.name, "x", row.better, "ours", 6)
		tab.add(row.name, "x", row.better, "kfake", 2)
		tab.add(row.name, "x", row.better, "kfake-memory", 3)
	}
	for row, want := range map[string]string{"speed": "vs kfake-memory: 2x", "time": "vs kfake: 3x"} {
		g := goal{row: row, unit: "x", column: bestKfake, ratio: true, atLeast: 1}
		if v := g.verdict(tab); !strings.Contains(v.String(), want) {
			t.Errorf("%s: %q, want %q", row, v, want)
		}
	}
}

// What is to be 0 is judged when it is, and one round in which it is not counts.
func TestGoalOfNone(t *testing.T) {
	for _, c := range []struct {
		stalls []float64
		met    bool
	}{{[]float64{0, 0, 0}, true}, {[]float64{0, 0, 1}, false}} {
		tab := &table{brokers: []string{"ours"}}
		for _, n := range c.stalls {
			tab.add("rounds", "stalls", lower, "ours", n)
		}
		v := goal{row: "rounds", unit: "stalls", column: "ours", none: true}.verdict(tab)
		if v.Missing != "" || v.Met != c.met || !strings.Contains(v.String(), "at most 0 stalls") {
			t.Errorf("%v: %q", c.stalls, v)
		}
	}
}

// A verdict takes as many rounds as the table says, of both sides; what is taken once
// is judged by one.
func TestGoalOfTooFewRounds(t *testing.T) {
	tab := &table{brokers: []string{"ours", "theirs"}, least: enough(5)}
	for i := range 3 {
		tab.add("speed", "x", higher, "ours", 4)
		if i < 2 { // failed in the third round
			tab.add("speed", "x", higher, "theirs", 2)
		}
	}
	versus := goal{row: "speed", unit: "x", column: "theirs", ratio: true, atLeast: 1}
	if v := versus.verdict(tab); v.Met || v.Missing != "2 of at least 3 samples" {
		t.Errorf("judged on two rounds: %q", v)
	}
	own := goal{row: "speed", unit: "x", column: "ours", atLeast: 1}
	if v := own.verdict(tab); !v.Met || v.Samples != 3 {
		t.Errorf("not judged on three rounds: %q", v)
	}
	versus.once = true
	if v := versus.verdict(tab); !v.Met || v.Samples != 2 {
		t.Errorf("what is taken once is not judged: %q", v)
	}
}

// The closing table has every goal of every series, the targets first, and how many of
// each outcome.
func TestClosing(t *testing.T) {
	g := targets[0]
	text := closing([]record.Series{
		{Goals: []record.Verdict{{Row: "a", Met: true}, {Row: "b"}}},
		{Goals: []record.Verdict{{Row: "c", Missing: "no figure"}, {Row: g.row, Unit: g.unit, Column: "x", Among: g.column, Ratio: g.ratio}}},
	})
	want := fmt.Sprintf("1 goals met, 2 missed, 1 not measured; %d targets are of series that were not taken\n", len(targets)-1)
	if !strings.HasPrefix(text, "goal MISSED       "+g.row) || !strings.HasSuffix(text, want) || strings.Count(text, "goal ") != 4 {
		t.Errorf("closes with\n%s", text)
	}
}

// A figure has one goal for each broker: targets, and what a series adds to them.
func TestGoalsAreOnce(t *testing.T) {
	type aim struct {
		row, unit, column string
		ratio             bool
	}
	seen := map[aim]bool{}
	for _, g := range slices.Concat(targets, durableGoals, groupGoals, transactionGoals, oldGoals, mixedGoals, compactionGoals, retentionGoals, partitionGoals, startGoals) {
		a := aim{g.row, g.unit, g.column, g.ratio}
		if seen[a] {
			t.Errorf("two goals: %+v", a)
		}
		seen[a] = true
	}
}

// Reading back sees a batch that is missing, moved or damaged.
func TestCheckCopies(t *testing.T) {
	sent := wire.NewBatch(0, wire.Record{Value: []byte("a")}, wire.Record{})
	at := func(base int64) []byte { b := *sent; b.BaseOffset = base; return b.Encode() }
	damaged := at(2)
	damaged[len(damaged)-2]++
	other := wire.NewBatch(0, wire.Record{Value: []byte("b")}, wire.Record{})
	other.BaseOffset = 2
	tests := []struct {
		name   string
		second []byte
		next   int64
		fails  bool
	}{
		{"whole", at(2), 4, false},
		{"cut", at(2)[:20], 2, false},
		{"moved", at(3), 2, true},
		{"damaged", damaged, 2, true},
		{"another", other.Encode(), 2, true},
	}
	for _, test := range tests {
		next, err := checkCopies(append(at(0), test.second...), 0, sent.Encode())
		if next != test.next || (err != nil) != test.fails {
			t.Errorf("%s: next %d, error %v; want %d, fails %v", test.name, next, err, test.next, test.fails)
		}
	}
}

// Batches that a client made are judged by their checksums, offsets and codec.
func TestCheckBatches(t *testing.T) {
	at := func(base int64, records ...wire.Record) []byte {
		b := wire.NewBatch(0, records...)
		b.BaseOffset = base
		return b.Encode()
	}
	first := at(0, wire.Record{Value: []byte("a")}, wire.Record{})
	damaged := at(2, wire.Record{Value: []byte("b")})
	damaged[len(damaged)-2]++
	short := at(2, wire.Record{})
	short[11] = 3
	negative := at(2, wire.Record{})
	negative[8] = 0xff
	tests := []struct {
		name   string
		second []byte
		next   int64
		fails  bool
	}{
		{"whole", at(2, wire.Record{}), 3, false},
		{"cut", at(2, wire.Record{})[:65], 2, false},
		{"moved", at(3, wire.Record{}), 2, true},
		{"damaged", damaged, 2, true},
		{"shorter than a header", short, 2, true},
		{"of negative length", negative, 2, true},
	}
	if _, err := checkBatches(first, 0, 4); err == nil {
		t.Error("another codec is not noticed")
	}
	for _, test := range tests {
		next, err := checkBatches(append(first[:len(first):len(first)], test.second...), 0, 0)
		if next != test.next || (err != nil) != test.fails {
			t.Errorf("%s: next %d, error %v; want %d, fails %v", test.name, next, err, test.next, test.fails)
		}
	}
}

// A copy of a data folder shares the files of partitions and nothing else.
func TestCopyTree(t *testing.T) {
	from, to := t.TempDir(), filepath.Join(t.TempDir(), "copy")
	paths := []string{bigTopic + "-0/0.log", manyTopics + "0001-3/0.log", "__cluster_metadata-0/0.log", "barnabas-wal/1", "meta.properties"}
	for _, path := range paths {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(from, path)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(from, path), []byte(path), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := copyTree(from, to); err != nil {
		t.Fatal(err)
	}
	for i, path := range paths {
		a, errA := os.Stat(filepath.Join(from, path))
		b, errB := os.Stat(filepath.Join(to, path))
		if errA != nil || errB != nil || os.SameFile(a, b) != (i < 2) {
			t.Errorf("%s: shared %v, %v, %v", path, os.SameFile(a, b), errA, errB)
		}
	}
}
