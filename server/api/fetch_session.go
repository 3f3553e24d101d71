package api

import (
	"math"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/barnabas-mq/barnabas/internal/clock"
	"github.com/barnabas-mq/barnabas/protocol"
)

// Fetch sessions (KIP-227): a consumer names its partitions once and then sends
// and receives only what changed. Sources: KIP-227, KIP-516 (topic ids), and
// Kafka's FetchSession for eviction.

// Epochs with a meaning of their own in a Fetch request.
const (
	sessionEpochInitial = 0  // a full fetch that wants a session
	sessionEpochFinal   = -1 // a full fetch that wants none, and ends the one it names
)

// sessionEvictionAge is how long a session must have been unused, or its newcomer
// larger, before it makes room for another (Kafka's MIN_INCREMENTAL_FETCH_SESSION_EVICTION_MS).
const sessionEvictionAge = 2 * time.Minute

// partitionKey names a partition in a session: by id from version 13 on, by name
// before. The other one is empty.
type partitionKey struct {
	id    protocol.UUID
	name  string
	index int32
}

// wanted is what a consumer asks of one partition.
type wanted struct {
	offset           protocol.Offset
	maxBytes         int32
	leaderEpoch      protocol.Epoch
	lastFetchedEpoch protocol.Epoch
}

// sessionPartition is one partition of a session: the request as last told, and
// what the consumer was last told of it. It is linked in the order of service.
type sessionPartition struct {
	key  partitionKey
	want wanted
	// topic is the name that the id had when the session first found it; it stays when
	// the topic is deleted, or another one gets the name (Kafka's CachedPartition).
	topic      string
	high       protocol.Offset // -1 makes the next answer mention the partition
	start      protocol.Offset
	prev, next *sessionPartition
}

// session is one consumer's state. Its lock is held while a request looks at the
// partitions, never while one waits for data.
type session struct {
	id      int32
	usesIDs bool
	created time.Duration

	mu struct {
		sync.Mutex
		epoch      int32
		lastUsed   time.Duration
		partitions map[partitionKey]*sessionPartition
		// first and last are the ends of the list; a partition that got data moves
		// to the end, so that all get their turn under a small max.bytes.
		first, last *sessionPartition
	}
}

// sessionCache holds the sessions of this broker, a bounded number of them. Its
// lock is taken before a session's, never the other way round: making room looks
// into every session.
type sessionCache struct {
	clock clock.Clock
	slots func() int // max.incremental.fetch.session.cache.slots

	mu struct {
		sync.Mutex
		sessions map[int32]*session
	}
}

func newSessionCache(clk clock.Clock, slots func() int) *sessionCache {
	c := &sessionCache{clock: clk, slots: slots}
	c.mu.sessions = make(map[int32]*session)
	return c
}

func (c *sessionCache) find(id int32) *session {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.mu.sessions[id]
}

func (c *sessionCache) remove(id int32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.mu.sessions, id)
}

// create opens a session over the partitions, each of which is there once, or
// returns nil when there is no room: then the client keeps sending full requests.
func (c *sessionCache) create(usesIDs bool, partitions []*sessionPartition) *session {
	now := c.clock.Monotonic()
	s := &session{usesIDs: usesIDs, created: now}
	s.mu.epoch, s.mu.lastUsed = 1, now
	s.mu.partitions = make(map[partitionKey]*sessionPartition, len(partitions))
	for _, p := range partitions {
		s.mu.partitions[p.key] = p
		s.append(p)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.mu.sessions) >= c.slots() && !c.evictLocked(now, len(s.mu.partitions)) {
		return nil
	}
	// Ids are positive and unique, and random as Kafka's: counted ones would begin
	// anew with a restart, and a client that comes back with its old session would
	// be answered from the session of another one. 2^31 of them outnumber the slots.
	for s.id == 0 || c.mu.sessions[s.id] != nil {
		s.id = rand.Int32()
	}
	c.mu.sessions[s.id] = s
	return s
}

// evictLocked drops the session that was unused longest if that is long enough,
// else the smallest one that is old enough and smaller than the newcomer.
func (c *sessionCache) evictLocked(now time.Duration, newcomer int) bool {
	var oldest, smallest *session
	var oldestUse time.Duration
	smallestSize := 0
	for _, s := range c.mu.sessions {
		s.mu.Lock()
		used, size := s.mu.lastUsed, len(s.mu.partitions)
		s.mu.Unlock()
		if oldest == nil || used < oldestUse || used == oldestUse && s.created < oldest.created {
			oldest, oldestUse = s, used
		}
		if now-s.created > sessionEvictionAge && (smallest == nil || size < smallestSize || size == smallestSize && s.created < smallest.created) {
			smallest, smallestSize = s, size
		}
	}
	switch {
	case oldest == nil:
		return false // no slots at all
	case now-oldestUse > sessionEvictionAge:
		delete(c.mu.sessions, oldest.id)
	case smallest != nil && smallestSize < newcomer:
		delete(c.mu.sessions, smallest.id)
	default:
		return false
	}
	return true
}

// advance checks a request's epoch and moves the session to the next one. The
// session's lock is held.
func (s *session) advance(epoch int32, usesIDs bool, now time.Duration) error {
	if epoch != s.mu.epoch {
		return protocol.ErrInvalidFetchSessionEpoch
	}
	if usesIDs != s.usesIDs {
		return protocol.ErrFetchSessionTopicIDError
	}
	s.mu.lastUsed = now
	if s.mu.epoch == math.MaxInt32 {
		s.mu.epoch = 0
	}
	s.mu.epoch++
	return nil
}

// set adds a partition, or changes what is wanted of it.
func (s *session) set(key partitionKey, want wanted) {
	if p := s.mu.partitions[key]; p != nil {
		p.want = want
		return
	}
	p := &sessionPartition{key: key, want: want, high: protocol.None, start: protocol.None}
	s.mu.partitions[key] = p
	s.append(p)
}

func (s *session) forget(key partitionKey) {
	if p := s.mu.partitions[key]; p != nil {
		delete(s.mu.partitions, key)
		s.unlink(p)
	}
}

func (s *session) append(p *sessionPartition) {
	p.prev, p.next = s.mu.last, nil
	if s.mu.last != nil {
		s.mu.last.next = p
	} else {
		s.mu.first = p
	}
	s.mu.last = p
}

func (s *session) unlink(p *sessionPartition) {
	if p.prev != nil {
		p.prev.next = p.next
	} else {
		s.mu.first = p.next
	}
	if p.next != nil {
		p.next.prev = p.prev
	} else {
		s.mu.last = p.prev
	}
	p.prev, p.next = nil, nil
}

// served notes what the answer says of a partition.
func (s *session) served(p *sessionPartition, code int16, records int, high, start protocol.Offset) {
	p.high, p.start = high, start
	if code != 0 {
		p.high = protocol.None // mention it again next time, healed or not
	}
	if records > 0 && s.mu.partitions[p.key] == p {
		s.unlink(p)
		s.append(p)
	}
}
