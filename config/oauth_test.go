package config

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/barnabas-mq/barnabas/internal/ssl"
)

const (
	withTokens = closed + "sasl.enabled.mechanisms=OAUTHBEARER\n"
	ofOAuth    = "listener.name.sasl_plaintext.oauthbearer."
	oauthEntry = ofOAuth + "sasl.jaas.config=" + oauthModule + " required"
	signedHere = ofOAuth + "sasl.server.callback.handler.class=org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler\n"
)

// Which tokens are taken is said as in Kafka: unsecured ones by the options of the login
// module, signed ones by the class or, here, by where their keys are.
func TestOAuthOfListeners(t *testing.T) {
	keys := func(change func(*OAuth)) *OAuth {
		o := &OAuth{
			Keys:       &OAuthKeys{URL: "file:/etc/jwks.json", File: "/etc/jwks.json", Refresh: time.Hour, Backoff: 100 * time.Millisecond, BackoffMax: 10 * time.Second},
			ScopeClaim: "scope", SubjectClaim: "sub", ClockSkew: 30 * time.Second,
		}
		change(o)
		return o
	}
	at := func(url string) func(*OAuth) {
		return func(o *OAuth) {
			o.Keys.URL, o.Keys.File = url, ""
			o.Keys.TLS = ssl.Settings{Keys: ssl.KeyStore{Type: "JKS"}, Trust: ssl.TrustStore{Type: "JKS"}, Protocols: []string{"TLSv1.2", "TLSv1.3"}}
		}
	}
	const file = "sasl.oauthbearer.jwks.endpoint.url=file:/etc/jwks.json\n"
	for _, c := range []struct {
		text string
		want *OAuth
	}{
		{oauthEntry + ";", &OAuth{SubjectClaim: "sub", ScopeClaim: "scope"}},
		{oauthEntry + ` unsecuredLoginStringClaim_sub="broker" unsecuredValidatorPrincipalClaimName=name unsecuredValidatorScopeClaimName="scp" unsecuredValidatorRequiredScope="a  b" unsecuredValidatorAllowableClockSkewMs="3000";`,
			&OAuth{SubjectClaim: "name", ScopeClaim: "scp", RequiredScope: []string{"a", "b"}, ClockSkew: 3 * time.Second}},
		{oauthEntry + ";\n" + file + ofOAuth + "sasl.server.callback.handler.class=" + oauthUnsecuredHandler, &OAuth{SubjectClaim: "sub", ScopeClaim: "scope"}},
		{file, keys(func(*OAuth) {})},
		{file + signedHere, keys(func(*OAuth) {})},
		{file + strings.Replace(signedHere, ".OAuthBearerV", ".secured.OAuthBearerV", 1), keys(func(*OAuth) {})},
		{strings.Replace(file, "file:", "file://", 1), keys(func(o *OAuth) { o.Keys.URL = "file:///etc/jwks.json" })},
		{"sasl.oauthbearer.jwks.endpoint.url=http://127.0.0.1:1/keys\n", keys(at("http://127.0.0.1:1/keys"))},
		{ofOAuth + file + "listener.name.sasl_plaintext.sasl.oauthbearer.jwks.endpoint.url=file:/other\nsasl.oauthbearer.expected.audience=a, b,\nsasl.oauthbearer.expected.issuer=i\n" +
			"listener.name.sasl_plaintext.sasl.oauthbearer.clock.skew.seconds=0\nsasl.oauthbearer.scope.claim.name=scp\nsasl.oauthbearer.sub.claim.name=name\n" +
			ofOAuth + "sasl.oauthbearer.jwks.endpoint.refresh.ms=5\nsasl.oauthbearer.jwks.endpoint.retry.backoff.ms=1\nsasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms=2\n",
			keys(func(o *OAuth) {
				o.Audience, o.Issuer, o.ClockSkew, o.ScopeClaim, o.SubjectClaim = []string{"a", "b"}, "i", 0, "scp", "name"
				o.Keys.Refresh, o.Keys.Backoff, o.Keys.BackoffMax = 5*time.Millisecond, time.Millisecond, 2*time.Millisecond
			})},
		{"sasl.oauthbearer.jwks.endpoint.url=https://issuer/keys\n" + oauthEntry + ` ssl.truststore.location="/ca.pem" ssl.truststore.type=PEM ssl.endpoint.identification.algorithm="";`,
			keys(func(o *OAuth) {
				at("https://issuer/keys")(o)
				o.Keys.TLS.Trust, o.Keys.AnyHost = ssl.TrustStore{Type: "PEM", Location: "/ca.pem"}, true
			})},
	} {
		s := fromText(t, withTokens+c.text).ListenerSASL["SASL_PLAINTEXT"]
		if diff := cmp.Diff(c.want, s.OAuth); diff != "" || s.Open {
			t.Errorf("%q:\n%s", c.text, diff)
		}
	}
}

// What is missing never makes a listener take tokens that nobody signed.
func TestOAuthFaults(t *testing.T) {
	const url = "sasl.oauthbearer.jwks.endpoint.url="
	for _, c := range []struct{ text, want string }{
		{"", ofOAuth + "sasl.jaas.config: listener SASL_PLAINTEXT: OAUTHBEARER takes tokens that nobody signed, for development, if you say so: " + oauthModule + " required;"},
		{strings.Replace(oauthEntry, "OAuthBearer", "Plain", 1) + ";", "OAUTHBEARER has one login module"},
		{oauthEntry, "line 1: "},
		{oauthEntry + ` unsecuredValidatorAllowableClockSkewMs="-1";`, "unsecuredValidatorAllowableClockSkewMs is no number of milliseconds"},
		{oauthEntry + ` unsecuredValidatorRequiredScope='a"b';`, "a scope that is none"},
		{oauthEntry + ";\n" + signedHere, "f:4: " + ofOAuth + "sasl.server.callback.handler.class: listener SASL_PLAINTEXT: signed tokens need sasl.oauthbearer.jwks.endpoint.url"},
		{url + "file:", "it names no file"},
		{url + "file://etc/x.json", `it names the host "etc"; write file:///etc/x.json`},
		{url + "ftp://x/y", "f:3: sasl.oauthbearer.jwks.endpoint.url: listener SASL_PLAINTEXT: it must be a URL of http, https or file"},
		{ofOAuth + url + "https:///keys", "f:3: " + ofOAuth + "sasl.oauthbearer.jwks.endpoint.url: listener SASL_PLAINTEXT: it names no host"},
		{url + "https://secret:secret@x:y/", "it is no URL"},
		{url + "https://secret:secret@x/", "it has a user in it"},
		{url + "/etc/jwks.json", "it must be a URL of http, https or file"},
		{url + "file:/x\nsasl.oauthbearer.jwks.endpoint.refresh.ms=0", "refresh.ms: listener SASL_PLAINTEXT: it must be above 0"},
		{url + "file:/x\nsasl.oauthbearer.jwks.endpoint.retry.backoff.ms=-1", "it must not be below 0"},
		{url + "file:/x\nsasl.oauthbearer.clock.skew.seconds=-1", "it must not be below 0"},
		{url + "file:/x\nsasl.oauthbearer.sub.claim.name=", "sub.claim.name: listener SASL_PLAINTEXT: it must not be empty"},
		{url + "file:/x\nsasl.oauthbearer.jwt.validator.class=org.apache.kafka.common.security.oauthbearer.ClientJwtValidator", "classes of your own cannot be loaded"},
		{url + "file:/x\n" + ofOAuth + "sasl.server.callback.handler.class=com.example.Mine", "it asks for protection that is not built yet"},
		{url + "file:/x\nsasl.server.callback.handler.class=" + oauthSignedHandlers[0], "it asks for protection that is not built yet"},
		{url + "file:/x\nlistener.name.sasl_plaintext.plain.sasl.server.callback.handler.class=" + oauthSignedHandlers[0], "it asks for protection that is not built yet"},
	} {
		_, err := Load(Input{File: &File{"f", []byte(withTokens + c.text + "\n")}})
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v; want %q", c.text, err, c.want)
		}
	}
}

// Where the keys are is nothing for clients to alter, on whatever listener.
func TestOAuthIsNotAltered(t *testing.T) {
	b := fromText(t, closed+"sasl.enabled.mechanisms=SCRAM-SHA-256\n")
	for _, prefix := range []string{"", "listener.name.sasl_plaintext.", ofOAuth, "listener.name.later.oauthbearer."} {
		name := prefix + oauthURL
		if err := b.ValidateBroker(map[string]string{name: "file:/etc/passwd"}, true, nil); err == nil || !strings.Contains(err.Error(), "Cannot update these configs dynamically") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
