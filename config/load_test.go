package config

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A broker that is given nothing serves its own machine, durably.
func TestStartWithNothing(t *testing.T) {
	b := defaults(t)
	want := []Listener{{Name: "PLAINTEXT", Host: "localhost", Port: 9092, Protocol: "PLAINTEXT"}}
	if diff := cmp.Diff(want, b.Listeners); diff != "" {
		t.Errorf("listeners (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(want, b.AdvertisedListeners); diff != "" {
		t.Errorf("advertised (-want +got)\n%s", diff)
	}
	if b.NodeID != 1 || b.LogDirs[0] != "./barnabas-data" || b.Durability != DurabilitySync || b.ReplicationClamp {
		t.Errorf("node %d, data %v, durability %s, clamp %v", b.NodeID, b.LogDirs, b.Durability, b.ReplicationClamp)
	}
	if b.GroupInitialRebalanceDelay != 3*time.Second || b.FlushCheckInterval != math.MaxInt64 {
		t.Errorf("rebalance delay %v, flush check %v", b.GroupInitialRebalanceDelay, b.FlushCheckInterval)
	}
	if diff := cmp.Diff([]string{"127.0.0.1:9092", "[::1]:9092"}, b.Listeners[0].Addresses()); diff != "" {
		t.Errorf("localhost is not both loopbacks (-want +got)\n%s", diff)
	}
}

// With a file, what the file leaves out is as in Kafka.
func TestStartWithAnEmptyFile(t *testing.T) {
	b := fromText(t, "")
	if b.Listeners[0].String() != "PLAINTEXT://:9092" || b.LogDirs[0] != "/tmp/kafka-logs" {
		t.Errorf("listener %v, data %v", b.Listeners[0], b.LogDirs)
	}
}

func TestProfileDev(t *testing.T) {
	b := start(t, Input{Profile: "dev"})
	if b.Durability != DurabilityCached || !b.ReplicationClamp || b.GroupInitialRebalanceDelay != 0 {
		t.Errorf("durability %s, clamp %v, delay %v", b.Durability, b.ReplicationClamp, b.GroupInitialRebalanceDelay)
	}
	if _, err := Load(Input{Profile: "prod"}); err == nil {
		t.Error("profile prod was accepted")
	}
}

// Each place wins over the next: flag, override, environment, file, profile,
// default. One place is taken away per step.
func TestPrecedence(t *testing.T) {
	in := Input{
		Profile:   "dev",
		File:      &File{"f", []byte("num.partitions=2\nlog.dirs=/file\nbarnabas.durability=sync\n")},
		Environ:   []string{"KAFKA_NUM_PARTITIONS=3", "KAFKA_LOG_DIRS=/env", "HOME=/root"},
		Overrides: []string{"num.partitions=4", "log.dirs=/override"},
		Data:      "/flag",
	}
	see := func(partitions int, dir string, d Durability) {
		t.Helper()
		b := start(t, in)
		if b.NumPartitions != partitions || b.LogDirs[0] != dir || b.Durability != d {
			t.Errorf("got %d %v %s, want %d %s %s", b.NumPartitions, b.LogDirs, b.Durability, partitions, dir, d)
		}
	}
	see(4, "/flag", DurabilitySync)
	in.Data = ""
	see(4, "/override", DurabilitySync)
	in.Overrides = nil
	see(3, "/env", DurabilitySync)
	in.Environ = nil
	see(2, "/file", DurabilitySync)
	in.File = &File{"f", nil}
	see(1, "/tmp/kafka-logs", DurabilityCached)
	in.Profile = ""
	see(1, "/tmp/kafka-logs", DurabilitySync)
}

// --listen takes the place of all that a file says about addresses.
func TestListenFlag(t *testing.T) {
	b := start(t, Input{
		Listen: []string{"localhost:0", "[::1]:19092", "INSIDE://10.0.0.1:7"},
		File: &File{"f", []byte("listeners=A://:1\nadvertised.listeners=A://kafka:1\nlistener.security.protocol.map=A:PLAINTEXT\n" +
			"inter.broker.listener.name=A\n")},
	})
	var got []string
	for _, l := range b.AdvertisedListeners {
		got = append(got, l.String())
	}
	if diff := cmp.Diff([]string{"PLAINTEXT://localhost:0", "PLAINTEXT2://[::1]:19092", "INSIDE://10.0.0.1:7"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// The persona is that of the listener, or of all; a listener may have none.
func TestPersonas(t *testing.T) {
	in := Input{
		Listen: []string{"127.0.0.1:1", "OLD://127.0.0.1:2", "ALL://127.0.0.1:3"},
		Overrides: []string{
			"barnabas.persona=kafka-3.9", "listener.name.old.barnabas.persona=kafka-2.8", "listener.name.all.barnabas.persona=",
		},
	}
	var got []string
	for _, l := range start(t, in).Listeners {
		got = append(got, l.Persona)
	}
	if diff := cmp.Diff([]string{"kafka-3.9", "kafka-2.8", ""}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if b := start(t, Input{Environ: []string{"KAFKA_BARNABAS_PERSONA="}}); b.Listeners[0].Persona != "" {
		t.Errorf("an empty variable means %q", b.Listeners[0].Persona)
	}
	for override, want := range map[string]string{
		"barnabas.persona=kafka-4.0":                         "Invalid value kafka-4.0 for configuration barnabas.persona: String must be one of: kafka-2.8, kafka-3.9, kafka-4.3, or empty",
		"listener.name.plaintext.barnabas.persona=3.9":       "Invalid value 3.9 for configuration barnabas.persona: String must be one of: kafka-2.8, kafka-3.9, kafka-4.3, or empty",
		"listener.name.new.barnabas.persona=kafka-3.9":       "listener.name.new.barnabas.persona: no listener for clients has this name (in small letters)",
		"listener.name.PLAINTEXT.barnabas.persona=kafka-3.9": "listener.name.PLAINTEXT.barnabas.persona: no listener for clients has this name (in small letters)",
	} {
		_, err := Load(Input{Overrides: []string{override}})
		if err == nil || err.Error() != "--override: "+want {
			t.Errorf("%s: %v", override, err)
		}
	}
}

// A user sees all faults of a file at once, each with its place.
func TestAllProblemsAtOnce(t *testing.T) {
	_, err := Load(Input{
		File:      &File{"server.properties", []byte("num.partitions=zero\n\nlog.retention.ms=x\nno.such.thing=1\nauthorizer.class.name=x\n")},
		Environ:   []string{"KAFKA_AUTO_CREATE_TOPICS_ENABLE=yes"},
		Overrides: []string{"nonsense"},
	})
	want := strings.Join([]string{
		`--override: "nonsense" is not of the form key=value`,
		`environment KAFKA_AUTO_CREATE_TOPICS_ENABLE: Invalid value yes for configuration auto.create.topics.enable: true or false is expected`,
		`server.properties:1: Invalid value zero for configuration num.partitions: Not a number of type INT`,
		`server.properties:3: Invalid value x for configuration log.retention.ms: Not a number of type LONG`,
		`server.properties:5: authorizer.class.name: the authorizer x is not built; there is org.apache.kafka.metadata.authorizer.StandardAuthorizer, with access rules in the metadata; set barnabas.insecure.ignore=true to start without it`,
	}, "\n")
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

// Faults that show only when settings are seen together.
func TestContradictions(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"node.id=1\nbroker.id=2", "f:2: broker.id: node.id is 1 and broker.id is 2"},
		{"process.roles=controller", "f:1: process.roles: the role broker is missing"},
		{"log.dirs=/a,/b", "f:1: log.dirs: one data directory is needed and 2 are named"},
		{"log.dirs=/a\nmetadata.log.dir=/b", "f:2: metadata.log.dir: "},
		{"queued.max.request.bytes=5", "f:1: queued.max.request.bytes: "},
		{"max.connections.per.ip.overrides=10.0.0.1:x", `f:1: max.connections.per.ip.overrides: "x" is not a number`},
		{"log.retention.hours=0", "f:1: log.retention.hours: "},
		{"log.roll.ms=0", "f:1: log.roll.ms: "},
		{"log.roll.jitter.ms=-1", "f:1: log.roll.jitter.ms: "},
		{"group.min.session.timeout.ms=9\ngroup.max.session.timeout.ms=8", "f:2: group.max.session.timeout.ms: "},
		{"group.consumer.assignors=", "f:1: group.consumer.assignors: "},
		{"group.consumer.assignors=range,mine", "f:1: group.consumer.assignors: "},
		{"group.consumer.session.timeout.ms=1000", "f:1: group.consumer.session.timeout.ms: the value is below group.consumer.min.session.timeout.ms"},
		{"group.share.max.heartbeat.interval.ms=4000", "f:1: group.share.max.heartbeat.interval.ms"},
		{"listeners=PLAINTEXT:9092", `f:1: listeners: "PLAINTEXT:9092" is not of the form`},
		{"listeners=PLAINTEXT://:99999", "f:1: listeners: "},
		{"listeners=A://:1", "listener A has no security protocol"},
		{"listeners=PLAINTEXT://:1,PLAINTEXT://:2", "f:1: listeners: listener PLAINTEXT is named twice"},
		{"listeners=PLAINTEXT://:1,B://:1\nlistener.security.protocol.map=PLAINTEXT:PLAINTEXT,B:PLAINTEXT", "have the same port"},
		{"listener.security.protocol.map=PLAINTEXT:CLEAR", "f:1: listener.security.protocol.map: \"CLEAR\" is no security protocol"},
		{"advertised.listeners=B://x:1", "f:1: advertised.listeners: listener B is not in listeners"},
		{"advertised.listeners=PLAINTEXT://0.0.0.0:1", "f:1: advertised.listeners: clients cannot connect to 0.0.0.0"},
		{"inter.broker.listener.name=X", "f:1: inter.broker.listener.name: listener X is not advertised"},
		{"listeners=CONTROLLER://:1\ncontroller.listener.names=CONTROLLER", "there is no listener for clients"},
		{"a=\\u1", `f:1: "\\u1" is not a \uXXXX escape`},
	} {
		_, err := Load(Input{File: &File{"f", []byte(c.text)}})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: got %v, want %s", c.text, err, c.want)
		}
	}
}

// The file of a combined node opens: the controller's listener is not served.
func TestCombinedNode(t *testing.T) {
	b := fromText(t, "process.roles=broker,controller\nnode.id=7\nlisteners=PLAINTEXT://0.0.0.0:9092,HOST://[::1]:9093,CONTROLLER://:9094\n"+
		"advertised.listeners=PLAINTEXT://kafka:9092,host://localhost:9093,\n"+
		"listener.security.protocol.map=PLAINTEXT:PLAINTEXT, HOST:PLAINTEXT , CONTROLLER:PLAINTEXT\n"+
		"inter.broker.listener.name=PLAINTEXT\ncontroller.listener.names=CONTROLLER\ncontroller.quorum.voters=7@localhost:9094\n")
	if len(b.Listeners) != 2 || b.Listeners[0].String() != "PLAINTEXT://0.0.0.0:9092" || b.Listeners[1].Host != "::1" {
		t.Errorf("listeners %v", b.Listeners)
	}
	if len(b.AdvertisedListeners) != 2 || b.AdvertisedListeners[1].String() != "HOST://localhost:9093" || b.NodeID != 7 {
		t.Errorf("advertised %v, node %d", b.AdvertisedListeners, b.NodeID)
	}
	// Every interface is no address for clients: the broker has to find one.
	b = fromText(t, "listeners=PLAINTEXT://0.0.0.0:9092")
	if b.AdvertisedListeners[0].Host != "" {
		t.Errorf("advertised %v", b.AdvertisedListeners)
	}
}

// Never serve openly what was configured closed, unless told so.
func TestProtectionIsNotSilentlyDropped(t *testing.T) {
	for _, text := range []string{
		"authorizer.class.name=kafka.security.authorizer.AclAuthorizer", "principal.builder.class=x",
		"create.topic.policy.class.name=x", "alter.config.policy.class.name=x", "client.quota.callback.class=x",
		"listeners=SASL_PLAINTEXT://:9093\nsasl.enabled.mechanisms=DIGEST-MD5", "listeners=A://:9093\nlistener.security.protocol.map=A:SASL_PLAINTEXT\nsasl.enabled.mechanisms=DIGEST-MD5",
	} {
		if _, err := Load(Input{File: &File{"f", []byte(text)}}); err == nil || !strings.Contains(err.Error(), keyInsecureIgnore) {
			t.Errorf("%q: %v", text, err)
		}
		s, err := Load(Input{File: &File{"f", []byte(text + "\nbarnabas.insecure.ignore=true")}})
		if err != nil || len(s.Warnings) == 0 {
			t.Errorf("%q with permission: %v, warnings %v", text, err, s.Warnings)
		}
	}
	for _, text := range []string{"authorizer.class.name=", "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer", "ssl.client.auth=required", "ssl.keystore.password=x", "sasl.enabled.mechanisms=PLAIN"} {
		if _, err := Load(Input{File: &File{"f", []byte(text)}}); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// What is not known is said once and does not stop the start.
func TestWarnings(t *testing.T) {
	s, err := Load(Input{File: &File{"f", []byte("no.such=1\nzookeeper.connect=z:2181\nconfluent.x=1\nlistener.name.a.foo=1\nport=9092\n" +
		"controller.quorum.voters=1@a:1,2@b:1,3@c:1\nprocess.roles=broker\n")}})
	if err != nil {
		t.Fatal(err)
	}
	want := "f:1: no.such: no setting has this name; it is kept and has no effect\n" +
		"f:2: zookeeper.connect: there is no Java machine and no ZooKeeper here; without effect\n" +
		"f:5: port: an old name, taken as listeners=PLAINTEXT://:9092\n" +
		"f:6: controller.quorum.voters: 3 voters are named, and Barnabas runs alone: it will not form a cluster with them\n" +
		"f:7: process.roles: Barnabas is its own controller and will not look for another one"
	if diff := cmp.Diff(want, s.Warnings.Error()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// `barnabas config check` says what a start would say.
func TestCheckFile(t *testing.T) {
	var out bytes.Buffer
	if Check(&out, File{"f", []byte("num.partitions=0\nno.such=1\n")}, nil) {
		t.Error("a file with a fault passed")
	}
	want := "error: f:1: Invalid value 0 for configuration num.partitions: Value must be at least 1\n" +
		"warning: f:2: no.such: no setting has this name; it is kept and has no effect\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	out.Reset()
	if !Check(&out, File{"f", []byte("num.partitions=3\n")}, nil) || out.String() != "f is valid\n" {
		t.Errorf("a good file: %s", &out)
	}
}

func TestWriteKeys(t *testing.T) {
	var out bytes.Buffer
	if err := WriteKeys(&out, "retention.ms"); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"long", "604800000", "[-1,...]", "log.retention.ms, log.retention.minutes, log.retention.hours", "acts"} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("%q is missing in\n%s", part, &out)
		}
	}
	out.Reset()
	if err := WriteKeys(&out, ""); err != nil || strings.Count(out.String(), "\n") < 400 {
		t.Errorf("%v, %d lines", err, strings.Count(out.String(), "\n"))
	}
	if err := WriteKeys(&out, "partitions"); err == nil || !strings.Contains(err.Error(), "num.partitions") {
		t.Errorf("no help for a name that is nearly right: %v", err)
	}
}

// Kafka names assignors by their classes as well.
func TestAssignors(t *testing.T) {
	got, err := assignors([]string{"org.apache.kafka.coordinator.group.assignor.RangeAssignor", "uniform", "range"})
	if err != nil || !slices.Equal(got, []string{"range", "uniform"}) {
		t.Errorf("%v, %v", got, err)
	}
}
