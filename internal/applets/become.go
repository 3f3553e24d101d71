package applets

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
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
		status = statusSignal + int(number)
	default:
	}
	return status, known
}

// children are the processes that the shells of this process wait for.
type children struct {
	mu  sync.Mutex
	all map[*os.Process]bool
}

var running = children{all: make(map[*os.Process]bool)}

func (c *children) note(p *os.Process, runs bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if runs {
		c.all[p] = true
	} else {
		delete(c.all, p)
	}
}

// end hands a signal on. A terminal gives its interrupt to every process in front
// of it, so they have it already.
func (c *children) end(s syscall.Signal) {
	if s == syscall.SIGINT && isTerminal(os.Stdin) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for p := range c.all {
		_ = p.Signal(s) // it may be gone already
	}
}

// spawn runs a program and waits for it. ran is false when the file is no
// program.
func (c *call) spawn(program string, args []string) (status int, ran bool) {
	cmd := &exec.Cmd{Path: program, Args: args, Env: c.environ, Dir: c.dir, Stdin: c.in, Stdout: c.out, Stderr: c.errOut}
	if err := cmd.Start(); err != nil {
		if isNoProgram(err) {
			return 0, false
		}
		c.say("%v", err)
		return statusNoExec, true
	}
	running.note(cmd.Process, true)
	defer running.note(cmd.Process, false)
	stop := context.AfterFunc(c.ctx, func() { _ = cmd.Process.Signal(syscall.SIGTERM) })
	defer stop()
	err := cmd.Wait()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return statusOK, true
	case errors.As(err, &exit):
		if s, ok := exit.Sys().(syscall.WaitStatus); ok && s.Signaled() {
			return statusSignal + int(s.Signal()), true
		}
		return exit.ExitCode(), true
	}
	c.say("%v", err)
	return statusFailed, true
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
