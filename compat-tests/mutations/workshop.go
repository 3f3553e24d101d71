package mutations

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/barnabas-mq/barnabas/compat-tests/barnabas"
	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

// scenarioMax bounds one scenario; the slowest take half a minute on two busy cores.
const scenarioMax = 3 * time.Minute

// errSkipped: the scenario cannot run here, because a toolchain is absent.
var errSkipped = errors.New("the scenario was skipped")

// workshop has a broker that can be broken, and the tests that it meets.
type workshop struct {
	root string // of the repository
	dir  string
	rows []Mutation
	// broker is built at the first need.
	broker func() (string, error)

	mu sync.Mutex
	// tests are compiled test packages.
	tests map[string]func() (string, error)
}

func newWorkshop(dir string, rows []Mutation) (*workshop, error) {
	root, err := barnabas.ModuleRoot()
	if err != nil {
		return nil, err
	}
	w := &workshop{root: root, dir: dir, tests: map[string]func() (string, error){}}
	for _, m := range rows {
		if m.fits(root) == nil { // else it fails by itself, see run
			w.rows = append(w.rows, m)
		}
	}
	w.broker = sync.OnceValues(w.build)
	return w, nil
}

// Try is nil when the scenario notices the mutation and says what it should.
func (w *workshop) Try(ctx context.Context, m Mutation) error {
	output, failed, err := w.run(ctx, m, m.switchName(), cmp.Or(m.Patience, shortWait))
	if err != nil {
		return err
	}
	return judge(m, output, failed)
}

// Whole is nil when the scenario passes while nothing is switched on.
func (w *workshop) Whole(ctx context.Context, m Mutation) error {
	output, failed, err := w.run(ctx, m, "", scenarioMax)
	switch {
	case err != nil:
		return err
	case failed:
		return fmt.Errorf("-run %q of %s fails although the broker is whole\n%s", m.Run, m.Package, end(output))
	case strings.Contains(output, "--- SKIP"):
		return errSkipped
	}
	return nil
}

// build makes the broker with all mutations in it.
func (w *workshop) build() (binary string, err error) {
	files, err := overlay(w.root, w.rows)
	if err != nil {
		return "", err
	}
	replace := map[string]string{}
	for path, text := range files {
		changed := filepath.Join(w.dir, fmt.Sprintf("%d.go", len(replace)))
		replace[path] = changed
		if err := os.WriteFile(changed, []byte(text), 0o644); err != nil {
			return "", err
		}
	}
	list, err := json.Marshal(map[string]map[string]string{"Replace": replace})
	if err != nil {
		return "", err
	}
	name := filepath.Join(w.dir, "overlay.json")
	if err := os.WriteFile(name, list, 0o644); err != nil {
		return "", err
	}
	binary = filepath.Join(w.dir, "barnabas")
	cmd := exec.Command("go", "build", "-overlay", name, "-o", binary, "./cmd/barnabas")
	cmd.Dir = w.root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("the mutations do not build: %w\n%s", err, out)
	}
	return binary, nil
}

// compiled is the test binary of a package of compat-tests, built once.
func (w *workshop) compiled(name string) (string, error) {
	w.mu.Lock()
	build := w.tests[name]
	if build == nil {
		build = sync.OnceValues(func() (string, error) {
			binary := filepath.Join(w.dir, name+".test")
			cmd := exec.Command("go", "test", "-c", "-o", binary, "./"+name)
			cmd.Dir = filepath.Join(w.root, "compat-tests")
			if out, err := cmd.CombinedOutput(); err != nil {
				return "", fmt.Errorf("go test -c ./%s: %w\n%s", name, err, out)
			}
			return binary, nil
		})
		w.tests[name] = build
	}
	w.mu.Unlock()
	return build()
}

// run runs the scenario of a row against the broker, with one mutation or none.
func (w *workshop) run(ctx context.Context, m Mutation, on string, patience time.Duration) (output string, failed bool, err error) {
	if err := m.fits(w.root); err != nil {
		return "", false, err
	}
	broker, err := w.broker()
	if err != nil {
		return "", false, err
	}
	test, err := w.compiled(m.Package)
	if err != nil {
		return "", false, err
	}
	var out strings.Builder
	cmd := exec.Command(test, "-test.v", "-test.count=1", "-test.run", m.Run)
	cmd.Dir = filepath.Join(w.root, "compat-tests", m.Package)
	cmd.Env = append(os.Environ(), barnabas.EnvBinary+"="+broker, envMutation+"="+on,
		testbed.EnvPatience+"="+patience.String(), "BARNABAS_COMPAT_TARGET=", "BARNABAS_MATRIX=", "TMPDIR="+w.dir) // what a killed scenario leaves goes with the folder
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = 5 * time.Second
	process, err := testbed.StartProcess(cmd)
	if err != nil {
		return "", false, err
	}
	limit := time.NewTimer(scenarioMax)
	defer limit.Stop()
	select {
	case <-process.Done():
	case <-limit.C:
		process.Kill()
		return "", false, fmt.Errorf("the scenario did not end within %v\n%s", scenarioMax, end(out.String()))
	case <-ctx.Done():
		process.Kill()
		return "", false, ctx.Err()
	}
	if strings.Contains(out.String(), "no tests to run") {
		return "", false, fmt.Errorf("no test of %s fits -run %q", m.Package, m.Run)
	}
	return out.String(), process.Err() != nil, nil
}

// judge tells whether the scenario failed, and for the right reason.
func judge(m Mutation, output string, failed bool) error {
	switch {
	case !failed && strings.Contains(output, "--- SKIP"):
		return fmt.Errorf("%w\n%s", errSkipped, end(output))
	case !failed:
		return fmt.Errorf("not noticed: -run %q of %s passes although this is broken: %s\n%s", m.Run, m.Package, m.Breaks, end(output))
	case !regexp.MustCompile(m.Says).MatchString(output):
		return fmt.Errorf("noticed for another reason: the report has nothing that fits %q\n%s", m.Says, end(output))
	case strings.Contains(output, "does not serve:"):
		return fmt.Errorf("the broken broker does not start, so that nothing was tested\n%s", end(output))
	}
	return nil
}

// end is the last of a long output, without what brokers log.
func end(output string) string {
	const most = 4 << 10
	var kept strings.Builder
	for line := range strings.Lines(output) {
		if !strings.Contains(line, " level=") {
			kept.WriteString(line)
		}
	}
	if text := kept.String(); len(text) > most {
		return "..." + text[len(text)-most:]
	}
	return kept.String()
}
