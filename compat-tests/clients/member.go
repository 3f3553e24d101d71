package clients

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/barnabas-mq/barnabas/compat-tests/clients/program"
	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

// settleTimeout bounds everything that has no limit of its own.
var settleTimeout = testbed.Patience(60 * time.Second)

// group is what the members of one consumer group, as running programs, tell.
type group struct {
	tb                     testing.TB
	program                Program
	bootstrap, topic, name string
	session                time.Duration
	// step is member, or worker with its further flags.
	step  string
	flags []string
	// work is what workers have done; nil without workers.
	work *work

	mu      sync.Mutex
	changed chan struct{} // closed and replaced with every event
	members []*member
}

// member is one running program.
type member struct {
	name    string
	group   *group
	process *testbed.Process
	stdin   io.Closer
	stdout  *eventWriter
	stderr  *tail

	// next is where a worker goes on in each partition that it owns.
	next map[int32]int64

	// Under the group's lock.
	owned []int32
	// changes counts how often that became something else.
	changes int
	records []program.Record
	errors  []string
	// gone: it was killed or asked to leave, so that it no longer counts.
	gone bool
}

func newGroup(tb testing.TB, p Program, bootstrap, topic, name string, session time.Duration) *group {
	return &group{
		tb: tb, program: p, bootstrap: bootstrap, topic: topic, name: name, session: session, step: "member",
		changed: make(chan struct{}),
	}
}

// join starts one more member; the test's end kills it if it still runs.
func (g *group) join(name string) *member {
	g.tb.Helper()
	return g.joinWith(name)
}

// joinWith adds flags for this member alone.
func (g *group) joinWith(name string, flags ...string) *member {
	g.tb.Helper()
	m := &member{name: name, group: g, stderr: &tail{}, next: map[int32]int64{}}
	m.stdout = &eventWriter{visit: m.observe}
	args := []string{g.step, "--bootstrap", g.bootstrap, "--topic", g.topic, "--group", g.name,
		"--session-ms", strconv.FormatInt(g.session.Milliseconds(), 10)}
	cmd := g.program.cmd(slices.Concat(args, g.flags, flags)...)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		g.tb.Fatal(err)
	}
	m.stdin, cmd.Stdout, cmd.Stderr = stdin, m.stdout, m.stderr
	if m.process, err = testbed.StartProcess(cmd); err != nil {
		g.tb.Fatal(err)
	}
	g.tb.Cleanup(func() { killTree(m.process) })
	g.mu.Lock()
	defer g.mu.Unlock()
	g.members = append(g.members, m)
	return m
}

func (m *member) observe(e event) {
	g := m.group
	g.mu.Lock()
	defer g.mu.Unlock()
	switch e.Event {
	case "assigned":
		if g.work != nil {
			g.work.assigned(m, e.Partitions)
		}
		if !slices.Equal(m.owned, e.Partitions) {
			m.changes++
		}
		m.owned = e.Partitions
	case "record":
		if g.work != nil {
			g.work.read(m, e.Partition, e.Offset)
		} else {
			m.records = append(m.records, e.record())
		}
	case "committed":
		if g.work != nil {
			g.work.committed(e.Offsets)
		}
	case "error":
		m.errors = append(m.errors, e.Message)
	}
	close(g.changed)
	g.changed = make(chan struct{})
}

// kill ends the member as a crash would: without a word to the broker.
func (m *member) kill() {
	m.group.mu.Lock()
	m.gone = true
	m.group.mu.Unlock()
	killTree(m.process)
}

// leave asks the member to leave and expects a good end.
func (m *member) leave() {
	g := m.group
	g.tb.Helper()
	g.mu.Lock()
	m.gone = true
	g.mu.Unlock()
	_ = m.stdin.Close() // fails only if the program has ended, which is judged next
	if !m.process.Wait(stepTimeout) {
		g.tb.Fatalf("member %s does not leave\n%s\n%s", m.name, m.stderr, g.atBroker())
	}
	if err := m.process.Err(); err != nil {
		g.tb.Errorf("member %s ended with %v\n%s", m.name, err, m.stderr)
	}
	if err := m.stdout.failure(); err != nil {
		g.tb.Errorf("member %s: %v", m.name, err)
	}
	if len(m.errors) > 0 {
		g.tb.Errorf("member %s reports errors: %q", m.name, m.errors)
	}
}

// await waits until the condition holds, which is asked after every event and runs under the group's lock.
func (g *group) await(limit time.Duration, aim string, condition func() bool) {
	g.tb.Helper()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		g.mu.Lock()
		holds, changed, ended := condition(), g.changed, g.ended()
		g.mu.Unlock()
		if holds {
			return
		}
		if ended != nil {
			g.tb.Fatalf("not reached: %s: %v", aim, ended)
		}
		select {
		case <-changed:
		case <-timer.C:
			g.mu.Lock()
			defer g.mu.Unlock()
			g.tb.Fatalf("not within %v: %s\n%s", limit, aim, g.describe())
		}
	}
}

// ended tells of a member that ended by itself.
func (g *group) ended() error {
	for _, m := range g.members {
		if m.gone {
			continue
		}
		select {
		case <-m.process.Done():
			return fmt.Errorf("member %s ended by itself (%v), errors %q\n%s", m.name, m.process.Err(), m.errors, m.stderr)
		default:
		}
	}
	return nil
}

// atBroker is what the broker tells of the group: whose turn it is when a member waits for something.
func (g *group) atBroker() string {
	admin, err := kadm.NewOptClient(kgo.SeedBrokers(g.bootstrap))
	if err != nil {
		return err.Error()
	}
	defer admin.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	described, err := admin.DescribeGroups(ctx, g.name)
	if err != nil {
		return fmt.Sprintf("the group at the broker: %v", err)
	}
	return fmt.Sprintf("the group at the broker: %+v", described[g.name])
}

func (g *group) describe() string {
	var text string
	if g.work != nil {
		text = g.work.String() + "\n"
	}
	for _, m := range g.members {
		text += fmt.Sprintf("member %s: gone %t, owns %v, has read %d records, errors %q\n%s\n",
			m.name, m.gone, m.owned, len(m.records), m.errors, m.stderr)
	}
	return text
}

// shared tells whether the present members own every partition, and none has one in common with another.
func (g *group) shared(partitions int) bool {
	owners := make([]int, partitions)
	for _, m := range g.members {
		if m.gone {
			continue
		}
		for _, p := range m.owned {
			owners[p]++
		}
	}
	return !slices.ContainsFunc(owners, func(n int) bool { return n != 1 })
}

// read is how often each record, named by its index, was read by any member.
func (g *group) read() map[int]int {
	times := make(map[int]int)
	for _, m := range g.members {
		for _, r := range m.records {
			times[indexOf(r)]++
		}
	}
	return times
}
