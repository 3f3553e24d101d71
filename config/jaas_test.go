package config

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
)

const jaasText = `KafkaServer {
    org.apache.kafka.common.security.scram.ScramLoginModule required username="admin" password="admin-secret";
    org.apache.kafka.common.security.plain.PlainLoginModule required
        username="admin" password="admin-secret" user_alice="alice-secret";
};
other.KafkaServer {
    org.apache.kafka.common.security.plain.PlainLoginModule required user_bob="bob-secret";
    org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredValidatorRequiredScope="kafka";
};
Client { org.apache.zookeeper.server.auth.DigestLoginModule required username="kafka" password="zk-secret"; };
`

// loadJAAS starts with two listeners that have logins, SASL_PLAINTEXT and OTHER.
func loadJAAS(file, settings string, environ ...string) (*Static, error) {
	return Load(Input{
		File:    &File{"f", []byte("listeners=SASL_PLAINTEXT://:9093,OTHER://:9094\nlistener.security.protocol.map=SASL_PLAINTEXT:SASL_PLAINTEXT,OTHER:SASL_PLAINTEXT\n" + settings)},
		Environ: environ, ReadFile: func(name string) ([]byte, error) {
			if name != "/etc/kafka/jaas.conf" {
				return nil, fs.ErrNotExist
			}
			return []byte(file), nil
		},
	})
}

// A listener without a login module of its own has that of the file, of its own section or of all.
func TestJAASFiles(t *testing.T) {
	const plain = "sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256\n"
	users := func(b *Broker, listener string) string {
		return strings.Join(slices.Sorted(maps.Keys(b.ListenerSASL[listener].Passwords)), " ")
	}
	for _, c := range []struct {
		settings, environ string
		ofOne, ofTheOther string
	}{
		{plain + "barnabas.sasl.jaas.file=/etc/kafka/jaas.conf\n", "", "alice", "bob"},
		{plain, "KAFKA_OPTS=-Djava.security.auth.login.config=/etc/kafka/jaas.conf", "alice", "bob"},
		{plain, "KAFKA_OPTS=\"-Dx=y -Djava.security.auth.login.config==file:///etc/kafka/jaas.conf\"", "alice", "bob"},
		{plain, "KAFKA_BARNABAS_SASL_JAAS_FILE=/etc/kafka/jaas.conf", "alice", "bob"},
		{plain + "barnabas.sasl.jaas.file=/etc/kafka/jaas.conf\n", "KAFKA_OPTS=-Djava.security.auth.login.config=/nowhere", "alice", "bob"},
		{plain + withUser[:strings.Index(withUser, "user_")] + "user_carol=c;\n", "KAFKA_OPTS=-Djava.security.auth.login.config=file:/etc/kafka/jaas.conf", "carol", "bob"},
		{"sasl.enabled.mechanisms=SCRAM-SHA-256\n", "KAFKA_OPTS=-Djava.security.auth.login.config=/nowhere", "", ""}, // nobody needs it
	} {
		s, err := loadJAAS(jaasText, c.settings, c.environ)
		if err != nil {
			t.Errorf("%s, %s: %v", c.settings, c.environ, err)
			continue
		}
		b, err := s.Broker(nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if one, other := users(b, "SASL_PLAINTEXT"), users(b, "OTHER"); one != c.ofOne || other != c.ofTheOther {
			t.Errorf("%s, %s: %q and %q", c.settings, c.environ, one, other)
		}
		if told := fmt.Sprint(s.Warnings); strings.Contains(told, "no Java machine") != strings.Contains(c.environ, "-Dx=y") || strings.Contains(told, "secret") {
			t.Errorf("%s: warned of %s", c.environ, told)
		}
	}
	s, err := loadJAAS(jaasText, "sasl.enabled.mechanisms=SCRAM-SHA-256\nlistener.name.other.sasl.enabled.mechanisms=OAUTHBEARER\n", "KAFKA_OPTS=-Djava.security.auth.login.config=/etc/kafka/jaas.conf")
	if err != nil {
		t.Fatal(err)
	}
	// Signed tokens need no login module, and a file with nothing for brokers is no obstacle.
	const signedAlone = "sasl.enabled.mechanisms=OAUTHBEARER\nsasl.oauthbearer.jwks.endpoint.url=file:/jwks.json\n"
	for _, text := range []string{"Client { };", "KafkaServer { };"} {
		if _, err := loadJAAS(text, signedAlone, "KAFKA_OPTS=-Djava.security.auth.login.config=/etc/kafka/jaas.conf"); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	if b, err := s.Broker(nil, nil); err != nil || strings.Join(b.ListenerSASL["OTHER"].OAuth.RequiredScope, "") != "kafka" {
		t.Errorf("%+v, %v", b.ListenerSASL, err)
	}
}

// What is wrong with a file is told with its name and line, without a secret.
func TestFaultsOfJAASFiles(t *testing.T) {
	const at = "environment KAFKA_OPTS: KAFKA_OPTS: the JAAS file \"/etc/kafka/jaas.conf\""
	plain := plainModule + " required user_alice="
	for _, c := range []struct{ file, want string }{
		{"KafkaServer {\n" + plain + "secret\n};", at + ": line 3: an option or a semicolon is expected and not }"},
		{"Client { };", "the JAAS file \"/etc/kafka/jaas.conf\" has no section KafkaServer or sasl_plaintext.KafkaServer"},
		{"KafkaServer { };", "the section KafkaServer of the JAAS file \"/etc/kafka/jaas.conf\" has no " + plainModule},
		{"KafkaServer {\n" + plain + "\"${secret}\";\n};", "/etc/kafka/jaas.conf:2: listener.name.other.plain.sasl.jaas.config: the option \"user_alice\" has ${ in it"},
		{"KafkaServer {\n" + plain + "secret;\n" + plain + "secret; };", "/etc/kafka/jaas.conf:3: listener.name.other.plain.sasl.jaas.config: the section KafkaServer has a second " + plainModule},
	} {
		_, err := loadJAAS(c.file, "sasl.enabled.mechanisms=PLAIN\n", "KAFKA_OPTS=-Djava.security.auth.login.config=/etc/kafka/jaas.conf")
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v; want %q", c.file, err, c.want)
		}
	}
	_, err := loadJAAS("", "sasl.enabled.mechanisms=PLAIN\nbarnabas.sasl.jaas.file=/nowhere\n")
	if err == nil || !strings.Contains(err.Error(), "f:4: barnabas.sasl.jaas.file: the JAAS file \"/nowhere\" cannot be read: file does not exist") {
		t.Error(err)
	}
	_, err = loadJAAS(jaasText, "sasl.enabled.mechanisms=PLAIN\n", "KAFKA_OPTS=-Djava.security.auth.login.config=file:jaas.conf")
	if err == nil || !strings.Contains(err.Error(), "the JAAS file \"jaas.conf\" cannot be read") {
		t.Errorf("a path that does not begin at the root: %v", err)
	}
	// A fault of what a module says is told with its place in the file.
	_, err = loadJAAS("KafkaServer {\n\n"+oauthModule+" required unsecuredValidatorAllowableClockSkewMs=x;\n};", "sasl.enabled.mechanisms=OAUTHBEARER\nbarnabas.sasl.jaas.file=/etc/kafka/jaas.conf\n")
	if err == nil || !strings.Contains(err.Error(), "/etc/kafka/jaas.conf:3: "+ofOAuth+"sasl.jaas.config: listener SASL_PLAINTEXT: unsecuredValidatorAllowableClockSkewMs is no number") {
		t.Error(err)
	}
}
