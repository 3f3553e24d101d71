package access

import (
	"fmt"
	"maps"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/barnabas"
	"github.com/barnabas-mq/barnabas/compat-tests/differ"
	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
	"github.com/barnabas-mq/barnabas/compat-tests/schema"
	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

// Users of both brokers, each with the password of passwordOf. The first may do
// everything; the others may do what the rules say.
const (
	admin = "admin"
	alice = "alice"
	bob   = "bob"
	carol = "carol"
)

func passwordOf(user string) string { return user + "-secret" }

// isUser tells users from the other names of peers.
var isUser = map[string]bool{admin: true, alice: true, bob: true, carol: true}

// settings are those of both brokers. Kafka is its own client on the listener without
// logins, so whoever comes there may do everything. No member loses its place while the
// tests run. The last one is for speed, and Kafka does not know it.
var settings = map[string]string{
	"authorizer.class.name":   "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
	"super.users":             "User:" + admin + ";User:ANONYMOUS",
	"sasl.enabled.mechanisms": "PLAIN",
	"listener.name.sasl_plaintext.plain.sasl.jaas.config": jaas(),
	"group.initial.rebalance.delay.ms":                    "0",
	"group.consumer.assignment.interval.ms":               "0",
	"group.share.assignment.interval.ms":                  "0",
	"group.consumer.session.timeout.ms":                   "600000", "group.consumer.max.session.timeout.ms": "600000",
	"group.share.session.timeout.ms": "600000", "group.share.max.session.timeout.ms": "600000",
	"barnabas.durability": "cached",
}

func jaas() string {
	text := "org.apache.kafka.common.security.plain.PlainLoginModule required"
	for _, user := range []string{admin, alice, bob, carol} {
		text += fmt.Sprintf(` user_%s="%s"`, user, passwordOf(user))
	}
	return text + ";"
}

// bench is two brokers and what both serve.
type bench struct {
	*differ.Pair
	// served are the versions of each API that both brokers have and the encoder knows.
	served map[int16]schema.Range
}

// startBench starts two brokers, with more settings than the usual, and lays the room out
// in each. The first one judges.
func startBench(t *testing.T, pair [2]string, more map[string]string) *bench {
	t.Helper()
	oracle.Need(t)
	files, err := oracle.Schemas(oracle.Newest)
	if err != nil {
		t.Fatal(err)
	}
	catalog, err := schema.Parse(files)
	if err != nil {
		t.Fatal(err)
	}
	var addresses [2]string
	for i, name := range pair {
		open := ""
		addresses[i], open = start(t, name, with(more))
		if err := differ.Warm(open, catalog); err != nil {
			t.Fatal(err)
		}
	}
	b := &bench{Pair: &differ.Pair{A: addresses[0], B: addresses[1], Release: oracle.Newest, Catalog: catalog, Dial: dial}}
	if b.served, err = servedByAll(catalog, addresses[:]...); err != nil {
		t.Fatal(err)
	}
	for _, d := range b.Tell(differ.Story{Name: "room", Key: -1, Tell: layOut}, 0) {
		t.Fatal(d)
	}
	return b
}

// The brokers that there are.
const (
	kafka = "kafka"
	ours  = "barnabas"
)

// start gives the listener that wants logins, and the one that does not.
func start(t *testing.T, name string, properties map[string]string) (address, open string) {
	t.Helper()
	address = freeAddress(t)
	beside := []string{"SASL_PLAINTEXT://" + address}
	var broker *testbed.Broker
	switch name {
	case kafka:
		properties["controller.quorum.append.linger.ms"] = "0" // rules change at once
		broker = oracle.Run(t, oracle.Options{Properties: properties, Beside: beside})
	case ours:
		broker = barnabas.Run(t, barnabas.Options{Profile: "server", Properties: properties, Beside: beside})
	default:
		t.Fatalf("there is no broker %q", name)
	}
	return address, broker.Bootstrap()
}

func freeAddress(t *testing.T) string {
	t.Helper()
	ports, err := testbed.FreePorts(1)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("127.0.0.1:%d", ports[0])
}

func with(more map[string]string) map[string]string {
	all := maps.Clone(settings)
	maps.Copy(all, more)
	return all
}

// dial logs a peer in: as the user of its name, else as admin.
func dial(address, peer string) (*wire.Conn, error) {
	conn, err := wire.Dial(address)
	if err != nil {
		return nil, err
	}
	user := admin
	if isUser[peer] {
		user = peer
	}
	if err := conn.LogIn(user, passwordOf(user)); err != nil {
		_ = conn.Close() // of no use
		return nil, err
	}
	return conn, nil
}

// servedByAll asks the brokers what they serve.
func servedByAll(catalog *schema.Catalog, addresses ...string) (map[int16]schema.Range, error) {
	served := map[int16]schema.Range{}
	for i, address := range addresses {
		ranges, err := rangesOf(address)
		if err != nil {
			return nil, err
		}
		for key, r := range ranges {
			known, encoder := catalog.Request(key), kmsg.RequestForKey(key)
			if known == nil || encoder == nil {
				continue
			}
			before, ok := served[key]
			if i == 0 {
				before, ok = schema.Range{Min: known.Versions.Min, Max: min(known.Versions.Max, encoder.MaxVersion())}, true
			}
			if ok {
				served[key] = schema.Range{Min: max(before.Min, r.Min), Max: min(before.Max, r.Max)}
			}
		}
		maps.DeleteFunc(served, func(key int16, r schema.Range) bool {
			_, ok := ranges[key]
			return !ok || r.Min > r.Max
		})
	}
	return served, nil
}

func rangesOf(address string) (map[int16]schema.Range, error) {
	conn, err := dial(address, admin)
	if err != nil {
		return nil, err
	}
	defer conn.Close() //nolint:errcheck // only read from
	req := kmsg.NewPtrApiVersionsRequest()
	req.ClientSoftwareName, req.ClientSoftwareVersion = "access", "1"
	resp, err := conn.Call(req)
	if err != nil {
		return nil, err
	}
	ranges := map[int16]schema.Range{}
	for _, k := range resp.(*kmsg.ApiVersionsResponse).ApiKeys {
		ranges[k.ApiKey] = schema.Range{Min: k.MinVersion, Max: k.MaxVersion}
	}
	return ranges, nil
}
