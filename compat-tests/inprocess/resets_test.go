package inprocess

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// errand is what a client does over and over: one life of it, with a client of its own.
type errand struct {
	name string
	opts []kgo.Opt
	do   func(ctx context.Context, c *kgo.Client) error
}

// errands use every coordinator. Names of groups and transactions are those of all
// lives, so that each life may meet what is left of another.
func errands() []errand {
	produce := func(ctx context.Context, c *kgo.Client) error { return send(ctx, c, 0, "a") }
	transact := func(ctx context.Context, c *kgo.Client) error {
		if err := c.BeginTransaction(); err != nil {
			return err
		}
		if err := send(ctx, c, 1, "b"); err != nil {
			return err
		}
		return c.EndTransaction(ctx, kgo.TryCommit)
	}
	poll := func(ctx context.Context, c *kgo.Client) error {
		if n := c.PollFetches(ctx).NumRecords(); n == 0 {
			return fmt.Errorf("nothing came: %w", ctx.Err())
		}
		return nil
	}
	pollAndCommit := func(ctx context.Context, c *kgo.Client) error {
		if err := poll(ctx, c); err != nil {
			return err
		}
		return c.CommitUncommittedOffsets(ctx)
	}
	admin := func(ctx context.Context, c *kgo.Client) error {
		a := kadm.NewClient(c)
		if _, err := a.ListGroups(ctx); err != nil {
			return err
		}
		_, err := a.Metadata(ctx)
		return err
	}
	manual := kgo.RecordPartitioner(kgo.ManualPartitioner())
	group := func(name string) []kgo.Opt {
		return []kgo.Opt{kgo.ConsumerGroup(name), kgo.ConsumeTopics("orders"), kgo.DisableAutoCommit(), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart())}
	}
	return []errand{
		{"producer", []kgo.Opt{manual}, produce},
		{"slow producer", []kgo.Opt{manual, kgo.RequiredAcks(kgo.LeaderAck()), kgo.DisableIdempotentWrite()}, produce},
		{"transaction 1", []kgo.Opt{manual, kgo.TransactionalID("one")}, transact},
		{"transaction 2", []kgo.Opt{manual, kgo.TransactionalID("two")}, transact},
		{"member", group("workers"), pollAndCommit},
		{"read committed", append(group("checked"), kgo.FetchIsolationLevel(kgo.ReadCommitted())), pollAndCommit},
		{"share member", []kgo.Opt{kgo.ShareGroup("queue"), kgo.ConsumeTopics("orders")}, poll},
		{"admin", nil, admin},
	}
}

// Eight clients of every kind, which go on all the while: no reset fails, each client
// gets something done after each of them, and none sees what it cannot go on from.
func TestResetsUnderEveryKindOfClient(t *testing.T) {
	const resets = 3
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute) // a join may take seconds
	defer cancel()
	b := run(t)
	var now atomic.Pointer[life]
	now.Store(newLife(ctx, 0))
	all := errands()
	served := make([]chan int, len(all)) // the number of resets before what was done
	for i := range served {
		served[i] = make(chan int, 1)
	}
	stop, end := context.WithCancel(ctx)
	var working sync.WaitGroup
	defer working.Wait()
	defer func() {
		end()
		now.Load().end()
	}()
	for i, e := range all {
		working.Go(func() {
			for stop.Err() == nil {
				began := now.Load()
				if doErrand(began.ctx, b.Bootstrap(), e) != nil {
					continue // of a life that ended meanwhile
				}
				select {
				case served[i] <- began.resets:
				default:
				}
			}
		})
	}
	for n := 0; n <= resets; n++ {
		for i := range served {
			for done := -1; done < n; {
				select {
				case done = <-served[i]:
				case <-ctx.Done():
					t.Fatalf("after %d resets, the %s gets nothing done", n, all[i].name)
				}
			}
		}
		if n == resets {
			break
		}
		if err := b.Reset(ctx); err != nil {
			t.Fatal(err)
		}
		now.Swap(newLife(ctx, n+1)).end()
	}
}

// life is the time between two resets. Its clients end with it: franz-go holds on to
// the ids of topics.
type life struct {
	resets int // before it
	ctx    context.Context
	end    func()
}

func newLife(ctx context.Context, resets int) *life {
	ctx, end := context.WithCancel(ctx)
	return &life{resets, ctx, end}
}

// doErrand makes a client and has it do its errand once.
func doErrand(ctx context.Context, bootstrap string, e errand) error {
	c, err := kgo.NewClient(eager(append([]kgo.Opt{kgo.SeedBrokers(bootstrap), kgo.ClientID(e.name)}, e.opts...)...)...)
	if err != nil {
		return err
	}
	defer c.CloseAllowingRebalance()
	return e.do(ctx, c)
}
