package applets

import (
	"cmp"
	"context"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/barnabas-mq/barnabas/internal/terminal"
)

// Become is Run for a process that does nothing else: the applet has its
// standard streams, what ends a script takes its place, and a signal to it ends
// what it started, then itself.
func Become(name string, args []string) (status int, known bool) {
	if _, known := table()[name]; !known {
		return statusNotFound, false
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt)
	defer signal.Stop(signals)
	ended := make(chan syscall.Signal, 1)
	go func() { // lives as long as the process
		for s := range signals {
			number, _ := s.(syscall.Signal)
			select {
			case ended <- number:
			default:
			}
			running.end(number)
			cancel()
		}
	}()
	c, err := processCall(ctx, args)
	if err != nil {
		(&call{name: name, errOut: os.Stderr}).say("%v", err)
		return statusFailed, true
	}
	c.in, c.out, c.errOut, c.replace = os.Stdin, os.Stdout, os.Stderr, true
	status, known = c.run(name)
	select {
	case number := <-ended:
		// The first process of a container takes all others with it: a broker in the
		// background would be killed in the middle of its stop.
		running.wait(childrenPatience)
		status = statusSignal + int(number)
	default:
	}
	return status, known
}

// childrenPatience is as long as Docker waits before it kills a container.
const childrenPatience = 10 * time.Second

// children are the processes that the shells of this process wait for.
type children struct {
	mu sync.Mutex
	// all tells of each process whether it was told to end: a second signal would
	// make a broker break its stop off.
	all  map[*os.Process]bool
	none chan struct{} // closed when the last one ends; nil while nobody waits
}

var running = children{all: make(map[*os.Process]bool)}

func (c *children) started(p *os.Process) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all[p] = false
}

func (c *children) ended(p *os.Process) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.all, p)
	if len(c.all) == 0 && c.none != nil {
		close(c.none)
		c.none = nil
	}
}

// end hands a signal on to all. A terminal gives its interrupt to every process in
// front of it, so they have it already.
func (c *children) end(s syscall.Signal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for p := range c.all {
		c.all[p] = true
		if s != syscall.SIGINT || !terminal.Is(os.Stdin) {
			_ = p.Signal(s) // it may be gone already
		}
	}
}

// ending is how a program is told to end with its call.
type ending struct {
	signal    syscall.Signal // 0 is SIGTERM
	killAfter time.Duration  // 0 leaves it all the time that it wants
}

// endOne tells one process to end, unless a signal has told it so already.
func (c *children) endOne(p *os.Process, how ending) {
	c.mu.Lock()
	told, there := c.all[p]
	if there && !told {
		c.all[p] = true
		_ = p.Signal(cmp.Or(how.signal, syscall.SIGTERM)) // likewise
	}
	c.mu.Unlock()
	if there && how.killAfter > 0 {
		time.AfterFunc(how.killAfter, func() { c.kill(p) })
	}
}

func (c *children) kill(p *os.Process) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, there := c.all[p]; there {
		_ = p.Kill() // likewise
	}
}

// wait waits until none is left, or for a while.
func (c *children) wait(patience time.Duration) {
	c.mu.Lock()
	if len(c.all) == 0 {
		c.mu.Unlock()
		return
	}
	if c.none == nil {
		c.none = make(chan struct{})
	}
	none := c.none
	c.mu.Unlock()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-none:
	case <-timer.C:
	}
}

// spawn runs a program and waits for it. An error means that it did not start.
func (c *call) spawn(program string, args []string, status *int) error {
	cmd := &exec.Cmd{Path: program, Args: args, Env: c.environ, Dir: c.dir, Stdin: c.in, Stdout: c.out, Stderr: c.errOut}
	if err := cmd.Start(); err != nil {
		return err
	}
	running.started(cmd.Process)
	defer running.ended(cmd.Process)
	stop := context.AfterFunc(c.ctx, func() { running.endOne(cmd.Process, c.end) })
	defer stop()
	*status = c.outcome(cmd.Wait())
	return nil
}

// outcome is the status of a program that ran.
func (c *call) outcome(err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return statusOK
	case errors.As(err, &exit):
		if s, ok := exit.Sys().(syscall.WaitStatus); ok && s.Signaled() {
			return statusSignal + int(s.Signal())
		}
		return exit.ExitCode()
	}
	c.say("%v", err)
	return statusFailed
}

func isNoProgram(err error) bool { return errors.Is(err, syscall.ENOEXEC) }

// files are the three streams if all are files: only those survive an exec.
func (c *call) files() (all [3]*os.File, ok bool) {
	for i, stream := range []any{c.in, c.out, c.errOut} {
		if all[i], ok = stream.(*os.File); !ok {
			return all, false
		}
	}
	return all, true
}

// errStays says that this process cannot become the program.
var errStays = errors.New("the process stays")
