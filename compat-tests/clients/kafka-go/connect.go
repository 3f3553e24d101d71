package main

import (
	"context"
	"errors"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"

	"github.com/barnabas-mq/barnabas/compat-tests/clients/program"
)

// Exchange asks once. The library writes by a Transport and reads by a Dialer.
func (*client) Exchange(ctx context.Context, c program.Connection, out *program.Output) error {
	config, err := c.TLS()
	if err != nil {
		return err
	}
	mechanism, err := mechanism(c)
	if err != nil {
		return err
	}
	transport := &kafka.Transport{TLS: config, SASL: mechanism}
	defer transport.CloseIdleConnections()
	writer := &kafka.Writer{
		Addr: kafka.TCP(c.Bootstrap), Topic: c.Topic, RequiredAcks: kafka.RequireAll, BatchTimeout: 10 * time.Millisecond,
		Transport: transport, MaxAttempts: 1,
	}
	messages := make([]kafka.Message, 0, len(c.Values))
	for _, value := range c.Values {
		messages = append(messages, kafka.Message{Value: []byte(value)})
	}
	if err := errors.Join(writer.WriteMessages(ctx, messages...), writer.Close()); err != nil {
		return err
	}
	reader := kafka.NewReader(kafka.ReaderConfig{
		Brokers: []string{c.Bootstrap}, Topic: c.Topic, MaxWait: 100 * time.Millisecond,
		Dialer: &kafka.Dialer{TLS: config, SASLMechanism: mechanism},
	})
	for range c.Values {
		message, err := reader.ReadMessage(ctx)
		if err != nil {
			return errors.Join(err, reader.Close())
		}
		out.Record(record(message))
	}
	return reader.Close()
}

func mechanism(c program.Connection) (sasl.Mechanism, error) {
	switch c.Mechanism {
	case "":
		return nil, nil
	case "PLAIN":
		return plain.Mechanism{Username: c.User, Password: c.Password}, nil
	case "SCRAM-SHA-256":
		return scram.Mechanism(scram.SHA256, c.User, c.Password)
	case "SCRAM-SHA-512":
		return scram.Mechanism(scram.SHA512, c.User, c.Password)
	}
	return nil, program.ErrNoMechanism
}
