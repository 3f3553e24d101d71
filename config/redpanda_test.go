package config

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func inWords(settings []Setting) string {
	var lines []string
	for _, s := range settings {
		lines = append(lines, fmt.Sprintf("%s=%s (%s)", s.Name, s.Value, s.Origin))
	}
	return strings.Join(lines, "\n")
}

// The other services listen where flags say, else where variables do, else at
// Redpanda's own ports.
func TestRedpandaBesideKafka(t *testing.T) {
	for _, c := range []struct{ args, environ, want string }{
		{"start", "", "0.0.0.0:8081 0.0.0.0:8082 0.0.0.0:9644"},
		{"start --schema-registry-addr internal://0.0.0.0:8081,external://[::]:18081 --pandaproxy-addr=1.2.3.4:5", "",
			"0.0.0.0:8081 [::]:18081 1.2.3.4:5 0.0.0.0:9644"},
		{"start --pandaproxy-addr :1", "REDPANDA_PANDAPROXY_ADDRESS=:2 REDPANDA_SCHEMA_REGISTRY_ADDRESS=:3", ":3 :1 0.0.0.0:9644"},
	} {
		got, err := FromRedpanda(strings.Fields(c.args), strings.Fields(c.environ))
		if err != nil || strings.Join(got.Beside, " ") != c.want {
			t.Errorf("%s %s: %v, want %s (%v)", c.args, c.environ, got.Beside, c.want, err)
		}
	}
}

// Compose files of Redpanda have a flag and its value in one argument.
func TestRedpandaFlagsWithTheirValues(t *testing.T) {
	got, err := FromRedpanda([]string{
		"start", "--kafka-addr internal://0.0.0.0:9092,external://0.0.0.0:19092", "--advertise-kafka-addr  internal://redpanda-0:9092,external://localhost:19092",
		"--mode dev-container", "--smp 1", "--default-log-level=info", "--overprovisioned ", "--set redpanda.log_segment_size=1048576", "--set=node_id=3 ",
		"--schema-registry-addr internal://0.0.0.0:8081",
	}, nil)
	want := []string{
		"listeners=INTERNAL://0.0.0.0:9092,EXTERNAL://0.0.0.0:19092 (--kafka-addr)", "listener.security.protocol.map=INTERNAL:PLAINTEXT,EXTERNAL:PLAINTEXT (--kafka-addr)",
		"advertised.listeners=INTERNAL://redpanda-0:9092,EXTERNAL://localhost:19092 (--advertise-kafka-addr)",
		"auto.create.topics.enable=true (profile --mode dev-container)", "group.initial.rebalance.delay.ms=0 (profile --mode dev-container)",
		"offsets.topic.num.partitions=3 (profile --mode dev-container)", "barnabas.durability=cached (profile --mode dev-container)",
		"log.segment.bytes=1048576 (--set redpanda.log_segment_size)", "node.id=3 (--set node_id)",
	}
	if diff := cmp.Diff(strings.Join(want, "\n"), inWords(got.Settings)); diff != "" || err != nil || got.Beside[0] != "0.0.0.0:8081" {
		t.Errorf("%v %v (-want +got)\n%s", err, got.Beside, diff)
	}
}

// Flags in all their forms, among those that are for Redpanda's runtime.
func TestRedpandaFlags(t *testing.T) {
	for args, want := range map[string][]string{
		"start": nil,
		"":      nil,
		"redpanda start --smp 1 --memory 1G --overprovisioned --check=false -c 4": nil,
		"redpanda start --node-id 3 --rack=a":                                     {"node.id=3 (--node-id)", "broker.rack=a (--rack)"},
		"start --kafka-addr 0.0.0.0:9092": {
			"listeners=PLAINTEXT://0.0.0.0:9092 (--kafka-addr)", "listener.security.protocol.map=PLAINTEXT:PLAINTEXT (--kafka-addr)"},
		"start --kafka-addr=internal://0.0.0.0:9092,[::1]:19092|none,9.9.9.9 --advertise-kafka-addr=kafka": {
			"listeners=INTERNAL://0.0.0.0:9092,PLAINTEXT2://[::1]:19092,PLAINTEXT3://9.9.9.9:9092 (--kafka-addr)",
			"listener.security.protocol.map=INTERNAL:PLAINTEXT,PLAINTEXT2:PLAINTEXT,PLAINTEXT3:PLAINTEXT (--kafka-addr)",
			"advertised.listeners=PLAINTEXT://kafka:9092 (--advertise-kafka-addr)"},
		"start --kafka-addr a://:1|sasl,b://:2|mtls_identity": {
			"listeners=A://:1,B://:2 (--kafka-addr)", "listener.security.protocol.map=A:SASL_PLAINTEXT,B:SSL (--kafka-addr)"},
		"start --set redpanda.auto_create_topics_enabled=true --set=log_segment_size=1048576 --set redpanda.empty_seed_starts_cluster=false": {
			"auto.create.topics.enable=true (--set redpanda.auto_create_topics_enabled)", "log.segment.bytes=1048576 (--set log_segment_size)"},
		"start --set redpanda.write_caching_default=false --set delete_retention_ms=null --set retention_bytes=5": {
			"barnabas.durability=sync (--set redpanda.write_caching_default)", "log.retention.ms=-1 (--set delete_retention_ms)",
			"log.retention.bytes=5 (--set retention_bytes)"},
		"start --mode production": nil,
		"start --mode dev-container": {
			"auto.create.topics.enable=true (profile --mode dev-container)", "group.initial.rebalance.delay.ms=0 (profile --mode dev-container)",
			"offsets.topic.num.partitions=3 (profile --mode dev-container)", "barnabas.durability=cached (profile --mode dev-container)"},
		"start --set": nil,
	} {
		got, err := FromRedpanda(strings.Fields(args), nil)
		if args == "start --set" {
			if err == nil {
				t.Error("--set without a value was accepted")
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", args, err)
		}
		if diff := cmp.Diff(strings.Join(want, "\n"), inWords(got.Settings)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", args, diff)
		}
	}
	got, err := FromRedpanda([]string{"start", "--config", "/etc/redpanda/other.yaml"}, nil)
	if err != nil || got.ConfigFile != "/etc/redpanda/other.yaml" {
		t.Errorf("the file is %q, %v", got.ConfigFile, err)
	}
}

// Flag, variable, file, mode, image: each wins over the next.
func TestPrecedenceOfRedpanda(t *testing.T) {
	file, err := FromRedpandaFile(File{"r.yaml", []byte("redpanda:\n  default_topic_partitions: 2\n  auto_create_topics_enabled: false\n")})
	if err != nil {
		t.Fatal(err)
	}
	see := func(partitions int, create bool, args ...string) {
		t.Helper()
		flags, err := FromRedpanda(args, nil)
		if err != nil {
			t.Fatal(err)
		}
		b := start(t, Input{Family: Redpanda, Given: append(flags.Settings, file...)})
		if b.NumPartitions != partitions || b.AutoCreateTopics != create {
			t.Errorf("%v: %d partitions, create %v; want %d, %v", args, b.NumPartitions, b.AutoCreateTopics, partitions, create)
		}
	}
	see(3, false, "--set", "redpanda.default_topic_partitions=3", "--mode", "dev-container")
	see(2, false, "--mode", "dev-container")
	file = nil
	see(1, true, "--mode", "dev-container")
	see(1, false)
}

// The file as launchers write it, and the properties of a cluster beside it.
func TestRedpandaFiles(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"a launcher's": {`# Written by a launcher
redpanda:
  admin:
    address: 0.0.0.0
    port: 9644
  kafka_api:
    - address: 0.0.0.0
      name: external
      port: 9092
      authentication_method: none
    - { address: "::", name: internal, port: 9093 }
  advertised_kafka_api:
    - address: localhost
      name: external
      port: 32790
    - address: 127.0.0.1
      name: internal
      port: 9093
  data_directory: "/var/lib/redpanda/data" # as always
  node_id: 0
  seed_servers: []
schema_registry:
  schema_registry_api:
    - address: 0.0.0.0
      port: 8081
`, []string{
			"listeners=EXTERNAL://0.0.0.0:9092,INTERNAL://[::]:9093 (r.yaml:6)",
			"listener.security.protocol.map=EXTERNAL:PLAINTEXT,INTERNAL:PLAINTEXT (r.yaml:6)",
			"advertised.listeners=EXTERNAL://localhost:32790,INTERNAL://127.0.0.1:9093 (r.yaml:12)",
			"log.dirs=/var/lib/redpanda/data (r.yaml:19)", "node.id=0 (r.yaml:20)",
		}},
		"a single address": {"redpanda:\n  kafka_api:\n    address: 0.0.0.0\n    port: 9092\n", []string{
			"listeners=PLAINTEXT://0.0.0.0:9092 (r.yaml:2)", "listener.security.protocol.map=PLAINTEXT:PLAINTEXT (r.yaml:2)"}},
		"the cluster's": {"auto_create_topics_enabled: true\ngroup_initial_rebalance_delay: 0\nenable_sasl: false\nsuperusers: [\"admin\"]\n" +
			"delete_retention_ms: null\nkafka_batch_max_bytes: 1_048_576\n", []string{
			"auto.create.topics.enable=true (r.yaml:1)", "group.initial.rebalance.delay.ms=0 (r.yaml:2)", "log.retention.ms=-1 (r.yaml:5)",
			"message.max.bytes=1_048_576 (r.yaml:6)"}},
		"with passwords": {"redpanda:\n  kafka_api:\n  - {address: 0.0.0.0, port: 9092, authentication_method: sasl}\n  kafka_api_tls:\n  - enabled: true\nenable_sasl: true\n", []string{
			"listeners=PLAINTEXT://0.0.0.0:9092 (r.yaml:2)", "listener.security.protocol.map=PLAINTEXT:SASL_PLAINTEXT (r.yaml:2)",
			"authorizer.class.name=kafka_api_tls (r.yaml:4)", "authorizer.class.name=enable_sasl (r.yaml:6)"}},
		"nothing": {"", nil},
		"a list":  {"- 1\n- 2\n", nil},
	} {
		got, err := FromRedpandaFile(File{"r.yaml", []byte(c.text)})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(strings.Join(c.want, "\n"), inWords(got)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
	for text, want := range map[string]string{
		"redpanda:\n  kafka_api:\n  - port: 1\n": "r.yaml:2: kafka_api: an address is missing",
		"redpanda: [":                            "r.yaml:1: ",
	} {
		if _, err := FromRedpandaFile(File{"r.yaml", []byte(text)}); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}
