package security

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
)

const (
	plainModule = "org.apache.kafka.common.security.plain.PlainLoginModule"
	scramModule = "org.apache.kafka.common.security.scram.ScramLoginModule"
)

// login are a client's settings for a mechanism.
func login(mechanism, user, password string) map[string]string {
	module := scramModule
	if mechanism == "PLAIN" {
		module = plainModule
	}
	return map[string]string{
		"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": mechanism,
		"sasl.jaas.config": fmt.Sprintf(`%s required username="%s" password="%s";`, module, user, password),
	}
}

// Java's clients log in by each mechanism, and are told the same as by Kafka when they
// are refused; Barnabas's own tools log in as they do.
func TestSASL(t *testing.T) {
	oracle.Need(t)
	both := startBoth(t, "SASL_PLAINTEXT", map[string]string{
		"sasl.enabled.mechanisms":                                     "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
		"listener.name.sasl_plaintext.plain.sasl.jaas.config":         plainModule + ` required user_alice="alice-secret";`,
		"listener.name.sasl_plaintext.scram-sha-256.sasl.jaas.config": scramModule + " required;",
		"listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config": scramModule + " required;",
	})
	for _, open := range []string{both.openKafka, both.openBarnabas} {
		for _, credential := range []string{"SCRAM-SHA-256=[iterations=8192,password=carol-secret]", "SCRAM-SHA-512=[password=carol-secret]"} {
			configs := oracle.Tool{Name: "configs", Args: []string{"--bootstrap-server", open, "--alter", "--entity-type", "users", "--entity-name", "carol", "--add-config", credential}}
			if _, err := configs.Run(); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []struct{ mechanism, user, version string }{
		{"PLAIN", "alice", oracle.Newest}, {"SCRAM-SHA-256", "carol", oracle.Newest}, {"SCRAM-SHA-512", "carol", "3.9.2"},
	} {
		t.Run(c.mechanism+" of "+c.version, func(t *testing.T) {
			config := client(t, login(c.mechanism, c.user, c.user+"-secret"))
			roundTrip(t, c.version, both.barnabas, config)
			ownTools(t, both.barnabas, config)
		})
	}
	sameWords(t, both, told, map[string]string{
		"PLAIN, a wrong password": client(t, login("PLAIN", "alice", "wrong")),
		"PLAIN, an unknown user":  client(t, login("PLAIN", "eve", "alice-secret")),
		"SCRAM, a wrong password": client(t, login("SCRAM-SHA-256", "carol", "wrong")),
		"SCRAM, an unknown user":  client(t, login("SCRAM-SHA-512", "eve", "carol-secret")),
		"a mechanism that is not offered": client(t, login("PLAIN", "alice", "alice-secret"), map[string]string{
			"sasl.mechanism": "OAUTHBEARER", "sasl.login.callback.handler.class": "org.apache.kafka.common.security.oauthbearer.internals.unsecured.OAuthBearerUnsecuredLoginCallbackHandler",
			"sasl.jaas.config": `org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="alice";`,
		}),
	})
}

var exceptionText = regexp.MustCompile(`org\.apache\.kafka\.common\.errors\.\w+: .*`)

// told is the exception that Kafka's newest tool ends with, and what the broker said. The
// order of the mechanisms that are offered is that of a hash in Kafka.
func told(t *testing.T, address, config string) string {
	t.Helper()
	text, _, _ := strings.Cut(exceptionText.FindString(refusedOutput(t, address, config)), ", enabled mechanisms are")
	return text
}
