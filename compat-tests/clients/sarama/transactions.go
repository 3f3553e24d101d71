package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"github.com/barnabas-mq/barnabas/compat-tests/clients/program"
)

// transactionsVersion is one that has all that these commands need; sarama's default is older.
var transactionsVersion = sarama.V2_5_0_0

func (c *client) Fenced(err error) bool {
	return errors.Is(err, sarama.ErrProducerFenced) || errors.Is(err, sarama.ErrInvalidProducerEpoch) || errors.Is(err, sarama.ErrFencedInstancedId)
}

// Transact has no drain: sarama's readers do not say that they are at an end where no record is.
func (c *client) Transact(ctx context.Context, o program.Options, t program.Transaction, _ *program.Output) (map[int32]int64, error) {
	producer := c.producers[t.As]
	switch t.Do {
	case "init":
		return nil, c.begin(o, t)
	case "begin":
		return nil, producer.BeginTxn()
	case "commit":
		return nil, producer.CommitTxn()
	case "abort":
		return nil, producer.AbortTxn()
	case "send":
		var messages []*sarama.ProducerMessage
		for _, value := range t.Values {
			messages = append(messages, &sarama.ProducerMessage{Topic: t.Topic, Partition: t.Partition, Value: sarama.StringEncoder(value)})
		}
		return nil, sent(producer.SendMessages(messages))
	case "offsets":
		var offsets []*sarama.PartitionOffsetMetadata
		for partition, next := range t.Offsets {
			offsets = append(offsets, &sarama.PartitionOffsetMetadata{Partition: partition, Offset: next})
		}
		return nil, producer.AddOffsetsToTxn(map[string][]*sarama.PartitionOffsetMetadata{t.Topic: offsets}, t.Group)
	case "transform":
		return nil, transform(ctx, o, t, producer)
	}
	return nil, fmt.Errorf("unknown command %q", t.Do)
}

// sent is why the first message that failed did.
func sent(err error) error {
	var failed sarama.ProducerErrors
	if errors.As(err, &failed) {
		return failed[0].Err
	}
	return err
}

func (c *client) begin(o program.Options, t program.Transaction) error {
	config := newConfig()
	config.Version = transactionsVersion
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Idempotent = true
	config.Producer.Transaction.ID = t.ID
	config.Producer.Transaction.Timeout = time.Duration(t.TimeoutMS) * time.Millisecond
	config.Producer.Partitioner = sarama.NewManualPartitioner
	config.Producer.Return.Successes = true
	config.Net.MaxOpenRequests = 1
	producer, err := sarama.NewSyncProducer([]string{o.Bootstrap}, config)
	if err != nil {
		return err
	}
	if c.producers == nil {
		c.producers = map[string]sarama.SyncProducer{}
	}
	c.producers[t.As] = producer
	return nil
}

// transform moves records from one topic to another in transactions, with the offsets of a group.
func transform(ctx context.Context, o program.Options, t program.Transaction, producer sarama.SyncProducer) error {
	config := groupConfig()
	config.Version = transactionsVersion
	config.Consumer.IsolationLevel = sarama.ReadCommitted
	config.Consumer.Offsets.AutoCommit.Enable = false
	group, err := sarama.NewConsumerGroup([]string{o.Bootstrap}, t.Group, config)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	mover := &mover{t: t, producer: producer, left: t.Count, done: cancel}
	if err := consume(ctx, group, t.Topic, mover); err != nil {
		return err
	}
	return errors.Join(mover.failure, group.Close())
}

// mover is a member of a group that moves each record in a transaction of its own.
type mover struct {
	t        program.Transaction
	producer sarama.SyncProducer
	done     func()

	mu           sync.Mutex // over all claims: a producer has one transaction at a time
	left         int
	transactions int
	failure      error
}

func (*mover) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (*mover) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (m *mover) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case message, ok := <-claim.Messages():
			if !ok || !m.move(message) {
				return nil
			}
		case <-session.Context().Done():
			return nil
		}
	}
}

// move tells whether there is more to do.
func (m *mover) move(message *sarama.ConsumerMessage) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for m.left > 0 && m.failure == nil {
		m.transactions++
		abort := m.transactions%m.t.AbortEvery == 0
		if m.failure = m.once(message, abort); m.failure == nil && !abort {
			m.left--
			break
		}
	}
	if m.left == 0 || m.failure != nil {
		m.done()
		return false
	}
	return true
}

func (m *mover) once(message *sarama.ConsumerMessage, abort bool) error {
	if err := m.producer.BeginTxn(); err != nil {
		return err
	}
	moved := &sarama.ProducerMessage{Topic: m.t.To, Partition: message.Partition, Value: sarama.ByteEncoder(message.Value)}
	if _, _, err := m.producer.SendMessage(moved); err != nil {
		return err
	}
	if err := m.producer.AddMessageToTxn(message, m.t.Group, nil); err != nil {
		return err
	}
	if abort {
		return m.producer.AbortTxn()
	}
	return m.producer.CommitTxn()
}
