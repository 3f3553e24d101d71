package attack

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"

	"github.com/barnabas-mq/barnabas/compat-tests/barnabas"
	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
	"github.com/barnabas-mq/barnabas/internal/ssltest"
)

// world is a broker that can be attacked, and a way in for who may come in.
type world struct {
	t      *testing.T
	broker *testbed.Broker
	plan   Plan
	http   string
	tls    *tls.Config
}

// failureDelay is less than by default (100 ms): the guesses shall be many.
const failureDelay = 10 * time.Millisecond

func newWorld(t *testing.T, plan Plan) *world {
	t.Helper()
	const listeners = 4
	ports, err := testbed.FreePorts(listeners)
	if err != nil {
		t.Fatal(err)
	}
	var addresses [listeners]string
	for i, port := range ports {
		addresses[i] = fmt.Sprintf("127.0.0.1:%d", port)
	}
	authority := ssltest.NewAuthority("authority")
	w := &world{t: t, plan: plan, http: addresses[0], tls: ssltest.Client(authority, nil)}
	w.plan.SSL, w.plan.Login, w.plan.LoginTLS = addresses[1], addresses[2], addresses[3]
	w.plan.CA = authority.CertificatePEM()

	keys := filepath.Join(t.TempDir(), "server.pem")
	server := authority.Issue(ssltest.Want{Name: "server"})
	if err := os.WriteFile(keys, []byte(server.KeyPEM()+server.ChainPEM()), 0o600); err != nil {
		t.Fatal(err)
	}
	const modules = "org.apache.kafka.common.security."
	properties := map[string]string{
		"barnabas.http.listen": w.http, "barnabas.http.pprof": "true",
		"barnabas.durability":      "cached", // the disk is no part of this
		"socket.request.max.bytes": fmt.Sprint(RequestBytesMax), "queued.max.request.bytes": fmt.Sprint(RequestsBytesMax),
		"ssl.keystore.type": "PEM", "ssl.keystore.location": keys,
		"authorizer.class.name":                     "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
		"super.users":                               "User:" + AdminUser,
		"sasl.enabled.mechanisms":                   "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER",
		"connection.failed.authentication.delay.ms": fmt.Sprint(failureDelay.Milliseconds()),
	}
	for _, listener := range []string{"sasl_plaintext", "sasl_ssl"} {
		of := "listener.name." + listener + "."
		properties[of+"plain.sasl.jaas.config"] = fmt.Sprintf("%splain.PlainLoginModule required user_%s=%q user_%s=%q;",
			modules, AdminUser, AdminPassword, IntruderUser, IntruderPassword)
		properties[of+"scram-sha-256.sasl.jaas.config"] = modules + "scram.ScramLoginModule required;"
		properties[of+"scram-sha-512.sasl.jaas.config"] = modules + "scram.ScramLoginModule required;"
		// Tokens that nobody signs are read to their end, and lack the scope.
		properties[of+"oauthbearer.sasl.jaas.config"] = modules + `oauthbearer.OAuthBearerLoginModule required unsecuredValidatorRequiredScope="none-has-it";`
	}
	w.broker = barnabas.Run(t, barnabas.Options{
		Profile: "server", Properties: properties, Environment: []string{memoryLimit},
		Beside: []string{"SSL://" + w.plan.SSL, "SASL_PLAINTEXT://" + w.plan.Login, "SASL_SSL://" + w.plan.LoginTLS},
	})
	w.plan.Plaintext = w.broker.Bootstrap()
	w.letIn()
	return w
}

// memoryLimit is what a container of 150 MiB has the collector keep to. Without a limit it
// lets garbage gather that is as much as what lives.
const memoryLimit = "GOMEMLIMIT=120MiB"

// letIn makes the topics, the decent client's credentials, and the rules.
func (w *world) letIn() {
	w.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(w.plan.LoginTLS), kgo.DialTLSConfig(w.tls), kgo.SASL(plain.Auth{User: AdminUser, Pass: AdminPassword}.AsMechanism()))
	if err != nil {
		w.t.Fatal(err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	must := func(what string, err error) {
		w.t.Helper()
		if err != nil {
			w.t.Fatalf("%s: %v", what, err)
		}
	}
	gzip := "gzip"
	_, err = admin.CreateTopic(ctx, 1, 1, nil, TopicOfTheDecent)
	must("topic", err)
	_, err = admin.CreateTopic(ctx, 1, 1, nil, TopicAsItComes)
	must("topic", err)
	_, err = admin.CreateTopic(ctx, 1, 1, map[string]*string{"compression.type": &gzip}, TopicCompressed)
	must("topic", err)
	altered, err := admin.AlterUserSCRAMs(ctx, nil, []kadm.UpsertSCRAM{{User: DecentUser, Mechanism: kadm.ScramSha512, Iterations: 4096, Password: DecentPassword}})
	must("credentials", err)
	must("credentials", altered.Error())
	allow := func(user string, topics []string, operations ...kadm.ACLOperation) {
		w.t.Helper()
		b := kadm.NewACLs().Topics(topics...).ResourcePatternType(kadm.ACLPatternLiteral).Operations(operations...).Allow("User:" + user).AllowHosts()
		results, err := admin.CreateACLs(ctx, b)
		must("rules", err)
		for _, r := range results {
			must("rules", r.Err)
		}
	}
	allow(DecentUser, []string{TopicOfTheDecent}, kadm.OpWrite, kadm.OpRead)
	allow(IntruderUser, []string{TopicAsItComes, TopicCompressed}, kadm.OpWrite)
}

// state is what a broker holds.
type state struct {
	goroutines, files, connections, heapBytes int
	rss                                       int64
}

func (s state) String() string {
	return fmt.Sprintf("%d goroutines, %d files, %d connections, %d KiB of heap, %d MiB resident", s.goroutines, s.files, s.connections, s.heapBytes>>10, s.rss>>20)
}

// look reads what the broker holds, without garbage.
func (w *world) look() (state, error) {
	if _, err := w.get("/debug/pprof/heap?gc=1"); err != nil {
		return state{}, err
	}
	text, err := w.get("/metrics")
	if err != nil {
		return state{}, err
	}
	values := map[string]int{}
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		if f, err := strconv.ParseFloat(value, 64); err == nil {
			values[name] = int(f)
		}
	}
	for _, name := range []string{metricGoroutines, metricFiles, metricConnections, metricHeap, metricFailed} {
		if _, there := values[name]; !there {
			return state{}, fmt.Errorf("there is no metric %s", name)
		}
	}
	usage, err := w.broker.Usage()
	return state{values[metricGoroutines], values[metricFiles], values[metricConnections], values[metricHeap], usage.RSS}, err
}

const (
	metricGoroutines  = "go_goroutines"
	metricFiles       = "process_open_fds"
	metricConnections = "barnabas_connections_open"
	metricHeap        = "go_memstats_heap_alloc_bytes"
	metricFailed      = "barnabas_connections_failed_authentication_total"
)

func (w *world) get(path string) (string, error) {
	response, err := http.Get("http://" + w.http + path)
	if err != nil {
		return "", err
	}
	defer response.Body.Close() //nolint:errcheck // only read from
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", path, response.Status)
	}
	return string(text), err
}
