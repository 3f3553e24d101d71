package main

import (
	"errors"
	"io"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/config"
)

// --memory is a word for a data directory, and contradicts another one.
func TestTheMemoryFlag(t *testing.T) {
	for _, c := range []struct {
		args  []string
		data  string
		wrong bool
	}{
		{nil, "", false},
		{[]string{"--memory"}, config.MemoryDir, false},
		{[]string{"--data", ":memory:"}, config.MemoryDir, false},
		{[]string{"--memory", "--data", ":memory:"}, config.MemoryDir, false},
		{[]string{"--memory", "--data", "d"}, "", true},
	} {
		f, err := parseServe(c.args, io.Discard)
		if (err != nil) != c.wrong || err == nil && f.data != c.data {
			t.Errorf("%v: data %q, error %v", c.args, f.data, err)
		}
	}
}

func TestOnlyALaterCtrlCEndsAtOnce(t *testing.T) {
	for _, test := range []struct {
		signal os.Signal
		after  time.Duration
		want   bool
	}{
		{os.Interrupt, haste, true},
		{os.Interrupt, haste - 1, false}, // a shell passed on what the terminal sent to both
		{syscall.SIGTERM, haste, false},
		{syscall.SIGTERM, 0, false},
	} {
		if got := endsNow(test.signal, test.after); got != test.want {
			t.Errorf("%v after %v: %v, want %v", test.signal, test.after, got, test.want)
		}
	}
}

func TestARepeatedSIGTERMWaitsForTheStop(t *testing.T) {
	signals, done := make(chan os.Signal), make(chan error)
	go func() {
		signals <- syscall.SIGTERM
		signals <- syscall.SIGTERM
		done <- errors.New("stopped")
	}()
	if s, err := awaitUnlessHasty(done, signals); err == nil || s != nil {
		t.Errorf("ended by %v with %v, want the stop's own end", s, err)
	}
}
