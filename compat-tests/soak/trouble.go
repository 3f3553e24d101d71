package soak

import (
	"fmt"
	"math/rand/v2"
	"syscall"
	"time"
)

// trouble is what is done to the broker.
type trouble int

const (
	killed trouble = iota
	killedTwice
	stopped
	paused
	full
	killedWhileFull
	troubles
)

var troubleNames = [troubles]string{"killed", "killed while starting", "stopped", "paused", "disk full", "killed on a full disk"}

func (t trouble) String() string { return troubleNames[t] }

const (
	// calm is the least time between two troubles, and unrest what may be added to it.
	calm   = 1500 * time.Millisecond
	unrest = 3 * time.Second
	// startMax is about what Barnabas takes to start on two busy cores.
	startMax = 60 * time.Millisecond
	// holdMin and holdMax bound how long a pause or a full disk lasts.
	holdMin = 300 * time.Millisecond
	holdMax = 2 * time.Second
)

// planned is a trouble and when it comes, from the start of the round.
type planned struct {
	at   time.Duration
	what trouble
	// hold is how long it lasts.
	hold time.Duration
}

// plan is the trouble of a round: every kind once, if there is time, in an order by
// chance, then any; kills are the most frequent.
func plan(random *rand.Rand, length time.Duration, possible []trouble, slower int) []planned {
	order := random.Perm(len(possible))
	var all []planned
	for at := calm; ; {
		at += calm + time.Duration(random.Int64N(int64(unrest)))*time.Duration(slower)
		if at > length-calm {
			return all
		}
		next := planned{at: at, what: killed}
		if len(all) < len(order) {
			next.what = possible[order[len(all)]]
		} else if random.IntN(2) == 0 {
			next.what = possible[random.IntN(len(possible))]
		}
		next.hold = holdMin + time.Duration(random.Int64N(int64(holdMax-holdMin)))
		if next.what == killedTwice {
			next.hold = time.Duration(random.Int64N(int64(startMax)))
		}
		all = append(all, next)
	}
}

// possible are the troubles that this broker can be put in.
func (w *world) possible() []trouble {
	if w.isKafka {
		return []trouble{killed, stopped, paused}
	}
	all := []trouble{killed, killedTwice, stopped, paused}
	if w.volume != nil {
		all = append(all, full, killedWhileFull)
	}
	return all
}

// befall does it, and returns when the broker serves again and has room.
func (w *world) befall(p planned) {
	w.Helper()
	switch p.what {
	case killed:
		w.end(w.kill)
		w.end(w.broker.Start)
	case killedTwice:
		w.end(w.kill)
		w.end(func() error { return w.broker.StartAndKill(p.hold) })
		w.end(w.broker.Start)
	case stopped:
		w.end(w.broker.Stop)
		w.end(w.broker.Start)
	case paused:
		w.end(func() error { return syscall.Kill(w.broker.PID(), syscall.SIGSTOP) })
		pause(w.ctx, p.hold)
		w.end(func() error { return syscall.Kill(w.broker.PID(), syscall.SIGCONT) })
	case full:
		w.volume.Fill(w.T)
		pause(w.ctx, p.hold)
		w.volume.Release(w.T)
	case killedWhileFull:
		w.volume.Fill(w.T)
		pause(w.ctx, p.hold)
		w.end(w.kill)
		w.end(w.broker.Start)
		w.volume.Release(w.T)
	}
}

func (w *world) kill() error {
	if w.isKafka && !w.killsKafka {
		return w.broker.Stop()
	}
	return w.broker.Kill()
}

func (w *world) end(step func() error) {
	w.Helper()
	if err := step(); err != nil {
		w.Fatalf("%v\nseed %d; the end of the broker's log:\n%s", err, w.seed, w.broker.LogTail())
	}
}

// say prints a line with the time since the soak began.
func (w *world) say(format string, args ...any) {
	since := time.Since(w.began).Round(time.Second)
	fmt.Printf("%3d:%02d  %s\n", int(since.Minutes()), int(since.Seconds())%60, fmt.Sprintf(format, args...))
}
