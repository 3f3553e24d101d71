package ssl

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ReadFile reads a file of key material, whole.
type ReadFile func(name string) ([]byte, error)

// The formats of stores, as ssl.keystore.type and ssl.truststore.type name them.
const (
	TypePEM    = "PEM"
	TypeJKS    = "JKS"
	TypePKCS12 = "PKCS12"
)

// KeyStore says where a listener's private key and certificate chain are.
type KeyStore struct {
	Type        string // ssl.keystore.type
	Location    string // ssl.keystore.location
	Password    string // ssl.keystore.password
	KeyPassword string // ssl.key.password
	// Key and Chain are PEM text in the settings themselves: ssl.keystore.key and
	// ssl.keystore.certificate.chain.
	Key, Chain string
}

// TrustStore says where the certificates are that vouch for clients.
type TrustStore struct {
	Type         string // ssl.truststore.type
	Location     string // ssl.truststore.location
	Password     string // ssl.truststore.password
	Certificates string // ssl.truststore.certificates: PEM text in the setting itself
}

// Check says what is wrong with the settings before any file is read; key is the
// setting to blame.
func (s KeyStore) Check() (key string, err error) {
	pem := isPEM(s.Type)
	switch {
	case s.Key == "" && s.Chain != "":
		return "ssl.keystore.certificate.chain", errors.New("a certificate chain is given and ssl.keystore.key, its private key, is not")
	case s.Key != "" && !pem:
		return "ssl.keystore.key", fmt.Errorf("a private key can be given in the settings with ssl.keystore.type=PEM only, which is %s", s.Type)
	case s.Key != "" && s.Chain == "":
		return "ssl.keystore.key", errors.New("a private key is given and ssl.keystore.certificate.chain, its certificates, is not")
	case s.Key != "" && s.Location != "":
		return "ssl.keystore.location", errors.New("a file is named while ssl.keystore.key holds the private key; one of the two is needed")
	case pem && s.Password != "":
		return "ssl.keystore.password", errors.New("a PEM store has no password; that of the private key is ssl.key.password")
	case pem:
		return "", nil
	case s.Location == "" && s.Password != "":
		return "ssl.keystore.password", errors.New("a password is given and ssl.keystore.location is not")
	case s.Location != "" && s.Password == "":
		return "ssl.keystore.location", errors.New("a file is named and ssl.keystore.password is not set")
	}
	return "ssl.keystore.type", knownType(s.Type)
}

// IsSet tells whether there is a key at all. Without one no client can connect.
func (s KeyStore) IsSet() bool { return s.Location != "" || s.Key != "" }

// IsSet tells whether there is a store; without one those are trusted whom the machine trusts.
func (s TrustStore) IsSet() bool { return s.Location != "" || s.Certificates != "" }

// Check says what is wrong with the settings before any file is read; key is the
// setting to blame.
func (s TrustStore) Check() (key string, err error) {
	pem := isPEM(s.Type)
	switch {
	case s.Certificates != "" && !pem:
		return "ssl.truststore.certificates", fmt.Errorf("certificates can be given in the settings with ssl.truststore.type=PEM only, which is %s", s.Type)
	case s.Certificates != "" && s.Location != "":
		return "ssl.truststore.location", errors.New("a file is named while ssl.truststore.certificates holds certificates; one of the two is needed")
	case pem && s.Password != "":
		return "ssl.truststore.password", errors.New("a PEM store has no password")
	case pem:
		return "", nil
	case s.Location == "" && s.Password != "":
		return "ssl.truststore.password", errors.New("a password is given and ssl.truststore.location is not")
	}
	return "ssl.truststore.type", knownType(s.Type)
}

func isPEM(kind string) bool { return strings.EqualFold(kind, TypePEM) }

func knownType(kind string) error {
	for _, known := range []string{TypePEM, TypeJKS, TypePKCS12} {
		if strings.EqualFold(kind, known) {
			return nil
		}
	}
	return fmt.Errorf("%q is no format of a store that is read here; there are PEM, JKS and PKCS12", kind)
}

// Open is the file in which the key lies as it is, so that whoever reads it has it; "" when
// it is encrypted, or in the settings.
func (s KeyStore) Open() string {
	if !isPEM(s.Type) || s.KeyPassword != "" || s.Key != "" {
		return ""
	}
	return s.Location
}

// Load reads the key and its certificates, the leaf first.
func (s KeyStore) Load(read ReadFile) (tls.Certificate, error) {
	if s.Key != "" {
		return pairOfPEM("ssl.keystore.key", []byte(s.Key), []byte(s.Chain), s.KeyPassword)
	}
	raw, err := read(s.Location)
	if err != nil {
		return tls.Certificate{}, err
	}
	if isPEM(s.Type) {
		return pairOfPEM(s.Location, raw, raw, s.KeyPassword)
	}
	keyPassword := s.KeyPassword
	if keyPassword == "" {
		keyPassword = s.Password // as Kafka does
	}
	decode := keyOfPKCS12
	if isJKS(raw) {
		decode = keyOfJKS
	}
	key, certificates, err := decode(raw, s.Password, keyPassword)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("the key store %s (ssl.keystore.location): %w", s.Location, err)
	}
	return pair(s.Location, key, certificates)
}

// Load reads the certificates; nil without a store, which leaves the choice to the
// system as Java leaves it to its own.
func (s TrustStore) Load(read ReadFile) ([]*x509.Certificate, error) {
	if s.Certificates != "" {
		return trustOfPEM("ssl.truststore.certificates", []byte(s.Certificates))
	}
	if s.Location == "" {
		return nil, nil
	}
	raw, err := read(s.Location)
	if err != nil {
		return nil, err
	}
	if isPEM(s.Type) {
		return trustOfPEM(s.Location, raw)
	}
	decode := trustOfPKCS12
	if isJKS(raw) {
		decode = trustOfJKS
	}
	certificates, err := decode(raw, s.Password)
	if err == nil && len(certificates) == 0 {
		err = errors.New("it holds no trusted certificate")
	}
	if err != nil {
		return nil, fmt.Errorf("the trust store %s (ssl.truststore.location): %w", s.Location, err)
	}
	return certificates, nil
}

func trustOfPEM(where string, text []byte) ([]*x509.Certificate, error) {
	certificates, err := certificatesOfPEM(text)
	if err == nil && len(certificates) == 0 {
		err = errors.New("it holds no certificate")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", where, err)
	}
	return certificates, nil
}

func pairOfPEM(where string, keyText, chainText []byte, password string) (tls.Certificate, error) {
	key, err := keyOfPEM(keyText, password)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("%s: %w", where, err)
	}
	certificates, err := certificatesOfPEM(chainText)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("%s: %w", where, err)
	}
	return pair(where, key, certificates)
}

// pair puts a key and its chain together. The order in a file says nothing: tools put
// a CA before what it has signed.
func pair(where string, key crypto.Signer, certificates []*x509.Certificate) (tls.Certificate, error) {
	chain := chainOf(key.Public(), certificates)
	if len(chain) == 0 {
		return tls.Certificate{}, fmt.Errorf("%s: none of its %d certificates is that of its private key", where, len(certificates))
	}
	made := tls.Certificate{PrivateKey: key, Leaf: chain[0]}
	for _, c := range chain {
		made.Certificate = append(made.Certificate, c.Raw)
	}
	return made, nil
}

// chainOf begins with the key's own certificate and goes on with who has signed it. Of
// several for the same key the one that is valid longest counts: they are renewals.
func chainOf(key crypto.PublicKey, certificates []*x509.Certificate) (chain []*x509.Certificate) {
	var own *x509.Certificate
	for _, c := range certificates {
		comparable, ok := c.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
		if ok && comparable.Equal(key) && (own == nil || c.NotAfter.After(own.NotAfter)) {
			own = c
		}
	}
	for next := own; next != nil; next = signerOf(next, chain, certificates) {
		chain = append(chain, next)
	}
	return chain
}

// signerOf finds who has signed c, by name and key identifier: whether the signature is
// good is the client's to judge, who may know algorithms that Go does not trust.
func signerOf(c *x509.Certificate, chain, certificates []*x509.Certificate) *x509.Certificate {
	if bytes.Equal(c.RawIssuer, c.RawSubject) {
		return nil
	}
	for _, s := range certificates {
		fits := len(c.AuthorityKeyId) == 0 || len(s.SubjectKeyId) == 0 || bytes.Equal(c.AuthorityKeyId, s.SubjectKeyId)
		if fits && bytes.Equal(s.RawSubject, c.RawIssuer) && !slices.ContainsFunc(chain, s.Equal) {
			return s
		}
	}
	return nil
}
