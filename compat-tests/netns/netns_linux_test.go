package netns

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sys/unix"

	"github.com/barnabas-mq/barnabas/compat-tests/barnabas"
	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

const (
	gateway   = "172.30.77.1"
	inside    = "172.30.77.2"
	neighbour = "172.30.77.3"
	port      = "9092"
)

// A broker in a container whose port is mapped, without a word about what to
// advertise: the host's clients are told localhost, and the neighbour's the address of
// the container, and both can work with it.
func TestTheAdvertisedAddressBehindAPortMapping(t *testing.T) {
	n := build(t)
	n.serve(t, "listeners=PLAINTEXT://:"+port)
	for _, c := range []struct{ from, given, told string }{
		{"host", "127.0.0.1:" + port, "localhost:" + port},
		{"neighbour", inside + ":" + port, inside + ":" + port},
		{"broker", "127.0.0.1:" + port, "127.0.0.1:" + port},
		{"broker", inside + ":" + port, "127.0.0.1:" + port},
		// The host by the container's own address is the gateway all the same, and
		// localhost leads there too.
		{"host", inside + ":" + port, "localhost:" + port},
	} {
		t.Run(c.from+" by "+c.given, func(t *testing.T) { n.work(t, c.from, c.given, c.told) })
	}
}

// With advertised.listeners, which the mapping to another number needs, both are
// told what stands there.
func TestAnAddressThatIsConfiguredBehindAPortMapping(t *testing.T) {
	n := build(t)
	n.serve(t, "listeners=PLAINTEXT://:"+port, "advertised.listeners=PLAINTEXT://"+inside+":"+port)
	for _, from := range []string{"host", "neighbour"} {
		t.Run(from, func(t *testing.T) { n.work(t, from, inside+":"+port, inside+":"+port) })
	}
}

// network is the three namespaces.
type network struct{ prefix string }

func (n network) name(space string) string { return n.prefix + space }

var built int

// build makes the namespaces, which go with the test. Where the machine does not let
// it, the test is skipped, naming the reason.
func build(t *testing.T) network {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("network namespaces are for root")
	}
	testbed.NeedPrograms(t, "ip")
	built++
	n := network{prefix: fmt.Sprintf("barnabas-%d-%d-", os.Getpid(), built)}
	for _, space := range []string{"host", "broker", "neighbour"} {
		if err := testbed.RunCommand(nil, "ip", "netns", "add", n.name(space)); err != nil {
			t.Skip(err)
		}
		t.Cleanup(func() {
			if err := testbed.RunCommand(nil, "ip", "netns", "del", n.name(space)); err != nil {
				t.Error(err)
			}
		})
		n.ip(t, space, "link set lo up")
	}
	n.ip(t, "host", "link add br0 type bridge")
	n.ip(t, "host", "addr add "+gateway+"/24 dev br0")
	n.ip(t, "host", "link set br0 up")
	for space, address := range map[string]string{"broker": inside, "neighbour": neighbour} {
		n.ip(t, "host", "link add v-"+space+" type veth peer name eth0 netns "+n.name(space))
		n.ip(t, "host", "link set v-"+space+" master br0 up")
		n.ip(t, space, "addr add "+address+"/24 dev eth0")
		n.ip(t, space, "link set eth0 up")
		n.ip(t, space, "route add default via "+gateway)
	}
	n.translate(t)
	return n
}

func (n network) ip(t *testing.T, space, command string) {
	t.Helper()
	if err := testbed.RunCommand(nil, append([]string{"ip", "-n", n.name(space)}, strings.Fields(command)...)...); err != nil {
		t.Skip(err) // a kernel without bridges or virtual links
	}
}

// translate maps the port as Docker does without its proxy: what is for the host's
// own address goes to the container, as if it came from the bridge.
func (n network) translate(t *testing.T) {
	t.Helper()
	const rules = `table ip nat {
	chain output { type nat hook output priority -100; ip daddr 127.0.0.1 tcp dport ` + port + ` dnat to ` + inside + `:` + port + `; }
	chain postrouting { type nat hook postrouting priority 100; ip saddr 127.0.0.0/8 oifname "br0" masquerade; }
}
`
	file := filepath.Join(t.TempDir(), "rules")
	if err := os.WriteFile(file, []byte(rules), 0o644); err != nil {
		t.Fatal(err)
	}
	nft, environ := "nft", []string(nil)
	if _, err := exec.LookPath(nft); err != nil {
		root := testbed.UnpackPackages(t, "nftables")
		nft, environ = filepath.Join(root, "usr/sbin/nft"), []string{testbed.Libraries(root)}
	}
	host := []string{"ip", "netns", "exec", n.name("host")}
	if err := testbed.RunCommand(environ, append(host, nft, "-f", file)...); err != nil {
		t.Skip(err) // a kernel without nf_tables
	}
	// The kernel sends nothing from 127.0.0.1 out of the machine unless told to.
	if err := testbed.RunCommand(nil, append(host, "sh", "-c", "echo 1 >/proc/sys/net/ipv4/conf/br0/route_localnet")...); err != nil {
		t.Skip(err)
	}
}

// serve runs the broker in its namespace until the test ends.
func (n network) serve(t *testing.T, overrides ...string) {
	t.Helper()
	binary, err := barnabas.Binary()
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"netns", "exec", n.name("broker"), binary, "serve", "--profile", "dev", "--data", filepath.Join(t.TempDir(), "data")}
	for _, o := range overrides {
		args = append(args, "--override", o)
	}
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	ready := testbed.NewFirstLine()
	cmd := exec.Command("ip", args...)
	cmd.Stdout, cmd.Stderr = ready, log
	p, err := testbed.StartProcess(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Terminate(20 * time.Second); err != nil {
			t.Error(err)
		}
		if text, err := os.ReadFile(log.Name()); t.Failed() && err == nil {
			t.Logf("the broker's log\n%s", text)
		}
		_ = log.Close() // read already
	})
	if _, err := ready.Await(p, 30*time.Second); err != nil {
		t.Fatal(err)
	}
}

// work is a client in a namespace that was given one address. It must be told the
// other one, nothing else, and be able to write and read through it.
func (n network) work(t *testing.T, space, given, told string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var mu sync.Mutex
	dialed := map[string]bool{}
	dial := func(ctx context.Context, _, address string) (net.Conn, error) {
		mu.Lock()
		dialed[address] = true
		mu.Unlock()
		return n.dial(ctx, space, address)
	}
	topic := strings.NewReplacer(":", "-").Replace(space + "-" + given)
	c, err := kgo.NewClient(kgo.SeedBrokers(given), kgo.Dialer(dial), kgo.ConsumeTopics(topic), kgo.ConsumerGroup(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.RetryTimeout(20*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	admin := kadm.NewClient(c)
	if _, err := admin.CreateTopic(ctx, 1, 1, nil, topic); err != nil {
		t.Fatal(err)
	}
	if err := c.ProduceSync(ctx, &kgo.Record{Topic: topic, Value: []byte(space)}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	fetches := c.PollRecords(ctx, 1)
	if err := fetches.Err(); err != nil || fetches.NumRecords() != 1 {
		t.Fatalf("%d records, %v", fetches.NumRecords(), err)
	}
	metadata, err := admin.BrokerMetadata(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if b := metadata.Brokers[0]; net.JoinHostPort(b.Host, fmt.Sprint(b.Port)) != told {
		t.Errorf("told %s:%d, want %s", b.Host, b.Port, told)
	}
	mu.Lock()
	defer mu.Unlock()
	for address := range dialed {
		if address != given && address != told {
			t.Errorf("the client was sent to %s, want %s", address, told)
		}
	}
}

// dial connects from within a namespace. A namespace belongs to a thread: this
// one is thrown away afterwards, and the socket stays where it was made.
func (n network) dial(ctx context.Context, space, address string) (net.Conn, error) {
	// A name may have several addresses, which would be tried from other threads.
	address = strings.Replace(address, "localhost:", "127.0.0.1:", 1)
	type result struct {
		conn net.Conn
		err  error
	}
	done := make(chan result, 1)
	go func() { // ends with the dial, which ctx bounds
		runtime.LockOSThread() // and never unlocked: the thread ends with this goroutine
		r := result{err: enter(n.name(space))}
		if r.err == nil {
			r.conn, r.err = (&net.Dialer{}).DialContext(ctx, "tcp4", address)
		}
		done <- r
	}()
	r := <-done
	return r.conn, r.err
}

// enter moves this thread to a namespace.
func enter(name string) error {
	f, err := os.Open(filepath.Join("/var/run/netns", name))
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only opened for its number
	return os.NewSyscallError("setns", unix.Setns(int(f.Fd()), syscall.CLONE_NEWNET))
}
