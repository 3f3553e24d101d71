package main

import (
	"fmt"
	"os"
	"strings"
	"time"
)

const (
	// idleShare is how idle the machine is to be before a measurement begins, over
	// idleWindow; idlePatience is how long that is waited for.
	idleShare    = 0.85
	idleWindow   = 250 * time.Millisecond
	idlePatience = 3 * time.Second
)

// ticks are what all cores have done since the machine started, in USER_HZ.
type ticks struct {
	all, idle, steal int64
}

// readTicks reads proc(5): user, nice, system, idle, iowait, irq, softirq, steal. A core
// that waits for the disk is idle.
func readTicks() (t ticks, err error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return t, err
	}
	return ticksOf(string(text))
}

func ticksOf(text string) (t ticks, err error) {
	line, _, _ := strings.Cut(text, "\n")
	var user, nice, system, idle, iowait, irq, softirq int64
	if _, err := fmt.Sscanf(line, "cpu %d %d %d %d %d %d %d %d", &user, &nice, &system, &idle, &iowait, &irq, &softirq, &t.steal); err != nil {
		return t, fmt.Errorf("/proc/stat: %q: %w", line, err)
	}
	t.idle = idle + iowait
	t.all = user + nice + system + t.idle + irq + softirq + t.steal
	return t, nil
}

func (t ticks) since(before ticks) ticks {
	return ticks{t.all - before.all, t.idle - before.idle, t.steal - before.steal}
}

// stolen is the share that the host gave to others.
func (t ticks) stolen() float64 {
	if t.all <= 0 {
		return 0
	}
	return float64(t.steal) / float64(t.all)
}

// awaitIdle waits until nobody else is at work on the machine. False is that somebody
// was all the time; where there is no /proc it is true at once.
func awaitIdle() bool {
	before, err := readTicks()
	for began := time.Now(); err == nil && time.Since(began) < idlePatience; {
		time.Sleep(idleWindow)
		var now ticks
		if now, err = readTicks(); err != nil {
			break
		}
		gone := now.since(before)
		if float64(gone.idle) >= idleShare*float64(gone.all) {
			return true
		}
		before = now
	}
	return err != nil
}
