package partition

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/barnabas-mq/barnabas/internal/clock"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/protocol"
)

// EpochRaiser raises a partition's leader epoch by one in the metadata log and
// returns once that is committed. Concurrent calls may share one commit.
type EpochRaiser interface {
	RaiseEpoch(id logstore.ID) (protocol.Epoch, error)
}

// ErrExists is the answer to adding a partition twice.
var ErrExists = errors.New("the partition exists already")

// shardCount spreads the copy-on-write of adding a topic: at 100,000 topics a
// shard holds about 24 of them, so that adding one copies a few hundred bytes.
const shardCount = 4096

// Found is a partition that was created in this run, as a Source knows it.
type Found struct {
	ID     logstore.ID
	Epoch  protocol.Epoch
	Config logstore.Config
}

// Source finds a partition that was created in this run and that nobody has used yet,
// so that it is made at its first use. It is called with and without a lock of the set,
// and must know of a removal before Remove is called.
type Source interface {
	Find(topicID protocol.UUID, index int32) (Found, bool)
	// Failed hears of a partition that could not be made.
	Failed(id logstore.ID, err error)
}

// Set holds every partition of this broker that existed at its start or was used
// since; those that were created and never used are with the Source alone.
type Set struct {
	store  logstore.Store
	epochs EpochRaiser
	clock  clock.Clock
	source Source // nil: there are only those that were added and created

	// change serialises Add, Create, Remove and what the source gives; readers take
	// no lock.
	change sync.Mutex
	// gone is the traffic of partitions that were removed; guarded by change.
	gone   Traffic
	shards [shardCount]atomic.Pointer[shard]
}

// shard is immutable once published.
type shard map[protocol.UUID][]*Partition // indexed by partition; nil where there is none

// NewSet makes an empty set over the logs of store. source may be nil.
func NewSet(store logstore.Store, epochs EpochRaiser, clk clock.Clock, source Source) *Set {
	return &Set{store: store, epochs: epochs, clock: clk, source: source}
}

// shardOf uses bytes of the id that are random in ids of version 4.
func (s *Set) shardOf(id protocol.UUID) *atomic.Pointer[shard] {
	return &s.shards[(uint(id[14])<<8|uint(id[15]))%shardCount]
}

// Commit is for whoever appends with CommitLater, see logstore.Store.
func (s *Set) Commit(lead bool) { s.store.Commit(lead) }

// Get finds a partition, or nil, and makes one that was created and not used yet. It
// takes no lock for one that was.
func (s *Set) Get(topicID protocol.UUID, index int32) *Partition {
	p := s.Used(topicID, index)
	if p == nil && s.source != nil {
		return s.makeFound(topicID, index)
	}
	return p
}

// makeFound makes a partition that the source knows. The source is asked once more
// under the lock: a removal that comes before is known there, and one that comes later
// removes what is made here.
func (s *Set) makeFound(topicID protocol.UUID, index int32) *Partition {
	if _, ok := s.source.Find(topicID, index); !ok {
		return nil // a client may ask for what there never was as often as it likes
	}
	s.change.Lock()
	defer s.change.Unlock()
	if p := s.Used(topicID, index); p != nil {
		return p // another was faster
	}
	found, ok := s.source.Find(topicID, index)
	if !ok {
		return nil
	}
	p, err := s.addLocked(found.ID, found.Epoch, found.Config, false)
	if err != nil {
		s.source.Failed(found.ID, err)
		return nil
	}
	return p
}

// Used is Get without making anything: nil also for a partition that was created in
// this run and that nobody has used.
func (s *Set) Used(topicID protocol.UUID, index int32) *Partition {
	held := s.shardOf(topicID).Load()
	if held == nil {
		return nil
	}
	partitions := (*held)[topicID]
	if index < 0 || int(index) >= len(partitions) {
		return nil
	}
	return partitions[index]
}

// Add takes in a partition that existed before this start: its leader epoch is
// raised before its first append. It touches no disk.
func (s *Set) Add(id logstore.ID, epoch protocol.Epoch, cfg logstore.Config) (*Partition, error) {
	return s.add(id, epoch, cfg, true)
}

// Create takes in a partition that was created in this run: nobody has seen
// records of it under another leader, so its epoch stays as it is.
func (s *Set) Create(id logstore.ID, epoch protocol.Epoch, cfg logstore.Config) (*Partition, error) {
	return s.add(id, epoch, cfg, false)
}

func (s *Set) add(id logstore.ID, epoch protocol.Epoch, cfg logstore.Config, raise bool) (*Partition, error) {
	if id.Partition < 0 {
		return nil, fmt.Errorf("partition index %d is negative", id.Partition)
	}
	s.change.Lock()
	defer s.change.Unlock()
	return s.addLocked(id, epoch, cfg, raise)
}

func (s *Set) addLocked(id logstore.ID, epoch protocol.Epoch, cfg logstore.Config, raise bool) (*Partition, error) {
	if s.Used(id.TopicID, id.Partition) != nil {
		return nil, fmt.Errorf("%s: %w", id, ErrExists)
	}
	open := s.store.Open
	if !raise { // see Create
		open = s.store.Create
	}
	log, err := open(id, cfg)
	if err != nil {
		return nil, fmt.Errorf("open the log of %s: %w", id, err)
	}
	p := newPartition(s, id, log, epoch, raise)
	log.Watch(p)
	s.publish(id, p)
	return p, nil
}

// publish replaces the shard by a copy in which the partition of id is p.
func (s *Set) publish(id logstore.ID, p *Partition) {
	place := s.shardOf(id.TopicID)
	old := place.Load()
	next := make(shard)
	if old != nil {
		for topic, partitions := range *old {
			next[topic] = partitions
		}
	}
	if partitions := withPartition(next[id.TopicID], int(id.Partition), p); len(partitions) > 0 {
		next[id.TopicID] = partitions
	} else {
		delete(next, id.TopicID)
	}
	place.Store(&next)
}

// withPartition is the list with p at index, and without trailing places that are
// empty. Readers may hold the old list: no place that it has is written. Adding
// behind its end, or taking its last one away, copies nothing, so that a topic of
// many partitions comes and goes in linear time.
func withPartition(list []*Partition, index int, p *Partition) []*Partition {
	if index < len(list)-1 || index == len(list)-1 && p != nil {
		list = slices.Clone(list)
		list[index] = p
		return list
	}
	if p == nil {
		list = list[:index]
		for len(list) > 0 && list[len(list)-1] == nil {
			list = list[:len(list)-1]
		}
		return slices.Clip(list) // what is added next must not fall into an old list's place
	}
	for len(list) < index {
		list = append(list, nil)
	}
	return append(list, p)
}

// Remove deletes partitions of a topic with their logs, in the order given: the last one
// first. Those who wait on them are woken; appends and reads that come later answer
// logstore.ErrDeleted.
func (s *Set) Remove(ids ...logstore.ID) error {
	s.change.Lock()
	defer s.change.Unlock()
	var removed []*Partition
	for _, id := range ids {
		if p := s.Used(id.TopicID, id.Partition); p != nil {
			s.publish(id, nil)
			removed = append(removed, p)
		}
	}
	err := s.store.Delete(ids...)
	for _, p := range removed {
		p.end()
		s.gone.add(p.Traffic())
	}
	if err != nil {
		return fmt.Errorf("delete logs: %w", err)
	}
	return nil
}

// Reconfigure gives every partition of a topic its new settings. The source must know
// them before.
func (s *Set) Reconfigure(topicID protocol.UUID, cfg logstore.Config) {
	s.change.Lock() // or one that is being made with those of before would be passed over
	defer s.change.Unlock()
	held := s.shardOf(topicID).Load()
	if held == nil {
		return
	}
	for _, p := range (*held)[topicID] {
		if p != nil {
			p.log.Reconfigure(cfg)
		}
	}
}

// Truncated notes that a partition's log has lost records that may have been
// seen (recovery cut a torn tail): its next append raises the leader epoch, so
// that clients find out that they diverged (KIP-320).
func (s *Set) Truncated(id logstore.ID) {
	if p := s.Used(id.TopicID, id.Partition); p != nil {
		p.raiseDue.Add(1)
	}
}

// Each calls fn for every partition, in no order, until fn returns false.
func (s *Set) Each(fn func(*Partition) bool) {
	for i := range s.shards {
		held := s.shards[i].Load()
		if held == nil {
			continue
		}
		for _, partitions := range *held {
			for _, p := range partitions {
				if p != nil && !fn(p) {
					return
				}
			}
		}
	}
}

// Traffic is that of all partitions that there have been since the start.
func (s *Set) Traffic() Traffic {
	s.change.Lock()
	defer s.change.Unlock()
	total := s.gone
	s.Each(func(p *Partition) bool {
		total.add(p.Traffic())
		return true
	})
	return total
}
