package barnabas

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

// readyTimeout is far above the milliseconds that a start takes; recovery after
// a kill under load is inside it.
const readyTimeout = 30 * time.Second

// Options say how to start the broker.
type Options struct {
	// Profile is dev or server; empty is dev, as `make run` has it.
	Profile string
	// Properties are given as --override key=value.
	Properties map[string]string
	// Beside are further listeners, NAME://HOST:PORT; NAME is a security protocol.
	Beside []string
	// Data is the data folder; empty is a fresh one, which goes with the broker.
	Data string
	// Environment are further variables, NAME=VALUE.
	Environment []string
}

// readyLine is what the broker prints when it serves. A line with a field of
// another type does not decode, and so is refused.
type readyLine struct {
	Ready     bool    `json:"ready"`
	Bootstrap string  `json:"bootstrap"`
	NodeID    int32   `json:"node_id"`
	ClusterID string  `json:"cluster_id"`
	Version   string  `json:"version"`
	PID       int     `json:"pid"`
	StartMS   float64 `json:"start_ms"`
}

// Run starts a broker for a test and ends it with the test.
func Run(tb testing.TB, options Options) *testbed.Broker {
	tb.Helper()
	b, err := Start(options)
	if err != nil {
		tb.Fatal(err)
	}
	testbed.EndWith(tb, b)
	return b
}

// Start starts a broker on a fresh data directory and a free port.
func Start(options Options) (*testbed.Broker, error) {
	binary, err := Binary()
	if err != nil {
		return nil, err
	}
	if options.Profile == "" {
		options.Profile = "dev"
	}
	ports, err := testbed.FreePorts(1)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "barnabas-compat-")
	if err != nil {
		return nil, err
	}
	bootstrap := fmt.Sprintf("127.0.0.1:%d", ports[0])
	data := options.Data
	if data == "" {
		data = filepath.Join(dir, "data")
	}
	b, err := launch(dir, data, bootstrap, func() *exec.Cmd {
		cmd := exec.Command(binary, arguments(options, bootstrap, data)...)
		cmd.Env = append(os.Environ(), options.Environment...)
		return cmd
	})
	if err != nil {
		_ = os.RemoveAll(dir)
		return nil, err
	}
	return b, nil
}

// Open starts a broker with a properties file that somebody else has written, on
// the data that it names. Logs go to dir, which Close removes.
func Open(file, dir, data, bootstrap string) (*testbed.Broker, error) {
	binary, err := Binary()
	if err != nil {
		return nil, err
	}
	return launch(dir, data, bootstrap, func() *exec.Cmd { return exec.Command(binary, "serve", file) })
}

// launch starts what command makes, which prints a ready line.
func launch(dir, data, bootstrap string, command func() *exec.Cmd) (*testbed.Broker, error) {
	var stdout *testbed.FirstLine // of the present process
	return testbed.NewBroker(testbed.Launch{
		Name: "barnabas", Dir: dir, DataDir: data, Bootstrap: bootstrap,
		Command: func() *exec.Cmd {
			cmd := command()
			stdout = testbed.NewFirstLine()
			cmd.Stdout = stdout
			return cmd
		},
		Ready: func(p *testbed.Process) error { return awaitReady(stdout, p) },
	})
}

func arguments(options Options, bootstrap, data string) []string {
	args := []string{"serve", "--profile", options.Profile, "--listen", bootstrap, "--data", data}
	for _, listener := range options.Beside {
		args = append(args, "--listen", listener)
	}
	for _, key := range slices.Sorted(maps.Keys(options.Properties)) {
		args = append(args, "--override", key+"="+options.Properties[key])
	}
	return args
}

// awaitReady waits for the ready line, which is the first on stdout.
func awaitReady(stdout *testbed.FirstLine, p *testbed.Process) error {
	line, err := stdout.Await(p, readyTimeout)
	if err != nil {
		return err
	}
	var ready readyLine
	if err := json.Unmarshal(line, &ready); err != nil || !ready.Ready {
		return fmt.Errorf("the first line is not a ready line: %q (%v)", line, err)
	}
	return nil
}
