package crash

import (
	"context"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

const (
	// acksBetweenKills is the most that is acknowledged before the next kill:
	// several batches in flight on each partition, and some group commits.
	acksBetweenKills = 4_000
	// delayMax moves a kill away from the acknowledgement that it waited for.
	delayMax = 20 * time.Millisecond
	// startMax is about how long Barnabas takes to start and recover six
	// partitions on two busy cores. Every fourth kill falls into a start.
	startMax = 40 * time.Millisecond
)

// kill -9 at random moments under load with an idempotent producer, with a
// reader that follows: nothing that was acknowledged or seen is lost or moved,
// nothing is there twice, the order is kept, no mark goes back.
func TestKillUnderLoad(t *testing.T) {
	onEach(t, func(t *testing.T, ctx context.Context, broker *testbed.Broker, kills int) {
		const topic = "crash"
		CreateTopic(t, ctx, broker, topic, partitions)
		random := seeded(t)
		ledger := NewLedger(partitions)
		ledger.LooseMarks = strings.HasPrefix(broker.Name(), "kafka")
		stopLoad := Produce(t, ctx, broker, topic, ledger, 0)
		stopReader := Follow(t, ctx, broker, topic, ledger)
		for i := range kills {
			acked, _, _ := ledger.Counts()
			Await(t, ctx, ledger, acked+1+random.IntN(acksBetweenKills), acked) // the reader stays near the end
			pause(ctx, random, delayMax)
			if err := broker.Kill(); err != nil {
				t.Fatal(err)
			}
			if i%4 == 3 {
				if err := broker.StartAndKill(time.Duration(random.Int64N(int64(startMax)))); err != nil {
					t.Fatal(err)
				}
			}
			if err := broker.Start(); err != nil {
				t.Fatalf("start after kill %d: %v", i+1, err)
			}
		}
		acked, _, _ := ledger.Counts()
		Await(t, ctx, ledger, acked+acksBetweenKills, acked)
		stopLoad()
		stopReader()
		ReadAll(t, ctx, broker, topic, ledger)
		t.Log(ledger)
		testbed.Report(t, ledger.Check())
	})
}

// seeded is a source of random moments; its seed is in the log of the test.
func seeded(t *testing.T) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	if text := os.Getenv("CRASH_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("CRASH_SEED: %v", err)
		}
	}
	t.Logf("CRASH_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

func pause(ctx context.Context, random *rand.Rand, most time.Duration) {
	timer := time.NewTimer(time.Duration(random.Int64N(int64(most))))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
