package group

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/protocol"
)

// commitAll commits offset 1 of partitions 0 to count-1 of topic t, one at a time.
func (d *driver) commitAll(group string, count int) {
	d.t.Helper()
	for p := range int32(count) {
		in := CommitInput{GroupID: group, Generation: noGeneration, RetentionMillis: protocol.None, Topics: []CommitTopic{
			{Topic: "t", Partitions: []CommitPartition{{Partition: p, Offset: 1, LeaderEpoch: protocol.None}}},
		}}
		d.do(d.machine.Commit(d.now, in, func(out CommitOutput) {
			if out.Err != nil {
				d.t.Fatal(out.Err)
			}
		}))
	}
}

// A sweep over many groups leaves room for other calls after every so many of
// them, and for all that the deletions of one group do not fit in a batch. Groups
// that come and go between its slices do not confuse it.
func TestASweepComesInSlices(t *testing.T) {
	config := DefaultConfig()
	config.RecordBytesMax = 2_000 // some 40 tombstones
	d := newDriver(t, config)
	const many = 2*sweepGroupsMax + 500
	d.commitAll("big", 100)
	for i := range many {
		d.commitAll(fmt.Sprintf("g%04d", i), 1)
	}
	interval := time.Duration(config.OffsetsCheckMillis) * time.Millisecond
	d.moveTo(interval + time.Duration(config.OffsetsRetentionMillis)*time.Millisecond)
	d.commitAll("g0001", 1) // in use again

	slices, last := 0, d.now.Elapsed
	for {
		d.runDue()
		slices++
		at, ok := d.machine.NextWake()
		if !ok || at < last+sweepPause {
			t.Fatalf("slice %d at %s: the next one is at %s, %t", slices, d.now.Elapsed, at, ok)
		}
		if at >= last+interval {
			break
		}
		if slices == 4 {
			d.do(d.machine.DeleteGroups(d.now, []string{fmt.Sprintf("g%04d", many-1)}, func([]GroupResult, error) {}))
			d.commitAll("new", 1)
		}
		d.moveTo(at)
		last = at
	}
	if least := many/sweepGroupsMax + 100/40; slices < least {
		t.Errorf("%d slices, want %d at least", slices, least)
	}
	if left := sortedKeys(d.machine.groups); fmt.Sprint(left) != "[g0001 new]" {
		t.Errorf("%d groups are left: %.200q", len(left), left)
	}
}

// What is deleted at once fits in batches of the size that a topic takes, and the
// answer waits for the last one.
func TestDeletionsFitInBatches(t *testing.T) {
	const count = 100
	for name, remove := range map[string]func(d *driver, done func(error)) coordinator.Decision{
		"groups": func(d *driver, done func(error)) coordinator.Decision {
			return d.machine.DeleteGroups(d.now, []string{"a", "b"}, func(_ []GroupResult, err error) { done(err) })
		},
		"topic": func(d *driver, done func(error)) coordinator.Decision {
			return d.machine.DeleteTopicOffsets(d.now, []string{"t"}, done)
		},
		"offsets": func(d *driver, done func(error)) coordinator.Decision {
			in := DeleteOffsetsInput{GroupID: "a", Topics: []FetchTopic{{Topic: "t"}}}
			for p := range int32(count) {
				in.Topics[0].Partitions = append(in.Topics[0].Partitions, p)
			}
			return d.machine.DeleteOffsets(d.now, in, func(out DeleteOffsetsOutput) { done(out.Err) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			config := DefaultConfig()
			config.RecordBytesMax = 1_024
			d := newDriver(t, config)
			d.commitAll("a", count)
			d.commitAll("b", count)
			answers := 0
			d.do(remove(d, func(err error) {
				if g := d.machine.groups["a"]; err != nil || g != nil && len(g.offsets) > 0 {
					t.Errorf("answered %v when there are still offsets", err)
				}
				answers++
			}))
			if answers != 1 {
				t.Errorf("answered %d times", answers)
			}
		})
	}
}

// When a part cannot be written, whoever waits for the last one is told.
func TestALostPartIsAnswered(t *testing.T) {
	lost := errors.New("lost")
	var told []error
	tell := func(err error) { told = append(told, err) }
	d := coordinator.Decision{Replies: []coordinator.Reply{tell}, Lost: tell}
	for range 10 {
		d.Records = append(d.Records, coordinator.Record{Key: make([]byte, 100)})
	}
	first := inParts(d, 300)
	if len(first.Records) != 2 || len(first.Replies) > 0 {
		t.Fatalf("the first part has %d records and %d replies", len(first.Records), len(first.Replies))
	}
	second := first.Then(coordinator.Moment{})
	second.Lost(lost)
	if len(told) != 2 || told[0] != lost || told[1] != lost {
		t.Errorf("told %v", told)
	}
}

// Of groups of other protocols, those without members expire by the time of their
// commits; what members read is not known, and what an unreadable group is neither.
func TestOffsetsOfForeignGroupsExpire(t *testing.T) {
	d := withForeignGroups(t)
	before := fmt.Sprint(sortedKeys(d.machine.groups))
	d.do(d.machine.Loaded(d.now))
	d.advance(time.Duration(d.config.OffsetsRetentionMillis+2*d.config.OffsetsCheckMillis) * time.Millisecond)
	after := fmt.Sprint(sortedKeys(d.machine.groups))
	if want := strings.Replace(strings.Replace(before, "classic ", "", 1), "left ", "", 1); after != want {
		t.Errorf("there were %s and are %s, want %s", before, after, want)
	}
	if d.replica.groups["left"] != nil {
		t.Error("a restart brings the empty group back")
	}
}

// The longest settings do not wrap around to "always".
func TestLongestRetention(t *testing.T) {
	config := DefaultConfig()
	config.OffsetsRetentionMillis, config.OffsetsCheckMillis = math.MaxInt32*60_000, math.MaxInt64
	d := newDriver(t, config)
	d.commitAll("g", 1)
	d.advance(20 * 365 * 24 * time.Hour)
	if d.machine.groups["g"] == nil {
		t.Error("the group is gone")
	}
}

// Nor does the longest retention that a commit can ask for.
func TestLongestRetentionOfACommit(t *testing.T) {
	d := newDriver(t, DefaultConfig())
	in := CommitInput{GroupID: "g", Generation: noGeneration, RetentionMillis: math.MaxInt64, Topics: []CommitTopic{
		{Topic: "t", Partitions: []CommitPartition{{Offset: 1, LeaderEpoch: protocol.None}}},
	}}
	d.do(d.machine.Commit(d.now, in, func(CommitOutput) {}))
	d.advance(3 * time.Duration(d.config.OffsetsRetentionMillis) * time.Millisecond)
	if d.machine.groups["g"] == nil {
		t.Error("the group is gone")
	}
}
