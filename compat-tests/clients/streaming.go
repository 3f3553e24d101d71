package clients

import (
	"encoding/json"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/compat-tests/clients/program"
	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

// streaming is a running program that sends records as it gets them.
type streaming struct {
	process *testbed.Process
	stdin   io.WriteCloser
	stdout  *eventWriter
	stderr  *tail

	mu      sync.Mutex
	changed chan struct{} // closed and replaced with every event
	// acked are the places of records by their index.
	acked    map[int]place
	errors   []string
	produced int
}

type place struct {
	partition int32
	offset    int64
}

// stream starts the program; the test's end kills it.
func (p Program) stream(tb testing.TB, bootstrap, topic string) *streaming {
	tb.Helper()
	s := &streaming{changed: make(chan struct{}), acked: map[int]place{}, stderr: &tail{}}
	s.stdout = &eventWriter{visit: s.observe}
	cmd := p.cmd("stream", "--bootstrap", bootstrap, "--topic", topic)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	s.stdin, cmd.Stdout, cmd.Stderr = stdin, s.stdout, s.stderr
	if s.process, err = testbed.StartProcess(cmd); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { killTree(s.process) })
	return s
}

func (s *streaming) observe(e event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch e.Event {
	case "acked":
		s.acked[e.Index] = place{e.Partition, e.Offset}
	case "error":
		s.errors = append(s.errors, e.Message)
	case "produced":
		s.produced = e.Count
	}
	close(s.changed)
	s.changed = make(chan struct{})
}

// feed gives the program records; it blocks where the program does not take them.
func (s *streaming) feed(records []program.Record) error {
	encoder := json.NewEncoder(s.stdin)
	for _, r := range records {
		if err := encoder.Encode(line(r)); err != nil {
			return err
		}
	}
	return nil
}

// await waits until count records are acknowledged.
func (s *streaming) await(tb testing.TB, count int) {
	tb.Helper()
	timer := time.NewTimer(settleTimeout)
	defer timer.Stop()
	for {
		s.mu.Lock()
		acked, changed := len(s.acked), s.changed
		s.mu.Unlock()
		if acked >= count {
			return
		}
		select {
		case <-changed:
		case <-s.process.Done():
			tb.Fatalf("the program ended with %d records acknowledged: %v, errors %q\n%s", acked, s.process.Err(), s.errors, s.stderr)
		case <-timer.C:
			tb.Fatalf("%d records are acknowledged after %v, want %d\n%s", acked, settleTimeout, count, s.stderr)
		}
	}
}

// end closes the program's input and returns where every record is.
func (s *streaming) end(tb testing.TB) map[int]place {
	tb.Helper()
	_ = s.stdin.Close() // fails only if the program has ended, which is judged next
	if !s.process.Wait(stepTimeout) {
		tb.Fatalf("the program does not end\n%s", s.stderr)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.process.Err(); err != nil || s.stdout.failure() != nil || len(s.errors) > 0 {
		tb.Fatalf("the program ended with %v (%v) and errors %q\n%s", err, s.stdout.failure(), s.errors, s.stderr)
	}
	if s.produced != len(s.acked) {
		tb.Errorf("%d records were sent, %d acknowledged", s.produced, len(s.acked))
	}
	return s.acked
}
