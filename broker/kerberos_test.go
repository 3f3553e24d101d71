package broker

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth/kerberos"
	"github.com/barnabas-mq/barnabas/config"
	"github.com/barnabas-mq/barnabas/internal/clock"
	"github.com/barnabas-mq/barnabas/internal/vfs"
)

// recorded is a part of a login of alice at noon, or somebody's like it (auth/kerberos).
func recorded(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "auth", "kerberos", "testdata", "login", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// kerberosWorld is a broker whose second listener takes tickets, at noon.
type kerberosWorld struct {
	*saslWorld
	keytab string
}

func newKerberosWorld(t *testing.T, overrides ...string) *kerberosWorld {
	w := &kerberosWorld{keytab: filepath.Join(t.TempDir(), "kafka.keytab")}
	w.write(t, recorded(t, "kafka.keytab"))
	w.saslWorld = newSASLWorld(t, clock.NewManual(time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)), append([]string{
		"sasl.enabled.mechanisms=GSSAPI", gssapiModule(w.keytab, "kafka/broker.example.com@EXAMPLE.COM"),
	}, overrides...)...)
	return w
}

func gssapiModule(keytab, principal string) string {
	return "listener.name.sasl_plaintext.gssapi.sasl.jaas.config=com.sun.security.auth.module.Krb5LoginModule required useKeyTab=true storeKey=true " +
		`keyTab="` + keytab + `" principal="` + principal + `";`
}

// write puts another file in the place of the keytab, as kadmin and Kubernetes do.
func (w *kerberosWorld) write(t *testing.T, keytab string) {
	t.Helper()
	next := w.keytab + ".next"
	if err := errors.Join(os.WriteFile(next, []byte(keytab), 0o600), os.Rename(next, w.keytab)); err != nil {
		t.Fatal(err)
	}
}

// login shows a request and then the choice, and gives the last answer.
func (w *kerberosWorld) login(in *client, request string) *kmsg.SASLAuthenticateResponse {
	w.t.Helper()
	in.ask(handshakeOf("GSSAPI", 1))
	if p := in.ask(tokenOf(request)).(*kmsg.SASLAuthenticateResponse); p.ErrorCode != 0 {
		return p
	}
	return in.ask(tokenOf(recorded(w.t, "choice"))).(*kmsg.SASLAuthenticateResponse)
}

// A ticket lets its user in, once, and as whom the rules say.
func TestGSSAPI(t *testing.T) {
	w := newKerberosWorld(t, "sasl.kerberos.principal.to.local.rules=RULE:[1:$1@$0](.*@EXAMPLE.COM)s/@.*//U")
	in := w.raw()
	in.ask(handshakeOf("GSSAPI", 1))
	offer := in.ask(tokenOf(recorded(t, "request"))).(*kmsg.SASLAuthenticateResponse)
	if offer.ErrorCode != 0 || !bytes.HasPrefix(offer.SASLAuthBytes, []byte{5, 4, 1}) || !bytes.Equal(offer.SASLAuthBytes[16:20], []byte{1, 0, 0, 0}) {
		t.Fatalf("%+v", offer)
	}
	if p := in.ask(tokenOf(recorded(t, "choice"))).(*kmsg.SASLAuthenticateResponse); p.ErrorCode != 0 || len(p.SASLAuthBytes) != 0 || p.SessionLifetimeMillis != 0 {
		t.Fatalf("%+v", p)
	}
	in.topic("t")

	in = w.raw()
	in.ask(handshakeOf("GSSAPI", 1))
	if in.send(tokenOf(recorded(t, "request"))); !in.isOver() {
		t.Error("a request that is repeated is answered")
	}
	in = w.raw()
	in.ask(handshakeOf("GSSAPI", 1))
	if in.send(tokenOf(recorded(t, "request-of-later"))); !in.isOver() {
		t.Error("a ticket that has to wait is answered, and its client gives up")
	}
	for name, request := range map[string]string{
		"nobody whom a rule fits": recorded(t, "request-of-another-realm"), "a key that is not there": recorded(t, "request-of-next"), "nonsense": "x",
	} {
		in := w.raw()
		p := w.login(in, request)
		if p.ErrorCode != 58 || p.ErrorMessage == nil ||
			*p.ErrorMessage != "Authentication failed during authentication due to invalid credentials with SASL mechanism GSSAPI" || !in.isOver() {
			t.Errorf("%s: %+v", name, p)
		}
	}
}

// After a handshake of version 0, and without any, tokens are frames by themselves, and the last
// has no answer at all, as from Kafka.
func TestBareGSSAPI(t *testing.T) {
	frame := func(in *client, text string) {
		t.Helper()
		if _, err := in.conn.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(text))), text...)); err != nil {
			t.Fatal(err)
		}
	}
	for _, shakesHands := range []bool{true, false} {
		in := newKerberosWorld(t).raw()
		if shakesHands {
			in.ask(handshakeOf("GSSAPI", 0))
		}
		frame(in, recorded(t, "request"))
		var length [4]byte
		if _, err := io.ReadFull(in.in, length[:]); err != nil {
			t.Fatal(err)
		}
		if _, err := in.in.Discard(int(binary.BigEndian.Uint32(length[:]))); err != nil {
			t.Fatal(err)
		}
		frame(in, recorded(t, "choice"))
		in.topic("t")
	}
	// What begins like a token is none where a request has come, and where there is no GSSAPI.
	in := newKerberosWorld(t).raw()
	in.ask(versionsOf(3))
	if frame(in, recorded(t, "request")); !in.isOver() {
		t.Error("a token is taken in the place of a handshake")
	}
	in = newSASLWorld(t, nil).raw()
	if frame(in, recorded(t, "request")); !in.isOver() {
		t.Error("a token is taken of a mechanism that is not offered")
	}
}

// Who may come in when it tries again has to wait for nothing, and has not failed: the clock of
// the delay stands still.
func TestLoginsThatAreNotAnswered(t *testing.T) {
	w := newKerberosWorld(t, "connection.failed.authentication.delay.ms=1000")
	for _, version := range []int16{0, 1} {
		in := w.raw()
		in.ask(handshakeOf("GSSAPI", version))
		token := recorded(t, "request-of-later")
		if version == 0 {
			_, _ = in.conn.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(token))), token...)) // or it is over
		} else {
			in.send(tokenOf(token))
		}
		if !in.isOver() {
			t.Errorf("version %d: the connection goes on", version)
		}
	}
	mustClose(t, w.broker) // all are counted then
	if n := w.broker.metrics.Counter("barnabas_connections_failed_authentication_total").Value(); n != 0 {
		t.Errorf("%d logins have failed", n)
	}
}

// Keys are exchanged under the broker; a file that is none leaves the old ones.
func TestKeytabThatIsExchanged(t *testing.T) {
	w := newKerberosWorld(t)
	w.write(t, "no keytab")
	if p := w.login(w.raw(), recorded(t, "request")); p.ErrorCode != 0 {
		t.Errorf("with the old keys: %+v", p)
	}
	if p := w.login(w.raw(), recorded(t, "request-of-next")); p.ErrorCode == 0 {
		t.Error("a key that has not come lets in")
	}
	w.write(t, recorded(t, "next.keytab"))
	if p := w.login(w.raw(), recorded(t, "request-of-next")); p.ErrorCode != 0 {
		t.Errorf("with the new keys: %+v", p)
	}
}

// A keytab that looks as before is not read again, unless it could not be read.
func TestKeytabThatIsTheSame(t *testing.T) {
	service, err := kerberos.ParsePrincipal("kafka/broker.example.com@EXAMPLE.COM")
	if err != nil {
		t.Fatal(err)
	}
	reads, mayRead := 0, false
	k := &keytab{file: filepath.Join(t.TempDir(), "kafka.keytab"), service: service, log: slog.New(slog.DiscardHandler)}
	k.readFile = func(name string) ([]byte, error) {
		reads++
		if !mayRead {
			return nil, fs.ErrPermission
		}
		return os.ReadFile(name)
	}
	if err := os.WriteFile(k.file, []byte(recorded(t, "kafka.keytab")), 0o600); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour) // what is as young as mtimeGrain may have changed
	if err := os.Chtimes(k.file, old, old); err != nil {
		t.Fatal(err)
	}
	if n := len(k.keys()); n != 0 {
		t.Errorf("%d keys of a file that cannot be read", n)
	}
	mayRead = true
	if n := len(k.keys()); n == 0 {
		t.Error("it is not read though it can be")
	}
	if k.keys(); reads != 2 {
		t.Errorf("it was read %d times", reads)
	}
	young := time.Now().Add(time.Hour) // than the reading
	if err := os.Chtimes(k.file, young, young); err != nil {
		t.Fatal(err)
	}
	k.keys()
	if k.keys(); reads != 4 {
		t.Errorf("one that may have changed was read %d times", reads)
	}
}

// A broker that could let nobody in does not start, and says what to do.
func TestKeytabsThatEndTheStart(t *testing.T) {
	dir := t.TempDir()
	good, bad := filepath.Join(dir, "good.keytab"), filepath.Join(dir, "bad.keytab")
	if err := errors.Join(os.WriteFile(good, []byte(recorded(t, "kafka.keytab")), 0o600), os.WriteFile(bad, []byte("x"), 0o600)); err != nil {
		t.Fatal(err)
	}
	const principal = "kafka/broker.example.com@EXAMPLE.COM"
	for _, c := range []struct{ keytab, principal, rules, want string }{
		{filepath.Join(dir, "none"), principal, "DEFAULT", "no such file"},
		{dir, principal, "DEFAULT", "is not a file"},
		{bad, principal, "DEFAULT", "it is no keytab of version 2"},
		{good, "HTTP/broker.example.com@EXAMPLE.COM", "DEFAULT", "it has no key of HTTP/broker.example.com@EXAMPLE.COM, and has some of " + principal + "; write one with kadmin"},
		{good, "kafka/broker.example.com", "DEFAULT", "write it with its realm"},
		{good, principal, "RULE:[1:$2]", "sasl.kerberos.principal.to.local.rules: the rule"},
	} {
		settings, err := config.Load(config.Input{
			Listen: []string{"127.0.0.1:0", "SASL_PLAINTEXT://127.0.0.1:0"}, Data: dataDir, Profile: "dev",
			Overrides: []string{gssapiModule(c.keytab, c.principal), "sasl.kerberos.principal.to.local.rules=" + c.rules},
		})
		if err != nil {
			t.Fatal(err)
		}
		b, err := Open(Options{FS: vfs.NewMem(), Settings: settings, Version: "test", Log: slog.New(slog.DiscardHandler)})
		if err == nil {
			mustClose(t, b)
		}
		var fault *SettingsError
		if !errors.As(err, &fault) || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "listener SASL_PLAINTEXT: ") {
			t.Errorf("%v; want %q", err, c.want)
		}
	}
}
