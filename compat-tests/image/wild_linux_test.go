package image

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Whatever process is the container's first, one SIGTERM lets the broker stop in
// order, within the time that anybody waits.
func TestStopsThroughShells(t *testing.T) {
	needImage(t)
	for name, process := range map[string][]string{
		"the last command":       {"/entrypoint.sh", "sh", "-c", "echo first; /etc/kafka/docker/run"},
		"not the last command":   {"sh", "-c", "/etc/kafka/docker/run; echo after"},
		"in the background":      {"bash", "-c", "/etc/confluent/docker/run & wait"},
		"beside a long sleep":    {"bash", "-c", "/etc/confluent/docker/run & sleep infinity"},
		"beside tail":            {"sh", "-c", "/etc/kafka/docker/run & tail -f /dev/null"},
		"with a trap":            {"bash", "-c", "trap 'kill -TERM $PID' TERM INT; /etc/kafka/docker/run & PID=$!; wait $PID"},
		"a shell in a shell":     {"bash", "-c", "bash -c '/etc/kafka/docker/run; true'; true"},
		"Kafka's own script":     {"/opt/kafka/bin/kafka-server-start.sh", "/opt/kafka/config/server.properties"},
		"bitnami's entry":        {"/opt/bitnami/scripts/kafka/entrypoint.sh", "/opt/bitnami/scripts/kafka/run.sh"},
		"bitnami's setup before": {"/entrypoint.sh", "bash", "-c", "/opt/bitnami/scripts/kafka/setup.sh && /opt/bitnami/scripts/kafka/run.sh"},
		"Redpanda's":             {"rpk", "redpanda", "start", "--mode", "dev-container"},
		"wurstmeister's":         {"/entrypoint.sh", "start-kafka.sh"},
		"flags":                  {"/entrypoint.sh", "--memory"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newContainer(t, nil, imageUser)
			c.start(t, process...)
			c.waitFor(t, ready)
			c.stop(t, syscall.SIGTERM)
			log := strings.Join(c.log(false), "\n")
			if !strings.Contains(log, "msg=stopped") || strings.Contains(log, "second") || strings.Contains(log, "after") {
				t.Errorf("the broker did not stop in order:\n%s", log)
			}
		})
	}
}

// A container may be started as anybody, as OpenShift does.
func TestAnyUser(t *testing.T) {
	needImage(t)
	for _, user := range []syscall.Credential{{Uid: 1000690000, Gid: 0}, {Uid: 501, Gid: 20}, {Uid: 0, Gid: 0}} {
		for _, process := range [][]string{
			{"/entrypoint.sh", "/etc/kafka/docker/run"}, {"/entrypoint.sh", "/etc/confluent/docker/run"}, {"/opt/bitnami/scripts/kafka/entrypoint.sh"},
			{"/entrypoint.sh", "redpanda", "start", "--mode", "dev-container"},
		} {
			c := newContainer(t, nil, user)
			c.start(t, process...)
			c.waitFor(t, ready)
			produceAtOnce(t, "localhost:9092")
			c.stop(t, syscall.SIGTERM)
		}
	}
}

// One volume under the starts of several images in turn, mounted where each has it:
// the data stay, and so does their node id.
func TestAVolumeUnderOtherImages(t *testing.T) {
	needImage(t)
	volume := t.TempDir()
	if err := os.Chmod(volume, 0o777); err != nil {
		t.Fatal(err)
	}
	for i, one := range []struct {
		at      string
		env     []string
		process []string
	}{
		{"/var/lib/kafka/data", []string{"CLUSTER_ID=4L6g3nShT-eMCtK--X86sw"}, []string{"/entrypoint.sh", "/etc/confluent/docker/run"}},
		{"/bitnami/kafka/data", []string{"KAFKA_KRAFT_CLUSTER_ID=abcdefghijklmnopqrstuv"}, []string{"/opt/bitnami/scripts/kafka/entrypoint.sh"}},
		{"/var/lib/redpanda/data", nil, []string{"/entrypoint.sh", "redpanda", "start"}},
		{"/tmp/kraft-combined-logs", nil, []string{"/entrypoint.sh"}},
		{"/kafka", nil, []string{"/entrypoint.sh", "start-kafka.sh"}},
		{"/kafka/data", nil, []string{"/entrypoint.sh"}},
	} {
		c := newContainer(t, one.env, imageUser)
		mount(t, volume, filepath.Join(c.root, one.at))
		c.start(t, one.process...)
		c.waitFor(t, ready)
		if i == 0 {
			produceAtOnce(t, "localhost:9092")
		}
		out, err := c.command("kafka-get-offsets.sh", "--bootstrap-server", "localhost:9092", "--topic", "first").CombinedOutput()
		if err != nil || string(out) != "first:0:1\n" {
			t.Errorf("%s: %v\n%s", one.at, err, out)
		}
		c.stop(t, syscall.SIGTERM)
	}
}

// A compose file of bitnami's image in which only the image was changed: the volume
// is at /bitnami, a file of settings below it, and the data are in the volume.
func TestOnlyTheImageWasChanged(t *testing.T) {
	needImage(t)
	volume := t.TempDir()
	if err := os.Chmod(volume, 0o777); err != nil {
		t.Fatal(err)
	}
	c := newContainer(t, []string{"KAFKA_CFG_NUM_PARTITIONS="}, imageUser)
	mount(t, volume, filepath.Join(c.root, "bitnami"))
	if err := os.MkdirAll(filepath.Join(volume, "kafka/config"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(volume, "kafka"), 0o777); err != nil {
		t.Fatal(err)
	}
	c.write(t, "/bitnami/kafka/config/server.properties", "node.id=5\nnum.partitions=4\n", 0o644)
	c.start(t, "/entrypoint.sh", "/etc/kafka/docker/run")
	c.waitFor(t, `KafkaServer id=5`)
	out, err := c.command("sh", "-c", "kafka-topics.sh --bootstrap-server localhost:9092 --create --topic a && kafka-topics.sh --bootstrap-server localhost:9092 --describe --topic a").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "PartitionCount: 4") {
		t.Errorf("%v\n%s", err, out)
	}
	c.stop(t, syscall.SIGTERM)
	if _, err := os.Stat(filepath.Join(volume, "kafka/data/meta.properties")); err != nil {
		t.Errorf("the data are not in the volume: %v", err)
	}
}

func mount(t *testing.T, volume, at string) {
	t.Helper()
	if err := os.MkdirAll(at, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount(volume, at, "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(at, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
}

// Health checks of compose files, as found in the wild.
func TestHealthChecks(t *testing.T) {
	needImage(t)
	c := newContainer(t, nil, imageUser)
	c.start(t, "/entrypoint.sh", "/etc/kafka/docker/run")
	c.waitFor(t, ready)
	for _, words := range [][]string{
		{"/opt/kafka/bin/kafka-broker-api-versions.sh", "--bootstrap-server", "localhost:9092"},
		{"sh", "-c", "kafka-broker-api-versions --bootstrap-server localhost:9092 | grep -q ApiVersion || exit 1"},
		{"sh", "-c", "kafka-topics.sh --bootstrap-server localhost:9092 --list > /dev/null 2>&1 || exit 1"},
		{"sh", "-c", "unset JMX_PORT; kafka-topics --list --bootstrap-server=127.0.0.1:9092"},
		{"sh", "-c", `test "$(kafka-topics --bootstrap-server localhost:9092 --list | wc -l)" -ge 0`},
		{"sh", "-c", "nc -z -w 2 localhost 9092 || exit -1"},
		{"nc", "-z", "localhost", "9092"},
		{"cub", "kafka-ready", "-b", "localhost:9092", "1", "20"},
		{"sh", "-c", "cub kafka-ready 1 20 -b localhost:9092 && ub kafka-ready 1 20 -b localhost:9092"},
		{"bash", "-c", ":> /dev/tcp/127.0.0.1/9092"},
		{"bash", "-c", `printf "" > /dev/tcp/127.0.0.1/9092 || exit 1`},
		{"bash", "-c", "(echo > /dev/tcp/localhost/9092) &>/dev/null && exit 0 || exit 1"},
		{"bash", "-c", "exec 6<> /dev/tcp/localhost/9092; exec 6>&-"},
		{"kafka-cluster.sh", "cluster-id", "--bootstrap-server", "localhost:9092"},
		{"sh", "-c", "rpk cluster health | grep -E 'Healthy:.+true' || exit 1"},
		{"rpk", "cluster", "info", "--brokers", "localhost:9092"},
		{"kafka-consumer-groups.sh", "--bootstrap-server", "localhost:9092", "--list"},
		{"barnabas", "healthcheck"},
	} {
		began := time.Now()
		if out, err := c.command(words...).CombinedOutput(); err != nil {
			t.Errorf("%q: %v\n%s", words, err, out)
		}
		t.Logf("%v for %q", time.Since(began).Round(time.Millisecond), words)
	}
	if log := c.log(false); slices.ContainsFunc(log, func(line string) bool { return strings.Contains(line, "WARN") }) {
		t.Errorf("health checks fill the log:\n%s", strings.Join(log, "\n"))
	}
	c.stop(t, syscall.SIGTERM)
	if out, err := c.command("bash", "-c", "exec 6<> /dev/tcp/localhost/9092").CombinedOutput(); err == nil {
		t.Errorf("a port that is closed passes:\n%s", out)
	}
}

// Services that use the broker's image to prepare something, as found in the wild.
func TestInitServices(t *testing.T) {
	needImage(t)
	c := newContainer(t, nil, imageUser)
	waiting := c.command("timeout", "20", "/bin/sh", "-c", "until kafka-topics --bootstrap-server localhost:9092 --list > /dev/null 2>&1; do sleep 0.05; done; echo there")
	var early strings.Builder
	waiting.Stdout = &early
	if err := waiting.Start(); err != nil { // before the broker
		t.Fatal(err)
	}
	c.start(t, "/entrypoint.sh", "/etc/kafka/docker/run")
	c.waitFor(t, ready)
	if err := waiting.Wait(); err != nil || early.String() != "there\n" {
		t.Errorf("waiting for the broker: %v %q", err, early.String())
	}
	for _, script := range []string{`
      # blocks until kafka is reachable
      kafka-topics --bootstrap-server localhost:9092 --list

      echo -e 'Creating kafka topics'
      kafka-topics --bootstrap-server localhost:9092 --create --if-not-exists --topic one --replication-factor 1 --partitions 1
      kafka-topics --bootstrap-server localhost:9092 --create --if-not-exists --topic one --replication-factor 1 --partitions 1
`,
		"cub kafka-ready -b localhost:9092 1 30 && kafka-topics --create --topic two --partitions 1 --replication-factor 1 --bootstrap-server localhost:9092 && exit 0",
		`for t in three four; do kafka-topics.sh --create --bootstrap-server localhost:9092 --partitions 3 --replication-factor 3 --topic $t; done`, `
set -euo pipefail
TOPICS="five:3 six:1"
create() {
  local name=$1 parts=${2:-1}
  /opt/bitnami/kafka/bin/kafka-topics.sh --create --if-not-exists --topic "$name" --partitions "$parts" --bootstrap-server localhost:9092
}
for spec in $TOPICS; do
  IFS=: read -r n p <<< "$spec"
  create "$n" "$p"
done
end=$((SECONDS+60))
while [ $SECONDS -lt $end ]; do nc -z localhost 9092 && break; sleep 1; done`,
		`for i in $(seq 1 3); do echo $i; done; echo "seven eight" | tr ' ' '\n' | xargs -I {} kafka-topics.sh --bootstrap-server localhost:9092 --create --topic {}`,
		"kafka-topics.sh --bootstrap-server localhost:9092 --create --topic nine & kafka-topics.sh --bootstrap-server localhost:9092 --create --topic ten & wait",
	} {
		if out, err := c.command("/bin/bash", "-c", script).CombinedOutput(); err != nil {
			t.Errorf("%s\n%v\n%s", script, err, out)
		}
	}
	out, err := c.command("kafka-topics.sh", "--bootstrap-server", "localhost:9092", "--list").CombinedOutput()
	if want := "eight\nfive\nfour\nnine\none\nseven\nsix\nten\nthree\ntwo\n"; err != nil || string(out) != want {
		t.Errorf("%v\n%s", err, out)
	}
	c.stop(t, syscall.SIGTERM)
}
