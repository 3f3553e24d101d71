package kafkatools

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// consumerPerfTest is kafka-consumer-perf-test (ConsumerPerformance).
func consumerPerfTest(t *tool, args []string) error {
	t.about = "This tool is used to verify the consumer performance."
	p := newParser(
		text("bootstrap-server", "server to connect to", "Required: addresses of brokers."),
		text("topic", "topic", "The topic to read."),
		text("include", "regular expression", "Topics to read."),
		text("group", "gid", "The group to join.").or(fmt.Sprintf("perf-consumer-%d", rand.IntN(100_000))),
		integer("fetch-size", "size", "Bytes of one fetch.").or("1048576"),
		text("command-property", "prop", "A setting of the consumer.").many(),
		flag("from-latest", "Begin at the end where nothing is committed."),
		integer("socket-buffer-size", "size", "Without effect.").or("2097152"),
		text("consumer.config", "config file", "Old name of --command-config."),
		text("command-config", "config file", "File with settings of the consumer."),
		flag("print-metrics", "Without effect."),
		flag("show-detailed-stats", "Report at intervals."),
		long("timeout", "milliseconds", "End when no record came for so long.").optional().or("10000"),
		long("messages", "count", "Old name of --num-records."),
		long("num-records", "count", "End after so many records."),
		long("reporting-interval", "interval_ms", "Milliseconds between reports.").or("5000"),
		text("date-format", "date format", "Without effect.").or("yyyy-MM-dd HH:mm:ss:SSS"),
		flag("hide-header", "Leave the header out."),
	)
	got, err := p.parse(args)
	if err != nil {
		return t.usage(p, err.Error())
	}
	if err := t.helpOrVersion(p, args, got); err != nil {
		return err
	}
	if got.count("messages", "num-records") != 1 {
		return t.usage(p, "Exactly one of the following arguments is required: [messages], [num-records]")
	}
	if got.has("messages") {
		t.say("Warning: --messages is deprecated. Use --num-records instead.")
	}
	if got.count("topic", "include") != 1 {
		return t.usage(p, "Exactly one of the following arguments is required: [topic], [include]")
	}
	if err := t.required(got, "bootstrap-server"); err != nil {
		return err
	}
	return t.consumePerf(got)
}

// consumed is how far the test is.
type consumed struct {
	records, bytes int64
}

func (t *tool) consumePerf(got *parsed) error {
	settings, err := readProperties(first(append(got.values("consumer.config"), got.values("command-config")...)))
	if err != nil {
		return err
	}
	settings = settings.with(got.properties("command-property"))
	if settings["client.id"] == "" {
		settings["client.id"] = "perf-consumer-client"
	}
	limit, _, err := got.number("timeout")
	if err != nil {
		return err
	}
	options, joined, err := perfOptions(got, t.now)
	if err != nil {
		return err
	}
	const columns = "rebalance.time.ms, fetch.time.ms, fetch.MB.sec, fetch.nMsg.sec"
	detailed := got.has("show-detailed-stats")
	if !got.has("hide-header") {
		if detailed {
			t.say("time, threadId, data.consumed.in.MB, MB.sec, data.consumed.in.nMsg, nMsg.sec, %s", columns)
		} else {
			t.say("start.time, end.time, data.consumed.in.MB, MB.sec, data.consumed.in.nMsg, nMsg.sec, %s", columns)
		}
	}
	want, isNew, err := got.number("num-records") // read after the header, as Kafka's tool does
	if err == nil && !isNew {
		want, _, err = got.number("messages")
	}
	if err != nil {
		return err
	}
	client, err := t.connect(first(got.values("bootstrap-server")), settings, options...)
	if err != nil {
		return err
	}
	defer client.Close()
	began := t.now()
	every, _, err := got.number("reporting-interval")
	if err != nil {
		return err
	}
	before, reported := consumed{}, began
	total := t.consumeAll(client, want, time.Duration(limit)*time.Millisecond, func(total consumed) {
		if now := t.now(); detailed && now.Sub(reported).Milliseconds() >= every {
			t.printInterval(total, before, now, reported)
			before, reported = total, now
		}
	})
	end := t.now()
	if total.records < want {
		t.say("WARNING: Exiting before consuming the expected number of records: timeout (%d ms) exceeded. You can use the --timeout option to increase the timeout.", limit)
	}
	// Offsets are committed as Java's consumer does when it closes; an error leaves nothing to be done.
	_ = client.CommitUncommittedOffsets(t.ctx)
	if !detailed {
		t.printConsumed(total, began, end, joined())
	}
	return nil
}

// perfOptions are those of the client; joined tells when partitions were assigned.
func perfOptions(got *parsed, now func() time.Time) (options []kgo.Opt, joined func() time.Time, err error) {
	size, _, err := got.number("fetch-size")
	if err != nil {
		return nil, nil, err
	}
	start := kgo.NewOffset().AtStart()
	if got.has("from-latest") {
		start = kgo.NewOffset().AtEnd()
	}
	at := make(chan time.Time, 1)
	options = []kgo.Opt{
		kgo.ConsumerGroup(first(got.values("group"))), kgo.Balancers(kgo.RangeBalancer(), kgo.CooperativeStickyBalancer()),
		kgo.ConsumeResetOffset(start), kgo.FetchMaxPartitionBytes(int32(size)), kgo.FetchMaxWait(500 * time.Millisecond),
		kgo.OnPartitionsAssigned(func(context.Context, *kgo.Client, map[string][]int32) {
			select {
			case at <- now():
			default:
			}
		}),
	}
	if got.has("include") {
		options = append(options, kgo.ConsumeRegex(), kgo.ConsumeTopics("^(?:"+first(got.values("include"))+")$"))
	} else {
		options = append(options, kgo.ConsumeTopics(first(got.values("topic"))))
	}
	return options, func() time.Time {
		select {
		case when := <-at:
			return when
		default:
			return now()
		}
	}, nil
}

// consumeAll reads until there is enough, or nothing came for too long; it tells after each fetch.
func (t *tool) consumeAll(client *kgo.Client, want int64, limit time.Duration, tell func(consumed)) (total consumed) {
	for total.records < want {
		ctx, cancel := context.WithTimeout(t.ctx, limit)
		fetches := client.PollRecords(ctx, 500) // max.poll.records of Java's consumers: the count ends where theirs does
		late := errors.Is(ctx.Err(), context.DeadlineExceeded)
		cancel()
		fetches.EachRecord(func(r *kgo.Record) {
			total.records++
			total.bytes += int64(len(r.Key) + len(r.Value))
		})
		tell(total)
		if fetches.NumRecords() == 0 && late || fetches.IsClientClosed() {
			break
		}
	}
	return total
}

func perfDate(at time.Time) string {
	return at.Format("2006-01-02 15:04:05:") + fmt.Sprintf("%03d", at.Nanosecond()/int(time.Millisecond))
}

// perfRates are how much there is, and how much a second.
func perfRates(total, since consumed, took time.Duration) string {
	seconds := max(took.Seconds(), 1e-3)
	return fmt.Sprintf("%.4f, %.4f, %d, %.4f", float64(total.bytes)/mebibyte, float64(total.bytes-since.bytes)/mebibyte/seconds,
		total.records, float64(total.records-since.records)/seconds)
}

// printInterval is a row of --show-detailed-stats: no rebalance is in it.
func (t *tool) printInterval(total, before consumed, now, reported time.Time) {
	took := now.Sub(reported)
	seconds := max(took.Seconds(), 1e-3)
	t.say("%s, 0, %s, 0, %d, %.4f, %.4f", perfDate(now), perfRates(total, before, took), took.Milliseconds(),
		float64(total.bytes-before.bytes)/mebibyte/seconds, float64(total.records-before.records)/seconds)
}

func (t *tool) printConsumed(total consumed, began, end, joined time.Time) {
	rebalance := joined.Sub(began)
	fetching := end.Sub(began) - rebalance
	seconds := max(fetching.Seconds(), 1e-3)
	t.say("%s, %s, %s, %d, %d, %.4f, %.4f", perfDate(began), perfDate(end), perfRates(total, consumed{}, end.Sub(began)),
		rebalance.Milliseconds(), fetching.Milliseconds(), float64(total.bytes)/mebibyte/seconds, float64(total.records)/seconds)
}
