package config

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// addresses are what a start listens on and what it advertises.
func addresses(b *Broker) string {
	var text []string
	for _, l := range b.Listeners {
		text = append(text, l.String())
	}
	text = append(text, "->")
	for _, l := range b.AdvertisedListeners {
		text = append(text, l.String())
	}
	return strings.Join(text, " ")
}

// Addresses in the files of Kafka before 3.0, as KafkaConfig of 2.8 reads them.
func TestOldNamesOfListeners(t *testing.T) {
	for text, want := range map[string]string{
		"port=9093":                             "PLAINTEXT://:9093 -> PLAINTEXT://:9093",
		"host.name=127.0.0.1":                   "PLAINTEXT://127.0.0.1:9092 -> PLAINTEXT://127.0.0.1:9092",
		"host.name=0.0.0.0\nport=1":             "PLAINTEXT://0.0.0.0:1 -> PLAINTEXT://:1",
		"host.name=::1\nport=1":                 "PLAINTEXT://[::1]:1 -> PLAINTEXT://[::1]:1",
		"advertised.host.name=kafka":            "PLAINTEXT://:9092 -> PLAINTEXT://kafka:9092",
		"advertised.port=9":                     "PLAINTEXT://:9092 -> PLAINTEXT://:9",
		"port=5\nadvertised.host.name=kafka":    "PLAINTEXT://:5 -> PLAINTEXT://kafka:5",
		"host.name=10.0.0.1\nadvertised.port=9": "PLAINTEXT://10.0.0.1:9092 -> PLAINTEXT://10.0.0.1:9",
		"listeners=PLAINTEXT://:7\nport=9":      "PLAINTEXT://:7 -> PLAINTEXT://:7",
		"advertised.host.name=a\nlisteners=PLAINTEXT://:7\nadvertised.listeners=PLAINTEXT://b:8": "PLAINTEXT://:7 -> PLAINTEXT://b:8",
	} {
		if diff := cmp.Diff(want, addresses(fromText(t, text))); diff != "" {
			t.Errorf("%q (-want +got)\n%s", text, diff)
		}
	}
	_, err := Load(Input{File: &File{"f", []byte("port=many\n")}})
	if want := `f:1: listeners: "PLAINTEXT://:many" is not of the form NAME://host:port`; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// What is advertised in the environment decides where to listen, if nothing else
// says so.
func TestListenersFromWhatIsAdvertised(t *testing.T) {
	const named = "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP=A:PLAINTEXT,B:PLAINTEXT,C:PLAINTEXT,PLAINTEXT:PLAINTEXT,PLAINTEXT_HOST:PLAINTEXT"
	for name, c := range map[string]struct {
		in   Input
		want string
	}{
		"no family":      {Input{Environ: []string{"KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://kafka:9092"}}, "PLAINTEXT://0.0.0.0:9092 -> PLAINTEXT://kafka:9092"},
		"two":            {Input{Family: Apache, Environ: []string{"KAFKA_ADVERTISED_LISTENERS=A://a:1, B://[::1]:2,", named}}, "A://0.0.0.0:1 B://0.0.0.0:2 -> A://a:1 B://[::1]:2"},
		"an empty one":   {Input{Family: Apache, Environ: []string{"KAFKA_LISTENERS=", "KAFKA_ADVERTISED_LISTENERS=A://a:1", named}}, "A://0.0.0.0:1 -> A://a:1"},
		"listeners said": {Input{Family: Apache, Environ: []string{"KAFKA_LISTENERS=A://:5", "KAFKA_ADVERTISED_LISTENERS=A://a:1", named}}, "A://:5 -> A://a:1"},
		"listeners in the file": {Input{File: &File{"f", []byte("listeners=A://:5")}, Environ: []string{"KAFKA_ADVERTISED_LISTENERS=A://a:1", named}},
			"A://:5 -> A://a:1"},
		"all in a file, as in Kafka": {Input{File: &File{"f", []byte("advertised.listeners=PLAINTEXT://a:1")}}, "PLAINTEXT://:9092 -> PLAINTEXT://a:1"},
		"the image's own are enough": {Input{Family: ConfluentLocal, Environ: []string{"KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://b:29092,PLAINTEXT_HOST://h:9"}},
			"PLAINTEXT://localhost:29092 PLAINTEXT_HOST://0.0.0.0:9092 -> PLAINTEXT://b:29092 PLAINTEXT_HOST://h:9"},
		"the image's own are not": {Input{Family: ConfluentLocal, Environ: []string{"KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://b:29092,C://h:9", named}},
			"PLAINTEXT://0.0.0.0:29092 C://0.0.0.0:9 -> PLAINTEXT://b:29092 C://h:9"},
		"nothing advertised": {Input{Family: Apache, Environ: []string{"KAFKA_LISTENERS=", "KAFKA_ADVERTISED_LISTENERS="}}, "PLAINTEXT://:9092 -> PLAINTEXT://:9092"},
	} {
		if diff := cmp.Diff(c.want, addresses(start(t, c.in))); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}

// The files that Kafka 2.8, 3.9 (with ZooKeeper and without) and 4.1 come with open as
// they are, and the little that means nothing here is said.
func TestFilesThatKafkaComesWith(t *testing.T) {
	const common = "num.network.threads=3\nnum.io.threads=8\nsocket.send.buffer.bytes=102400\nsocket.receive.buffer.bytes=102400\n" +
		"socket.request.max.bytes=104857600\nnum.partitions=1\nnum.recovery.threads.per.data.dir=1\noffsets.topic.replication.factor=1\n" +
		"transaction.state.log.replication.factor=1\ntransaction.state.log.min.isr=1\nlog.retention.hours=168\nlog.retention.check.interval.ms=300000\n"
	const kraft = "process.roles=broker,controller\nnode.id=1\nlisteners=PLAINTEXT://:9092,CONTROLLER://:9093\ninter.broker.listener.name=PLAINTEXT\n" +
		"advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093\ncontroller.listener.names=CONTROLLER\n" +
		"listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL\n" +
		"log.dirs=/tmp/kraft-combined-logs\nlog.segment.bytes=1073741824\n"
	const zookeeper = "broker.id=0\nlog.dirs=/tmp/kafka-logs\nzookeeper.connect=localhost:2181\nzookeeper.connection.timeout.ms=18000\n" +
		"group.initial.rebalance.delay.ms=0\n"
	for name, c := range map[string]struct {
		text, want string
		warnings   int
	}{
		"2.8":           {common + zookeeper + "log.segment.bytes=1073741824\n", "PLAINTEXT://:9092 -> PLAINTEXT://:9092", 1},
		"3.9 zookeeper": {common + zookeeper, "PLAINTEXT://:9092 -> PLAINTEXT://:9092", 1},
		"3.9 kraft":     {common + kraft + "controller.quorum.voters=1@localhost:9093\n", "PLAINTEXT://:9092 -> PLAINTEXT://localhost:9092", 0},
		"4.1": {common + kraft + "controller.quorum.bootstrap.servers=localhost:9093\nshare.coordinator.state.topic.replication.factor=1\n" +
			"share.coordinator.state.topic.min.isr=1\n", "PLAINTEXT://:9092 -> PLAINTEXT://localhost:9092", 0},
		"2.x as people wrote it": {common + zookeeper + "advertised.host.name=kafka1\nadvertised.port=9092\nbroker.id.generation.enable=true\n" +
			"inter.broker.protocol.version=2.8\nlog.message.format.version=2.8\ndelete.topic.enable=true\nconfluent.support.metrics.enable=true\n",
			"PLAINTEXT://:9092 -> PLAINTEXT://kafka1:9092", 6},
	} {
		s, err := Load(Input{File: &File{"server.properties", []byte(c.text)}})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		b, err := s.Broker(nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := addresses(b); got != c.want || len(s.Warnings) != c.warnings {
			t.Errorf("%s: %s, want %s; warnings\n%v", name, got, c.want, s.Warnings)
		}
	}
}

// A made-up id stands for none; that of a file is the node's.
func TestOldNodeIDs(t *testing.T) {
	for text, want := range map[string]int32{"broker.id=-1": 1, "broker.id=0": 0, "broker.id=-1\nnode.id=4": 4, "": 1} {
		if b := fromText(t, text); b.NodeID != want {
			t.Errorf("%q: node %d, want %d", text, b.NodeID, want)
		}
	}
}

// Every family has its own data folder first, no folder twice, and files by their
// whole path.
func TestFamilies(t *testing.T) {
	for _, f := range []Family{Apache, Confluent, ConfluentLocal, Bitnami, Redpanda} {
		b := start(t, Input{Family: f})
		dirs := f.DataDirs()
		if b.LogDirs[0] != dirs[0] || len(distinct(dirs)) != len(dirs) || len(dirs) < 5 {
			t.Errorf("%s: data in %v, folders %v", f, b.LogDirs, dirs)
		}
		if b.LogDirs = nil; start(t, Input{Family: f, Environ: []string{"KAFKA_LOG_DIRS=/mine"}}).LogDirs[0] != "/mine" {
			t.Errorf("%s: the folder that is asked for is not taken", f)
		}
		if len(f.ConfigFiles()) == 0 {
			t.Errorf("%s reads no file", f)
		}
		for _, file := range f.ConfigFiles() {
			if !strings.HasPrefix(file, "/") || strings.HasSuffix(file, ".properties") == (f == Redpanda) {
				t.Errorf("%s: %s is no whole path, or of another form", f, file)
			}
		}
		if files := f.ConfigFiles(); f != Redpanda && !slices.Contains(files, "/bitnami/kafka/config/server.properties") {
			t.Errorf("%s reads %v, and not what is mounted for another image", f, files)
		}
	}
	// The image's defaults are weaker than a mounted file, and that weaker than the environment.
	in := Input{Family: ConfluentLocal, File: &File{"f", []byte("log.dirs=/file\nnum.partitions=2\n")}, Environ: []string{"KAFKA_NUM_PARTITIONS=3"}}
	if b := start(t, in); b.LogDirs[0] != "/file" || b.NumPartitions != 3 {
		t.Errorf("data in %v, %d partitions", b.LogDirs, b.NumPartitions)
	}
}
