package adoption

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
)

const testTimeout = 3 * time.Minute

// A directory of Apache Kafka goes to Barnabas and back, twice. Both find
// everything that the other has left, and go on with it.
func TestKafkasDirectory(t *testing.T) {
	t.Parallel()
	voter := map[string]string{"controller.quorum.voters": "", "controller.quorum.bootstrap.servers": "127.0.0.1:1"}
	for _, c := range []struct {
		name    string
		options oracle.Options
		kafka4  bool // groups of the newer protocols
	}{
		{"4.3-IV0 kraft.version 0", oracle.Options{}, true},
		{"4.3-IV0 kraft.version 1", oracle.Options{Properties: voter, Format: []string{"--standalone"}}, true},
		{"3.9-IV0", oracle.Options{Format: []string{"--release-version", "3.9-IV0"}}, false},
		{"Kafka 3.9", oracle.Options{Version: oracle.Old}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
			defer cancel()
			n := newNode(t, c.options).format()
			var w work

			address := n.kafka()
			w.prepare(t, ctx, address)
			w.use(t, ctx, address)
			w.useKafka(t, ctx, address, c.kafka4)
			fromKafka := settled(t, ctx, address, groups...)
			n.stop()

			address = n.barnabas()
			same(t, "Barnabas differs from Kafka before it", fromKafka.common(), take(t, ctx, address, groups...))
			w.use(t, ctx, address)
			if c.kafka4 {
				joinAsClassic(t, address)
			}
			fromBarnabas := take(t, ctx, address, groups...)
			n.stop()

			address = n.kafka()
			same(t, "Kafka differs from Barnabas before it", fromBarnabas, take(t, ctx, address, groups...))
			same(t, "what Barnabas should have kept", fromKafka.kept(), takeAll(t, ctx, address, groups...).kept())
			w.use(t, ctx, address)
			fromKafka = settled(t, ctx, address, groups...)
			n.stop()

			address = n.barnabas()
			same(t, "Barnabas differs from Kafka the second time", fromKafka.common(), take(t, ctx, address, groups...))
			n.stop()
		})
	}
}

// A directory that was born in Barnabas goes to Kafka and back. Both write snapshots
// of their metadata as often as they can, and read each other's.
func TestBarnabasDirectory(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	n := newNode(t, oracle.Options{Properties: map[string]string{
		"metadata.log.max.record.bytes.between.snapshots": "1000",
	}})
	var w work

	address := n.barnabas()
	w.prepare(t, ctx, address)
	w.use(t, ctx, address)
	own := take(t, ctx, address, groups...)
	n.stop()

	address = n.kafka()
	same(t, "Kafka differs from Barnabas before it", own, take(t, ctx, address, groups...))
	w.use(t, ctx, address)
	w.useKafka(t, ctx, address, true)
	kafkas := settled(t, ctx, address, groups...)
	n.stop()

	address = n.barnabas()
	same(t, "Barnabas differs from Kafka before it", kafkas.common(), take(t, ctx, address, groups...))
	n.stop()
}

// A directory that Kafka has only formatted begins in Barnabas as it would in Kafka.
func TestFormattedDirectory(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	n := newNode(t, oracle.Options{
		Properties: map[string]string{"controller.quorum.voters": "", "controller.quorum.bootstrap.servers": "127.0.0.1:1"},
		Format:     []string{"--standalone", "--release-version", "4.0-IV0", "--add-scram", "SCRAM-SHA-256=[name=bob,password=secret]"},
	}).format()
	address := n.barnabas()
	new(work).prepare(t, ctx, address)
	own := take(t, ctx, address)
	n.stop()

	address = n.kafka()
	all := takeAll(t, ctx, address)
	same(t, "Kafka differs from Barnabas before it", own, all.common())
	for _, line := range []string{"feature metadata.version 22", "user bob SCRAM-SHA-256 4096"} {
		if !slices.Contains(all, line) {
			t.Errorf("what was formatted is lost: %s in %q", line, all)
		}
	}
	n.stop()
}

// After kill -9 of Kafka, Barnabas recovers what Kafka would. It keeps access rules
// that it does not enforce, when told not to mind.
func TestKafkasDirectoryAfterAKill(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	n := newNode(t, oracle.Options{Properties: map[string]string{
		"authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
		"super.users":           "User:ANONYMOUS", "barnabas.insecure.ignore": "true",
	}}).format()
	var w work

	address := n.kafka()
	w.prepare(t, ctx, address)
	w.use(t, ctx, address)
	w.useKafka(t, ctx, address, true)
	fromKafka := settled(t, ctx, address, groups...)
	if rule := "acl User:alice ALLOW READ TOPIC secret"; !slices.Contains(fromKafka, rule) {
		t.Errorf("%q is not among %q", rule, fromKafka.kept())
	}
	check(t, n.broker.Kill())

	address = n.barnabas()
	// Kafka writes where its logs start once a minute, and forgets what a kill came before.
	forgetful := func(s Snapshot) Snapshot {
		return slices.DeleteFunc(s, func(line string) bool { return strings.HasPrefix(line, "records "+trimmed) })
	}
	same(t, "Barnabas differs from Kafka before the kill", forgetful(fromKafka.common()), forgetful(take(t, ctx, address, groups...)))
	w.use(t, ctx, address)
	fromBarnabas := take(t, ctx, address, groups...)
	n.stop()

	address = n.kafka()
	same(t, "Kafka differs from Barnabas before it", fromBarnabas, take(t, ctx, address, groups...))
	same(t, "what Barnabas should have kept", fromKafka.kept(), takeAll(t, ctx, address, groups...).kept())
	n.stop()
}
