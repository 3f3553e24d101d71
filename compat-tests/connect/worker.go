package connect

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
	"github.com/barnabas-mq/barnabas/compat-tests/world"
)

const (
	standalone  = "org.apache.kafka.connect.cli.ConnectStandalone"
	distributed = "org.apache.kafka.connect.cli.ConnectDistributed"
	// askInterval is how often a state is asked for that is awaited.
	askInterval = 50 * time.Millisecond
)

// settings are those of a worker or of a connector.
type settings map[string]string

// worker is one of Connect's, with a REST address that survives a restart.
type worker struct {
	*world.World
	class, classPath string
	address          string
	// args are files with settings.
	args []string
	*testbed.Program
}

// newWorker writes the settings and starts the worker.
func newWorker(w *world.World, class, classPath string, own settings, connectors ...settings) *worker {
	w.Helper()
	ports, err := testbed.FreePorts(1)
	if err != nil {
		w.Fatal(err)
	}
	one := &worker{World: w, class: class, classPath: classPath, address: fmt.Sprintf("127.0.0.1:%d", ports[0])}
	all := settings{
		"bootstrap.servers": w.Broker.Bootstrap(),
		"listeners":         "http://" + one.address,
		"key.converter":     "org.apache.kafka.connect.storage.StringConverter",
		"value.converter":   "org.apache.kafka.connect.storage.StringConverter",
		// The default scans every class there is, for seconds.
		"plugin.discovery":            "service_load",
		"offset.flush.interval.ms":    "500",
		"consumer.isolation.level":    "read_committed",
		"consumer.session.timeout.ms": "6000",
	}
	maps.Copy(all, own)
	dir := w.TempDir()
	for i, s := range append([]settings{all}, connectors...) {
		var text strings.Builder
		for _, key := range slices.Sorted(maps.Keys(s)) {
			fmt.Fprintf(&text, "%s=%s\n", key, s[key])
		}
		file := filepath.Join(dir, fmt.Sprintf("%d.properties", i))
		if err := os.WriteFile(file, []byte(text.String()), 0o644); err != nil {
			w.Fatal(err)
		}
		one.args = append(one.args, file)
	}
	one.start()
	return one
}

func (w *worker) start() {
	w.Helper()
	w.Program = testbed.StartJava(w, w.classPath, func([]byte) {}, append([]string{w.class}, w.args...)...)
}

// compile returns the class path of workers that know the connectors.
func compile(t *testing.T) string {
	t.Helper()
	oracle.Need(t)
	jars, err := oracle.ConnectClassPath(oracle.Newest)
	if err != nil {
		t.Fatal(err)
	}
	classPath := oracle.Compile(t, jars, "Numbered.java")
	classes, _, _ := strings.Cut(classPath, string(os.PathListSeparator))
	services := filepath.Join(classes, "META-INF", "services")
	if err := os.MkdirAll(services, 0o755); err != nil {
		t.Fatal(err)
	}
	for service, class := range map[string]string{"source.SourceConnector": "Numbered$Source", "sink.SinkConnector": "Numbered$Sink"} {
		if err := os.WriteFile(filepath.Join(services, "org.apache.kafka.connect."+service), []byte(class), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return classPath
}

// await asks until there is no error; a worker that has ended is none to wait for.
func (w *worker) await(what string, ask func() error) {
	w.Helper()
	tick := time.NewTicker(askInterval)
	defer tick.Stop()
	for end := time.Now().Add(world.SettleTimeout); ; {
		err := ask()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			w.Fatalf("%s: %v\n%s", what, err, w.Tail())
		}
		select {
		case <-tick.C:
		case <-w.Done():
			w.Fatalf("%s: the worker ended: %v\n%s", what, w.Program.Err(), w.Tail())
		}
	}
}

// call speaks REST.
func (w *worker) call(method, path string, body, answer any) error {
	content, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(w.Context(), method, "http://"+w.address+path, bytes.NewReader(content))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // only read from
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, text)
	}
	return json.Unmarshal(text, answer)
}

// configure makes a connector; workers that are about to rebalance refuse it for a while.
func (w *worker) configure(name string, s settings) {
	w.Helper()
	w.await("configure "+name, func() error { return w.call(http.MethodPut, "/connectors/"+name+"/config", s, &struct{}{}) })
}

// state is of a connector or a task.
type state struct {
	State  string `json:"state"`
	Worker string `json:"worker_id"`
	Trace  string `json:"trace"`
}

// running waits until a connector and so many tasks run, and returns the addresses of
// the workers that have them, which must be among those given.
func (w *worker) running(name string, tasks int, on ...*worker) (at []string) {
	w.Helper()
	w.await(name+" runs", func() error {
		var status struct {
			Connector state   `json:"connector"`
			Tasks     []state `json:"tasks"`
		}
		if err := w.call(http.MethodGet, "/connectors/"+name+"/status", nil, &status); err != nil {
			return err
		}
		if len(status.Tasks) != tasks {
			return fmt.Errorf("%d tasks, want %d", len(status.Tasks), tasks)
		}
		at = nil
		for _, s := range append(status.Tasks, status.Connector) {
			if s.State != "RUNNING" || s.Trace != "" || !slices.ContainsFunc(on, func(o *worker) bool { return o.address == s.Worker }) {
				return errors.New(fmt.Sprint(status))
			}
			at = append(at, s.Worker)
		}
		return nil
	})
	return at
}

// offsets are those that Connect tells of a connector, by the name of a number in each.
func (w *worker) offsets(name, partition, offset string) (map[float64]float64, error) {
	var answer struct {
		Offsets []struct {
			Partition map[string]any `json:"partition"`
			Offset    map[string]any `json:"offset"`
		} `json:"offsets"`
	}
	if err := w.call(http.MethodGet, "/connectors/"+name+"/offsets", nil, &answer); err != nil {
		return nil, err
	}
	found := map[float64]float64{}
	for _, o := range answer.Offsets {
		p, _ := o.Partition[partition].(float64)
		n, _ := o.Offset[offset].(float64)
		found[p] = n
	}
	return found, nil
}
