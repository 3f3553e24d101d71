package api

// Fetch (key 1), versions 0 to 18.
//
// Answers with whole batches from each partition, and waits up to max_wait for
// min_bytes of them. Ranges of 16 KiB and more go from the page cache to the
// socket; smaller ones are copied, which is cheaper.
//
//	v0-v3  records in formats 0 and 1: fetch_convert.go
//	v3     a limit for the whole answer
//	v4     isolation level, last stable offset, aborted transactions
//	v5     log start offset
//	v7     sessions (KIP-227): fetch_session.go
//	v9     current leader epoch: FENCED and UNKNOWN_LEADER_EPOCH
//	v10    zstd is allowed
//	v11    rack, preferred read replica (always -1: one node)
//	v12    flexible; last fetched epoch, diverging epoch (KIP-595)
//	v13    topics by id
//	v15    the replica id is a tagged field
//	v16    leader hints (KIP-951): never sent, the one node leads
//	v18    a follower's high watermark: not used
//
// Left out: followers. A replica id of 0 or more gets NOT_LEADER_OR_FOLLOWER.

import (
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/config"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/partition"
	"github.com/barnabas-mq/barnabas/protocol"
)

var fetch = declare(kmsg.Fetch, 0, 18, (*API).fetch).needs(need{auth.Read, auth.Topic}, need{auth.ClusterAction, auth.Cluster})

// copyBelowBytes is where sending a range from the file becomes cheaper than
// copying it: measured between 8 and 16 KiB.
const copyBelowBytes = 16 << 10

// fetchCall is one Fetch under way. Each connection has one and reuses it.
type fetchCall struct {
	api       *API
	header    protocol.Header
	request   protocol.FetchRequest
	settings  *config.Broker
	image     *metadata.Image
	isolation partition.Isolation
	fault     *refusal
	charge    *charge
	waiter    *partition.Waiter // made at the first long poll

	// session is nil for a full fetch that gets none. creating wants a new one.
	session     *session
	incremental bool
	creating    bool

	// conversion is not nil while records are answered in an old format.
	conversion *conversion
	// Between requests of old formats: the partition that the last answer had no room
	// for, and what is known to hold nothing for them.
	unreached partitionKey
	firstItem int
	empty     map[*partition.Partition]nothing
	done      <-chan struct{} // the connection's

	items []fetchItem
	bytes int  // found in all items
	ready bool // some item must be told of at once: an error or a divergence
}

// fetchItem is one partition of the answer.
type fetchItem struct {
	key       partitionKey
	want      wanted
	inSession *sessionPartition // nil outside an incremental fetch
	topic     string            // the session's name for the id, empty if it has none
	replaced  bool              // another topic has that name now
	partition *partition.Partition
	policy    *policy
	below     protocol.Offset // the bound of the last read, and what a wait for more has seen
	result    protocol.FetchPartitionResult
	chunk     logstore.Chunk
	converted []byte // in place of the chunk
	failed    error  // before the log was asked
	omit      bool   // an incremental answer says nothing of it
}

func (a *API) fetch(r *Request) error {
	c := r.Peer.fetch
	if c == nil {
		c = &fetchCall{api: a}
		r.Peer.fetch = c
	}
	c.header = r.Header
	if err := c.request.Decode(r.Header.Version, r.Body); err != nil {
		return err
	}
	c.settings, c.image = a.Config(), a.Metadata.Image()
	c.isolation, c.fault, c.charge = isolationOf(c.request.IsolationLevel), r.refusal, r.charge
	n := 0
	for i := range c.request.Topics {
		n += len(c.request.Topics[i].Partitions)
	}
	if n > c.settings.RequestPartitionsMax {
		return tooManyPartitions(n, c.settings)
	}
	if err := c.fault.ofSession(); err != nil {
		c.answerError(r, err.Code)
		return nil
	}
	if err := c.openContext(); err != nil {
		c.answerError(r, errorOf(err).Code)
		return nil
	}
	if r.Header.Version < fetchBatches {
		c.conversion = conversions.Get().(*conversion)
		c.done = r.Call.Conn.Done()
		defer c.endConversion()
	}
	c.resolve(r)
	if err := c.readUntilEnough(r); err != nil {
		c.release()
		return err
	}
	if c.charge.countsFetches() && c.charge.isTooMuch(c.answerBytes()) {
		c.release()
		c.answerThrottled(r)
	} else {
		c.answer(r)
	}
	c.items = kept(c.items)
	return nil
}

// isolationOf reads the isolation level of a request: 1 is read_committed.
func isolationOf(level int8) partition.Isolation {
	if level == 1 {
		return partition.ReadCommitted
	}
	return partition.ReadUncommitted
}

// keptItemsMax is how many partitions a connection keeps room for between requests.
const keptItemsMax = 1024

// kept is a slice to reuse, or nil when one large request has made it too large to
// stay in memory with its connection.
func kept[T any](s []T) []T {
	if cap(s) > keptItemsMax {
		return nil
	}
	return s
}

// resolve finds the partitions that the items name and the client may read.
func (c *fetchCall) resolve(r *Request) {
	var topic *metadata.Topic
	allowed := true
	for i := range c.items {
		item := &c.items[i]
		if i == 0 || !c.sameTopic(i-1, i) || item.topic != c.items[i-1].topic {
			topic = c.topicOf(item.key)
			allowed = c.mayRead(r, item, topic)
		}
		switch {
		case !allowed:
			item.failed = errTopicDenied
		case topic == nil && item.topic != "":
			item.replaced = c.hasPartition(item.topic, item.key.index)
			if !item.replaced {
				item.failed = protocol.ErrUnknownTopicOrPartition
			}
		case topic == nil && c.header.Version >= 13:
			item.failed = protocol.ErrUnknownTopicID
		case topic == nil:
			item.failed = protocol.ErrUnknownTopicOrPartition
		case c.request.ReplicaID >= 0:
			item.failed = protocol.ErrNotLeaderOrFollower
		default:
			item.policy = c.api.policies.of(c.image, c.settings, topic)
			item.partition = c.api.Partitions.Get(topic.ID, item.key.index)
			if item.partition == nil {
				item.failed = protocol.ErrUnknownTopicOrPartition
			} else if c.header.Version >= fetchBatches && c.header.Version < 10 && item.policy.CompressionType == "zstd" {
				item.failed = protocol.ErrUnsupportedCompressionType
			}
			if failure := c.fault.of(topic.Name, item.key.index); failure != nil {
				item.failed = failure
			}
		}
	}
}

// mayRead asks about the name that a topic has or had: one whose id nobody knows is not
// denied but unknown. Followers read the whole cluster or nothing.
func (c *fetchCall) mayRead(r *Request, item *fetchItem, topic *metadata.Topic) bool {
	name := item.key.name
	switch {
	case c.api.Access == nil:
		return true
	case c.request.ReplicaID >= 0:
		return c.api.mayCluster(r, auth.ClusterAction)
	case topic != nil:
		name = topic.Name
	case c.header.Version >= 13:
		name = item.topic
	}
	return name == "" && c.header.Version >= 13 || c.api.may(r, auth.Read, auth.Topic, name)
}

func (c *fetchCall) topicOf(key partitionKey) *metadata.Topic {
	if c.header.Version >= 13 {
		return c.image.TopicByID(key.id)
	}
	return c.image.Topic(key.name)
}

func (c *fetchCall) hasPartition(topic string, index int32) bool {
	t := c.image.Topic(topic)
	return t != nil && t.Partition(index) != nil
}

// readUntilEnough reads, and waits while there is too little to answer with.
func (c *fetchCall) readUntilEnough(r *Request) error {
	least := min(int(c.request.MinBytes), c.bytesMax())
	wait := time.Duration(c.request.MaxWaitMillis) * time.Millisecond
	if idle := c.settings.ConnectionIdleMax; idle > 0 {
		// A peer that goes away meanwhile is noticed only when the wait ends: it must
		// not hold its connection longer than one that says nothing.
		wait = min(wait, idle)
	}
	c.read()
	if c.bytes >= least || c.ready || wait <= 0 || len(c.items) == 0 {
		return nil
	}
	if c.waiter == nil {
		c.waiter = c.api.Partitions.NewWaiter()
	}
	r.Call.ReleaseFrame()
	end := c.api.Clock.Monotonic() + wait
	for c.bytes < least && !c.ready && wait > 0 {
		if err := r.flush(); err != nil {
			return err
		}
		missing := least - c.bytes
		c.release()
		c.waitForBytes(r, missing, wait)
		c.read()
		wait = end - c.api.Clock.Monotonic()
		select {
		case <-r.Call.Conn.Done():
			return nil
		default:
		}
	}
	return nil
}

// waitForBytes returns when so many bytes were appended, when the time is up, or
// when the connection ends.
func (c *fetchCall) waitForBytes(r *Request, missing int, wait time.Duration) {
	c.charge.rest()
	defer c.charge.work()
	c.waiter.Arm(missing, wait)
	defer c.waiter.Cancel()
	for i := range c.items {
		if item := &c.items[i]; item.partition != nil && item.failed == nil {
			if c.waiter.Watch(item.partition, item.below, c.isolation) {
				return
			}
		}
	}
	select {
	case <-c.waiter.C:
	case <-r.Call.Conn.Done():
	}
}

// bytesMax is the largest answer that client and broker both allow.
func (c *fetchCall) bytesMax() int {
	most := min(int(c.request.MaxBytes), c.settings.FetchBytesMax)
	if c.charge != nil {
		most = c.charge.atMost(most)
	}
	if c.conversion != nil {
		most = min(most, c.settings.FetchConversionBytesMax)
	}
	return most
}

// read looks at every partition. At least one batch is found if there is any,
// whatever the limits (v3+), so that no consumer is stuck behind a large one.
func (c *fetchCall) read() {
	c.bytes, c.ready = 0, false
	left := c.bytesMax()
	if c.conversion != nil {
		c.conversion.begin(c.settings)
		c.beginTurn()
	}
	for i := range c.items {
		item := &c.items[c.turn(i)]
		item.result = protocol.FetchPartitionResult{Index: item.key.index, PreferredReadReplica: protocol.None}
		item.chunk, item.converted = logstore.Chunk{}, nil
		err := item.failed
		if err == nil {
			err = c.readItem(item, left)
		}
		if err != nil {
			item.fail(c.failureCode(err))
			c.api.FailedFetch.Inc()
			if item.failed != nil {
				item.result.Aborted = []protocol.AbortedTransaction{} // not null, as Kafka's KafkaApis
			}
			c.ready = true
			continue
		}
		c.bytes += item.bytes()
		left = max(left-item.bytes(), 0)
		c.ready = c.ready || item.result.Diverging != nil
	}
}

func (c *fetchCall) readItem(item *fetchItem, left int) error {
	if item.replaced {
		return protocol.ErrInconsistentTopicID
	}
	p := item.partition
	if err := p.Ready(); err != nil {
		return err
	}
	if err := p.CheckEpoch(item.want.leaderEpoch); err != nil {
		return err
	}
	marks := p.Offsets()
	item.result.HighWatermark, item.result.LastStableOffset, item.result.LogStartOffset = marks.High, marks.Stable, marks.Start
	item.below = marks.High
	if c.isolation == partition.ReadCommitted {
		item.below = marks.Stable
		item.result.Aborted = []protocol.AbortedTransaction{}
	}
	if diverges, err := item.checkDivergence(); diverges || err != nil {
		return err
	}
	in := logstore.ReadInput{
		From: item.want.offset, Below: item.below, MaxBytes: min(left, int(item.want.maxBytes)), AtLeastOne: c.bytes == 0,
	}
	switch {
	case c.conversion != nil:
		return c.readConverted(item, in)
	case c.isolation == partition.ReadCommitted:
		return item.readCommitted(in)
	}
	chunk, err := p.Read(in)
	item.chunk = chunk
	return err
}

// bytes is how long the records of the answer are.
func (i *fetchItem) bytes() int { return i.chunk.Bytes + len(i.converted) }

// committedTries bounds how often a range is read again that was replaced while its
// aborted transactions were looked up; the reader gets nothing then and asks again.
const committedTries = 3

// readCommitted reads a range with its aborted transactions. A range without its
// list would show aborted records as committed.
func (i *fetchItem) readCommitted(in logstore.ReadInput) error {
	for range committedTries {
		chunk, err := i.partition.Read(in)
		if err != nil || chunk.Bytes == 0 {
			chunk.Release()
			return err
		}
		aborted, err := i.partition.Log().AbortedIn(in.From, chunk.End)
		if err == nil && !chunk.Source.Replaced() {
			i.chunk = chunk
			for _, a := range aborted {
				i.result.Aborted = append(i.result.Aborted, protocol.AbortedTransaction{ProducerID: a.ProducerID, FirstOffset: a.First})
			}
			return nil
		}
		chunk.Release()
		if err != nil {
			return err
		}
	}
	return nil
}

// checkDivergence compares the epoch of the last record that the client has with
// the log's history (KIP-595).
func (i *fetchItem) checkDivergence() (bool, error) {
	if i.want.lastFetchedEpoch < 0 {
		return false, nil
	}
	epoch, end := i.partition.Log().EndOfEpoch(i.want.lastFetchedEpoch)
	if epoch < 0 || end < 0 {
		return false, logstore.ErrOffsetOutOfRange
	}
	if epoch == i.want.lastFetchedEpoch && end >= i.want.offset {
		return false, nil
	}
	// Not a part of the item, which sortItems may move.
	i.result.Diverging = &protocol.EpochEndOffset{Epoch: epoch, EndOffset: end}
	return true, nil
}

// fail makes the item an error: no marks, no records.
func (i *fetchItem) fail(code int16) {
	i.result = protocol.FetchPartitionResult{
		Index: i.key.index, ErrorCode: code, PreferredReadReplica: protocol.None,
		HighWatermark: protocol.None, LastStableOffset: protocol.None, LogStartOffset: protocol.None,
	}
}

func (c *fetchCall) failureCode(err error) int16 {
	code := codeOf(err)
	if code == protocol.ErrKafkaStorageError.Code && c.header.Version <= 5 {
		return protocol.ErrNotLeaderOrFollower.Code // older clients do not know the other
	}
	return code
}

// release gives every chunk back.
func (c *fetchCall) release() {
	for i := range c.items {
		c.items[i].chunk.Release()
		c.items[i].chunk = logstore.Chunk{}
	}
}
