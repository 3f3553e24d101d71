package clients

import (
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/barnabas"
	"github.com/barnabas-mq/barnabas/compat-tests/target"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

// negotiatedFile has a line for each client: which versions of what it asks.
const negotiatedFile = "testdata/negotiated.txt"

// TestNegotiatedVersions: every client asks in the versions that it has always chosen.
// One that goes down tells that what we advertise has shrunk for it, one that goes up
// that paths are used that the scenarios have not seen.
func TestNegotiatedVersions(t *testing.T) {
	if target.Name() != target.Barnabas {
		t.Skip("the record is of Barnabas")
	}
	golden := readNegotiated(t)
	var mu sync.Mutex // guards golden
	t.Run("clients", func(t *testing.T) {
		for _, client := range Clients {
			t.Run(client.Name, func(t *testing.T) {
				t.Parallel()
				sayHowToRunAlone(t)
				got := negotiated(t, client)
				mu.Lock()
				defer mu.Unlock()
				if *rewrite {
					golden[client.Name] = got
					return
				}
				want := golden[client.Name]
				for _, api := range slices.Sorted(maps.Keys(got)) {
					// Whether there is time for one hangs on the machine.
					if want[api] == "" && strings.HasSuffix(api, "Heartbeat") {
						continue
					}
					if got[api] != want[api] {
						t.Errorf("%s is asked in version %s, of old %q", api, got[api], want[api])
					}
				}
				for _, api := range []string{"ApiVersions", "Metadata", "Produce", "Fetch"} {
					if got[api] == "" && want[api] != "" {
						t.Errorf("%s is not asked any more", api)
					}
				}
			})
		}
	})
	if *rewrite {
		writeNegotiated(t, golden)
	}
}

// negotiated has the client make a topic, write and read a few records, and tells which
// versions it asked in, "7" or "7,8", by the names of the APIs.
func negotiated(t *testing.T, client Client) map[string]string {
	t.Helper()
	const topic, count = "negotiated", 10
	program := Install(t, client)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tap := &tap{listener: listener, versions: map[int16]map[int16]bool{}}
	properties := maps.Clone(client.BrokerProperties)
	if properties == nil {
		properties = map[string]string{}
	}
	properties["num.partitions"] = "1" // for those that have the broker make the topic
	properties["advertised.listeners"] = "PLAINTEXT://" + listener.Addr().String()
	tap.broker = barnabas.Run(t, barnabas.Options{Properties: properties}).Bootstrap()
	go tap.serve() // ended by Close
	t.Cleanup(func() { listener.Close() })
	bootstrap := listener.Addr().String()

	program.Create(t, bootstrap, topic, 1)
	if client.Lacks.Admin {
		tap.forget() // that was the judge
	}
	program.Produce(t, bootstrap, topic, "none", makeRecords(0, count, client.Lacks))
	if client.Lacks.Commits {
		program.Read(t, bootstrap, []string{topic}, count)
	} else {
		program.Consume(t, bootstrap, topic, "negotiated-group", count)
	}
	return tap.seen()
}

// tap stands between a client and its broker and notes the heads of requests.
type tap struct {
	listener net.Listener
	broker   string

	mu       sync.Mutex
	versions map[int16]map[int16]bool // by API key; guarded by mu
}

func (p *tap) serve() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return // closed
		}
		broker, err := net.Dial("tcp", p.broker)
		if err != nil {
			client.Close()
			continue
		}
		go func() { // ends with either side
			defer client.Close()
			_, _ = io.Copy(client, broker) // how a connection ends is the client's and the broker's affair
		}()
		go func() { // ends with either side
			defer broker.Close()
			p.note(broker, client)
		}()
	}
}

// note passes requests on until one side ends.
func (p *tap) note(broker, client net.Conn) {
	var head [8]byte // length, key, version
	for {
		if _, err := io.ReadFull(client, head[:]); err != nil {
			return
		}
		key, version := int16(binary.BigEndian.Uint16(head[4:])), int16(binary.BigEndian.Uint16(head[6:]))
		p.mu.Lock()
		if p.versions[key] == nil {
			p.versions[key] = map[int16]bool{}
		}
		p.versions[key][version] = true
		p.mu.Unlock()
		if _, err := broker.Write(head[:]); err != nil {
			return
		}
		if _, err := io.CopyN(broker, client, int64(binary.BigEndian.Uint32(head[:]))-4); err != nil {
			return
		}
	}
}

func (p *tap) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.versions)
}

func (p *tap) seen() map[string]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := map[string]string{}
	for key, versions := range p.versions {
		var texts []string
		for _, v := range slices.Sorted(maps.Keys(versions)) {
			texts = append(texts, fmt.Sprint(v))
		}
		all[kmsg.NameForKey(key)] = strings.Join(texts, ",")
	}
	return all
}

func readNegotiated(t *testing.T) map[string]map[string]string {
	t.Helper()
	text, err := os.ReadFile(negotiatedFile)
	if err != nil && !*rewrite {
		t.Fatal(err)
	}
	golden := map[string]map[string]string{}
	for line := range strings.Lines(string(text)) {
		name, asked, _ := strings.Cut(strings.TrimSpace(line), ": ")
		golden[name] = map[string]string{}
		for one := range strings.SplitSeq(asked, " ") {
			api, versions, _ := strings.Cut(one, "=")
			golden[name][api] = versions
		}
	}
	return golden
}

func writeNegotiated(t *testing.T, golden map[string]map[string]string) {
	t.Helper()
	var out strings.Builder
	for _, client := range Clients {
		asked := golden[client.Name]
		if asked == nil {
			continue
		}
		var all []string
		for _, api := range slices.Sorted(maps.Keys(asked)) {
			all = append(all, api+"="+asked[api])
		}
		fmt.Fprintf(&out, "%s: %s\n", client.Name, strings.Join(all, " "))
	}
	if err := os.MkdirAll("testdata", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(negotiatedFile, []byte(out.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
