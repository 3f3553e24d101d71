package clients

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/barnabas-mq/barnabas/compat-tests/clients/program"
)

// event is one line that a program writes; which fields are set depends on Event.
type event struct {
	Event      string           `json:"event"`
	Version    string           `json:"version"`
	Codecs     []string         `json:"codecs"`
	Count      int              `json:"count"`
	Topic      string           `json:"topic"`
	Timestamp  *int64           `json:"timestamp"`
	Partition  int32            `json:"partition"`
	Offset     int64            `json:"offset"`
	Key        []byte           `json:"key"`
	Value      []byte           `json:"value"`
	Headers    []program.Header `json:"headers"`
	Offsets    map[int32]int64  `json:"offsets"`
	Partitions []int32          `json:"partitions"`
	Message    string           `json:"message"`
	Fenced     bool             `json:"fenced"`
	Index      int              `json:"index"`
	Names      []string         `json:"names"`
	Text       string           `json:"text"`
}

func (e event) record() program.Record {
	return program.Record{
		Topic: e.Topic, Partition: e.Partition, Offset: e.Offset, Timestamp: e.Timestamp, Key: e.Key, Value: e.Value, Headers: e.Headers,
	}
}

// eventWriter is a program's standard output: it cuts lines and decodes them.
type eventWriter struct {
	visit func(event)

	mu   sync.Mutex
	rest []byte
	// err is the first line that is not an event.
	err error
}

func (w *eventWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rest = append(w.rest, p...)
	for {
		line, rest, found := bytes.Cut(w.rest, []byte{'\n'})
		if !found {
			return len(p), nil
		}
		w.rest = rest
		var e event
		if err := json.Unmarshal(line, &e); err != nil {
			if w.err == nil {
				w.err = fmt.Errorf("the program wrote %q: %w", line, err)
			}
			continue
		}
		w.visit(e)
	}
}

func (w *eventWriter) failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// tail keeps the end of a program's standard error, for reports.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const tailBytes = 4 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if over := len(t.text) - tailBytes; over > 0 {
		t.text = append(t.text[:0], t.text[over:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}
