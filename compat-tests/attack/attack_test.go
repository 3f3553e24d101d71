package attack

import (
	"context"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

var (
	fullFlag  = flag.Bool("full", false, "5,000 handshakes held open, 100,000 failed logins and the like, instead of a part of them")
	onlyFlag  = flag.String("only", "", "a part of the names of the raids that are made, beside the handshakes")
	judgeFlag = flag.Bool("judge", false, "fail when the decent client's p99 grows by five or more; for a machine that has nothing else to do")
)

// What the acceptance asks for, and what is near enough to what was before.
const (
	memoryMax   = 128 << 20 // above idle, at any moment
	slowdownMax = 5
	memoryLeft  = 64 << 20
	leftOver    = 20 // goroutines and files, which come and go without anybody's doing
	roundsMin   = 2000
)

// An attacker's hour in a minute: the broker lives, others are served, its memory is
// bounded, nothing is left when it is over, and the log has neither a panic nor a secret.
func TestAnAttackersHour(t *testing.T) {
	testbed.NeedPrograms(t, priority()[0])
	plan := sample
	switch {
	case *fullFlag:
		plan = whole
	case testing.Short():
		plan = few
	}
	plan.Only = *onlyFlag
	w := newWorld(t, plan)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	decent, err := NewDecent(w.plan.LoginTLS, w.tls)
	if err != nil {
		t.Fatal(err)
	}
	defer decent.Close()
	rounds := func(enough int, done <-chan struct{}) Times {
		t.Helper()
		times, err := decent.Rounds(ctx, enough, done)
		if err != nil {
			t.Fatalf("the decent client: %v", err)
		}
		return times
	}
	rounds(roundsMin, nil)
	before := w.settled()
	quiet := rounds(roundsMin, nil)
	t.Logf("before: %v; %v", quiet, before)

	attackers := w.attack()
	times := rounds(roundsMin, attackers.done)
	during, err := w.broker.Usage()
	if err != nil {
		t.Fatalf("the broker died: %v", err)
	}
	ratio := float64(times.At(990)) / float64(quiet.At(990))
	growth := during.PeakRSS - before.rss
	t.Logf("during: %v: p99 %.1f times as long; %d MiB more memory at most", times, ratio, growth>>20)
	attackers.judge(t)
	if growth > memoryMax {
		t.Errorf("memory grew by %d MiB, limit %d MiB", growth>>20, memoryMax>>20)
	}
	if *judgeFlag && ratio >= slowdownMax {
		t.Errorf("the decent client's p99 grew %.1f times, limit %d", ratio, slowdownMax)
	}
	w.recovers(before)
	after := rounds(roundsMin, nil)
	t.Logf("after: %v", after)
	w.judgeLog()
}

// settled is the state of a broker that has just started and has served somebody.
func (w *world) settled() state {
	w.t.Helper()
	s, err := w.look()
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// attackers are a process.
type attackers struct {
	program  *testbed.Program
	outcomes []Outcome     // complete when done is closed
	done     chan struct{} // closed when it has ended
}

// priority is the command that starts another with a low priority: with the lowest there is
// (SCHED_IDLE: sched(7)) where times are judged, which is on a machine that has nothing else to
// do. On a busy one the attackers would wait too long for their answers with that.
func priority() []string {
	if *judgeFlag {
		return []string{"chrt", "-i", "0"}
	}
	return []string{"nice", "-n", "19"}
}

// attack starts the attackers.
func (w *world) attack() *attackers {
	w.t.Helper()
	text, err := json.Marshal(w.plan)
	if err != nil {
		w.t.Fatal(err)
	}
	command := append(priority(), os.Args[0])
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = append(os.Environ(), envPlan+"="+string(text))
	a := &attackers{done: make(chan struct{})}
	a.program = testbed.StartProgram(w.t, cmd, func(line []byte) {
		var o Outcome
		if json.Unmarshal(line, &o) == nil {
			a.outcomes = append(a.outcomes, o)
		}
	})
	go func() { // ends with the process, which the test's end kills
		<-a.program.Done()
		close(a.done)
	}()
	return a
}

// judge tells of every raid, and fails for those that the broker has not stood as it should.
func (a *attackers) judge(t *testing.T) {
	t.Helper()
	for _, o := range a.outcomes {
		t.Logf("%-40s %7d in %5.1f s", o.Raid, o.Count, float64(o.TookMS)/1000)
		if o.Wrong != "" {
			t.Errorf("%s: %s", o.Raid, o.Wrong)
		}
	}
	if err := a.program.Err(); err != nil || len(a.outcomes) != len(chosen(*onlyFlag))+1 {
		t.Errorf("the attackers ended after %d raids: %v\n%s", len(a.outcomes), err, a.program.Tail())
	}
}

// recovers waits until the broker holds about as much as before.
func (w *world) recovers(before state) {
	w.t.Helper()
	deadline := time.NewTimer(testbed.Patience(90 * time.Second))
	defer deadline.Stop()
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		now, err := w.look()
		if err != nil {
			w.t.Fatalf("the broker died: %v", err)
		}
		if now.connections <= before.connections+1 && now.goroutines <= before.goroutines+leftOver &&
			now.files <= before.files+leftOver && now.rss <= before.rss+memoryLeft {
			w.t.Logf("at the end: %v", now)
			return
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			w.t.Errorf("what is left: %v\n  before: %v", now, before)
			return
		}
	}
}

// judgeLog looks for what must not be there, and for too much.
func (w *world) judgeLog() {
	w.t.Helper()
	text, err := w.broker.Log()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, bad := range []string{"panic", "fatal error", "goroutine 1 ", "DATA RACE"} {
		if strings.Contains(text, bad) {
			w.t.Errorf("the log has %q", bad)
		}
	}
	for _, secret := range []string{Guess, DecentPassword, IntruderPassword, AdminPassword} {
		if strings.Contains(text, secret) {
			w.t.Errorf("the log has the secret %q", secret)
		}
	}
	// Three kinds of trouble, and denials, of ten lines a second each: for two minutes.
	const bytesMax = 4 * 10 * 120 * 500
	if len(text) > bytesMax {
		w.t.Errorf("the log has %d bytes", len(text))
	}
	w.t.Logf("the log has %d lines", strings.Count(text, "\n"))
}
