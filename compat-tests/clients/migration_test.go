package clients

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/target"
)

// The members keep the defaults of Kafka.
const (
	classicHeartbeat  = 3 * time.Second
	consumerHeartbeat = 5 * time.Second
	// migrationSlack is what a record may take beside two heartbeats: two cores that start a JVM at the same time.
	migrationSlack = time.Second
	// migrationInterval is between two records of the load.
	migrationInterval = 10 * time.Millisecond
)

// TestLiveMigration: three classic Java members are replaced one by one by
// members of the consumer protocol, and those by classic ones again, while
// records come in. Somebody reads all the time, nothing is lost, and the type of
// the group changes when Kafka changes it (KIP-848): with the first member that
// joins by the consumer protocol, and back with the last that leaves.
func TestLiveMigration(t *testing.T) {
	for _, assignor := range []string{"range", "cooperative"} {
		t.Run(assignor, func(t *testing.T) {
			t.Parallel()
			sayHowToRunAlone(t)
			migrate(t, assignor)
		})
	}
}

func migrate(t *testing.T, assignor string) {
	const topic, name = "moving", "movers"
	classes := map[string]string{
		"range":       "org.apache.kafka.clients.consumer.RangeAssignor",
		"cooperative": "org.apache.kafka.clients.consumer.CooperativeStickyAssignor",
	}
	program := Install(t, clientNamed(t, "java-4.3"))
	broker := target.Run(t, nil)
	program.Create(t, broker.Bootstrap(), topic, workPartitions)
	// No session time-out: the defaults of the library.
	w := &working{T: t, group: newGroup(t, program, broker.Bootstrap(), topic, name, 0)}
	w.group.step, w.group.work = "worker", newWork(workPartitions)
	w.load = startLoad(t, broker.Bootstrap(), topic, workPartitions, migrationInterval)
	classic := []string{"--protocol", "classic", "--assignor", classes[assignor]}

	w.group.flags = classic
	members := []*member{w.group.join("classic-0"), w.group.join("classic-1"), w.group.join("classic-2")}
	w.stable("three classic members")
	w.expectType(name, "classic")
	w.group.takeGap()

	// replace lets a member leave and another come in its place, and says how long nobody read.
	replace := func(i int, protocol string) {
		members[i].leave()
		members[i] = w.group.join(fmt.Sprintf("%s-%d", protocol, i))
		w.stable(fmt.Sprintf("member %d is %s", i, protocol))
		t.Logf("%s for member %d: longest time without a record %v", protocol, i, w.group.longestGap().Round(time.Millisecond))
	}
	w.group.flags = []string{"--protocol", "consumer"}
	for i := range members {
		replace(i, "consumer")
		w.expectType(name, "consumer")
	}
	w.log()
	up, upOne := w.group.takeGap()
	w.group.flags = classic
	for i := range members {
		replace(i, "classic")
		w.expectType(name, map[bool]string{true: "classic", false: "consumer"}[i == len(members)-1])
	}
	w.log()
	down, downOne := w.group.takeGap()
	t.Logf("%s: longest time without a record: %v to the consumer protocol, %v back", assignor, up.Round(time.Millisecond), down.Round(time.Millisecond))
	if limit := 2*classicHeartbeat + migrationSlack; up > limit || down > limit {
		t.Errorf("nobody read for %v and %v, at most %v is allowed", up, down, limit)
	}
	// A partition changes hands when both its owners have sent a heartbeat.
	if limit := 2*consumerHeartbeat + migrationSlack; upOne > limit || downOne > limit {
		t.Errorf("nobody read one of the partitions for %v and %v, at most %v is allowed", upOne, downOne, limit)
	}
	w.end(broker.Bootstrap(), topic)
}

// log tells what was read so far.
func (w *working) log() {
	w.group.mu.Lock()
	defer w.group.mu.Unlock()
	w.Log(w.group.work)
}

// expectType compares the type that the broker lists the group with.
func (w *working) expectType(group, want string) {
	w.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(w.group.bootstrap))
	if err != nil {
		w.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), settleTimeout)
	defer cancel()
	resp, err := kmsg.NewPtrListGroupsRequest().RequestWith(ctx, client)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	if err != nil || len(resp.Groups) != 1 || resp.Groups[0].Group != group || resp.Groups[0].GroupType != want {
		w.Errorf("the broker lists %+v (%v), want %s of type %s", resp.Groups, err, group, want)
	}
}

// longestGap is the longest time so far in which no member read anything.
func (g *group) longestGap() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.work.gap
}

// takeGap returns the longest gap, of all partitions and of one, and begins anew.
func (g *group) takeGap() (all, one time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	all, one = g.work.gap, g.work.partitionGap
	g.work.gap, g.work.partitionGap = 0, 0
	return all, one
}
