package broker

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/barnabas-mq/barnabas/internal/clock"
	"github.com/barnabas-mq/barnabas/internal/vfs"
)

// tokenWorld is a broker with delegation tokens, on a file system that outlives it.
type tokenWorld struct {
	t      *testing.T
	ctx    context.Context
	files  *vfs.Mem
	clock  *clock.Manual
	log    lockedLog
	broker *Broker
}

const tokenSecret = "the secret of tokens"

func newTokenWorld(t *testing.T) *tokenWorld {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	w := &tokenWorld{t: t, ctx: ctx, files: vfs.NewMem(), clock: clock.NewManual(time.Now().Truncate(time.Millisecond))}
	w.start()
	t.Cleanup(func() { mustClose(t, w.broker) })
	return w
}

func (w *tokenWorld) start() {
	w.t.Helper()
	log := slog.New(slog.NewTextHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w.broker = openWithLogins(w.t, Options{FS: w.files, Clock: w.clock, Log: log},
		"sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512", "connection.failed.authentication.delay.ms=0",
		"delegation.token.secret.key="+tokenSecret, "delegation.token.expiry.time.ms=60000", "delegation.token.expiry.check.interval.ms=600000")
}

func (w *tokenWorld) restart() {
	w.t.Helper()
	mustClose(w.t, w.broker)
	w.start()
}

func (w *tokenWorld) client(m sasl.Mechanism) *kgo.Client {
	w.t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(reachable(w.broker.listeners[1])), kgo.RequestRetries(0), kgo.SASL(m))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(c.Close)
	return c
}

func (w *tokenWorld) alice() *kadm.Client {
	return kadm.NewClient(w.client(plain.Auth{User: "alice", Pass: "alice-secret"}.AsMechanism()))
}

// tokenLogins are the logins by a token.
func tokenLogins(t kadm.DelegationToken) []sasl.Mechanism {
	a := scram.Auth{User: t.TokenID, Pass: base64.StdEncoding.EncodeToString(t.HMAC), IsToken: true}
	return []sasl.Mechanism{a.AsSha256Mechanism(), a.AsSha512Mechanism()}
}

// logIn tries to come in by a token.
func (w *tokenWorld) logIn(when string, t kadm.DelegationToken, want error) {
	w.t.Helper()
	for _, m := range tokenLogins(t) {
		if err := w.client(m).Ping(w.ctx); !errors.Is(err, want) {
			w.t.Errorf("%s: %s: %v, want %v", when, m.Name(), err, want)
		}
	}
}

// session comes in by a token without a client, and gives what is told of the session's life.
func (w *tokenWorld) session(token kadm.DelegationToken) (in *client, lifetimeMillis int64) {
	w.t.Helper()
	in = (&saslWorld{t: w.t, broker: w.broker}).raw()
	in.ask(handshakeOf("SCRAM-SHA-256", 1))
	exchange, message, err := tokenLogins(token)[0].Authenticate(w.ctx, "")
	for done := false; err == nil; {
		p := in.ask(tokenOf(string(message))).(*kmsg.SASLAuthenticateResponse)
		if done, message, err = exchange.Challenge(p.SASLAuthBytes); done {
			return in, p.SessionLifetimeMillis
		}
	}
	w.t.Fatal(err)
	return nil, 0
}

// A token lets in who has it, over restarts, until its end. Who came in by it does not make
// others. It is in no line of the log, but for its id.
func TestTokens(t *testing.T) {
	w := newTokenWorld(t)
	token, err := w.alice().CreateDelegationToken(w.ctx, kadm.CreateDelegationToken{Renewers: []kadm.Principal{{Type: "User", Name: "bob"}}})
	if err != nil {
		t.Fatal(err)
	}
	w.logIn("a new token", token, nil)
	wrong := token
	wrong.HMAC = append([]byte{token.HMAC[0] ^ 1}, token.HMAC[1:]...)
	w.logIn("another password", wrong, kerr.SaslAuthenticationFailed)
	for _, m := range tokenLogins(token) {
		if _, err := kadm.NewClient(w.client(m)).CreateDelegationToken(w.ctx, kadm.CreateDelegationToken{}); !errors.Is(err, kerr.DelegationTokenRequestNotAllowed) {
			t.Errorf("a token by a token, %s: %v", m.Name(), err)
		}
	}
	asUser := scram.Auth{User: token.TokenID, Pass: base64.StdEncoding.EncodeToString(token.HMAC)}
	if err := w.client(asUser.AsSha256Mechanism()).Ping(w.ctx); !errors.Is(err, kerr.SaslAuthenticationFailed) {
		t.Errorf("as a user: %v", err)
	}
	w.restart()
	w.logIn("after a restart", token, nil)
	if all, err := w.alice().DescribeDelegationTokens(w.ctx); err != nil || len(all) != 1 || all[0].TokenID != token.TokenID {
		t.Errorf("described %+v, %v", all, err)
	}
	if _, err := w.alice().RenewDelegationToken(w.ctx, token.HMAC, 0); err != nil {
		t.Error(err)
	}
	w.clock.Advance(time.Minute + time.Millisecond)
	w.logIn("an expired token", token, kerr.SaslAuthenticationFailed)
	another, err := w.alice().CreateDelegationToken(w.ctx, kadm.CreateDelegationToken{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.alice().ExpireDelegationToken(w.ctx, another.HMAC, -time.Millisecond); err != nil {
		t.Error(err)
	}
	w.logIn("a token that was ended", another, kerr.SaslAuthenticationFailed)
	for _, secret := range []string{tokenSecret, base64.StdEncoding.EncodeToString(token.HMAC), hex.EncodeToString(token.HMAC), string(token.HMAC)} {
		if strings.Contains(w.log.String(), secret) {
			t.Errorf("the log tells %q", secret)
		}
	}
}

// Expired tokens are removed when their time comes, and at the next start.
func TestExpiredTokensAreRemoved(t *testing.T) {
	w := newTokenWorld(t)
	expire := func(when string, removed func()) {
		t.Helper()
		token, err := w.alice().CreateDelegationToken(w.ctx, kadm.CreateDelegationToken{})
		if err != nil {
			t.Fatal(err)
		}
		removed()
		if w.broker.metadata.Image().Token(token.TokenID) != nil {
			t.Errorf("%s: the token is still there", when)
		}
		if !strings.Contains(w.log.String(), "token="+token.TokenID+" owner=User:alice") {
			t.Errorf("%s: the log does not tell", when)
		}
	}
	expire("by the chore", func() {
		w.clock.Advance(time.Second)      // the first look
		w.clock.Advance(11 * time.Minute) // the next one
		w.broker.chores.running.Wait()
	})
	expire("at the start", func() {
		mustClose(t, w.broker)
		w.clock.Advance(2 * time.Minute)
		w.start()
		w.clock.Advance(time.Second)
		w.broker.chores.running.Wait()
	})
}

// A login counts until the token's end, and a token of another kind of principal lets nobody
// in as the user of that name.
func TestWhatATokenIsGoodFor(t *testing.T) {
	w := newTokenWorld(t)
	create := func(kind, name string) kadm.DelegationToken {
		t.Helper()
		token, err := w.alice().CreateDelegationToken(w.ctx, kadm.CreateDelegationToken{Owner: &kadm.Principal{Type: kind, Name: name}})
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	robot, bob := create("Robot", "bob"), create("User", "bob")
	w.logIn("not of a user", robot, kerr.SaslAuthenticationFailed)
	c, owner, expires, ok := scramUsers{w.broker, "SCRAM-SHA-256"}.Token(bob.TokenID)
	if !ok || owner != "bob" || !expires.Equal(time.UnixMilli(bob.ExpiryTimestamp.UnixMilli())) || c.Iterations != 4096 || len(c.Salt) != 26 {
		t.Errorf("%s until %s, %d iterations, salt %q, %v", owner, expires, c.Iterations, c.Salt, ok)
	}
	again, _, _, _ := scramUsers{w.broker, "SCRAM-SHA-256"}.Token(bob.TokenID)
	other, _, _, _ := scramUsers{w.broker, "SCRAM-SHA-512"}.Token(bob.TokenID)
	if string(again.StoredKey) != string(c.StoredKey) || len(other.StoredKey) != 64 {
		t.Error("a credential is taken for another")
	}
	if _, _, _, ok := (scramUsers{w.broker, "SCRAM-SHA-256"}).Token("nobody's"); ok {
		t.Error("a token that there is not")
	}
	in, lifetime := w.session(bob)
	if lifetime != time.Minute.Milliseconds() {
		t.Errorf("the session lives for %d ms", lifetime)
	}
	in.ask(versionsOf(3))
	w.clock.Advance(time.Minute)
	if in.send(versionsOf(3)); !in.isOver() {
		t.Error("the session outlives the token")
	}
	config := kmsg.NewPtrDescribeConfigsRequest()
	resource := kmsg.NewDescribeConfigsRequestResource()
	resource.ResourceType, resource.ResourceName = kmsg.ConfigResourceTypeBroker, "1"
	resource.ConfigNames = []string{"delegation.token.secret.key"}
	config.Resources = append(config.Resources, resource)
	p, err := config.RequestWith(w.ctx, w.client(plain.Auth{User: "alice", Pass: "alice-secret"}.AsMechanism()))
	if err != nil {
		t.Fatal(err)
	}
	if one := p.Resources[0].Configs[0]; one.Value != nil || !one.IsSensitive {
		t.Errorf("the secret is described: %+v", one)
	}
}
