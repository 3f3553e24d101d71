// Package ssltest makes certificates for tests: an authority, and what it signs. The
// keys are elliptic, which are made in no time, and the certificates are valid around
// the present, because TLS asks the real clock.
package ssltest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"sync/atomic"
	"time"
)

// Pair is a private key and its certificate.
type Pair struct {
	Key         crypto.Signer
	Certificate *x509.Certificate
	// Signers are those above it, the root last.
	Signers []*x509.Certificate
}

// Want says how a certificate is to be.
type Want struct {
	Name string // the common name
	// Hosts are its alternative names, localhost and 127.0.0.1 when there are none.
	Hosts []string
	// Expired ended an hour ago.
	Expired bool
	// CA may sign others.
	CA bool
	// Key is the private key, a new one when there is none.
	Key crypto.Signer
}

var serial atomic.Int64

// NewAuthority makes a root.
func NewAuthority(name string) Pair { return issue(Want{Name: name, CA: true}, nil) }

// Issue makes a certificate that p has signed.
func (p Pair) Issue(w Want) Pair { return issue(w, &p) }

func issue(w Want, by *Pair) Pair {
	key := w.Key
	if key == nil {
		key = must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial.Add(1)),
		Subject:      pkix.Name{CommonName: w.Name, OrganizationalUnit: []string{"Tests"}, Organization: []string{"Barnabas"}},
		NotBefore:    now.Add(-48 * time.Hour), NotAfter: now.Add(48 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true,
	}
	if w.Expired {
		template.NotAfter = now.Add(-time.Hour)
	}
	if w.CA {
		template.IsCA, template.KeyUsage = true, x509.KeyUsageCertSign
	} else if len(w.Hosts) == 0 {
		w.Hosts = []string{"localhost", "127.0.0.1"}
	}
	for _, h := range w.Hosts {
		if ip := net.ParseIP(h); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, h)
		}
	}
	parent, signer := template, key
	var signers []*x509.Certificate
	if by != nil {
		parent, signer = by.Certificate, by.Key
		signers = append([]*x509.Certificate{by.Certificate}, by.Signers...)
	}
	raw := must(x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer))
	return Pair{Key: key, Certificate: must(x509.ParseCertificate(raw)), Signers: signers}
}

// KeyPEM is the private key, PKCS8.
func (p Pair) KeyPEM() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(p.Key))}))
}

// ChainPEM is the certificate and those above it.
func (p Pair) ChainPEM() string {
	text := p.CertificatePEM()
	for _, s := range p.Signers {
		text += Pair{Certificate: s}.CertificatePEM()
	}
	return text
}

// CertificatePEM is the certificate alone.
func (p Pair) CertificatePEM() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.Certificate.Raw}))
}

// Client is what a client needs that trusts root and shows own, if there is one.
func Client(root Pair, own *Pair) *tls.Config {
	c := &tls.Config{RootCAs: x509.NewCertPool(), ServerName: "localhost"}
	c.RootCAs.AddCert(root.Certificate)
	if own != nil {
		// Not as Certificates: of those it shows none that the broker would not trust.
		shown := &tls.Certificate{Certificate: [][]byte{own.Certificate.Raw}, PrivateKey: own.Key}
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return shown, nil }
	}
	return c
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err) // the system has no randomness left
	}
	return v
}
