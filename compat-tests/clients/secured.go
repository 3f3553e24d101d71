package clients

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/barnabas-mq/barnabas/compat-tests/clients/program"
	"github.com/barnabas-mq/barnabas/compat-tests/target"
	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
	"github.com/barnabas-mq/barnabas/internal/ssltest"
)

// The listeners of a secured broker, beside one that is open to all.
const (
	overTLS    = "TLS"
	overMutual = "MUTUAL" // asks for a certificate
	byLogin    = "LOGIN"
	byLoginTLS = "LOGINTLS"
	byPlain    = "PLAINLOGIN" // has that mechanism alone
)

var securedListeners = []struct{ name, protocol string }{
	{overTLS, "SSL"}, {overMutual, "SSL"}, {byLogin, "SASL_PLAINTEXT"}, {byLoginTLS, "SASL_SSL"}, {byPlain, "SASL_PLAINTEXT"},
}

const (
	plainLogin  = "PLAIN"
	bearerLogin = "OAUTHBEARER"
)

// mechanisms are those of the other listeners with logins.
var mechanisms = []string{plainLogin, "SCRAM-SHA-256", "SCRAM-SHA-512", bearerLogin}

// The one user that there is, and the names of the certificates.
const (
	securedUser     = "alice"
	securedPassword = "alice-secret"
	friend          = "friend"
	expired         = "expired"
	tokenLifetime   = time.Hour

	// ofTheWelcome is above what it takes to get in on a busy machine, ofOthers what is waited for clients that try again.
	ofTheWelcome = 60 * time.Second
	ofOthers     = time.Second
)

// way is how a client tries to get in.
type way struct {
	name      string
	listener  string
	mechanism string
	user      string
	password  string
	// service is whose ticket is asked for, if the mechanism takes one.
	service string
	// bare is for tickets without a handshake.
	bare bool
	// lifetime of the token, if the mechanism takes one; it may have ended.
	lifetime time.Duration
	// certificate is the one that is shown, if any.
	certificate string
	// welcome is for a way in.
	welcome bool
}

// waysIn are those by which a client that can has its records.
func waysIn() []way {
	ways := []way{
		{name: "SSL", listener: overTLS, welcome: true},
		{name: "SSL with a certificate", listener: overMutual, certificate: friend, welcome: true},
	}
	for _, listener := range []string{byLogin, byLoginTLS} {
		for _, mechanism := range mechanisms {
			ways = append(ways, way{
				name: protocolOf(listener) + " with " + mechanism, listener: listener, mechanism: mechanism,
				user: securedUser, password: securedPassword, lifetime: tokenLifetime, welcome: true,
			})
		}
	}
	return ways
}

// waysOut are those by which nobody gets in.
func waysOut() []way {
	return []way{
		{name: "no certificate", listener: overMutual},
		{name: "an expired certificate", listener: overMutual, certificate: expired},
		{name: "PLAIN, a wrong password", listener: byLogin, mechanism: plainLogin, user: securedUser, password: "wrong"},
		{name: "PLAIN, an unknown user", listener: byLoginTLS, mechanism: plainLogin, user: "eve", password: securedPassword},
		{name: "SCRAM-SHA-256, a wrong password", listener: byLoginTLS, mechanism: "SCRAM-SHA-256", user: securedUser, password: "wrong"},
		{name: "SCRAM-SHA-512, an unknown user", listener: byLogin, mechanism: "SCRAM-SHA-512", user: "eve", password: securedPassword},
		{name: "a mechanism that is off", listener: byPlain, mechanism: "SCRAM-SHA-256", user: securedUser, password: securedPassword},
		{name: "an expired token", listener: byLogin, mechanism: bearerLogin, user: securedUser, lifetime: -tokenLifetime},
	}
}

func protocolOf(listener string) string {
	for _, l := range securedListeners {
		if l.name == listener {
			return l.protocol
		}
	}
	return ""
}

// secured is a broker that asks who comes.
type secured struct {
	bootstrap string            // open to all
	addresses map[string]string // of the other listeners, by name
	files     string            // the folder of keys and certificates
}

// startSecured starts the broker under test with all listeners, and with its user.
func startSecured(t *testing.T) *secured {
	t.Helper()
	s := &secured{addresses: map[string]string{}, files: t.TempDir()}
	s.writeCertificates(t)
	ports, err := testbed.FreePorts(len(securedListeners))
	if err != nil {
		t.Fatal(err)
	}
	var beside []string
	for i, l := range securedListeners {
		s.addresses[l.name] = fmt.Sprintf("127.0.0.1:%d", ports[i])
		beside = append(beside, l.name+"://"+s.addresses[l.name])
	}
	s.bootstrap = target.Run(t, s.properties(), beside...).Bootstrap()

	judge := newJudge(t, s.bootstrap)
	for _, mechanism := range []kadm.ScramMechanism{kadm.ScramSha256, kadm.ScramSha512} { // one request takes one of a user
		altered, err := judge.admin.AlterUserSCRAMs(judge.context(), nil, []kadm.UpsertSCRAM{
			{User: securedUser, Mechanism: mechanism, Iterations: 4096, Password: securedPassword},
		})
		if err == nil {
			err = altered.Error()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func (s *secured) file(name string) string { return filepath.Join(s.files, name) }

// writeCertificates makes an authority that both sides trust, and what it has signed.
func (s *secured) writeCertificates(t *testing.T) {
	t.Helper()
	write := func(name, text string) {
		if err := os.WriteFile(s.file(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	authority := ssltest.NewAuthority("authority")
	write("ca.pem", authority.CertificatePEM())
	server := authority.Issue(ssltest.Want{Name: "server"})
	write("server.pem", server.KeyPEM()+server.ChainPEM())
	for _, name := range []string{friend, expired} {
		pair := authority.Issue(ssltest.Want{Name: name, Expired: name == expired})
		write(name+".pem", pair.ChainPEM())
		write(name+".key", pair.KeyPEM())
	}
}

// properties are the broker's.
func (s *secured) properties() map[string]string {
	const modules = "org.apache.kafka.common.security."
	protocols := []string{"PLAINTEXT:PLAINTEXT", "CONTROLLER:PLAINTEXT"}
	p := map[string]string{
		"ssl.keystore.type": "PEM", "ssl.keystore.location": s.file("server.pem"),
		"ssl.truststore.type": "PEM", "ssl.truststore.location": s.file("ca.pem"),
		"sasl.enabled.mechanisms":                       strings.Join(mechanisms, ","),
		ofListener(overMutual) + "ssl.client.auth":      "required",
		ofListener(byPlain) + "sasl.enabled.mechanisms": plainLogin,
	}
	for _, l := range securedListeners {
		protocols = append(protocols, l.name+":"+l.protocol)
		if !strings.HasPrefix(l.protocol, "SASL") {
			continue
		}
		for _, mechanism := range mechanisms {
			entry := modules + "scram.ScramLoginModule required;"
			switch mechanism {
			case plainLogin:
				entry = fmt.Sprintf("%splain.PlainLoginModule required user_%s=%q;", modules, securedUser, securedPassword)
			case bearerLogin:
				entry = modules + `oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`
			}
			if l.name != byPlain || mechanism == plainLogin {
				p[ofListener(l.name)+strings.ToLower(mechanism)+".sasl.jaas.config"] = entry
			}
		}
	}
	p["listener.security.protocol.map"] = strings.Join(protocols, ",")
	return p
}

func ofListener(name string) string { return "listener.name." + strings.ToLower(name) + "." }

// connection is what a program is told of a way.
func (s *secured) connection(w way, topic string, values ...string) program.Connection {
	c := program.Connection{
		Do: "exchange", Bootstrap: s.addresses[w.listener], Protocol: protocolOf(w.listener),
		Mechanism: w.mechanism, User: w.user, Password: w.password, Topic: topic, Values: values,
	}
	c.PatienceMS = ofOthers.Milliseconds()
	if w.welcome {
		c.PatienceMS = ofTheWelcome.Milliseconds()
	}
	if strings.HasSuffix(c.Protocol, "SSL") {
		c.CA = s.file("ca.pem")
	}
	if w.certificate != "" {
		c.Certificate, c.Key = s.file(w.certificate+".pem"), s.file(w.certificate+".key")
	}
	if w.mechanism == bearerLogin {
		c.Token = unsignedToken(w.user, w.lifetime)
	}
	return c
}

// unsignedToken is one that nobody has signed, as Kafka takes it for development.
func unsignedToken(user string, lifetime time.Duration) string {
	now := time.Now()
	claims := fmt.Sprintf(`{"sub":%q,"iat":%d,"exp":%d}`, user, now.Add(-2*tokenLifetime).Unix(), now.Add(lifetime).Unix())
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"none"}`)) + "." + encode([]byte(claims)) + "."
}
