package clients

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

// Isolation levels, as programs are told them.
const (
	committed   = "read_committed"
	uncommitted = "read_uncommitted"
)

// Workers is a group of the workers of one client, for tests of other packages. All but
// Reads must be called on the test's own goroutine.
type Workers struct {
	group  *group
	joined int
}

// NewWorkers installs the client, and is its group on a topic, as yet without members.
func NewWorkers(tb testing.TB, client, protocol, bootstrap, topic, name string, partitions int, session time.Duration) *Workers {
	tb.Helper()
	for _, c := range Clients {
		if c.Name == client {
			g := newGroup(tb, Install(tb, c), bootstrap, topic, name, session)
			g.step, g.flags, g.work = "worker", []string{"--protocol", protocol}, newWork(partitions)
			return &Workers{group: g}
		}
	}
	tb.Fatalf("no client %s", client)
	return nil
}

// Join starts one more member.
func (w *Workers) Join() {
	w.group.tb.Helper()
	w.joined++
	w.group.join(fmt.Sprintf("%s-%d", w.group.program.Client.Name, w.joined))
}

// Present is how many members there are.
func (w *Workers) Present() int { return len(w.present()) }

func (w *Workers) present() []*member {
	w.group.mu.Lock()
	defer w.group.mu.Unlock()
	var present []*member
	for _, m := range w.group.members {
		if !m.gone {
			present = append(present, m)
		}
	}
	return present
}

// Leave has the member that is there for the longest time leave; Kill kills it.
func (w *Workers) Leave() { w.group.tb.Helper(); w.present()[0].leave() }

// Kill ends a member as a crash would.
func (w *Workers) Kill() { w.present()[0].kill() }

// Reads waits until all is read before these ends.
func (w *Workers) Reads(ends []int64, limit time.Duration) error {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	g := w.group
	for {
		g.mu.Lock()
		whole, changed, ended, text := g.work.readUpTo(ends), g.changed, g.ended(), g.describe()
		g.mu.Unlock()
		switch {
		case whole:
			return nil
		case ended != nil:
			return ended
		}
		select {
		case <-changed:
		case <-timer.C:
			return errors.New(text)
		}
	}
}

// Work is how many records were read, and what is wrong with that.
func (w *Workers) Work() (read int, wrong []string) {
	w.group.mu.Lock()
	defer w.group.mu.Unlock()
	for _, p := range w.group.work.partitions {
		read += int(p.whole) + len(p.seen)
	}
	return read, append(wrong, w.group.work.wrong...)
}
