package soak

import (
	"context"
	"flag"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

var (
	minutesFlag = flag.Float64("minutes", 0, "how long the soak lasts, in rounds of a minute; without it there is one of 25 seconds")
	seedFlag    = flag.Uint64("seed", 0, "repeats the moments of trouble of a run; 0 is another one each time")
	profileFlag = flag.String("profile", "server", "of barnabas: server or dev")
)

const (
	roundLength = time.Minute
	shortRound  = 25 * time.Second
)

// Mixed clients are served for as long as the flag says, whatever happens to the broker,
// and are told the truth.
func TestSoak(t *testing.T) {
	seed := *seedFlag
	for seed == 0 {
		seed = uint64(rand.Uint32())
	}
	w := newWorld(t, seed, *profileFlag)
	total, length := shortRound, shortRound
	if *minutesFlag > 0 {
		total, length = time.Duration(*minutesFlag*float64(time.Minute)), roundLength
	}
	w.say("%s, pid %d, seed %d, for %v", w.broker.Name(), w.broker.PID(), seed, total)
	for number := 0; number == 0 || time.Since(w.began) < total && !w.total.isBroken() && !t.Failed(); number++ {
		w.round(number, length)
		w.say("seed %d, after round %d\n%v", seed, number+1, &w.total)
	}
	if w.total.isBroken() {
		t.Errorf("promises were broken; -seed %d repeats the moments of trouble", seed)
	}
	for _, r := range w.total.rows {
		testbed.Report(t, r.texts)
	}
}

// Members of both kinds of group come and go in quick succession while nothing else happens:
// a partition has one owner, and nobody skips, or reads twice what was committed.
func TestGroupsChange(t *testing.T) {
	const topic, length = "changing", 8 * time.Second
	w := newWorld(t, uint64(rand.Uint32()), *profileFlag)
	ctx, cancel := context.WithTimeout(t.Context(), length+3*settleTimeout)
	defer cancel()
	shared := w.stream(ctx, topic, sharedPartitions, sharedRate)
	classic, stopClassic := w.team(ctx, topic, "classic", "classic", w.seed)
	consumer, stopConsumer := w.team(ctx, topic, "consumer", "consumer", w.seed)
	pause(ctx, length)
	stopClassic()
	stopConsumer()
	shared.stop()
	ends := w.ends(ctx, topic, sharedPartitions)
	for _, r := range []row{classic.result(ctx, ends), consumer.result(ctx, ends), shared.result(ctx, "records")} {
		testbed.Report(t, r.texts)
	}
}
