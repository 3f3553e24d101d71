package kafkatools

import (
	"encoding/base64"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/internal/jaas"
)

// The options are those of Kafka's OAuthBearerUnsecuredLoginCallbackHandler.
func TestUnsecuredTokens(t *testing.T) {
	now := time.UnixMilli(1_700_000_000_500)
	for _, c := range []struct {
		options map[string]string
		payload string
		failure string
	}{
		{map[string]string{"unsecuredLoginStringClaim_sub": `a"b`}, `{"exp":1700003600.5,"iat":1700000000.5,"sub":"a\"b"}`, ""},
		{map[string]string{"unsecuredLoginStringClaim_name": "alice", "unsecuredLoginPrincipalClaimName": "name", "unsecuredLoginLifetimeSeconds": "60",
			"unsecuredLoginNumberClaim_n": "1.5", "unsecuredLoginListClaim_scope": "|a|b", "unsecuredLoginListClaim_none": "|", "unsecuredValidatorRequiredScope": "a"},
			`{"exp":1700000060.5,"iat":1700000000.5,"n":1.5,"name":"alice","none":[],"scope":["a","b"]}`, ""},
		{nil, "", "No principal name in JWT claim: sub"},
		{map[string]string{"unsecuredLoginStringClaim_sub": " "}, "", "No principal name in JWT claim: sub"},
		{map[string]string{"unsecuredLoginStringClaim_exp": "1"}, "", "Cannot explicitly set the 'exp' claim"},
		{map[string]string{"unsecuredLoginNumberClaim_n": "x"}, "", `For input string: "x"`},
		{map[string]string{"unsecuredLoginLifetimeSeconds": "x"}, "", `For input string: "x"`},
	} {
		auth, err := unsecuredToken(c.options, now)
		if (err != nil) != (c.failure != "") || err != nil && err.Error() != c.failure {
			t.Errorf("%v: %v", c.options, err)
			continue
		}
		if err != nil {
			continue
		}
		parts := strings.Split(auth.Token, ".")
		payload, err := base64.RawURLEncoding.DecodeString(parts[1])
		if err != nil || string(payload) != c.payload || len(parts) != 3 || parts[2] != "" {
			t.Errorf("%v: %s, %v", c.options, payload, err)
		}
	}
}

// A token of a file is read at each login; what is shown is of RFC 7628.
func TestBearers(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	settings := properties{
		"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "OAUTHBEARER", "sasl.jaas.config": jaas.OAuthModule + " required;",
		"sasl.oauthbearer.token.endpoint.url": "file://" + file,
	}
	m, err := settings.login()
	if err != nil {
		t.Fatal(err)
	}
	wrong := maps.Clone(settings)
	wrong["sasl.oauthbearer.token.endpoint.url"] = "file:/" + file // of which the first folder would be lost
	if _, err := wrong.login(); err == nil || !strings.Contains(err.Error(), "write file://"+file) {
		t.Errorf("a file behind two slashes: %v", err)
	}
	for _, token := range []string{"a.b.c", "d.e.f"} {
		if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		session, first, err := m.Authenticate(t.Context(), "")
		if err != nil || string(first) != "n,,\x01auth=Bearer "+token+"\x01\x01" {
			t.Errorf("%q, %v", first, err)
		}
		if done, message, err := session.Challenge(nil); !done || len(message) > 0 || err != nil {
			t.Errorf("%v, %q, %v", done, message, err)
		}
		session, _, _ = m.Authenticate(t.Context(), "")
		if done, message, err := session.Challenge([]byte("{}")); done || string(message) != "\x01" || err != nil {
			t.Errorf("a token that is not taken: %v, %q, %v", done, message, err)
		}
		if done, _, err := session.Challenge(nil); done || err == nil {
			t.Errorf("and then: %v, %v", done, err)
		}
	}
	const handlers = "org.apache.kafka.common.security.oauthbearer."
	for _, c := range []struct {
		more properties
		want string // in the error, empty for none
	}{
		{properties{"sasl.login.callback.handler.class": handlers + "OAuthBearerLoginCallbackHandler"}, ""},
		{properties{"sasl.login.callback.handler.class": handlers + "OAuthBearerLoginCallbackHandler", "sasl.oauthbearer.token.endpoint.url": ""}, "value is required"},
		{properties{"sasl.login.callback.handler.class": handlers + "internals.unsecured.OAuthBearerUnsecuredLoginCallbackHandler"}, "No principal name in JWT claim: sub"},
		{properties{"sasl.login.callback.handler.class": "com.example.Mine"}, "these tools know Kafka's own two"},
		{properties{"sasl.oauthbearer.token.endpoint.url": "https://issuer/token"}, "these tools read a token from a file only"},
		{properties{"sasl.oauthbearer.token.endpoint.url": "", "sasl.jaas.config": jaas.OAuthModule + ` required unsecuredLoginStringClaim_sub="alice" unsecuredLoginExtension_a="b";`}, ""},
	} {
		_, err := settings.with(c.more).login()
		if (err != nil) != (c.want != "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v; want %q", c.more, err, c.want)
		}
	}
}
