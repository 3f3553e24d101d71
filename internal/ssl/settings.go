package ssl

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ClientAuth is ssl.client.auth: what is asked of a client's certificate.
type ClientAuth string

// The values of ssl.client.auth. A certificate that a client shows is verified even
// where none is required.
const (
	ClientAuthNone      ClientAuth = "none"
	ClientAuthRequested ClientAuth = "requested"
	ClientAuthRequired  ClientAuth = "required"
)

// Settings are those of one listener.
type Settings struct {
	Keys       KeyStore
	Trust      TrustStore
	ClientAuth ClientAuth
	// Protocols is ssl.enabled.protocols: TLSv1.2, TLSv1.3.
	Protocols []string
	// Ciphers is ssl.cipher.suites by their standard names; empty leaves the choice to Go.
	Ciphers []string
	// DNChanges and SANChanges allow the certificate's name, or its other names, to
	// change while the listener is open: ssl.allow.dn.changes, ssl.allow.san.changes.
	DNChanges, SANChanges bool
}

// Check says what is wrong with the settings before any file is read; key is the
// setting to blame.
func (s Settings) Check() (key string, err error) {
	_, key, err = s.judge()
	return key, err
}

// judge is Check, and gives what needs no file.
func (s Settings) judge() (c *tls.Config, key string, err error) {
	if key, err := s.Keys.Check(); err != nil {
		return nil, key, err
	}
	if key, err := s.Trust.Check(); err != nil {
		return nil, key, err
	}
	if !s.Keys.IsSet() {
		return nil, "ssl.keystore.location", errors.New("a listener with TLS needs a key: name a file here, or set ssl.keystore.type=PEM, ssl.keystore.key and ssl.keystore.certificate.chain")
	}
	if _, _, err := s.versions(); err != nil {
		return nil, "ssl.enabled.protocols", err
	}
	if c, err = s.config(); err != nil {
		return nil, "ssl.cipher.suites", err
	}
	return c, "", nil
}

var versionNames = map[string]uint16{"TLSV1.2": tls.VersionTLS12, "TLSV1.3": tls.VersionTLS13}

// versions are the oldest and the newest that are served. Older ones than 1.2 are
// passed over, as Java's own settings do with them.
func (s Settings) versions() (oldest, newest uint16, err error) {
	for _, name := range s.Protocols {
		v, known := versionNames[strings.ToUpper(name)]
		if !known {
			if !slices.ContainsFunc([]string{"TLSv1", "TLSv1.1", "SSLv3", "SSLv2Hello"}, func(old string) bool { return strings.EqualFold(name, old) }) {
				return 0, 0, fmt.Errorf("%q is no version of TLS", name)
			}
			continue
		}
		if oldest == 0 || v < oldest {
			oldest = v
		}
		newest = max(newest, v)
	}
	if newest == 0 {
		return 0, 0, errors.New("none of them is served; there are TLSv1.2 and TLSv1.3")
	}
	return oldest, newest, nil
}

// config is what needs no file: versions, cipher suites, what is asked of clients.
func (s Settings) config() (*tls.Config, error) {
	oldest, newest, err := s.versions()
	if err != nil {
		return nil, err
	}
	c := &tls.Config{
		MinVersion: oldest, MaxVersion: newest,
		// Answers are long: a record of its own for each kilobyte at the start costs more
		// than the first byte's earlier arrival is worth.
		DynamicRecordSizingDisabled: true,
		// A ticket would let a client back in by what was verified hours ago: its certificate
		// may have expired since, or nobody may vouch for it any more.
		SessionTicketsDisabled: true,
	}
	switch s.ClientAuth {
	case ClientAuthNone:
	case ClientAuthRequested:
		c.ClientAuth = tls.VerifyClientCertIfGiven
	case ClientAuthRequired:
		c.ClientAuth = tls.RequireAndVerifyClientCert
	default: // never less than was asked for
		return nil, fmt.Errorf("%q is no value of ssl.client.auth", s.ClientAuth)
	}
	if len(s.Ciphers) == 0 {
		return c, nil
	}
	return c, s.chooseCiphers(c)
}

// chooseCiphers takes those of the suites that Go has. The suites of TLS 1.3 cannot be
// chosen among: with none of them there is no 1.3, with nothing else there is only 1.3.
func (s Settings) chooseCiphers(c *tls.Config) error {
	known := append(tls.CipherSuites(), tls.InsecureCipherSuites()...)
	newer, listed := false, false
	for _, name := range s.Ciphers {
		at := slices.IndexFunc(known, func(k *tls.CipherSuite) bool { return strings.EqualFold(k.Name, name) })
		if at < 0 {
			continue
		}
		if slices.Contains(known[at].SupportedVersions, tls.VersionTLS13) {
			newer = true
			continue
		}
		listed = true
		c.CipherSuites = append(c.CipherSuites, known[at].ID)
	}
	switch {
	case !newer && !listed:
		return fmt.Errorf("none of %s is known here", strings.Join(s.Ciphers, ", "))
	case !newer:
		c.MaxVersion = min(c.MaxVersion, tls.VersionTLS12)
	case !listed:
		c.MinVersion = tls.VersionTLS13
	}
	if c.MinVersion > c.MaxVersion {
		return errors.New("none of them belongs to a version of ssl.enabled.protocols")
	}
	return nil
}

// trustLocation is the trust store's file, if clients are asked for certificates.
func (s Settings) trustLocation() string {
	if s.ClientAuth == ClientAuthNone {
		return ""
	}
	return s.Trust.Location
}

// load reads the files.
func (s Settings) load(read ReadFile) (*tls.Config, error) {
	c, key, err := s.judge()
	if err != nil {
		return nil, keyed(key, err)
	}
	certificate, err := s.Keys.Load(read)
	if err != nil {
		return nil, err
	}
	c.Certificates = []tls.Certificate{certificate}
	if c.ClientAuth == tls.NoClientCert {
		return c, nil
	}
	trusted, err := s.Trust.Load(read)
	if err != nil || trusted == nil {
		return c, err // without a store: those that the system trusts
	}
	c.ClientCAs = x509.NewCertPool()
	for _, t := range trusted {
		c.ClientCAs.AddCert(t)
	}
	return c, nil
}
