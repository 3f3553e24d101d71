package security

import (
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/barnabas-mq/barnabas/compat-tests/barnabas"
	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
)

// tokenStory is what users do with kafka-delegation-tokens; alice is a super user. #1 and #2
// are the HMACs of the tokens that were made first and second. Without --owner-principal
// Kafka's tool asks for the tokens of nobody, against its own help.
var tokenStory = []struct{ who, args string }{
	{"alice", "--create --max-life-time-period -1 --renewer-principal User:bob"},
	{"alice", "--describe --owner-principal User:alice"},
	{"bob", "--describe --owner-principal User:alice"},
	{"eve", "--describe --owner-principal User:alice"},
	{"bob", "--renew --renew-time-period -1 --hmac #1"},
	{"eve", "--renew --renew-time-period -1 --hmac #1"},
	{"alice", "--renew --renew-time-period -1 --hmac ABCD"},
	{"eve", "--create --max-life-time-period -1 --owner-principal User:bob"},
	{"alice", "--create --max-life-time-period -1 --renewer-principal Group:g"},
	{"alice", "--create --max-life-time-period 100000 --owner-principal User:bob"},
	{"alice", "--renew --renew-time-period 1000 --hmac #2"},
	{"bob", "--describe --owner-principal User:bob"},
	{"by token", "--create --max-life-time-period -1"},
	{"alice", "--expire --expiry-time-period 100000 --hmac #1"},
	{"alice", "--expire --expiry-time-period -1 --hmac #1"},
	{"bob", "--expire --expiry-time-period -1 --hmac #2"},
	{"alice", "--expire --expiry-time-period -1 --hmac #1"},
	{"alice", "--describe --owner-principal User:alice"},
}

// tokenTeller tells the story to a broker.
type tokenTeller struct {
	address string
	// run runs kafka-delegation-tokens, and gives all that it prints.
	run   func(t *testing.T, args []string) string
	made  [][]string // id and HMAC
	first func(t *testing.T, file string)
}

var (
	madeToken  = regexp.MustCompile(`\n([\w-]{22})\s+(\S{86}==)`)
	tokenID    = regexp.MustCompile(`(?m)(^|: )[\w-]{22}( |$)`)
	tokenHMAC  = regexp.MustCompile(`\S{86}==`)
	tokenDate  = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d`)
	stackTrace = regexp.MustCompile(`(?m)^(\s+at |Caused by: |java\.).*\n?`)
)

// tell is what the tool prints at each step.
func (b *tokenTeller) tell(t *testing.T) (texts []string) {
	t.Helper()
	for _, step := range tokenStory {
		settings := login("PLAIN", step.who, step.who+"-secret")
		if step.who == "by token" {
			if len(b.made) == 0 {
				t.Fatalf("no token was made:\n%s", strings.Join(texts, "\n"))
			}
			settings = byToken(b.made[0])
		}
		args := step.args
		for i, made := range b.made {
			args = strings.ReplaceAll(args, fmt.Sprintf("#%d", i+1), made[1])
		}
		out := b.run(t, append([]string{"--bootstrap-server", b.address, "--command-config", client(t, settings)}, strings.Fields(args)...))
		if found := madeToken.FindStringSubmatch(out); found != nil && strings.Contains(args, "--create") {
			if b.made = append(b.made, found[1:]); len(b.made) == 1 && b.first != nil {
				b.first(t, client(t, byToken(b.made[0])))
			}
		}
		out = tokenDate.ReplaceAllString(tokenID.ReplaceAllString(tokenHMAC.ReplaceAllString(out, "HMAC"), "${1}ID$2"), "DATE")
		lines := strings.Split(strings.TrimSpace(stackTrace.ReplaceAllString(out, "")), "\n")
		if strings.Contains(args, "--describe") { // tokens are in no order
			slices.Sort(lines)
		}
		texts = append(texts, step.who+" "+step.args+"\n"+strings.Join(lines, "\n"))
	}
	return texts
}

func byToken(made []string) map[string]string {
	settings := login("SCRAM-SHA-256", made[0], made[1])
	settings["sasl.jaas.config"] = strings.TrimSuffix(settings["sasl.jaas.config"], ";") + ` tokenauth="true";`
	return settings
}

// Kafka's tool says the same of tokens against Barnabas as against Kafka, and Barnabas's own
// tool says it, too. Java's clients log in by them as long as they live.
func TestTokens(t *testing.T) {
	oracle.Need(t)
	users := ` required user_alice="alice-secret" user_bob="bob-secret" user_eve="eve-secret";`
	both := startBoth(t, "SASL_PLAINTEXT", map[string]string{
		"sasl.enabled.mechanisms":                                     "PLAIN,SCRAM-SHA-256",
		"listener.name.sasl_plaintext.plain.sasl.jaas.config":         plainModule + users,
		"listener.name.sasl_plaintext.scram-sha-256.sasl.jaas.config": scramModule + " required;",
		"delegation.token.secret.key":                                 "the secret of tokens",
		"authorizer.class.name":                                       "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
		"super.users":                                                 "User:ANONYMOUS;User:alice",
	})
	kafkas := func(t *testing.T, args []string) string {
		t.Helper()
		out, _ := oracle.Tool{Name: "delegation-tokens", Args: args}.Run() // the story has steps that fail
		return out.Stdout + out.Stderr
	}
	ours := func(t *testing.T, args []string) string {
		t.Helper()
		binary, err := barnabas.Binary()
		if err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(binary, append([]string{"kafka-delegation-tokens"}, args...)...).CombinedOutput()
		if err != nil && !errors.As(err, new(*exec.ExitError)) {
			t.Fatal(err)
		}
		return string(out)
	}
	onKafka := &tokenTeller{address: both.kafka, run: kafkas}
	onOurs := &tokenTeller{address: both.barnabas, run: kafkas, first: func(t *testing.T, file string) {
		roundTrip(t, oracle.Newest, both.barnabas, file)
		roundTrip(t, "3.9.2", both.barnabas, file)
		ownTools(t, both.barnabas, file)
	}}
	var want, got []string
	t.Run("story", func(t *testing.T) {
		t.Run("of Kafka", func(t *testing.T) { t.Parallel(); want = onKafka.tell(t) })
		t.Run("of Barnabas", func(t *testing.T) { t.Parallel(); got = onOurs.tell(t) })
	})
	if t.Failed() {
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Kafka's tool (- against Kafka, + against Barnabas):\n%s", diff)
	}
	if diff := cmp.Diff(want, (&tokenTeller{address: both.barnabas, run: ours}).tell(t)); diff != "" {
		t.Errorf("against Barnabas (- Kafka's tool, + ours):\n%s", diff)
	}
	if kafkas, ours := told(t, both.kafka, client(t, byToken(onKafka.made[0]))), told(t, both.barnabas, client(t, byToken(onOurs.made[0]))); kafkas != ours || kafkas == "" {
		t.Errorf("a token that was ended: %q by Barnabas and %q by Kafka", ours, kafkas)
	}
}
