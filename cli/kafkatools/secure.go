package kafkatools

import (
	"context"
	"crypto/tls"
	"net"
	"os"
	"strings"

	"github.com/barnabas-mq/barnabas/internal/ssl"
)

// secured is how a client's connections are encrypted, nil in plaintext.
func (p properties) secured() (*tls.Config, error) {
	text := func(key, without string) string {
		if v := strings.TrimSpace(p[key]); v != "" {
			return v
		}
		return without
	}
	list := func(key, without string) (all []string) {
		for one := range strings.SplitSeq(text(key, without), ",") {
			if one = strings.TrimSpace(one); one != "" {
				all = append(all, one)
			}
		}
		return all
	}
	s := ssl.Settings{
		Keys: ssl.KeyStore{
			Type: text("ssl.keystore.type", ssl.TypeJKS), Location: text("ssl.keystore.location", ""), Password: text("ssl.keystore.password", ""),
			KeyPassword: text("ssl.key.password", ""), Key: text("ssl.keystore.key", ""), Chain: text("ssl.keystore.certificate.chain", ""),
		},
		Trust: ssl.TrustStore{
			Type: text("ssl.truststore.type", ssl.TypeJKS), Location: text("ssl.truststore.location", ""),
			Password: text("ssl.truststore.password", ""), Certificates: text("ssl.truststore.certificates", ""),
		},
		Protocols: list("ssl.enabled.protocols", "TLSv1.2,TLSv1.3"), Ciphers: list("ssl.cipher.suites", ""),
	}
	// Set to nothing it asks for no comparison of names; not set it asks for one.
	algorithm, set := p["ssl.endpoint.identification.algorithm"]
	return ssl.Client(s, !set || strings.TrimSpace(algorithm) != "", os.ReadFile)
}

// shake makes the TLS handshake with a broker at address.
func shake(ctx context.Context, c net.Conn, address string, config *tls.Config) (net.Conn, error) {
	config = config.Clone()
	config.ServerName, _, _ = net.SplitHostPort(address)
	ctx, cancel := context.WithTimeout(ctx, dialTimeout) // a port may accept and say nothing
	defer cancel()
	secured := tls.Client(c, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = c.Close() // the handshake says why
		return nil, err
	}
	return secured, nil
}
