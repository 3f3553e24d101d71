package main

import (
	"context"

	"github.com/jcmturner/gokrb5/v8/client"
	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/kerberos"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/barnabas-mq/barnabas/compat-tests/clients/program"
)

// Exchange knocks first: a Ping gives up where sending would try on.
func (*franz) Exchange(ctx context.Context, c program.Connection, out *program.Output) error {
	options := []kgo.Opt{
		kgo.SeedBrokers(c.Bootstrap), kgo.DefaultProduceTopic(c.Topic),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{c.Topic: {0: kgo.NewOffset().AtStart()}}),
	}
	config, err := c.TLS()
	if err != nil {
		return err
	}
	if config != nil {
		options = append(options, kgo.DialTLSConfig(config))
	}
	if c.Mechanism != "" {
		mechanism, err := mechanism(c)
		if err != nil {
			return err
		}
		options = append(options, kgo.SASL(mechanism))
	}
	client, err := kgo.NewClient(options...)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := client.Ping(ctx); err != nil {
		return err
	}
	for _, value := range c.Values {
		if err := client.ProduceSync(ctx, kgo.StringRecord(value)).FirstErr(); err != nil {
			return err
		}
	}
	for left := len(c.Values); left > 0; {
		fetches := client.PollRecords(ctx, left)
		if err := fetches.Err(); err != nil {
			return err
		}
		fetches.EachRecord(func(r *kgo.Record) { out.Record(record(r)) })
		left -= fetches.NumRecords()
	}
	return nil
}

func mechanism(c program.Connection) (sasl.Mechanism, error) {
	switch c.Mechanism {
	case "PLAIN":
		return plain.Auth{User: c.User, Pass: c.Password}.AsMechanism(), nil
	case "SCRAM-SHA-256":
		return scram.Auth{User: c.User, Pass: c.Password}.AsSha256Mechanism(), nil
	case "SCRAM-SHA-512":
		return scram.Auth{User: c.User, Pass: c.Password}.AsSha512Mechanism(), nil
	case "GSSAPI":
		realm, err := config.Load(c.Kerberos.Config)
		if err != nil {
			return nil, err
		}
		keys, err := keytab.Load(c.Kerberos.Keytab)
		if err != nil {
			return nil, err
		}
		user := client.NewWithKeytab(c.User, c.Kerberos.Realm, keys, realm, client.DisablePAFXFAST(true))
		return kerberos.Auth{Client: user, Service: c.Kerberos.Service}.AsMechanismWithClose(), nil
	case "OAUTHBEARER":
		return oauth.Auth{Token: c.Token}.AsMechanism(), nil
	}
	return nil, program.ErrNoMechanism
}
