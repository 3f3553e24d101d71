package security

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/barnabas-mq/barnabas/compat-tests/barnabas"
	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

// brokers are both, each with a listener that asks who comes beside one that does not.
type brokers struct {
	kafka, barnabas         string
	openKafka, openBarnabas string
}

func startBoth(t *testing.T, protocol string, properties map[string]string) brokers {
	t.Helper()
	ports, err := testbed.FreePorts(2)
	if err != nil {
		t.Fatal(err)
	}
	address := func(i int) string { return fmt.Sprintf("127.0.0.1:%d", ports[i]) }
	kafka := oracle.Run(t, oracle.Options{Properties: properties, Beside: []string{protocol + "://" + address(0)}})
	ours := barnabas.Run(t, barnabas.Options{Properties: properties, Beside: []string{protocol + "://" + address(1)}})
	return brokers{address(0), address(1), kafka.Bootstrap(), ours.Bootstrap()}
}

// client is the file with a client's settings.
func client(t *testing.T, settings ...map[string]string) string {
	t.Helper()
	all := map[string]string{"security.protocol": "SSL", "default.api.timeout.ms": "20000", "request.timeout.ms": "10000"}
	for _, s := range settings {
		maps.Copy(all, s)
	}
	var text strings.Builder
	for _, key := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(&text, "%s=%s\n", key, all[key])
	}
	file := filepath.Join(t.TempDir(), "client.properties")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func keyStore(s *stores, name, kind string) map[string]string {
	return map[string]string{"ssl.keystore.location": s.path(name), "ssl.keystore.password": secret, "ssl.keystore.type": kind}
}

func trustStore(s *stores, name, kind string) map[string]string {
	return map[string]string{"ssl.truststore.location": s.path(name), "ssl.truststore.password": secret, "ssl.truststore.type": kind}
}

// Java's clients, new and of 3.9, come in with the stores that keytool makes, and are
// refused with the same error as by Kafka; Barnabas's own tools read the same stores.
func TestTLS(t *testing.T) {
	oracle.Need(t)
	testbed.NeedPrograms(t, "keytool")
	s := &stores{tb: t, dir: t.TempDir()}
	s.authority("ca")
	s.authority("strangers")
	s.issue("server.jks", "JKS", "ca", "server", false)
	s.issue("friend.p12", "PKCS12", "ca", "friend", false)
	s.issue("expired.p12", "PKCS12", "ca", "expired", true)
	s.issue("stranger.p12", "PKCS12", "strangers", "stranger", false)
	s.trust("trust.p12", "PKCS12", "ca")
	s.trust("trust.jks", "JKS", "ca")
	s.trust("others.p12", "PKCS12", "strangers")

	properties := keyStore(s, "server.jks", "JKS")
	maps.Copy(properties, trustStore(s, "trust.p12", "PKCS12"))
	properties["ssl.client.auth"] = "required"
	both := startBoth(t, "SSL", properties)

	friend := client(t, keyStore(s, "friend.p12", "PKCS12"), trustStore(s, "trust.jks", "JKS"))
	for _, version := range []string{oracle.Newest, "3.9.2"} {
		t.Run("records of "+version, func(t *testing.T) { roundTrip(t, version, both.barnabas, friend) })
	}
	t.Run("its own tools", func(t *testing.T) { ownTools(t, both.barnabas, friend) })
	pem := client(t, keyStore(s, "friend.p12", "PKCS12"), map[string]string{"ssl.truststore.type": "PEM", "ssl.truststore.location": s.path("ca.pem")})
	t.Run("a trust store in PEM form", func(t *testing.T) { ownTools(t, both.barnabas, pem) })

	trusting := trustStore(s, "trust.p12", "PKCS12")
	sameWords(t, both, refusal, map[string]string{
		"no certificate":                          client(t, trusting),
		"an expired certificate":                  client(t, trusting, keyStore(s, "expired.p12", "PKCS12")),
		"a stranger's certificate":                client(t, trusting, keyStore(s, "stranger.p12", "PKCS12")),
		"a client that does not trust the broker": client(t, trustStore(s, "others.p12", "PKCS12"), keyStore(s, "friend.p12", "PKCS12")),
		"a version that is off":                   client(t, trusting, keyStore(s, "friend.p12", "PKCS12"), map[string]string{"ssl.enabled.protocols": "TLSv1.1", "ssl.protocol": "TLSv1.1"}),
	})
}

// roundTrip produces and consumes with Kafka's console tools.
func roundTrip(t *testing.T, version, address, config string) {
	topic := "by-" + strings.ReplaceAll(version, ".", "-")
	produce, consume := "--command-config", "--command-config"
	if strings.HasPrefix(version, "3.") {
		produce, consume = "--producer.config", "--consumer.config"
	}
	producer := oracle.Tool{Version: version, Name: "console-producer", Stdin: "one\ntwo\nthree\n",
		Args: []string{"--bootstrap-server", address, "--topic", topic, produce, config}}
	if _, err := producer.Run(); err != nil {
		t.Fatal(err)
	}
	consumer := oracle.Tool{Version: version, Name: "console-consumer",
		Args: []string{"--bootstrap-server", address, "--topic", topic, "--from-beginning", "--max-messages", "3", consume, config}}
	out, err := consumer.Run()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Fields(out.Stdout); !slices.Equal(got, []string{"one", "two", "three"}) {
		t.Errorf("the consumer got %q", got)
	}
}

// ownTools makes a topic with `barnabas topics` and finds it again.
func ownTools(t *testing.T, address, config string) {
	binary, err := barnabas.Binary()
	if err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) string {
		t.Helper()
		out, err := exec.Command(binary, append(args, "--bootstrap-server", address, "--command-config", config)...).CombinedOutput()
		if err != nil {
			t.Fatalf("barnabas %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	const topic = "made-by-barnabas"
	run("kafka-topics", "--create", "--if-not-exists", "--topic", topic)
	if got := run("kafka-topics", "--list"); !slices.Contains(strings.Fields(got), topic) {
		t.Errorf("the topics are %q", got)
	}
}

var exception = regexp.MustCompile(`org\.apache\.kafka\.common\.(errors\.\w+|KafkaException)`)

// refusal is the exception that Kafka's newest tool ends with.
func refusal(t *testing.T, address, config string) string {
	t.Helper()
	return exception.FindString(refusedOutput(t, address, config))
}

// refusedOutput is what Kafka's newest tool prints when it is not let in.
func refusedOutput(t *testing.T, address, config string) string {
	t.Helper()
	tool := oracle.Tool{Name: "topics", Args: []string{"--list", "--bootstrap-server", address, "--command-config", config}}
	out, err := tool.Run()
	if err == nil {
		t.Fatalf("%s lets the client in", address)
	}
	return out.Stdout + out.Stderr
}
