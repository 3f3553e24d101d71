package broker

import (
	"bufio"
	"bytes"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/config"
	"github.com/barnabas-mq/barnabas/internal/vfs"
)

// The gateways of the default routes, as a container, a machine with several ways
// out and one without any have them.
func TestGatewaysOfARouteTable(t *testing.T) {
	const titles = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT                                                       \n"
	for name, c := range map[string]struct {
		table string
		want  []string
	}{
		"a container": {titles +
			"eth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000000\t0\t0\t0\n" +
			"eth0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n", []string{"172.17.0.1"}},
		"two ways out": {titles +
			"eth0\t00000000\t0100A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n" +
			"wlan0\t00000000\t0100A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n" +
			"tun0\t00000000\t0101080A\t0003\t0\t0\t700\t00000000\t0\t0\t0\n", []string{"192.168.0.1", "10.8.1.1"}},
		"a route that is down":       {titles + "eth0\t00000000\t010011AC\t0002\t0\t0\t0\t00000000\t0\t0\t0\n", nil},
		"a default without gateway":  {titles + "ppp0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0\n", nil},
		"half of the world":          {titles + "tun0\t00000000\t0101080A\t0003\t0\t0\t0\t00000080\t0\t0\t0\n", nil},
		"another network":            {titles + "eth0\t000010AC\t010011AC\t0003\t0\t0\t0\t0000FFFF\t0\t0\t0\n", nil},
		"no routes":                  {titles, nil},
		"something else":             {"nothing of the kind\nat\tall\ta\tb\tc\td\te\tf\tg\n", nil},
		"nothing, and no line's end": {"", nil},
	} {
		var got []string
		for _, a := range parseGateways([]byte(c.table)) {
			got = append(got, a.String())
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// openOn starts a broker with these settings beside the ones of tests, and the
// gateways.
func openOn(t *testing.T, log *slog.Logger, gateways []string, overrides ...string) *Broker {
	t.Helper()
	b := openOver(t, vfs.NewMem(), log, gateways, overrides...)
	t.Cleanup(func() { mustClose(t, b) })
	return b
}

func openOver(t *testing.T, files vfs.FS, log *slog.Logger, gateways []string, overrides ...string) *Broker {
	t.Helper()
	settings, err := config.Load(config.Input{Data: dataDir, Profile: "dev", Overrides: overrides})
	if err != nil {
		t.Fatal(err)
	}
	var all []netip.Addr
	for _, g := range gateways {
		all = append(all, netip.MustParseAddr(g))
	}
	b, err := Open(Options{
		Settings: settings, FS: files, Version: "test", Log: log, Gateways: func() []netip.Addr { return all },
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// dialFrom connects from an address of this machine to another one of it.
func dialFrom(t *testing.T, from, to string, port int) *client {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: 20 * time.Second}
	c, err := d.Dial("tcp", net.JoinHostPort(to, strconv.Itoa(port)))
	if err != nil {
		t.Skipf("this machine has no way from %s to %s: %v", from, to, err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second)) // a broken test ends
	return &client{t: t, conn: c, in: bufio.NewReader(c)}
}

// toldAddress asks all three that tell addresses; they have to agree.
func (c *client) toldAddress() string {
	c.t.Helper()
	m := kmsg.NewPtrMetadataRequest()
	m.SetVersion(12)
	m.Topics = []kmsg.MetadataRequestTopic{}
	metadata := c.ask(m).(*kmsg.MetadataResponse).Brokers[0]
	d := kmsg.NewPtrDescribeClusterRequest()
	d.SetVersion(1)
	cluster := c.ask(d).(*kmsg.DescribeClusterResponse).Brokers[0]
	f := kmsg.NewPtrFindCoordinatorRequest()
	f.SetVersion(4)
	f.CoordinatorKeys = []string{"g"}
	coordinator := c.ask(f).(*kmsg.FindCoordinatorResponse).Coordinators[0]
	if coordinator.ErrorCode != 0 {
		c.t.Fatalf("finding a coordinator: error %d", coordinator.ErrorCode)
	}
	told := net.JoinHostPort(metadata.Host, strconv.Itoa(int(metadata.Port)))
	for _, other := range []string{
		net.JoinHostPort(cluster.Host, strconv.Itoa(int(cluster.Port))),
		net.JoinHostPort(coordinator.Host, strconv.Itoa(int(coordinator.Port))),
	} {
		if other != told {
			c.t.Errorf("told %s and %s", told, other)
		}
	}
	return told
}

// Without advertised.listeners the client from the gateway is told localhost, and
// any other one the address that it reached.
func TestTheAdvertisedAddressIsFound(t *testing.T) {
	b := openOn(t, nil, []string{"127.0.0.9"}, "listeners=PLAINTEXT://:0")
	port := b.listeners[0].Port
	for _, c := range []struct{ from, to, want string }{
		{"127.0.0.9", "127.0.0.1", "localhost"},
		{"127.0.0.1", "127.0.0.1", "127.0.0.1"},
		{"127.0.0.1", "127.0.0.5", "127.0.0.5"},
		{"127.0.0.8", "127.0.0.9", "127.0.0.9"}, // the gateway's address reached, not come from
		{"::1", "::1", "::1"},
	} {
		t.Run(c.from+" to "+c.to, func(t *testing.T) {
			if got, want := dialFrom(t, c.from, c.to, port).toldAddress(), net.JoinHostPort(c.want, strconv.Itoa(port)); got != want {
				t.Errorf("told %s, want %s", got, want)
			}
		})
	}
}

// What is configured is told to everybody, and Kafka's way is there for who wants it.
func TestAConfiguredAddressIsToldToAll(t *testing.T) {
	name := hostname()
	for settings, want := range map[string]string{
		"listeners=PLAINTEXT://:0 advertised.listeners=PLAINTEXT://kafka:29092": "kafka:29092",
		"listeners=PLAINTEXT://:0 advertised.listeners=PLAINTEXT://:29092":      "localhost:29092",
		"listeners=PLAINTEXT://localhost:0 barnabas.advertised=auto":            "localhost:PORT",
		"listeners=PLAINTEXT://:0 barnabas.advertised=hostname":                 name + ":PORT",
	} {
		b := openOn(t, nil, []string{"127.0.0.1"}, strings.Fields(settings)...)
		port := b.listeners[0].Port
		if got, want := dialFrom(t, "127.0.0.1", "127.0.0.1", port).toldAddress(), strings.ReplaceAll(want, "PORT", strconv.Itoa(port)); got != want {
			t.Errorf("%s: told %s, want %s", settings, got, want)
		}
	}
}

// kafka-configs.sh may alter what is advertised; the next answer has it, on each
// listener its own, and the listeners themselves stay.
func TestAdvertisedListenersAreAltered(t *testing.T) {
	b := openOn(t, nil, nil, "listeners=PLAINTEXT://127.0.0.1:0,BROKER://127.0.0.1:0",
		"listener.security.protocol.map=PLAINTEXT:PLAINTEXT,BROKER:PLAINTEXT", "inter.broker.listener.name=BROKER")
	outside := dialFrom(t, "127.0.0.1", "127.0.0.1", b.listeners[0].Port)
	inside := dialFrom(t, "127.0.0.1", "127.0.0.1", b.listeners[1].Port)
	before := outside.toldAddress()
	alter := func(value *string, want int16) {
		t.Helper()
		if code := outside.alter("1", "advertised.listeners", value); code != want {
			t.Fatalf("altering it to %v: error %d, want %d", value, code, want)
		}
	}
	see := func(wantOutside, wantInside string) {
		t.Helper()
		if o, i := outside.toldAddress(), inside.toldAddress(); o != wantOutside || i != wantInside {
			t.Errorf("told %s and %s, want %s and %s", o, i, wantOutside, wantInside)
		}
	}
	alter(ptr("PLAINTEXT://docker.example:32768,BROKER://localhost:9092"), 0)
	see("docker.example:32768", "localhost:9092")
	const invalidRequest = 42
	for _, wrong := range []string{
		"PLAINTEXT://docker.example:1",                        // the brokers' own listener is missing
		"BROKER://localhost:1,OTHER://localhost:2",            // nobody listens there
		"BROKER://0.0.0.0:9092,PLAINTEXT://docker.example:1",  // no address to connect to
		"BROKER://localhost:9092,PLAINTEXT://docker.example:", // no port
	} {
		alter(&wrong, invalidRequest)
	}
	if code := outside.alter("", "advertised.listeners", ptr("BROKER://localhost:1")); code != invalidRequest {
		t.Errorf("altered for the whole cluster: error %d", code)
	}
	see("docker.example:32768", "localhost:9092")
	alter(nil, 0)
	if got := outside.toldAddress(); got != before {
		t.Errorf("taken back: told %s, want %s", got, before)
	}
}

// What was altered holds after a restart.
func TestAlteredAdvertisedListenersStay(t *testing.T) {
	files := vfs.NewMem()
	b := openOver(t, files, nil, nil, "listeners=PLAINTEXT://127.0.0.1:0")
	if code := dial(t, b).alter("1", "advertised.listeners", ptr("PLAINTEXT://docker.example:1")); code != 0 {
		t.Fatalf("altering it: error %d", code)
	}
	mustClose(t, b)
	b = openOver(t, files, nil, nil, "listeners=PLAINTEXT://127.0.0.1:0")
	defer mustClose(t, b)
	if got := dial(t, b).toldAddress(); got != "docker.example:1" {
		t.Errorf("told %s", got)
	}
}

// The log says at the start what clients of each listener are told.
func TestTheStartSaysWhatClientsAreTold(t *testing.T) {
	var log bytes.Buffer
	b := openOn(t, slog.New(slog.NewTextHandler(&log, nil)), []string{"172.17.0.1"},
		"listeners=A://:0,B://127.0.0.1:0", "listener.security.protocol.map=A:PLAINTEXT,B:PLAINTEXT", "inter.broker.listener.name=B")
	a, second := b.listeners[0].Port, b.listeners[1].Port
	for _, want := range []string{
		"A://ADDRESS-REACHED:" + strconv.Itoa(a),
		"localhost:" + strconv.Itoa(a) + " for clients from the gateway 172.17.0.1",
		"a port mapped to another number needs advertised.listeners",
		"B://127.0.0.1:" + strconv.Itoa(second),
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("%q is missing in\n%s", want, &log)
		}
	}
}
