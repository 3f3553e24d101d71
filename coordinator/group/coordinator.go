package group

import (
	"bytes"
	"log/slog"
	"slices"
	"time"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/internal/clock"
	"github.com/barnabas-mq/barnabas/protocol"
)

// Options are what a Coordinator needs.
type Options struct {
	Config  Config
	Journal coordinator.Journal
	Clock   clock.Clock
	// Shards is the number of partitions of __consumer_offsets.
	Shards int32
	// QueueMax bounds the calls that wait in one shard; 0 means the default.
	QueueMax int
	// CommitTimeout is offsets.commit.timeout.ms; 0 means the default.
	CommitTimeout time.Duration
	// NewMemberID gives the random part of member ids, in the text form of a UUID.
	NewMemberID func() string
	// ShareState keeps how far share groups have come; without one their members get no
	// partitions.
	ShareState ShareState
	Log        *slog.Logger
}

// Coordinator serves all groups of this broker. Its methods do not wait for the
// journal, but may do the work of an idle shard before they return; the
// reply is called once, from any goroutine, also before the method returns, and
// must not block. Errors in replies are those of this package and of package
// coordinator.
type Coordinator struct {
	runtime        *coordinator.Runtime[*Machine]
	resolver       resolver
	shares         ShareState
	recordBytesMax int
	log            *slog.Logger
}

// New makes a coordinator. It starts nothing before the first call.
func New(o Options) *Coordinator {
	c := &Coordinator{recordBytesMax: o.Config.RecordBytesMax, shares: o.ShareState, log: o.Log}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.shares == nil {
		c.shares = withoutShareState{}
	}
	c.resolver.answer = c.answerPatterns
	c.runtime = coordinator.New(coordinator.Options[*Machine]{
		Name:          "group",
		Shards:        o.Shards,
		Journal:       o.Journal,
		Clock:         o.Clock,
		QueueMax:      o.QueueMax,
		CommitTimeout: o.CommitTimeout,
		Log:           o.Log,
		NewMachine: func(int32) *Machine {
			m := NewMachine(o.Config, o.NewMemberID)
			m.ResolvePatterns(c.resolver.ask)
			m.InitializeShares(c.initializeShares)
			return m
		},
	})
	return c
}

// Close answers everyone who waits and ends all goroutines.
func (c *Coordinator) Close() {
	c.runtime.Close()
	c.resolver.close()
}

// answerPatterns hands an answer to the group that asked. When its shard is too
// busy, the group asks again.
func (c *Coordinator) answerPatterns(a PatternAnswer) {
	for pattern, names := range a.Topics {
		if bytes := namesBytes(names); bytes > c.recordBytesMax {
			c.log.Warn("A subscription stands for more topics than a record can hold. Its members keep those that they have; subscribe to fewer.",
				"group", a.GroupID, "pattern", pattern, "topics", len(names), "bytes", bytes)
		}
	}
	c.runtime.Do(c.ShardOf(a.GroupID),
		func(m *Machine, now coordinator.Moment) coordinator.Decision { return m.PatternsResolved(now, a) },
		func(error) {})
}

// Unload forgets a shard whose partition is not ours any more.
func (c *Coordinator) Unload(shard int32) { c.runtime.Unload(shard) }

// ShardOf is the partition of __consumer_offsets that holds a group.
func (c *Coordinator) ShardOf(groupID string) int32 {
	return coordinator.ShardOf(groupID, c.runtime.Shards())
}

// decideFunc is one of the machine's input methods.
type decideFunc[In, Out any] func(*Machine, coordinator.Moment, In, func(Out)) coordinator.Decision

// call runs an input on the shard of a group.
func call[In, Out any](c *Coordinator, groupID string, decide decideFunc[In, Out], in In, reply func(Out), refused func(error) Out) {
	c.runtime.Do(c.ShardOf(groupID),
		func(m *Machine, now coordinator.Moment) coordinator.Decision { return decide(m, now, in, reply) },
		func(err error) { reply(refused(err)) })
}

// callHere is call for what is done at once when the shard is idle, on the caller's
// goroutine: that changes nothing durable in the usual case, or its caller has
// nothing else to do.
func callHere[In, Out any](c *Coordinator, groupID string, decide decideFunc[In, Out], in In, reply func(Out), refused func(error) Out) {
	c.runtime.DoHere(c.ShardOf(groupID),
		func(m *Machine, now coordinator.Moment) coordinator.Decision { return decide(m, now, in, reply) },
		func(err error) { reply(refused(err)) })
}

// Join lets a member into a group. The reply comes when the next generation
// begins, which can take minutes.
func (c *Coordinator) Join(in JoinInput, reply func(JoinOutput)) {
	in.Protocols = ownProtocols(in.Protocols)
	call(c, in.GroupID, (*Machine).Join, in, reply, func(err error) JoinOutput { return refusedJoin(err, "") })
}

// ownProtocols copies what a request's frame holds.
func ownProtocols(protocols []Protocol) []Protocol {
	own := make([]Protocol, len(protocols))
	for i, p := range protocols {
		own[i] = Protocol{Name: p.Name, Metadata: bytes.Clone(p.Metadata)}
	}
	return own
}

// Sync hands in the assignment of a generation, or fetches a member's part of it.
func (c *Coordinator) Sync(in SyncInput, reply func(SyncOutput)) {
	in.Assignments = ownAssignments(in.Assignments)
	call(c, in.GroupID, (*Machine).Sync, in, reply, func(err error) SyncOutput { return SyncOutput{Err: err} })
}

func ownAssignments(assignments []Assignment) []Assignment {
	own := make([]Assignment, len(assignments))
	for i, a := range assignments {
		own[i] = Assignment{MemberID: a.MemberID, Bytes: bytes.Clone(a.Bytes)}
	}
	return own
}

// Heartbeat keeps a session alive.
func (c *Coordinator) Heartbeat(in HeartbeatInput, reply func(error)) {
	callHere(c, in.GroupID, (*Machine).Heartbeat, in, reply, func(err error) error { return err })
}

// ConsumerHeartbeat is all that members of the consumer protocol say (KIP-848).
func (c *Coordinator) ConsumerHeartbeat(in ConsumerHeartbeatInput, reply func(ConsumerHeartbeatOutput)) {
	callHere(c, in.GroupID, (*Machine).ConsumerHeartbeat, in, reply,
		func(err error) ConsumerHeartbeatOutput { return ConsumerHeartbeatOutput{Err: err} })
}

// DescribeConsumer shows consumer groups. The descriptions are in the order of the ids.
func (c *Coordinator) DescribeConsumer(ids []string, reply func([]ConsumerDescription)) {
	byShard(c, ids, (*Machine).DescribeConsumer, reply,
		func(id string, err error) ConsumerDescription { return ConsumerDescription{GroupID: id, Err: err} })
}

// Leave takes members out of a group.
func (c *Coordinator) Leave(in LeaveInput, reply func(LeaveOutput)) {
	call(c, in.GroupID, (*Machine).Leave, in, reply, func(err error) LeaveOutput { return LeaveOutput{Err: err} })
}

// Commit stores offsets.
func (c *Coordinator) Commit(in CommitInput, reply func(CommitOutput)) {
	commit := NewCommit(func(commit *Commit) { reply(commit.Output) })
	commit.CommitInput = in
	c.Run(commit)
}

// Run stores offsets for callers that make many commits.
func (c *Coordinator) Run(commit *Commit) {
	shard := c.ShardOf(commit.GroupID)
	if commit.Alone {
		c.runtime.DoHere(shard, commit.decide, commit.settle[0])
		return
	}
	c.runtime.Do(shard, commit.decide, commit.settle[0])
}

// Fetch reads offsets.
func (c *Coordinator) Fetch(in FetchInput, reply func(FetchOutput)) {
	callHere(c, in.GroupID, (*Machine).Fetch, in, reply, func(err error) FetchOutput { return FetchOutput{Err: err} })
}

// DeleteOffsets forgets offsets.
func (c *Coordinator) DeleteOffsets(in DeleteOffsetsInput, reply func(DeleteOffsetsOutput)) {
	call(c, in.GroupID, (*Machine).DeleteOffsets, in, reply, func(err error) DeleteOffsetsOutput { return DeleteOffsetsOutput{Err: err} })
}

// Describe shows groups. The descriptions are in the order of the ids.
func (c *Coordinator) Describe(ids []string, reply func([]Description)) {
	byShard(c, ids, (*Machine).Describe, reply,
		func(id string, err error) Description { return Description{GroupID: id, Err: err} })
}

// byShard runs an input over several groups on all of their shards, and replies
// when every shard has.
func byShard[Out any](c *Coordinator, ids []string,
	decide func(*Machine, coordinator.Moment, []string, func([]Out, error)) coordinator.Decision,
	reply func([]Out), refused func(string, error) Out,
) {
	places := map[int32][]int{}
	for i, id := range ids {
		shard := c.ShardOf(id)
		places[shard] = append(places[shard], i)
	}
	out := make([]Out, len(ids))
	pending := coordinator.NewCountdown(len(places), func() { reply(out) })
	for _, shard := range sortedKeys(places) {
		mine := places[shard]
		some := make([]string, len(mine))
		for i, place := range mine {
			some[i] = ids[place]
		}
		put := func(results []Out, err error) {
			for i, place := range mine {
				if err != nil {
					out[place] = refused(ids[place], err)
				} else {
					out[place] = results[i]
				}
			}
			pending.Done()
		}
		c.runtime.Do(shard,
			func(m *Machine, now coordinator.Moment) coordinator.Decision { return decide(m, now, some, put) },
			func(err error) { put(nil, err) })
	}
}

// List shows the groups of all shards. The error is that of the first shard that
// could not answer; shards of other brokers are left out.
func (c *Coordinator) List(in ListInput, reply func(ListOutput)) {
	shards := c.runtime.Shards()
	parts := make([]ListOutput, shards)
	pending := coordinator.NewCountdown(int(shards), func() { reply(joinListings(parts)) })
	for shard := range shards {
		put := func(groups []Listing, err error) {
			parts[shard] = ListOutput{Groups: groups, Err: err}
			pending.Done()
		}
		c.runtime.Do(shard,
			func(m *Machine, now coordinator.Moment) coordinator.Decision { return m.List(now, in, put) },
			func(err error) { put(nil, err) })
	}
}

// ListInUse lists the groups of the shards that are in use: none is loaded for it, and
// one that cannot answer is left out.
func (c *Coordinator) ListInUse(reply func([]Listing)) {
	var shards []int32
	for shard := range c.runtime.Shards() {
		if c.runtime.IsInUse(shard) {
			shards = append(shards, shard)
		}
	}
	parts := make([][]Listing, len(shards))
	pending := coordinator.NewCountdown(len(shards), func() { reply(slices.Concat(parts...)) })
	for i, shard := range shards {
		put := func(groups []Listing, _ error) {
			parts[i] = groups
			pending.Done()
		}
		c.runtime.Do(shard,
			func(m *Machine, now coordinator.Moment) coordinator.Decision { return m.List(now, ListInput{}, put) },
			func(err error) { put(nil, err) })
	}
}

func joinListings(parts []ListOutput) ListOutput {
	var all ListOutput
	for _, part := range parts {
		if part.Err == coordinator.ErrNotOwner {
			continue
		}
		if part.Err != nil {
			return ListOutput{Err: part.Err}
		}
		all.Groups = append(all.Groups, part.Groups...)
	}
	return all
}

// EndTransaction ends a producer's transaction in a shard: the offsets that it
// committed there count from now on, or never. It is written down whether or not
// there are any, as in Kafka (GroupCoordinatorService.completeTransaction), where
// readers of the log look for it. The error may be a coordinator.RefusedError.
func (c *Coordinator) EndTransaction(shard int32, p coordinator.Producer, commit bool, coordinatorEpoch int32, transactionVersion int16, reply func(error)) {
	if shard < 0 || shard >= c.runtime.Shards() {
		reply(coordinator.ErrNotOwner)
		return
	}
	marker := coordinator.Marker{Producer: p, Commit: commit, CoordinatorEpoch: coordinatorEpoch, TransactionVersion: transactionVersion}
	c.runtime.Do(shard,
		func(m *Machine, now coordinator.Moment) coordinator.Decision {
			return m.EndTransaction(now, marker, reply)
		}, reply)
}

// DeleteTopicOffsets forgets all offsets of topics that were deleted.
func (c *Coordinator) DeleteTopicOffsets(topics []string, reply func(error)) {
	c.runtime.Everywhere(func(m *Machine, now coordinator.Moment, put func(error)) coordinator.Decision {
		return m.DeleteTopicOffsets(now, topics, put)
	}, reply)
}

// DeleteSharedTopics forgets what share groups have noted of topics that were deleted.
func (c *Coordinator) DeleteSharedTopics(ids []protocol.UUID, reply func(error)) {
	c.runtime.Everywhere(func(m *Machine, now coordinator.Moment, put func(error)) coordinator.Decision {
		return m.DeleteSharedTopics(now, ids, put)
	}, reply)
}
