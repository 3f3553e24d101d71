package ssl

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
)

// Client is what a client's ssl.* settings come to. Without a trust store it trusts
// whom the system trusts, and without a key store it shows no certificate. checkHost is
// ssl.endpoint.identification.algorithm=https: the broker's certificate must be of the
// name that was dialled, which is the config's ServerName.
func Client(s Settings, checkHost bool, read ReadFile) (*tls.Config, error) {
	if key, err := s.Keys.Check(); err != nil && s.Keys != (KeyStore{Type: s.Keys.Type}) {
		return nil, keyed(key, err)
	}
	if key, err := s.Trust.Check(); err != nil {
		return nil, keyed(key, err)
	}
	s.ClientAuth = ClientAuthNone
	c, err := s.config()
	if err != nil {
		return nil, err
	}
	if s.Keys.IsSet() {
		certificate, err := s.Keys.Load(read)
		if err != nil {
			return nil, err
		}
		c.Certificates = []tls.Certificate{certificate}
	}
	trusted, err := s.Trust.Load(read)
	if err != nil {
		return nil, err
	}
	if trusted != nil {
		c.RootCAs = x509.NewCertPool()
		for _, t := range trusted {
			c.RootCAs.AddCert(t)
		}
	}
	if !checkHost {
		roots := c.RootCAs
		c.InsecureSkipVerify = true // of the name; who vouches for it is looked at below
		c.VerifyConnection = func(state tls.ConnectionState) error { return verifyChain(state, roots) }
	}
	return c, nil
}

// verifyChain is what TLS itself verifies, but for the name.
func verifyChain(state tls.ConnectionState, roots *x509.CertPool) error {
	if len(state.PeerCertificates) == 0 {
		return errors.New("the broker shows no certificate")
	}
	others := x509.NewCertPool()
	for _, c := range state.PeerCertificates[1:] {
		others.AddCert(c)
	}
	_, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: others})
	return err
}

func keyed(key string, err error) error { return errors.New(key + ": " + err.Error()) }
