// The sarama client of the matrix.
package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"github.com/barnabas-mq/barnabas/compat-tests/clients/program"
)

func main() { program.Main(&client{}) }

type client struct {
	// sender, its topic, the records without an outcome and the readers of outcomes are the stream step's.
	sender         sarama.AsyncProducer
	topic          string
	open, outcomes sync.WaitGroup
	// admin is the admin step's.
	admin sarama.ClusterAdmin
	// producers are the transact step's.
	producers map[string]sarama.SyncProducer
}

var codecs = map[string]sarama.CompressionCodec{
	"none":   sarama.CompressionNone,
	"gzip":   sarama.CompressionGZIP,
	"snappy": sarama.CompressionSnappy,
	"lz4":    sarama.CompressionLZ4,
	"zstd":   sarama.CompressionZSTD,
}

func (*client) Module() string   { return "github.com/IBM/sarama" }
func (*client) Codecs() []string { return slices.Sorted(maps.Keys(codecs)) }

func (*client) Create(_ context.Context, o program.Options) error {
	admin, err := sarama.NewClusterAdmin([]string{o.Bootstrap}, newConfig())
	if err != nil {
		return err
	}
	topic := &sarama.TopicDetail{NumPartitions: int32(o.Partitions), ReplicationFactor: 1}
	return errors.Join(admin.CreateTopic(o.Topic, topic, false), admin.Close())
}

func (*client) Produce(_ context.Context, o program.Options, records []program.Record) error {
	config := newConfig()
	config.Producer.Compression = codecs[o.Codec]
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Idempotent = config.Version.IsAtLeast(sarama.V0_11_0_0)
	config.Net.MaxOpenRequests = 1 // sarama demands it of idempotent producers
	config.Producer.Return.Successes = true
	if o.MaxBytes > 0 {
		config.Producer.MaxMessageBytes = o.MaxBytes
	}
	producer, err := sarama.NewSyncProducer([]string{o.Bootstrap}, config)
	if err != nil {
		return err
	}
	messages := make([]*sarama.ProducerMessage, 0, len(records))
	for _, r := range records {
		messages = append(messages, unsent(o.Topic, r))
	}
	return errors.Join(producer.SendMessages(messages), producer.Close())
}

func unsent(topic string, r program.Record) *sarama.ProducerMessage {
	message := &sarama.ProducerMessage{Topic: topic}
	if r.Timestamp != nil {
		message.Timestamp = time.UnixMilli(*r.Timestamp)
	}
	if r.Key != nil {
		message.Key = sarama.ByteEncoder(r.Key)
	}
	if r.Value != nil {
		message.Value = sarama.ByteEncoder(r.Value)
	}
	for _, h := range r.Headers {
		message.Headers = append(message.Headers, sarama.RecordHeader{Key: []byte(h.Name), Value: h.Value})
	}
	return message
}

func (*client) Read(_ context.Context, o program.Options, out *program.Output) error {
	cluster, err := sarama.NewClient([]string{o.Bootstrap}, newConfig())
	if err != nil {
		return err
	}
	consumer, err := sarama.NewConsumerFromClient(cluster)
	if err != nil {
		return err
	}
	// All are opened before the first is read, and closed together: to close one waits for a fetch.
	partitions := make([]sarama.PartitionConsumer, len(o.Topics))
	for i, topic := range o.Topics {
		from := sarama.OffsetOldest
		if o.Since > 0 {
			if from, err = cluster.GetOffset(topic, 0, o.Since); err != nil {
				return err
			}
		}
		if partitions[i], err = consumer.ConsumePartition(topic, 0, from); err != nil {
			return err
		}
	}
	for _, partition := range partitions {
		for range o.Count / len(o.Topics) {
			out.Record(record(<-partition.Messages()))
		}
		partition.AsyncClose()
	}
	return errors.Join(consumer.Close(), cluster.Close())
}

func (*client) Consume(ctx context.Context, o program.Options, out *program.Output) error {
	config := groupConfig()
	config.Consumer.Offsets.AutoCommit.Enable = false
	group, err := sarama.NewConsumerGroup([]string{o.Bootstrap}, o.Group, config)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	counted := &counter{out: out, wanted: o.Count, next: map[int32]int64{}, enough: cancel}
	if err := consume(ctx, group, o.Topic, counted); err != nil {
		return err
	}
	if err := group.Close(); err != nil {
		return err
	}
	out.Committed(counted.next)
	return nil
}

// counter emits records of all claims until the wanted number is reached, and commits behind exactly those.
type counter struct {
	out    *program.Output
	enough func()

	mu     sync.Mutex
	wanted int
	next   map[int32]int64
}

func (*counter) Setup(sarama.ConsumerGroupSession) error { return nil }

func (c *counter) Cleanup(session sarama.ConsumerGroupSession) error {
	session.Commit()
	return nil
}

func (c *counter) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case message, ok := <-claim.Messages():
			if !ok || !c.take(session, message) {
				return nil
			}
		case <-session.Context().Done():
			return nil
		}
	}
}

func (c *counter) take(session sarama.ConsumerGroupSession, message *sarama.ConsumerMessage) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.wanted == 0 {
		return false
	}
	c.out.Record(record(message))
	session.MarkMessage(message, "")
	c.next[message.Partition] = message.Offset + 1
	if c.wanted--; c.wanted == 0 {
		c.enough()
	}
	return c.wanted > 0
}

func (*client) Member(ctx context.Context, o program.Options, out *program.Output) error {
	config := groupConfig()
	config.Consumer.Group.Session.Timeout = o.Session
	config.Consumer.Group.Heartbeat.Interval = o.Session / 10
	config.Metadata.Retry.Max = 100 // a restart of the broker may take that long
	if o.Instance != "" {
		config.Consumer.Group.InstanceId = o.Instance
		config.Version = sarama.V2_3_0_0 // the first that has static members; sarama's default is older
	}
	group, err := sarama.NewConsumerGroup([]string{o.Bootstrap}, o.Group, config)
	if err != nil {
		return err
	}
	go func() {
		for err := range group.Errors() {
			out.Error(err)
		}
	}()
	if err := consume(ctx, group, o.Topic, &member{topic: o.Topic, out: out}); err != nil {
		return err
	}
	return group.Close()
}

// consume runs session after session until ctx is done. Sarama gives the context's own error back
// if that happens while it joins: this is an orderly end too.
func consume(ctx context.Context, group sarama.ConsumerGroup, topic string, handler sarama.ConsumerGroupHandler) error {
	for ctx.Err() == nil {
		if err := group.Consume(ctx, []string{topic}, handler); err != nil && !errors.Is(err, ctx.Err()) {
			return err
		}
	}
	return nil
}

// member emits every assignment and every record.
type member struct {
	topic string
	out   *program.Output
}

func (m *member) Setup(session sarama.ConsumerGroupSession) error {
	m.out.Assigned(slices.Sorted(slices.Values(session.Claims()[m.topic])))
	return nil
}

func (m *member) Cleanup(sarama.ConsumerGroupSession) error {
	m.out.Assigned(nil)
	return nil
}

func (m *member) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for message := range claim.Messages() {
		m.out.Record(record(message))
		session.MarkMessage(message, "")
	}
	return nil
}

// Worker commits behind what it has read. It emits no Committed: sarama does not say whether a commit was done.
func (*client) Worker(ctx context.Context, o program.Options, out *program.Output) error {
	config := groupConfig()
	config.Consumer.Group.Session.Timeout = o.Session
	config.Consumer.Group.Heartbeat.Interval = o.Session / 10
	config.Consumer.Offsets.AutoCommit.Enable = false
	config.Metadata.Retry.Max = 100
	group, err := sarama.NewConsumerGroup([]string{o.Bootstrap}, o.Group, config)
	if err != nil {
		return err
	}
	go func() {
		for err := range group.Errors() {
			out.Note(err)
		}
	}()
	for ctx.Err() == nil {
		// A broker that is away ends a session; the next attempt finds it again.
		if err := group.Consume(ctx, []string{o.Topic}, &worker{member{topic: o.Topic, out: out}}); err != nil {
			out.Note(err)
		}
	}
	// Sarama says its goodbye once: a broker that was killed since the last request answers with EOF,
	// and the session ends by its time-out.
	if err := group.Close(); err != nil {
		out.Note(err)
	}
	return nil
}

// worker is a member that commits by itself.
type worker struct{ member }

func (w *worker) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for message := range claim.Messages() {
		w.out.Record(record(message))
		session.MarkMessage(message, "")
		if len(claim.Messages()) == 0 {
			session.Commit()
		}
	}
	return nil
}

// newConfig takes the setting version=X, which makes sarama believe that the broker is that old, instead of asking it.
func newConfig() *sarama.Config {
	config := sarama.NewConfig()
	for _, setting := range program.Settings() {
		text, isVersion := strings.CutPrefix(setting, "version=")
		version, err := sarama.ParseKafkaVersion(text)
		if !isVersion || err != nil {
			panic(fmt.Sprintf("setting %q: %v", setting, err))
		}
		config.Version, config.ApiVersionsRequest = version, false
	}
	return config
}

func groupConfig() *sarama.Config {
	config := newConfig()
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Return.Errors = true
	return config
}

func record(m *sarama.ConsumerMessage) program.Record {
	record := program.Record{Topic: m.Topic, Partition: m.Partition, Offset: m.Offset, Key: m.Key, Value: m.Value}
	if !m.Timestamp.IsZero() {
		at := m.Timestamp.UnixMilli()
		record.Timestamp = &at
	}
	for _, h := range m.Headers {
		record.Headers = append(record.Headers, program.Header{Name: string(h.Key), Value: h.Value})
	}
	return record
}
