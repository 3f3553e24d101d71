package target

import (
	"testing"

	"github.com/barnabas-mq/barnabas/compat-tests/barnabas"
	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

func TestColumn(t *testing.T) {
	for name, want := range map[string]string{
		"": "barnabas", "kafka": "kafka-4.3.1", "kafka-3.9.2": "kafka-3.9.2", "exec:run": "exec:run",
	} {
		t.Setenv(Env, name)
		if got := Column(); got != want {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
	}
}

// A broker that is not known is started by its command, killed, and started again on its port and data.
func TestAnyOtherBroker(t *testing.T) {
	binary, err := barnabas.Binary()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("BINARY", binary)
	t.Setenv(Env, `exec:"$BINARY" serve "$BROKER_PROPERTIES" --profile dev --override log.dirs="$BROKER_DATA" `+
		`--override listeners=PLAINTEXT://127.0.0.1:$BROKER_PORT`)
	broker := Run(t, map[string]string{"num.partitions": "3"})
	address := broker.Bootstrap()
	if err := broker.Kill(); err != nil {
		t.Fatal(err)
	}
	if testbed.AskMetadata(address) == nil {
		t.Error("it serves after it was killed")
	}
	if err := broker.Start(); err != nil {
		t.Fatal(err)
	}
	if err := testbed.AskMetadata(address); err != nil {
		t.Error(err)
	}
}
