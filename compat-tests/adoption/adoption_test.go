package adoption

import (
	"context"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
)

const testTimeout = 3 * time.Minute

// A directory of Apache Kafka goes to Barnabas and back, twice. Both find
// everything that the other has left, and go on with it.
func TestKafkasDirectory(t *testing.T) {
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
			ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
			defer cancel()
			n := newNode(t, c.options).format()
			var w work

			address := n.kafka()
			w.prepare(t, ctx, address)
			w.use(t, ctx, address)
			w.useKafka(t, ctx, address, c.kafka4)
			fromKafka := take(t, ctx, address, groups...)
			keptByKafka := takeAll(t, ctx, address, groups...)
			n.stop()

			address = n.barnabas()
			if diff := fromKafka.Diff(take(t, ctx, address, groups...)); diff != "" {
				t.Errorf("Barnabas differs from Kafka before it:\n%s", diff)
			}
			w.use(t, ctx, address)
			fromBarnabas := take(t, ctx, address, groups...)
			n.stop()

			address = n.kafka()
			if diff := fromBarnabas.Diff(take(t, ctx, address, groups...)); diff != "" {
				t.Errorf("Kafka differs from Barnabas before it:\n%s", diff)
			}
			if diff := keptByKafka.only(kept).Diff(takeAll(t, ctx, address, groups...).only(kept)); diff != "" {
				t.Errorf("what Barnabas should have kept:\n%s", diff)
			}
			w.use(t, ctx, address)
			fromKafka = take(t, ctx, address, groups...)
			n.stop()

			address = n.barnabas()
			if diff := fromKafka.Diff(take(t, ctx, address, groups...)); diff != "" {
				t.Errorf("Barnabas differs from Kafka the second time:\n%s", diff)
			}
			n.stop()
		})
	}
}
