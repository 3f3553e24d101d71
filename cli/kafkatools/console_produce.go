package kafkatools

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/internal/terminal"
)

func producerParser() *parser {
	return newParser(
		text("topic", "topic", "Required: the topic to write to."),
		text("bootstrap-server", "server to connect to", "Required: addresses of brokers, HOST1:PORT1,HOST2:PORT2."),
		text("broker-list", "server to connect to", "What --bootstrap-server was called before Kafka 4."),
		flag("sync", "Wait for each record before the next is sent."),
		text("compression-codec", "compression-codec", "none, gzip, snappy, lz4 or zstd; without a value gzip.").optional(),
		integer("batch-size", "size", "Bytes of a batch.").or("16384"),
		integer("message-send-max-retries", "count", "How often to try again.").or("3"),
		long("retry-backoff-ms", "milliseconds", "Pause before trying again.").or("100"),
		long("timeout", "timeout_ms", "How long records wait for more to share a batch.").or("1000"),
		text("request-required-acks", "request required acks", "0, 1, -1 or all.").or("-1"),
		integer("request-timeout-ms", "request timeout ms", "How long the broker may take.").or("1500"),
		long("metadata-expiry-ms", "metadata expiration interval", "Age at which metadata are asked for again.").or("300000"),
		long("max-block-ms", "max block on send", "How long to wait for a broker.").or("60000"),
		long("max-memory-bytes", "total memory in bytes", "Memory for records that are not sent yet.").or("33554432"),
		integer("max-partition-memory-bytes", "memory in bytes per partition", "Bytes of a batch.").or("16384"),
		text("line-reader", "reader_class", "Only Kafka's own LineMessageReader is known."),
		integer("socket-buffer-size", "size", "Without effect.").or("102400"),
		text("property", "prop", "Old name of --reader-property.").many(),
		text("reader-property", "prop", "How lines become records: parse.key, key.separator, parse.headers, headers.delimiter, "+
			"headers.separator, headers.key.separator, ignore.error, null.marker.").many(),
		text("reader-config", "config file", "File of reader properties."),
		text("producer-property", "producer_prop", "Old name of --command-property.").many(),
		text("command-property", "producer_prop", "A setting of the producer.").many(),
		text("producer.config", "config file", "Old name of --command-config."),
		text("command-config", "config file", "File of settings of the producer."),
	)
}

// consoleProducer is kafka-console-producer (ConsoleProducer).
func consoleProducer(t *tool, args []string) error {
	t.about = "This tool helps to read data from standard input and publish it to Kafka."
	p := producerParser()
	got, err := p.parse(args)
	if err != nil {
		return t.usage(p, err.Error())
	}
	if err := t.helpOrVersion(p, args, got); err != nil {
		return err
	}
	if err := t.required(got, "topic"); err != nil {
		return err
	}
	topic, err := got.value("topic")
	if err != nil {
		return err
	}
	bootstrap := first(slices.Concat(got.values("bootstrap-server"), got.values("broker-list")))
	if message := checkServers(bootstrap); message != "" {
		return t.usage(p, message)
	}
	err = t.renamed(p, got, "Warning: --%s is deprecated and will be removed in a future version. Use --%s instead.", [][2]string{
		{"property", "reader-property"}, {"producer-property", "command-property"}, {"producer.config", "command-config"}}, "--%[2]s and --%[1]s")
	if err != nil {
		return err
	}
	settings, lines, err := producerSettings(got)
	if err != nil {
		return javaError("java.nio.file.NoSuchFileException", err)
	}
	reader, err := newLineReader(lines)
	if err != nil {
		return javaError("org.apache.kafka.common.KafkaException", err)
	}
	if class := first(got.values("line-reader")); class != "" && !strings.HasSuffix(class, ".LineMessageReader") {
		return javaError("java.lang.ClassNotFoundException", says("%s", class))
	}
	options, err := produceOptions(got, settings)
	if errors.As(err, new(*optionError)) {
		return err
	}
	if err != nil {
		return javaError("org.apache.kafka.common.config.ConfigException", err)
	}
	// How long a producer waits for a broker is not how long an admin client does.
	settings["default.api.timeout.ms"] = optionOr(got, "max-block-ms", settings, "max.block.ms")
	client, err := t.connect(bootstrap, settings, options...)
	if err != nil {
		return javaError("org.apache.kafka.common.KafkaException", err)
	}
	defer client.Close()
	return (&lineProducer{tool: t, client: client, reader: reader, topic: topic, sync: got.has("sync"),
		patience: settings.milliseconds("default.api.timeout.ms", patience)}).run()
}

// renamed tells of options that were called otherwise before, and refuses them beside their new names.
func (t *tool) renamed(p *parser, got *parsed, warning string, names [][2]string, both string) error {
	for _, old := range names {
		if !got.has(old[0]) {
			continue
		}
		if got.has(old[1]) {
			return t.usage(p, fmt.Sprintf("Options "+both+" cannot be specified together.", old[0], old[1]))
		}
		t.say(warning, old[0], old[1])
	}
	return nil
}

// javaError says an error as an uncaught exception is printed, without the stack.
func javaError(class string, err error) error { return fmt.Errorf("%s: %w", class, err) }

// executionError is what came of a call to a broker, where no tool words it.
func executionError(err error) error {
	return javaError("java.util.concurrent.ExecutionException", says("%s", thrown(err)))
}

// checkServers is ToolsUtils.validateBootstrapServer: what is wrong with the addresses, or nothing.
func checkServers(bootstrap string) string {
	if strings.TrimSpace(bootstrap) == "" {
		return "Error while validating the bootstrap address\n"
	}
	for address := range strings.SplitSeq(bootstrap, ",") {
		if _, port, err := net.SplitHostPort(strings.TrimSpace(address)); err != nil || port == "" {
			return "Please provide valid host:port like host1:9091,host2:9092\n"
		}
	}
	return ""
}

func producerSettings(got *parsed) (settings, lines properties, err error) {
	settings, err = readProperties(first(slices.Concat(got.values("producer.config"), got.values("command-config"))))
	if err != nil {
		return nil, nil, err
	}
	settings = settings.with(got.properties("producer-property")).with(got.properties("command-property"))
	if settings["client.id"] == "" {
		settings["client.id"] = "console-producer"
	}
	lines, err = readProperties(first(got.values("reader-config")))
	if err != nil {
		return nil, nil, err
	}
	return settings, lines.with(got.properties("property")).with(got.properties("reader-property")), nil
}

var codecs = map[string]kgo.CompressionCodec{
	"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
	"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
}

// produceOptions are the producer's settings, of which an option wins over a property.
func produceOptions(got *parsed, settings properties) ([]kgo.Opt, error) {
	codec := "none"
	if got.has("compression-codec") {
		if codec = first(got.values("compression-codec")); codec == "" {
			codec = "gzip"
		}
	}
	for _, number := range []string{"batch-size", "message-send-max-retries", "retry-backoff-ms", "timeout", "request-timeout-ms",
		"metadata-expiry-ms", "max-block-ms", "max-memory-bytes", "max-partition-memory-bytes", "socket-buffer-size"} {
		if _, _, err := got.number(number); err != nil {
			return nil, err
		}
	}
	linger := properties{"ms": optionOr(got, "timeout", settings, "linger.ms")}.milliseconds("ms", time.Second)
	return producing(codec, optionOr(got, "request-required-acks", settings, "acks"), linger, settings)
}

// optionOr is the option if it was given, else the property, else the default of the option.
func optionOr(got *parsed, option string, settings properties, property string) string {
	if value, set := settings[property]; set && !got.has(option) {
		return value
	}
	return first(got.values(option))
}

// deliveryPatience is delivery.timeout.ms of Java's producers.
const deliveryPatience = 2 * time.Minute

func producing(codec, acks string, linger time.Duration, settings properties) ([]kgo.Opt, error) {
	compression, known := codecs[codec]
	if !known {
		return nil, says("Invalid value %s for configuration compression.type: String must be one of: none, gzip, snappy, lz4, zstd", codec)
	}
	options := []kgo.Opt{
		kgo.ProducerBatchCompression(compression), kgo.ProducerLinger(linger), kgo.AllowAutoTopicCreation(),
		kgo.RecordPartitioner(kgo.UniformBytesPartitioner(16384, true, true, nil)),
		kgo.RecordDeliveryTimeout(settings.milliseconds("delivery.timeout.ms", deliveryPatience)),
	}
	switch acks {
	case "all", "-1", "":
		options = append(options, kgo.RequiredAcks(kgo.AllISRAcks()))
	case "1":
		options = append(options, kgo.RequiredAcks(kgo.LeaderAck()), kgo.DisableIdempotentWrite())
	case "0":
		options = append(options, kgo.RequiredAcks(kgo.NoAck()), kgo.DisableIdempotentWrite())
	default:
		return nil, says("Invalid value %s for configuration acks: String must be one of: all, -1, 0, 1", acks)
	}
	return options, nil
}

// lineProducer sends what it reads. A line that is no record ends it, after what came before is sent.
type lineProducer struct {
	*tool
	client *kgo.Client
	reader *lineReader
	topic  string
	sync   bool
	// patience is how long the first record waits for the topic (max.block.ms).
	patience time.Duration
	// unknown is why the topic cannot be written to, once that was asked.
	unknown error
	asked   bool
}

func (l *lineProducer) run() error {
	lines := bufio.NewReader(l.in)
	var failed error
	prompt := terminal.Is(l.in) && terminal.Is(l.out)
	for failed == nil {
		if prompt {
			l.print(">")
		}
		line, err := lines.ReadString('\n')
		if err == io.EOF && line == "" {
			break
		}
		if err != nil && err != io.EOF {
			failed = err
			break
		}
		record, err := l.reader.record(strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r"))
		if err != nil {
			failed = javaError("org.apache.kafka.common.KafkaException", err)
			break
		}
		record.Topic = l.topic
		failed = l.send(record)
	}
	if err := l.client.Flush(l.ctx); err != nil {
		return err
	}
	return failed
}

func (l *lineProducer) send(record *kgo.Record) error {
	if err := l.awaitTopic(); err != nil {
		l.log(record, err)
		return nil
	}
	if !l.sync {
		l.client.Produce(l.ctx, record, l.log)
		return nil
	}
	if err := l.client.ProduceSync(l.ctx, record).FirstErr(); err != nil {
		return javaError("java.util.concurrent.ExecutionException", err)
	}
	return nil
}

// log says what became of a record as ErrorLoggingCallback does: the log tells, the status does not.
func (l *lineProducer) log(r *kgo.Record, err error) {
	if err != nil {
		fmt.Fprintf(l.errOut, "[%s] ERROR Error when sending message to topic %s with key: %s, value: %d bytes with error: %v\n",
			l.now().Format("2006-01-02 15:04:05,000"), r.Topic, sizeOrNull(r.Key), len(r.Value), err)
	}
}

// awaitTopic waits until the topic is there, which the broker may make when it is asked for it:
// the client's own patience with a topic has no limit in time.
func (l *lineProducer) awaitTopic() error {
	if l.asked {
		return l.unknown
	}
	l.asked = true
	ctx, cancel := context.WithTimeout(l.ctx, l.patience)
	defer cancel()
	request := kmsg.NewMetadataRequest()
	topic := kmsg.NewMetadataRequestTopic()
	topic.Topic = &l.topic
	request.Topics, request.AllowAutoTopicCreation = []kmsg.MetadataRequestTopic{topic}, true
	for {
		answer, err := request.RequestWith(ctx, l.client)
		if err == nil && len(answer.Topics) == 1 {
			err = refused(answer.Topics[0].ErrorCode, nil)
		}
		if err == nil || isCode(err, kerr.InvalidTopicException) || isCode(err, kerr.TopicAuthorizationFailed) {
			l.unknown = err
			return err
		}
		pause := time.NewTimer(retryPause)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			l.unknown = says("Topic %s not present in metadata after %d ms.", l.topic, l.patience.Milliseconds())
			return l.unknown
		}
	}
}

func sizeOrNull(b []byte) string {
	if b == nil {
		return "null"
	}
	return fmt.Sprintf("%d bytes", len(b))
}

// lineReader is Kafka's LineMessageReader: [headers delimiter] [key separator] value.
type lineReader struct {
	withKey, withHeaders, lenient                               bool
	keySeparator, headersDelimiter, headerSeparator, headerSign string
	// null is what stands for null, if hasNull.
	null    string
	hasNull bool
	number  int
}

func newLineReader(p properties) (*lineReader, error) {
	or := func(key, without string) string {
		if value, set := p[key]; set {
			return value
		}
		return without
	}
	r := &lineReader{
		withKey: p.isTrue("parse.key"), withHeaders: p.isTrue("parse.headers"), lenient: p.isTrue("ignore.error"),
		keySeparator: or("key.separator", "\t"), headersDelimiter: or("headers.delimiter", "\t"),
		headerSeparator: or("headers.separator", ","), headerSign: or("headers.key.separator", ":"),
	}
	r.null, r.hasNull = p["null.marker"]
	pairs := []struct {
		a, b, nameA, nameB string
		only               bool
	}{
		{r.headersDelimiter, r.headerSeparator, "headers.delimiter", "headers.separator", true},
		{r.headersDelimiter, r.headerSign, "headers.delimiter", "headers.key.separator", true},
		{r.headerSeparator, r.headerSign, "headers.separator", "headers.key.separator", true},
		{r.null, r.keySeparator, "null.marker", "key.separator", r.hasNull},
		{r.null, r.headerSeparator, "null.marker", "headers.separator", r.hasNull},
		{r.null, r.headersDelimiter, "null.marker", "headers.delimiter", r.hasNull},
		{r.null, r.headerSign, "null.marker", "headers.key.separator", r.hasNull},
	}
	for _, pair := range pairs {
		if pair.only && pair.a == pair.b {
			return nil, fmt.Errorf("%s and %s may not be equal", pair.nameA, pair.nameB)
		}
	}
	return r, nil
}

// record makes a record of a line.
func (r *lineReader) record(line string) (*kgo.Record, error) {
	r.number++
	headers, hasHeaders, rest, err := r.cut(r.withHeaders, line, line, r.headersDelimiter, "headers delimiter")
	if err != nil {
		return nil, err
	}
	key, hasKey, value, err := r.cut(r.withKey, line, rest, r.keySeparator, "key separator")
	if err != nil {
		return nil, err
	}
	record := &kgo.Record{Value: r.bytes(value)}
	if hasKey {
		record.Key = r.bytes(key)
	}
	if hasHeaders && !r.isNull(headers) {
		record.Headers, err = r.headers(headers)
	}
	return record, err
}

func (r *lineReader) cut(wanted bool, line, rest, separator, what string) (before string, found bool, after string, err error) {
	if !wanted {
		return "", false, rest, nil
	}
	before, after, found = strings.Cut(rest, separator)
	if !found && !r.lenient {
		return "", false, "", says("No %s found on line number %d: '%s'", what, r.number, line)
	}
	if !found {
		return "", false, rest, nil
	}
	return before, true, after, nil
}

func (r *lineReader) isNull(s string) bool { return r.hasNull && s == r.null }

func (r *lineReader) bytes(s string) []byte {
	if r.isNull(s) {
		return nil
	}
	return []byte(s)
}

func (r *lineReader) headers(list string) ([]kgo.RecordHeader, error) {
	var headers []kgo.RecordHeader
	for pair := range strings.SplitSeq(list, r.headerSeparator) {
		key, value, found := strings.Cut(pair, r.headerSign)
		switch {
		case !found && !r.lenient:
			return nil, says("No header key separator found in pair '%s' on line number %d", pair, r.number)
		case !found:
			headers = append(headers, kgo.RecordHeader{Key: pair})
		case r.isNull(key):
			return nil, says("Header keys should not be equal to the null marker '%s' as they can't be null", r.null)
		default:
			headers = append(headers, kgo.RecordHeader{Key: key, Value: r.bytes(value)})
		}
	}
	return headers, nil
}
