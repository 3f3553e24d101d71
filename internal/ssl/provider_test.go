package ssl

import (
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/internal/ssltest"
)

// pemSettings are those of a listener with keys in PEM form in two files.
func pemSettings(auth ClientAuth) Settings {
	return Settings{
		Keys: KeyStore{Type: "PEM", Location: "keys"}, Trust: TrustStore{Type: "PEM", Location: "trust"},
		ClientAuth: auth, Protocols: []string{"TLSv1.2", "TLSv1.3"},
	}
}

func pemFiles(server, trusted ssltest.Pair) files {
	return files{"keys": []byte(server.KeyPEM() + server.ChainPEM()), "trust": []byte(trusted.CertificatePEM())}
}

// shake connects a client and tells what each side made of it.
func shake(p *Provider, client *tls.Config) (state tls.ConnectionState, serverErr, clientErr error) {
	near, far := net.Pipe()
	for _, end := range []net.Conn{near, far} {
		_ = end.SetDeadline(time.Now().Add(20 * time.Second)) // a broken test ends
	}
	served := make(chan error, 1)
	var s *tls.Conn
	go func() {
		s = tls.Server(far, p.Config())
		err := s.Handshake()
		if err == nil {
			_, err = s.Write([]byte("x"))
		}
		if err != nil {
			_ = far.Close()
		}
		served <- err
	}()
	c := tls.Client(near, client)
	if _, err := io.ReadFull(c, make([]byte, 1)); err != nil { // a refusal of the certificate comes after TLS 1.3's handshake
		clientErr = err
	}
	if clientErr != nil {
		_ = near.Close()
	}
	serverErr = <-served
	_ = near.Close()
	if serverErr == nil {
		state = s.ConnectionState()
	}
	return state, serverErr, clientErr
}

func TestHandshakes(t *testing.T) {
	root, strangers := ssltest.NewAuthority("root"), ssltest.NewAuthority("strangers")
	server := root.Issue(ssltest.Want{Name: "server"})
	friend, stranger := root.Issue(ssltest.Want{Name: "friend"}), strangers.Issue(ssltest.Want{Name: "stranger"})
	expired := root.Issue(ssltest.Want{Name: "expired", Expired: true})
	only := func(v uint16) func(*tls.Config) { return func(c *tls.Config) { c.MinVersion, c.MaxVersion = v, v } }
	for _, c := range []struct {
		name   string
		change func(*Settings)
		own    *ssltest.Pair
		client func(*tls.Config)
		ok     bool
		peer   string // who the server sees
	}{
		{"nobody asks for a certificate", nil, nil, nil, true, ""},
		{"nobody asks, a stranger shows one", nil, &stranger, nil, true, ""},
		{"requested and not shown", func(s *Settings) { s.ClientAuth = ClientAuthRequested }, nil, nil, true, ""},
		{"requested and shown", func(s *Settings) { s.ClientAuth = ClientAuthRequested }, &friend, nil, true, "friend"},
		{"requested, a stranger's", func(s *Settings) { s.ClientAuth = ClientAuthRequested }, &stranger, nil, false, ""},
		{"required and not shown", func(s *Settings) { s.ClientAuth = ClientAuthRequired }, nil, nil, false, ""},
		{"required and shown", func(s *Settings) { s.ClientAuth = ClientAuthRequired }, &friend, nil, true, "friend"},
		{"required and expired", func(s *Settings) { s.ClientAuth = ClientAuthRequired }, &expired, nil, false, ""},
		{"required, shown with TLS 1.2", func(s *Settings) { s.ClientAuth = ClientAuthRequired }, &friend, only(tls.VersionTLS12), true, "friend"},
		{"TLS 1.2 where there is 1.3 only", func(s *Settings) { s.Protocols = []string{"TLSv1.3"} }, nil, only(tls.VersionTLS12), false, ""},
		{"TLS 1.3 where there is 1.2 only", func(s *Settings) { s.Protocols = []string{"TLSv1.2"} }, nil, only(tls.VersionTLS13), false, ""},
		{"TLS 1.1", nil, nil, only(tls.VersionTLS11), false, ""},
		{"a suite of 1.2 leaves out 1.3", func(s *Settings) { s.Ciphers = []string{"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"} }, nil, only(tls.VersionTLS13), false, ""},
		{"that suite", func(s *Settings) {
			s.Ciphers = []string{"TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"}
		}, nil, only(tls.VersionTLS12), true, ""},
		{"another suite", func(s *Settings) { s.Ciphers = []string{"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"} }, nil, func(c *tls.Config) {
			only(tls.VersionTLS12)(c)
			c.CipherSuites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384}
		}, false, ""},
	} {
		s := pemSettings(ClientAuthNone)
		if c.change != nil {
			c.change(&s)
		}
		if key, err := s.Check(); err != nil {
			t.Errorf("%s: %s: %v", c.name, key, err)
			continue
		}
		p := NewProvider(pemFiles(server, root).read)
		if err := p.Use(s); err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		client := ssltest.Client(root, c.own)
		if c.client != nil {
			c.client(client)
		}
		state, serverErr, clientErr := shake(p, client)
		if ok := serverErr == nil && clientErr == nil; ok != c.ok {
			t.Errorf("%s: the server says %v, the client %v", c.name, serverErr, clientErr)
			continue
		}
		peer := ""
		if len(state.VerifiedChains) > 0 {
			peer = state.PeerCertificates[0].Subject.CommonName
		}
		if peer != c.peer {
			t.Errorf("%s: the server sees %q, want %q", c.name, peer, c.peer)
		}
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Settings)
		key    string
	}{
		{"all is well", func(*Settings) {}, ""},
		{"no key", func(s *Settings) { s.Keys = KeyStore{Type: "JKS"} }, "ssl.keystore.location"},
		{"trust in two places", func(s *Settings) { s.Trust.Certificates = "x" }, "ssl.truststore.location"},
		{"an unknown version", func(s *Settings) { s.Protocols = []string{"TLSv1.4"} }, "ssl.enabled.protocols"},
		{"only old versions", func(s *Settings) { s.Protocols = []string{"TLSv1", "TLSv1.1"} }, "ssl.enabled.protocols"},
		{"an old version beside", func(s *Settings) { s.Protocols = []string{"TLSv1.1", "TLSv1.2"} }, ""},
		{"unknown suites", func(s *Settings) { s.Ciphers = []string{"TLS_X"} }, "ssl.cipher.suites"},
		{"nothing that is asked of clients", func(s *Settings) { s.ClientAuth = "" }, "ssl.cipher.suites"},
		{"suites of a version that is off", func(s *Settings) {
			s.Protocols, s.Ciphers = []string{"TLSv1.2"}, []string{"TLS_AES_128_GCM_SHA256"}
		}, "ssl.cipher.suites"},
	} {
		s := pemSettings(ClientAuthNone)
		c.change(&s)
		if key, err := s.Check(); (err != nil) != (c.key != "") || err != nil && key != c.key {
			t.Errorf("%s: %q, %v; want %q", c.name, key, err, c.key)
		}
	}
}

// New files are used for new connections; what cannot be used leaves the old ones, and
// so does another name. What is asked of clients stays as it is.
func TestReload(t *testing.T) {
	root, next := ssltest.NewAuthority("root"), ssltest.NewAuthority("next")
	first, second := root.Issue(ssltest.Want{Name: "server"}), root.Issue(ssltest.Want{Name: "SERVER"})
	friend, nextFriend := root.Issue(ssltest.Want{Name: "friend"}), next.Issue(ssltest.Want{Name: "friend"})
	f := pemFiles(first, root)
	p := NewProvider(f.read)
	if _, serverErr, _ := shake(p, ssltest.Client(root, &friend)); serverErr == nil {
		t.Error("a listener without a key serves")
	}
	if err := p.Use(pemSettings(ClientAuthRequired)); err != nil {
		t.Fatal(err)
	}
	serves := func(want ssltest.Pair, client ssltest.Pair, ok bool) {
		t.Helper()
		config := ssltest.Client(root, &client)
		var seen string
		config.VerifyConnection = func(s tls.ConnectionState) error {
			seen = s.PeerCertificates[0].SerialNumber.String()
			return nil
		}
		_, serverErr, clientErr := shake(p, config)
		if (serverErr == nil && clientErr == nil) != ok {
			t.Errorf("served %v, want %v: %v, %v", !ok, ok, serverErr, clientErr)
		}
		if want := want.Certificate.SerialNumber.String(); seen != want {
			t.Errorf("certificate %s is shown, want %s", seen, want)
		}
	}
	reload := func(changed bool, fault string) {
		t.Helper()
		got, err := p.Reload()
		if got != changed || (err != nil) != (fault != "") || err != nil && !strings.Contains(err.Error(), fault) {
			t.Errorf("reload: %v, %v; want %v, %q", got, err, changed, fault)
		}
	}
	serves(first, friend, true)
	reload(false, "")
	f["keys"] = []byte(second.KeyPEM() + second.ChainPEM()) // of the same name, to Java
	reload(true, "")
	serves(second, friend, true)
	f["keys"] = []byte("cut off")
	reload(false, "no private key")
	delete(f, "keys")
	reload(false, "ssl.keystore.location")
	renamed := root.Issue(ssltest.Want{Name: "server of another name"})
	f["keys"] = []byte(renamed.KeyPEM() + renamed.ChainPEM())
	reload(false, "ssl.allow.dn.changes")
	moved := root.Issue(ssltest.Want{Name: "server", Hosts: []string{"localhost"}})
	f["keys"] = []byte(moved.KeyPEM() + moved.ChainPEM())
	reload(false, "127.0.0.1")
	serves(second, friend, true)
	// Neither what is asked of clients nor what allows names to change comes by Change.
	open := pemSettings(ClientAuthNone)
	open.SANChanges, open.DNChanges = true, true
	if err := p.Change(open); err == nil {
		t.Error("names may change by a change that allows it")
	}
	f["keys"] = []byte(second.KeyPEM() + second.ChainPEM())
	if err := p.Change(open); err != nil {
		t.Error(err)
	}
	stranger := next.Issue(ssltest.Want{Name: "stranger"})
	serves(second, stranger, false)
	untrusting := pemSettings(ClientAuthRequired)
	untrusting.Trust = TrustStore{Type: "PEM"}
	if err := p.Check(untrusting); err == nil {
		t.Error("the trust store may go, and everybody whom the machine trusts come in")
	}
	f["trust"] = []byte(next.CertificatePEM())
	reload(true, "")
	serves(second, friend, false)
	serves(second, nextFriend, true)
	inline := pemSettings(ClientAuthRequired)
	inline.Trust = TrustStore{Type: "PEM", Certificates: root.CertificatePEM()}
	if err := p.Check(inline); err != nil {
		t.Error(err)
	}
	if err := p.Change(inline); err != nil {
		t.Error(err)
	}
	serves(second, friend, true)
	allowed := pemSettings(ClientAuthRequired)
	allowed.SANChanges = true
	f["keys"], f["trust"] = []byte(moved.KeyPEM()+moved.ChainPEM()), []byte(root.CertificatePEM())
	if err := p.Use(allowed); err != nil {
		t.Error(err)
	}
	serves(moved, friend, true)
}

// Of two certificates of one key the one that is valid longer is shown.
func TestRenewalsOfAKey(t *testing.T) {
	root := ssltest.NewAuthority("root")
	server := root.Issue(ssltest.Want{Name: "server"})
	old := root.Issue(ssltest.Want{Name: "server", Expired: true, Key: server.Key})
	for _, text := range []string{old.CertificatePEM() + server.ChainPEM(), server.ChainPEM() + old.CertificatePEM()} {
		got, err := (KeyStore{Type: "PEM", Key: server.KeyPEM(), Chain: text}).Load(nil)
		if err != nil || !got.Leaf.Equal(server.Certificate) || len(got.Certificate) != 2 {
			t.Errorf("%d certificates, %v", len(got.Certificate), err)
		}
	}
}
