package api

// ShareFetch (key 78), versions 1 and 2.
//
// Gives a member of a share group records that nobody else has (KIP-932), after it has
// noted what the member says of those that it had. Waits up to max_wait for min_bytes,
// woken by what is appended and by what other members give back. Whether the member is
// one of the group is not asked, as in Kafka.
//
//	v1  the first one that Kafka kept
//	v2  acquire modes (KIP-1206): 1 does not exceed max_records; renewals (KIP-1222), with
//	    which nothing is fetched
//
// Who has used more than a quota allows is answered, and told to wait afterwards; Kafka answers
// nothing then, and keeps what it has acquired until it expires.
//
// Left out: rack.

import (
	"math"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/config"
	"github.com/barnabas-mq/barnabas/coordinator/share"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/partition"
	"github.com/barnabas-mq/barnabas/protocol"
)

var shareFetch = declare(kmsg.ShareFetch, 1, 2, (*API).shareFetch).needs(need{auth.Read, auth.Group}, need{auth.Read, auth.Topic})

// shareRenewals is the first version with renewals and acquire modes.
const shareRenewals = 2

// shareCall is one ShareFetch under way.
type shareCall struct {
	api      *API
	request  *kmsg.ShareFetchRequest
	member   shareMember
	settings *config.Broker
	group    config.Group
	image    *metadata.Image
	fault    *refusal
	session  *shareSession // nil with the final epoch

	items []shareItem
	wake  chan struct{} // by share partitions
	// have is how many bytes the last look found when they were too few. passed: it found
	// only what was aborted, and there may be more behind that.
	have   int
	passed bool
}

// shareItem is one partition of the answer.
type shareItem struct {
	key       sharePartitionKey
	partition *partition.Partition
	share     *share.Partition // nil until it is loaded
	failed    error
	// blocked: nothing can be acquired, whatever is appended. below is up to where the
	// last look saw.
	blocked bool
	below   protocol.Offset

	acknowledged *ackPartition // what became of its acknowledgements, nil without any
	found        shareRecords
	omit         bool
}

func (i *shareItem) bytes() int { return i.found.bytes }

func (a *API) shareFetch(r *Request) error {
	q, err := decode[*kmsg.ShareFetchRequest](r)
	if err != nil {
		return err
	}
	c := &shareCall{api: a, request: q, settings: a.Config(), image: a.Metadata.Image(), fault: r.refusal}
	n := sum(q.Topics, func(t *kmsg.ShareFetchRequestTopic) int { return len(t.Partitions) }) +
		sum(q.ForgottenTopicsData, func(t *kmsg.ShareFetchRequestForgottenTopicsData) int { return len(t.Partitions) })
	if n > c.settings.RequestPartitionsMax {
		return tooManyPartitions(n, c.settings)
	}
	if c.member, err = a.shareMember(r, q.GroupID, q.MemberID); err == nil {
		err = c.checkRenewal()
	}
	if err == nil {
		err = c.openSession(r)
	}
	if err == protocol.ErrShareSessionLimitReached {
		c.pause(r) // so that the member does not come again at once (createIdleShareFetchTimerTask)
	}
	if err != nil {
		c.answerError(r, err)
		return nil
	}
	c.group = a.GroupSettings(c.member.group)
	acks := a.acknowledge(r, &ackCall{member: c.member, image: c.image, fault: c.fault, renewals: q.Version >= shareRenewals, isRenewal: q.IsRenewAck}, ackTopicsOfFetch(q))
	if !c.isRenewal() {
		c.resolve(r)
		err = c.fetch(r)
	}
	if err == nil {
		err = acks.wait(r)
	}
	if err != nil {
		c.release()
		return err
	}
	c.answer(r, acks)
	if q.ShareSessionEpoch == shareEpochFinal {
		a.endShareSession(c.session)
	}
	return nil
}

// shareMember reads who asks; an error where share groups are off, or for one who
// cannot be or may not read the group.
func (a *API) shareMember(r *Request, groupID, memberID *string) (shareMember, error) {
	if err := a.checkShareProtocol(r); err != nil {
		return shareMember{}, err
	}
	if groupID == nil {
		return shareMember{}, protocol.ErrInvalidRequest
	}
	if !a.may(r, auth.Read, auth.Group, *groupID) {
		return shareMember{}, errGroupDenied
	}
	if memberID == nil || !isShareMemberID(*memberID) {
		return shareMember{}, protocol.ErrInvalidRequest
	}
	return shareMember{*groupID, *memberID}, nil
}

func (c *shareCall) isRenewal() bool {
	return c.request.Version >= shareRenewals && c.request.IsRenewAck
}

// checkRenewal refuses a request that renews locks and wants records as well.
func (c *shareCall) checkRenewal() error {
	q := c.request
	if c.isRenewal() && (q.MaxBytes != 0 || q.MinBytes != 0 || q.MaxRecords != 0 || q.MaxWaitMillis != 0) {
		return protocol.ErrInvalidRequest
	}
	return nil
}

// openSession finds or makes the session, and lists the partitions to fetch from.
func (c *shareCall) openSession(r *Request) (err error) {
	q, sessions := c.request, c.api.shareSessions
	var named []sharePartitionKey
	hasAcks := false
	for i := range q.Topics {
		for j := range q.Topics[i].Partitions {
			p := &q.Topics[i].Partitions[j]
			named = append(named, sharePartitionKey{q.Topics[i].TopicID, p.Partition})
			hasAcks = hasAcks || len(p.AcknowledgementBatches) > 0
		}
	}
	switch q.ShareSessionEpoch {
	case shareEpochInitial:
		if hasAcks {
			return protocol.ErrInvalidRequest
		}
		if c.session, err = sessions.open(c.member, named); err != nil {
			return err
		}
		c.api.ownShares(r.Peer, c.session)
	case shareEpochFinal:
		c.session, err = sessions.advance(c.member, q.ShareSessionEpoch, nil)
		return err // nothing is fetched any more
	default:
		c.session, err = sessions.advance(c.member, q.ShareSessionEpoch, func(s *shareSession) error { return c.updateSession(s, named) })
		if err != nil {
			return err
		}
	}
	for _, k := range sessions.listed(c.session) {
		c.items = append(c.items, shareItem{key: k})
	}
	return nil
}

func (c *shareCall) updateSession(s *shareSession, named []sharePartitionKey) error {
	if n := len(s.partitions) + len(named); n > c.settings.RequestPartitionsMax {
		return protocol.ErrInvalidRequest // a session is one request told in pieces
	}
	for _, k := range named {
		s.add(k, true)
	}
	var gone []sharePartitionKey
	for _, t := range c.request.ForgottenTopicsData {
		for _, index := range t.Partitions {
			gone = append(gone, sharePartitionKey{t.TopicID, index})
		}
	}
	s.forget(gone)
	return nil
}

// resolve finds the partitions that the items name, and puts first another one each
// time, so that all get their turn (PartitionRotateStrategy).
func (c *shareCall) resolve(r *Request) {
	if n := len(c.items); n > 0 && c.request.ShareSessionEpoch > 0 {
		first := int(c.request.ShareSessionEpoch) % n
		c.items = append(c.items[first:n:n], c.items[:first]...)
	}
	for i := range c.items {
		item := &c.items[i]
		topic := c.image.TopicByID(item.key.topicID)
		if topic == nil {
			item.failed = protocol.ErrUnknownTopicID
			continue
		}
		if !c.api.may(r, auth.Read, auth.Topic, topic.Name) {
			item.failed = errTopicDenied
			continue
		}
		if failure := c.fault.of(topic.Name, item.key.index); failure != nil {
			item.failed = failure
			continue
		}
		item.partition, item.failed = c.api.partition(topic, item.key.index)
	}
}

// fetch loads the share partitions and acquires records, and waits while there are too
// few.
func (c *shareCall) fetch(r *Request) error {
	if c.request.MaxRecords <= 0 || c.bytesMax() <= 0 || len(c.items) == 0 {
		return nil
	}
	if err := r.flush(); err != nil { // loading and storing may take a disk access
		return err
	}
	c.wake = make(chan struct{}, 1)
	ready := false
	for i := range c.items {
		item := &c.items[i]
		if item.failed == nil {
			item.share, item.failed = c.open(r, item)
		}
		if item.failed != nil {
			ready = true
			continue
		}
		item.share.Watch(c.wake)
		defer item.share.Unwatch(c.wake)
	}
	if c.acquire(c.least()) || ready {
		return nil
	}
	return c.waitAndAcquire(r)
}

// least is how many bytes are worth an answer.
func (c *shareCall) least() int { return min(int(c.request.MinBytes), c.bytesMax()) }

func (c *shareCall) bytesMax() int {
	return min(int(c.request.MaxBytes), c.settings.FetchBytesMax)
}

func (c *shareCall) open(r *Request, item *shareItem) (*share.Partition, error) {
	if err := item.partition.Ready(); err != nil {
		return nil, err
	}
	k := share.Key{GroupID: c.member.group, TopicID: item.key.topicID, Partition: item.key.index}
	return c.api.Shares.Open(k, item.partition.LeaderEpoch(), func() (protocol.Offset, error) {
		return c.firstOffset(item.partition)
	}, r.Call.Conn.Done())
}

// firstOffset is where a group begins that has no offset yet (share.auto.offset.reset).
func (c *shareCall) firstOffset(p *partition.Partition) (protocol.Offset, error) {
	timestamp, err := resetTimestamp(c.group.ShareAutoOffsetReset, c.api.Clock.Now())
	if err != nil {
		return 0, err
	}
	found, err := findOffset(p, timestamp, partition.ReadUncommitted)
	if err == nil && found.Offset < 0 { // nothing is that young
		found.Offset = p.Bound(partition.ReadUncommitted)
	}
	return found.Offset, err
}

// waitAndAcquire waits for bytes, or for records that other members give back. When the
// time is up it takes what there is.
func (c *shareCall) waitAndAcquire(r *Request) error {
	wait := c.patience()
	waiter := c.api.Partitions.NewWaiter()
	r.Call.ReleaseFrame() // the request is decoded, nothing of it lies in the frame
	for end := c.api.Clock.Monotonic() + wait; wait > 0; wait = end - c.api.Clock.Monotonic() {
		if !c.passed {
			c.waitForRecords(r, waiter, wait)
		}
		select {
		case <-r.Call.Conn.Done():
			return nil
		default:
		}
		if c.acquire(c.least()) {
			return nil
		}
	}
	c.acquire(0)
	return nil
}

// patience is how long the member waits. It must not hold its connection longer than
// one that says nothing.
func (c *shareCall) patience() time.Duration {
	wait := time.Duration(c.request.MaxWaitMillis) * time.Millisecond
	if idle := c.settings.ConnectionIdleMax; idle > 0 {
		wait = min(wait, idle)
	}
	return wait
}

func (c *shareCall) waitForRecords(r *Request, waiter *partition.Waiter, wait time.Duration) {
	waiter.Arm(c.least()-c.have, wait)
	defer waiter.Cancel()
	for i := range c.items {
		if item := &c.items[i]; item.share != nil && !item.blocked && waiter.Watch(item.partition, item.below, c.isolation()) {
			return
		}
	}
	r.charge.rest()
	defer r.charge.work()
	select {
	case <-waiter.C:
	case <-c.wake:
	case <-r.Call.Conn.Done():
	}
}

// pause waits as long as the member would have.
func (c *shareCall) pause(r *Request) {
	if wait := c.patience(); wait > 0 && r.flush() == nil {
		waiter := c.api.Partitions.NewWaiter()
		c.wake = nil
		r.Call.ReleaseFrame()
		c.waitForRecords(r, waiter, wait)
	}
}

func (c *shareCall) isolation() partition.Isolation {
	if c.group.ShareReadCommitted {
		return partition.ReadCommitted
	}
	return partition.ReadUncommitted
}

// acquire acquires records if there are that many bytes of them; false when there was
// nothing for the member.
func (c *shareCall) acquire(least int) bool {
	c.have, c.passed = 0, false
	if least > 1 {
		if bytes := c.available(); bytes < least {
			c.have = bytes
			return false
		}
	}
	left, found := c.request.MaxRecords, false
	for i := range c.items {
		item := &c.items[i]
		if item.share == nil || left <= 0 {
			continue
		}
		if err := c.acquireFrom(item, left, !found); err != nil {
			item.failed = err
			continue
		}
		found = found || item.bytes() > 0
		for _, d := range item.found.deliveries {
			left -= int32(min(d.Last-d.First+1, math.MaxInt32))
		}
	}
	for i := range c.items {
		if item := &c.items[i]; item.bytes() > 0 || item.failed != nil {
			return true
		}
	}
	return false
}
