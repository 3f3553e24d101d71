package share

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/internal/clock"
	"github.com/barnabas-mq/barnabas/protocol"
)

// Settings are what holds for the share partitions of one group.
type Settings struct {
	// LockDuration is share.record.lock.duration.ms.
	LockDuration time.Duration
	// DeliveriesMax is share.delivery.count.limit, LocksMax
	// share.partition.max.record.locks.
	DeliveriesMax, LocksMax int
	// RenewAllowed is share.renew.acknowledge.enable.
	RenewAllowed bool
}

// Persister keeps what outlives a restart. *Coordinator is one.
type Persister interface {
	Read(in ReadInput, reply func(ReadOutput))
	Write(in WriteInput, reply func(error))
}

// LeaderOptions are what a Leader needs.
type LeaderOptions struct {
	Persister Persister
	Clock     clock.Clock
	Settings  func(groupID string) Settings
	Log       *slog.Logger
}

// Leader holds the share partitions that members of this broker's groups fetch from.
// Methods are safe for concurrent use.
type Leader struct {
	options LeaderOptions

	mu struct {
		sync.Mutex
		partitions map[Key]*Partition
		closed     bool
	}
	// writes are those that nobody has answered yet. Partitions that have ended make none.
	writes sync.WaitGroup
}

// NewLeader makes a leader of nothing.
func NewLeader(o LeaderOptions) *Leader {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	l := &Leader{options: o}
	l.mu.partitions = map[Key]*Partition{}
	return l
}

// Get finds a share partition that is in use, or nil.
func (l *Leader) Get(k Key) *Partition {
	l.mu.Lock()
	p := l.mu.partitions[k]
	l.mu.Unlock()
	if p == nil || !p.isLoaded() {
		return nil
	}
	return p
}

// Open finds a share partition, or loads it: that takes a read of its stored state, for
// which it waits, no longer than to the end of gone. resolve is asked where the partition
// begins if nobody has said so yet. Errors are those that Kafka shows of its persister.
func (l *Leader) Open(k Key, leader protocol.Epoch, resolve func() (protocol.Offset, error), gone <-chan struct{}) (*Partition, error) {
	l.mu.Lock()
	p, found := l.mu.partitions[k]
	if !found && l.mu.closed {
		l.mu.Unlock()
		return nil, coordinator.ErrUnavailable
	}
	if !found {
		p = &Partition{key: k, owner: l, leaderEpoch: leader, loaded: make(chan struct{})}
		l.mu.partitions[k] = p
	}
	l.mu.Unlock()
	if !found {
		p.err = p.load(resolve)
		if p.err != nil {
			l.drop(p)
		}
		close(p.loaded)
	}
	select {
	case <-p.loaded:
		if p.err != nil {
			return nil, p.err
		}
		return p, nil
	case <-gone:
		return nil, coordinator.ErrUnavailable
	}
}

// DropGroup forgets the share partitions of a group that nobody fetches for any more:
// the next member reads what is stored, which may have been altered meanwhile.
func (l *Leader) DropGroup(groupID string) {
	l.dropWhere(func(k Key) bool { return k.GroupID == groupID })
}

// DropTopics forgets those of deleted topics.
func (l *Leader) DropTopics(ids []protocol.UUID) {
	gone := make(map[protocol.UUID]bool, len(ids))
	for _, id := range ids {
		gone[id] = true
	}
	l.dropWhere(func(k Key) bool { return gone[k.TopicID] })
}

// Close ends all timers and waits until what was to be written is, or ctx ends: what the
// last members gave back is still on its way then.
func (l *Leader) Close(ctx context.Context) {
	l.mu.Lock()
	l.mu.closed = true
	l.mu.Unlock()
	l.dropWhere(func(Key) bool { return true })
	written := make(chan struct{})
	go func() { // ends with the persister, which answers everyone
		l.writes.Wait()
		close(written)
	}()
	select {
	case <-written:
	case <-ctx.Done():
	}
}

// dropWhere also drops what is being loaded: who waits for it finds nothing there.
func (l *Leader) dropWhere(which func(Key) bool) {
	var dropped []*Partition
	l.mu.Lock()
	for k, p := range l.mu.partitions {
		if which(k) {
			dropped = append(dropped, p)
			delete(l.mu.partitions, k)
		}
	}
	l.mu.Unlock()
	for _, p := range dropped {
		p.end()
	}
}

// drop forgets one, unless it is another one by now.
func (l *Leader) drop(p *Partition) {
	l.mu.Lock()
	if l.mu.partitions[p.key] == p {
		delete(l.mu.partitions, p.key)
	}
	l.mu.Unlock()
	p.end()
}

// persisterErrors are what a member hears of an error of the persister
// (SharePartition.fetchPersisterError).
var persisterErrors = []struct{ from, to error }{
	{coordinator.ErrNotOwner, coordinator.ErrUnavailable},
	{coordinator.ErrLoading, coordinator.ErrUnavailable},
	{coordinator.ErrUnavailable, coordinator.ErrUnavailable},
	{protocol.ErrUnknownTopicOrPartition, protocol.ErrUnknownTopicOrPartition},
	{protocol.ErrFencedLeaderEpoch, protocol.ErrNotLeaderOrFollower},
	{protocol.ErrFencedStateEpoch, protocol.ErrNotLeaderOrFollower},
}

func shownError(err error) error {
	if err == nil {
		return nil
	}
	for _, e := range persisterErrors {
		if errors.Is(err, e.from) {
			return e.to
		}
	}
	return protocol.ErrUnknownServerError
}

// endsPartition tells whether after an error the partition must be loaded anew: another
// leader or another life of it has begun, or there is none any more.
func endsPartition(err error) bool {
	return errors.Is(err, protocol.ErrFencedLeaderEpoch) || errors.Is(err, protocol.ErrFencedStateEpoch) ||
		errors.Is(err, protocol.ErrUnknownTopicOrPartition) || errors.Is(err, protocol.ErrInvalidRequest)
}
