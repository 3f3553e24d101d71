package broker

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"reflect"
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

	"github.com/barnabas-mq/barnabas/config"
	"github.com/barnabas-mq/barnabas/internal/clock"
	"github.com/barnabas-mq/barnabas/internal/vfs"
)

// saslWorld is a broker whose second listener has logins.
type saslWorld struct {
	t      *testing.T
	broker *Broker
	clock  *clock.Manual // nil for the machine's
}

const passwords = `org.apache.kafka.common.security.plain.PlainLoginModule required user_alice="alice-secret" user_bob="bob-secret";`

func newSASLWorld(t *testing.T, clk *clock.Manual, overrides ...string) *saslWorld {
	options := Options{FS: vfs.NewMem()}
	if clk != nil {
		options.Clock = clk
	}
	b := openWithLogins(t, options, append([]string{
		"sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512", "connection.failed.authentication.delay.ms=0",
	}, overrides...)...)
	t.Cleanup(func() { mustClose(t, b) })
	return &saslWorld{t: t, broker: b, clock: clk}
}

func (w *saslWorld) address() string { return reachable(w.broker.listeners[1]) }

func (w *saslWorld) client(options ...kgo.Opt) *kgo.Client {
	w.t.Helper()
	c, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(w.address()), kgo.RequestRetries(0), kgo.AllowAutoTopicCreation()}, options...)...)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(c.Close)
	return c
}

// A real client comes in with each mechanism, and is refused with a wrong password; a
// credential that is replaced or removed counts from the next login on.
func TestLogins(t *testing.T) {
	w := newSASLWorld(t, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	open, err := kgo.NewClient(kgo.SeedBrokers(w.broker.Bootstrap()))
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	admin := kadm.NewClient(open)
	set := func(user, password string) {
		t.Helper()
		for _, m := range []kadm.ScramMechanism{kadm.ScramSha256, kadm.ScramSha512} {
			altered, err := admin.AlterUserSCRAMs(ctx, nil, []kadm.UpsertSCRAM{{User: user, Mechanism: m, Iterations: 4096, Password: password}})
			if err == nil {
				err = altered.Error()
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	set("carol", "carol-secret")
	login := func(m sasl.Mechanism, want error) {
		t.Helper()
		err := w.client(kgo.SASL(m)).Ping(ctx)
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", m.Name(), err, want)
		}
		if want != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("a secret is told: %v", err)
		}
	}
	for _, as := range []func(user, password string) sasl.Mechanism{
		func(u, p string) sasl.Mechanism { return scram.Auth{User: u, Pass: p}.AsSha256Mechanism() },
		func(u, p string) sasl.Mechanism { return scram.Auth{User: u, Pass: p}.AsSha512Mechanism() },
	} {
		login(as("carol", "carol-secret"), nil)
		login(as("carol", "wrong"), kerr.SaslAuthenticationFailed)
		login(as("nobody", "carol-secret"), kerr.SaslAuthenticationFailed)
		login(scram.Auth{User: "carol", Pass: "carol-secret", IsToken: true}.AsSha256Mechanism(), kerr.SaslAuthenticationFailed)
		login(as("alice", "alice-secret"), kerr.SaslAuthenticationFailed)
	}
	set("carol", "another-secret")
	login(scram.Auth{User: "carol", Pass: "carol-secret"}.AsSha256Mechanism(), kerr.SaslAuthenticationFailed)
	login(scram.Auth{User: "carol", Pass: "another-secret"}.AsSha256Mechanism(), nil)
	login(plain.Auth{User: "alice", Pass: "alice-secret"}.AsMechanism(), nil)
	login(plain.Auth{User: "alice", Pass: "bob-secret"}.AsMechanism(), kerr.SaslAuthenticationFailed)
	login(plain.Auth{User: "carol", Pass: "another-secret"}.AsMechanism(), kerr.SaslAuthenticationFailed)

	in := w.client(kgo.SASL(plain.Auth{User: "bob", Pass: "bob-secret"}.AsMechanism()), kgo.DefaultProduceTopic("t"), kgo.ConsumeTopics("t"))
	if err := in.ProduceSync(ctx, kgo.StringRecord("x")).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if fetches := in.PollFetches(ctx); fetches.Err() != nil || fetches.NumRecords() != 1 {
		t.Errorf("%d records, %v", fetches.NumRecords(), fetches.Err())
	}
}

// raw connects without a client.
func (w *saslWorld) raw() *client {
	w.t.Helper()
	c, err := net.Dial("tcp", w.address())
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second)) // a broken test ends
	return &client{t: w.t, conn: c, in: bufio.NewReader(c)}
}

func handshakeOf(mechanism string, version int16) *kmsg.SASLHandshakeRequest {
	q := kmsg.NewPtrSASLHandshakeRequest()
	q.Mechanism = mechanism
	q.SetVersion(version)
	return q
}

func tokenOf(token string) *kmsg.SASLAuthenticateRequest {
	q := kmsg.NewPtrSASLAuthenticateRequest()
	q.SASLAuthBytes = []byte(token)
	q.SetVersion(2)
	return q
}

func versionsOf(version int16) *kmsg.ApiVersionsRequest {
	q := kmsg.NewPtrApiVersionsRequest()
	q.ClientSoftwareName, q.ClientSoftwareVersion = "test", "1"
	q.SetVersion(version)
	return q
}

const aliceToken = "\x00alice\x00alice-secret"

// isOver tells whether the broker has ended the connection.
func (c *client) isOver() bool {
	_, err := c.in.ReadByte()
	var timeout net.Error
	return err != nil && !(errors.As(err, &timeout) && timeout.Timeout())
}

// send sends a request whose answer nobody waits for.
func (c *client) send(q kmsg.Request) {
	c.t.Helper()
	if _, err := c.conn.Write(kmsg.NewRequestFormatter(kmsg.FormatterClientID("test")).AppendRequest(nil, q, 1)); err != nil {
		c.t.Fatal(err)
	}
}

// The order of requests is Kafka's: what does not belong to a login ends the connection.
func TestOrderOfALogin(t *testing.T) {
	w := newSASLWorld(t, nil)
	metadata := func() kmsg.Request { q := kmsg.NewPtrMetadataRequest(); q.SetVersion(12); return q }
	leave := func() kmsg.Request { q := kmsg.NewPtrLeaveGroupRequest(); q.SetVersion(2); return q }
	for _, c := range []struct {
		name    string
		steps   []kmsg.Request // all but the last are answered
		ended   bool           // by the last
		refused bool           // with an answer before
	}{
		{"a request before anything", []kmsg.Request{metadata()}, true, false},
		{"a request after ApiVersions", []kmsg.Request{versionsOf(3), metadata()}, true, false},
		{"a request after the handshake", []kmsg.Request{handshakeOf("PLAIN", 1), leave()}, true, true},
		{"a token before the handshake", []kmsg.Request{tokenOf(aliceToken)}, true, false},
		{"ApiVersions twice", []kmsg.Request{versionsOf(3), versionsOf(3)}, true, false},
		{"ApiVersions after the handshake", []kmsg.Request{handshakeOf("PLAIN", 1), versionsOf(3)}, true, true},
		{"a handshake after the handshake", []kmsg.Request{handshakeOf("PLAIN", 1), handshakeOf("PLAIN", 1)}, true, true},
		{"a login", []kmsg.Request{versionsOf(3), handshakeOf("PLAIN", 1), tokenOf(aliceToken), metadata()}, false, false},
		{"ApiVersions after a login", []kmsg.Request{handshakeOf("PLAIN", 1), tokenOf(aliceToken), versionsOf(3)}, false, false},
	} {
		in := w.raw()
		for _, q := range c.steps[:len(c.steps)-1] {
			in.ask(q)
		}
		last := c.steps[len(c.steps)-1]
		if c.ended {
			if in.send(last); c.refused {
				p := last.ResponseKind()
				in.read(p)
				if code := reflect.ValueOf(p).Elem().FieldByName("ErrorCode").Int(); code != 34 { // ILLEGAL_SASL_STATE
					t.Errorf("%s: error %d", c.name, code)
				}
			}
			if !in.isOver() {
				t.Errorf("%s: the connection goes on", c.name)
			}
			continue
		}
		in.ask(last)
	}
	// A client that asks in a version that is not there asks again.
	in := w.raw()
	in.send(versionsOf(99))
	var length [4]byte
	if _, err := io.ReadFull(in.in, length[:]); err != nil {
		t.Fatal(err)
	}
	if _, err := in.in.Discard(int(binary.BigEndian.Uint32(length[:]))); err != nil {
		t.Fatal(err)
	}
	in.ask(versionsOf(3))
	if p := in.ask(handshakeOf("GSSAPI", 1)).(*kmsg.SASLHandshakeResponse); p.ErrorCode != 33 || len(p.SupportedMechanisms) != 3 || !in.isOver() {
		t.Errorf("an unknown mechanism: %+v", p)
	}
	in = w.raw()
	in.ask(handshakeOf("PLAIN", 1))
	if p := in.ask(tokenOf("\x00alice\x00wrong")).(*kmsg.SASLAuthenticateResponse); p.ErrorCode != 58 || p.ErrorMessage == nil || *p.ErrorMessage != "Authentication failed: Invalid username or password" || !in.isOver() {
		t.Errorf("a wrong password: %+v", p)
	}
	in = w.raw()
	if _, err := in.conn.Write([]byte{0, 1, 0, 1}); err != nil || !in.isOver() { // 65,537 bytes are announced
		t.Errorf("a large request before the login: %v", err)
	}
}

// After a handshake of version 0 tokens are frames by themselves.
func TestBareTokens(t *testing.T) {
	w := newSASLWorld(t, nil)
	frame := func(c *client, text string) {
		t.Helper()
		if _, err := c.conn.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(text))), text...)); err != nil {
			t.Fatal(err)
		}
	}
	in := w.raw()
	in.ask(handshakeOf("PLAIN", 0))
	frame(in, aliceToken)
	var length [4]byte
	if _, err := io.ReadFull(in.in, length[:]); err != nil || length != [4]byte{} {
		t.Fatalf("the answer has the length %v: %v", length, err)
	}
	in.topic("t")
	for _, token := range []string{"", "x", "\x00alice\x00wrong"} {
		in = w.raw()
		in.ask(handshakeOf("PLAIN", 0))
		if frame(in, token); !in.isOver() {
			t.Errorf("%q: the connection goes on", token)
		}
	}
}

// A login counts for connections.max.reauth.ms; who logs in again in time stays, as the
// same user and by the same mechanism (KIP-368).
func TestLoginsExpire(t *testing.T) {
	clk := clock.NewManual(time.Now())
	w := newSASLWorld(t, clk, "listener.name.sasl_plaintext.plain.connections.max.reauth.ms=60000", "connections.max.reauth.ms=1")
	enter := func() *client {
		in := w.raw()
		in.ask(handshakeOf("PLAIN", 1))
		if p := in.ask(tokenOf(aliceToken)).(*kmsg.SASLAuthenticateResponse); p.ErrorCode != 0 || p.SessionLifetimeMillis != 60_000 {
			t.Fatalf("%+v", p)
		}
		return in
	}
	again := func(c *client) {
		t.Helper()
		c.ask(handshakeOf("PLAIN", 1))
		if p := c.ask(tokenOf(aliceToken)).(*kmsg.SASLAuthenticateResponse); p.ErrorCode != 0 || p.SessionLifetimeMillis != 60_000 {
			t.Errorf("logging in again: %+v", p)
		}
	}
	refused := func(c *client, token, text string) {
		t.Helper()
		p := c.ask(tokenOf(token)).(*kmsg.SASLAuthenticateResponse)
		if p.ErrorCode != 58 || p.ErrorMessage == nil || *p.ErrorMessage != text || !c.isOver() {
			t.Errorf("%d, %q", p.ErrorCode, *p.ErrorMessage)
		}
	}
	staying, late, other, changing, hasty, half := enter(), enter(), enter(), enter(), enter(), enter()
	again(hasty)
	if p := hasty.ask(handshakeOf("PLAIN", 1)).(*kmsg.SASLHandshakeResponse); p.ErrorCode != 34 {
		t.Errorf("a third login at once: %+v", p)
	}
	hasty.topic("t")
	clk.Advance(59 * time.Second)
	staying.topic("t")
	late.topic("t")
	again(staying)
	other.ask(handshakeOf("PLAIN", 1))
	refused(other, "\x00bob\x00bob-secret", "Cannot change principals during re-authentication from User.alice: User.bob")
	if p := changing.ask(handshakeOf("SCRAM-SHA-256", 1)).(*kmsg.SASLHandshakeResponse); p.ErrorCode != 0 {
		t.Errorf("another mechanism: %+v", p)
	}
	refused(changing, "n,,n=alice,r=x", "SASL mechanism 'SCRAM-SHA-256' requested by client is not supported for re-authentication of mechanism 'PLAIN'")
	half.ask(handshakeOf("PLAIN", 1))
	if p := half.ask(versionsOf(3)).(*kmsg.ApiVersionsResponse); p.ErrorCode != 34 || !half.isOver() { // ILLEGAL_SASL_STATE
		t.Errorf("a request in the middle of a login: error %d", p.ErrorCode)
	}
	clk.Advance(2 * time.Second)
	staying.topic("t")
	if late.send(versionsOf(3)); !late.isOver() {
		t.Error("an expired login counts")
	}
	// Where logins do not expire nobody logs in again.
	lasting := newSASLWorld(t, nil).raw()
	lasting.ask(handshakeOf("PLAIN", 1))
	lasting.ask(tokenOf(aliceToken))
	if p := lasting.ask(handshakeOf("PLAIN", 1)).(*kmsg.SASLHandshakeResponse); p.ErrorCode != 34 {
		t.Errorf("a second login: %+v", p)
	}
}

// A login that is refused is told behind answers that are still to come.
func TestARefusalBehindAParkedAnswer(t *testing.T) {
	w := newSASLWorld(t, nil, "connections.max.reauth.ms=60000")
	in := w.raw()
	in.ask(handshakeOf("PLAIN", 1))
	in.ask(tokenOf(aliceToken))
	in.topic("t")
	join := kmsg.NewPtrJoinGroupRequest()
	join.SetVersion(5)
	join.Group, join.ProtocolType, join.SessionTimeoutMillis, join.RebalanceTimeoutMillis = "g", "consumer", 10_000, 300
	join.Protocols = append(join.Protocols, kmsg.JoinGroupRequestProtocol{Name: "range"})
	in.send(join) // answered with an id after the journal has it
	in.send(handshakeOf("PLAIN", 1))
	in.send(tokenOf("\x00alice\x00wrong"))
	for _, p := range []kmsg.Response{join.ResponseKind(), handshakeOf("", 1).ResponseKind(), tokenOf("").ResponseKind()} {
		in.read(p)
		if refusal, last := p.(*kmsg.SASLAuthenticateResponse); last && refusal.ErrorCode != 58 {
			t.Errorf("%+v", refusal)
		}
	}
	if !in.isOver() {
		t.Error("the connection goes on")
	}
}

// Requests that are sent without waiting for the login go through once it is complete;
// the limit of size is then that of all.
func TestPipelinedLogins(t *testing.T) {
	w := newSASLWorld(t, nil)
	in := w.raw()
	metadata := kmsg.NewPtrMetadataRequest()
	metadata.SetVersion(12)
	var all []byte
	for _, q := range []kmsg.Request{handshakeOf("PLAIN", 1), tokenOf(aliceToken), metadata} {
		all = append(all, kmsg.NewRequestFormatter(kmsg.FormatterClientID("test")).AppendRequest(nil, q, 1)...)
	}
	if _, err := in.conn.Write(all); err != nil {
		t.Fatal(err)
	}
	for _, p := range []kmsg.Response{handshakeOf("", 1).ResponseKind(), tokenOf("").ResponseKind(), metadata.ResponseKind()} {
		in.read(p)
	}
	large := kmsg.NewPtrMetadataRequest()
	large.SetVersion(12)
	for range 1000 {
		one := kmsg.NewMetadataRequestTopic()
		one.Topic = kmsg.StringPtr(strings.Repeat("x", 200))
		large.Topics = append(large.Topics, one)
	}
	in.ask(large)
	early := w.raw()
	if early.send(large); !early.isOver() {
		t.Error("200 KB are taken before the login")
	}
	if n := w.broker.metrics.Counter("barnabas_connections_failed_authentication_total").Value(); n != 0 {
		t.Errorf("%d logins failed", n)
	}
	early = w.raw()
	early.send(metadata)
	if !early.isOver() {
		t.Error("a request is served before the login")
	}
	failed := w.broker.metrics.Counter("barnabas_connections_failed_authentication_total")
	w.await("it counts as a failed one", func() bool { return failed.Value() == 1 })
}

// await waits for what another goroutine does.
func (w *saslWorld) await(what string, is func() bool) {
	w.t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for until := time.Now().Add(20 * time.Second); !is(); <-tick.C {
		if time.Now().After(until) {
			w.t.Fatalf("waited in vain: %s", what)
		}
	}
}

// A reset keeps logins, but for the users of SCRAM.
func TestLoginsAfterAReset(t *testing.T) {
	w := newSASLWorld(t, nil)
	if err := w.broker.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	in := w.raw()
	in.ask(handshakeOf("PLAIN", 1))
	in.ask(tokenOf(aliceToken))
	in.topic("t")
}

// Who guesses passwords waits for each answer, and nobody else does.
func TestFailedLoginsWait(t *testing.T) {
	clk := clock.NewManual(time.Now())
	w := newSASLWorld(t, clk, "connection.failed.authentication.delay.ms=100")
	in := w.raw()
	in.ask(handshakeOf("PLAIN", 1))
	in.send(tokenOf("\x00alice\x00wrong"))
	good := w.raw()
	good.ask(handshakeOf("PLAIN", 1))
	good.ask(tokenOf(aliceToken))
	until := time.Now().Add(20 * time.Second)
	for in.in.Buffered() == 0 { // the timer may be set after the clock was moved
		clk.Advance(100 * time.Millisecond)
		_ = in.conn.SetReadDeadline(time.Now().Add(time.Millisecond))
		if _, err := in.in.Peek(1); err != nil && time.Now().After(until) {
			t.Fatal(err)
		}
	}
	// A stop does not wait for it: the clock stands still.
	waiting := w.raw()
	waiting.ask(handshakeOf("PLAIN", 1))
	asked := w.broker.metrics.Counter("barnabas_requests_total")
	before := asked.Value()
	waiting.send(tokenOf("\x00alice\x00wrong"))
	w.await("the token has come", func() bool { return asked.Value() > before })
	mustClose(t, w.broker)
}

// SASL_SSL is both.
func TestLoginsOverTLS(t *testing.T) {
	w := newSSLWorld(t)
	settings, err := config.Load(config.Input{
		Listen: []string{"SASL_SSL://127.0.0.1:0"}, Data: dataDir, Profile: "dev",
		Overrides: []string{
			"ssl.keystore.type=PEM", "ssl.keystore.location=" + w.keys,
			"sasl.enabled.mechanisms=PLAIN", "listener.name.sasl_ssl.plain.sasl.jaas.config=" + passwords,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	b, err := Open(Options{Settings: settings, FS: vfs.NewMem(), Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { mustClose(t, b) })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for _, c := range []struct {
		config *tls.Config
		user   string
		ok     bool
	}{{trusting(w), "alice", true}, {trusting(w), "eve", false}, {nil, "alice", false}} {
		options := []kgo.Opt{kgo.SeedBrokers(b.Bootstrap()), kgo.RequestRetries(0), kgo.SASL(plain.Auth{User: c.user, Pass: "alice-secret"}.AsMechanism())}
		if c.config != nil {
			options = append(options, kgo.DialTLSConfig(c.config))
		}
		in, err := kgo.NewClient(options...)
		if err != nil {
			t.Fatal(err)
		}
		if err := in.Ping(ctx); (err == nil) != c.ok {
			t.Errorf("%s, TLS %v: %v", c.user, c.config != nil, err)
		}
		in.Close()
	}
}
