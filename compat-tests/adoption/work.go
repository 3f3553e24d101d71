package adoption

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

// Names of topics and groups.
const (
	codecs     = "codecs"
	segments   = "several.segments"
	compacted  = "compacted"
	trimmed    = "trimmed"
	sequenced  = "sequenced"
	transacted = "transacted"
	classic    = "classic-readers"
	simple     = "simple-readers"
	modern     = "modern-readers"
	shared     = "sharers"
	streaming  = "streamers"
	committing = "committing-producer"
	unfinished = "unfinished-producer"
)

// work is what clients do to a broker, some of it across brokers.
type work struct {
	producer int64 // id of an idempotent producer that outlives the brokers
	sequence int32 // its next one
	last     *wire.Batch
	lastAt   int64 // the offset of its last batch
	round    int
}

// groups are all those that committed something.
var groups = []string{classic, simple, modern}

func newClient(t *testing.T, bootstrap string, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(bootstrap)}, options...)...)
	check(t, err)
	t.Cleanup(c.CloseAllowingRebalance)
	return c
}

// prepare creates the topics.
func (w *work) prepare(t *testing.T, ctx context.Context, bootstrap string) {
	t.Helper()
	admin := kadm.NewClient(newClient(t, bootstrap))
	create := func(topic string, partitions int32, configs ...string) {
		values := map[string]*string{}
		for i := 0; i < len(configs); i += 2 {
			values[configs[i]] = &configs[i+1]
		}
		resp, err := admin.CreateTopic(ctx, partitions, 1, values, topic)
		check(t, err)
		check(t, resp.Err)
	}
	create(codecs, 2)
	create(segments, 1, "segment.bytes", "1048576", "index.interval.bytes", "1024")
	create(compacted, 1, "cleanup.policy", "compact", "min.cleanable.dirty.ratio", "0.9")
	create(trimmed, 1)
	create(sequenced, 1, "message.timestamp.type", "LogAppendTime")
	create(transacted, 1)
	create("empty", 3, "retention.ms", "-1")
	create("gone", 2)
	_, err := admin.DeleteTopic(ctx, "gone")
	check(t, err)

	conn, err := wire.Dial(bootstrap)
	check(t, err)
	defer conn.Close() //nolint:errcheck // only read from
	initialize := kmsg.NewPtrInitProducerIDRequest()
	initialize.Version = 4
	for w.producer = -1; w.producer < 0; { // a fresh Kafka is not ready at once
		resp, err := conn.Call(initialize)
		check(t, err)
		check(t, ctx.Err())
		w.producer = resp.(*kmsg.InitProducerIDResponse).ProducerID
	}
}

// use is what every broker is put to: records with every codec, several segments,
// an idempotent producer that goes on where it was, commits, deletions.
func (w *work) use(t *testing.T, ctx context.Context, bootstrap string) {
	t.Helper()
	w.round++
	w.produce(t, ctx, bootstrap)
	w.goOn(t, bootstrap)
	w.commit(t, ctx, bootstrap)

	admin := kadm.NewClient(newClient(t, bootstrap))
	var before kadm.Offsets
	before.AddOffset(trimmed, 0, int64(5*w.round), -1)
	deleted, err := admin.DeleteRecords(ctx, before)
	check(t, err)
	check(t, deleted.Error())
	value := fmt.Sprint(1000 * w.round)
	altered, err := admin.AlterTopicConfigs(ctx, []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "retention.bytes", Value: &value}}, codecs)
	check(t, err)
	check(t, altered[0].Err)
	born, err := admin.CreateTopic(ctx, 2, 1, map[string]*string{"max.message.bytes": &value}, fmt.Sprintf("born-in-round-%d", w.round))
	check(t, err)
	check(t, born.Err)

	w.limit(t, ctx, admin)

	// Its folder, renamed, is still there at the next stop.
	gone := fmt.Sprintf("short.lived-%d", w.round)
	resp, err := admin.CreateTopic(ctx, 1, 1, nil, gone)
	check(t, err)
	check(t, resp.Err)
	c := newClient(t, bootstrap, kgo.DefaultProduceTopic(gone))
	check(t, c.ProduceSync(ctx, kgo.StringRecord("soon gone")).FirstErr())
	c.Close()
	_, err = admin.DeleteTopic(ctx, gone)
	check(t, err)
}

func (w *work) produce(t *testing.T, ctx context.Context, bootstrap string) {
	t.Helper()
	send := func(c *kgo.Client, topic string, partition int32, key, value []byte) {
		r := &kgo.Record{Topic: topic, Partition: partition, Key: key, Value: value, Headers: []kgo.RecordHeader{{Key: "round", Value: []byte{byte(w.round)}}}}
		check(t, c.ProduceSync(ctx, r).FirstErr())
	}
	manual := kgo.RecordPartitioner(kgo.ManualPartitioner())
	for i, codec := range []kgo.CompressionCodec{
		kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression(),
	} {
		c := newClient(t, bootstrap, manual, kgo.ProducerBatchCompression(codec))
		if i%2 == 1 {
			c = newClient(t, bootstrap, manual, kgo.ProducerBatchCompression(codec), kgo.DisableIdempotentWrite())
		}
		for n := range 3 {
			send(c, codecs, int32(i%2), fmt.Appendf(nil, "key-%d", n), bytes.Repeat([]byte{byte('a' + i)}, 500))
		}
		c.Close()
	}
	c := newClient(t, bootstrap, manual, kgo.ProducerBatchCompression(kgo.NoCompression()))
	defer c.Close()
	random := rand.NewChaCha8([32]byte{byte(w.round)})
	for range 30 { // more than two segments
		value := make([]byte, 90_000)
		_, _ = random.Read(value)
		send(c, segments, 0, nil, value)
	}
	for n := range 10 {
		send(c, compacted, 0, fmt.Appendf(nil, "key-%d", n%3), fmt.Appendf(nil, "%d.%d", w.round, n))
		send(c, trimmed, 0, nil, fmt.Appendf(nil, "%d", n))
	}
}

// goOn sends the last batch of the idempotent producer again, which is a
// duplicate for a broker that knows the producer, and then the next ones.
func (w *work) goOn(t *testing.T, bootstrap string) {
	t.Helper()
	conn, err := wire.Dial(bootstrap)
	check(t, err)
	defer conn.Close() //nolint:errcheck // only read from
	send := func(b *wire.Batch) kmsg.ProduceResponseTopicPartition {
		p := kmsg.NewProduceRequestTopicPartition()
		p.Records = b.Encode()
		one := kmsg.NewProduceRequestTopic()
		one.Topic, one.Partitions = sequenced, append(one.Partitions, p)
		req := kmsg.NewPtrProduceRequest()
		req.Version, req.Acks, req.TimeoutMillis, req.Topics = 9, -1, 10_000, append(req.Topics, one)
		resp, err := conn.Call(req)
		check(t, err)
		return resp.(*kmsg.ProduceResponse).Topics[0].Partitions[0]
	}
	if w.last != nil {
		if got := send(w.last); got.ErrorCode != 0 || got.BaseOffset != w.lastAt {
			t.Errorf("the last batch again: error %d, offset %d, want it to be the duplicate at %d", got.ErrorCode, got.BaseOffset, w.lastAt)
		}
	}
	for n := range 7 { // the window of known batches is five
		b := wire.NewBatch(time.Now().UnixMilli(), wire.Record{Value: fmt.Appendf(nil, "%d.%d", w.round, n)})
		b.ProducerID, b.ProducerEpoch, b.BaseSequence = w.producer, 0, w.sequence
		got := send(b)
		if got.ErrorCode != 0 {
			t.Fatalf("sequence %d: error %d", w.sequence, got.ErrorCode)
		}
		w.sequence++
		w.last, w.lastAt = b, got.BaseOffset
	}
	gap := *w.last
	gap.BaseSequence = w.sequence + 3
	const outOfOrder = 45
	if got := send(&gap); got.ErrorCode != outOfOrder {
		t.Errorf("a gap in the sequence: error %d, offset %d", got.ErrorCode, got.BaseOffset)
	}
}

// commit has a classic group read on and commit, and commits as a tool does.
func (w *work) commit(t *testing.T, ctx context.Context, bootstrap string) {
	t.Helper()
	reader := newClient(t, bootstrap, kgo.ConsumeTopics(codecs), kgo.ConsumerGroup(classic), kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	for read := 0; read < 15; {
		fetches := reader.PollFetches(ctx)
		check(t, ctx.Err())
		for _, r := range fetches.Records() {
			if got := int(r.Headers[0].Value[0]); got != w.round {
				t.Errorf("the group reads a record of round %d in round %d", got, w.round)
			}
			read++
		}
	}
	check(t, reader.CommitUncommittedOffsets(ctx))
	reader.Close()

	var offsets kadm.Offsets
	offsets.Add(kadm.Offset{Topic: trimmed, At: int64(10 * w.round), LeaderEpoch: -1, Metadata: fmt.Sprintf("round %d", w.round)})
	check(t, kadm.NewClient(newClient(t, bootstrap)).CommitAllOffsets(ctx, simple, offsets))
}

// limit gives users credentials and takes the last one's away, and sets quotas. Somebody
// always has one of each mechanism: Kafka may lose a new user that it reads together with
// the deletion of a mechanism's last (ScramDelta.apply).
func (w *work) limit(t *testing.T, ctx context.Context, admin *kadm.Client) {
	t.Helper()
	user := func(round int) string { return fmt.Sprintf("user-%d", round) }
	var gone []kadm.DeleteSCRAM
	if w.round > 1 {
		gone = append(gone, kadm.DeleteSCRAM{User: user(w.round - 1), Mechanism: kadm.ScramSha512})
	}
	users, err := admin.AlterUserSCRAMs(ctx, gone, []kadm.UpsertSCRAM{
		{User: "alice", Mechanism: kadm.ScramSha256, Iterations: int32(4096 + w.round), Password: "secret"},
		{User: "bob", Mechanism: kadm.ScramSha512, Iterations: 4096, Password: "secret"},
		{User: user(w.round), Mechanism: kadm.ScramSha512, Iterations: 4096, Password: "secret"},
	})
	check(t, err)
	check(t, users.Error())
	name := "metered"
	limits, err := admin.AlterClientQuotas(ctx, []kadm.AlterClientQuotaEntry{
		{Entity: kadm.ClientQuotaEntity{{Type: "client-id", Name: &name}}, Ops: []kadm.AlterClientQuotaOp{{Key: "producer_byte_rate", Value: float64(1000 * w.round)}}},
		{Entity: kadm.ClientQuotaEntity{{Type: "client-id"}, {Type: "user", Name: &name}}, Ops: []kadm.AlterClientQuotaOp{{Key: "consumer_byte_rate", Value: 1e9, Remove: w.round%2 == 0}}},
		{Entity: kadm.ClientQuotaEntity{{Type: "ip"}}, Ops: []kadm.AlterClientQuotaOp{{Key: "connection_creation_rate", Value: 1000}}},
	})
	check(t, err)
	for _, l := range limits {
		check(t, l.Err)
	}
}

// useKafka leaves what Barnabas keeps without serving it: transactions, groups of
// the newer protocols.
func (w *work) useKafka(t *testing.T, ctx context.Context, bootstrap string, groupsOfKafka4 bool) {
	t.Helper()
	w.transactions(t, ctx, bootstrap)
	admin := kadm.NewClient(newClient(t, bootstrap))
	rule := kadm.NewACLs().Topics("secret").Allow("User:alice").AllowHosts().Operations(kadm.OpRead)
	_, err := admin.CreateACLs(ctx, rule) // answers SECURITY_DISABLED without an authorizer
	check(t, err)
	if groupsOfKafka4 {
		newerGroups(t, ctx, bootstrap)
	}
	var offsets kadm.Offsets
	offsets.Add(kadm.Offset{Topic: codecs, At: 1, LeaderEpoch: -1})
	check(t, admin.CommitAllOffsets(ctx, modern, offsets))
}

// transactions commits one, aborts one and leaves one open.
func (w *work) transactions(t *testing.T, ctx context.Context, bootstrap string) {
	t.Helper()
	for _, c := range []struct {
		id  string
		end []kgo.TransactionEndTry
	}{{committing, []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort}}, {unfinished, nil}} {
		p := newClient(t, bootstrap, kgo.TransactionalID(c.id), kgo.TransactionTimeout(15*time.Minute), kgo.DefaultProduceTopic(transacted))
		for _, end := range append(c.end, true)[:max(1, len(c.end))] {
			check(t, p.BeginTransaction())
			check(t, p.ProduceSync(ctx, kgo.StringRecord("in a transaction")).FirstErr())
			if c.end != nil {
				check(t, p.EndTransaction(ctx, end))
			}
		}
		p.Close()
	}
}

// newerGroups has a member join a consumer, a share and a streams group. They do
// not leave, so that their records are of members and assignments too.
func newerGroups(t *testing.T, ctx context.Context, bootstrap string) {
	t.Helper()
	consumer := kmsg.NewPtrConsumerGroupHeartbeatRequest()
	consumer.Group, consumer.MemberID, consumer.RebalanceTimeoutMillis = modern, "bW9kZXJuLW1lbWJlci0x", 60_000
	consumer.SubscribedTopicNames, consumer.Topics = []string{codecs}, []kmsg.ConsumerGroupHeartbeatRequestTopic{}
	share := kmsg.NewPtrShareGroupHeartbeatRequest()
	// A topic that is there would have Kafka write of it whenever it gets round to it.
	share.GroupID, share.MemberID, share.SubscribedTopicNames = shared, "c2hhcmUtbWVtYmVyLTEx", []string{"not-there"}
	part := kmsg.NewStreamsGroupHeartbeatRequestTopologySubtopology()
	part.SubtopologyID, part.SourceTopics = "0", []string{codecs}
	topology := kmsg.NewStreamsGroupHeartbeatRequestTopology()
	topology.Epoch, topology.Subtopologies = 1, append(topology.Subtopologies, part)
	process := "process-1"
	streams := kmsg.NewPtrStreamsGroupHeartbeatRequest()
	streams.Group, streams.MemberID, streams.RebalanceTimeoutMillis, streams.ProcessID = streaming, "c3RyZWFtcy1tZW1iZXIt", 60_000, &process
	streams.Topology, streams.ActiveTasks = &topology, []kmsg.TaskIDs{}
	streams.StandbyTasks, streams.WarmupTasks, streams.ClientTags = []kmsg.TaskIDs{}, []kmsg.TaskIDs{}, []kmsg.StreamsGroupHeartbeatRequestClientTag{}

	consumer.Version, share.Version = 1, 1
	leave := *consumer
	leave.MemberEpoch = -1 // so that a tool may commit for the group

	conn, err := wire.Dial(bootstrap)
	check(t, err)
	defer conn.Close() //nolint:errcheck // only read from
	for _, req := range []kmsg.Request{consumer, &leave, share, streams} {
		joining(t, ctx, conn, req)
	}
}

// joinAsClassic has a classic member join the groups of the newer protocols: the
// empty consumer group becomes a classic one, with its offsets; others refuse.
func joinAsClassic(t *testing.T, bootstrap string) {
	t.Helper()
	join := func(group string) (code int16, member string) {
		subscription := kmsg.NewConsumerMemberMetadata()
		subscription.Topics = []string{codecs}
		p := kmsg.NewJoinGroupRequestProtocol()
		p.Name, p.Metadata = "range", subscription.AppendTo(nil)
		req := kmsg.NewPtrJoinGroupRequest()
		req.Version, req.Group, req.SessionTimeoutMillis, req.RebalanceTimeoutMillis = 3, group, 30_000, 30_000
		req.ProtocolType, req.Protocols = "consumer", append(req.Protocols, p)
		conn, err := wire.Dial(bootstrap)
		check(t, err)
		defer conn.Close() //nolint:errcheck // only read from
		resp, err := conn.Call(req)
		check(t, err)
		return resp.(*kmsg.JoinGroupResponse).ErrorCode, resp.(*kmsg.JoinGroupResponse).MemberID
	}
	const inconsistentProtocol = 23
	for _, group := range []string{shared, streaming} {
		if code, _ := join(group); code != inconsistentProtocol {
			t.Errorf("joining %s as a classic member: error %d, want %d", group, code, inconsistentProtocol)
		}
	}
	code, member := join(modern)
	if code != 0 {
		t.Errorf("joining the empty group %s: error %d", modern, code)
	}
	conn, err := wire.Dial(bootstrap)
	check(t, err)
	defer conn.Close() //nolint:errcheck // only read from
	leaver := kmsg.NewLeaveGroupRequestMember()
	leaver.MemberID = member
	leave := kmsg.NewPtrLeaveGroupRequest()
	leave.Version, leave.Group, leave.Members = 4, modern, append(leave.Members, leaver)
	_, err = conn.Call(leave)
	check(t, err)
}

// joining repeats a heartbeat while the coordinator loads.
func joining(t *testing.T, ctx context.Context, conn *wire.Conn, req kmsg.Request) {
	t.Helper()
	const loading, unavailable = 14, 15
	for {
		resp, err := conn.Call(req)
		check(t, err)
		check(t, ctx.Err())
		switch code := codeOf(resp); code {
		case 0:
			return
		case loading, unavailable:
		default:
			t.Fatalf("%T: %+v", req, resp)
		}
	}
}

// codeOf is the error code of a heartbeat's answer.
func codeOf(r kmsg.Response) int16 {
	switch r := r.(type) {
	case *kmsg.ConsumerGroupHeartbeatResponse:
		return r.ErrorCode
	case *kmsg.ShareGroupHeartbeatResponse:
		return r.ErrorCode
	case *kmsg.StreamsGroupHeartbeatResponse:
		return r.ErrorCode
	}
	return -1
}
