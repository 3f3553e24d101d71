package tools

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/barnabas-mq/barnabas/broker"
	"github.com/barnabas-mq/barnabas/cli/kafkatools"
	"github.com/barnabas-mq/barnabas/config"
)

// TestToolsAsRecorded tells the whole story again with Barnabas's tools, to Barnabas.
func TestToolsAsRecorded(t *testing.T) {
	if *record {
		t.Skip("recording")
	}
	var w *scene
	before, compared := "", 0
	for _, path := range scripts(t) {
		if w == nil || story(path) != story(before) {
			w = &scene{data: filepath.Join(t.TempDir(), "data"), dir: t.TempDir()}
			w.bootstrap = serve(t, w.data, propertiesOf(path))
		}
		before = path
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			steps, err := readScript(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range steps {
				if s.member != "" {
					joinGroup(t, w.bootstrap, s.member)
				} else if retell(t, w, path, s) {
					compared++
				}
			}
		})
	}
	if !t.Failed() {
		t.Logf("%d commands print what Apache Kafka's print", compared)
	}
}

// retell does one step; it tells whether the step was compared.
func retell(t *testing.T, w *scene, path string, s step) bool {
	t.Helper()
	words, err := w.arguments(s)
	if err != nil {
		t.Fatal(err)
	}
	var out, errOut bytes.Buffer
	status, known := kafkatools.Run(words[0], words[1:], strings.NewReader(s.input()), &out, &errOut)
	if !known {
		t.Errorf("%s:%d: %s: there is no such tool", path, s.line, words[0])
		return false
	}
	drop := func(text string) string { return text }
	if pattern, isPattern := s.dropped(); isPattern {
		drop = func(text string) string { return pattern.ReplaceAllString(text, "") }
	} else if s.apart != "" {
		return false
	}
	got := step{stdout: w.normalise(s.command, out.String()), stderr: w.normalise(s.command, errOut.String())}
	if status != s.status {
		t.Errorf("%s:%d: %s\nexits with %d, want %d\n%s%s", path, s.line, s.command, status, s.status, out.String(), errOut.String())
	}
	for _, stream := range []struct{ name, want, got string }{{"output", s.stdout, got.stdout}, {"errors", s.stderr, got.stderr}} {
		if diff := cmp.Diff(unblank(drop(w.normalise(s.command, stream.want))), unblank(drop(stream.got))); diff != "" {
			t.Errorf("%s:%d: %s\nprints other %s (- Apache Kafka, + Barnabas):\n%s", path, s.line, s.command, stream.name, diff)
		}
	}
	return true
}

// unblank cuts blanks at the ends of lines and empty lines at the end: a stack trace
// that is left out leaves one.
func unblank(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}

func serve(t *testing.T, data string, properties map[string]string) (bootstrap string) {
	t.Helper()
	overrides := []string{"barnabas.persona=kafka-4.3"} // shows the versions of APIs that Kafka has, no older ones
	for key, value := range properties {
		overrides = append(overrides, key+"="+value)
	}
	settings, err := config.Load(config.Input{Listen: []string{"127.0.0.1:0"}, Data: data, Profile: "server", Overrides: overrides})
	if err != nil {
		t.Fatal(err)
	}
	b, err := broker.Open(broker.Options{Settings: settings, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := b.Close(ctx); err != nil {
			t.Errorf("stopping the broker: %v", err)
		}
	})
	return b.Bootstrap()
}
