package testbed

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Usage is what a process has consumed. It is read from /proc and so exists on
// Linux only.
type Usage struct {
	// RSS and PeakRSS are resident bytes, now and at most.
	RSS, PeakRSS int64
	// User and System are CPU time since the process began.
	User, System time.Duration
}

// CPU is all CPU time.
func (u Usage) CPU() time.Duration { return u.User + u.System }

// ticksPerSecond is USER_HZ, which Linux fixes at 100 for /proc on every
// architecture that Go supports.
const ticksPerSecond = 100

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
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return u, err
	}
	// The command name is in parentheses and may hold anything, spaces
	// included; the fields after it are plain. utime and stime are numbers 14
	// and 15 of the line, counted from 1.
	_, plain, found := strings.Cut(string(stat[strings.LastIndexByte(string(stat), ')'):]), " ")
	fields := strings.Fields(plain)
	if !found || len(fields) < 13 {
		return u, fmt.Errorf("/proc/%d/stat has an unknown form", pid)
	}
	u.User, u.System = ticks(fields[11]), ticks(fields[12])
	return u, nil
}

func kibibytes(s string) int64 {
	n, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(s), " kB"), 10, 64)
	return n << 10
}

func ticks(s string) time.Duration {
	n, _ := strconv.ParseInt(s, 10, 64)
	return time.Duration(n) * time.Second / ticksPerSecond
}
