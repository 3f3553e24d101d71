package image

import (
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
)

var (
	imageUser = syscall.Credential{Uid: 1000, Gid: 0}
	rootUser  = syscall.Credential{}
)

// launcher is how a module of Testcontainers starts a broker.
type launcher struct {
	name, source string
	env          []string
	user         syscall.Credential
	before       []file   // put into the container before its start
	process      []string // entry point and command
	after        []file   // put into it when it runs
	// exec are commands in the running container, in place of a file.
	exec     [][]string
	patterns []string // what it waits for
	address  string   // what it gives to its user
	also     func(*testing.T)
}

type file struct {
	name, text string
	mode       os.FileMode
}

// commonEnv is what nearly all set.
func commonEnv(more ...string) []string {
	return append([]string{
		"KAFKA_INTER_BROKER_LISTENER_NAME=BROKER", "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR=1", "KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS=1",
		"KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR=1", "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR=1",
		"KAFKA_LOG_FLUSH_INTERVAL_MESSAGES=9223372036854775807", "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS=0",
	}, more...)
}

func kraftEnv(listeners string, more ...string) []string {
	return commonEnv(append([]string{
		"KAFKA_LISTENERS=" + listeners, "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP=BROKER:PLAINTEXT,PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
		"KAFKA_PROCESS_ROLES=broker,controller", "KAFKA_CONTROLLER_LISTENER_NAMES=CONTROLLER", "KAFKA_NODE_ID=1",
		"KAFKA_CONTROLLER_QUORUM_VOTERS=1@localhost:9094", "CLUSTER_ID=4L6g3nShT-eMCtK--X86sw",
	}, more...)...)
}

const (
	recovery = `.*Transitioning from RECOVERY to RUNNING.*`
	started  = `.*\[KafkaServer id=\d+\] started.*`
	plain92  = "PLAINTEXT://0.0.0.0:9092,BROKER://0.0.0.0:9093,CONTROLLER://0.0.0.0:9094"
	plain93  = "PLAINTEXT://0.0.0.0:9093,BROKER://0.0.0.0:9092,CONTROLLER://0.0.0.0:9094"
)

// waiting is the command with which nearly all wait for their script.
func waiting(script, run string) string {
	return "while [ ! -f " + script + " ]; do sleep 0.1; done; " + run
}

// launchers are the modules; their scripts are what those write, line by line.
var launchers = []launcher{
	{
		name: "Java apache", source: "testcontainers-java: KafkaContainer, KafkaHelper",
		env: kraftEnv(plain92), user: imageUser,
		process: []string{"/entrypoint.sh", "sh", "-c", waiting("/tmp/testcontainers_start.sh", "/tmp/testcontainers_start.sh")},
		after: []file{{"/tmp/testcontainers_start.sh", "#!/bin/bash\nexport KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://localhost:9092,BROKER://localhost:9093\n" +
			"/etc/kafka/docker/run \n", 0o777}},
		patterns: []string{recovery}, address: "localhost:9092",
	},
	{
		name: "Java cp", source: "testcontainers-java: ConfluentKafkaContainer, KafkaHelper",
		env: kraftEnv(plain92), user: imageUser,
		process: []string{"/entrypoint.sh", "sh", "-c", waiting("/tmp/testcontainers_start.sh", "/tmp/testcontainers_start.sh")},
		after: []file{{"/tmp/testcontainers_start.sh", "#!/bin/bash\nexport KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://localhost:9092,BROKER://localhost:9093\n" +
			"/etc/confluent/docker/run \n", 0o777}},
		patterns: []string{recovery}, address: "localhost:9092",
	},
	{
		name: "Java cp, old class with ZooKeeper", source: "testcontainers-java: containers.KafkaContainer",
		env: commonEnv("KAFKA_LISTENERS=PLAINTEXT://0.0.0.0:9093,BROKER://0.0.0.0:9092", "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP=BROKER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
			"KAFKA_BROKER_ID=1", "KAFKA_ZOOKEEPER_CONNECT=localhost:2181"),
		user:    imageUser,
		process: []string{"sh", "-c", waiting("/tmp/testcontainers_start.sh", "/tmp/testcontainers_start.sh")},
		after: []file{{"/tmp/testcontainers_start.sh", "#!/bin/bash\nexport KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://localhost:9093,BROKER://localhost:9092\n" +
			"echo '' > /etc/confluent/docker/ensure \necho 'clientPort=2181' > /tmp/zookeeper.properties\n" +
			"echo 'dataDir=/var/lib/zookeeper/data' >> /tmp/zookeeper.properties\necho 'dataLogDir=/var/lib/zookeeper/log' >> /tmp/zookeeper.properties\n" +
			"zookeeper-server-start /tmp/zookeeper.properties &\n/etc/confluent/docker/run \n", 0o777}},
		patterns: []string{started}, address: "localhost:9093", also: listening("2181"),
	},
	{
		name: "Go confluent-local", source: "testcontainers-go: modules/kafka",
		env: kraftEnv(plain93, "KAFKA_BROKER_ID=1", "KAFKA_REST_BOOTSTRAP_SERVERS="+plain93), user: imageUser,
		process: []string{"sh", "-c", waiting("/usr/sbin/testcontainers_start.sh", "bash /usr/sbin/testcontainers_start.sh")},
		after: []file{{"/usr/sbin/testcontainers_start.sh", "#!/bin/bash\nsource /etc/confluent/docker/bash-config\n" +
			"export KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://localhost:9093,BROKER://localhost:9092\necho Starting Kafka KRaft mode\n" +
			"sed -i '/KAFKA_ZOOKEEPER_CONNECT/d' /etc/confluent/docker/configure\n" +
			"echo 'kafka-storage format --ignore-formatted -t \"$(kafka-storage random-uuid)\" -c /etc/kafka/kafka.properties' >> /etc/confluent/docker/configure\n" +
			"echo '' > /etc/confluent/docker/ensure\n/etc/confluent/docker/configure\n/etc/confluent/docker/launch", 0o755}},
		patterns: []string{recovery}, address: "localhost:9093",
	},
	{
		name: "Node, tag 8.0.0", source: "testcontainers-node: kafka-container.ts",
		env: kraftEnv(plain92+",SECOND://0.0.0.0:9095", "KAFKA_BROKER_ID=1", "KAFKA_CONFLUENT_SUPPORT_METRICS_ENABLE=false",
			"KAFKA_LISTENER_SECURITY_PROTOCOL_MAP=BROKER:PLAINTEXT,PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECOND:PLAINTEXT"),
		user: imageUser,
		process: []string{"sh", "-c", "echo 'Waiting for script...'; " +
			waiting("/tmp/testcontainers_start.sh", "/tmp/testcontainers_start.sh")},
		after: []file{{"/tmp/testcontainers_start.sh", "#!/bin/bash\nexport KAFKA_ADVERTISED_LISTENERS=BROKER://localhost:9093,PLAINTEXT://localhost:9092\n" +
			"/etc/confluent/docker/run \n", 0o777}},
		patterns: []string{"Waiting for script...", recovery}, address: "localhost:9092",
	},
	{
		name: "Node, tag latest with ZooKeeper", source: "testcontainers-node: kafka-container.ts",
		env: commonEnv("KAFKA_LISTENERS=PLAINTEXT://0.0.0.0:9093,BROKER://0.0.0.0:9092", "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP=BROKER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
			"KAFKA_BROKER_ID=1", "KAFKA_CONFLUENT_SUPPORT_METRICS_ENABLE=false", "KAFKA_ZOOKEEPER_CONNECT=localhost:2181"),
		user:    imageUser,
		process: []string{"sh", "-c", "echo 'Waiting for script...'; " + waiting("/tmp/testcontainers_start.sh", "/tmp/testcontainers_start.sh")},
		after: []file{{"/tmp/testcontainers_start.sh", "#!/bin/bash\nexport KAFKA_ADVERTISED_LISTENERS=BROKER://localhost:9092,PLAINTEXT://localhost:9093\n" +
			"echo '' > /etc/confluent/docker/ensure \necho 'clientPort=2181' > zookeeper.properties\necho 'dataDir=/var/lib/zookeeper/data' >> zookeeper.properties\n" +
			"echo 'dataLogDir=/var/lib/zookeeper/log' >> zookeeper.properties\nzookeeper-server-start zookeeper.properties &\n/etc/confluent/docker/run \n", 0o777}},
		patterns: []string{started}, address: "localhost:9093", also: listening("2181"),
	},
	{
		name: "Python with KRaft", source: "testcontainers-python: community/kafka",
		env: kraftEnv(plain93, "KAFKA_BROKER_ID=1", "CLUSTER_ID=MkU3OEVBNTcwNTJENDM2Qk"), user: imageUser,
		process: []string{"/entrypoint.sh", "sh", "-c", waiting("/tc-start.sh", "sh /tc-start.sh")},
		after: []file{{"/tc-start.sh", "#!/bin/bash\n\nsed -i '/KAFKA_ZOOKEEPER_CONNECT/d' /etc/confluent/docker/configure\n" +
			"echo 'kafka-storage format --ignore-formatted -t MkU3OEVBNTcwNTJENDM2Qk -c /etc/kafka/kafka.properties' >> /etc/confluent/docker/configure\n\n" +
			"export KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://localhost:9093,BROKER://$(hostname -i | cut -d' ' -f1):9092\n" +
			". /etc/confluent/docker/bash-config\n/etc/confluent/docker/configure\n/etc/confluent/docker/launch", 0o644}},
		patterns: []string{`.*Kafka Server started.*`}, address: "localhost:9093",
	},
	{
		name: "Python with ZooKeeper", source: "testcontainers-python: community/kafka",
		env: commonEnv("KAFKA_LISTENERS=PLAINTEXT://0.0.0.0:9093,BROKER://0.0.0.0:9092", "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP=BROKER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
			"KAFKA_BROKER_ID=1", "KAFKA_LOG_FLUSH_INTERVAL_MESSAGES=10000000"),
		user:    imageUser,
		process: []string{"/entrypoint.sh", "sh", "-c", waiting("/tc-start.sh", "sh /tc-start.sh")},
		after: []file{{"/tc-start.sh", "#!/bin/bash\n\necho 'clientPort=2181' > zookeeper.properties\necho 'dataDir=/var/lib/zookeeper/data' >> zookeeper.properties\n" +
			"echo 'dataLogDir=/var/lib/zookeeper/log' >> zookeeper.properties\nzookeeper-server-start zookeeper.properties &\nexport KAFKA_ZOOKEEPER_CONNECT='localhost:2181'\n\n" +
			"export KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://localhost:9093,BROKER://$(hostname -i):9092\n" +
			". /etc/confluent/docker/bash-config\n/etc/confluent/docker/configure\n/etc/confluent/docker/launch", 0o644}},
		patterns: []string{started}, address: "localhost:9093",
	},
	{
		name: ".NET apache", source: "testcontainers-dotnet: KafkaBuilder, ApacheConfiguration",
		env:     kraftEnv("PLAINTEXT://:9092,BROKER://:9093,CONTROLLER://:9094", "KAFKA_BROKER_ID=1"),
		user:    imageUser,
		process: []string{"/bin/sh", "-c", waiting("/testcontainers.sh", "/testcontainers.sh")},
		after: []file{{"/testcontainers.sh", "#!/bin/bash\nexport KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://127.0.0.1:9092,BROKER://127.0.0.1:9093,\n" +
			"exec /etc/kafka/docker/run\n", 0o755}},
		patterns: []string{recovery}, address: "127.0.0.1:9092",
	},
	{
		name: ".NET cp with ZooKeeper", source: "testcontainers-dotnet: KafkaBuilder, ConfluentConfiguration",
		env: commonEnv("KAFKA_LISTENERS=PLAINTEXT://:9092,BROKER://:9093,CONTROLLER://:9094", "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP=BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
			"KAFKA_BROKER_ID=1", "KAFKA_NODE_ID=1", "KAFKA_CONTROLLER_QUORUM_VOTERS=1@localhost:9094", "CLUSTER_ID=4L6g3nShT-eMCtK--X86sw", "KAFKA_ZOOKEEPER_CONNECT=localhost:2181"),
		user:    imageUser,
		process: []string{"/bin/sh", "-c", waiting("/testcontainers.sh", "/testcontainers.sh")},
		after: []file{{"/testcontainers.sh", "#!/bin/bash\necho '' > /etc/confluent/docker/ensure\necho 'clientPort=2181' > zookeeper.properties\n" +
			"echo 'dataDir=/var/lib/zookeeper/data' >> zookeeper.properties\necho 'dataLogDir=/var/lib/zookeeper/log' >> zookeeper.properties\n" +
			"zookeeper-server-start zookeeper.properties &\nexport KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://127.0.0.1:9092,BROKER://127.0.0.1:9093,\n" +
			"exec /etc/confluent/docker/run\n", 0o755}},
		patterns: []string{`\[KafkaServer id=\d+\] started`}, address: "127.0.0.1:9092",
	},
	{
		name: "Rust apache", source: "testcontainers-rs-modules-community: kafka/apache.rs",
		env: []string{
			"KAFKA_LISTENERS=" + plain92, "CLUSTER_ID=5L6g3nShT-eMCtK--X86sw", "KAFKA_PROCESS_ROLES=broker,controller", "KAFKA_CONTROLLER_LISTENER_NAMES=CONTROLLER",
			"KAFKA_LISTENER_SECURITY_PROTOCOL_MAP=BROKER:PLAINTEXT,PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT", "KAFKA_INTER_BROKER_LISTENER_NAME=BROKER",
			"KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://localhost:9092,BROKER://localhost:9092", "KAFKA_BROKER_ID=1", "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR=1",
			"KAFKA_CONTROLLER_QUORUM_VOTERS=1@localhost:9094",
		},
		user: imageUser,
		process: []string{"bash", "-c", "while [ ! -f /opt/kafka/testcontainers_start.sh  ]; do sleep 0.1; done; " +
			"chmod 755 /opt/kafka/testcontainers_start.sh && /opt/kafka/testcontainers_start.sh"},
		exec: [][]string{{"sh", "-c", "echo '#!/usr/bin/env bash\nexport KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://127.0.0.1:9092,BROKER://localhost:9093\n" +
			"/etc/kafka/docker/run \n' > /opt/kafka/testcontainers_start.sh"}},
		patterns: []string{`Kafka Server started`}, address: "127.0.0.1:9092",
	},
	{
		name: "Redpanda, Java and Go", source: "testcontainers-java: entrypoint-tc.sh, redpanda.yaml.ftl; testcontainers-go: modules/redpanda",
		user: rootUser,
		before: []file{{"/entrypoint-tc.sh", "#!/usr/bin/env bash\n\nuntil grep -q \"# Injected by testcontainers\" \"/etc/redpanda/redpanda.yaml\"\ndo\n  sleep 0.1\ndone\n" +
			"exec /entrypoint.sh $@", 0o700}},
		process: []string{"/entrypoint-tc.sh", "redpanda", "start", "--mode=dev-container", "--smp=1", "--memory=1G"},
		after: []file{
			{"/etc/redpanda/.bootstrap.yaml", "# Injected by testcontainers\nsuperusers:\n  []\n\nauto_create_topics_enabled: true\n", 0o700},
			{"/etc/redpanda/redpanda.yaml", redpandaYAML, 0o700},
		},
		patterns: []string{`.*Successfully started Redpanda!.*`}, address: "localhost:9092", also: otherRedpandaPorts,
	},
	{
		name: "Redpanda, Python and .NET", source: "testcontainers-python: kafka/_redpanda.py; testcontainers-dotnet: RedpandaBuilder",
		user:    imageUser,
		process: []string{"sh", "-c", waiting("/var/lib/redpanda/tc-start.sh", "sh /var/lib/redpanda/tc-start.sh")},
		after: []file{{"/var/lib/redpanda/tc-start.sh", "#!/bin/bash\n/usr/bin/rpk redpanda start --mode dev-container --smp 1 --memory 1G " +
			"--kafka-addr PLAINTEXT://0.0.0.0:29092,OUTSIDE://0.0.0.0:9092  --advertise-kafka-addr PLAINTEXT://127.0.0.1:29092,OUTSIDE://localhost:9092", 0o644}},
		patterns: []string{`.*Started Kafka API server.*`, `Successfully started Redpanda!`}, address: "localhost:9092",
	},
	{
		name: "Redpanda, Node", source: "testcontainers-node: redpanda-container.ts",
		user:    rootUser,
		process: []string{"sh", "-c", "echo 'Waiting for script...'; " + waiting("/testcontainers_start.sh", "/testcontainers_start.sh")},
		after: []file{
			{"/etc/redpanda/redpanda.yaml", redpandaYAML, 0o644},
			{"/testcontainers_start.sh", "#!/bin/bash\nrpk redpanda start --mode dev-container --smp=1 --memory=1G", 0o777},
		},
		patterns: []string{"Successfully started Redpanda!"}, address: "localhost:9092",
	},
}

// redpandaYAML has the two lists that matter, in the form of the modules.
const redpandaYAML = `# Injected by testcontainers
redpanda:
  admin:
    address: 0.0.0.0
    port: 9644

  kafka_api:
    - address: 0.0.0.0
      name: external
      port: 9092
      authentication_method: none

    - address: 0.0.0.0
      name: internal
      port: 9093
      authentication_method: none

  advertised_kafka_api:
    - address: localhost
      name: external
      port: 9092
    - address: 127.0.0.1
      name: internal
      port: 9093

schema_registry:
  schema_registry_api:
  - address: "0.0.0.0"
    name: main
    port: 8081
`

// Each module's script runs as it is, and when a line that it waits for is there a
// client makes a topic and writes to it at the first attempt. The signal that
// `docker stop` sends to the container's process ends the broker.
func TestLaunchers(t *testing.T) {
	needImage(t)
	for _, l := range launchers {
		t.Run(l.name, func(t *testing.T) {
			c := newContainer(t, l.env, l.user)
			for _, f := range l.before {
				c.write(t, f.name, f.text, f.mode)
			}
			c.start(t, l.process...)
			for _, f := range l.after {
				c.write(t, f.name, f.text, f.mode)
			}
			for _, words := range l.exec {
				if out, err := c.command(words...).CombinedOutput(); err != nil {
					t.Fatalf("%q: %v\n%s", words, err, out)
				}
			}
			for _, pattern := range l.patterns {
				c.waitFor(t, pattern)
			}
			produceAtOnce(t, l.address)
			if l.also != nil {
				l.also(t)
			}
			c.stop(t, syscall.SIGTERM)
		})
	}
}

func listening(port string) func(*testing.T) {
	return func(t *testing.T) {
		conn, err := net.Dial("tcp", "localhost:"+port)
		if err != nil {
			t.Error(err)
			return
		}
		_ = conn.Close()
	}
}

// otherRedpandaPorts are what the Go module looks at before it takes Redpanda for
// ready.
func otherRedpandaPorts(t *testing.T) {
	listening("8081")(t)
	listening("8082")(t)
	answer, err := http.Get("http://localhost:9644/")
	if err != nil {
		t.Error(err)
		return
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusNotFound || !strings.Contains(string(text), "no such service") {
		t.Errorf("the administration port answers %s %q (%v)", answer.Status, text, err)
	}
}

// Rust's module for cp waits, alters the advertised listeners in the running
// broker, and waits again.
func TestRustConfluentLauncher(t *testing.T) {
	needImage(t)
	c := newContainer(t, []string{
		"KAFKA_ZOOKEEPER_CONNECT=localhost:2181", "KAFKA_LISTENERS=PLAINTEXT://0.0.0.0:9093,BROKER://0.0.0.0:9092", "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP=BROKER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
		"KAFKA_INTER_BROKER_LISTENER_NAME=BROKER", "KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://localhost:9093,BROKER://localhost:9092", "KAFKA_BROKER_ID=1",
		"KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR=1", "CLUSTER_ID=5L6g3nShT-eMCtK--X86sw",
	}, imageUser)
	c.start(t, "/bin/bash", "-c", "\necho 'clientPort=2181' > zookeeper.properties;\necho 'dataDir=/var/lib/zookeeper/data' >> zookeeper.properties;\n"+
		"echo 'dataLogDir=/var/lib/zookeeper/log' >> zookeeper.properties;\nzookeeper-server-start zookeeper.properties &\n"+
		". /etc/confluent/docker/bash-config &&\n/etc/confluent/docker/configure &&\n/etc/confluent/docker/launch")
	c.waitFor(t, "Creating new log file")
	out, err := c.command("kafka-configs", "--alter", "--bootstrap-server", "0.0.0.0:9092", "--entity-type", "brokers", "--entity-name", "1",
		"--add-config", "advertised.listeners=[PLAINTEXT://127.0.0.1:9093,BROKER://localhost:9092]").CombinedOutput()
	if err != nil {
		t.Errorf("kafka-configs: %v\n%s", err, out)
	}
	c.waitFor(t, "Checking need to trigger auto leader balancing")
	produceAtOnce(t, "127.0.0.1:9093")
	c.stop(t, syscall.SIGTERM)
}
