package kafkatools

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/barnabas-mq/barnabas/cli/consumergroup"
)

const newProtocolHint = "The consumer rebalance protocol (KIP-848) is production-ready! Set group.protocol=consumer to try it out. " +
	"See https://kafka.apache.org/documentation/#consumer_rebalance_protocol"

func consumerParser() *parser {
	return newParser(
		text("topic", "topic", "The topic to read."),
		text("include", "regular expression", "Topics to read."),
		integer("partition", "partition", "The partition to read, from its end unless --offset says otherwise."),
		text("offset", "consume offset", "Where to begin in the partition: a number, earliest or latest.").or("latest"),
		text("consumer-property", "consumer_prop", "Old name of --command-property.").many(),
		text("command-property", "consumer_prop", "A setting of the consumer.").many(),
		text("consumer.config", "config file", "Old name of --command-config."),
		text("command-config", "config file", "File of settings of the consumer."),
		text("formatter", "class", "Class that prints records.").or(formatterClass),
		text("property", "prop", "Old name of --formatter-property.").many(),
		text("formatter-property", "prop", "How records are printed: print.timestamp, print.key, print.offset, print.epoch, print.partition, "+
			"print.headers, print.value, key.separator, line.separator, headers.separator, null.literal, key.deserializer, "+
			"value.deserializer, headers.deserializer.").many(),
		text("formatter-config", "config file", "File of formatter properties."),
		flag("from-beginning", "Begin with the oldest record where nothing is committed."),
		integer("max-messages", "num_messages", "End after so many records."),
		long("timeout-ms", "timeout_ms", "End when no record came for so long."),
		flag("skip-message-on-error", "Go on after a record that cannot be printed."),
		text("bootstrap-server", "server to connect to", "Required: addresses of brokers."),
		text("key-deserializer", "deserializer for key", "Class that reads keys."),
		text("value-deserializer", "deserializer for values", "Class that reads values."),
		flag("enable-systest-events", "Say shutdown_complete at the end."),
		text("isolation-level", "level", "read_committed or read_uncommitted.").or("read_uncommitted"),
		text("group", "consumer group id", "The group to join."),
	)
}

// reading is what a console consumer was asked to do.
type reading struct {
	got       *parsed
	settings  properties
	topic     string
	partition int32 // -1 without one
	offset    kgo.Offset
	group     string
	max       int64 // -1 without one
	timeout   time.Duration
	format    *formatter
	assigned  assigned
}

// assigned are the partitions that the group has given to the consumer.
type assigned struct {
	mu         sync.Mutex
	partitions []partition
}

func (a *assigned) watch() kgo.Opt {
	return kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, got map[string][]int32) {
		a.mu.Lock()
		defer a.mu.Unlock()
		for topic, numbers := range got {
			for _, number := range numbers {
				a.partitions = append(a.partitions, partition{Topic: topic, Number: number})
			}
		}
	})
}

// commitUnread commits where the consumer is in partitions of which it has read nothing, as Java's does.
func (t *tool) commitUnread(client *kgo.Client, r *reading) {
	r.assigned.mu.Lock()
	defer r.assigned.mu.Unlock()
	committed, err := consumergroup.Committed(t.ctx, client, r.group)
	if err != nil {
		return
	}
	unread := slices.DeleteFunc(r.assigned.partitions, func(p partition) bool { _, has := committed[p]; return has })
	target := consumergroup.Target{Kind: consumergroup.End}
	if r.offset == kgo.NewOffset().AtStart() {
		target.Kind = consumergroup.Start
	}
	steps, err := target.Plan(t.ctx, client, nil, unread)
	if err != nil || len(steps) == 0 {
		return
	}
	offsets := map[string]map[int32]kgo.EpochOffset{}
	for _, step := range steps {
		if offsets[step.Topic] == nil {
			offsets[step.Topic] = map[int32]kgo.EpochOffset{}
		}
		offsets[step.Topic][step.Number] = kgo.EpochOffset{Epoch: -1, Offset: step.To}
	}
	client.CommitOffsetsSync(t.ctx, offsets, nil)
}

// consoleConsumer is kafka-console-consumer (ConsoleConsumer). Without --group it reads all
// partitions by itself and joins none, where Kafka's makes up a group: nothing is left behind.
func consoleConsumer(t *tool, args []string) error {
	t.about = "This tool helps to read data from Kafka topics and outputs it to standard output."
	p := consumerParser()
	got, err := p.parse(args)
	if err != nil {
		return t.usage(p, err.Error())
	}
	if err := t.checkReading(p, args, got); err != nil {
		return err
	}
	r := &reading{got: got, partition: -1, max: -1}
	if err := t.readReading(p, r); err != nil {
		return err
	}
	if r.partition < 0 && r.settings["group.protocol"] == "" {
		if _, err := servers(first(got.values("bootstrap-server"))); err == nil {
			t.complain(newProtocolHint)
		}
	}
	if pattern := first(got.values("include")); pattern != "" {
		if _, err := regexp.Compile(pattern); err != nil {
			return unclosedPattern(pattern, err)
		}
	}
	client, err := t.connect(first(got.values("bootstrap-server")), r.settings, r.options()...)
	if err != nil {
		return javaError("org.apache.kafka.common.KafkaException", err)
	}
	defer client.Close()
	err = t.read(client, r)
	if got.has("enable-systest-events") {
		t.say("shutdown_complete")
	}
	return err
}

// unclosedPattern is what PatternSyntaxException says of a pattern: where it fails, which is its end.
func unclosedPattern(pattern string, err error) error {
	return javaError("java.util.regex.PatternSyntaxException", says("%v\n%s\n%*s", err, pattern, len(pattern), "^"))
}

func (t *tool) checkReading(p *parser, args []string, got *parsed) error {
	if err := t.helpOrVersion(p, args, got); err != nil {
		return err
	}
	if got.count("topic", "include") != 1 {
		return t.usage(p, "Exactly one of the following arguments is required: [topic], [include]")
	}
	if got.has("partition") {
		if !got.has("topic") {
			return t.usage(p, "The topic is required when partition is specified.")
		}
		if got.has("from-beginning") && got.has("offset") {
			return t.usage(p, "Options from-beginning and offset cannot be specified together.")
		}
	} else if got.has("offset") {
		return t.usage(p, "The partition is required when offset is specified.")
	}
	if err := t.required(got, "bootstrap-server"); err != nil {
		return err
	}
	return t.renamed(p, got, "Option --%s is deprecated and will be removed in a future version. Use --%s instead.", [][2]string{
		{"property", "formatter-property"}, {"consumer-property", "command-property"}, {"consumer.config", "command-config"}}, "--%s and --%s")
}

func (t *tool) readReading(p *parser, r *reading) error {
	got := r.got
	fromFile, err := readProperties(first(slices.Concat(got.values("consumer.config"), got.values("command-config"))))
	if err != nil {
		return javaError("java.nio.file.NoSuchFileException", err)
	}
	given := got.properties("consumer-property").with(got.properties("command-property"))
	r.settings = fromFile.with(given)
	if r.settings["client.id"] == "" {
		r.settings["client.id"] = "console-consumer"
	}
	if err := t.readGroup(p, r, fromFile, given); err != nil {
		return err
	}
	reset := r.settings["auto.offset.reset"]
	if reset != "" && reset != "earliest" && got.has("from-beginning") {
		t.complain("Can't simultaneously specify --from-beginning and 'auto.offset.reset=" + reset + "', please remove one option")
		return &ended{1}
	}
	if n, ok, err := got.number("partition"); err != nil {
		return uncaught(err)
	} else if ok {
		r.partition = int32(n)
	}
	r.topic = first(got.values("topic"))
	if err := t.readOffset(p, r); err != nil {
		return err
	}
	n, ok, err := got.number("timeout-ms")
	if err != nil {
		return uncaught(err)
	}
	if r.timeout = -1; ok && n >= 0 {
		r.timeout = time.Duration(n) * time.Millisecond
	}
	if level := r.isolation(); level != "read_committed" && level != "read_uncommitted" {
		return javaError("org.apache.kafka.common.config.ConfigException", says("Invalid value %s for configuration isolation.level", level))
	}
	if r.format, err = t.newFormatter(got); err != nil {
		return t.usage(p, err.Error())
	}
	return nil
}

func (t *tool) readGroup(p *parser, r *reading, fromFile, given properties) error {
	var groups []string
	for _, group := range []string{first(r.got.values("group")), fromFile["group.id"], given["group.id"]} {
		if group != "" && !slices.Contains(groups, group) {
			groups = append(groups, group)
		}
	}
	if len(groups) > 1 {
		return t.usage(p, "The group ids provided in different places (directly using '--group', via '--consumer-property', or via '--consumer.config') "+
			"do not match. Detected group ids: '"+strings.Join(groups, "', '")+"'")
	}
	if len(groups) == 1 && r.got.has("partition") {
		return t.usage(p, "Options group and partition cannot be specified together.")
	}
	r.group = first(groups)
	return nil
}

func (t *tool) readOffset(p *parser, r *reading) error {
	r.offset = kgo.NewOffset().AtEnd()
	if r.got.has("from-beginning") || r.settings["auto.offset.reset"] == "earliest" {
		r.offset = kgo.NewOffset().AtStart()
	}
	if !r.got.has("offset") {
		return nil
	}
	word := first(r.got.values("offset"))
	switch strings.ToLower(word) {
	case "earliest":
		r.offset = kgo.NewOffset().AtStart()
	case "latest":
		r.offset = kgo.NewOffset().AtEnd()
	default:
		n, err := strconv.ParseInt(word, 10, 64)
		if err != nil || n < 0 {
			return t.usage(p, "The provided offset value '"+word+"' is incorrect. Valid values are 'earliest', 'latest', or a non-negative long.")
		}
		r.offset = kgo.NewOffset().At(n)
	}
	return nil
}

func (r *reading) isolation() string {
	if level := r.settings["isolation.level"]; level != "" && !r.got.has("isolation-level") {
		return level
	}
	return first(r.got.values("isolation-level"))
}

// options of the client. Java's consumers agree on the range assignor first.
func (r *reading) options() []kgo.Opt {
	options := []kgo.Opt{kgo.FetchMaxWait(500 * time.Millisecond), kgo.ConsumeResetOffset(r.offset)}
	if !strings.EqualFold(r.settings["allow.auto.create.topics"], "false") {
		options = append(options, kgo.AllowAutoTopicCreation())
	}
	if r.isolation() == "read_committed" {
		options = append(options, kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	}
	if r.partition >= 0 {
		return append(options, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{r.topic: {r.partition: r.offset}}))
	}
	if r.topic != "" {
		options = append(options, kgo.ConsumeTopics(r.topic))
	} else {
		options = append(options, kgo.ConsumeRegex(), kgo.ConsumeTopics("^(?:"+first(r.got.values("include"))+")$"))
	}
	if r.group == "" {
		return options
	}
	options = append(options, r.assigned.watch(), kgo.ConsumerGroup(r.group), kgo.Balancers(kgo.RangeBalancer(), kgo.CooperativeStickyBalancer()), kgo.AutoCommitMarks())
	if strings.EqualFold(r.settings["enable.auto.commit"], "false") {
		options = append(options, kgo.DisableAutoCommit())
	}
	return options
}

// untilSignal ends with SIGINT and SIGTERM.
func untilSignal(ctx context.Context) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
}

// commit marks what was printed. Kafka's tool goes back to where it is in the partitions of which
// it has more than it prints, and commits those without the leader's epoch.
func commit(client *kgo.Client, printed, rest []*kgo.Record) {
	for _, record := range printed {
		at := kgo.Record{Topic: record.Topic, Partition: record.Partition, Offset: record.Offset, LeaderEpoch: record.LeaderEpoch}
		if slices.ContainsFunc(rest, func(r *kgo.Record) bool { return r.Topic == record.Topic && r.Partition == record.Partition }) {
			at.LeaderEpoch = -1
		}
		client.MarkCommitRecords(&at)
	}
}

// read prints records until there were enough, none came for too long, nobody reads what is
// printed, or a signal ends it.
func (t *tool) read(client *kgo.Client, r *reading) error {
	ctx, stop := untilSignal(t.ctx)
	defer stop()
	out := bufio.NewWriter(t.out)
	count := int64(0)
	var failed error
	done := func(status int) error {
		if r.group != "" {
			// Nothing to do about an error: the group goes on without what was read.
			if !strings.EqualFold(r.settings["enable.auto.commit"], "false") {
				_ = client.CommitMarkedOffsets(t.ctx)
				t.commitUnread(client, r)
			}
			_ = client.LeaveGroupContext(t.ctx)
		}
		fmt.Fprintf(t.errOut, "Processed a total of %d messages\n", count)
		if status != 0 {
			return &ended{status}
		}
		return nil
	}
	// Kafka's tool reads this number when it comes to it.
	if n, ok, err := r.got.number("max-messages"); err != nil {
		return done(1)
	} else if ok {
		r.max = n
	}
	for r.max < 0 || count < r.max {
		wait, cancel := ctx, context.CancelFunc(func() {})
		if r.timeout >= 0 {
			wait, cancel = context.WithTimeout(ctx, r.timeout)
		}
		fetches := client.PollRecords(wait, 500) // max.poll.records
		late := errors.Is(wait.Err(), context.DeadlineExceeded)
		cancel()
		records := fetches.Records()
		rest := records
		for len(rest) > 0 && (r.max < 0 || count < r.max) {
			count++
			if err := r.format.write(out, rest[0]); err != nil && !r.got.has("skip-message-on-error") {
				failed = javaError("org.apache.kafka.common.errors.SerializationException", err)
				break
			}
			rest = rest[1:]
		}
		if r.group != "" {
			commit(client, records[:len(records)-len(rest)], rest)
		}
		if err := out.Flush(); err != nil {
			t.complain("Unable to write to standard out, closing consumer.")
			return done(0)
		}
		if failed != nil {
			t.complain(failed.Error())
			return done(1)
		}
		switch {
		case ctx.Err() != nil:
			return done(130) // as the JVM after SIGINT
		case len(records) == 0 && late:
			return done(0)
		case fetches.IsClientClosed():
			return done(1)
		}
	}
	return done(0)
}
