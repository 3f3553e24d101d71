package mutations

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Mutation is one way to break the broker, and the scenario that must notice.
type Mutation struct {
	// Name is the test's name, and the switch's.
	Name string
	// Breaks is the promise, for whoever reads the list.
	Breaks string
	// Like names a row whose change this is: another scenario must notice it too. File, Old and New are that row's.
	Like string
	// File is a source of the broker, from the root of the repository.
	File string
	// Old occurs in it exactly once; New stands there instead. MUTATED in it is true
	// while the mutation is switched on; else the broker must be as good as before.
	Old, New string
	// Package is the folder in compat-tests, and Run the scenario as for -run.
	Package, Run string
	// Says is a regular expression for what the scenario reports.
	Says string
	// Patience is how long the scenario waits for a broken broker, shortWait if it is 0.
	Patience time.Duration
}

// switched is what New says in place of the question whether the mutation is on.
const switched = "MUTATED"

// shortWait replaces the minute that scenarios grant a broker which is only slow.
const shortWait = 10 * time.Second

// All are the mutations, in the order of the lists.
var All = slices.Concat(storage, groups, transactions, answers, skills, access, logins, again)

// switchName is what the broker is told.
func (m Mutation) switchName() string { return cmp.Or(m.Like, m.Name) }

// check tells whether the row is complete.
func (m Mutation) check() error {
	if m.Name == "" || m.Breaks == "" || m.Package == "" || m.Run == "" || m.Says == "" {
		return fmt.Errorf("row %q is incomplete", m.Name)
	}
	if m.Like != "" {
		if m.File != "" || !slices.ContainsFunc(All, func(other Mutation) bool { return other.Name == m.Like && other.Like == "" }) {
			return fmt.Errorf("row %q is like %q, which is no row, or has a change of its own", m.Name, m.Like)
		}
	} else if !strings.Contains(m.New, switched) {
		return fmt.Errorf("row %q cannot be switched off: there is no %s in its new text", m.Name, switched)
	}
	_, err := regexp.Compile(m.Says)
	return err
}

// fits tells whether the row is complete and its file still has the text.
func (m Mutation) fits(root string) error {
	if err := m.check(); err != nil {
		return err
	}
	_, err := overlay(root, []Mutation{m})
	return err
}

// overlay are the files of the broker that rows change, by their path, and the switch.
func overlay(root string, rows []Mutation) (map[string]string, error) {
	files := map[string]string{}
	for _, m := range rows {
		if m.Like != "" {
			continue
		}
		path := filepath.Join(root, filepath.FromSlash(m.File))
		if _, changed := files[path]; !changed {
			source, err := os.ReadFile(path)
			if err != nil {
				return nil, err
			}
			// A second import declaration leaves the lines of the file where they are.
			if files[path], err = replaced(string(source), "\nimport ", fmt.Sprintf("\nimport mutation %q; import ", switchPackage)); err != nil {
				return nil, fmt.Errorf("%s: its imports: %w", m.File, err)
			}
		}
		text, err := replaced(files[path], m.Old, strings.ReplaceAll(m.New, switched, fmt.Sprintf("mutation.Is(%q)", m.Name)))
		if err != nil {
			return nil, fmt.Errorf("mutation %s no longer fits %s: %w; bring it up to date", m.Name, m.File, err)
		}
		files[path] = text
	}
	files[filepath.Join(root, "internal", "mutation", "mutation.go")] = switchSource
	return files, nil
}

func replaced(text, before, after string) (string, error) {
	if n := strings.Count(text, before); n != 1 {
		return "", fmt.Errorf("it has this text %d times, want once:\n%s", n, before)
	}
	return strings.Replace(text, before, after, 1), nil
}

// envMutation names the mutation that is switched on in a broker.
const envMutation = "BARNABAS_MUTATION"

// switchPackage is in the overlay alone.
const switchPackage = "github.com/barnabas-mq/barnabas/internal/mutation"

const switchSource = `package mutation

import "os"

var on = os.Getenv("` + envMutation + `")

// Is tells whether a mutation is switched on.
func Is(name string) bool { return on == name }
`
