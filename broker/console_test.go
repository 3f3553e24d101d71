package broker

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

const httpOn = "127.0.0.1:0"

func withHTTP(settings ...string) Option {
	return func(s *start) {
		s.input.Overrides = append(s.input.Overrides, "barnabas.http.listen="+httpOn)
		s.input.Overrides = append(s.input.Overrides, settings...)
	}
}

// call sends a request to the HTTP port.
func call(t *testing.T, b *Broker, method, path, body string) (status int, answer string) {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), method, "http://"+b.HTTPAddress()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	q.Close = true // no connection stays open
	p, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Body.Close()
	text, err := io.ReadAll(p.Body)
	if err != nil {
		t.Fatal(err)
	}
	return p.StatusCode, string(text)
}

// scrape reads /metrics: values by name with labels, and the names of the families.
func scrape(t *testing.T, b *Broker) (values map[string]float64, families []string) {
	t.Helper()
	status, text := call(t, b, "GET", "/metrics", "")
	if status != http.StatusOK {
		t.Fatalf("status %d: %s", status, text)
	}
	values = make(map[string]float64)
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if rest, isType := strings.CutPrefix(line, "# TYPE "); isType {
			name, _, _ := strings.Cut(rest, " ")
			families = append(families, name)
		}
		if strings.HasPrefix(line, "#") {
			continue
		}
		at := strings.LastIndexByte(line, ' ')
		v, err := strconv.ParseFloat(line[at+1:], 64)
		if err != nil {
			t.Fatalf("the line %q has no value", line)
		}
		if _, again := values[line[:at]]; again {
			t.Errorf("%s is there twice", line[:at])
		}
		values[line[:at]] = v
	}
	return values, families
}

// worked is a broker with both kinds of names that has served a bit of everything.
func worked(t *testing.T) *Broker {
	t.Helper()
	b := mustStart(t, withHTTP("barnabas.metrics.compat=jmx,kafka_exporter"), WithTopic("orders", 1))
	c := dial(t, b)
	c.topic("orders")
	for i := range 5 {
		c.produce("orders", fmt.Sprintf("record %d", i))
	}
	c.values("orders")
	c.commit("workers", "orders", 2)
	return b
}

// What dashboards ask for is there, and says what has happened.
func TestTheMetricsSayWhatHappened(t *testing.T) {
	b := worked(t)
	c := dial(t, b) // stays open
	c.topics()
	values, _ := scrape(t, b)
	for name, want := range map[string]float64{
		// JMX exporter.
		`kafka_server_brokertopicmetrics_messagesin_total`:                          5,
		`kafka_server_brokertopicmetrics_messagesin_total{topic="orders"}`:          5,
		`kafka_server_brokertopicmetrics_failedproducerequests_total`:               0,
		`kafka_server_brokertopicmetrics_totalproducerequests_total`:                5,
		`kafka_server_replicamanager_partitioncount`:                                51,
		`kafka_server_replicamanager_leadercount`:                                   51,
		`kafka_server_replicamanager_underreplicatedpartitions`:                     0,
		`kafka_controller_kafkacontroller_activecontrollercount`:                    1,
		`kafka_controller_kafkacontroller_offlinepartitionscount`:                   0,
		`kafka_controller_kafkacontroller_globaltopiccount`:                         2,
		`kafka_network_requestmetrics_totaltimems_count{request="Produce"}`:         5,
		`kafka_network_requestmetrics_requests_total{request="OffsetCommit"}`:       1,
		`kafka_log_log_logstartoffset{topic="orders",partition="0"}`:                0,
		`kafka_log_log_logendoffset{topic="orders",partition="0"}`:                  5,
		`kafka_server_socket_server_metrics_connection_count{listener="PLAINTEXT"}`: 2,
		// kafka_exporter.
		`kafka_brokers`:                          1,
		`kafka_topic_partitions{topic="orders"}`: 1,
		`kafka_topic_partition_current_offset{topic="orders",partition="0"}`:                       5,
		`kafka_topic_partition_oldest_offset{topic="orders",partition="0"}`:                        0,
		`kafka_topic_partition_leader_is_preferred{topic="orders",partition="0"}`:                  1,
		`kafka_consumergroup_current_offset{consumergroup="workers",topic="orders",partition="0"}`: 2,
		`kafka_consumergroup_lag{consumergroup="workers",topic="orders",partition="0"}`:            3,
		`kafka_consumergroup_lag_sum{consumergroup="workers",topic="orders"}`:                      3,
		`kafka_consumergroup_members{consumergroup="workers"}`:                                     0,
	} {
		if got, ok := values[name]; !ok || got != want {
			t.Errorf("%s is %v (there: %v), want %v", name, got, ok, want)
		}
	}
	const fetches = `kafka_network_requestmetrics_requests_total{request="Fetch`
	if all, ofConsumers := values[fetches+`"}`], values[fetches+`Consumer"}`]; all == 0 || ofConsumers != all {
		t.Errorf("%v fetches, %v of consumers", all, ofConsumers)
	}
	size := values[`kafka_log_log_size{topic="orders",partition="0"}`]
	for _, name := range []string{`kafka_server_brokertopicmetrics_bytesin_total{topic="orders"}`, `kafka_server_brokertopicmetrics_bytesout_total{topic="orders"}`} {
		if size == 0 || values[name] != size {
			t.Errorf("%s is %v, the log has %v bytes", name, values[name], size)
		}
	}
	if got := values[`kafka_network_requestmetrics_totaltimems{request="Produce",quantile="0.99"}`]; got <= 0 {
		t.Errorf("the time of Produce is %v", got)
	}
}

// grafana7589 are the series of that board's queries and variables (kafka_exporter).
var grafana7589 = []string{
	"kafka_topic_partition_current_offset", "kafka_topic_partition_oldest_offset", "kafka_topic_partitions", "kafka_topic_partition_in_sync_replica",
	"kafka_topic_partition_under_replicated_partition", "kafka_consumergroup_current_offset", "kafka_consumergroup_lag", "kafka_brokers",
}

func TestTheSeriesOfDashboardsAreThere(t *testing.T) {
	_, families := scrape(t, worked(t))
	for _, name := range grafana7589 {
		if !slices.Contains(families, name) {
			t.Errorf("%s is missing", name)
		}
	}
}

// docs/metrics.md says what is exposed, no more and no less.
func TestTheMetricsPageSaysWhatIsExposed(t *testing.T) {
	page, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := make(map[string]bool)
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|").FindAllSubmatch(page, -1) {
		documented[string(m[1])] = true
	}
	_, families := scrape(t, worked(t))
	for _, name := range families {
		if !documented[name] {
			t.Errorf("%s is not in docs/metrics.md", name)
		}
		delete(documented, name)
	}
	if runtime.GOOS == "linux" && len(documented) > 0 {
		t.Errorf("docs/metrics.md lists what is not there: %v", slices.Sorted(maps.Keys(documented)))
	}
}

// The counters of the whole broker do not fall when a topic goes.
func TestTheTrafficOfADeletedTopicStaysCounted(t *testing.T) {
	b := worked(t)
	q := kmsg.NewPtrDeleteTopicsRequest()
	q.SetVersion(3)
	q.TopicNames = []string{"orders"}
	if code := dial(t, b).ask(q).(*kmsg.DeleteTopicsResponse).Topics[0].ErrorCode; code != 0 {
		t.Fatalf("deleting: error %d", code)
	}
	values, _ := scrape(t, b)
	if got := values["kafka_server_brokertopicmetrics_messagesin_total"]; got != 5 {
		t.Errorf("%v messages", got)
	}
	if _, there := values[`kafka_server_brokertopicmetrics_messagesin_total{topic="orders"}`]; there {
		t.Error("the topic is still shown")
	}
}

// The port is off unless somebody asks for it, and shows no more than was asked for.
func TestTheHTTPPortIsOffByDefault(t *testing.T) {
	if b := mustStart(t); b.console != nil || b.HTTPAddress() != "" || b.timers != nil {
		t.Error("there is an HTTP port")
	}
	b := mustStart(t, withHTTP())
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/health/live", 200}, {"GET", "/health/ready", 200}, {"GET", "/livez", 200}, {"GET", "/readyz", 200}, {"GET", "/metrics", 200},
		{"GET", "/debug/pprof/heap", 404}, {"POST", "/control/reset", 404}, {"GET", "/control/faults", 404}, {"POST", "/metrics", 405},
	} {
		if status, text := call(t, b, c.method, c.path, ""); status != c.status {
			t.Errorf("%s %s: %d %s", c.method, c.path, status, text)
		}
	}
	if _, families := scrape(t, b); slices.Contains(families, "kafka_brokers") {
		t.Error("the names of kafka_exporter were not asked for")
	}
	b.prepared.Store(false)
	b.opts.Preparing = "topics are being made"
	if status, text := call(t, b, "GET", "/health/ready", ""); status != 503 || !strings.Contains(text, "topics") {
		t.Errorf("ready before it is prepared: %d %s", status, text)
	}
	b.Prepared()
	if status, text := call(t, b, "GET", "/health/ready", ""); status != 200 {
		t.Errorf("prepared: %d %s", status, text)
	}
	b.fail(io.ErrUnexpectedEOF)
	if status, text := call(t, b, "GET", "/health/ready", ""); status != 503 || !strings.Contains(text, "failed") {
		t.Errorf("a failed broker is ready: %d %s", status, text)
	}
}

func TestAnHTTPPortThatIsTakenEndsTheStart(t *testing.T) {
	b := mustStart(t, withHTTP())
	if _, err := Start(t.Context(), WithSetting("barnabas.http.listen", b.HTTPAddress())); err == nil || !strings.Contains(err.Error(), "HTTP") {
		t.Errorf("the error is %v", err)
	}
}

func TestProfilesAreServedWhenAskedFor(t *testing.T) {
	b := mustStart(t, withHTTP("barnabas.http.pprof=true"))
	if status, text := call(t, b, "GET", "/debug/pprof/heap", ""); status != 200 || !bytes.HasPrefix([]byte(text), []byte{0x1f, 0x8b}) {
		t.Errorf("the profile: %d, %.20q", status, text)
	}
	if status, text := call(t, b, "GET", "/debug/pprof/", ""); status != 200 || !strings.Contains(text, "goroutine\t") {
		t.Errorf("the list: %d %s", status, text)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if status, _ := call(t, b, "GET", "/debug/pprof/heap?gc=1", ""); status != 200 {
		t.Errorf("the heap after a collection: %d", status)
	}
	if runtime.ReadMemStats(&after); after.NumForcedGC == before.NumForcedGC {
		t.Error("nothing was collected")
	}
	if status, _ := call(t, b, "GET", "/debug/pprof/nothing", ""); status != 404 {
		t.Errorf("an unknown profile: %d", status)
	}
}

// A test in another language sets a fault, waits for it, and resets the broker.
func TestFaultsAndResetOverHTTP(t *testing.T) {
	b := mustStart(t, withHTTP("barnabas.control=true"), WithTopic("orders", 1))
	c := dial(t, b)
	status, text := call(t, b, "POST", "/control/faults", `{"apis":["produce"],"topic":"orders","error":"NOT_LEADER_OR_FOLLOWER","times":1}`)
	var set struct{ ID int }
	if err := json.Unmarshal([]byte(text), &set); status != 201 || err != nil || set.ID == 0 {
		t.Fatalf("setting a fault: %d %s", status, text)
	}
	one := fmt.Sprintf("/control/faults/%d", set.ID)
	if _, code := c.tryProduce("orders", oneRecord("a")); code != 6 {
		t.Errorf("the first produce: error %d", code)
	}
	if _, code := c.tryProduce("orders", oneRecord("a")); code != 0 {
		t.Errorf("the second produce: error %d", code)
	}
	const want = `{"id":1,"rule":{"apis":["Produce"],"topic":"orders","times":1,"error":"NOT_LEADER_OR_FOLLOWER"},"matched":1,"fired":1}`
	if status, text := call(t, b, "GET", one+"?fired=1", ""); status != 200 || strings.TrimSpace(text) != want {
		t.Errorf("the fault: %d %s", status, text)
	}
	if status, text := call(t, b, "GET", "/control/faults", ""); status != 200 || strings.TrimSpace(text) != "["+want+"]" {
		t.Errorf("all faults: %d %s", status, text)
	}
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"DELETE", one, "", 200}, {"DELETE", one, "", 404}, {"GET", one, "", 404}, {"GET", "/control/faults/x", "", 404},
		{"POST", "/control/faults", `{"error":"NO_SUCH_ERROR"}`, 400}, {"POST", "/control/faults", `{"apis":["Prodce"],"delay_ms":1}`, 400},
		{"POST", "/control/faults", `{"tpoic":"orders","delay_ms":1}`, 400}, {"POST", "/control/faults", `{}`, 400},
		{"POST", "/control/faults", `{"drop":"sometimes"}`, 400}, {"POST", "/control/faults", `{"drop":"after"}`, 201},
		{"DELETE", "/control/faults", "", 200}, {"POST", "/control/reset", "", 200},
	} {
		if status, text := call(t, b, c.method, c.path, c.body); status != c.status {
			t.Errorf("%s %s %s: %d %s", c.method, c.path, c.body, status, text)
		}
	}
	if b.faults.Active() {
		t.Error("faults are left")
	}
	if got := dial(t, b).values("orders"); len(got) != 0 {
		t.Errorf("records after the reset: %q", got)
	}
}

// A page in a browser must not reset the broker of its reader, wherever it is from.
func TestPagesDoNotControlTheBroker(t *testing.T) {
	b := mustStart(t, withHTTP("barnabas.control=true"))
	for _, header := range [][2]string{
		{"Origin", "https://elsewhere.example"}, {"Origin", "null"}, {"Origin", "http://" + b.HTTPAddress()},
		{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-origin"},
	} {
		q, err := http.NewRequestWithContext(t.Context(), "POST", "http://"+b.HTTPAddress()+"/control/reset", nil)
		if err != nil {
			t.Fatal(err)
		}
		q.Close = true
		q.Header.Set(header[0], header[1])
		p, err := http.DefaultClient.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		p.Body.Close()
		if p.StatusCode != http.StatusForbidden {
			t.Errorf("%v: status %d", header, p.StatusCode)
		}
	}
}

// A body without end, or one that is too long, is refused.
func TestTheControlPortTakesNoLongBodies(t *testing.T) {
	b := mustStart(t, withHTTP("barnabas.control=true"))
	if status, text := call(t, b, "POST", "/control/faults", strings.Repeat(" ", 2<<20)); status != http.StatusBadRequest {
		t.Errorf("status %d: %s", status, text)
	}
}
