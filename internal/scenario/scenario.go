// Package scenario plays dialogues with a state machine that are kept as text.
package scenario

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write what the scenarios print into their files")

// Play plays the dialogues in testdata, each on a stage of its own. A dialogue is a
// sequence of blocks: a command, a line of dashes, and what happens then, up to an
// empty line. Lines that begin with # tell the story. stage gives who plays: called
// with the words of a command, it returns the lines that happen.
//
// With -rewrite, what happens is written into the files; read the difference.
func Play(t *testing.T, stage func(*testing.T) func(command []string) []string) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) { playFile(t, file, stage(t)) })
	}
}

func playFile(t *testing.T, file string, run func([]string) []string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		out.WriteString(line + "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		happens := run(strings.Fields(line))
		i++
		if i < len(lines) && lines[i] == "----" {
			for i+1 < len(lines) && lines[i+1] != "" {
				i++
			}
		} else {
			i--
		}
		out.WriteString("----\n")
		for _, said := range happens {
			out.WriteString(said + "\n")
		}
	}
	if *rewrite {
		if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want := strings.TrimRight(string(text), "\n") + "\n"; out.String() != want {
		t.Errorf("%s: run with -rewrite and look at the difference; now it plays\n%s", file, out.String())
	}
}
