package broker

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/plain"

	"github.com/barnabas-mq/barnabas/config"
	"github.com/barnabas-mq/barnabas/internal/clock"
	"github.com/barnabas-mq/barnabas/internal/ssltest"
	"github.com/barnabas-mq/barnabas/internal/vfs"
)

const guarded = "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer"

// lockedLog is a log that is read while it is written.
type lockedLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// guardedWorld is a broker with logins and an authorizer, on a file system that outlives it.
type guardedWorld struct {
	t      *testing.T
	ctx    context.Context
	files  *vfs.Mem
	clock  *clock.Manual
	log    lockedLog
	broker *Broker
}

func newGuardedWorld(t *testing.T) *guardedWorld {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	w := &guardedWorld{t: t, ctx: ctx, files: vfs.NewMem(), clock: clock.NewManual(time.Now())}
	w.start()
	t.Cleanup(func() { mustClose(t, w.broker) })
	return w
}

func (w *guardedWorld) start() {
	w.t.Helper()
	w.broker = openWithLogins(w.t, Options{FS: w.files, Clock: w.clock, Log: slog.New(slog.NewTextHandler(&w.log, nil))},
		guarded, "super.users=User:bob", "barnabas.access.denied.lines.max=2", "sasl.enabled.mechanisms=PLAIN")
}

// openWithLogins opens a broker whose second listener has logins, with the users of PLAIN
// in passwords.
func openWithLogins(t *testing.T, o Options, overrides ...string) *Broker {
	t.Helper()
	settings, err := config.Load(config.Input{
		Listen: []string{"127.0.0.1:0", "SASL_PLAINTEXT://127.0.0.1:0"}, Data: dataDir, Profile: "dev",
		Overrides: append([]string{"listener.name.sasl_plaintext.plain.sasl.jaas.config=" + passwords}, overrides...),
	})
	if err != nil {
		t.Fatal(err)
	}
	o.Settings, o.Version = settings, "test"
	b, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// as is a client of a user, or of nobody in particular.
func (w *guardedWorld) as(user string) *kgo.Client {
	w.t.Helper()
	options := []kgo.Opt{kgo.SeedBrokers(w.broker.Bootstrap()), kgo.RequestRetries(0), kgo.DisableIdempotentWrite(), kgo.RequiredAcks(kgo.LeaderAck())}
	if user != "" {
		options = append(options, kgo.SeedBrokers(reachable(w.broker.listeners[1])), kgo.SASL(plain.Auth{User: user, Pass: user + "-secret"}.AsMechanism()))
	}
	c, err := kgo.NewClient(options...)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(c.Close)
	return c
}

func (w *guardedWorld) allow(c *kgo.Client, o kadm.ACLOperation, topic string) error {
	w.t.Helper()
	b := kadm.NewACLs().Topics(topic).ResourcePatternType(kadm.ACLPatternLiteral).Operations(o).Allow("User:alice").AllowHosts()
	results, err := kadm.NewClient(c).CreateACLs(w.ctx, b)
	if err == nil {
		err = results[0].Err
	}
	return err
}

// Rules open what is closed, for the user and the topic that they name; they outlive the
// broker, and what is denied stands in the log.
func TestAccess(t *testing.T) {
	w := newGuardedWorld(t)
	alice, bob, nobody := w.as("alice"), w.as("bob"), w.as("")
	if _, err := kadm.NewClient(bob).CreateTopic(w.ctx, 1, 1, nil, "orders"); err != nil {
		t.Fatal(err)
	}
	if err := w.allow(alice, kadm.OpWrite, "orders"); !errors.Is(err, kerr.ClusterAuthorizationFailed) {
		t.Errorf("alice makes a rule: %v", err)
	}
	produce := func(c *kgo.Client) error {
		return c.ProduceSync(w.ctx, &kgo.Record{Topic: "orders", Value: []byte("x")}).FirstErr()
	}
	if err := produce(alice); !errors.Is(err, kerr.TopicAuthorizationFailed) {
		t.Errorf("alice without a rule: %v", err)
	}
	if err := w.allow(bob, kadm.OpWrite, "orders"); err != nil {
		t.Fatal(err)
	}
	if err := produce(alice); err != nil {
		t.Errorf("alice with a rule: %v", err)
	}
	if err := produce(nobody); !errors.Is(err, kerr.TopicAuthorizationFailed) {
		t.Errorf("nobody: %v", err)
	}

	mustClose(t, w.broker)
	w.start()
	if err := produce(w.as("alice")); err != nil {
		t.Errorf("alice after a restart: %v", err)
	}
	described, err := kadm.NewClient(w.as("bob")).DescribeACLs(w.ctx, kadm.NewACLs().AnyResource().ResourcePatternType(kadm.ACLPatternAny).Operations().Allow().AllowHosts().Deny().DenyHosts())
	if err != nil || len(described) == 0 {
		t.Errorf("the rules: %v, %v", described, err)
	}
	const want = `msg="access denied" principal=User:alice operation=ALTER host=127.0.0.1 resource=CLUSTER:LITERAL:kafka-cluster request=CreateAcls rule=DefaultDeny`
	if !strings.Contains(w.log.String(), want) {
		t.Errorf("the log says nothing of what was denied:\n%s", &w.log)
	}
}

// Who is denied over and over does not fill the log.
func TestDeniedLinesAreFew(t *testing.T) {
	w := newGuardedWorld(t)
	alice := w.as("alice")
	for range 20 {
		if _, err := kmsg.NewPtrDescribeQuorumRequest().RequestWith(w.ctx, alice); err != nil {
			t.Fatal(err)
		}
	}
	if n := strings.Count(w.log.String(), "access denied"); n != 1 { // of two, one is for somebody else
		t.Errorf("%d lines", n)
	}
	w.clock.Advance(time.Second)
	if !strings.Contains(w.log.String(), `times=19 of="User:alice 19"`) {
		t.Errorf("the log does not say how many were left out:\n%s", &w.log)
	}
}

// Who shows a certificate is its name, as the rules of the listener make it.
func TestPrincipalOfACertificate(t *testing.T) {
	w := newSSLWorld(t, "ssl.client.auth=requested", guarded, "super.users=User:friend",
		"listener.name.ssl.ssl.principal.mapping.rules=RULE:^CN=(friend|other).*$/$1/,RULE:^CN=known.*$/known/")
	ask := func(names ...string) error {
		options := []kgo.Opt{kgo.SeedBrokers(w.address()), kgo.RequestRetries(0)}
		if len(names) == 0 {
			options = append(options, kgo.DialTLSConfig(ssltest.Client(w.root, nil)))
		} else {
			own := w.root.Issue(ssltest.Want{Name: names[0]})
			options = append(options, kgo.DialTLSConfig(ssltest.Client(w.root, &own)))
		}
		c, err := kgo.NewClient(options...)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		p, err := kmsg.NewPtrDescribeQuorumRequest().RequestWith(ctx, c)
		if err == nil {
			err = kerr.ErrorForCode(p.ErrorCode)
		}
		return err
	}
	if err := ask("friend"); err != nil {
		t.Errorf("the super user: %v", err)
	}
	for _, names := range [][]string{{"other"}, {"known"}, nil} {
		if err := ask(names...); !errors.Is(err, kerr.ClusterAuthorizationFailed) {
			t.Errorf("%v: %v", names, err)
		}
	}
	if err := ask("stranger"); err == nil || errors.Is(err, kerr.ClusterAuthorizationFailed) {
		t.Errorf("whom no rule names: %v", err)
	}
}
