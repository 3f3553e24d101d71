package config

import (
	"strings"
	"testing"
	"time"
)

const (
	closed   = "listeners=SASL_PLAINTEXT://:9093\n"
	withUser = "listener.name.sasl_plaintext.plain.sasl.jaas.config=" + plainModule + " required user_alice=\"secret\";\n"
)

func TestSASLOfListeners(t *testing.T) {
	b := fromText(t, closed+withUser+"sasl.enabled.mechanisms=plain,SCRAM-SHA-512,PLAIN,\nconnections.max.reauth.ms=5000\n"+
		"listener.name.sasl_plaintext.plain.connections.max.reauth.ms=9223372036854775807\n")
	s := b.ListenerSASL["SASL_PLAINTEXT"]
	if strings.Join(s.Mechanisms, " ") != "PLAIN SCRAM-SHA-512" || s.Passwords["alice"] != "secret" || s.Open ||
		s.ReauthMax["SCRAM-SHA-512"] != 5*time.Second || s.ReauthMax["PLAIN"] < 100*365*24*time.Hour {
		t.Errorf("%+v", s)
	}
}

// A listener with logins is never open by what was left out.
func TestSASLFaults(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"sasl.enabled.mechanisms=\n", "offers no mechanism"},
		{"sasl.enabled.mechanisms=,\n", "offers no mechanism"},
		{"listener.name.sasl_plaintext.sasl.enabled.mechanisms=\n", "f:2: listener.name.sasl_plaintext.sasl.enabled.mechanisms: listener SASL_PLAINTEXT has logins and offers no mechanism"},
		{"sasl.enabled.mechanisms=DIGEST-MD5\n", "nobody would have to log in; set barnabas.insecure.ignore=true"},
		{"sasl.enabled.mechanisms=DIGEST-MD5,SCRAM-SHA-256\n", "it stays closed to all but SCRAM-SHA-256; set"},
		{"sasl.enabled.mechanisms=PLAIN\n", "PLAIN needs its users"},
		{"sasl.enabled.mechanisms=PLAIN\nsasl.jaas.config=" + plainModule + " required user_alice=\"secret\";\n", "PLAIN needs its users"},
		{"sasl.enabled.mechanisms=PLAIN\n" + strings.Replace(withUser, "Plain", "Scram", 1), "PLAIN has one login module"},
		{"sasl.enabled.mechanisms=PLAIN\n" + strings.Replace(withUser, ";", "", 1), "listener.name.sasl_plaintext.plain.sasl.jaas.config: listener SASL_PLAINTEXT: line 1"},
		{"sasl.enabled.mechanisms=PLAIN\n" + withUser + "listener.name.sasl_plaintext.plain.sasl.server.callback.handler.class=x\n", "it asks for protection that is not built yet"},
		{"sasl.enabled.mechanisms=PLAIN\n" + withUser, ""},
		{"sasl.enabled.mechanisms=SCRAM-SHA-256\n", ""},
	} {
		_, err := Load(Input{File: &File{"f", []byte(closed + c.text)}})
		if (err != nil) != (c.want != "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v; want %q", c.text, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("a secret is told: %v", err)
		}
	}
	// With permission it is open only where nothing that was asked for is built.
	for text, open := range map[string]bool{"sasl.enabled.mechanisms=DIGEST-MD5\n": true, "sasl.enabled.mechanisms=DIGEST-MD5,SCRAM-SHA-256\n": false} {
		s, err := Load(Input{File: &File{"f", []byte(closed + text + "barnabas.insecure.ignore=true\n")}})
		if err != nil {
			t.Fatal(err)
		}
		if b, err := s.Broker(nil, nil); err != nil || b.ListenerSASL["SASL_PLAINTEXT"].Open != open {
			t.Errorf("%q: %+v, %v", text, b.ListenerSASL, err)
		}
	}
	// Altering it for all listeners cannot open it for the next start either.
	b := fromText(t, closed+"sasl.enabled.mechanisms=SCRAM-SHA-256\n")
	for _, value := range []string{"", ",", "GSSAPI", "DIGEST-MD5"} {
		altered := map[string]string{"sasl.enabled.mechanisms": value}
		if err := b.ValidateBroker(altered, true, nil); err == nil {
			t.Errorf("%q may be altered", value)
		}
	}
	s, _ := Load(Input{File: &File{"f", []byte(closed + "sasl.enabled.mechanisms=SCRAM-SHA-256\n")}})
	if b, err := s.Broker(nil, map[string]string{"sasl.enabled.mechanisms": ""}); b != nil || err == nil {
		t.Errorf("an altered listener without mechanisms: %v, %v", b != nil, err)
	}
}

// A certificate is asked of who logs in only where the listener itself says so.
func TestCertificatesBesideLogins(t *testing.T) {
	text := "listeners=SASL_SSL://:9093,SSL://:9094\nsasl.enabled.mechanisms=SCRAM-SHA-256\nssl.client.auth=required\n" + withKeys
	b := fromText(t, text)
	if auth := b.ListenerSSL["SASL_SSL"].ClientAuth; auth != "none" || b.ListenerSSL["SSL"].ClientAuth != "required" {
		t.Errorf("asked of who logs in: %s", auth)
	}
	b = fromText(t, text+"listener.name.sasl_ssl.ssl.client.auth=requested\n")
	if auth := b.ListenerSSL["SASL_SSL"].ClientAuth; auth != "requested" {
		t.Errorf("asked of who logs in: %s", auth)
	}
}
