package rotation

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/barnabas-mq/barnabas/compat-tests/barnabas"
	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
	"github.com/barnabas-mq/barnabas/internal/ssltest"
)

const (
	oldPassword, newPassword = "alice-secret", "another-secret"
	// patience is above what each step takes on a busy machine.
	patience = 60 * time.Second
	// roundsMore and linksMore are what every client makes after each exchange.
	roundsMore, linksMore = 20, 2
)

// room is a broker with eight clients that run.
type room struct {
	t          *testing.T
	ctx        context.Context
	admin      *kadm.Client
	node       int32
	files      string
	login      string // the listener with SCRAM
	mutual     string // the one that asks for certificates
	authority  ssltest.Pair
	clientsOld ssltest.Pair // signs certificates of clients
	clientsNew ssltest.Pair
	passwords  *Wallet
	shown      *Wallet // certificates
	workers    []*Worker

	trouble struct {
		sync.Mutex
		all  []error
		once sync.Once
		is   chan struct{} // closed with the first
	}
}

func newRoom(t *testing.T) *room {
	t.Helper()
	ports, err := testbed.FreePorts(2)
	if err != nil {
		t.Fatal(err)
	}
	r := &room{
		t: t, ctx: t.Context(), files: t.TempDir(), login: fmt.Sprintf("127.0.0.1:%d", ports[0]), mutual: fmt.Sprintf("127.0.0.1:%d", ports[1]),
		authority: ssltest.NewAuthority("authority"), clientsOld: ssltest.NewAuthority("clients of old"), clientsNew: ssltest.NewAuthority("new clients"),
	}
	r.trouble.is = make(chan struct{})
	r.writeKeys("server.pem")
	r.write("clients.pem", r.clientsOld.CertificatePEM())
	const module = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
	broker := barnabas.Run(t, barnabas.Options{
		Profile: "server", Beside: []string{"SASL_SSL://" + r.login, "SSL://" + r.mutual},
		Properties: map[string]string{
			"barnabas.ssl.reload.interval.ms": "50",
			"ssl.keystore.type":               "PEM", "ssl.keystore.location": r.file("server.pem"),
			"listener.name.ssl.ssl.client.auth":     "required",
			"listener.name.ssl.ssl.truststore.type": "PEM", "listener.name.ssl.ssl.truststore.location": r.file("clients.pem"),
			"sasl.enabled.mechanisms":                               "SCRAM-SHA-512",
			"listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": module,
		},
	})
	client, err := kgo.NewClient(kgo.SeedBrokers(broker.Bootstrap()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	r.admin = kadm.NewClient(client)
	brokers, err := r.admin.ListBrokers(r.ctx)
	if err != nil {
		t.Fatal(err)
	}
	r.node = brokers[0].NodeID
	r.setPassword(oldPassword)
	r.passwords = NewWallet(Credential{Address: r.login, TLS: ssltest.Client(r.authority, nil), Password: oldPassword})
	r.shown = NewWallet(r.certificate(r.clientsOld))
	return r
}

func (r *room) file(name string) string { return filepath.Join(r.files, name) }

// write replaces a file at once: the broker never reads half of one.
func (r *room) write(name, text string) {
	r.t.Helper()
	next := r.file(name + ".next")
	err := os.WriteFile(next, []byte(text), 0o600)
	if err == nil {
		err = os.Rename(next, r.file(name))
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

// writeKeys makes another key of the broker, with a certificate of the same authority, and
// tells its serial number.
func (r *room) writeKeys(name string) (serial string) {
	r.t.Helper()
	pair := r.authority.Issue(ssltest.Want{Name: "server"})
	r.write(name, pair.KeyPEM()+pair.ChainPEM())
	return pair.Certificate.SerialNumber.String()
}

// certificate is a client's.
func (r *room) certificate(by ssltest.Pair) Credential {
	own := by.Issue(ssltest.Want{Name: "client"})
	return Credential{Address: r.mutual, TLS: ssltest.Client(r.authority, &own)}
}

func (r *room) setPassword(password string) {
	r.t.Helper()
	altered, err := r.admin.AlterUserSCRAMs(r.ctx, nil, []kadm.UpsertSCRAM{{User: User, Mechanism: kadm.ScramSha512, Iterations: 4096, Password: password}})
	if err == nil {
		err = altered.Error()
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

// alter sets one of the broker's settings.
func (r *room) alter(name, value string) {
	r.t.Helper()
	responses, err := r.admin.AlterBrokerConfigs(r.ctx, []kadm.AlterConfig{{Op: kadm.SetConfig, Name: name, Value: &value}}, r.node)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, p := range responses {
		if p.Err != nil {
			r.t.Fatalf("%s: %v", name, p.Err)
		}
	}
}

// work starts the eight clients.
func (r *room) work() {
	r.t.Helper()
	for _, w := range []struct {
		way    string
		wallet *Wallet
	}{{"password", r.passwords}, {"certificate", r.shown}} {
		for i, library := range []string{"franz-go", "sarama", "kafka-go", "franz-go"} {
			stays := i%2 == len(w.way)%2 // of each library that stays another comes again
			name := fmt.Sprintf("%s-%s-%d", w.way, library, i)
			if _, err := r.admin.CreateTopic(r.ctx, 1, 1, nil, name); err != nil {
				r.t.Fatal(err)
			}
			r.workers = append(r.workers, &Worker{
				Name: name, Topic: name, Open: Libraries[library], Wallet: w.wallet, Stays: stays, Rounds: testbed.NewCount(), Links: testbed.NewCount(),
			})
		}
	}
	ctx, cancel := context.WithCancel(r.ctx)
	var workers sync.WaitGroup
	for _, w := range r.workers {
		workers.Go(func() { r.note(w.Work(ctx)) })
	}
	r.t.Cleanup(func() { cancel(); workers.Wait() })
}

// note keeps what a client has seen.
func (r *room) note(err error) {
	if err == nil {
		return
	}
	r.trouble.Lock()
	r.trouble.all = append(r.trouble.all, err)
	r.trouble.Unlock()
	r.trouble.once.Do(func() { close(r.trouble.is) })
}

// goOn waits until every client has made more rounds, and those that come again have come;
// none may have seen an error.
func (r *room) goOn(after string) {
	r.t.Helper()
	rounds, links := make([]int, len(r.workers)), make([]int, len(r.workers))
	for i, w := range r.workers {
		rounds[i], links[i] = w.Rounds.Now()+roundsMore, w.Links.Now()+linksMore
	}
	for i, w := range r.workers {
		_, err := w.Rounds.Reach(r.trouble.is, rounds[i], testbed.Patience(patience))
		if err == nil && !w.Stays {
			_, err = w.Links.Reach(r.trouble.is, links[i], testbed.Patience(patience))
		}
		if err != nil {
			r.t.Errorf("after %s: %s is %v", after, w.Name, err)
		}
	}
	r.trouble.Lock()
	defer r.trouble.Unlock()
	for _, err := range r.trouble.all {
		r.t.Errorf("after %s: %v", after, err)
	}
	if r.t.Failed() {
		r.t.FailNow()
	}
}

// awaitServer waits until new connections of both listeners are shown a certificate.
func (r *room) awaitServer(serial string) {
	r.t.Helper()
	for _, address := range []string{r.login, r.mutual} {
		r.await("the new certificate", func() bool {
			config := r.certificate(r.clientsOld).TLS
			config.GetClientCertificate = nil // what comes after the server's certificate is of no interest
			seen := ""
			config.VerifyConnection = func(s tls.ConnectionState) error {
				seen = s.PeerCertificates[0].SerialNumber.String()
				return errors.New("seen")
			}
			conn, err := tls.Dial("tcp", address, config)
			if err == nil {
				_ = conn.Close() // does not happen
			}
			return seen == serial
		})
	}
}

// await asks until it is so.
func (r *room) await(what string, isSo func() bool) {
	r.t.Helper()
	late := time.NewTimer(testbed.Patience(patience))
	defer late.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !isSo() {
		select {
		case <-tick.C:
		case <-late.C:
			r.t.Fatalf("%s does not come", what)
		}
	}
}

// comesIn tries once, with a fresh client of franz-go.
func (r *room) comesIn(c Credential) error {
	options := []kgo.Opt{kgo.SeedBrokers(c.Address), kgo.DialTLSConfig(c.TLS), kgo.RequestRetries(0)}
	if c.Password != "" {
		options = append(options, kgo.SASL(mechanism(c)))
	}
	client, err := kgo.NewClient(options...)
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(r.ctx, patience)
	defer cancel()
	return client.Ping(ctx)
}

// isRefused tells whether nobody comes in with it, whatever the library.
func (r *room) isRefused(c Credential, how func(error) bool) {
	r.t.Helper()
	if err := r.comesIn(c); err == nil || !how(err) {
		r.t.Errorf("who comes with what no longer counts is told %v", err)
	}
	for name, open := range Libraries {
		ctx, cancel := context.WithTimeout(r.ctx, patience)
		link, err := open(c, "of-the-refused", 0)
		if err == nil {
			err = link.Round(ctx, "x")
			_ = link.Close() // it has seen its refusal
		}
		cancel()
		if err == nil || errors.Is(err, context.DeadlineExceeded) {
			r.t.Errorf("%s comes in with what no longer counts: %v", name, err)
		}
	}
}

func ofCertificates(err error) bool { return strings.Contains(err.Error(), "tls: ") }

func ofLogins(err error) bool { return errors.Is(err, kerr.SaslAuthenticationFailed) }

// Everything that lets somebody in is exchanged, one after the other, while eight clients run.
func TestExchangedWhileClientsRun(t *testing.T) {
	r := newRoom(t)
	if _, err := r.admin.CreateTopic(r.ctx, 1, 1, nil, "of-the-refused"); err != nil {
		t.Fatal(err)
	}
	r.work()
	r.goOn("the beginning")

	r.awaitServer(r.writeKeys("server.pem"))
	r.goOn("another key in the same file")

	serial := r.writeKeys("next.pem")
	for _, listener := range []string{"sasl_ssl", "ssl"} {
		r.alter("listener.name."+listener+".ssl.keystore.location", r.file("next.pem"))
	}
	r.awaitServer(serial)
	r.goOn("another file with a key, by kafka-configs")

	old := r.passwords.credential
	if err := r.comesIn(old); err != nil {
		t.Fatalf("the old password, before: %v", err)
	}
	_ = r.passwords.Exchange(func(c *Credential) error {
		r.setPassword(newPassword)
		c.Password = newPassword
		return nil
	})
	r.isRefused(old, ofLogins)
	r.goOn("another password")

	// First both authorities of clients are trusted, then the clients have new
	// certificates, and then only the new authority is.
	shown, next := r.shown.credential, r.certificate(r.clientsNew)
	r.isRefused(next, ofCertificates)
	r.write("clients.pem", r.clientsOld.CertificatePEM()+r.clientsNew.CertificatePEM())
	r.await("trust in new clients", func() bool { return r.comesIn(next) == nil })
	r.goOn("trust in another authority")
	_ = r.shown.Exchange(func(c *Credential) error {
		*c = next
		r.write("only-new.pem", r.clientsNew.CertificatePEM())
		r.alter("listener.name.ssl.ssl.truststore.location", r.file("only-new.pem"))
		return nil
	})
	r.await("the end of trust in old clients", func() bool { return r.comesIn(shown) != nil })
	r.isRefused(shown, ofCertificates)
	r.goOn("an authority that is trusted no longer")
	for _, w := range r.workers {
		t.Logf("%-24s %6d rounds, came in %d times", w.Name, w.Rounds.Now(), w.Links.Now())
	}
}
