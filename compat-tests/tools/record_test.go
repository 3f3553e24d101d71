package tools

import (
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
)

var record = flag.Bool("record", false, "write down again what Apache Kafka's tools print")

// properties of both brokers: the console consumers need not wait.
var properties = map[string]string{"group.initial.rebalance.delay.ms": "0"}

// classNames are the scripts whose names are not those of their classes.
var classNames = map[string]string{"producer-perf-test": "producer-performance", "consumer-perf-test": "consumer-performance"}

// TestRecord has Apache Kafka's own tools do what the scripts say.
func TestRecord(t *testing.T) {
	if !*record {
		t.Skip("only with -record: it takes a JVM for each command")
	}
	broker := oracle.Run(t, oracle.Options{Properties: properties})
	w := &scene{bootstrap: broker.Bootstrap(), data: broker.DataDir(), dir: t.TempDir()}
	for _, path := range scripts(t) {
		steps, err := readScript(path)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for i := range steps {
			runJava(t, w, &steps[i])
			steps[i].format(&b)
		}
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		t.Log(path)
	}
}

func runJava(t *testing.T, w *scene, s *step) {
	t.Helper()
	words, err := w.arguments(*s)
	if err != nil {
		t.Fatal(err)
	}
	name := strings.TrimSuffix(strings.TrimPrefix(words[0], "kafka-"), ".sh")
	if class, differs := classNames[name]; differs {
		name = class
	}
	out, err := oracle.Tool{Name: name, Args: words[1:], Stdin: s.input()}.Run()
	s.status = 0
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		s.status = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	s.stdout, s.stderr = w.normalise(s.command, out.Stdout), w.normalise(s.command, out.Stderr)
}

func scripts(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob("testdata/*.txt") // in the order of names
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	return paths
}
