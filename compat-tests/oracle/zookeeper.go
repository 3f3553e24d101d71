package oracle

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// Before KRaft was ready for use a broker needed ZooKeeper beside it. Both run in
// one JVM (ZooKeeperAndKafka.java), so that a node is one process here as well. One
// that was killed starts again only after its session with ZooKeeper is over, 18 s.

const zooKeeperFile = "zookeeper.properties"

func usesZooKeeper(version string) bool { return majorVersion(version) < 3 }

// writeZooKeeper writes ZooKeeper's settings.
func writeZooKeeper(dir string, port int) error {
	text := fmt.Sprintf("dataDir=%s\nclientPort=%d\nclientPortAddress=127.0.0.1\nadmin.enableServer=false\n",
		filepath.Join(dir, "zookeeper"), port)
	return os.WriteFile(filepath.Join(dir, zooKeeperFile), []byte(text), 0o644)
}

// withZooKeeper turns the properties of a KRaft node into those of a broker; the
// controller's port is ZooKeeper's.
func withZooKeeper(p map[string]string, ports []int) {
	maps.DeleteFunc(p, func(name, _ string) bool {
		return strings.HasPrefix(name, "controller.") || name == "process.roles" || name == "node.id" || name == "listener.security.protocol.map"
	})
	p["broker.id"] = "1"
	p["listeners"] = fmt.Sprintf("PLAINTEXT://127.0.0.1:%d", ports[0])
	p["zookeeper.connect"] = fmt.Sprintf("127.0.0.1:%d", ports[1])
}

// zooKeeperMain is the main class with its arguments. The Java launcher compiles a
// single source file by itself.
func zooKeeperMain(n *Node) []string {
	_, file, _, _ := runtime.Caller(0)
	return []string{filepath.Join(filepath.Dir(file), "ZooKeeperAndKafka.java"), filepath.Join(n.Dir, zooKeeperFile), n.File}
}
