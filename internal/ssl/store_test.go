package ssl

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/pavlo-v-chernykh/keystore-go/v4"
	"github.com/youmark/pkcs8"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/barnabas-mq/barnabas/internal/ssltest"
)

// files stand in for those of the machine.
type files map[string][]byte

func (f files) read(name string) ([]byte, error) {
	raw, ok := f[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return raw, nil
}

func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func encryptedPEM(t *testing.T, key crypto.Signer, password string) []byte {
	der := must[[]byte](t)(pkcs8.MarshalPrivateKey(key, []byte(password), nil))
	return pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: der})
}

func jksCertificate(c *x509.Certificate) keystore.Certificate {
	return keystore.Certificate{Type: "X.509", Content: c.Raw}
}

// jks makes a store with a key under its own password, and trusted certificates.
func jks(t *testing.T, password, keyPassword string, pair *ssltest.Pair, trusted ...*x509.Certificate) []byte {
	store := keystore.New()
	if pair != nil {
		entry := keystore.PrivateKeyEntry{CreationTime: time.Unix(1, 0), CertificateChain: []keystore.Certificate{jksCertificate(pair.Certificate)}}
		for _, s := range pair.Signers {
			entry.CertificateChain = append(entry.CertificateChain, jksCertificate(s))
		}
		entry.PrivateKey = must[[]byte](t)(x509.MarshalPKCS8PrivateKey(pair.Key))
		if err := store.SetPrivateKeyEntry("server", entry, []byte(keyPassword)); err != nil {
			t.Fatal(err)
		}
	}
	for i, c := range trusted {
		entry := keystore.TrustedCertificateEntry{CreationTime: time.Unix(1, 0), Certificate: jksCertificate(c)}
		if err := store.SetTrustedCertificateEntry(fmt.Sprint("ca", i), entry); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if err := store.Store(&out, []byte(password)); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Every form of a key store gives the key with its chain, the leaf first, whatever the
// order in the file and whatever the setting calls the format.
func TestKeyStores(t *testing.T) {
	root := ssltest.NewAuthority("root")
	middle := root.Issue(ssltest.Want{Name: "middle", CA: true})
	server := middle.Issue(ssltest.Want{Name: "server"})
	rest := server.Signers
	turned := append([]*x509.Certificate{root.Certificate, middle.Certificate}, server.Certificate)
	var turnedPEM string
	for _, c := range turned {
		turnedPEM += ssltest.Pair{Certificate: c}.CertificatePEM()
	}
	older := must[[]byte](t)(pkcs12.LegacyRC2.Encode(server.Key, server.Certificate, rest, "secret"))
	newer := must[[]byte](t)(pkcs12.Modern.Encode(server.Key, turned[0], turned[1:], "secret"))
	f := files{
		"pem":       []byte(server.KeyPEM() + server.ChainPEM()),
		"turned":    []byte(turnedPEM + server.KeyPEM()),
		"encrypted": append(encryptedPEM(t, server.Key, "key secret"), server.ChainPEM()...),
		"jks":       jks(t, "secret", "key secret", &server, root.Certificate),
		"jks same":  jks(t, "secret", "secret", &server),
		"older.p12": older, "newer.p12": newer,
	}
	for _, c := range []struct {
		name  string
		store KeyStore
	}{
		{"PEM", KeyStore{Type: "pem", Location: "pem"}},
		{"PEM, CA first", KeyStore{Type: "PEM", Location: "turned"}},
		{"PEM, encrypted", KeyStore{Type: "PEM", Location: "encrypted", KeyPassword: "key secret"}},
		{"PEM in the settings", KeyStore{Type: "PEM", Key: server.KeyPEM(), Chain: server.ChainPEM()}},
		{"JKS, key with a password of its own", KeyStore{Type: "JKS", Location: "jks", Password: "secret", KeyPassword: "key secret"}},
		{"JKS, one password", KeyStore{Type: "JKS", Location: "jks same", Password: "secret"}},
		{"JKS that is called PKCS12", KeyStore{Type: "PKCS12", Location: "jks same", Password: "secret"}},
		{"PKCS12 of old tools", KeyStore{Type: "PKCS12", Location: "older.p12", Password: "secret"}},
		{"PKCS12, CA first", KeyStore{Type: "PKCS12", Location: "newer.p12", Password: "secret"}},
		{"PKCS12 that is called JKS", KeyStore{Type: "JKS", Location: "older.p12", Password: "secret"}},
	} {
		if key, err := c.store.Check(); err != nil {
			t.Errorf("%s: %s: %v", c.name, key, err)
		}
		got, err := c.store.Load(f.read)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		want := [][]byte{server.Certificate.Raw, middle.Certificate.Raw, root.Certificate.Raw}
		if !slicesEqual(got.Certificate, want) || !got.Leaf.Equal(server.Certificate) {
			t.Errorf("%s: the chain has %d certificates and begins with %v", c.name, len(got.Certificate), got.Leaf.Subject)
		}
	}
}

func slicesEqual(a, b [][]byte) bool { return bytes.Equal(bytes.Join(a, nil), bytes.Join(b, nil)) }

func TestTrustStores(t *testing.T) {
	root, other := ssltest.NewAuthority("root"), ssltest.NewAuthority("other")
	server := root.Issue(ssltest.Want{Name: "server"})
	f := files{
		"pem":     []byte(root.CertificatePEM() + other.CertificatePEM()),
		"jks":     jks(t, "secret", "secret", nil, root.Certificate, other.Certificate),
		"jks key": jks(t, "secret", "secret", &server, root.Certificate),
		"p12":     must[[]byte](t)(pkcs12.Modern.EncodeTrustStore([]*x509.Certificate{root.Certificate, other.Certificate}, "secret")),
		"p12 key": must[[]byte](t)(pkcs12.Modern.Encode(server.Key, server.Certificate, []*x509.Certificate{root.Certificate}, "secret")),
	}
	for _, c := range []struct {
		name  string
		store TrustStore
		want  string
	}{
		{"PEM", TrustStore{Type: "PEM", Location: "pem"}, "root other"},
		{"PEM in the settings", TrustStore{Type: "PEM", Certificates: other.CertificatePEM()}, "other"},
		{"JKS", TrustStore{Type: "JKS", Location: "jks", Password: "secret"}, "root other"},
		{"JKS without its password", TrustStore{Type: "JKS", Location: "jks"}, "root other"},
		{"JKS with a key: that too", TrustStore{Type: "JKS", Location: "jks key", Password: "secret"}, "root server"},
		{"PKCS12", TrustStore{Type: "PKCS12", Location: "p12", Password: "secret"}, "root other"},
		{"PKCS12 of a key: not its signers", TrustStore{Type: "PKCS12", Location: "p12 key", Password: "secret"}, "server"},
	} {
		if key, err := c.store.Check(); err != nil {
			t.Errorf("%s: %s: %v", c.name, key, err)
		}
		certificates, err := c.store.Load(f.read)
		var names []string
		for _, one := range certificates {
			names = append(names, one.Subject.CommonName)
		}
		if got := strings.Join(names, " "); err != nil || got != c.want {
			t.Errorf("%s: %q, %v; want %q", c.name, got, err, c.want)
		}
	}
	if certificates, err := (TrustStore{Type: "JKS"}).Load(f.read); certificates != nil || err != nil {
		t.Errorf("without a store: %v, %v", certificates, err)
	}
}

// What is wrong is said with the file or the setting, and never with a secret.
func TestBadStores(t *testing.T) {
	root := ssltest.NewAuthority("root")
	server, other := root.Issue(ssltest.Want{Name: "server"}), root.Issue(ssltest.Want{Name: "other"})
	store := jks(t, "secret", "key secret", &server)
	both := must[[]byte](t)(pkcs12.Modern.Encode(server.Key, server.Certificate, []*x509.Certificate{other.Certificate}, "secret"))
	f := files{
		"no key": []byte(root.CertificatePEM()), "no certificate": []byte(server.KeyPEM()), "junk": []byte("junk"), "jks": store, "cut": store[:len(store)-3],
		"encrypted": append(encryptedPEM(t, server.Key, "key secret"), server.ChainPEM()...), "only trust": jks(t, "secret", "", nil, root.Certificate), "both": both,
		"bad certificate": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")}),
	}
	keys := func(s KeyStore) error {
		if _, err := s.Check(); err != nil {
			return err
		}
		_, err := s.Load(f.read)
		return err
	}
	trust := func(s TrustStore) error {
		if _, err := s.Check(); err != nil {
			return err
		}
		_, err := s.Load(f.read)
		return err
	}
	for _, c := range []struct {
		err  error
		want string
	}{
		{keys(KeyStore{Type: "PEM", Location: "nowhere"}), "nowhere"},
		{keys(KeyStore{Type: "PEM", Location: "no key"}), "no private key"},
		{keys(KeyStore{Type: "PEM", Location: "no certificate"}), "none of its 0 certificates"},
		{keys(KeyStore{Type: "PEM", Key: server.KeyPEM(), Chain: other.ChainPEM()}), "ssl.keystore.key: none of its 2 certificates"},
		{keys(KeyStore{Type: "PEM", Key: server.KeyPEM()}), "ssl.keystore.certificate.chain"},
		{keys(KeyStore{Type: "PEM", Chain: server.ChainPEM()}), "ssl.keystore.key"},
		{keys(KeyStore{Type: "JKS", Key: server.KeyPEM(), Chain: server.ChainPEM()}), "PEM only"},
		{keys(KeyStore{Type: "PEM", Key: server.KeyPEM(), Chain: server.ChainPEM(), Location: "jks"}), "one of the two"},
		{keys(KeyStore{Type: "PEM", Location: "encrypted"}), "ssl.key.password is not set"},
		{keys(KeyStore{Type: "PEM", Location: "encrypted", KeyPassword: "wrong"}), "cannot be decrypted"},
		{keys(KeyStore{Type: "PEM", Location: "encrypted", Password: "secret"}), "PEM store has no password"},
		{keys(KeyStore{Type: "JKS", Location: "jks"}), "ssl.keystore.password is not set"},
		{keys(KeyStore{Type: "JKS", Password: "secret"}), "ssl.keystore.location is not"},
		{keys(KeyStore{Type: "JKS", Location: "jks", Password: "wrong"}), "its password is wrong"},
		{keys(KeyStore{Type: "JKS", Location: "jks", Password: "secret", KeyPassword: "wrong"}), `the key "server"`},
		{keys(KeyStore{Type: "JKS", Location: "cut", Password: "secret"}), "damaged"},
		{keys(KeyStore{Type: "JKS", Location: "only trust", Password: "secret"}), "no private key"},
		{keys(KeyStore{Type: "JKS", Location: "junk", Password: "secret"}), "junk (ssl.keystore.location)"},
		{keys(KeyStore{Type: "PKCS12", Location: "both", Password: "wrong"}), "its password is wrong"},
		{keys(KeyStore{Type: "BCFKS", Location: "jks", Password: "secret"}), "there are PEM, JKS and PKCS12"},
		{trust(TrustStore{Type: "PEM", Location: "junk"}), "no certificate"},
		{trust(TrustStore{Type: "PEM", Location: "bad certificate"}), "its certificate 1"},
		{trust(TrustStore{Type: "PEM", Location: "nowhere"}), "nowhere"},
		{trust(TrustStore{Type: "PEM", Location: "junk", Password: "secret"}), "has no password"},
		{trust(TrustStore{Type: "JKS", Certificates: root.CertificatePEM()}), "PEM only"},
		{trust(TrustStore{Type: "PEM", Location: "junk", Certificates: root.CertificatePEM()}), "one of the two"},
		{trust(TrustStore{Type: "JKS", Location: "jks", Password: "wrong"}), "its password is wrong"},
		{trust(TrustStore{Type: "JKS", Password: "secret"}), "ssl.truststore.location is not"},
		{trust(TrustStore{Type: "JKS", Location: "both", Password: "secret"}), "beside other certificates"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("%v; want something of %q", c.err, c.want)
		} else if text := c.err.Error(); strings.Contains(text, "secret") || strings.Contains(text, "BEGIN") {
			t.Errorf("a secret is told: %v", c.err)
		}
	}
}
