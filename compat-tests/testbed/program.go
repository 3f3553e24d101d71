package testbed

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// Program is an application under test, whose lines of output are visited as they come.
type Program struct {
	*Process
	// log is a file with what it writes to its standard error.
	log string
}

// StartProgram starts an application; the test's end kills it.
func StartProgram(tb testing.TB, cmd *exec.Cmd, visit func(line []byte)) *Program {
	tb.Helper()
	stderr, err := os.Create(filepath.Join(tb.TempDir(), "stderr"))
	if err != nil {
		tb.Fatal(err)
	}
	defer stderr.Close() //nolint:errcheck // the process has its own handle
	cmd.Stdout, cmd.Stderr = &lines{visit: visit}, stderr
	p := &Program{log: stderr.Name()}
	if p.Process, err = StartProcess(cmd); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(p.Kill)
	return p
}

// StartJava starts a program of a class path, for a quick start and little memory.
func StartJava(tb testing.TB, classPath string, visit func(line []byte), args ...string) *Program {
	tb.Helper()
	jvm := []string{"-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", classPath}
	return StartProgram(tb, exec.Command("java", append(jvm, args...)...), visit)
}

// Tail is the end of what it logged.
func (p *Program) Tail() string {
	const tailBytes = 3 << 10
	text := p.Said()
	return text[max(0, len(text)-tailBytes):]
}

// Said is all that it logged.
func (p *Program) Said() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(text)
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

// Count is a number that others wait for.
type Count struct {
	mu      sync.Mutex
	count   int
	changed chan struct{}
}

// NewCount starts at 0.
func NewCount() *Count { return &Count{changed: make(chan struct{})} }

// Set notes a new count.
func (c *Count) Set(count int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count = count
	close(c.changed)
	c.changed = make(chan struct{})
}

// Now is the present count.
func (c *Count) Now() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.count
}

// Await waits until the count is reached; false is that the process ended before.
func (c *Count) Await(tb testing.TB, p *Program, count int, limit time.Duration) bool {
	tb.Helper()
	reached, err := c.Reach(p.Done(), count, limit)
	if err != nil {
		tb.Fatalf("%v\n%s", err, p.Tail())
	}
	return reached
}

// Reach waits until the count is reached; false is that done was closed before.
func (c *Count) Reach(done <-chan struct{}, count int, limit time.Duration) (bool, error) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		c.mu.Lock()
		now, changed := c.count, c.changed
		c.mu.Unlock()
		if now >= count {
			return true, nil
		}
		select {
		case <-changed:
		case <-done:
			return false, nil
		case <-timer.C:
			return false, fmt.Errorf("at %d, and not at %d within %v", now, count, limit)
		}
	}
}
