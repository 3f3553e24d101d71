package assignor

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write what the scenarios print into their files")

// TestScenarios plays the files story-*.txt in testdata: a command, and after
// assign a line of dashes and the answer, up to an empty line. Lines that begin
// with # tell the story. With -rewrite, the answers are written into the files.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/story-*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := playScenario(t, string(text))
			if *rewrite {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			compareLines(t, got, string(text))
		})
	}
}

func compareLines(t *testing.T, got, want string) {
	t.Helper()
	gotLines, wantLines := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(gotLines), len(wantLines)) {
		if i >= len(gotLines) || i >= len(wantLines) || gotLines[i] != wantLines[i] {
			t.Fatalf("line %d differs; the whole is now:\n%s", i+1, got)
		}
	}
}

func playScenario(t *testing.T, text string) string {
	var out strings.Builder
	var g Group
	answer := false
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		if answer = answer && line != ""; answer {
			continue
		}
		out.WriteString(line + "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if name, isAssign := strings.CutPrefix(line, "assign "); isAssign {
			out.WriteString("----\n" + settle(ByName(name), &g))
			answer = true
			continue
		}
		runCommand(t, &g, strings.Fields(line))
	}
	return out.String()
}

func runCommand(t *testing.T, g *Group, words []string) {
	t.Helper()
	at := -1
	if len(words) > 1 {
		at = slices.IndexFunc(g.Members, func(m Member) bool { return m.ID == words[1] })
	}
	switch words[0] {
	case "topics": // the number of partitions of each
		g.Topics = topicsOf(mustNumbers(strings.Join(words[1:], ","))...)
	case "join": // member, subscription, and for a static member its instance id
		m := Member{ID: words[1], Topics: mustNumbers(words[2])}
		if len(words) > 3 {
			m.InstanceID = &words[3]
		}
		g.Members = append(g.Members, m)
		slices.SortFunc(g.Members, func(a, b Member) int { return strings.Compare(a.ID, b.ID) })
	case "leave":
		g.Members = slices.Delete(g.Members, at, at+1)
	case "subscribe":
		g.Members[at].Topics = mustNumbers(words[2])
	case "target": // what the last assignment is said to have been
		g.Members[at].Target = mustAssignment(words[2])
	default:
		t.Fatalf("no command %q", words)
	}
}

// settle assigns, tells what everyone has and has to give up, and makes that the
// target.
func settle(a Assignor, g *Group) string {
	var out strings.Builder
	for m, target := range a.Assign(g) {
		fmt.Fprintf(&out, "%s has %s", g.Members[m].ID, assignmentText(target))
		if lost := g.Members[m].Target.Minus(target); len(lost) > 0 {
			fmt.Fprintf(&out, ", gives up %s", assignmentText(lost))
		}
		out.WriteString("\n")
		g.Members[m].Target = target
	}
	return out.String()
}
