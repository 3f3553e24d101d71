package testbed

import (
	"os/exec"
	"syscall"
)

// endWithParent makes the kernel kill the child when this process dies, so that
// a test that is itself killed leaves nothing behind.
func endWithParent(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
}
