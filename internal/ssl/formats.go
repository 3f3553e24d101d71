package ssl

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/pavlo-v-chernykh/keystore-go/v4"
	"github.com/youmark/pkcs8"
	"software.sslmate.com/src/go-pkcs12"
)

// keyOfPEM finds the private key in a PEM text: PKCS8, encrypted or not, as Kafka wants
// it, and the older forms that openssl writes.
func keyOfPEM(text []byte, password string) (crypto.Signer, error) {
	for rest := text; ; {
		block, after := pem.Decode(rest)
		if block == nil {
			return nil, errors.New("it holds no private key in PEM form")
		}
		rest = after
		var key any
		var err error
		switch block.Type {
		case "PRIVATE KEY":
			key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
		case "ENCRYPTED PRIVATE KEY":
			if password == "" {
				return nil, errors.New("its private key is encrypted and ssl.key.password is not set")
			}
			if key, _, err = pkcs8.ParsePrivateKey(block.Bytes, []byte(password)); err != nil {
				err = fmt.Errorf("its private key cannot be decrypted with ssl.key.password: %w", err)
			}
		case "RSA PRIVATE KEY":
			key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
		case "EC PRIVATE KEY":
			key, err = x509.ParseECPrivateKey(block.Bytes)
		default:
			continue
		}
		if err != nil {
			return nil, err
		}
		return signer(key)
	}
}

func signer(key any) (crypto.Signer, error) {
	s, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("its private key is of a kind (%T) that TLS has no use for", key)
	}
	return s, nil
}

func certificatesOfPEM(text []byte) (all []*x509.Certificate, err error) {
	for rest := text; ; {
		block, after := pem.Decode(rest)
		if block == nil {
			return all, nil
		}
		rest = after
		if block.Type != "CERTIFICATE" && block.Type != "X509 CERTIFICATE" && block.Type != "TRUSTED CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("its certificate %d: %w", len(all)+1, err)
		}
		all = append(all, c)
	}
}

// isJKS looks at the file, not at the setting: Java reads either format under either
// name, and keytool writes PKCS12 into files that people call keystore.jks.
func isJKS(raw []byte) bool { return bytes.HasPrefix(raw, []byte{0xFE, 0xED, 0xFE, 0xED}) }

func openJKS(raw []byte, password string) (keystore.KeyStore, error) {
	store := keystore.New(keystore.WithOrderedAliases())
	err := store.Load(bytes.NewReader(raw), []byte(password))
	if err != nil && password == "" && strings.Contains(err.Error(), "invalid digest") {
		err = nil // without a password nothing vouches for the file, as in Java; it was read all the same
	}
	if err != nil {
		err = fmt.Errorf("it is damaged, or its password is wrong: %w", err)
	}
	return store, err
}

// keyOfJKS is the first key by alias, which is the one that Java's key manager picks
// when there are several of a kind.
func keyOfJKS(raw []byte, password, keyPassword string) (crypto.Signer, []*x509.Certificate, error) {
	store, err := openJKS(raw, password)
	if err != nil {
		return nil, nil, err
	}
	for _, alias := range store.Aliases() {
		if !store.IsPrivateKeyEntry(alias) {
			continue
		}
		entry, err := store.GetPrivateKeyEntry(alias, []byte(keyPassword))
		if err != nil {
			return nil, nil, fmt.Errorf("the key %q cannot be decrypted with its password (ssl.key.password): %w", alias, err)
		}
		key, err := x509.ParsePKCS8PrivateKey(entry.PrivateKey)
		if err != nil {
			return nil, nil, fmt.Errorf("the key %q: %w", alias, err)
		}
		s, err := signer(key)
		if err != nil {
			return nil, nil, err
		}
		certificates, err := certificatesOfJKS(entry.CertificateChain)
		return s, certificates, err
	}
	return nil, nil, errors.New("it holds no private key")
}

func certificatesOfJKS(raw []keystore.Certificate) (all []*x509.Certificate, err error) {
	for _, one := range raw {
		c, err := x509.ParseCertificate(one.Content)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

// trustOfJKS are the trusted certificates, and of the keys their own (Java's
// TrustStoreUtil).
func trustOfJKS(raw []byte, password string) (all []*x509.Certificate, err error) {
	store, err := openJKS(raw, password)
	if err != nil {
		return nil, err
	}
	for _, alias := range store.Aliases() {
		var found []keystore.Certificate
		if store.IsTrustedCertificateEntry(alias) {
			entry, err := store.GetTrustedCertificateEntry(alias)
			if err != nil {
				return nil, err
			}
			found = []keystore.Certificate{entry.Certificate}
		} else if chain, err := store.GetPrivateKeyEntryCertificateChain(alias); err == nil && len(chain) > 0 {
			found = chain[:1]
		}
		certificates, err := certificatesOfJKS(found)
		if err != nil {
			return nil, fmt.Errorf("the certificate %q: %w", alias, err)
		}
		all = append(all, certificates...)
	}
	return all, nil
}

// keyOfPKCS12 reads a store with one key, whose password is that of the store: Java's
// keytool makes no other ones.
func keyOfPKCS12(raw []byte, password, _ string) (crypto.Signer, []*x509.Certificate, error) {
	key, leaf, others, err := pkcs12.DecodeChain(raw, password)
	if err != nil {
		return nil, nil, pkcs12Error(err)
	}
	s, err := signer(key)
	return s, append([]*x509.Certificate{leaf}, others...), err
}

// trustOfPKCS12 are the certificates that Java has marked as trusted. Of a store with a
// key it is that key's own, as with JKS; one with both cannot be told apart.
func trustOfPKCS12(raw []byte, password string) ([]*x509.Certificate, error) {
	all, err := pkcs12.DecodeTrustStore(raw, password)
	if err == nil {
		return all, nil
	}
	key, leaf, others, keyErr := pkcs12.DecodeChain(raw, password)
	if keyErr != nil {
		return nil, pkcs12Error(err)
	}
	s, keyErr := signer(key)
	if keyErr != nil {
		return nil, keyErr
	}
	chain := chainOf(s.Public(), append([]*x509.Certificate{leaf}, others...))
	if len(chain) != len(others)+1 {
		return nil, errors.New("it holds a private key beside other certificates; export those alone (keytool -importkeystore, or as PEM)")
	}
	return chain[:1], nil
}

func pkcs12Error(err error) error {
	if errors.Is(err, pkcs12.ErrIncorrectPassword) {
		return errors.New("its password is wrong")
	}
	return err
}
