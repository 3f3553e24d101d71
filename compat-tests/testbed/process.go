package testbed

import (
	"fmt"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// Process is a child process that is reaped as soon as it ends.
type Process struct {
	cmd *exec.Cmd
	// done is closed when the process has been reaped; err is set before.
	done chan struct{}
	err  error
}

// StartProcess starts cmd. A goroutine locked to its thread owns the process:
// Linux ties "end when the parent ends" to the thread that forked, and a thread
// that the runtime retires would take the child with it.
func StartProcess(cmd *exec.Cmd) (*Process, error) {
	p := &Process{cmd: cmd, done: make(chan struct{})}
	endWithParent(cmd)
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		p.err = cmd.Wait()
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// PID is the process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err is how the process ended; valid after Done and after a Wait that was true.
func (p *Process) Err() error { return p.err }

// Wait waits until the process has ended; false is that it has not in time.
func (p *Process) Wait(timeout time.Duration) bool {
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-p.done:
		return true
	case <-timer.C:
		return false
	}
}

// Kill ends the process at once and waits until it is gone.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // fails only if it has ended already
	<-p.done
}

// Terminate sends SIGTERM and waits. A process that does not end in time is
// killed, and that is an error.
func (p *Process) Terminate(timeout time.Duration) error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // fails only if it has ended already
	if !p.Wait(timeout) {
		p.Kill()
		return fmt.Errorf("still running %v after SIGTERM", timeout)
	}
	return nil
}
