package group

import (
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/coordinator"
)

// A static member may ask for a rebalance timeout of zero. A group that waits for
// it alone must leave the shard to others meanwhile: timers that come due again at
// once would keep it busy until the member's session ends.
func TestWaitingForAStaticMemberIsNoBusyLoop(t *testing.T) {
	for _, patience := range []int32{0, -1, 1} {
		config := DefaultConfig()
		config.InitialRebalanceDelayMillis = 0
		d := newDriver(t, config)
		join := func(client string, instance *string, rebalanceMillis int32) *JoinOutput {
			out := new(JoinOutput)
			d.do(d.machine.Join(d.now, JoinInput{
				GroupID: "g", ClientID: client, InstanceID: instance, SessionTimeoutMillis: 1_800_000,
				RebalanceTimeoutMillis: rebalanceMillis, ProtocolType: consumerProtocolType, Protocols: parseProtocols("range:t"),
			}, func(o JoinOutput) { *out = o }))
			return out
		}
		instance := "i"
		patient := join("b", nil, 10_000)
		static := join("a", &instance, patience)
		d.runDue()
		for _, out := range []*JoinOutput{static, patient} {
			if out.Err != nil || out.Generation != 1 {
				t.Fatalf("joined: %+v", *out)
			}
			d.do(d.machine.Sync(d.now, SyncInput{GroupID: "g", MemberID: out.MemberID, Generation: 1}, func(SyncOutput) {}))
		}
		d.do(d.machine.Leave(d.now, LeaveInput{GroupID: "g", Members: []LeaveMember{{MemberID: patient.MemberID}}}, func(LeaveOutput) {}))
		wakes := 0
		for end := d.now.Elapsed + 10*time.Second; wakes < 1000; wakes++ {
			at, ok := d.machine.NextWake()
			if !ok || at > end {
				break
			}
			d.moveTo(max(at, d.now.Elapsed))
			if out, ok := d.machine.Wake(d.now); ok {
				d.do(out)
			}
		}
		if wakes > 100 {
			t.Errorf("rebalance timeout %d: the group was looked at %d times or more within ten seconds", patience, wakes)
		}
		d.machine.Abandon(coordinator.ErrUnavailable)
	}
}
