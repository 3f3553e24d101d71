package config

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// said is what an environment sets, by name.
func said(environ ...string) map[string]string {
	got := map[string]string{}
	for _, one := range readEnvironment(environ, nil).settings {
		got[one.Name] = one.Value
	}
	return got
}

// The rule for names is that of Kafka's image (KafkaDockerWrapper): one underscore
// is a dot, two are one, three a dash. Bitnami's names follow it behind KAFKA_CFG_.
func TestNamesOfVariables(t *testing.T) {
	for variable, want := range map[string]string{
		"KAFKA_NODE_ID":                           "node.id",
		"KAFKA_VALID_PROPERTY":                    "valid.property",
		"KAFKA_VALID__PROPERTY":                   "valid_property",
		"KAFKA_VALID___PROPERTY__ALL_CASES":       "valid-property_all.cases",
		"KAFKA_A__B___C":                          "a_b-c",
		"KAFKA_BARNABAS_DURABILITY":               "barnabas.durability",
		"KAFKA_CFG_LOG_DIRS":                      "log.dirs",
		"KAFKA_CFG_AUTO.CREATE.TOPICS.ENABLE":     "auto.create.topics.enable",
		"KAFKA_log_retention_ms":                  "log.retention.ms",
		"KAFKA_LISTENER_NAME_INTERNAL_SSL_KEY":    "listener.name.internal.ssl.key",
		"KAFKA_CFG_LISTENER_NAME_TC-0_X":          "listener.name.tc-0.x",
		"KAFKA_SASL_KERBEROS_SERVICE_NAME":        "sasl.kerberos.service.name",
		"KAFKA_LOGS_DIRS":                         "log.dirs",
		"KAFKA_ADVERTISED_HOST":                   "advertised.host.name",
		"KAFKA_SASL_OAUTHBEARER_ASSERTION_FILE":   "sasl.oauthbearer.assertion.file", // a setting's own name
		"KAFKA_CONFLUENT_METRICS_REPORTER_TOPICS": "confluent.metrics.reporter.topics",
	} {
		if diff := cmp.Diff(map[string]string{want: "v=w"}, said(variable+"=v=w")); diff != "" {
			t.Errorf("%s (-want +got)\n%s", variable, diff)
		}
	}
}

// What images, launchers and Kubernetes put beside the settings says nothing.
func TestVariablesThatAreNoSettings(t *testing.T) {
	for _, entry := range []string{
		"KAFKA_VERSION=4.1.0", "KAFKA_HEAP_OPTS=-Xmx1g", "KAFKA_OPTS=x", "KAFKA_LOG4J_LOGGERS=x", "KAFKA_JMX_PORT=9101", "KAFKA_JMX_OPTS=x",
		"KAFKA_JVM_PERFORMANCE_OPTS=x", "KAFKA_GC_LOG_OPTS=x", "KAFKA_TOOLS_LOG4J_LOGLEVEL=x", "KAFKA_CREATE_TOPICS=a:1:1", "KAFKA_ENABLE_KRAFT=yes",
		"KAFKA_REST_HOST_NAME=x", "KAFKA_TLS_TYPE=JKS", "KAFKA_CLIENT_PASSWORDS=x", "KAFKA_CLIENT_PASSWORDS_FILE=/x",
		"KAFKA_PORT=tcp://10.0.0.1:9092", "KAFKA_SERVICE_HOST=10.0.0.1", "KAFKA_SERVICE_PORT=9092", "KAFKA_PORT_9092_TCP_ADDR=10.0.0.1",
		"KAFKA_PORT_9092_UDP=udp://10.0.0.1:9092", "KAFKA_UI_SERVICE_PORT_HTTP=80", "KAFKA_UI_PORT=tcp://10.0.0.1:80", "MY_KAFKA_PORT=tcp://10.0.0.1:9092",
		"CONFLUENT_METRICS_ENABLE=true", "PATH=/bin", "CLUSTER_ID=x", "KAFKA_CLUSTER_ID=x", "KAFKA", "", "kafka_node_id=1",
	} {
		if got := said(entry); len(got) > 0 {
			t.Errorf("%s sets %v", entry, got)
		}
	}
	if got := said("KAFKA_PORT=9092"); got["port"] != "9092" {
		t.Errorf("a port that is a number says %v", got)
	}
}

// The list form of a compose file's environment keeps quotes; one pair goes.
func TestQuotesAroundValues(t *testing.T) {
	for value, want := range map[string]string{
		`"a"`: "a", `'a'`: "a", ` "a" `: "a", `"a`: `"a`, `"`: `"`, `""`: "", `"a'`: `"a'`, `""a""`: `"a"`, `a"b"`: `a"b"`, " a ": " a ",
	} {
		if got := said("KAFKA_RACK=" + value)["rack"]; got != want {
			t.Errorf("%q is %q, want %q", value, got, want)
		}
	}
}

// One setting under all its names: the order is that of bitnami's scripts, whatever
// the order of the environment. One variable is taken away per step.
// ${NAME} of a compose file without a value sets nothing, where nobody means nothing.
func TestEmptyVariables(t *testing.T) {
	got := said("KAFKA_NUM_PARTITIONS=", `KAFKA_LOG_DIRS=""`, "KAFKA_CFG_LISTENERS= ", "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP=", "KAFKA_AUTO_CREATE_TOPICS_ENABLE=",
		"KAFKA_LOG_CLEANUP_POLICY=", "KAFKA_SSL_ENDPOINT_IDENTIFICATION_ALGORITHM=", "KAFKA_NODE_ID=", "KAFKA_BROKER_ID=4", "KAFKA_UNHEARD_OF=")
	want := map[string]string{"log.cleanup.policy": "", "ssl.endpoint.identification.algorithm": "", "broker.id": "4", "unheard.of": ""}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestPrecedenceWithinTheEnvironment(t *testing.T) {
	files := func(name string) ([]byte, error) { return []byte(name + "\n"), nil }
	environ := []string{
		"KAFKA_LOG_DIRS_FILE=plain-file", "KAFKA_LOG_DIRS=plain", "KAFKA_LOGS_DIRS_FILE=alias-file", "KAFKA_LOGS_DIRS=alias",
		"KAFKA_CFG_LOG_DIRS_FILE=cfg-file", "KAFKA_CFG_LOG_DIRS=cfg",
	}
	for len(environ) > 0 {
		_, want, _ := strings.Cut(environ[0], "=")
		turned := make([]string, 0, len(environ))
		for _, e := range environ {
			turned = append([]string{e}, turned...)
		}
		for _, in := range [][]string{environ, turned} {
			if b := start(t, Input{Environ: in, ReadFile: files}); b.LogDirs[0] != want {
				t.Errorf("%v: %s, want %s", in, b.LogDirs[0], want)
			}
		}
		environ = environ[1:]
	}
}

// A secret that cannot be read is named with its variable; one that is for a
// listener which nobody can have is not even looked for.
func TestValuesFromFiles(t *testing.T) {
	read := func(name string) ([]byte, error) {
		if name == "/run/secrets/rack" {
			return []byte("a rack\r\n"), nil
		}
		return nil, errors.New("it is not there")
	}
	in := Input{Environ: []string{"KAFKA_BROKER_RACK_FILE=/run/secrets/rack", "KAFKA_CLIENT_PASSWORDS_FILE=/x"}, ReadFile: read}
	if b := start(t, in); b.Rack != "a rack" {
		t.Errorf("the rack is %q", b.Rack)
	}
	in.Environ = []string{"KAFKA_BROKER_RACK_FILE=/nowhere"}
	_, err := Load(in)
	want := `environment KAFKA_BROKER_RACK_FILE: the file "/nowhere" cannot be read: it is not there`
	if err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	in.ReadFile = nil
	if _, err := Load(in); err == nil {
		t.Error("a file that nobody can read is no fault")
	}
}

// The identity of a new data directory: any text, the strongest name first.
func TestClusterIDs(t *testing.T) {
	environ := []string{"CLUSTER_ID=first one", "KAFKA_CLUSTER_ID=second", "KAFKA_KRAFT_CLUSTER_ID=third"}
	for _, want := range []string{"first one", "second", "third"} {
		s, err := Load(Input{Environ: environ})
		if err != nil || s.ClusterID != want {
			t.Errorf("%v: %q, %v", environ, s.ClusterID, err)
		}
		environ = environ[1:]
	}
	if s, err := Load(Input{Environ: []string{"CLUSTER_ID=env"}, ClusterID: "given"}); err != nil || s.ClusterID != "given" {
		t.Errorf("%q, %v", s.ClusterID, err)
	}
	if s, err := Load(Input{Environ: []string{"CLUSTER_ID= ", "KAFKA_CLUSTER_ID=b"}}); err != nil || s.ClusterID != "b" {
		t.Errorf("%q, %v", s.ClusterID, err)
	}
	if _, err := Load(Input{Environ: []string{"CLUSTER_ID=a\nnode.id=7"}}); err == nil {
		t.Error("an identity may break into another line")
	}
}

// All that is for a Java machine or for ZooKeeper is one warning, and no failure.
func TestOneWarningForTheJavaMachine(t *testing.T) {
	s, err := Load(Input{
		File:    &File{"f", []byte("zookeeper.connection.timeout.ms=18000\nzookeeper.connect=localhost:2181\n")},
		Environ: []string{"KAFKA_OPTS=x", "KAFKA_ZOOKEEPER_CONNECT=z:2181", "KAFKA_HEAP_OPTS=-Xmx1g", "KAFKA_JMX_PORT=1"},
	})
	want := "environment KAFKA_HEAP_OPTS: KAFKA_HEAP_OPTS, KAFKA_JMX_PORT, KAFKA_OPTS, KAFKA_ZOOKEEPER_CONNECT, zookeeper.connection.timeout.ms: " +
		"there is no Java machine and no ZooKeeper here; without effect"
	if err != nil || s.Warnings.Error() != want {
		t.Errorf("%v, warnings\n%v, want\n%s", err, s.Warnings, want)
	}
}
