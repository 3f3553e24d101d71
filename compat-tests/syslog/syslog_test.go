package syslog

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/barnabas-mq/barnabas/compat-tests/matrix"
	"github.com/barnabas-mq/barnabas/compat-tests/target"
	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
	"github.com/barnabas-mq/barnabas/compat-tests/world"
)

const (
	// linesPerRound is what each daemon is fed before the first kill and around each.
	linesPerRound = 500
	kills         = 2
	// startTimeout is far above what a daemon takes to open its socket.
	startTimeout = 30 * time.Second
)

// running is a daemon at work, with a topic of its own.
type running struct {
	daemon
	*world.World
	*testbed.Program
	socket net.Conn
	reader *kgo.Client
	// fed is how many lines were, and the number of the next.
	fed  int
	seen map[string]bool
}

// TestSyslogDaemons: whatever is killed, each line arrives.
func TestSyslogDaemons(t *testing.T) {
	for _, d := range daemons {
		matrix.Works(t, d.name, "of Debian", "C", "every line arrives, while the broker is killed", target.Column())
	}
	roots := map[string]string{}
	for _, d := range daemons {
		if roots[d.packages[0]] == "" {
			roots[d.packages[0]] = testbed.UnpackPackages(t, d.packages...)
		}
	}
	w := world.New(t)
	var all []*running
	for _, d := range daemons {
		w.CreateTopics(1, d.name)
		r := &running{daemon: d, World: w, reader: w.Reader(d.name), seen: map[string]bool{}}
		r.start(roots[d.packages[0]])
		r.feed()
		all = append(all, r)
	}
	for range kills {
		for _, r := range all {
			r.await(r.fed - linesPerRound/2)
		}
		var feeding sync.WaitGroup
		for _, r := range all {
			feeding.Go(r.feed)
		}
		w.Restart() // in the middle of it
		feeding.Wait()
	}
	for _, r := range all {
		r.await(r.fed)
		r.check()
	}
}

func (r *running) start(root string) {
	r.Helper()
	dir := r.TempDir()
	if err := os.WriteFile(filepath.Join(dir, configName), []byte(r.config(dir, r.Broker.Bootstrap(), r.name)), 0o644); err != nil {
		r.Fatal(err)
	}
	cmd, err := r.command(root, dir)
	if err != nil {
		r.Fatal(err)
	}
	cmd.Env = append(os.Environ(), testbed.Libraries(root, "usr/lib/syslog-ng"))
	r.Program = testbed.StartProgram(r, cmd, func([]byte) {})
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(startTimeout); ; {
		if r.socket, err = net.Dial("unixgram", filepath.Join(dir, socketName)); err == nil {
			r.Cleanup(func() { _ = r.socket.Close() })
			return
		}
		select {
		case <-r.Done():
			r.Fatalf("%s ended: %v\n%s", r.name, r.Program.Err(), r.Tail())
		case <-tick.C:
		}
		if time.Now().After(end) {
			r.Fatalf("%s opens no socket: %v\n%s", r.name, err, r.Tail())
		}
	}
}

// feed gives the daemon lines; its socket takes no more than it can hold.
func (r *running) feed() {
	if err := r.socket.SetWriteDeadline(time.Now().Add(world.SettleTimeout)); err != nil {
		r.Errorf("%s: %v", r.name, err)
	}
	for range linesPerRound {
		if _, err := fmt.Fprintf(r.socket, "<13>Jan  2 03:04:05 feeder: %d", r.fed); err != nil {
			r.Errorf("%s takes no line: %v", r.name, err)
			return
		}
		r.fed++
	}
}

// await waits until so many different lines have come.
func (r *running) await(lines int) {
	r.Helper()
	if !world.Poll(r.Context(), r.reader, world.SettleTimeout, func(record *kgo.Record) { r.seen[text(record)] = true },
		func() bool { return len(r.seen) >= lines }) {
		r.Fatalf("%d lines came from %s, not %d of %d\n%s", len(r.seen), r.name, lines, r.fed, r.Tail())
	}
}

func text(record *kgo.Record) string { return strings.TrimSpace(string(record.Value)) }

// check reads the topic anew.
func (r *running) check() {
	r.Helper()
	var got, want []string
	r.ReadAll(r.name, func(record *kgo.Record) { got = append(got, text(record)) })
	for n := range r.fed {
		want = append(want, strconv.Itoa(n))
	}
	r.Logf("%s: %d lines, of which %d are repeats", r.name, len(got), len(got)-len(want))
	if !r.exact {
		slices.Sort(got)
		got = slices.Compact(got)
		slices.Sort(want)
	}
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			r.Errorf("%s wrote %d different lines, want %d; the first difference is at %d", r.name, len(got), len(want), i)
			return
		}
	}
}
