package adoption

import (
	"context"
	"encoding/base64"
	"fmt"
	"iter"
	"maps"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

// Delegation tokens that one broker has made are good at the other.
func TestTokensGoToAndFro(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	ports, err := testbed.FreePorts(1)
	check(t, err)
	address := fmt.Sprintf("127.0.0.1:%d", ports[0])
	n := newNode(t, oracle.Options{Beside: []string{"SASL_PLAINTEXT://" + address}, Properties: map[string]string{
		"sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512", "delegation.token.secret.key": "the secret of tokens",
		"listener.name.sasl_plaintext.plain.sasl.jaas.config":         `org.apache.kafka.common.security.plain.PlainLoginModule required user_alice="alice-secret";`,
		"listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config": "org.apache.kafka.common.security.scram.ScramLoginModule required;",
	}}).format()
	as := func(m sasl.Mechanism) *kadm.Client {
		t.Helper()
		c, err := kgo.NewClient(kgo.SeedBrokers(address), kgo.SASL(m))
		check(t, err)
		t.Cleanup(c.Close)
		return kadm.NewClient(c)
	}
	told := make(map[string]kadm.DelegationToken) // by id: what a change was answered with, which Kafka shows later
	for i, start := range []func() string{n.kafka, n.barnabas, n.kafka, n.barnabas} {
		start()
		alice := as(plain.Auth{User: "alice", Pass: "alice-secret"}.AsMechanism())
		tokens, err := alice.DescribeDelegationTokens(ctx)
		check(t, err)
		if got, want := tellTokens(slices.Values(tokens)), tellTokens(maps.Values(told)); !slices.Equal(got, want) {
			t.Errorf("start %d: tokens %q, before %q", i+1, got, want)
		}
		for _, token := range tokens {
			_, err := as(scram.Auth{User: token.TokenID, Pass: base64.StdEncoding.EncodeToString(token.HMAC), IsToken: true}.AsSha512Mechanism()).ListTopics(ctx)
			check(t, err)
			if token.Owner.Name == "alice" {
				token.ExpiryTimestamp, err = alice.RenewDelegationToken(ctx, token.HMAC, 0)
				check(t, err)
				told[token.TokenID] = token
			}
		}
		for _, wish := range []kadm.CreateDelegationToken{
			{}, {Owner: &kadm.Principal{Type: "User", Name: "bob"}, Renewers: []kadm.Principal{{Type: "User", Name: "alice"}, {Type: "User", Name: "c:d"}}},
		} {
			token, err := alice.CreateDelegationToken(ctx, wish)
			check(t, err)
			token.Renewers = wish.Renewers
			told[token.TokenID] = token
		}
		n.stop()
	}
}

func tellTokens(tokens iter.Seq[kadm.DelegationToken]) []string {
	var lines []string
	for one := range tokens {
		lines = append(lines, fmt.Sprintf("%s %x of %v by %v for %v from %v to %v at most %v", one.TokenID, one.HMAC, one.Owner, one.TokenRequesterPrincipal,
			one.Renewers, one.IssueTimestamp.UnixMilli(), one.ExpiryTimestamp.UnixMilli(), one.MaxTimestamp.UnixMilli()))
	}
	slices.Sort(lines)
	return lines
}
