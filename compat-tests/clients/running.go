package clients

import (
	"encoding/json"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

// talker is a running program that is told what to do, a command a line.
type talker struct {
	process *testbed.Process
	stdin   io.Writer
	events  chan event
	stderr  *tail
}

// talk starts a program with a step that takes commands; the test's end kills it.
func (p Program) talk(t *testing.T, step, bootstrap string) *talker {
	t.Helper()
	x := &talker{events: make(chan event, 1), stderr: &tail{}}
	cmd := p.cmd(step, "--bootstrap", bootstrap)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	x.stdin, cmd.Stdout, cmd.Stderr = stdin, &eventWriter{visit: func(e event) { x.events <- e }}, x.stderr
	if x.process, err = testbed.StartProcess(cmd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		go func() {
			for range x.events { // so that the program's last words do not hold up its end
			}
		}()
		killTree(x.process)
		close(x.events)
	})
	return x
}

// ask gives a command and returns the records before the answer, and the answer.
func (x *talker) ask(t *testing.T, c any) (records []event, answer event) {
	t.Helper()
	line, err := json.Marshal(c)
	if err == nil {
		_, err = x.stdin.Write(append(line, '\n'))
	}
	if err != nil {
		t.Fatalf("%s: %v\n%s", line, err, x.stderr)
	}
	limit := time.NewTimer(stepTimeout)
	defer limit.Stop()
	for {
		select {
		case e := <-x.events:
			switch e.Event {
			case "record":
				records = append(records, e)
			case "done", "refused":
				return records, e
			default:
				t.Fatalf("%s: %+v\n%s", line, e, x.stderr)
			}
		case <-x.process.Done():
			t.Fatalf("%s: the program ended: %v\n%s", line, x.process.Err(), x.stderr)
		case <-limit.C:
			t.Fatalf("%s: no answer within %v\n%s", line, stepTimeout, x.stderr)
		}
	}
}

// checkLetIn wants a client to have written the values and read them again.
func (x *talker) checkLetIn(t *testing.T, records []event, answer event, values []string) {
	t.Helper()
	if answer.Event != "done" {
		t.Fatalf("refused: %s\n%s", answer.Message, x.stderr)
	}
	var got []string
	for _, r := range records {
		got = append(got, string(r.Value))
	}
	if !slices.Equal(got, values) {
		t.Errorf("the records are %q, want %q", got, values)
	}
}
