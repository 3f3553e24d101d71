package main

import (
	"fmt"
	"os"
)

// resetPeak has the peak of a process's resident memory begin again; see
// proc_pid_clear_refs(5). Where that is not allowed the peak stays that of its life.
func resetPeak(pid int) {
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0)
}
