package broker

import (
	"context"

	"github.com/barnabas-mq/barnabas/console"
	"github.com/barnabas-mq/barnabas/internal/fault"
)

// Rule says which requests fail on command, how often, and how.
type Rule = console.Rule

// The values of Rule.Drop.
const (
	DropBefore = console.DropBefore
	DropAfter  = console.DropAfter
)

// Fault is a Rule in force.
type Fault struct {
	fault *fault.Fault
}

// Fault makes requests fail as the rule says, until Fault.Remove or Reset. The first
// rule that fires decides about a request. The error tells what is wrong with the rule.
//
// Without faults a request costs one atomic load more than in a broker that knows none.
func (b *Broker) Fault(rule Rule) (*Fault, error) {
	compiled, err := rule.Compile()
	if err != nil {
		return nil, err
	}
	set, err := b.faults.Add(compiled)
	if err != nil {
		return nil, err
	}
	return &Fault{set}, nil
}

// Count is how often the rule has fired.
func (f *Fault) Count() int { return f.fault.Count() }

// Wait returns when the rule has fired n times in all, or with an error: of ctx, or
// because that cannot happen any more.
func (f *Fault) Wait(ctx context.Context, n int) error { return f.fault.Wait(ctx, n) }

// Remove ends the fault. Removing it again does nothing.
func (f *Fault) Remove() { f.fault.Remove() }
