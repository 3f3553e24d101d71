package api

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/internal/clock"
	"github.com/barnabas-mq/barnabas/server"
)

// Whoever is denied without end costs no more than the name that it is counted by.
func TestADenialWithoutALineIsCheap(t *testing.T) {
	u := &Audit{Lines: server.Lines{Log: slog.New(slog.DiscardHandler), Clock: clock.NewManual(time.Unix(0, 0)), PerSecond: 1}}
	r, action := &Request{}, &auth.Action{Who: auth.User("mallory"), Operation: auth.Write, Type: auth.Topic, Name: strings.Repeat("x", 2*namedMax)}
	denied := func() { u.denied(r, action, auth.Verdict{}) }
	denied() // has the line
	if n := testing.AllocsPerRun(100, denied); n > 1 {
		t.Errorf("%v allocations", n)
	}
	u.Close()
	(*Audit)(nil).Close()
}
