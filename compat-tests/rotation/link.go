package rotation

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/IBM/sarama"
	"github.com/segmentio/kafka-go"
	kafkascram "github.com/segmentio/kafka-go/sasl/scram"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/scram"
	xdg "github.com/xdg-go/scram"
)

// Credential is what a client comes in with: a password or a certificate.
type Credential struct {
	Address  string
	TLS      *tls.Config // with the certificate, if that is it
	Password string      // of User by SCRAM-SHA-512, unless it is empty
}

// User is who logs in.
const User = "alice"

// Link is a client of some library on its own topic, which has one partition.
type Link interface {
	// Round writes a value and reads the next record, which must be that.
	Round(ctx context.Context, value string) error
	// Close ends it. The error is of what it has seen in the meantime.
	Close() error
}

// Open opens a link whose next record has an offset.
type Open func(c Credential, topic string, offset int64) (Link, error)

// Libraries are those of the clients.
var Libraries = map[string]Open{"franz-go": OpenFranz, "sarama": OpenSarama, "kafka-go": OpenKafkaGo}

// idleTime is above the length of any test: no library ends a connection by itself.
const idleTime = 10 * time.Minute

var errAnother = errors.New("another record has come")

// franz tells of every connection that it loses.
type franz struct {
	client *kgo.Client
	mu     sync.Mutex
	ending bool
	wrong  error
}

// OpenFranz is Open.
func OpenFranz(c Credential, topic string, offset int64) (Link, error) {
	f := &franz{}
	options := []kgo.Opt{
		kgo.SeedBrokers(c.Address), kgo.DialTLSConfig(c.TLS), kgo.DefaultProduceTopic(topic), kgo.ProducerLinger(0),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().At(offset)}}),
		kgo.RequestRetries(0), kgo.RecordRetries(0), kgo.ConnIdleTimeout(idleTime), kgo.WithHooks(f),
	}
	if c.Password != "" {
		options = append(options, kgo.SASL(mechanism(c)))
	}
	var err error
	f.client, err = kgo.NewClient(options...)
	return f, err
}

func mechanism(c Credential) sasl.Mechanism {
	return scram.Auth{User: User, Pass: c.Password}.AsSha512Mechanism()
}

// OnBrokerDisconnect implements kgo.HookBrokerDisconnect.
func (f *franz) OnBrokerDisconnect(broker kgo.BrokerMetadata, _ net.Conn) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.ending {
		f.wrong = errors.Join(f.wrong, fmt.Errorf("the connection to %d is lost", broker.NodeID))
	}
}

func (f *franz) Round(ctx context.Context, value string) error {
	if err := f.client.ProduceSync(ctx, kgo.StringRecord(value)).FirstErr(); err != nil {
		return err
	}
	fetches := f.client.PollRecords(ctx, 1)
	if err := fetches.Err(); err != nil {
		return err
	}
	for _, r := range fetches.Records() {
		if string(r.Value) != value {
			return fmt.Errorf("%w: %q", errAnother, r.Value)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.wrong
}

func (f *franz) Close() error {
	f.mu.Lock()
	f.ending = true
	wrong := f.wrong
	f.mu.Unlock()
	f.client.Close()
	return wrong
}

type saramaLink struct {
	topic     string
	cluster   sarama.Client
	producer  sarama.SyncProducer
	consumer  sarama.Consumer
	partition sarama.PartitionConsumer
}

// OpenSarama is Open.
func OpenSarama(c Credential, topic string, offset int64) (_ Link, err error) {
	config := sarama.NewConfig()
	config.Version = sarama.V3_6_0_0
	config.Metadata.Retry.Max, config.Producer.Retry.Max = 0, 0
	config.Producer.RequiredAcks, config.Producer.Return.Successes = sarama.WaitForAll, true
	config.Consumer.Return.Errors, config.Consumer.MaxWaitTime = true, 50*time.Millisecond
	config.Net.TLS.Enable, config.Net.TLS.Config = true, c.TLS
	if c.Password != "" {
		config.Net.SASL.Enable, config.Net.SASL.Mechanism = true, sarama.SASLTypeSCRAMSHA512
		config.Net.SASL.User, config.Net.SASL.Password = User, c.Password
		config.Net.SASL.SCRAMClientGeneratorFunc = func() sarama.SCRAMClient { return &conversation{} }
	}
	l := &saramaLink{topic: topic}
	defer func() {
		if err != nil {
			_ = l.Close() // of what there is
		}
	}()
	if l.cluster, err = sarama.NewClient([]string{c.Address}, config); err != nil {
		return nil, err
	}
	if l.producer, err = sarama.NewSyncProducerFromClient(l.cluster); err != nil {
		return nil, err
	}
	if l.consumer, err = sarama.NewConsumerFromClient(l.cluster); err != nil {
		return nil, err
	}
	if l.partition, err = l.consumer.ConsumePartition(topic, 0, offset); err != nil {
		return nil, err
	}
	return l, nil
}

// conversation is SCRAM, whose arithmetic sarama leaves to the application.
type conversation struct{ *xdg.ClientConversation }

func (s *conversation) Begin(user, password, authorization string) error {
	client, err := xdg.SHA512.NewClient(user, password, authorization)
	if err == nil {
		s.ClientConversation = client.NewConversation()
	}
	return err
}

func (l *saramaLink) Round(ctx context.Context, value string) error {
	if _, _, err := l.producer.SendMessage(&sarama.ProducerMessage{Topic: l.topic, Value: sarama.StringEncoder(value)}); err != nil {
		return err
	}
	select {
	case m := <-l.partition.Messages():
		if string(m.Value) != value {
			return fmt.Errorf("%w: %q", errAnother, m.Value)
		}
		return nil
	case err := <-l.partition.Errors():
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *saramaLink) Close() (err error) {
	if l.partition != nil {
		err = l.partition.Close()
	}
	if l.consumer != nil {
		err = errors.Join(err, l.consumer.Close())
	}
	if l.producer != nil {
		err = errors.Join(err, l.producer.Close())
	}
	if l.cluster != nil {
		err = errors.Join(err, l.cluster.Close())
	}
	return err
}

type kafkaGo struct {
	transport *kafka.Transport
	writer    *kafka.Writer
	reader    *kafka.Reader
	mu        sync.Mutex
	wrong     error
}

// OpenKafkaGo is Open.
func OpenKafkaGo(c Credential, topic string, offset int64) (Link, error) {
	l := &kafkaGo{transport: &kafka.Transport{TLS: c.TLS, IdleTimeout: idleTime, MetadataTTL: idleTime}}
	dialer := &kafka.Dialer{TLS: c.TLS, Timeout: idleTime}
	if c.Password != "" {
		mechanism, err := kafkascram.Mechanism(kafkascram.SHA512, User, c.Password)
		if err != nil {
			return nil, err
		}
		l.transport.SASL, dialer.SASLMechanism = mechanism, mechanism
	}
	l.writer = &kafka.Writer{
		Addr: kafka.TCP(c.Address), Topic: topic, RequiredAcks: kafka.RequireAll, BatchTimeout: time.Millisecond, Transport: l.transport, MaxAttempts: 1,
	}
	l.reader = kafka.NewReader(kafka.ReaderConfig{
		Brokers: []string{c.Address}, Topic: topic, MaxWait: 100 * time.Millisecond, Dialer: dialer,
		ErrorLogger: kafka.LoggerFunc(func(format string, args ...any) { // it tries again, and tells nobody else
			l.mu.Lock()
			defer l.mu.Unlock()
			l.wrong = errors.Join(l.wrong, fmt.Errorf(format, args...))
		}),
	})
	return l, l.reader.SetOffset(offset)
}

func (l *kafkaGo) Round(ctx context.Context, value string) error {
	if err := l.writer.WriteMessages(ctx, kafka.Message{Value: []byte(value)}); err != nil {
		return err
	}
	m, err := l.reader.ReadMessage(ctx)
	if err != nil {
		return err
	}
	if string(m.Value) != value {
		return fmt.Errorf("%w: %q", errAnother, m.Value)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.wrong
}

func (l *kafkaGo) Close() error {
	l.mu.Lock()
	wrong := l.wrong
	l.mu.Unlock()
	err := errors.Join(wrong, l.writer.Close(), l.reader.Close())
	l.transport.CloseIdleConnections()
	return err
}
