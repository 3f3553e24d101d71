package clients

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/compat-tests/clients/program"
	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

// stepTimeout bounds one step; the slowest take a few seconds on two busy cores.
var stepTimeout = testbed.Patience(90 * time.Second)

// About asks the program for its library's version and codecs.
func (p Program) About(tb testing.TB) (version string, codecs []string) {
	tb.Helper()
	about := last(tb, p.step(tb, nil, "about"), "about")
	return about.Version, about.Codecs
}

// Create makes a topic by the client's own means, or by those of the judge where it has none.
func (p Program) Create(tb testing.TB, bootstrap, topic string, partitions int) {
	tb.Helper()
	if p.Client.Lacks.Admin {
		newJudge(tb, bootstrap).create(partitions, topic)
		return
	}
	last(tb, p.step(tb, nil, "create", "--bootstrap", bootstrap, "--topic", topic, "--partitions", strconv.Itoa(partitions)), "created")
}

// Produce sends records and returns when the client says that all were acknowledged.
func (p Program) Produce(tb testing.TB, bootstrap, topic, codec string, records []program.Record, flags ...string) {
	tb.Helper()
	events := p.step(tb, lines(tb, records), append([]string{"produce", "--bootstrap", bootstrap, "--topic", topic, "--codec", codec}, flags...)...)
	if count := last(tb, events, "produced").Count; count != len(records) {
		tb.Fatalf("the client produced %d records of %d", count, len(records))
	}
}

// Write produces the same records to several topics, each with its own codec.
func (p Program) Write(tb testing.TB, bootstrap string, topics, codecs []string, records []program.Record) {
	tb.Helper()
	events := p.step(tb, lines(tb, records), "write", "--bootstrap", bootstrap,
		"--topics", strings.Join(topics, ","), "--codecs", strings.Join(codecs, ","))
	if count := last(tb, events, "produced").Count; count != len(records)*len(topics) {
		tb.Fatalf("the client produced %d records of %d", count, len(records)*len(topics))
	}
}

// Read reads count records of topics with one partition each, as the flags say.
func (p Program) Read(tb testing.TB, bootstrap string, topics []string, count int, flags ...string) []program.Record {
	tb.Helper()
	events := p.step(tb, nil, append([]string{"read", "--bootstrap", bootstrap, "--group", p.Client.Name,
		"--topics", strings.Join(topics, ","), "--count", strconv.Itoa(count)}, flags...)...)
	var records []program.Record
	for _, e := range events {
		if e.Event == "record" {
			records = append(records, e.record())
		}
	}
	return records
}

// lines are records as the programs read them.
func lines(tb testing.TB, records []program.Record) []byte {
	tb.Helper()
	in, err := encode(records)
	if err != nil {
		tb.Fatal(err)
	}
	return in
}

func encode(records []program.Record) ([]byte, error) {
	var in bytes.Buffer
	encoder := json.NewEncoder(&in)
	for _, r := range records {
		if err := encoder.Encode(line(r)); err != nil {
			return nil, err
		}
	}
	return in.Bytes(), nil
}

// line is a record as the programs read it.
func line(r program.Record) map[string]any {
	headers := append([]program.Header{}, r.Headers...) // none is an empty list, not null
	line := map[string]any{"key": r.Key, "value": r.Value, "headers": headers}
	if r.Timestamp != nil {
		line["timestamp"] = *r.Timestamp
	}
	return line
}

// Consume reads exactly count records in a group and returns them with the
// offsets that the client committed behind them.
func (p Program) Consume(tb testing.TB, bootstrap, topic, group string, count int) ([]program.Record, map[int32]int64) {
	tb.Helper()
	events := p.step(tb, nil, "consume", "--bootstrap", bootstrap, "--topic", topic, "--group", group, "--count", strconv.Itoa(count))
	committed := last(tb, events, "committed").Offsets
	var records []program.Record
	for _, e := range events {
		if e.Event == "record" {
			records = append(records, e.record())
		}
	}
	if len(records) != count {
		tb.Fatalf("the client consumed %d records, asked for %d", len(records), count)
	}
	return records, committed
}

// last is the final event, which must be of the given kind.
func last(tb testing.TB, events []event, kind string) event {
	tb.Helper()
	if len(events) == 0 || events[len(events)-1].Event != kind {
		tb.Fatalf("the program did not end with %q but with %+v", kind, events[max(0, len(events)-1):])
	}
	return events[len(events)-1]
}

// Refused runs a step that must fail, and returns the error that the client reports.
func (p Program) Refused(tb testing.TB, stdin []byte, args ...string) string {
	tb.Helper()
	events, stderr, err := p.try(tb, stdin, args...)
	for _, e := range events {
		if e.Event == "error" {
			return e.Message
		}
	}
	tb.Fatalf("%s %v reports no error (end: %v)\n%s", p.Client.Name, brief(args), err, stderr)
	return ""
}

// step runs the program to its end. A step that fails, or writes an error event, fails the test.
func (p Program) step(tb testing.TB, stdin []byte, args ...string) []event {
	tb.Helper()
	events, stderr, err := p.try(tb, stdin, args...)
	for _, e := range events {
		if e.Event == "error" {
			tb.Errorf("%s %v reports: %s", p.Client.Name, brief(args), e.Message)
		}
	}
	if err != nil {
		tb.Fatalf("%s %v: %v\n%s", p.Client.Name, brief(args), err, stderr)
	}
	return events
}

// try runs the program to its end; one that does not come to an end fails the test.
func (p Program) try(tb testing.TB, stdin []byte, args ...string) (events []event, stderr *tail, failure error) {
	tb.Helper()
	stdout := &eventWriter{visit: func(e event) { events = append(events, e) }}
	stderr = &tail{}
	cmd := p.cmd(args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), stdout, stderr
	process, err := testbed.StartProcess(cmd)
	if err != nil {
		tb.Fatal(err)
	}
	inTime := process.Wait(stepTimeout)
	if !inTime {
		killTree(process)
	}
	if !inTime {
		tb.Fatalf("%s %v did not end within %v; it had written %d events\n%s", p.Client.Name, brief(args), stepTimeout, len(events), stderr)
	}
	failure = process.Err()
	if failure == nil {
		failure = stdout.failure()
	}
	return events, stderr, failure
}

// brief cuts long lists of topics.
func brief(args []string) []string {
	const most = 80
	cut := slices.Clone(args)
	for i, arg := range cut {
		if len(arg) > most {
			cut[i] = arg[:most] + "..."
		}
	}
	return cut
}

// cmd has a process group of its own, so that a program's own children can be ended with it.
func (p Program) cmd(args ...string) *exec.Cmd {
	all := append(append([]string{}, p.command...), args...)
	cmd := exec.Command(all[0], all[1:]...)
	cmd.Env = append(os.Environ(), p.env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// killTree ends a program and its children. One that has ended is left alone: its number may be another's by now.
func killTree(process *testbed.Process) {
	select {
	case <-process.Done():
		return
	default:
	}
	_ = syscall.Kill(-process.PID(), syscall.SIGKILL) // fails only if all have ended already
	<-process.Done()
}
