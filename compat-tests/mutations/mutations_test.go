package mutations

import (
	"context"
	"errors"
	"flag"
	"strings"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/compat-tests/barnabas"
	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

// mutationsMin is what the acceptance of the product asks for, and some more.
const mutationsMin = 14

var wholeFlag = flag.Bool("whole", false, "run the scenarios against the same broker with nothing switched on")

func workshopOf(t *testing.T, rows []Mutation) *workshop {
	t.Helper()
	testbed.NeedPrograms(t, "go")
	w, err := newWorkshop(t.TempDir(), rows)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// Each mutation is noticed by the scenario that guards against it.
func TestEachIsCaught(t *testing.T) {
	if testing.Short() {
		t.Skip("judges the tests, not the broker")
	}
	each(t, (*workshop).Try, "noticed by")
}

// What notices a mutation is silent without it.
func TestTheScenariosPassWithoutMutation(t *testing.T) {
	if !*wholeFlag {
		t.Skip("the other packages say so; -whole asks the broker that can be broken")
	}
	each(t, (*workshop).Whole, "not missed by")
}

func each(t *testing.T, try func(*workshop, context.Context, Mutation) error, verdict string) {
	w := workshopOf(t, All)
	for i, m := range All {
		t.Run(m.Name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			err := try(w, t.Context(), m)
			if errors.Is(err, errSkipped) && !testbed.InCI() {
				t.Skip(err)
			}
			if err != nil {
				t.Fatalf("%s\n  alone:   go test ./mutations -run '%s' -v", err, t.Name())
			}
			t.Logf("%d of %d: %s: %s %s %s in %v", i+1, len(All), m.Breaks, verdict, m.Package, m.Run, time.Since(began).Round(100*time.Millisecond))
		})
	}
}

// The rows are complete, fit the sources, and have names of their own. This takes no
// build, so that a change of the broker's text is seen at once.
func TestTheRowsFit(t *testing.T) {
	root, err := barnabas.ModuleRoot()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, m := range All {
		if seen[m.Name] {
			t.Errorf("two mutations are named %s", m.Name)
		}
		seen[m.Name] = true
		if err := m.fits(root); err != nil {
			t.Error(err)
		}
	}
	if len(All) < mutationsMin {
		t.Errorf("%d mutations, want %d at least", len(All), mutationsMin)
	}
}

// Nothing passes for a mutation that was noticed and is none.
func TestNothingElsePasses(t *testing.T) {
	if testing.Short() {
		t.Skip("judges the tests, not the broker")
	}
	const quick = "^TestGroupResumesAfterKill$/^barnabas_dev$"
	row := func(change func(m *Mutation)) Mutation {
		m := Mutation{
			Name: "fooled", Breaks: "nothing", File: "cmd/barnabas/main.go", Old: "func main() {",
			New: "func main() {\n\t_ = MUTATED", Package: "crash", Run: quick, Says: "record",
		}
		change(&m)
		return m
	}
	tests := []struct {
		name string
		m    Mutation
		want string
	}{
		{"what changes nothing", row(func(*Mutation) {}), "not noticed"},
		{"text that is not there", row(func(m *Mutation) { m.Old = "no such text" }), "no longer fits"},
		{"text that is there twice", row(func(m *Mutation) { m.Old = "\n\t" }), "no longer fits"},
		{"what cannot be switched off", row(func(m *Mutation) { m.New = "func main() {\n\tpanic(1)" }), "cannot be switched off"},
		{"what does not compile", row(func(m *Mutation) { m.New = "func main() {\n\treturn MUTATED" }), "do not build"},
		{"what does not start", row(func(m *Mutation) {
			m.New, m.Says = "func main() {\n\tif MUTATED {\n\t\tpanic(\"at once\")\n\t}", "crash_test.go"
		}), "does not start"},
		{"another reason", row(func(m *Mutation) {
			m.New, m.Says = "func main() {\n\tif MUTATED {\n\t\tpanic(\"at once\")\n\t}", "something else entirely"
		}), "another reason"},
		{"no such test", row(func(m *Mutation) { m.Run = "^TestNothing$" }), "no test of"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := workshopOf(t, []Mutation{test.m}).Try(t.Context(), test.m)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the verdict is %v, want one with %q", err, test.want)
			}
		})
	}
}
