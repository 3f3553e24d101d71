package main

import (
	"context"
	"errors"
	"time"

	"github.com/IBM/sarama"
	"github.com/xdg-go/scram"

	"github.com/barnabas-mq/barnabas/compat-tests/clients/program"
)

// Exchange asks once: what is refused is refused.
func (*client) Exchange(_ context.Context, c program.Connection, out *program.Output) (err error) {
	config := newConfig()
	config.Metadata.Retry.Max = 0
	config.Consumer.MaxWaitTime = 50 * time.Millisecond // to close waits for a fetch
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Return.Successes = true
	if config.Net.TLS.Config, err = c.TLS(); err != nil {
		return err
	}
	config.Net.TLS.Enable = config.Net.TLS.Config != nil
	if c.Mechanism != "" {
		logIn(config, c)
	}
	cluster, err := sarama.NewClient([]string{c.Bootstrap}, config)
	if err != nil {
		return err
	}
	return errors.Join(exchange(cluster, c, out), cluster.Close())
}

func exchange(cluster sarama.Client, c program.Connection, out *program.Output) error {
	producer, err := sarama.NewSyncProducerFromClient(cluster)
	if err != nil {
		return err
	}
	for _, value := range c.Values {
		if _, _, err := producer.SendMessage(&sarama.ProducerMessage{Topic: c.Topic, Value: sarama.StringEncoder(value)}); err != nil {
			return errors.Join(err, producer.Close())
		}
	}
	consumer, err := sarama.NewConsumerFromClient(cluster)
	if err != nil {
		return errors.Join(err, producer.Close())
	}
	partition, err := consumer.ConsumePartition(c.Topic, 0, sarama.OffsetOldest)
	if err == nil {
		for range c.Values {
			out.Record(record(<-partition.Messages()))
		}
		err = partition.Close()
	}
	return errors.Join(err, consumer.Close(), producer.Close())
}

// logIn says how. The library leaves the arithmetic of SCRAM to the application.
func logIn(config *sarama.Config, c program.Connection) {
	login := &config.Net.SASL
	login.Enable, login.Mechanism = true, sarama.SASLMechanism(c.Mechanism)
	login.User, login.Password = c.User, c.Password
	switch c.Mechanism {
	case sarama.SASLTypeSCRAMSHA256:
		login.SCRAMClientGeneratorFunc = func() sarama.SCRAMClient { return &conversation{hash: scram.SHA256} }
	case sarama.SASLTypeSCRAMSHA512:
		login.SCRAMClientGeneratorFunc = func() sarama.SCRAMClient {
			return &conversation{hash: scram.SHA512}
		}
	case sarama.SASLTypeGSSAPI:
		login.GSSAPI = sarama.GSSAPIConfig{
			AuthType: sarama.KRB5_KEYTAB_AUTH, KeyTabPath: c.Kerberos.Keytab, KerberosConfigPath: c.Kerberos.Config,
			ServiceName: c.Kerberos.Service, Username: c.User, Realm: c.Kerberos.Realm, DisablePAFXFAST: true,
		}
		if c.Kerberos.Bare { // until 1.46.0 it was always so
			login.Version, config.ApiVersionsRequest = sarama.SASLHandshakeV0, false
		}
	case sarama.SASLTypeOAuth:
		login.TokenProvider = token(c.Token)
	}
}

type token string

func (t token) Token() (*sarama.AccessToken, error) {
	return &sarama.AccessToken{Token: string(t)}, nil
}

// conversation is a SCRAM login.
type conversation struct {
	*scram.ClientConversation
	hash scram.HashGeneratorFcn
}

func (s *conversation) Begin(user, password, authorization string) error {
	client, err := s.hash.NewClient(user, password, authorization)
	if err != nil {
		return err
	}
	s.ClientConversation = client.NewConversation()
	return nil
}
