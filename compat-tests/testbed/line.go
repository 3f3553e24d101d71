package testbed

import (
	"bytes"
	"fmt"
	"time"
)

// FirstLine is the stdout of a process that says on its first line that it is
// ready. The rest is dropped, so that the process never blocks on it.
type FirstLine struct {
	first chan []byte
	line  []byte
	sent  bool
}

// NewFirstLine is for one process.
func NewFirstLine() *FirstLine { return &FirstLine{first: make(chan []byte, 1)} }

// Write implements io.Writer for the process.
func (w *FirstLine) Write(p []byte) (int, error) {
	if w.sent {
		return len(p), nil
	}
	line, _, whole := bytes.Cut(p, []byte{'\n'})
	w.line = append(w.line, line...)
	if whole {
		w.sent = true
		w.first <- w.line
	}
	return len(p), nil
}

// Await is the first line. It gives up when the process ends or the time is over.
func (w *FirstLine) Await(p *Process, timeout time.Duration) ([]byte, error) {
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case line := <-w.first:
		return line, nil
	case <-p.Done():
		return nil, fmt.Errorf("the process ended without a ready line: %v", p.Err())
	case <-timer.C:
		return nil, fmt.Errorf("no ready line within %v", timeout)
	}
}
