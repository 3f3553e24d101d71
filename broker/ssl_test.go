package broker

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/barnabas-mq/barnabas/config"
	"github.com/barnabas-mq/barnabas/internal/clock"
	"github.com/barnabas-mq/barnabas/internal/ssl"
	"github.com/barnabas-mq/barnabas/internal/ssltest"
	"github.com/barnabas-mq/barnabas/internal/vfs"
)

// sslWorld is a broker with a listener in plaintext and one with TLS, whose keys lie in
// files.
type sslWorld struct {
	t             *testing.T
	keys, trusted string
	root          ssltest.Pair
	clock         *clock.Manual
	broker        *Broker
}

func newSSLWorld(t *testing.T, overrides ...string) *sslWorld {
	dir := t.TempDir()
	w := &sslWorld{t: t, keys: filepath.Join(dir, "keys.pem"), trusted: filepath.Join(dir, "trusted.pem"), root: ssltest.NewAuthority("root")}
	w.write(w.keys, w.serverKeys())
	w.write(w.trusted, w.root.CertificatePEM())
	settings, err := config.Load(config.Input{
		Listen: []string{"127.0.0.1:0", "SSL://127.0.0.1:0"}, Data: dataDir, Profile: "dev",
		Overrides: append([]string{
			"ssl.keystore.type=PEM", "listener.name.ssl.ssl.keystore.location=" + w.keys,
			"ssl.truststore.type=PEM", "ssl.truststore.location=" + w.trusted,
		}, overrides...),
	})
	if err != nil {
		t.Fatal(err)
	}
	w.clock = clock.NewManual(time.Now())
	w.broker, err = Open(Options{Settings: settings, FS: vfs.NewMem(), Clock: w.clock, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { mustClose(t, w.broker) })
	return w
}

func (w *sslWorld) serverKeys() string {
	server := w.root.Issue(ssltest.Want{Name: "server"})
	return server.KeyPEM() + server.ChainPEM()
}

func (w *sslWorld) write(name, text string) {
	w.t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w *sslWorld) address() string {
	return net.JoinHostPort("127.0.0.1", fmt.Sprint(w.broker.listeners[1].Port))
}

// shown is the serial number of the certificate that the listener shows, or why not.
func (w *sslWorld) shown(config *tls.Config) (string, error) {
	c, err := tls.Dial("tcp", w.address(), config)
	if err != nil {
		return "", err
	}
	defer c.Close() //nolint:errcheck // nothing was sent
	return c.ConnectionState().PeerCertificates[0].SerialNumber.String(), nil
}

// A real client produces and consumes through both listeners, and each is told the
// addresses of its own.
func TestClientsOverTLS(t *testing.T) {
	w := newSSLWorld(t, "ssl.client.auth=required")
	friend := w.root.Issue(ssltest.Want{Name: "friend"})
	secured, err := kgo.NewClient(kgo.SeedBrokers(w.address()), kgo.DialTLSConfig(ssltest.Client(w.root, &friend)),
		kgo.ConsumeTopics("t"), kgo.DefaultProduceTopic("t"), kgo.AllowAutoTopicCreation())
	if err != nil {
		t.Fatal(err)
	}
	defer secured.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	value := strings.Repeat("0123456789", 30_000)
	if err := secured.ProduceSync(ctx, kgo.StringRecord(value)).FirstErr(); err != nil {
		t.Fatal(err)
	}
	fetches := secured.PollFetches(ctx)
	if err := fetches.Err(); err != nil {
		t.Fatal(err)
	}
	if records := fetches.Records(); len(records) != 1 || string(records[0].Value) != value {
		t.Errorf("%d records came back", len(records))
	}
	dial(t, w.broker).topic("t") // in plaintext beside it
}

// Keys in files that change are used from the next look on; the setting for one
// listener counts, and altering it acts at once or is refused.
func TestKeysChangeWhileClientsAreServed(t *testing.T) {
	w := newSSLWorld(t)
	trusting := ssltest.Client(w.root, nil)
	first, err := w.shown(trusting)
	if err != nil {
		t.Fatal(err)
	}
	staying, err := tls.Dial("tcp", w.address(), trusting)
	if err != nil {
		t.Fatal(err)
	}
	w.write(w.keys, w.serverKeys())
	w.clock.Advance(10 * time.Second)
	second, until := first, time.Now().Add(20*time.Second)
	for second == first { // the chore runs beside
		if second, err = w.shown(trusting); err != nil || time.Now().After(until) {
			t.Fatalf("the old certificate is shown: %v", err)
		}
	}
	other := filepath.Join(t.TempDir(), "other.pem")
	c := dial(t, w.broker)
	node := "1"
	const name = "listener.name.ssl.ssl.keystore.location"
	if code := c.alter(node, name, &other); code != 42 {
		t.Errorf("a key store that is not there is answered with %d", code)
	}
	w.write(other, w.serverKeys())
	if code := c.alter(node, name, &other); code != 0 {
		t.Errorf("another key store is answered with %d", code)
	}
	if third, err := w.shown(trusting); err != nil || third == second || third == first {
		t.Errorf("certificate %s is shown after %s and %s: %v", third, first, second, err)
	}
	// What is asked of clients is for a restart.
	if code := c.alter(node, "listener.name.ssl.ssl.client.auth", ptr("requested")); code != 42 {
		t.Errorf("altering what is asked of clients is answered with %d", code)
	}
	// Who was connected all the time still is.
	asking := &client{t: t, conn: staying, in: bufio.NewReader(staying)}
	_ = staying.SetDeadline(time.Now().Add(20 * time.Second)) // a broken test ends
	asking.topic("t")
}

// What was altered counts at the next start, also where the file of the start's settings
// is gone; a start without its keys opens nothing.
func TestRestartsWithAlteredStores(t *testing.T) {
	w := newSSLWorld(t)
	next := filepath.Join(t.TempDir(), "next.pem")
	w.write(next, w.serverKeys())
	if code := dial(t, w.broker).alter("1", "listener.name.ssl.ssl.keystore.location", &next); code != 0 {
		t.Fatalf("altering the store: %d", code)
	}
	before, err := w.shown(ssltest.Client(w.root, nil))
	if err != nil {
		t.Fatal(err)
	}
	mustClose(t, w.broker)
	if err := os.Remove(w.keys); err != nil {
		t.Fatal(err)
	}
	if w.broker, err = Open(w.broker.opts); err != nil {
		t.Fatal(err)
	}
	if after, err := w.shown(ssltest.Client(w.root, nil)); err != nil || after != before {
		t.Errorf("certificate %s is shown, and before the restart %s: %v", after, before, err)
	}
	mustClose(t, w.broker)
	if err := os.Remove(next); err != nil {
		t.Fatal(err)
	}
	again, err := Open(w.broker.opts)
	var wrong *SettingsError
	if !errors.As(err, &wrong) || !strings.Contains(err.Error(), "listener SSL: the key store (ssl.keystore.location): ") {
		t.Errorf("opened with %v", err)
	}
	if err == nil {
		mustClose(t, again)
	}
}

func TestReadKeyFile(t *testing.T) {
	dir := t.TempDir()
	large := filepath.Join(dir, "large")
	if err := os.WriteFile(large, make([]byte, sslBytesMax+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{large, dir, filepath.Join(dir, "nothing"), os.DevNull} {
		if _, err := readKeyFile(name); err == nil {
			t.Errorf("%s is read", name)
		}
	}
}

func trusting(w *sslWorld) *tls.Config { return ssltest.Client(w.root, nil) }

// A private key that everybody may read is used, and told of; one that is encrypted or in a
// store with a password is nobody's business.
func TestKeysThatLieOpenAreToldOf(t *testing.T) {
	w := newSSLWorld(t)
	for _, c := range []struct {
		mode os.FileMode
		told bool
	}{{0o600, false}, {0o640, false}, {0o644, true}} {
		if err := os.Chmod(w.keys, c.mode); err != nil {
			t.Fatal(err)
		}
		var log strings.Builder
		w.broker.opts.Log = slog.New(slog.NewTextHandler(&log, nil))
		w.broker.warnOfOpenKey("SSL")
		if told := strings.Contains(log.String(), "chmod o-r") && strings.Contains(log.String(), w.keys); told != c.told {
			t.Errorf("a key file of mode %o: %q", c.mode, log.String())
		}
	}
	for _, keys := range []ssl.KeyStore{
		{Type: "PEM", Location: "f", KeyPassword: "p"}, {Type: "PEM", Key: "in the settings"}, {Type: "JKS", Location: "f", Password: "p"},
	} {
		if file := keys.Open(); file != "" {
			t.Errorf("the key of %+v lies open in %s", keys, file)
		}
	}
}
