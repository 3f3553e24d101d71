package target

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/compat-tests/barnabas"
	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

// Env names the variable that says which broker is tried.
const Env = "BARNABAS_COMPAT_TARGET"

// Barnabas is the target's name if nothing else is asked for.
const Barnabas = "barnabas"

const (
	otherPrefix = "exec:"
	// otherTimeout is for brokers that are not known.
	otherTimeout = 2 * time.Minute
)

// Name is what the environment asks for.
func Name() string { return cmp.Or(os.Getenv(Env), Barnabas) }

// KafkaVersion is that of the target, if it is a Kafka.
func KafkaVersion() (version string, isKafka bool) {
	version, isKafka = strings.CutPrefix(Name(), "kafka")
	return cmp.Or(strings.TrimPrefix(version, "-"), oracle.Newest), isKafka
}

// Column is the target's name with its version, if it has one: kafka is kafka-4.3.1.
func Column() string {
	if version, isKafka := KafkaVersion(); isKafka {
		return "kafka-" + version
	}
	return Name()
}

// Run starts the target with these settings, and with further listeners beside its own, NAME://HOST:PORT, if it is one
// whose listeners we can choose; it ends with the test.
func Run(tb testing.TB, properties map[string]string, beside ...string) *testbed.Broker {
	tb.Helper()
	if version, isKafka := KafkaVersion(); isKafka {
		return oracle.Run(tb, oracle.Options{Properties: properties, Version: version, Beside: beside})
	}
	if command, other := strings.CutPrefix(Name(), otherPrefix); other {
		if len(beside) > 0 {
			tb.Skipf("the listeners of %s are not for us to choose", command)
		}
		return runOther(tb, command, properties)
	}
	if Name() != Barnabas {
		tb.Fatalf("%s is %q: want %s, kafka, kafka-VERSION or %sCOMMAND", Env, Name(), Barnabas, otherPrefix)
	}
	return barnabas.Run(tb, barnabas.Options{Properties: properties, Beside: beside})
}

func runOther(tb testing.TB, command string, properties map[string]string) *testbed.Broker {
	tb.Helper()
	dir, err := os.MkdirTemp("", "compat-other-")
	if err != nil {
		tb.Fatal(err)
	}
	ports, err := testbed.FreePorts(1)
	if err != nil {
		tb.Fatal(err)
	}
	var lines []string
	for name, value := range properties {
		lines = append(lines, name+"="+value+"\n")
	}
	slices.Sort(lines)
	data, file := filepath.Join(dir, "data"), filepath.Join(dir, "properties")
	if err := os.WriteFile(file, []byte(strings.Join(lines, "")), 0o644); err != nil {
		tb.Fatal(err)
	}
	address := fmt.Sprintf("127.0.0.1:%d", ports[0])
	broker, err := testbed.NewBroker(testbed.Launch{
		Name: "other", Dir: dir, DataDir: data, Bootstrap: address,
		Command: func() *exec.Cmd {
			cmd := exec.Command("sh", "-c", "exec "+command)
			cmd.Env = append(os.Environ(), fmt.Sprintf("BROKER_PORT=%d", ports[0]), "BROKER_DATA="+data, "BROKER_PROPERTIES="+file)
			return cmd
		},
		Ready: func(p *testbed.Process) error {
			return testbed.WaitForMetadata(p, address, otherTimeout, 100*time.Millisecond)
		},
	})
	if err != nil {
		_ = os.RemoveAll(dir)
		tb.Fatal(err)
	}
	testbed.EndWith(tb, broker)
	return broker
}
