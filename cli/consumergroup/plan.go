package consumergroup

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Kind is how a Target says where to go.
type Kind int

// The kinds of targets. Number counts from 0 (Exact), from where the group is (Shift), or back
// from the end (BeforeEnd); At is a time (Time).
const (
	Start Kind = iota
	End
	Current
	Exact
	Shift
	BeforeEnd
	Time
)

// Target is where a reader is to go in every partition.
type Target struct {
	Kind   Kind
	Number int64
	At     time.Time
}

// Step is where a reader goes in a partition.
type Step struct {
	Partition
	// From is where it was; nil when it was nowhere.
	From *int64
	// Asked is what the target says. Invariant: Bound.Start <= To <= Bound.End; To is Asked where that is so.
	Asked, To int64
	Bound     Bound
	// Empty: there is no record as young as the target's time, and To is the end.
	Empty bool
}

// NowhereError is a Shift from where the group has no offset.
type NowhereError struct{ Partition Partition }

func (e *NowhereError) Error() string {
	return fmt.Sprintf("the group has no offset in %s-%d from which to go on", e.Partition.Topic, e.Partition.Number)
}

// Plan computes where a target is in each of the partitions, in their order. Partitions that the
// brokers know nothing of are left out.
func (t Target) Plan(ctx context.Context, client *kgo.Client, from map[Partition]kadm.Offset, partitions []Partition) ([]Step, error) {
	bounds, err := Bounds(ctx, client, partitions)
	if err != nil {
		return nil, err
	}
	var young map[Partition]Listed
	if t.Kind == Time {
		if young, err = List(ctx, client, max(0, t.At.UnixMilli()), partitions); err != nil {
			return nil, err
		}
	}
	var steps []Step
	for _, p := range partitions {
		bound, known := bounds[p]
		if !known {
			continue
		}
		step := Step{Partition: p, Bound: bound}
		if at, has := from[p]; has {
			step.From = &at.At
		}
		switch t.Kind {
		case Start:
			step.Asked = bound.Start
		case End:
			step.Asked = bound.End
		case Exact:
			step.Asked = t.Number
		case BeforeEnd:
			step.Asked = bound.End - t.Number
		case Shift:
			if step.From == nil {
				return nil, &NowhereError{p}
			}
			step.Asked = *step.From + t.Number
		case Current:
			if step.Asked = bound.End; step.From != nil {
				// As it is, even where there are no records any more.
				step.Asked, step.To = *step.From, *step.From
				step.Bound = Bound{min(bound.Start, step.To), max(bound.End, step.To)}
			}
		case Time:
			if step.Asked = young[p].Offset; step.Asked < 0 {
				step.Asked, step.Empty = bound.End, true
			}
		}
		steps = append(steps, step.within())
	}
	return steps, nil
}

// Within plans offsets that are given one by one.
func Within(ctx context.Context, client *kgo.Client, asked map[Partition]int64) ([]Step, error) {
	var partitions []Partition
	for p := range asked {
		partitions = append(partitions, p)
	}
	bounds, err := Bounds(ctx, client, partitions)
	if err != nil {
		return nil, err
	}
	var steps []Step
	for p, bound := range bounds {
		steps = append(steps, Step{Partition: p, Asked: asked[p], Bound: bound}.within())
	}
	return steps, nil
}

func (s Step) within() Step {
	s.To = min(max(s.Asked, s.Bound.Start), s.Bound.End)
	return s
}

// Commit makes the steps the offsets of a group.
func Commit(ctx context.Context, client *kgo.Client, group string, steps []Step) error {
	if len(steps) == 0 {
		return nil
	}
	offsets := kadm.Offsets{}
	for _, step := range steps {
		offsets.Add(kadm.Offset{Topic: step.Topic, Partition: step.Number, At: step.To, LeaderEpoch: -1})
	}
	return kadm.NewClient(client).CommitAllOffsets(ctx, group, offsets)
}
