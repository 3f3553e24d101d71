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
	// ClusterID is any valid id; tests normalise it away. With ZooKeeper there is another one.
	ClusterID = "AAAAAAAAAAAAAAAAAAAAAQ"
)

// Options say which Kafka to start and how.
type Options struct {
	// Version of Apache Kafka; empty is Newest.
	Version string
	// Properties override or extend server.properties; an empty value leaves a
	// property out.
	Properties map[string]string
	// Beside are further listeners, NAME://HOST:PORT; NAME is a security protocol.
	Beside []string
	// Format are further arguments of the command that formats the data folder.
	Format []string
	// HeapMiB is the size of the JVM's heap; 0 is 512.
	HeapMiB int
	// Server starts the JVM as a server would run (G1, all compilers) instead
	// of for a quick start. Benchmarks want it.
	Server bool
	// JVM are further flags of the broker's JVM.
	JVM []string

	// record gives flags that note which classes are loaded; nil is a start with what was noted.
	record func() []string
}

// classData are the flags for one more JVM.
func (o Options) classData() []string {
	if o.record != nil {
		return o.record()
	}
	return ClassData(o.Version)
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
	n, err := Prepare(options)
	if err != nil {
		return nil, err
	}
	if err = n.Format(); err == nil {
		var b *testbed.Broker
		if b, err = n.Start(); err == nil {
			return b, nil
		}
	}
	_ = os.RemoveAll(n.Dir)
	return nil, err
}

// Node is where one combined broker and controller lives. Whoever is done with it
// removes Dir, or closes a broker that was started on it.
type Node struct {
	Dir       string // holds everything
	File      string // its server.properties
	DataDir   string
	Bootstrap string

	options   Options
	classPath string
}

// Prepare writes the settings of a node. Its data folder does not exist yet.
func Prepare(options Options) (*Node, error) {
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
	n := &Node{
		Dir: dir, File: filepath.Join(dir, "server.properties"), DataDir: filepath.Join(dir, "data"),
		Bootstrap: fmt.Sprintf("127.0.0.1:%d", ports[0]), options: options, classPath: classPath,
	}
	if err = os.WriteFile(n.File, []byte(properties(dir, ports, options)), 0o644); err == nil && usesZooKeeper(options.Version) {
		err = writeZooKeeper(dir, ports[1])
	}
	if err == nil {
		err = writeLogging(dir)
	}
	if err != nil {
		_ = os.RemoveAll(dir)
		return nil, err
	}
	return n, nil
}

// Format makes the data folder. With ZooKeeper, Kafka does that itself.
func (n *Node) Format() error {
	if usesZooKeeper(n.options.Version) {
		return nil
	}
	args := append([]string{"-cp", n.classPath, "kafka.tools.StorageTool", "format", "-t", ClusterID, "-c", n.File}, n.options.Format...)
	format := exec.Command("java", slices.Concat(quickJVM(256), n.options.classData(), logging(n.Dir, args...))...)
	if out, err := format.CombinedOutput(); err != nil {
		return fmt.Errorf("format the data folder: %w\n%s", err, out)
	}
	return nil
}

// Start starts Kafka on the data folder as it is.
func (n *Node) Start() (*testbed.Broker, error) {
	heap := n.options.HeapMiB
	if heap == 0 {
		heap = 512
	}
	jvm := func() []string { return append(quickJVM(heap), n.options.classData()...) }
	if n.options.Server {
		jvm = func() []string { return serverJVM(heap) }
	}
	flags := func() []string { return append(jvm(), n.options.JVM...) }
	return testbed.NewBroker(testbed.Launch{
		Name: "kafka-" + n.options.Version, Dir: n.Dir, DataDir: n.DataDir, Bootstrap: n.Bootstrap,
		Command: func() *exec.Cmd {
			main := []string{"kafka.Kafka", n.File}
			if usesZooKeeper(n.options.Version) {
				main = zooKeeperMain(n)
			}
			return exec.Command("java", append(flags(), logging(n.Dir, append([]string{"-cp", n.classPath}, main...)...)...)...)
		},
		Ready: func(p *testbed.Process) error {
			return testbed.WaitForMetadata(p, n.Bootstrap, readyTimeout, readyInterval)
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
	if usesZooKeeper(options.Version) {
		withZooKeeper(p, ports)
	}
	for _, listener := range options.Beside {
		name, _, _ := strings.Cut(listener, "://")
		p["listeners"] += "," + listener
		p["advertised.listeners"] += "," + listener
		p["listener.security.protocol.map"] += "," + name + ":" + name
	}
	maps.Copy(p, options.Properties)
	maps.DeleteFunc(p, func(_, value string) bool { return value == "" })
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
