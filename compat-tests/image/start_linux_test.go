package image

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/barnabas-mq/barnabas/compat-tests/barnabas"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const ready = "Kafka Server started"

// The forms with which launchers ask inside a container whether a port is open:
// testcontainers-java's InternalCommandPortListeningCheck, -go's
// buildInternalCheckCommand, -node's port-check.ts and -dotnet's
// UntilInternalTcpPortIsAvailableOnUnix. With /proc they read it, and without it
// they fall back on nc.
func TestPortChecks(t *testing.T) {
	needImage(t)
	c := newContainer(t, nil, imageUser)
	c.start(t, "/entrypoint.sh", "/etc/kafka/docker/run")
	c.waitFor(t, ready)
	// Of two forms a port matches that only begins so, or a number beside it: 65000 is no
	// beginning of what the kernel gives to clients.
	open, closed := "9092", "65000"
	hex := map[string]string{open: "2384", closed: "fde8"}
	forms := map[string]func(port string) []string{
		"Java": func(port string) []string {
			return []string{"/bin/sh", "-c", "timeout 1 sh -c \"while true; do ( true  &&  (grep -i ':0*" + hex[port] + "' /proc/net/tcp* || nc -vz -w 1 localhost " + port +
				" || /bin/bash -c '</dev/tcp/localhost/" + port + "') ) && exit 0 || sleep 0.1; done\""}
		},
		"Go": func(port string) []string {
			return []string{"/bin/sh", "-c", "true && (\n\t\t\t\t\tcat /proc/net/tcp* | awk '{print $2}' | grep -i :" + hex[port] + " ||\n\t\t\t\t\tnc -vz -w 1 localhost " + port +
				" ||\n\t\t\t\t\t/bin/sh -c '</dev/tcp/localhost/" + port + "'\n\t\t\t\t)\n\t\t\t\t"}
		},
		"Node, /proc": func(port string) []string {
			return []string{"/bin/sh", "-c", "cat /proc/net/tcp* | awk '{print $2}' | grep -i :" + hex[port]}
		},
		"Node, nc":   func(port string) []string { return []string{"/bin/sh", "-c", "nc -vz -w 1 localhost " + port} },
		"Node, bash": func(port string) []string { return []string{"/bin/bash", "-c", "</dev/tcp/localhost/" + port} },
		".NET": func(port string) []string {
			return []string{"/bin/sh", "-c", "true && (grep -i ':0*" + strings.TrimLeft(hex[port], "0") + "' /proc/net/tcp* || nc -vz -w 1 localhost " + port +
				" || /bin/bash -c '</dev/tcp/localhost/" + port + "')"}
		},
		"health check of compose files": func(port string) []string { return []string{"nc", "-z", "localhost", port} },
	}
	for name, form := range forms {
		if out, err := c.command(form(open)...).CombinedOutput(); err != nil {
			t.Errorf("%s: the open port: %v\n%s", name, err, out)
		}
		if out, err := c.command(form(closed)...).CombinedOutput(); err == nil {
			t.Errorf("%s: the closed port passes for open\n%s", name, out)
		}
	}
	c.stop(t, syscall.SIGINT)
}

// Every other way into the image ends with a broker that serves, or does what was
// asked instead.
func TestWaysIn(t *testing.T) {
	needImage(t)
	for _, one := range []struct {
		name    string
		env     []string
		process []string
		address string
	}{
		{"no command", nil, []string{"/entrypoint.sh"}, "localhost:9092"},
		{"more environment", nil, []string{"/etc/kafka/docker/run", "KAFKA_LISTENERS=PLAINTEXT://:9192"}, "localhost:9192"},
		{"cp's run with more environment", nil, []string{"/etc/confluent/docker/run", "KAFKA_LISTENERS=PLAINTEXT://:9192"}, "localhost:9192"},
		{"bitnami", nil, []string{"/opt/bitnami/scripts/kafka/entrypoint.sh", "/opt/bitnami/scripts/kafka/run.sh"}, "localhost:9092"},
		{"bitnami under our entry point", nil, []string{"/entrypoint.sh", "/opt/bitnami/scripts/kafka/run.sh"}, "localhost:9092"},
		{"Redpanda's command", nil, []string{"/entrypoint.sh", "redpanda", "start", "--kafka-addr", "internal://0.0.0.0:9092,external://0.0.0.0:19092",
			"--advertise-kafka-addr", "internal://localhost:9092,external://localhost:19092", "--smp", "1", "--overprovisioned", "--nobody-knows=this"}, "localhost:19092"},
		{"start alone", nil, []string{"/entrypoint.sh", "start", "--mode", "dev-container"}, "localhost:9092"},
		{"Kafka's own script", nil, []string{"/opt/kafka/bin/kafka-server-start.sh", "/opt/kafka/config/server.properties", "--override", "listeners=PLAINTEXT://:9192"}, "localhost:9192"},
		{"a shell that ends with it", []string{"A=9192"}, []string{"/entrypoint.sh", "sh", "-c", "export KAFKA_LISTENERS=PLAINTEXT://:$A; exec /etc/kafka/docker/run"}, "localhost:9192"},
	} {
		t.Run(one.name, func(t *testing.T) {
			c := newContainer(t, one.env, imageUser)
			c.start(t, one.process...)
			c.waitFor(t, ready)
			produceAtOnce(t, one.address)
			c.stop(t, syscall.SIGTERM)
		})
	}
}

func TestOtherCommandsRunInstead(t *testing.T) {
	needImage(t)
	c := newContainer(t, nil, imageUser)
	for _, one := range []struct {
		process []string
		out     string
	}{
		{[]string{"/entrypoint.sh", "sh", "-c", "echo $HOME; id -un"}, "/home/appuser\nappuser\n"},
		{[]string{"/entrypoint.sh", "echo", "hello"}, "hello\n"},
		{[]string{"/opt/bitnami/scripts/kafka/entrypoint.sh", "cat", "/etc/group"}, "root:x:0:\nappuser:x:1000:\nnobody:x:65534:\n"},
	} {
		out, err := c.command(one.process...).CombinedOutput()
		if err != nil || string(out) != one.out {
			t.Errorf("%q: %v\n%s", one.process, err, out)
		}
	}
}

// Topics and scripts come before anybody is told that the broker is ready, and
// the scripts run once.
func TestSeedingComesBeforeTheReadyLines(t *testing.T) {
	needImage(t)
	c := newContainer(t, []string{"KAFKA_CREATE_TOPICS=orders:3:1, customers:1:1:compact,"}, imageUser)
	c.write(t, "/docker-entrypoint-initdb.d/1-wait.sh", "#!/bin/bash\necho waiting\nuntil [ -f /tmp/go-on ]; do sleep 0.01; done\necho went on\n", 0o755)
	c.start(t, "/entrypoint.sh")
	c.waitFor(t, "waiting")
	if lines := c.log(true); slices.ContainsFunc(lines, func(line string) bool { return strings.Contains(line, "started") }) {
		t.Errorf("ready before its time: %q", lines)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers("localhost:9092"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	topics, err := kadm.NewClient(client).ListTopics(ctx)
	if err != nil || len(topics["orders"].Partitions) != 3 || len(topics["customers"].Partitions) != 1 {
		t.Errorf("the topics are %v (%v)", topics, err)
	}
	c.write(t, "/tmp/go-on", "", 0o644)
	c.waitFor(t, ready)
	if lines := c.log(true); slices.Index(lines, "went on") < 0 {
		t.Errorf("the script is not in the log: %q", lines)
	}
	c.stop(t, syscall.SIGTERM)

	c.out, c.onStdout = nil, nil
	c.start(t, "/entrypoint.sh")
	c.waitFor(t, ready)
	if lines := c.log(true); slices.Contains(lines, "waiting") {
		t.Errorf("the scripts ran again: %q", lines)
	}
	c.stop(t, syscall.SIGTERM)
}

// A stop that comes while a script runs is obeyed.
func TestAStopDuringSeeding(t *testing.T) {
	needImage(t)
	c := newContainer(t, nil, imageUser)
	c.write(t, "/docker-entrypoint-initdb.d/wait.sh", "echo waiting; sleep infinity", 0o755)
	c.start(t, "/entrypoint.sh")
	c.waitFor(t, "waiting")
	c.stop(t, syscall.SIGTERM)
}

// A folder of root's is mounted: the user is told what to type.
func TestAFolderOfRoots(t *testing.T) {
	needImage(t)
	c := newContainer(t, []string{"KAFKA_LOG_DIRS=/bitnami/kafka"}, imageUser)
	mounted := filepath.Join(c.root, "bitnami/kafka")
	if err := os.Chown(mounted, 0, 0); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(mounted, 0o755); err != nil {
		t.Fatal(err)
	}
	out, err := c.command("/entrypoint.sh").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "chown -R 1000:0 FOLDER") || !strings.Contains(string(out), "/bitnami/kafka") {
		t.Errorf("%v\n%s", err, out)
	}
}

// ZooKeeper's stand-in listens where it was told to, and stays until a signal.
func TestZooKeeperStandIn(t *testing.T) {
	needImage(t)
	c := newContainer(t, nil, imageUser)
	c.write(t, "/tmp/z.properties", "clientPort=2999\ndataDir=/x\n", 0o644)
	c.start(t, "zookeeper-server-start", "/tmp/z.properties")
	check := c.command("sh", "-c", "timeout 20 sh -c 'until nc -z localhost 2999; do sleep 0.01; done'")
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if conn, err := net.Dial("tcp", "localhost:2181"); err == nil {
		_ = conn.Close()
		t.Error("the default port is open too")
	}
	c.stop(t, syscall.SIGTERM)
}

// The compose files of docker/compose start as they are.
func TestComposeFiles(t *testing.T) {
	needImage(t)
	root, err := barnabas.ModuleRoot()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(root, "docker/compose/*.yml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no compose files (%v)", err)
	}
	variable := regexp.MustCompile(`(?m)^      (KAFKA_[A-Z_]+): "?([^"\n]+)"?$`)
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			var env []string
			broker, _, _ := strings.Cut(string(text), "\n\n")
			for _, m := range variable.FindAllStringSubmatch(broker, -1) {
				env = append(env, m[1]+"="+m[2])
			}
			if len(env) == 0 {
				t.Fatal("no variable is found; the test does not understand the file")
			}
			c := newContainer(t, env, imageUser)
			c.start(t, "/entrypoint.sh", "/etc/kafka/docker/run")
			c.waitFor(t, ready)
			produceAtOnce(t, "localhost:9092")
			if out, err := c.command("barnabas", "healthcheck").CombinedOutput(); err != nil {
				t.Errorf("the health check: %v\n%s", err, out)
			}
			c.stop(t, syscall.SIGTERM)
		})
	}
}
