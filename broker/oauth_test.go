package broker

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/oauth"

	"github.com/barnabas-mq/barnabas/config"
	"github.com/barnabas-mq/barnabas/internal/clock"
	"github.com/barnabas-mq/barnabas/internal/ssl"
	"github.com/barnabas-mq/barnabas/internal/vfs"
)

const (
	ofOAuth   = "listener.name.sasl_plaintext.oauthbearer."
	unsecured = ofOAuth + "sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;"
)

// signer is an issuer with one key.
type signer struct {
	t   *testing.T
	kid string
	key *ecdsa.PrivateKey
}

func newSigner(t *testing.T, kid string) *signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &signer{t, kid, key}
}

func encoded(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

// token is one of sub that ends at a time.
func (s *signer) token(sub string, ends time.Time) string {
	s.t.Helper()
	text := encoded(fmt.Appendf(nil, `{"alg":"ES256","kid":%q}`, s.kid)) + "." + encoded(fmt.Appendf(nil, `{"sub":%q,"iat":1,"exp":%d}`, sub, ends.Unix()))
	digest := sha256.Sum256([]byte(text))
	r, v, err := ecdsa.Sign(rand.Reader, s.key, digest[:])
	if err != nil {
		s.t.Fatal(err)
	}
	return text + "." + encoded(append(r.FillBytes(make([]byte, 32)), v.FillBytes(make([]byte, 32))...))
}

// keys is the set of keys of issuers.
func keys(t *testing.T, of ...*signer) []byte {
	t.Helper()
	all := []map[string]string{}
	for _, s := range of {
		point, err := s.key.PublicKey.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, map[string]string{"kty": "EC", "crv": "P-256", "kid": s.kid, "x": encoded(point[1:33]), "y": encoded(point[33:])})
	}
	raw, err := json.Marshal(map[string]any{"keys": all})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// unsigned is a token that nobody signed.
func unsigned(sub string, ends time.Time) string {
	return encoded([]byte(`{"alg":"none"}`)) + "." + encoded(fmt.Appendf(nil, `{"sub":%q,"exp":%d}`, sub, ends.Unix())) + "."
}

func bearerOf(token string) *kmsg.SASLAuthenticateRequest {
	return tokenOf("n,,\x01auth=Bearer " + token + "\x01\x01")
}

// show logs in by a token; it gives the lifetime, or what the client was told.
func (w *saslWorld) show(token string) (lifetime time.Duration, told string) {
	w.t.Helper()
	in := w.raw()
	in.ask(handshakeOf("OAUTHBEARER", 1))
	p := in.ask(bearerOf(token)).(*kmsg.SASLAuthenticateResponse)
	if p.ErrorCode != 0 {
		w.t.Errorf("the first answer is an error: %+v", p)
	}
	if len(p.SASLAuthBytes) == 0 {
		in.topic("t" + encoded([]byte(token[len(token)-8:])))
		return time.Duration(p.SessionLifetimeMillis) * time.Millisecond, ""
	}
	told = string(p.SASLAuthBytes)
	p = in.ask(tokenOf("\x01")).(*kmsg.SASLAuthenticateResponse)
	if p.ErrorCode != 58 || p.ErrorMessage == nil || *p.ErrorMessage != told || !in.isOver() {
		w.t.Errorf("the second answer: %+v", p)
	}
	return 0, told
}

const invalidToken = `{"status":"invalid_token"}`

// Unsecured tokens, as of a broker for development: a real client, a token that has
// expired, and one that ends while its bearer is there.
func TestUnsecuredTokens(t *testing.T) {
	clk := clock.NewManual(time.Now().Truncate(time.Second))
	w := newSASLWorld(t, clk, "sasl.enabled.mechanisms=OAUTHBEARER", unsecured, "connections.max.reauth.ms=3600000")
	later := clk.Now().Add(time.Minute)
	if err := w.client(kgo.SASL(oauth.Auth{Token: unsigned("alice", later)}.AsMechanism())).Ping(t.Context()); err != nil {
		t.Error(err)
	}
	if lifetime, told := w.show(unsigned("alice", later)); lifetime != time.Minute || told != "" {
		t.Errorf("%v, %s", lifetime, told)
	}
	if lifetime, told := w.show(unsigned("alice", later.Add(48*time.Hour))); lifetime != time.Hour || told != "" {
		t.Errorf("%v, %s", lifetime, told)
	}
	for _, token := range []string{unsigned("alice", clk.Now()), newSigner(t, "a").token("alice", later)} {
		if _, told := w.show(token); told != invalidToken {
			t.Errorf("%s", told)
		}
	}
	in := w.raw()
	in.ask(handshakeOf("OAUTHBEARER", 1))
	in.ask(bearerOf(unsigned("alice", later)))
	clk.Advance(59 * time.Second)
	in.topic("t")
	in.ask(handshakeOf("OAUTHBEARER", 1))
	in.ask(bearerOf(unsigned("alice", later.Add(time.Minute))))
	clk.Advance(60 * time.Second)
	in.topic("t")
	clk.Advance(time.Second)
	if in.send(versionsOf(3)); !in.isOver() {
		t.Error("an expired token counts")
	}
}

// A client that is told of its token and leaves has failed all the same.
func TestRefusedAndGone(t *testing.T) {
	w := newSASLWorld(t, nil, "sasl.enabled.mechanisms=OAUTHBEARER", unsecured)
	in := w.raw()
	in.ask(handshakeOf("OAUTHBEARER", 1))
	in.ask(bearerOf("none"))
	failed := w.broker.metrics.Counter("barnabas_connections_failed_authentication_total")
	if failed.Value() != 0 {
		t.Error("it counts before its end")
	}
	_ = in.conn.Close()
	w.await("it counts", func() bool { return failed.Value() == 1 })
}

// Signed tokens, with keys in a file: one that is exchanged is read when a token of a
// key comes that is not known.
func TestSignedTokens(t *testing.T) {
	file := filepath.Join(t.TempDir(), "jwks.json")
	put := func(raw []byte) {
		t.Helper()
		if err := os.WriteFile(file, raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	old, next, stranger := newSigner(t, "old"), newSigner(t, "next"), newSigner(t, "old")
	put(keys(t, old))
	url := "sasl.oauthbearer.jwks.endpoint.url=file:" + file
	w := newSASLWorld(t, nil, "sasl.enabled.mechanisms=OAUTHBEARER", url)
	later := time.Now().Add(time.Hour)
	if lifetime, told := w.show(old.token("alice", later)); told != "" || lifetime <= 59*time.Minute || lifetime > time.Hour {
		t.Errorf("%v, %s", lifetime, told)
	}
	for _, token := range []string{stranger.token("alice", later), unsigned("alice", later), old.token("alice", time.Now().Add(-time.Hour)), old.token("", later)} {
		if _, told := w.show(token); told != invalidToken {
			t.Errorf("%s", told)
		}
	}
	put(keys(t, old, next))
	if _, told := w.show(next.token("alice", later)); told != "" {
		t.Errorf("%s", told)
	}
	if err := w.broker.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, told := w.show(next.token("alice", later)); told != "" {
		t.Errorf("after a reset: %s", told)
	}
	// A file that cannot be used ends the start.
	put([]byte("{}"))
	for _, url := range []string{url, "sasl.oauthbearer.jwks.endpoint.url=file:/nowhere/jwks.json"} {
		settings, err := config.Load(config.Input{Listen: []string{"SASL_PLAINTEXT://127.0.0.1:0"}, Data: dataDir, Profile: "dev", Overrides: []string{"sasl.enabled.mechanisms=OAUTHBEARER", url}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = Open(Options{Settings: settings, FS: vfs.NewMem(), Version: "test"})
		if !errors.As(err, new(*SettingsError)) || !strings.Contains(err.Error(), "sasl.oauthbearer.jwks.endpoint.url: ") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// Keys are had by HTTP, from an issuer that comes after the broker.
func TestKeysOverHTTP(t *testing.T) {
	s := newSigner(t, "a")
	issuing := httptest.NewUnstartedServer(http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) { _, _ = out.Write(keys(t, s)) }))
	defer issuing.Close()
	w := newSASLWorld(t, nil, "sasl.enabled.mechanisms=OAUTHBEARER", "sasl.oauthbearer.jwks.endpoint.url=http://"+issuing.Listener.Addr().String()+"/keys")
	issuing.Start()
	w.await("the keys have come", func() bool { return len(w.broker.bearerKeys[0].Current()) == 1 })
	if _, told := w.show(s.token("alice", time.Now().Add(time.Hour))); told != "" {
		t.Errorf("%s", told)
	}
}

// Before keys have come a client with a token is hung up on and not refused, however it sends
// its token: it comes again.
func TestNoKeysYet(t *testing.T) {
	s := newSigner(t, "a")
	issuing := httptest.NewServer(http.NotFoundHandler())
	defer issuing.Close()
	w := newSASLWorld(t, nil, "sasl.enabled.mechanisms=OAUTHBEARER", "sasl.oauthbearer.jwks.endpoint.url="+issuing.URL)
	q := bearerOf(s.token("alice", time.Now().Add(time.Hour)))
	for version := range int16(2) {
		in := w.raw()
		in.ask(handshakeOf("OAUTHBEARER", version))
		if version == 0 {
			if _, err := in.conn.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(q.SASLAuthBytes))), q.SASLAuthBytes...)); err != nil {
				t.Fatal(err)
			}
		} else {
			in.send(q)
		}
		if !in.isOver() {
			t.Errorf("after a handshake of version %d: the connection goes on", version)
		}
	}
	if n := w.broker.metrics.Counter("barnabas_connections_failed_authentication_total").Value(); n != 0 {
		t.Errorf("%d logins have failed", n)
	}
}

// What an issuer answers is taken within limits.
func TestAnIssuersAnswers(t *testing.T) {
	const set = `{"keys":[]}`
	var safe, plain *httptest.Server
	answer := func(out http.ResponseWriter, in *http.Request) {
		to := func(url string) { http.Redirect(out, in, url, http.StatusFound) }
		switch in.URL.Path {
		case "/keys":
			if in.Header.Get("Accept") != "application/json" || in.URL.RawQuery != "" && in.URL.RawQuery != "a=b%20c" {
				out.WriteHeader(http.StatusBadRequest)
			}
			_, _ = out.Write([]byte(set))
		case "/near":
			to("keys")
		case "/safe":
			to(safe.URL + "/keys")
		case "/plain":
			to(plain.URL + "/keys")
		case "/file":
			to("file:///etc/passwd")
		case "/nowhere":
			to("https:///keys")
		case "/round":
			to("/round")
		case "/large":
			_, _ = out.Write(bytes.Repeat([]byte(" "), keySetBytesMax+1))
		case "/headers":
			for i := range 100 {
				out.Header().Set(fmt.Sprint("X", i), strings.Repeat("x", 20_000))
			}
		case "/never":
			<-in.Context().Done()
		default:
			out.WriteHeader(http.StatusNotFound)
		}
	}
	safe, plain = httptest.NewUnstartedServer(http.HandlerFunc(answer)), httptest.NewServer(http.HandlerFunc(answer))
	safe.Config.ErrorLog = log.New(io.Discard, "", 0)
	safe.StartTLS()
	defer safe.Close()
	defer plain.Close()
	trust := ssl.Settings{Trust: ssl.TrustStore{Type: ssl.TypePEM, Certificates: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: safe.Certificate().Raw}))}, Protocols: []string{"TLSv1.3"}}
	stranger := ssl.Settings{Trust: ssl.TrustStore{Type: ssl.TypeJKS}, Protocols: []string{"TLSv1.3"}}
	for _, c := range []struct {
		url  string
		tls  ssl.Settings
		want string // in the error, empty for none
	}{
		{plain.URL + "/keys", trust, ""},
		{plain.URL + "/keys?a=b%20c", trust, ""},
		{safe.URL + "/keys", trust, ""},
		{safe.URL + "/keys", stranger, "certificate"},
		{plain.URL + "/near", trust, ""},
		{plain.URL + "/safe", trust, ""},
		{safe.URL + "/plain", trust, "sends on to"},
		{plain.URL + "/file", trust, "sends on to"},
		{plain.URL + "/nowhere", trust, "sends on to"},
		{plain.URL + "/round", trust, "sends on more than 3 times"},
		{plain.URL + "/large", trust, "more than 1048576 bytes"},
		{plain.URL + "/headers", trust, "no answer that is HTTP"},
		{plain.URL + "/gone", trust, "answers with the status 404"},
		{strings.Replace(plain.URL, "http", "https", 1) + "/keys", trust, "first record does not look like a TLS handshake"},
		{"http://127.0.0.1:1/keys", trust, "refused"},
	} {
		i := &issuer{keys: config.OAuthKeys{URL: c.url, TLS: c.tls}}
		raw, err := i.fetch(t.Context())
		if (err != nil) != (c.want != "") || err != nil && !strings.Contains(err.Error(), c.want) || err == nil && string(raw) != set {
			t.Errorf("%s: %q, %v; want %q", c.url, raw, err, c.want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := (&issuer{keys: config.OAuthKeys{URL: plain.URL + "/never"}}).fetch(ctx)
		ended <- err
	}()
	cancel()
	if <-ended == nil {
		t.Error("a fetch that was called off has an answer")
	}
}
