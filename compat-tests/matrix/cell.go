package matrix

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// EnvFolder names a folder for the cells of a run. Without it the run is compared with the record.
const EnvFolder = "BARNABAS_MATRIX"

// Passes declares that the test, if it passes, is a cell of the matrix. Brokers that have no column (an older Kafka) are passed over.
func Passes(t testing.TB, c Cell) {
	t.Helper()
	if c.Target != Barnabas && c.Target != Kafka {
		return
	}
	t.Cleanup(func() {
		if t.Failed() || t.Skipped() {
			return
		}
		folder := os.Getenv(EnvFolder)
		if folder != "" {
			if err := c.write(folder, time.Now()); err != nil {
				t.Errorf("%v", err)
			}
			return
		}
		results, err := Load()
		if err == nil {
			err = results.Has(c)
		}
		if err != nil {
			t.Errorf("docs/compatibility.md is stale: %v; `make matrix` brings it up to date", err)
		}
	})
}

// Works declares that the test, if it passes, is a cell of the table of tools and systems.
func Works(t testing.TB, subject, version, from, scenario string, targets ...string) {
	t.Helper()
	for _, target := range targets {
		Passes(t, Cell{Table: Ecosystem, Subject: subject, Version: version, Language: from, Scenario: scenario, Target: target})
	}
}

func (c Cell) write(folder string, now time.Time) error {
	c.Date = now.UTC().Format(time.DateOnly)
	line, err := json.Marshal(c)
	if err != nil {
		return err
	}
	name := fmt.Sprintf("%x.json", sha256.Sum256(line))
	return os.WriteFile(filepath.Join(folder, name), line, 0o644)
}

// Read returns the cells that a run has written.
func Read(folder string) ([]Cell, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil {
		return nil, err
	}
	cells := make([]Cell, len(files))
	for i, file := range files {
		b, err := os.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(b, &cells[i])
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	return cells, nil
}
