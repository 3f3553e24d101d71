package kafkatools

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// reportEvery is how often the perf tests print where they are.
const reportEvery = 5 * time.Second

// latencies of records, in milliseconds.
type latencies struct {
	mu        sync.Mutex
	all       []int32
	bytes     int64
	window    []int32
	windowed  int64
	began     time.Time
	windowAt  time.Time
	lastError error
}

func (l *latencies) add(took time.Duration, size int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.lastError = err
		return
	}
	ms := int32(took.Milliseconds())
	l.all, l.window = append(l.all, ms), append(l.window, ms)
	l.bytes, l.windowed = l.bytes+int64(size), l.windowed+int64(size)
}

func mean(all []int32) float64 {
	sum := int64(0)
	for _, ms := range all {
		sum += int64(ms)
	}
	return float64(sum) / float64(max(1, len(all)))
}

const mebibyte = 1 << 20

// reportWindow says how it went since the last report.
func (t *tool) reportWindow(l *latencies) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := t.now()
	seconds := now.Sub(l.windowAt).Seconds()
	most := int32(0)
	if len(l.window) > 0 {
		most = slices.Max(l.window)
	}
	t.say("%d records sent, %.1f records/sec (%.2f MB/sec), %.1f ms avg latency, %.1f ms max latency.",
		len(l.window), float64(len(l.window))/seconds, float64(l.windowed)/mebibyte/seconds, mean(l.window), float64(most))
	l.window, l.windowed, l.windowAt = l.window[:0], 0, now
}

func (t *tool) reportTotal(l *latencies) {
	l.mu.Lock()
	defer l.mu.Unlock()
	seconds := max(t.now().Sub(l.began).Seconds(), 1e-9)
	slices.Sort(l.all)
	at := func(q float64) int32 {
		if len(l.all) == 0 {
			return 0
		}
		return l.all[int(q*float64(len(l.all)-1))]
	}
	t.say("%d records sent, %.6f records/sec (%.2f MB/sec), %.2f ms avg latency, %.2f ms max latency, %d ms 50th, %d ms 95th, %d ms 99th, %d ms 99.9th.",
		len(l.all), float64(len(l.all))/seconds, float64(l.bytes)/mebibyte/seconds, mean(l.all), float64(at(1)), at(0.5), at(0.95), at(0.99), at(0.999))
}

// producerPerfTest is kafka-producer-perf-test (ProducerPerformance), without transactions.
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
			{long: "--transactional-id", about: "not in Barnabas"},
			{long: "--transaction-duration-ms", about: "not in Barnabas", number: "Long"},
			{long: "--warmup-records", about: "without effect", number: "Long"},
			{long: "--reporting-interval", about: "milliseconds between reports", number: "Long"},
		},
		oneOf: []string{"--record-size", "--payload-file", "--payload-monotonic"},
	}
	use := t.name + " " + c.use()
	if len(args) == 0 || slices.Contains(args, "-h") || slices.Contains(args, "--help") {
		t.say("usage: %s", use)
		return nil
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
	if got["--transactional-id"] != nil || got["--transaction-duration-ms"] != nil {
		return fmt.Errorf("%s: transactions are not there in Barnabas's tool", t.name)
	}
	return t.producePerf(got)
}

func (t *tool) producePerf(got argparsed) error {
	settings, err := readProperties(got.one("--producer.config") + got.one("--command-config"))
	if err != nil {
		return err
	}
	for _, pair := range slices.Concat(got["--producer-props"], got["--command-property"]) {
		key, value, isPair := strings.Cut(pair, "=")
		if !isPair {
			return says("Invalid property: %s", pair)
		}
		settings[key] = value
	}
	if bootstrap := got.one("--bootstrap-server"); bootstrap != "" {
		settings["bootstrap.servers"] = bootstrap
	}
	if settings["client.id"] == "" {
		settings["client.id"] = "perf-producer-client"
	}
	codec := settings["compression.type"]
	if codec == "" {
		codec = "none"
	}
	options, err := producing(codec, settings["acks"], settings.milliseconds("linger.ms", 5*time.Millisecond))
	if err != nil {
		return err
	}
	values, err := payloads(got)
	if err != nil {
		return err
	}
	client, err := t.connect(settings["bootstrap.servers"], settings, options...)
	if err != nil {
		return err
	}
	defer client.Close()
	count, err := strconv.ParseInt(got.one("--num-records"), 10, 64)
	if err != nil {
		return err
	}
	rate, err := strconv.ParseFloat(got.one("--throughput"), 64)
	if err != nil {
		return err
	}
	l := &latencies{began: t.now(), windowAt: t.now()}
	stop := t.reportNowAndThen(l, properties{"ms": got.one("--reporting-interval")}.milliseconds("ms", reportEvery))
	for i := range count {
		if rate > 0 {
			if early := time.Duration(float64(i)/rate*float64(time.Second)) - t.now().Sub(l.began); early > time.Millisecond {
				time.Sleep(early)
			}
		}
		value, sent := values(i), t.now()
		client.Produce(t.ctx, &kgo.Record{Topic: got.one("--topic"), Value: value}, func(_ *kgo.Record, err error) {
			l.add(t.now().Sub(sent), len(value), err)
		})
	}
	err = client.Flush(t.ctx)
	stop()
	if err == nil {
		err = l.lastError
	}
	t.reportTotal(l)
	return err
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
func payloads(got argparsed) (func(i int64) []byte, error) {
	random := rand.New(rand.NewPCG(0, 0))
	if got["--payload-monotonic"] != nil {
		return func(i int64) []byte { return strconv.AppendInt(nil, i, 10) }, nil
	}
	if file := got.one("--payload-file"); file != "" {
		content, err := os.ReadFile(file)
		if err != nil || len(content) == 0 {
			return nil, says("File does not exist or empty file provided.")
		}
		delimiter := got.one("--payload-delimiter")
		if delimiter == "" {
			delimiter = "\n"
		}
		values := strings.Split(strings.TrimSuffix(string(content), delimiter), delimiter)
		return func(int64) []byte { return []byte(values[random.IntN(len(values))]) }, nil
	}
	size, err := strconv.Atoi(got.one("--record-size"))
	if err != nil || size <= 0 {
		return nil, says("--record-size should be greater than zero.")
	}
	return func(int64) []byte {
		value := make([]byte, size)
		for i := range value {
			value[i] = byte('A' + random.IntN(26))
		}
		return value
	}, nil
}
