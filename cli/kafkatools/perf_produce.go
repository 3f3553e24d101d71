package kafkatools

import (
	"cmp"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/barnabas-mq/barnabas/protocol"
)

// reportEvery is how often the perf tests print where they are.
const reportEvery = 5 * time.Second

// samplesMax is how many latencies are kept (ProducerPerformance): of more records, each n-th.
const samplesMax = 500_000

// latencies of records, in milliseconds. Invariant: there are samplesMax samples at most.
type latencies struct {
	mu        sync.Mutex
	every     int64 // each so-manieth record is a sample
	samples   []int32
	total     tally
	window    tally
	began     time.Time
	windowAt  time.Time
	lastError error
}

func newLatencies(records int64, now time.Time) *latencies {
	return &latencies{every: max(1, (records+samplesMax-1)/samplesMax), began: now, windowAt: now}
}

// tally counts records.
type tally struct {
	records, bytes, millis int64
	most                   int32
}

func (t *tally) add(ms int32, size int) {
	t.records, t.bytes, t.millis, t.most = t.records+1, t.bytes+int64(size), t.millis+int64(ms), max(t.most, ms)
}

func (t *tally) mean() float64 { return float64(t.millis) / float64(max(1, t.records)) }

func (l *latencies) add(took time.Duration, size int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.lastError = err
		return
	}
	ms := int32(took.Milliseconds())
	if l.total.records%l.every == 0 {
		l.samples = append(l.samples, ms)
	}
	l.total.add(ms, size)
	l.window.add(ms, size)
}

const mebibyte = 1 << 20

// reportWindow says how it went since the last report.
func (t *tool) reportWindow(l *latencies) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := t.now()
	seconds := now.Sub(l.windowAt).Seconds()
	w := l.window
	t.say("%d records sent, %.1f records/sec (%.2f MB/sec), %.1f ms avg latency, %.1f ms max latency.",
		w.records, float64(w.records)/seconds, float64(w.bytes)/mebibyte/seconds, w.mean(), float64(w.most))
	l.window, l.windowAt = tally{}, now
}

func (t *tool) reportTotal(l *latencies, which string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	seconds := max(t.now().Sub(l.began).Seconds(), 1e-9)
	slices.Sort(l.samples)
	at := func(q float64) int32 {
		if len(l.samples) == 0 {
			return 0
		}
		return l.samples[int(q*float64(len(l.samples)-1))]
	}
	t.say("%d%s records sent, %.6f records/sec (%.2f MB/sec), %.2f ms avg latency, %.2f ms max latency, %d ms 50th, %d ms 95th, %d ms 99th, %d ms 99.9th.",
		l.total.records, which, float64(l.total.records)/seconds, float64(l.total.bytes)/mebibyte/seconds, l.total.mean(), float64(l.total.most),
		at(0.5), at(0.95), at(0.99), at(0.999))
}

// producerPerfTest is kafka-producer-perf-test (ProducerPerformance).
func producerPerfTest(t *tool, args []string) error {
	c := command{
		arguments: []argparseOption{
			{long: "--throughput", about: "records a second; -1 for as many as go", required: true, number: "Double"},
			{long: "--num-records", about: "how many records", required: true, number: "Long"},
			{long: "--topic", about: "the topic to write to", required: true},
			{long: "--record-size", about: "bytes of a record", number: "Integer"},
			{long: "--payload-file", about: "file of values"},
			{long: "--payload-monotonic", about: "values that count up", flag: true},
			{long: "--payload-delimiter", about: "what separates values in the file"},
			{long: "--bootstrap-server", about: "addresses of brokers"},
			{long: "--producer-props", about: "old name of --command-property", many: true},
			{long: "--command-property", about: "settings of the producer", many: true},
			{long: "--producer.config", about: "old name of --command-config"},
			{long: "--command-config", about: "file with settings of the producer"},
			{long: "--print-metrics", about: "without effect", flag: true},
			{long: "--transactional-id", about: "write in transactions of this id"},
			{long: "--transaction-duration-ms", about: "write in transactions that last so long (default: 3000)", number: "Long"},
			{long: "--warmup-records", about: "records that the second summary leaves out", number: "Long"},
			{long: "--reporting-interval", about: "milliseconds between reports", number: "Long"},
		},
		oneOf: []string{"--record-size", "--payload-file", "--payload-monotonic"},
	}
	use := t.name + " " + c.use()
	if len(args) == 0 {
		t.say("usage: %s", use)
		return nil
	}
	if slices.Contains(args, "-h") || slices.Contains(args, "--help") {
		t.say("usage: %s", use)
		return &ended{1}
	}
	got, err := c.parse(args)
	if err != nil {
		return t.argparseUsage(use, err.Error())
	}
	for _, old := range [][2]string{{"--producer-props", "--command-property"}, {"--producer.config", "--command-config"}} {
		if got[old[0]] != nil {
			t.say("Option %s has been deprecated and will be removed in a future version. Use %s instead.", old[0], old[1])
		}
	}
	r := &perfRun{tool: t, got: got, topic: got.one("--topic"), reportEvery: reportEvery, transaction: -1}
	if problem := r.readNumbers(); problem != "" {
		return t.argparseUsage(use, problem)
	}
	return r.produce()
}

// perfRun is one run of kafka-producer-perf-test.
type perfRun struct {
	*tool
	got           argparsed
	topic         string
	count, warmup int64
	rate          float64
	reportEvery   time.Duration
	// transaction is how long one lasts; -1 without transactions.
	transaction time.Duration
}

// readNumbers says what is wrong with the arguments as a whole, as ConfigPostProcessor does.
func (r *perfRun) readNumbers() (problem string) {
	number := func(name string) int64 {
		n, _ := strconv.ParseInt(r.got.one(name), 10, 64) // the parser has checked that it is one
		return n
	}
	r.count, r.warmup = number("--num-records"), number("--warmup-records")
	r.rate, _ = strconv.ParseFloat(r.got.one("--throughput"), 64)
	if r.got["--reporting-interval"] != nil {
		r.reportEvery = time.Duration(number("--reporting-interval")) * time.Millisecond
	}
	if r.got["--transactional-id"] != nil {
		r.transaction = 3 * time.Second
	}
	if r.got["--transaction-duration-ms"] != nil {
		r.transaction = time.Duration(number("--transaction-duration-ms")) * time.Millisecond
	}
	switch {
	case r.count <= 0:
		return "--num-records should be greater than zero."
	case r.warmup >= r.count:
		return "The value for --warmup-records must be strictly fewer than the number of records in the test, --num-records."
	case r.got["--record-size"] != nil && number("--record-size") <= 0:
		return "--record-size should be greater than zero."
	case r.got["--bootstrap-server"] == nil && r.got["--command-property"] == nil && r.got["--producer-props"] == nil &&
		r.got["--producer.config"] == nil && r.got["--command-config"] == nil:
		return "At least one of --bootstrap-server, --command-property, --producer-props, --producer.config or --command-config must be specified."
	case r.reportEvery <= 0:
		return "--reporting-interval should be greater than zero."
	case r.got["--transaction-duration-ms"] != nil && r.transaction <= 0:
		return "--transaction-duration-ms should be greater than zero."
	}
	return ""
}

func (r *perfRun) settings() (properties, error) {
	settings, err := readProperties(r.got.one("--producer.config") + r.got.one("--command-config"))
	if err != nil {
		return nil, err
	}
	for _, pair := range slices.Concat(r.got["--producer-props"], r.got["--command-property"]) {
		key, value, isPair := strings.Cut(pair, "=")
		if !isPair {
			return nil, says("Exception in thread \"main\" java.lang.IllegalArgumentException: Invalid property: %s", pair)
		}
		settings[key] = value
	}
	settings["bootstrap.servers"] = cmp.Or(r.got.one("--bootstrap-server"), settings["bootstrap.servers"])
	settings["client.id"] = cmp.Or(settings["client.id"], "perf-producer-client")
	return settings, nil
}

func (r *perfRun) connectProducer(settings properties) (*kgo.Client, error) {
	options, err := producing(cmp.Or(settings["compression.type"], "none"), settings["acks"], settings.milliseconds("linger.ms", 5*time.Millisecond), settings)
	if err != nil {
		return nil, err
	}
	if r.transaction > 0 {
		id := cmp.Or(r.got.one("--transactional-id"), settings["transactional.id"], "performance-producer-"+protocol.NewUUID().String())
		options = append(options, kgo.TransactionalID(id), kgo.TransactionTimeout(settings.milliseconds("transaction.timeout.ms", time.Minute)))
	}
	return r.connect(settings["bootstrap.servers"], settings, options...)
}

func (r *perfRun) produce() error {
	settings, err := r.settings()
	if err != nil {
		return err
	}
	values, err := r.payloads()
	if err != nil {
		return err
	}
	client, err := r.connectProducer(settings)
	if err != nil {
		return err
	}
	defer client.Close()
	if r.warmup > 0 {
		r.say("Warmup first %d records. Steady state results will print after the complete test summary.", r.warmup)
	}
	whole := newLatencies(r.count, r.now())
	var steady *latencies
	stop := r.reportNowAndThen(whole, r.reportEvery)
	err = r.sendAll(client, values, whole, func() *latencies {
		steady = newLatencies(r.count-r.warmup, r.now())
		return steady
	})
	stop()
	if err == nil {
		err = whole.lastError
	}
	r.reportTotal(whole, "")
	if steady != nil {
		r.reportTotal(steady, " steady state")
	}
	return err
}

// sendAll sends the records; from the last one of the warm-up on it counts them a second time.
func (r *perfRun) sendAll(client *kgo.Client, values func(i int64) []byte, whole *latencies, warm func() *latencies) error {
	var steady *latencies
	inTransaction, began := false, time.Time{}
	for i := range r.count {
		if early := time.Duration(float64(i)/r.rate*float64(time.Second)) - r.now().Sub(whole.began); r.rate > 0 && early > time.Millisecond {
			time.Sleep(early)
		}
		if r.warmup > 0 && i == r.warmup {
			steady = warm()
		}
		if r.transaction > 0 && !inTransaction {
			if err := client.BeginTransaction(); err != nil {
				return err
			}
			inTransaction, began = true, r.now()
		}
		value, sent, second := values(i), r.now(), steady
		client.Produce(r.ctx, &kgo.Record{Topic: r.topic, Value: value}, func(_ *kgo.Record, err error) {
			took := r.now().Sub(sent)
			whole.add(took, len(value), err)
			if second != nil {
				second.add(took, len(value), err)
			}
		})
		if inTransaction && r.now().Sub(began) >= r.transaction {
			if err := r.commit(client); err != nil {
				return err
			}
			inTransaction = false
		}
	}
	if inTransaction {
		return r.commit(client)
	}
	return client.Flush(r.ctx)
}

func (r *perfRun) commit(client *kgo.Client) error {
	if err := client.Flush(r.ctx); err != nil {
		return err
	}
	return client.EndTransaction(r.ctx, kgo.TryCommit)
}

// reportNowAndThen reports until stop is called, which waits for the end of the last report.
func (t *tool) reportNowAndThen(l *latencies, every time.Duration) (stop func()) {
	ticker, quit, done := time.NewTicker(every), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-ticker.C:
				t.reportWindow(l)
			case <-quit:
				return
			}
		}
	}()
	return func() {
		ticker.Stop()
		close(quit)
		<-done
	}
}

// payloads makes the values of records by their number.
func (r *perfRun) payloads() (func(i int64) []byte, error) {
	got := r.got
	random := rand.New(rand.NewPCG(0, 0))
	if got["--payload-monotonic"] != nil {
		return func(i int64) []byte { return strconv.AppendInt(nil, i, 10) }, nil
	}
	if file := got.one("--payload-file"); file != "" {
		r.say("Reading payloads from: %s", file)
		content, err := os.ReadFile(file)
		if err != nil || len(content) == 0 {
			return nil, says("Exception in thread \"main\" java.lang.IllegalArgumentException: File does not exist or empty file provided.")
		}
		delimiter := got.one("--payload-delimiter")
		if delimiter == "" {
			delimiter = "\n"
		}
		values := strings.Split(strings.TrimSuffix(string(content), delimiter), delimiter)
		r.say("Number of records read: %d", len(values))
		return func(int64) []byte { return []byte(values[random.IntN(len(values))]) }, nil
	}
	size, err := strconv.Atoi(got.one("--record-size"))
	if err != nil {
		return nil, err
	}
	return func(int64) []byte {
		value := make([]byte, size)
		for i := range value {
			value[i] = byte('A' + random.IntN(26))
		}
		return value
	}, nil
}
