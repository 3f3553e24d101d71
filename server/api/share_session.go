package api

import (
	"math"
	"slices"
	"sync"

	"github.com/barnabas-mq/barnabas/coordinator/share"
	"github.com/barnabas-mq/barnabas/protocol"
)

// Share sessions (KIP-932): a member names its partitions once and then what changes.
// A session has the connection that opened it: when that goes, what the member had in
// hand is given back. Sources: Kafka's ShareSessionCache and SharePartitionManager.

// Epochs with a meaning of their own in requests of share sessions.
const (
	shareEpochInitial = 0  // opens a session, in place of the one that there is
	shareEpochFinal   = -1 // ends it after this request
)

// shareMember is whose session it is.
type shareMember struct{ group, member string }

// sharePartitionKey names a partition in a share session.
type sharePartitionKey struct {
	topicID protocol.UUID
	index   int32
}

// shareSession is one member's. Its cache's lock guards it.
type shareSession struct {
	shareMember
	epoch      int32 // expected of the next request
	partitions []*sharePartition
	byKey      map[sharePartitionKey]*sharePartition
}

// sharePartition is one partition of a session.
type sharePartition struct {
	sharePartitionKey
	// mention: the next answer names it, whatever it has to say.
	mention bool
}

// shareSessions holds the share sessions of this broker, a bounded number of them.
type shareSessions struct {
	max func() int // group.share.max.share.sessions

	mu struct {
		sync.Mutex
		sessions map[shareMember]*shareSession
		members  map[string]int // sessions of a group
	}
}

func newShareSessions(most func() int) *shareSessions {
	s := &shareSessions{max: most}
	s.mu.sessions, s.mu.members = map[shareMember]*shareSession{}, map[string]int{}
	return s
}

// open makes a session in place of the member's last one, whose records stay locked.
// Each partition is there once.
func (s *shareSessions) open(m shareMember, partitions []sharePartitionKey) (*shareSession, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.removeLocked(s.mu.sessions[m])
	if len(s.mu.sessions) >= s.max() {
		return nil, protocol.ErrShareSessionLimitReached
	}
	session := &shareSession{shareMember: m, epoch: 1, byKey: map[sharePartitionKey]*sharePartition{}}
	for _, k := range partitions {
		session.add(k, false)
	}
	s.mu.sessions[m] = session
	s.mu.members[m.group]++
	return session, nil
}

func (s *shareSession) add(k sharePartitionKey, mention bool) {
	if s.byKey[k] == nil {
		p := &sharePartition{k, mention}
		s.byKey[k] = p
		s.partitions = append(s.partitions, p)
	}
}

// advance checks a request's epoch and moves the session to the next one. change, when
// not nil, may add partitions and take some away.
func (s *shareSessions) advance(m shareMember, epoch int32, change func(*shareSession) error) (*shareSession, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	session := s.mu.sessions[m]
	switch {
	case session == nil:
		return nil, protocol.ErrShareSessionNotFound
	case epoch == shareEpochFinal:
		return session, nil
	case epoch != session.epoch:
		return nil, protocol.ErrInvalidShareSessionEpoch
	}
	if change != nil {
		if err := change(session); err != nil {
			return nil, err
		}
	}
	if session.epoch == math.MaxInt32 {
		session.epoch = 0
	}
	session.epoch++
	return session, nil
}

// forget takes partitions out, all in one pass: there may be many of them, and the lock
// that is held is everyone's.
func (s *shareSession) forget(gone []sharePartitionKey) {
	before := len(s.byKey)
	for _, k := range gone {
		delete(s.byKey, k)
	}
	if len(s.byKey) < before {
		s.partitions = slices.DeleteFunc(s.partitions, func(p *sharePartition) bool { return s.byKey[p.sharePartitionKey] == nil })
	}
}

// listed are the partitions of a session as they are now.
func (s *shareSessions) listed(session *shareSession) []sharePartitionKey {
	s.mu.Lock()
	defer s.mu.Unlock()
	return session.keys()
}

// keysOf are those of a member's session; none without one.
func (s *shareSessions) keysOf(m shareMember) []sharePartitionKey {
	s.mu.Lock()
	defer s.mu.Unlock()
	if session := s.mu.sessions[m]; session != nil {
		return session.keys()
	}
	return nil
}

func (s *shareSession) keys() []sharePartitionKey {
	keys := make([]sharePartitionKey, len(s.partitions))
	for i, p := range s.partitions {
		keys[i] = p.sharePartitionKey
	}
	return keys
}

// mentions tells of each item whether an incremental answer names it: with records, an
// error, or because it is new (CachedSharePartition.maybeUpdateResponseData).
func (s *shareSessions) mentions(session *shareSession, items []shareItem) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range items {
		item := &items[i]
		p := session.byKey[item.key]
		item.omit = item.bytes() == 0 && item.failed == nil && (p == nil || !p.mention)
		if p != nil {
			p.mention = item.failed != nil
		}
	}
}

// isOpen tells whether a session is still its member's.
func (s *shareSessions) isOpen(session *shareSession) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mu.sessions[session.shareMember] == session
}

// end removes a session, if it is still the member's, and gives its partitions. With true
// the session counts as one of its group until left.
func (s *shareSessions) end(session *shareSession) ([]sharePartitionKey, bool) {
	keys := s.listed(session)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.sessions[session.shareMember] != session {
		return nil, false
	}
	delete(s.mu.sessions, session.shareMember)
	return keys, true
}

// left ends what end began, once the member has given back what it had: only then may
// its group's state be forgotten.
func (s *shareSessions) left(session *shareSession) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leaveLocked(session.group)
}

// isEmpty tells whether a group has no sessions.
func (s *shareSessions) isEmpty(groupID string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mu.members[groupID] == 0
}

func (s *shareSessions) removeLocked(session *shareSession) {
	if session != nil {
		delete(s.mu.sessions, session.shareMember)
		s.leaveLocked(session.group)
	}
}

func (s *shareSessions) leaveLocked(groupID string) {
	if s.mu.members[groupID]--; s.mu.members[groupID] == 0 {
		delete(s.mu.members, groupID)
	}
}

// peerShares are the share sessions of a connection, and some that have ended.
type peerShares struct {
	sessions []*shareSession
	tidyAt   int // how many there are when those that have ended are looked for
}

// peerSharesMin is how many sessions a connection may have had before that is worth it.
// A client has one.
const peerSharesMin = 16

// ownShares notes that a session goes with this connection.
func (a *API) ownShares(p *Peer, s *shareSession) {
	owned := &p.shares
	for i, other := range owned.sessions {
		if other.shareMember == s.shareMember {
			owned.sessions[i] = s
			return
		}
	}
	if owned.sessions = append(owned.sessions, s); len(owned.sessions) < max(owned.tidyAt, peerSharesMin) {
		return
	}
	owned.sessions = slices.DeleteFunc(owned.sessions, func(s *shareSession) bool {
		if a.shareSessions.isOpen(s) {
			return false
		}
		a.dropIfUnused(s.group)
		return true
	})
	owned.tidyAt = 2 * len(owned.sessions)
}

// endShareSession ends a session and gives back what its member has in hand.
func (a *API) endShareSession(s *shareSession) {
	partitions, ended := a.shareSessions.end(s)
	if !ended {
		return
	}
	defer a.shareSessions.left(s)
	for _, k := range partitions {
		p := a.Shares.Get(share.Key{GroupID: s.group, TopicID: k.topicID, Partition: k.index})
		if p == nil {
			continue
		}
		p.Release(s.member, func(err error) {
			if err != nil {
				a.Log.Warn("The records of a share group's member could not be given back before their locks end.", "group", cut(s.group), "error", err)
			}
		})
	}
}

// endShareSessions ends those of a connection that has gone. A group that has no others
// leaves nothing in memory (ShareSessionCache.ClientConnectionDisconnectListener).
func (a *API) endShareSessions(p *Peer) {
	for _, s := range p.shares.sessions {
		a.endShareSession(s)
		a.dropIfUnused(s.group)
	}
	p.shares = peerShares{}
}

func (a *API) dropIfUnused(groupID string) {
	if a.shareSessions.isEmpty(groupID) {
		a.Shares.DropGroup(groupID)
	}
}
