package clients

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/barnabas-mq/barnabas/compat-tests/target"
)

// connectors are the clients with a step for connections.
var connectors = []string{"java-4.3", "java-3.9", "franz-go", "sarama", "kafka-go", "confluent-kafka", "kcat", "kafka-python", "aiokafka", "kafkajs"}

// cannot are the mechanisms that a client has not, with the reason. It tries all the same, and is refused as by Kafka.
var cannot = map[string]map[string]string{
	"kafka-go": {bearerLogin: kafkaGoHasNoTokens},
	"kcat": {
		"SCRAM-SHA-256": scramNonceTwice, "SCRAM-SHA-512": scramNonceTwice,
	},
}

const (
	kafkaGoHasNoTokens = "its package sasl has PLAIN, SCRAM and what AWS wants"
	scramNonceTwice    = "librdkafka before 2.6.1 says its nonce twice, which Kafka 4 does not take any more"
)

// untold are the ways out that a client is not asked to try, with the reason.
var untold = map[string]map[string]string{
	"kafka-go": {"an expired token": kafkaGoHasNoTokens},
	"kcat":     {"an expired token": "librdkafka makes its unsigned tokens itself"},
	"aiokafka": {"an expired token": "takes the broker's word that the token is no good for its consent, and asks on for 40 seconds"},
}

// The files have a line for each client and way out: what the client says of Apache Kafka.
const (
	refusalsFile       = "testdata/refusals.txt"
	refusedTicketsFile = "testdata/refused-tickets.txt"
)

// TestSecurity: every client gets in by every way that it has, and has its records; who is
// not let in is told the same as by Kafka, in the client's own words. With -rewrite and
// Kafka as the target the words are written anew.
func TestSecurity(t *testing.T) {
	t.Parallel()
	broker, words := startSecured(t), newRefusals(t, refusalsFile, append(waysIn(), waysOut()...))
	for _, name := range connectors {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := Install(t, clientNamed(t, name)).talk(t, "connect", broker.bootstrap)
			in, out := waysIn(), waysOut()
			topics := make([]string, len(in))
			for i := range in {
				topics[i] = fmt.Sprintf("%s-%d", name, i)
			}
			newJudge(t, broker.bootstrap).create(1, topics...)
			for i, w := range in {
				t.Run(w.name, func(t *testing.T) {
					sayHowToRunAlone(t)
					values := []string{"one", "two", "three"}
					records, e := x.ask(t, broker.connection(w, topics[i], values...))
					if why := cannot[name][w.mechanism]; why != "" && e.Event == "refused" {
						words.check(t, name, w.name, e.Message)
						return
					}
					x.checkLetIn(t, records, e, values)
				})
			}
			for _, w := range out {
				t.Run(w.name, func(t *testing.T) {
					sayHowToRunAlone(t)
					if why := untold[name][w.name]; why != "" {
						t.Skip(why)
					}
					_, e := x.ask(t, broker.connection(w, topics[0], "unwanted"))
					if e.Event != "refused" {
						t.Fatalf("%s lets it in", target.Name())
					}
					words.check(t, name, w.name, e.Message)
				})
			}
		})
	}
}

// refusals are what clients say when they are not let in.
type refusals struct {
	rewrites bool
	ways     []way // in the file's order
	mu       sync.Mutex
	of       map[string]map[string]string // by client and way; guarded by mu
}

// newRefusals reads them, and writes them at the end of the test if they are to be.
func newRefusals(t *testing.T, file string, ways []way) *refusals {
	t.Helper()
	_, isKafka := target.KafkaVersion()
	r := &refusals{rewrites: *rewrite && isKafka, ways: ways, of: map[string]map[string]string{}}
	text, err := os.ReadFile(file)
	if err != nil && !r.rewrites {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if parts := strings.SplitN(strings.TrimSpace(line), " | ", 3); len(parts) == 3 {
			r.put(parts[0], parts[1], parts[2])
		}
	}
	if r.rewrites {
		t.Cleanup(func() {
			if err := os.WriteFile(file, []byte(r.String()), 0o644); err != nil {
				t.Error(err)
			}
		})
	}
	return r
}

func (r *refusals) put(client, way, words string) {
	if r.of[client] == nil {
		r.of[client] = map[string]string{}
	}
	r.of[client][way] = words
}

func (r *refusals) check(t *testing.T, client, way, message string) {
	t.Helper()
	got := plainWords(message)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.rewrites {
		r.put(client, way, got)
		return
	}
	if want := r.of[client][way]; got != want && finerAlerts.Replace(got) != want {
		t.Errorf("it says\n%s\nand of Kafka\n%s", got, want)
	}
}

// String is the file.
func (r *refusals) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out strings.Builder
	for i, client := range slices.SortedFunc(maps.Keys(r.of), func(a, b string) int {
		return cmp.Compare(slices.Index(connectors, a), slices.Index(connectors, b))
	}) {
		if i > 0 {
			out.WriteString("\n")
		}
		for _, w := range r.ways {
			if words := r.of[client][w.name]; words != "" {
				fmt.Fprintf(&out, "%s | %s | %s\n", client, w.name, words)
			}
		}
	}
	return out.String()
}

// passing are parts of messages that hang on the run, the machine or its OpenSSL, and what is put in their place.
var passing = []struct {
	pattern *regexp.Regexp
	instead string
}{
	{regexp.MustCompile(`(?m)^\s+at .*$`), ""}, // of a stack
	{regexp.MustCompile(`'127\.0\.0\.1', \d+`), "BROKER"},
	{regexp.MustCompile(`(host=)?127\.0\.0\.1(:| port=)\d+`), "BROKER"},
	{regexp.MustCompile(`default cache: FILE:[^)]*`), "default cache"},
	{regexp.MustCompile(`localhost:\d+`), "BROKER"},
	{regexp.MustCompile(`\(after \d+ms in`), "(in"},
	{regexp.MustCompile(`([0-9A-F]+:)?error:[0-9A-F]+:SSL routines:\w*:\S+ (alert [a-z ]+):\S*\s?SSL alert number \d+`), "$2"},
	{regexp.MustCompile(`\s+`), " "},
}

// finerAlerts puts Kafka's alerts of TLS in the place of ours. Java has one for all that is wrong with a certificate; Go has
// those of RFC 8446, section 6.2. The names are OpenSSL's and Go's.
var finerAlerts = strings.NewReplacer(
	"certificate required", "bad certificate",
	"certificate expired", "certificate unknown", "expired certificate", "unknown certificate",
)

// plainWords is a message in one line, as it would be on any machine.
func plainWords(message string) string {
	for _, p := range passing {
		message = p.pattern.ReplaceAllString(message, p.instead)
	}
	return strings.TrimSpace(message)
}
