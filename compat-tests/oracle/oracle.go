package oracle

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

const (
	// readyTimeout is ten times what a start takes on two busy cores.
	readyTimeout = 90 * time.Second
	// readyInterval is how often a starting broker is asked. It bounds the
	// error of a measured start; the question itself costs a fresh connection.
	readyInterval = 20 * time.Millisecond
	// clusterID is any valid id; tests normalise it away.
	clusterID = "AAAAAAAAAAAAAAAAAAAAAQ"
)

// Options say which Kafka to start and how.
type Options struct {
	// Version of Apache Kafka; empty is Newest.
	Version string
	// Properties override or extend server.properties.
	Properties map[string]string
	// HeapMiB is the size of the JVM's heap; 0 is 512.
	HeapMiB int
	// Server starts the JVM as a server would run (G1, all compilers) instead
	// of for a quick start. Benchmarks want it.
	Server bool
}

// Need skips the test when Kafka cannot run here; in CI it fails.
func Need(tb testing.TB) {
	tb.Helper()
	testbed.NeedPrograms(tb, "java", "mvn")
}

// Run starts Kafka for a test and ends it with the test.
func Run(tb testing.TB, options Options) *testbed.Broker {
	tb.Helper()
	Need(tb)
	b, err := Start(options)
	if err != nil {
		tb.Fatal(err)
	}
	testbed.EndWith(tb, b)
	return b
}

// Start formats a fresh data folder and starts Kafka on free loopback ports.
func Start(options Options) (*testbed.Broker, error) {
	if options.Version == "" {
		options.Version = Newest
	}
	classPath, err := ClassPath(options.Version)
	if err != nil {
		return nil, err
	}
	ports, err := testbed.FreePorts(2)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "kafka-oracle-")
	if err != nil {
		return nil, err
	}
	b, err := startIn(dir, classPath, ports, options)
	if err != nil {
		_ = os.RemoveAll(dir)
		return nil, err
	}
	return b, nil
}

func startIn(dir, classPath string, ports []int, options Options) (*testbed.Broker, error) {
	bootstrap := fmt.Sprintf("127.0.0.1:%d", ports[0])
	config := filepath.Join(dir, "server.properties")
	if err := os.WriteFile(config, []byte(properties(dir, ports, options)), 0o644); err != nil {
		return nil, err
	}
	if err := writeLogging(dir); err != nil {
		return nil, err
	}
	format := exec.Command("java", append(quickJVM(256), logging(dir, "-cp", classPath, "kafka.tools.StorageTool",
		"format", "-t", clusterID, "-c", config)...)...)
	if out, err := format.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("format the data folder: %w\n%s", err, out)
	}
	heap := options.HeapMiB
	if heap == 0 {
		heap = 512
	}
	jvm := quickJVM(heap)
	if options.Server {
		jvm = serverJVM(heap)
	}
	return testbed.NewBroker(testbed.Launch{
		Name: "kafka-" + options.Version, Dir: dir, DataDir: filepath.Join(dir, "data"), Bootstrap: bootstrap,
		Command: func() *exec.Cmd {
			return exec.Command("java", append(jvm, logging(dir, "-cp", classPath, "kafka.Kafka", config)...)...)
		},
		Ready: func(p *testbed.Process) error {
			return testbed.WaitForMetadata(p, bootstrap, readyTimeout, readyInterval)
		},
	})
}

// quickJVM starts fastest and uses the least memory.
func quickJVM(heapMiB int) []string {
	return []string{fmt.Sprintf("-Xmx%dm", heapMiB), "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Djava.awt.headless=true"}
}

// serverJVM is what Kafka's own start script chooses, heap aside.
func serverJVM(heapMiB int) []string {
	return []string{fmt.Sprintf("-Xmx%dm", heapMiB), fmt.Sprintf("-Xms%dm", heapMiB), "-server", "-XX:+UseG1GC",
		"-XX:MaxGCPauseMillis=20", "-XX:InitiatingHeapOccupancyPercent=35", "-XX:+ExplicitGCInvokesConcurrent", "-Djava.awt.headless=true"}
}

// properties is the server.properties of one combined node.
func properties(dir string, ports []int, options Options) string {
	p := map[string]string{
		"process.roles":                            "broker,controller",
		"node.id":                                  "1",
		"listeners":                                fmt.Sprintf("PLAINTEXT://127.0.0.1:%d,CONTROLLER://127.0.0.1:%d", ports[0], ports[1]),
		"advertised.listeners":                     fmt.Sprintf("PLAINTEXT://127.0.0.1:%d", ports[0]),
		"listener.security.protocol.map":           "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
		"controller.listener.names":                "CONTROLLER",
		"controller.quorum.voters":                 fmt.Sprintf("1@127.0.0.1:%d", ports[1]),
		"log.dirs":                                 filepath.Join(dir, "data"),
		"offsets.topic.replication.factor":         "1",
		"transaction.state.log.replication.factor": "1",
		"transaction.state.log.min.isr":            "1",
		"group.initial.rebalance.delay.ms":         "0",
	}
	if majorVersion(options.Version) >= 4 {
		p["share.coordinator.state.topic.replication.factor"] = "1"
		p["share.coordinator.state.topic.min.isr"] = "1"
	}
	maps.Copy(p, options.Properties)
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(p)) {
		fmt.Fprintf(&b, "%s=%s\n", key, p[key])
	}
	return b.String()
}

// writeLogging writes settings for both generations of log4j: warnings, to stderr.
func writeLogging(dir string) error {
	const (
		pattern = "[%d] %p %m (%c)%n\n"
		log4j2  = "rootLogger.level=WARN\nrootLogger.appenderRef.a.ref=console\n" +
			"appender.console.type=Console\nappender.console.name=console\nappender.console.target=SYSTEM_ERR\n" +
			"appender.console.layout.type=PatternLayout\nappender.console.layout.pattern=" + pattern
		log4j1 = "log4j.rootLogger=WARN, console\nlog4j.appender.console=org.apache.log4j.ConsoleAppender\n" +
			"log4j.appender.console.target=System.err\nlog4j.appender.console.layout=org.apache.log4j.PatternLayout\n" +
			"log4j.appender.console.layout.ConversionPattern=" + pattern
	)
	if err := os.WriteFile(filepath.Join(dir, "log4j2.properties"), []byte(log4j2), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "log4j.properties"), []byte(log4j1), 0o644)
}

func logging(dir string, args ...string) []string {
	return append([]string{
		"-Dlog4j2.configurationFile=" + filepath.Join(dir, "log4j2.properties"),
		"-Dlog4j.configuration=file:" + filepath.Join(dir, "log4j.properties"),
	}, args...)
}
