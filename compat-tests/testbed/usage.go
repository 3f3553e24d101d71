package testbed

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Usage is what a process has consumed. It is read from /proc and a clock of the kernel,
// and so exists on Linux only.
type Usage struct {
	// RSS and PeakRSS are resident bytes, now and at most.
	RSS, PeakRSS int64
	cpu          time.Duration
}

// CPU is the time of all threads since the process began, in user mode and in the kernel.
// It comes from the scheduler: /proc counts ticks of 10 ms.
func (u Usage) CPU() time.Duration { return u.cpu }

// ReadUsage measures a process.
func ReadUsage(pid int) (Usage, error) {
	var u Usage
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return u, err
	}
	for line := range strings.Lines(string(status)) {
		name, rest, _ := strings.Cut(line, ":")
		switch name {
		case "VmRSS":
			u.RSS = kibibytes(rest)
		case "VmHWM":
			u.PeakRSS = kibibytes(rest)
		}
	}
	if u.cpu, err = cpuTime(pid); err != nil {
		return u, fmt.Errorf("CPU time of process %d: %w", pid, err)
	}
	return u, nil
}

func kibibytes(s string) int64 {
	n, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(s), " kB"), 10, 64)
	return n << 10
}
