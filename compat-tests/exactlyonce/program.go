package exactlyonce

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

// program is a JVM whose lines of output are visited as they come.
type program struct {
	process *testbed.Process
	// log is a file with what it writes to its standard error.
	log string
}

// startJava starts a program of a class path; the test's end kills it.
func startJava(tb testing.TB, classPath string, visit func(line []byte), args ...string) *program {
	tb.Helper()
	stderr, err := os.Create(filepath.Join(tb.TempDir(), "stderr"))
	if err != nil {
		tb.Fatal(err)
	}
	defer stderr.Close() //nolint:errcheck // the process has its own handle
	jvm := []string{"-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", classPath}
	cmd := exec.Command("java", append(jvm, args...)...)
	cmd.Stdout, cmd.Stderr = &lines{visit: visit}, stderr
	p := &program{log: stderr.Name()}
	if p.process, err = testbed.StartProcess(cmd); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(p.process.Kill)
	return p
}

// tail is the end of what it logged.
func (p *program) tail() string {
	const tailBytes = 3 << 10
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-tailBytes):])
}

// lines cuts what is written into lines.
type lines struct {
	visit func(line []byte)
	rest  []byte
}

func (l *lines) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	for {
		line, rest, found := bytes.Cut(l.rest, []byte{'\n'})
		if !found {
			return len(p), nil
		}
		l.visit(line)
		l.rest = rest
	}
}

// watched is a count that others wait for.
type watched struct {
	mu      sync.Mutex
	count   int
	changed chan struct{}
}

func newWatched() *watched { return &watched{changed: make(chan struct{})} }

func (w *watched) set(count int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.count = count
	close(w.changed)
	w.changed = make(chan struct{})
}

// await waits until the count is reached; false is that the process ended before.
func (w *watched) await(tb testing.TB, p *program, count int, limit time.Duration) bool {
	tb.Helper()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		w.mu.Lock()
		now, changed := w.count, w.changed
		w.mu.Unlock()
		if now >= count {
			return true
		}
		select {
		case <-changed:
		case <-p.process.Done():
			return false
		case <-timer.C:
			tb.Fatalf("at %d, and not at %d within %v\n%s", now, count, limit, p.tail())
		}
	}
}
