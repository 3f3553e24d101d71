package barnabas

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
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
	// Env is added to the environment.
	Env []string
}

// Ready is the line that the broker prints when it serves.
type Ready struct {
	Ready     bool    `json:"ready"`
	Bootstrap string  `json:"bootstrap"`
	NodeID    int32   `json:"node_id"`
	ClusterID string  `json:"cluster_id"`
	Version   string  `json:"version"`
	PID       int     `json:"pid"`
	StartMS   float64 `json:"start_ms"`
}

// Broker is a running barnabas.
type Broker struct {
	*testbed.Broker
	options Options
	// stdout catches the ready line of the present process.
	stdout *testbed.FirstLine
	ready  Ready
}

// Run starts a broker for a test and ends it with the test.
func Run(tb testing.TB, options Options) *Broker {
	tb.Helper()
	b, err := Start(options)
	if err != nil {
		tb.Fatal(err)
	}
	testbed.EndWith(tb, b)
	return b
}

// Start starts a broker on a fresh data directory and a free port.
func Start(options Options) (*Broker, error) {
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
	b := &Broker{options: options}
	bootstrap := fmt.Sprintf("127.0.0.1:%d", ports[0])
	data := filepath.Join(dir, "data")
	b.Broker, err = testbed.NewBroker(testbed.Launch{
		Name: "barnabas", Dir: dir, DataDir: data, Bootstrap: bootstrap,
		Command: func() *exec.Cmd { return b.command(binary, bootstrap, data) },
		Ready:   b.awaitReady,
	})
	if err != nil {
		_ = os.RemoveAll(dir)
		return nil, err
	}
	return b, nil
}

// ReadyLine is what the present process printed when it was ready.
func (b *Broker) ReadyLine() Ready { return b.ready }

func (b *Broker) command(binary, bootstrap, data string) *exec.Cmd {
	args := []string{"serve", "--profile", b.options.Profile, "--listen", bootstrap, "--data", data}
	keys := make([]string, 0, len(b.options.Properties))
	for key := range b.options.Properties {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	for _, key := range keys {
		args = append(args, "--override", key+"="+b.options.Properties[key])
	}
	cmd := exec.Command(binary, args...)
	cmd.Env = append(os.Environ(), b.options.Env...)
	b.stdout = testbed.NewFirstLine()
	cmd.Stdout = b.stdout
	return cmd
}

// awaitReady waits for the ready line, which is the first on stdout.
func (b *Broker) awaitReady(p *testbed.Process) error {
	line, err := b.stdout.Await(p, readyTimeout)
	if err != nil {
		return err
	}
	b.ready = Ready{}
	if err := json.Unmarshal(line, &b.ready); err != nil || !b.ready.Ready {
		return fmt.Errorf("the first line is not a ready line: %q (%v)", line, err)
	}
	return nil
}
