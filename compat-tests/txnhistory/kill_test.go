package txnhistory

import (
	"cmp"
	"context"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/compat-tests/barnabas"
	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

const (
	// commitsBetweenKills is the most.
	commitsBetweenKills = 60
	// killDelayMax moves a kill away from the commit that it waited for.
	killDelayMax = 20 * time.Millisecond
	// killTimeout bounds one kill with the commits before it.
	killTimeout = time.Minute
)

var victims = []struct {
	name  string
	kills int
	start func(t *testing.T) *testbed.Broker
}{
	{"barnabas dev", 15, func(t *testing.T) *testbed.Broker { return barnabas.Run(t, barnabas.Options{Profile: "dev"}) }},
	{"barnabas server", 15, func(t *testing.T) *testbed.Broker { return barnabas.Run(t, barnabas.Options{Profile: "server"}) }},
	{"kafka", 3, func(t *testing.T) *testbed.Broker {
		if testing.Short() {
			t.Skip("judges the test, not the broker")
		}
		return oracle.Run(t, oracle.Options{Version: cmp.Or(os.Getenv("TXN_KAFKA"), oracle.Old)}) // not 4.3.1, see doc.go
	}},
}

// kill -9 at random moments while transactions run: what the clients saw is a
// history that breaks no promise, and in the end no transaction is open.
func TestKillInTransactions(t *testing.T) {
	for _, v := range victims {
		t.Run(v.name, func(t *testing.T) {
			broker := v.start(t)
			kills := number(t, "TXN_KILLS", v.kills)
			ctx, cancel := context.WithTimeout(t.Context(), settleTimeout+time.Duration(kills)*killTimeout)
			defer cancel()
			history := New(nil)
			w := NewLoad(ctx, t, broker, "history", history, 0)
			load(ctx, w, kills)
			w.ReadAll(ctx)
			t.Log(history)
			testbed.Report(t, history.Check())
		})
	}
}

// number is an environment variable or its default.
func number(t *testing.T, name string, or int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return or
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// load has producers and a reader at work, and kills the broker under them.
func load(ctx context.Context, w *Load, kills int) {
	w.Helper()
	seed := uint64(number(w.T, "TXN_SEED", int(rand.Uint32())))
	w.Logf("TXN_SEED=%d", seed)
	random := rand.New(rand.NewPCG(seed, producers))
	w.Start(ctx, seed)
	for i := range kills {
		w.AwaitCommits(ctx, 1+random.IntN(commitsBetweenKills))
		pause(ctx, time.Duration(random.Int64N(int64(killDelayMax))))
		if err := end(w.broker); err != nil {
			w.Fatal(err)
		}
		if err := w.broker.Start(); err != nil {
			w.Fatalf("start after kill %d: %v", i+1, err)
		}
	}
	w.AwaitCommits(ctx, commitsBetweenKills)
	w.Stop(ctx)
}

// end ends the broker: at once, or in order where it is Kafka, which after a kill takes
// three times as long to come back.
func end(broker *testbed.Broker) error {
	if strings.HasPrefix(broker.Name(), "kafka") && os.Getenv("TXN_KILL_KAFKA") == "" {
		return broker.Stop()
	}
	return broker.Kill()
}
