package security

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
)

const (
	oauthModule   = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule"
	oauthHandlers = "org.apache.kafka.common.security.oauthbearer."
	ofOAuth       = "listener.name.sasl_plaintext.oauthbearer."
)

// issuer signs tokens.
type issuer struct {
	t   *testing.T
	kid string
	key *rsa.PrivateKey
}

func newIssuer(t *testing.T, kid string) *issuer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return &issuer{t, kid, key}
}

var encoding = base64.RawURLEncoding

// keys is the JSON Web Key Set.
func (i *issuer) keys() string {
	return fmt.Sprintf(`{"keys":[{"kty":"RSA","use":"sig","alg":"RS256","kid":%q,"n":%q,"e":"AQAB"}]}`, i.kid, encoding.EncodeToString(i.key.N.Bytes()))
}

// token is one of alice that ends after some time, for an audience.
func (i *issuer) token(from, audience string, lifetime time.Duration) string {
	i.t.Helper()
	now := time.Now()
	claims := fmt.Sprintf(`{"sub":"alice","scope":"kafka","iss":%q,"aud":%q,"iat":%d,"exp":%d}`, from, audience, now.Add(-time.Hour).Unix(), now.Add(lifetime).Unix())
	text := encoding.EncodeToString(fmt.Appendf(nil, `{"alg":"RS256","kid":%q}`, i.kid)) + "." + encoding.EncodeToString([]byte(claims))
	digest := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(nil, i.key, crypto.SHA256, digest[:])
	if err != nil {
		i.t.Fatal(err)
	}
	return text + "." + encoding.EncodeToString(signature)
}

// put writes a file that Java's programs are allowed to read by a URL.
func put(t *testing.T, name, text string) (url string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return "file://" + file
}

// showing are a client's settings for a token of a file.
func showing(t *testing.T, token string) map[string]string {
	return map[string]string{
		"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "OAUTHBEARER", "sasl.jaas.config": oauthModule + " required;",
		"sasl.login.callback.handler.class": oauthHandlers + "OAuthBearerLoginCallbackHandler", "sasl.oauthbearer.token.endpoint.url": put(t, "token", token),
	}
}

// Java's clients come in with tokens that nobody signed, for development, and are told the
// same as by Kafka when what they show is not enough.
func TestUnsecuredTokens(t *testing.T) {
	oracle.Need(t)
	both := startBoth(t, "SASL_PLAINTEXT", map[string]string{
		"sasl.enabled.mechanisms":    "OAUTHBEARER",
		ofOAuth + "sasl.jaas.config": oauthModule + ` required unsecuredLoginStringClaim_sub="broker" unsecuredValidatorRequiredScope="kafka" unsecuredValidatorAllowableClockSkewMs="3000";`,
	})
	options := func(text string) string {
		return client(t, map[string]string{"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "OAUTHBEARER", "sasl.jaas.config": oauthModule + " required " + text + ";"})
	}
	alice := options(`unsecuredLoginStringClaim_sub="alice" unsecuredLoginListClaim_scope="|kafka|other" unsecuredLoginExtension_trace="x"`)
	for _, version := range []string{oracle.Newest, "3.9.2"} {
		t.Run("records of "+version, func(t *testing.T) { roundTrip(t, version, both.barnabas, alice) })
	}
	t.Run("its own tools", func(t *testing.T) {
		ownTools(t, both.barnabas, alice)
		ownTools(t, both.kafka, alice)
	})
	sameWords(t, both, told, map[string]string{
		"no scope":    options(`unsecuredLoginStringClaim_sub="alice"`),
		"another sub": options(`unsecuredLoginStringClaim_name="alice" unsecuredLoginPrincipalClaimName="name" unsecuredLoginStringClaim_scope="kafka"`),
	})
}

// Tokens that an issuer has signed, with its keys in a file.
func TestSignedTokens(t *testing.T) {
	oracle.Need(t)
	// Kafka reads no URL and no file that its start does not name; the launcher of Java
	// hands this on to brokers and tools alike.
	good, stranger := newIssuer(t, "a"), newIssuer(t, "a")
	keys := put(t, "keys.json", good.keys())
	const from, audience = "https://issuer.test", "kafka"
	tokens := map[string]string{
		"a stranger's":     stranger.token(from, audience, time.Hour),
		"expired":          good.token(from, audience, -time.Minute),
		"another audience": good.token(from, "other", time.Hour),
	}
	settings := map[string]map[string]string{"valid": showing(t, good.token(from, audience, time.Hour))}
	urls, files := keys, keys[len("file://"):]
	for name, token := range tokens {
		settings[name] = showing(t, token)
	}
	for _, s := range settings {
		url := s["sasl.oauthbearer.token.endpoint.url"]
		urls, files = urls+","+url, files+","+url[len("file://"):]
	}
	t.Setenv("JDK_JAVA_OPTIONS", "-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls="+urls+" -Dorg.apache.kafka.sasl.oauthbearer.allowed.files="+files)
	both := startBoth(t, "SASL_PLAINTEXT", map[string]string{
		"sasl.enabled.mechanisms":                      "OAUTHBEARER",
		ofOAuth + "sasl.jaas.config":                   oauthModule + " required;",
		ofOAuth + "sasl.server.callback.handler.class": oauthHandlers + "OAuthBearerValidatorCallbackHandler",
		"sasl.oauthbearer.jwks.endpoint.url":           keys,
		"sasl.oauthbearer.expected.audience":           audience,
		"sasl.oauthbearer.expected.issuer":             from,
	})
	alice := client(t, settings["valid"])
	t.Run("records", func(t *testing.T) { roundTrip(t, oracle.Newest, both.barnabas, alice) })
	t.Run("its own tools", func(t *testing.T) {
		ownTools(t, both.barnabas, alice)
		ownTools(t, both.kafka, alice)
	})
	refused := map[string]string{
		"unsigned": client(t, map[string]string{"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "OAUTHBEARER", "sasl.jaas.config": oauthModule + ` required unsecuredLoginStringClaim_sub="alice";`}),
	}
	for name := range tokens {
		refused[name] = client(t, settings[name])
	}
	sameWords(t, both, told, refused)
}

// sameWords has Kafka's tool refused by both, with each of the files of settings; words are
// those of what it prints that count.
func sameWords(t *testing.T, both brokers, words func(t *testing.T, address, config string) string, files map[string]string) {
	for name, file := range files {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, got := words(t, both.kafka, file), words(t, both.barnabas, file)
			if want != got || want == "" {
				t.Errorf("Kafka's tool ends with %q against Barnabas and with %q against Kafka", got, want)
			}
		})
	}
}
