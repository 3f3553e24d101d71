package testbed

import (
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"
)

// Target is a broker under test.
type Target interface {
	// Name says which broker this is, in reports ("kafka-4.3.1", "barnabas").
	Name() string
	// Bootstrap is the client address, HOST:PORT. It survives a restart.
	Bootstrap() string
	// DataDir is where the broker keeps its logs.
	DataDir() string
	// PID is the process id of the running broker.
	PID() int
	// Stop ends the broker in order (SIGTERM) and waits for it.
	Stop() error
	// Kill ends the broker at once (SIGKILL) and waits for it.
	Kill() error
	// Start starts a stopped or killed broker on the same data and port.
	Start() error
	// Usage is what the running process has consumed.
	Usage() (Usage, error)
	// LogTail is the end of what the broker logged.
	LogTail() string
	// Close ends the broker and removes its files.
	Close() error
}

// stopTimeout is above the slowest orderly stop that was seen of Apache Kafka
// on two busy cores (about 6 s).
const stopTimeout = 45 * time.Second

// Launch says how a broker process is started.
type Launch struct {
	// Name of the broker, for reports.
	Name string
	// Dir is removed by Close; logs go to Dir/server.log.
	Dir string
	// DataDir holds the broker's logs.
	DataDir string
	// Bootstrap is the client address, known before the start.
	Bootstrap string
	// Command makes the process; it is called for every start.
	Command func() *exec.Cmd
	// Ready waits until the broker serves. It is given the process so that it
	// can stop waiting when that has ended.
	Ready func(p *Process) error
}

// Broker is a Target that runs as a child process.
type Broker struct {
	launch  Launch
	logPath string

	mu struct {
		sync.Mutex
		process *Process
		// ready is how long the last process to start took until it served.
		ready time.Duration
	}
}

var _ Target = (*Broker)(nil)

// NewBroker starts what launch describes and waits until it serves.
func NewBroker(launch Launch) (*Broker, error) {
	b := &Broker{launch: launch, logPath: launch.Dir + "/server.log"}
	if err := b.Start(); err != nil {
		return nil, err
	}
	return b, nil
}

// Name implements Target.
func (b *Broker) Name() string { return b.launch.Name }

// Bootstrap implements Target.
func (b *Broker) Bootstrap() string { return b.launch.Bootstrap }

// DataDir implements Target.
func (b *Broker) DataDir() string { return b.launch.DataDir }

// PID implements Target; it is 0 when the broker does not run.
func (b *Broker) PID() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.mu.process == nil {
		return 0
	}
	return b.mu.process.PID()
}

// ReadyAfter is how long the last start took, from before the fork until the
// broker answered.
func (b *Broker) ReadyAfter() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.mu.ready
}

// Start implements Target.
func (b *Broker) Start() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	began := time.Now()
	process, err := b.launchProcess()
	if err != nil {
		return err
	}
	if err := b.launch.Ready(process); err != nil {
		process.Kill()
		return fmt.Errorf("%s does not serve: %w\n%s", b.launch.Name, err, b.LogTail())
	}
	b.mu.ready = time.Since(began)
	b.mu.process = process
	return nil
}

// StartAndKill starts a stopped broker and kills it after a while, whether it
// served by then or not. A broker that ends by itself before is an error.
func (b *Broker) StartAndKill(after time.Duration) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	process, err := b.launchProcess()
	if err != nil {
		return err
	}
	if process.Wait(after) {
		return fmt.Errorf("%s ended while starting: %v\n%s", b.launch.Name, process.Err(), b.LogTail())
	}
	process.Kill()
	return nil
}

// launchProcess forks; b.mu is held.
func (b *Broker) launchProcess() (*Process, error) {
	if b.mu.process != nil {
		return nil, fmt.Errorf("%s runs already", b.launch.Name)
	}
	logFile, err := os.OpenFile(b.logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer logFile.Close() //nolint:errcheck // the child holds its own descriptor
	cmd := b.launch.Command()
	if cmd.Stdout == nil {
		cmd.Stdout = logFile
	}
	cmd.Stderr = logFile
	process, err := StartProcess(cmd)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", b.launch.Name, err)
	}
	return process, nil
}

// Stop implements Target.
func (b *Broker) Stop() error {
	process := b.take()
	if process == nil {
		return nil
	}
	if err := process.Terminate(stopTimeout); err != nil {
		return fmt.Errorf("stop %s: %w", b.launch.Name, err)
	}
	return nil
}

// Kill implements Target.
func (b *Broker) Kill() error {
	if process := b.take(); process != nil {
		process.Kill()
	}
	return nil
}

// take removes the process from the handle, so that it is ended only once.
func (b *Broker) take() *Process {
	b.mu.Lock()
	defer b.mu.Unlock()
	process := b.mu.process
	b.mu.process = nil
	return process
}

// Close implements Target. It kills: the files go anyway.
func (b *Broker) Close() error {
	_ = b.Kill()
	return os.RemoveAll(b.launch.Dir)
}

// Usage implements Target.
func (b *Broker) Usage() (Usage, error) {
	pid := b.PID()
	if pid == 0 {
		return Usage{}, fmt.Errorf("%s does not run", b.launch.Name)
	}
	return ReadUsage(pid)
}

// LogTail implements Target.
func (b *Broker) LogTail() string {
	const tailBytes = 4 << 10
	log, err := os.ReadFile(b.logPath)
	if err != nil {
		return err.Error()
	}
	if len(log) > tailBytes {
		log = log[len(log)-tailBytes:]
	}
	return string(log)
}

// Log is all that the broker has logged.
func (b *Broker) Log() (string, error) {
	text, err := os.ReadFile(b.logPath)
	return string(text), err
}

// EndWith closes t at the end of a test and shows its log if the test failed.
func EndWith(tb testing.TB, t Target) {
	tb.Helper()
	tb.Cleanup(func() {
		if tb.Failed() {
			tb.Logf("end of the log of %s:\n%s", t.Name(), t.LogTail())
		}
		if err := t.Close(); err != nil {
			tb.Errorf("close %s: %v", t.Name(), err)
		}
	})
}

// InCI tells whether an absent tool is a failure rather than a reason to skip.
func InCI() bool { return os.Getenv("CI") == "true" }

// NeedPrograms skips the test, naming the reason, when a program is absent; in
// CI it fails instead.
func NeedPrograms(tb testing.TB, names ...string) {
	tb.Helper()
	for _, name := range names {
		if _, err := exec.LookPath(name); err == nil {
			continue
		}
		if InCI() {
			tb.Fatalf("%s is not installed", name)
		}
		tb.Skipf("%s is not installed", name)
	}
}
