package connect

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/barnabas-mq/barnabas/compat-tests/matrix"
	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
	"github.com/barnabas-mq/barnabas/compat-tests/target"
	"github.com/barnabas-mq/barnabas/compat-tests/world"
)

// linesPerStep is how many lines the file gets at a time.
const linesPerStep = 200

// files is a worker between two files.
type files struct {
	*worker
	in, out string
	lines   []string
}

// TestStandalone: whatever is killed, each line comes out of the topic, in order.
func TestStandalone(t *testing.T) {
	t.Parallel()
	matrix.Works(t, "Kafka Connect", oracle.Newest, "Java", "standalone, files in and out, while broker and worker are killed", target.Column())
	classPath := compile(t)
	w := world.New(t)
	w.CreateTopics(1, "lines")
	dir := t.TempDir()
	f := &files{in: filepath.Join(dir, "in"), out: filepath.Join(dir, "out")}
	f.worker = newWorker(w, standalone, classPath, settings{"offset.storage.file.filename": filepath.Join(dir, "offsets")},
		settings{"name": "file-source", "connector.class": "FileStreamSource", "tasks.max": "1", "file": f.in, "topic": "lines"},
		settings{"name": "file-sink", "connector.class": "FileStreamSink", "tasks.max": "1", "file": f.out, "topics": "lines"})
	f.add()
	f.arrived(linesPerStep / 2)
	f.add()
	w.Restart()
	f.add()
	f.arrived(len(f.lines) - linesPerStep/2)
	f.Kill()
	f.add()
	f.start()
	f.arrived(len(f.lines))
	f.running("file-source", 1, f.worker)
	f.running("file-sink", 1, f.worker)

	var stored []string
	var end int64
	f.ReadAll("lines", func(r *kgo.Record) {
		stored = append(stored, string(r.Value))
		end = r.Offset + 1
	})
	if fault := world.AtLeastOnce(stored, f.lines); fault != "" {
		t.Errorf("the topic: %s", fault)
	}
	written := f.written()
	if !slices.Equal(firsts(written), f.lines) {
		t.Errorf("the sink wrote %d lines, of which %d different, other than the %d that are due", len(written), len(firsts(written)), len(f.lines))
	}
	f.committed("connect-file-sink", "lines", map[int32]int64{0: end})
	t.Logf("%d lines; the topic has %d, the sink wrote %d", len(f.lines), len(stored), len(written))
}

// add appends lines to the file that the source reads.
func (f *files) add() {
	f.Helper()
	var text strings.Builder
	for range linesPerStep {
		line := strconv.Itoa(len(f.lines))
		f.lines = append(f.lines, line)
		fmt.Fprintln(&text, line)
	}
	file, err := os.OpenFile(f.in, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err == nil {
		_, err = file.WriteString(text.String())
	}
	if err == nil {
		err = file.Close()
	}
	if err != nil {
		f.Fatal(err)
	}
}

// written are the lines of the sink.
func (f *files) written() []string { return readLines(f.out) }

func readLines(file string) []string {
	text, _ := os.ReadFile(file) // none before the first line
	return strings.FieldsFunc(string(text), func(r rune) bool { return r == '\n' })
}

// arrived waits until the sink has written so many different lines.
func (f *files) arrived(count int) {
	f.Helper()
	f.await("lines at the sink", func() error {
		if got := len(firsts(f.written())); got < count {
			return fmt.Errorf("%d lines, not %d", got, count)
		}
		return nil
	})
}

// firsts leaves out repeats.
func firsts(values []string) (once []string) {
	seen := map[string]bool{}
	for _, value := range values {
		if !seen[value] {
			once = append(once, value)
		}
		seen[value] = true
	}
	return once
}

// committed waits until a group has committed these offsets.
func (w *worker) committed(group, topic string, due map[int32]int64) {
	w.Helper()
	w.await("offsets of "+group, func() error {
		offsets, err := w.Admin.FetchOffsets(w.Context(), group)
		if err != nil {
			return err
		}
		for p, want := range due {
			if got, ok := offsets.Lookup(topic, p); !ok || got.At != want {
				return fmt.Errorf("committed is %v, want %d of partition %d", offsets, want, p)
			}
		}
		return nil
	})
}
