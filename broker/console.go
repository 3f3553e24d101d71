package broker

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/console"
	"github.com/barnabas-mq/barnabas/coordinator/group"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/partition"
	"github.com/barnabas-mq/barnabas/protocol"
	"github.com/barnabas-mq/barnabas/server/api"
)

// openConsole opens the HTTP port, if there is to be one.
func (b *Broker) openConsole() (err error) {
	o := b.settings.Load().HTTP
	if o.Listen == "" {
		return nil
	}
	b.timers = new(api.Timers)
	options := console.Options{
		Listen: o.Listen, Ready: b.notReady, Look: b.look, JMX: o.JMX, Exporter: o.Exporter, Pprof: o.Pprof, Log: b.opts.Log,
	}
	if o.Control {
		options.Control = control{b}
	}
	b.console, err = console.Open(options)
	return err
}

// HTTPAddress is the host:port of the HTTP port, empty without one.
func (b *Broker) HTTPAddress() string {
	if b.console == nil {
		return ""
	}
	return b.console.Address()
}

// errStarting answers what is asked too early: the HTTP port listens before there is anything.
var errStarting = errors.New("the broker is starting")

// notReady is why a client should wait.
func (b *Broker) notReady() error {
	switch {
	case !b.started.Load():
		return errStarting
	case b.failed.Load():
		return errors.New("the broker has failed")
	case !b.prepared.Load():
		return errors.New(b.opts.Preparing)
	}
	return nil
}

// look says what the metrics show.
func (b *Broker) look(ctx context.Context, groups bool) (*console.Look, error) {
	if !b.started.Load() {
		return nil, errStarting
	}
	b.rooms.RLock()
	defer b.rooms.RUnlock()
	if b.closed {
		return nil, ErrClosed
	}
	if b.failed.Load() { // a reset that failed leaves half of the rooms
		return nil, b.notReady()
	}
	total := b.partitions.Traffic()
	l := &console.Look{
		Version: b.opts.Version, ClusterID: b.identity.ClusterID, NodeID: b.identity.NodeID, Address: b.Bootstrap(),
		Started: b.began, Now: b.opts.Clock.Now(),
		Topics: b.lookAtTopics(), Total: console.Traffic(total), Connections: b.server.Connections(), Own: b.metrics.Values(),
		FailedProduce: b.failedProduce.Value(), FailedFetch: b.failedFetch.Value(),
	}
	for key := range b.timers {
		if lengths := b.timers[key].Read(); lengths.Count > 0 {
			for _, name := range requestNames(int16(key)) {
				l.Requests = append(l.Requests, console.Request{API: name, Lengths: lengths})
			}
		}
	}
	if groups {
		ctx, cancel := context.WithTimeout(ctx, lookTimeout)
		defer cancel()
		var err error
		if l.Groups, err = b.lookAtGroups(ctx); errors.Is(err, context.DeadlineExceeded) { // the rest is worth telling all the same
			b.opts.Log.Warn("the metrics are without groups: a coordinator does not answer", "error", err)
		}
	}
	return l, nil
}

// lookTimeout is how long the coordinators have to tell of their groups. Nobody can
// reset or close the broker meanwhile.
const lookTimeout = 5 * time.Second

// requestNames are those of an API in Kafka's metrics, which count a fetch once more apart
// from those of followers (RequestChannel.updateRequestMetrics); here there are none.
func requestNames(key int16) []string {
	name := protocol.APIName(key)
	if key == int16(kmsg.Fetch) {
		return []string{name, name + "Consumer"}
	}
	return []string{name}
}

func (b *Broker) lookAtTopics() []console.Topic {
	image := b.metadata.Image()
	topics := make([]console.Topic, 0, image.TopicCount())
	for t := range image.Topics() {
		topic := console.Topic{Name: t.Name, Partitions: make([]console.Partition, len(t.Partitions))}
		for i := range t.Partitions {
			topic.Partitions[i] = lookAtPartition(&t.Partitions[i], b.partitions.Used(t.ID, t.Partitions[i].Index))
		}
		topics = append(topics, topic)
	}
	return topics
}

func lookAtPartition(known *metadata.Partition, p *partition.Partition) console.Partition {
	out := console.Partition{
		Index: known.Index, Leader: known.Leader, Preferred: known.Leader, Replicas: len(known.Replicas), InSync: len(known.ISR),
		Used: true, // empty, as long as nobody has used it
	}
	if len(known.Replicas) > 0 {
		out.Preferred = known.Replicas[0]
	}
	if p == nil {
		return out
	}
	log := p.Known() // nobody's log is opened to be counted
	out.Offline, out.Used = log.Failure != nil, log.Used
	out.Start, out.High, out.End = int64(log.Start), int64(log.High), int64(log.End)
	out.Bytes, out.Traffic = log.Bytes, console.Traffic(p.Traffic())
	return out
}

// lookAtGroups asks the coordinators that are in use for their groups with what these
// have committed.
func (b *Broker) lookAtGroups(ctx context.Context) ([]console.Group, error) {
	if b.metadata.Image().Topic(api.OffsetsTopic) == nil {
		return nil, nil // nobody has looked for a coordinator yet
	}
	listed, err := answerOf(ctx, b.groups.ListInUse)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(listed, func(a, b group.Listing) int { return cmp.Compare(a.GroupID, b.GroupID) })
	var groups []console.Group
	for _, listing := range listed {
		if listing.Type != group.Classic && listing.Type != group.Consumer {
			continue // share groups have no committed offsets
		}
		g := console.Group{ID: listing.GroupID}
		if g.Members, err = b.membersOf(ctx, listing); err != nil {
			return nil, err
		}
		fetched, err := answerOf(ctx, func(reply func(group.FetchOutput)) {
			b.groups.Fetch(group.FetchInput{GroupID: g.ID, MemberEpoch: -1, All: true}, reply)
		})
		if err != nil {
			return nil, err
		}
		g.Offsets = b.committed(fetched) // none if the group went away meanwhile
		groups = append(groups, g)
	}
	return groups, nil
}

func (b *Broker) membersOf(ctx context.Context, listing group.Listing) (int, error) {
	ids := []string{listing.GroupID}
	if listing.Type == group.Consumer {
		described, err := answerOf(ctx, func(reply func([]group.ConsumerDescription)) { b.groups.DescribeConsumer(ids, reply) })
		if err != nil || len(described) == 0 {
			return 0, err
		}
		return len(described[0].Members), nil
	}
	described, err := answerOf(ctx, func(reply func([]group.Description)) { b.groups.Describe(ids, reply) })
	if err != nil || len(described) == 0 {
		return 0, err
	}
	return len(described[0].Members), nil
}

func (b *Broker) committed(fetched group.FetchOutput) (all []console.Committed) {
	image := b.metadata.Image()
	for _, t := range fetched.Topics {
		topic := image.Topic(t.Topic)
		for _, p := range t.Partitions {
			if p.Err != nil || p.Offset < 0 {
				continue
			}
			c := console.Committed{Topic: t.Topic, Partition: p.Partition, Offset: int64(p.Offset), High: -1}
			if topic != nil {
				if known := b.partitions.Used(topic.ID, p.Partition); known != nil {
					c.High = int64(known.Known().High)
				} else if topic.Partition(p.Partition) != nil {
					c.High = 0
				}
			}
			all = append(all, c)
		}
	}
	slices.SortFunc(all, func(a, b console.Committed) int {
		return cmp.Or(strings.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	return all
}

// answerOf waits for a reply that may come from any goroutine.
func answerOf[T any](ctx context.Context, ask func(reply func(T))) (answer T, err error) {
	replied := make(chan T, 1)
	ask(func(t T) { replied <- t })
	select {
	case answer = <-replied:
		return answer, nil
	case <-ctx.Done():
		return answer, ctx.Err()
	}
}

// control is what the HTTP port may do to the broker in tests.
type control struct{ *Broker }

// SetFault implements console.Control.
func (c control) SetFault(rule Rule) (console.Fault, error) {
	f, err := c.Fault(rule)
	if err != nil {
		return console.Fault{}, err
	}
	return console.Fault{ID: f.fault.ID(), Rule: rule}, nil
}

// Faults implements console.Control.
func (c control) Faults() []console.Fault {
	all := []console.Fault{} // not null in JSON
	for _, f := range c.faults.All() {
		all = append(all, console.Fault{ID: f.ID(), Rule: console.RuleOf(f.Rule()), Matched: f.Matched(), Fired: f.Count()})
	}
	return all
}

// RemoveFault implements console.Control.
func (c control) RemoveFault(id int) bool {
	f := c.faults.Find(id)
	if f == nil {
		return false
	}
	f.Remove()
	return true
}

// WaitFault implements console.Control.
func (c control) WaitFault(ctx context.Context, id, times int) error {
	f := c.faults.Find(id)
	if f == nil {
		return console.ErrNoFault
	}
	return f.Wait(ctx, times)
}
