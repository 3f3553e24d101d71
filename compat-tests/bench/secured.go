package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/barnabas"
	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
	"github.com/barnabas-mq/barnabas/internal/ssltest"
)

const (
	// withRules ends the name of a broker that asks an authorizer.
	withRules  = "-rules"
	ourRules   = "barnabas" + withRules
	kafkaRules = "kafka" + withRules
	// byTLS begins the address of an entrance that TLS protects.
	byTLS = "tls://"
	// tlsRow begins the name of what goes through it.
	tlsRow = "TLS 1.3, "
	// otherRules are about other topics and other users, as a cluster has them that many share.
	otherRules = 1000
)

// securedStarters: each has an entrance by TLS beside the plain one. The plain one serves
// what is not measured, and shows what the authorizer costs.
var securedStarters = map[string]starter{
	"barnabas": func() (contender, error) { return startSecured("barnabas", "") },
	"kafka":    func() (contender, error) { return startSecured("kafka", "") },
}

var withTLS = []string{"barnabas", "kafka"}

var securedWorkloads = []workload{
	{name: "access rules: raw single-record requests", run: runSingle},
	{name: "access rules: raw produce 16 KiB", run: raw16KiB.run},
	{name: "TLS: raw single-record requests", run: overTLS(runSingle), columns: withTLS},
	{name: "TLS: raw produce 16 KiB", run: overTLS(raw16KiB.run), columns: withTLS},
	{name: "TLS: raw produce 128 KiB x 6 and fetch", run: overTLS(fetch1MiB.run), columns: withTLS},
	{name: "TLS: produce and consume 1 KiB, franz-go", run: overTLS(runClients), columns: withTLS},
}

// securedGoals: what TLS may be slower than Kafka's, and what asking for rights may cost.
var securedGoals = []goal{
	{row: tlsRow + raw16KiB.name, unit: "MB/s", column: "kafka", ratio: true, atLeast: 0.9},
	{row: tlsRow + raw128KiB.name, unit: "MB/s", column: "kafka", ratio: true, atLeast: 0.9},
	{row: tlsRow + "raw fetch", unit: "MB/s", column: "kafka", ratio: true, atLeast: 0.9},
	{row: tlsRow + "produce 1 KiB", unit: "MB/s", column: "kafka", ratio: true, atLeast: 0.9},
	{row: tlsRow + "consume 1 KiB", unit: "MB/s", column: "kafka", ratio: true, atLeast: 0.9},
	{row: "single-record requests", unit: "k/s", column: ourRules, ratio: true, atMost: 1.03},
}

// secured is a broker with an entrance by TLS, under a name of its own where there is one.
type secured struct {
	contender
	name, tls string
}

// Name implements testbed.Target.
func (s secured) Name() string {
	if s.name != "" {
		return s.name
	}
	return s.contender.Name()
}

// tlsEntrance is the same broker for a load that comes in by TLS.
type tlsEntrance struct{ secured }

// entrance is where the measured load of a workload comes in.
func entrance(b contender) string {
	if e, ok := b.(tlsEntrance); ok {
		return byTLS + e.tls
	}
	return b.Bootstrap()
}

// newClient is a client of franz-go at the entrance.
func newClient(b contender, options ...kgo.Opt) (*kgo.Client, error) {
	if e, ok := b.(tlsEntrance); ok {
		return kgo.NewClient(append(options, kgo.SeedBrokers(e.tls), kgo.DialTLSConfig(tlsClient()))...)
	}
	return kgo.NewClient(append(options, kgo.SeedBrokers(b.Bootstrap()))...)
}

// overTLS takes a workload through the other entrance.
func overTLS(run func(b contender, o options) ([]phase, error)) func(b contender, o options) ([]phase, error) {
	return func(b contender, o options) ([]phase, error) {
		phases, err := run(tlsEntrance{b.(secured)}, o)
		for i := range phases {
			phases[i].name = tlsRow + phases[i].name
			for j := range phases[i].more {
				phases[i].more[j].name = tlsRow + phases[i].more[j].name
			}
		}
		return phases, err
	}
}

// authority signs the certificates of a run.
var authority = sync.OnceValue(func() ssltest.Pair { return ssltest.NewAuthority("bench") })

// tlsClient insists on TLS 1.3.
func tlsClient() *tls.Config {
	c := ssltest.Client(authority(), nil)
	c.MinVersion = tls.VersionTLS13
	return c
}

// startSecured starts a broker with a second listener; as name, one that asks an authorizer.
func startSecured(broker, name string) (contender, error) {
	dir, err := os.MkdirTemp("", "bench-tls-")
	if err != nil {
		return nil, err
	}
	keys := filepath.Join(dir, "server.pem")
	server := authority().Issue(ssltest.Want{Name: "server"})
	if err := os.WriteFile(keys, []byte(server.KeyPEM()+server.ChainPEM()), 0o600); err != nil {
		return nil, err
	}
	ports, err := testbed.FreePorts(1)
	if err != nil {
		return nil, err
	}
	address := fmt.Sprintf("127.0.0.1:%d", ports[0])
	properties := deletingSoon(map[string]string{"ssl.keystore.type": "PEM", "ssl.keystore.location": keys})
	if name != "" {
		properties["authorizer.class.name"] = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
		properties["allow.everyone.if.no.acl.found"] = "true"
	}
	beside := []string{"SSL://" + address}
	var b *testbed.Broker
	if broker == "barnabas" {
		b, err = barnabas.Start(barnabas.Options{Properties: properties, Beside: beside})
	} else {
		all := asDev(nil)
		maps.Copy(all, properties)
		b, err = oracle.Start(oracle.Options{HeapMiB: 1024, Server: true, Properties: all, Beside: beside})
	}
	if err != nil {
		return nil, err
	}
	s := secured{b, name, address}
	if name != "" {
		if err := giveRules(b); err != nil {
			return nil, errors.Join(fmt.Errorf("the rules of %s: %w", name, err), b.Close())
		}
	}
	return s, nil
}

// giveRules has everybody without a login use the topics of the benchmark, beside many
// rules about others.
func giveRules(b contender) error {
	ctx, cancel := context.WithTimeout(context.Background(), benchTimeout)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Bootstrap()))
	if err != nil {
		return err
	}
	defer client.Close()
	request := kmsg.NewPtrCreateACLsRequest()
	rule := func(who, topic string, pattern kmsg.ACLResourcePatternType) {
		c := kmsg.NewCreateACLsRequestCreation()
		c.ResourceType, c.ResourceName, c.ResourcePatternType = kmsg.ACLResourceTypeTopic, topic, pattern
		c.Principal, c.Host = "User:"+who, "*"
		c.Operation, c.PermissionType = kmsg.ACLOperationAll, kmsg.ACLPermissionTypeAllow
		request.Creations = append(request.Creations, c)
	}
	rule("ANONYMOUS", "bench-", kmsg.ACLResourcePatternTypePrefixed)
	for i := range otherRules {
		pattern := kmsg.ACLResourcePatternTypeLiteral
		if i%2 == 1 {
			pattern = kmsg.ACLResourcePatternTypePrefixed
		}
		rule(fmt.Sprintf("user-%d", i%100), fmt.Sprintf("orders-%d", i), pattern)
	}
	response, err := request.RequestWith(ctx, client)
	if err != nil {
		return err
	}
	for _, result := range response.Results {
		if err := kerr.ErrorForCode(result.ErrorCode); err != nil {
			return err
		}
	}
	return nil
}
