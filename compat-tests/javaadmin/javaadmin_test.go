package javaadmin

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/barnabas-mq/barnabas/compat-tests/barnabas"
	"github.com/barnabas-mq/barnabas/compat-tests/matrix"
	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
	"github.com/barnabas-mq/barnabas/compat-tests/target"
	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

// envTarget names the broker that is compared with Apache Kafka: barnabas, or
// kafka for a second Kafka, which shows what two runs differ in by themselves.
const envTarget = "BARNABAS_COMPAT_TARGET"

// meant are the lines that differ on purpose, by their labels; * at the end stands
// for any rest.
var meant = []struct{ label, reason string }{
	{"describeConfigs unknown type", "the text says what is wrong; Kafka's is the one of the error code"},
	{"describeFeatures*", "streams.version is of groups that are not built yet"},
	{"streams describe*", "groups of Kafka Streams are not built yet: UnsupportedVersionException"},
}

// properties of both brokers.
var properties = map[string]string{"group.initial.rebalance.delay.ms": "0"}

func TestJavaAdmin(t *testing.T) {
	oracle.Need(t)
	matrix.Works(t, "Admin of Apache Kafka's clients", oracle.Newest, "Java", "every method, compared call by call", target.Column(), matrix.Kafka)
	testbed.NeedPrograms(t, "javac")
	classes := compile(t)
	judge := oracle.Run(t, oracle.Options{Properties: properties})
	var broker testbed.Target
	if os.Getenv(envTarget) == "kafka" {
		broker = oracle.Run(t, oracle.Options{Properties: properties})
	} else {
		broker = barnabas.Run(t, barnabas.Options{Profile: "server", Properties: properties})
	}
	var printed [2]map[string]string
	var order []string
	var wg sync.WaitGroup
	for i, bootstrap := range []string{judge.Bootstrap(), broker.Bootstrap()} {
		wg.Go(func() {
			labels, lines := call(t, classes, bootstrap)
			printed[i] = lines
			if i == 0 {
				order = labels
			}
		})
	}
	wg.Wait()
	if len(order) < 200 || len(printed[1]) != len(order) {
		t.Fatalf("%d calls of Kafka, %d of the broker", len(order), len(printed[1]))
	}
	used := make([]bool, len(meant))
	for _, label := range order {
		want, got := printed[0][label], printed[1][label]
		if strings.HasPrefix(label, "NOT CALLED") {
			t.Errorf("%s: %s", label, want)
		}
		if want == got {
			continue
		}
		if row := rowOf(label); row >= 0 {
			used[row] = true
			continue
		}
		t.Errorf("%s (- Kafka, + %s):\n%s", label, broker.Name(), cmp.Diff(words(want), words(got)))
	}
	for i, row := range meant {
		if !used[i] && os.Getenv(envTarget) != "kafka" {
			t.Errorf("no line differs as %q may; remove the row", row.label)
		}
	}
}

// words cuts a line where a person would read on.
func words(line string) []string { return strings.Split(line, "; ") }

func rowOf(label string) int {
	for i, row := range meant {
		prefix, any := strings.CutSuffix(row.label, "*")
		if label == row.label || any && strings.HasPrefix(label, prefix) {
			return i
		}
	}
	return -1
}

// compile makes a class path with the program.
func compile(t *testing.T) string {
	t.Helper()
	libraries, err := oracle.ClassPath(oracle.Newest)
	if err != nil {
		t.Fatal(err)
	}
	_, file, _, _ := runtime.Caller(0)
	sources, err := filepath.Glob(filepath.Join(filepath.Dir(file), "*.java"))
	if err != nil || len(sources) == 0 {
		t.Fatalf("no sources: %v", err)
	}
	classes := t.TempDir()
	args := append([]string{"-Xlint:-deprecation,-removal", "-d", classes, "-cp", libraries}, sources...)
	if out, err := exec.Command("javac", args...).CombinedOutput(); err != nil {
		t.Fatalf("javac: %v\n%s", err, out)
	}
	return libraries + string(os.PathListSeparator) + classes // in the order of oracle.ClassData
}

// call runs the program and gives its lines by label, and the labels in order.
func call(t *testing.T, classPath, bootstrap string) ([]string, map[string]string) {
	var stdout, stderr bytes.Buffer
	cmd := exec.Command("java", append(oracle.ClassData(oracle.Newest),
		"-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dlog4j2.level=OFF", "-cp", classPath, "Calls", bootstrap)...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Errorf("the program on %s: %v\n%s\n%s", bootstrap, err, tail(stdout.String()), tail(stderr.String()))
	}
	var labels []string
	lines := make(map[string]string)
	for line := range strings.Lines(stdout.String()) {
		label, rest, _ := strings.Cut(strings.TrimSpace(line), ": ")
		if _, again := lines[label]; again {
			t.Errorf("two calls are called %q", label)
		}
		labels = append(labels, label)
		lines[label] = rest
	}
	return labels, lines
}

func tail(text string) string { return text[max(0, len(text)-2000):] }
