package image

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// patience is far above the milliseconds that anything takes here.
const patience = 30 * time.Second

// container is a started process with the image as its root.
type container struct {
	root string
	env  []string
	user syscall.Credential
	cmd  *exec.Cmd
	done chan error

	mu  sync.Mutex
	out []string // lines of stdout and stderr, as a container's log has them
	// onStdout are those of stdout alone.
	onStdout []string
	more     chan struct{} // closed and replaced with every line
}

// imageEnv is what the image says, before what a launcher adds.
var imageEnv = []string{"PATH=/usr/local/bin:/usr/sbin:/usr/bin:/opt/kafka/bin:/opt/bitnami/kafka/bin", "HOME=/home/appuser", "BARNABAS_PROFILE=dev"}

func newContainer(t *testing.T, env []string, user syscall.Credential) *container {
	t.Helper()
	return &container{root: unpack(t), env: append(slices.Clone(imageEnv), env...), user: user, more: make(chan struct{})}
}

// command is a process in the container, as `docker exec` has it.
func (c *container) command(words ...string) *exec.Cmd {
	path := words[0]
	if !strings.Contains(path, "/") {
		path = "/usr/bin/" + path
	}
	return &exec.Cmd{
		Path: path, Args: words, Env: c.env, Dir: "/home/appuser",
		SysProcAttr: &syscall.SysProcAttr{Chroot: c.root, Credential: &c.user, Pdeathsig: syscall.SIGKILL},
	}
}

// start runs the container's first process, and ends it with the test.
func (c *container) start(t *testing.T, words ...string) {
	t.Helper()
	c.cmd, c.done = c.command(words...), make(chan error, 1)
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := c.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var readers sync.WaitGroup
	readers.Go(func() { c.read(bufio.NewScanner(stdout), true) })
	readers.Go(func() { c.read(bufio.NewScanner(stderr), false) })
	go func() {
		readers.Wait()
		c.done <- c.cmd.Wait()
		close(c.done)
	}()
	t.Cleanup(func() {
		_ = c.cmd.Process.Kill() // it has ended, in a test that went well
		<-c.done
		if t.Failed() {
			t.Logf("the container's log:\n%s", strings.Join(c.log(false), "\n"))
		}
	})
}

func (c *container) read(lines *bufio.Scanner, isStdout bool) {
	for lines.Scan() {
		c.mu.Lock()
		c.out = append(c.out, lines.Text())
		if isStdout {
			c.onStdout = append(c.onStdout, lines.Text())
		}
		close(c.more)
		c.more = make(chan struct{})
		c.mu.Unlock()
	}
}

func (c *container) log(stdoutOnly bool) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if stdoutOnly {
		return slices.Clone(c.onStdout)
	}
	return slices.Clone(c.out)
}

// waitFor waits for a line of stdout: one launcher reads nothing else.
func (c *container) waitFor(t *testing.T, pattern string) {
	t.Helper()
	match := regexp.MustCompile(pattern)
	timeout := time.After(patience)
	for {
		c.mu.Lock()
		found, more := slices.ContainsFunc(c.onStdout, match.MatchString), c.more
		c.mu.Unlock()
		if found {
			return
		}
		select {
		case <-more:
		case err := <-c.done:
			t.Fatalf("the container ended (%v) before it said %q", err, pattern)
		case <-timeout:
			t.Fatalf("the container does not say %q", pattern)
		}
	}
}

// stop does what `docker stop` does; the broker must have ended by itself.
func (c *container) stop(t *testing.T, signal syscall.Signal) {
	t.Helper()
	if err := c.cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-c.done:
		if status := c.cmd.ProcessState.ExitCode(); status != 0 && status != 128+int(signal) {
			t.Errorf("stopped with %v", err)
		}
	case <-time.After(patience):
		t.Error("the container does not stop")
	}
}

// write puts a file into the container as `docker cp` does: root's.
func (c *container) write(t *testing.T, name, text string, mode os.FileMode) {
	t.Helper()
	whole := filepath.Join(c.root, name)
	// The file appears at once and whole, with its mode, as from an archive.
	fresh := whole + ".new"
	if err := os.WriteFile(fresh, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(fresh, mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(fresh, whole); err != nil {
		t.Fatal(err)
	}
}

// produceAtOnce makes a topic and writes a record to it, without a second
// attempt at anything.
func produceAtOnce(t *testing.T, address string) {
	t.Helper()
	client, err := kgo.NewClient(
		kgo.SeedBrokers(address), kgo.RequestRetries(0), kgo.RecordRetries(0), kgo.UnknownTopicRetries(-1), kgo.DefaultProduceTopic("first"),
	)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	made, err := kadm.NewClient(client).CreateTopic(ctx, 1, 1, nil, "first")
	if err != nil || made.Err != nil {
		t.Errorf("%s: no topic can be made: %v %v", address, err, made.Err)
		return
	}
	if err := client.ProduceSync(ctx, kgo.StringRecord("hello")).FirstErr(); err != nil {
		t.Errorf("%s: no record can be written: %v", address, err)
	}
}

// advertised is the host that clients are told.
func advertised(t *testing.T, address string) string {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(address))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	brokers, err := kadm.NewClient(client).ListBrokers(ctx)
	if err != nil || len(brokers) != 1 {
		t.Fatalf("%s tells %v (%v)", address, brokers, err)
	}
	return brokers[0].Host
}
