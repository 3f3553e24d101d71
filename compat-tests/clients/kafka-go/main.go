// The segmentio/kafka-go client of the matrix.
package main

import (
	"context"
	"errors"
	"maps"
	"net"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/barnabas-mq/barnabas/compat-tests/clients/program"
)

func main() { program.Main(&client{}) }

type client struct {
	// sender is the stream step's.
	sender *kafka.Writer
}

var codecs = map[string]kafka.Compression{
	"none":   0,
	"gzip":   kafka.Gzip,
	"snappy": kafka.Snappy,
	"lz4":    kafka.Lz4,
	"zstd":   kafka.Zstd,
}

func (*client) Module() string   { return "github.com/segmentio/kafka-go" }
func (*client) Codecs() []string { return slices.Sorted(maps.Keys(codecs)) }

func (*client) Create(ctx context.Context, o program.Options) error {
	admin := &kafka.Client{Addr: kafka.TCP(o.Bootstrap)}
	response, err := admin.CreateTopics(ctx, &kafka.CreateTopicsRequest{
		Topics: []kafka.TopicConfig{{Topic: o.Topic, NumPartitions: o.Partitions, ReplicationFactor: 1}},
	})
	if err != nil {
		return err
	}
	return response.Errors[o.Topic]
}

func (*client) Produce(ctx context.Context, o program.Options, records []program.Record) error {
	writer := &kafka.Writer{
		Addr:         kafka.TCP(o.Bootstrap),
		Topic:        o.Topic,
		Balancer:     &kafka.Hash{},
		Compression:  codecs[o.Codec],
		RequiredAcks: kafka.RequireAll,
		BatchTimeout: 10 * time.Millisecond,
	}
	if o.MaxBytes > 0 {
		writer.BatchBytes = int64(o.MaxBytes)
	}
	messages := make([]kafka.Message, 0, len(records))
	for _, r := range records {
		messages = append(messages, unsent(r))
	}
	return errors.Join(writer.WriteMessages(ctx, messages...), writer.Close())
}

func unsent(r program.Record) kafka.Message {
	message := kafka.Message{Key: r.Key, Value: r.Value}
	if r.Timestamp != nil {
		message.Time = time.UnixMilli(*r.Timestamp)
	}
	for _, h := range r.Headers {
		message.Headers = append(message.Headers, kafka.Header{Key: h.Name, Value: h.Value})
	}
	return message
}

// Read reads topic after topic: a Reader without a group has one partition.
func (*client) Read(ctx context.Context, o program.Options, out *program.Output) error {
	for _, topic := range o.Topics {
		reader := kafka.NewReader(kafka.ReaderConfig{Brokers: []string{o.Bootstrap}, Topic: topic, MaxWait: 100 * time.Millisecond})
		if o.Since > 0 {
			if err := reader.SetOffsetAt(ctx, time.UnixMilli(o.Since)); err != nil {
				return errors.Join(err, reader.Close())
			}
		}
		for range o.Count / len(o.Topics) {
			message, err := reader.ReadMessage(ctx)
			if err != nil {
				return errors.Join(err, reader.Close())
			}
			out.Record(record(message))
		}
		if err := reader.Close(); err != nil {
			return err
		}
	}
	return nil
}

func (*client) Consume(ctx context.Context, o program.Options, out *program.Output) error {
	reader := kafka.NewReader(kafka.ReaderConfig{
		Brokers:     []string{o.Bootstrap},
		Topic:       o.Topic,
		GroupID:     o.Group,
		StartOffset: kafka.FirstOffset,
		MaxWait:     100 * time.Millisecond,
	})
	var seen []kafka.Message
	next := make(map[int32]int64)
	for range o.Count {
		message, err := reader.FetchMessage(ctx)
		if err != nil {
			return err
		}
		out.Record(record(message))
		seen = append(seen, message)
		next[int32(message.Partition)] = message.Offset + 1
	}
	if err := reader.CommitMessages(ctx, seen...); err != nil {
		return err
	}
	out.Committed(next)
	return reader.Close()
}

// Member uses the library's lower group API, because its Reader does not tell the assignment.
func (*client) Member(ctx context.Context, o program.Options, out *program.Output) error {
	group, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID:                o.Group,
		Brokers:           []string{o.Bootstrap},
		Topics:            []string{o.Topic},
		StartOffset:       kafka.FirstOffset,
		SessionTimeout:    o.Session,
		HeartbeatInterval: o.Session / 10,
	})
	if err != nil {
		return err
	}
	for {
		generation, err := group.Next(ctx)
		if ctx.Err() != nil {
			return group.Close()
		}
		if err != nil {
			// Next returns when the leader of a rebalance has gone or the coordinator asks for another join; the library's
			// own Reader logs that and calls Next again, and so do we.
			continue
		}
		var partitions []int32
		for _, assigned := range generation.Assignments[o.Topic] {
			partitions = append(partitions, int32(assigned.ID))
		}
		slices.Sort(partitions)
		out.Assigned(partitions)
		for _, assigned := range generation.Assignments[o.Topic] {
			generation.Start(func(ctx context.Context) { readPartition(ctx, o, generation, assigned, out) })
		}
	}
}

func readPartition(ctx context.Context, o program.Options, generation *kafka.Generation, from kafka.PartitionAssignment, out *program.Output) {
	reader := kafka.NewReader(kafka.ReaderConfig{
		Brokers:   []string{o.Bootstrap},
		Topic:     o.Topic,
		Partition: from.ID,
		MaxWait:   100 * time.Millisecond,
	})
	defer func() { _ = reader.Close() }()
	if err := reader.SetOffset(from.Offset); err != nil {
		out.Error(err)
		return
	}
	for {
		message, err := reader.ReadMessage(ctx)
		if ctx.Err() != nil || errors.Is(err, kafka.ErrGenerationEnded) || errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			out.Error(err)
			return
		}
		out.Record(record(message))
		commit := map[string]map[int]int64{o.Topic: {from.ID: message.Offset + 1}}
		if err := generation.CommitOffsets(commit); err != nil && ctx.Err() == nil {
			out.Error(err)
		}
	}
}

func record(m kafka.Message) program.Record {
	record := program.Record{Topic: m.Topic, Partition: int32(m.Partition), Offset: m.Offset, Key: m.Key, Value: m.Value}
	if !m.Time.IsZero() {
		at := m.Time.UnixMilli()
		record.Timestamp = &at
	}
	for _, h := range m.Headers {
		record.Headers = append(record.Headers, program.Header{Name: h.Key, Value: h.Value})
	}
	return record
}
