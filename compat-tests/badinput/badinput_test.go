package badinput

import (
	"os"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/barnabas"
	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

// EnvBootstrap names the address of any broker to try instead.
const EnvBootstrap = "COMPAT_BOOTSTRAP"

// Each bad input is answered by Kafka's code or ends its own connection; all
// others live on, and memory stays bounded.
func TestBarnabasStandsBadInput(t *testing.T) {
	broker := barnabas.Run(t, barnabas.Options{Profile: "server", Properties: map[string]string{"barnabas.durability": "cached"}})
	idle, err := broker.Usage()
	if err != nil {
		t.Fatal(err)
	}
	pid := broker.PID()
	peak := idle.PeakRSS
	play(t, broker.Bootstrap(), func(t *testing.T) {
		now, err := testbed.ReadUsage(pid)
		if err != nil {
			t.Fatalf("the broker died: %v", err)
		}
		if rise := now.PeakRSS - peak; rise > 8<<20 {
			t.Logf("memory rose by %d MiB to %d MiB", rise>>20, now.PeakRSS>>20)
		}
		peak = now.PeakRSS
	})
	now, err := testbed.ReadUsage(pid)
	if err != nil {
		t.Fatalf("the broker died: %v", err)
	}
	growth := now.PeakRSS - idle.RSS
	t.Logf("memory: idle %d MiB, at most %d MiB", idle.RSS>>20, now.PeakRSS>>20)
	if growth > MaxGrowth {
		t.Errorf("memory grew by %d MiB, limit %d MiB", growth>>20, MaxGrowth>>20)
	}
}

// What the catalogue expects is what Kafka does.
func TestKafkaStandsBadInput(t *testing.T) {
	if testing.Short() {
		t.Skip("judges the catalogue, not the broker")
	}
	broker := oracle.Run(t, oracle.Options{HeapMiB: 1024})
	play(t, broker.Bootstrap(), nil)
}

// Any broker can be tried: COMPAT_BOOTSTRAP=host:port.
func TestAddressStandsBadInput(t *testing.T) {
	address := os.Getenv(EnvBootstrap)
	if address == "" {
		t.Skip(EnvBootstrap + " is not set")
	}
	play(t, address, nil)
}

// play plays every case; after looks at the broker after each.
func play(t *testing.T, address string, after func(t *testing.T)) {
	t.Helper()
	fixture, err := NewFixture(address)
	if err != nil {
		t.Fatal(err)
	}
	bystander, err := wire.Dial(address)
	if err != nil {
		t.Fatal(err)
	}
	defer bystander.Close() //nolint:errcheck // only read from
	for _, c := range Cases() {
		t.Run(c.Name, func(t *testing.T) {
			if err := c.Run(address, fixture); err != nil {
				t.Errorf("%v\n  alone: go test ./badinput -run '%s'", err, t.Name())
			}
			if err := Ping(bystander); err != nil {
				t.Fatalf("another connection was harmed: %v", err)
			}
			if after != nil {
				after(t)
			}
		})
	}
	t.Run("cut requests", func(t *testing.T) {
		for _, c := range Truncations(advertised(t, bystander)) {
			if err := c.Run(address, fixture); err != nil {
				t.Errorf("%s: %v", c.Name, err)
			}
		}
		if err := Ping(bystander); err != nil {
			t.Fatalf("another connection was harmed: %v", err)
		}
	})
}

func advertised(t *testing.T, c *wire.Conn) map[int16][2]int16 {
	t.Helper()
	resp, err := c.Call(kmsg.NewPtrApiVersionsRequest())
	if err != nil {
		t.Fatal(err)
	}
	ranges := map[int16][2]int16{}
	for _, k := range resp.(*kmsg.ApiVersionsResponse).ApiKeys {
		ranges[k.ApiKey] = [2]int16{k.MinVersion, k.MaxVersion}
	}
	return ranges
}
