package grouptools

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

// stepLimit bounds one step; the driver gives up waiting for a group before.
const stepLimit = 90 * time.Second

// request and answer are described in Driver.java.
type request struct {
	Do         string            `json:"do"`
	Class      string            `json:"class,omitempty"`
	Args       []string          `json:"args,omitempty"`
	Member     string            `json:"member,omitempty"`
	Config     map[string]string `json:"config,omitempty"`
	Topics     []string          `json:"topics,omitempty"`
	Pattern    string            `json:"pattern,omitempty"`
	Group      string            `json:"group,omitempty"`
	Members    int               `json:"members"`
	Partitions int               `json:"partitions"`
}

type answer struct {
	// Status is nil when the tool ended without saying how.
	Status *int   `json:"status"`
	Stdout string `json:"stdout"`
	Stderr string `json:"stderr"`
	Error  string `json:"error"`
}

// driver is the JVM of one broker.
type driver struct {
	tb      testing.TB
	process *testbed.Process
	stdin   io.Writer
	answers chan []byte
	stderr  string // a file
}

func startDriver(tb testing.TB, bootstrap string) *driver {
	tb.Helper()
	classPath, err := oracle.ClassPath(oracle.Newest)
	if err != nil {
		tb.Fatal(err)
	}
	_, file, _, _ := runtime.Caller(0)
	dir := tb.TempDir()
	stderr, err := os.Create(filepath.Join(dir, "stderr"))
	if err != nil {
		tb.Fatal(err)
	}
	defer stderr.Close() //nolint:errcheck // the process has its own handle
	// The Java launcher compiles a single source file by itself.
	cmd := exec.Command("java", slices.Concat([]string{"-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"}, oracle.ClassData(oracle.Newest),
		[]string{"-cp", classPath, filepath.Join(filepath.Dir(file), "Driver.java"), bootstrap})...)
	cmd.Stderr = stderr
	d := &driver{tb: tb, answers: make(chan []byte), stderr: stderr.Name()}
	if d.stdin, err = cmd.StdinPipe(); err != nil {
		tb.Fatal(err)
	}
	reader, writer := io.Pipe()
	cmd.Stdout = writer
	if d.process, err = testbed.StartProcess(cmd); err != nil {
		tb.Fatal(err)
	}
	go func() {
		defer close(d.answers)
		for lines := bufio.NewReader(reader); ; {
			line, err := lines.ReadBytes('\n')
			if err != nil {
				return
			}
			d.answers <- line
		}
	}()
	tb.Cleanup(func() {
		d.process.Kill()
		_ = writer.Close() // never fails
	})
	return d
}

// do runs one step; a step that could not be done fails the test.
func (d *driver) do(r request) answer {
	d.tb.Helper()
	text, err := json.Marshal(r)
	if err != nil {
		d.tb.Fatal(err)
	}
	if _, err := d.stdin.Write(append(text, '\n')); err != nil {
		d.tb.Fatalf("%s: %v\n%s", text, err, d.log())
	}
	limit := time.NewTimer(stepLimit)
	defer limit.Stop()
	var a answer
	select {
	case line := <-d.answers:
		if err := json.Unmarshal(line, &a); err != nil {
			d.tb.Fatalf("%s: the answer is %q: %v", text, line, err)
		}
	case <-d.process.Done():
		d.tb.Fatalf("%s: the driver ended: %v\n%s", text, d.process.Err(), d.log())
	case <-limit.C:
		d.tb.Fatalf("%s: no answer within %v\n%s", text, stepLimit, d.log())
	}
	if a.Error != "" {
		d.tb.Fatalf("%s: %s\n%s", text, a.Error, d.log())
	}
	return a
}

func (d *driver) log() string {
	text, err := os.ReadFile(d.stderr)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// ending says how a tool ended.
func (a answer) ending() string {
	if a.Status == nil {
		return "returns"
	}
	return fmt.Sprintf("exits with %d", *a.Status)
}
