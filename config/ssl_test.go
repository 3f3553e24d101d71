package config

import (
	"strings"
	"testing"

	"github.com/barnabas-mq/barnabas/internal/ssl"
)

const withKeys = "ssl.keystore.type=PEM\nssl.keystore.location=/keys.pem\n"

// A listener has its own ssl.* settings, and those of all where it has none.
func TestSSLOfListeners(t *testing.T) {
	b := fromText(t, "listeners=SSL://:9093,INNER://:9094,PLAIN://:9092\nlistener.security.protocol.map=SSL:SSL,INNER:SSL,PLAIN:PLAINTEXT\n"+
		withKeys+"ssl.client.auth=required\nssl.enabled.protocols=TLSv1.3\nssl.key.password= with spaces \n"+
		"listener.name.inner.ssl.keystore.location=/inner.pem\nlistener.name.inner.ssl.client.auth=none\n")
	if len(b.ListenerSSL) != 2 || b.Listeners[0].Protocol != "SSL" || b.Listeners[2].Protocol != "PLAINTEXT" {
		t.Fatalf("listeners %v, TLS %v", b.Listeners, b.ListenerSSL)
	}
	outer, inner := b.ListenerSSL["SSL"], b.ListenerSSL["INNER"]
	if outer.Keys.Location != "/keys.pem" || outer.ClientAuth != ssl.ClientAuthRequired || len(outer.Protocols) != 1 || outer.Keys.KeyPassword != "with spaces" {
		t.Errorf("SSL: %+v", outer)
	}
	if inner.Keys.Location != "/inner.pem" || inner.ClientAuth != ssl.ClientAuthNone || inner.Keys.Type != "PEM" {
		t.Errorf("INNER: %+v", inner)
	}
}

// A fault is told with the setting that has it, by the name under which it was written.
func TestSSLFaults(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "default: ssl.keystore.location: listener SSL: a listener with TLS needs a key"},
		{withKeys + "ssl.keystore.password=x", "f:4: ssl.keystore.password: listener SSL: a PEM store has no password"},
		{withKeys + "listener.name.ssl.ssl.keystore.password=x", "f:4: listener.name.ssl.ssl.keystore.password: listener SSL: "},
		{withKeys + "ssl.enabled.protocols=SSLv3", "f:4: ssl.enabled.protocols: listener SSL: none of them is served"},
		{withKeys + "ssl.cipher.suites=X", "f:4: ssl.cipher.suites: listener SSL: none of X"},
		{withKeys + "ssl.client.auth=perhaps", "f:4: Invalid value perhaps"},
		{withKeys, ""},
	} {
		_, err := Load(Input{File: &File{"f", []byte("listeners=SSL://:9093\n" + c.text)}})
		if (err != nil) != (c.want != "") || err != nil && !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%q: %v; want %q", c.text, err, c.want)
		}
	}
}

// --listen takes the protocol from the name, or from the map of the file.
func TestListenWithTLS(t *testing.T) {
	for _, c := range []struct{ listen, file, want string }{
		{"SSL://:9093", "", "SSL"},
		{"ssl://:9093", "", "SSL"},
		{"OUTER://:9093", "listener.security.protocol.map=OUTER:SSL\n", "SSL"},
		{"SSL://:9093", "listener.security.protocol.map=SSL:PLAINTEXT\n", "PLAINTEXT"},
		{"OUTER://:9093", "", "PLAINTEXT"},
		{":9093", "", "PLAINTEXT"},
	} {
		s, err := Load(Input{Listen: []string{c.listen}, File: &File{"f", []byte(c.file + withKeys)}})
		if err != nil {
			t.Errorf("%s: %v", c.listen, err)
			continue
		}
		if b, err := s.Broker(nil, nil); err != nil || b.Listeners[0].Protocol != c.want {
			t.Errorf("%s: %v, %v", c.listen, b.Listeners, err)
		}
	}
}
