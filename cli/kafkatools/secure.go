package kafkatools

import (
	"context"
	"crypto/tls"
	"net"
	"os"
	"strings"

	"github.com/barnabas-mq/barnabas/internal/ssl"
)

// sslDefaults are those of Kafka's clients (SslConfigs).
var sslDefaults = map[string]string{
	"ssl.keystore.type": ssl.TypeJKS, "ssl.truststore.type": ssl.TypeJKS, "ssl.enabled.protocols": "TLSv1.2,TLSv1.3",
}

// secured is how a client's connections are encrypted, nil in plaintext.
func (p properties) secured() (*tls.Config, error) {
	s := ssl.Gather(func(key string) string {
		if v := strings.TrimSpace(p[key]); v != "" {
			return v
		}
		return sslDefaults[key]
	})
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
