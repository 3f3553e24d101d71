package kafkatools

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/pflag"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// rpkCommands is the part of Redpanda's rpk that health checks and init services use.
var rpkCommands = []string{"cluster info", "cluster health", "topic create", "topic list", "topic describe", "topic produce", "topic consume"}

// startsBroker tells whether a command line of rpk starts the broker, which is no tool's work.
func startsBroker(args []string) bool {
	return len(args) > 0 && (args[0] == "redpanda" || args[0] == "start")
}

// rpkTool is one run of rpk.
type rpkTool struct {
	*tool
	client                                    *kgo.Client
	brokers, configs                          []string
	partitions                                int32
	replicas                                  int16
	count                                     int
	sets, headers                             []string
	key, format, offset, group                string
	ifNotExists, internal, exit, watch, quiet bool
}

func rpk(t *tool, args []string) error {
	if len(args) > 0 && args[0] == "topics" {
		args[0] = "topic"
	}
	command := strings.Join(args[:min(2, len(args))], " ")
	if command == "cluster metadata" {
		command = "cluster info"
	}
	if !slices.Contains(rpkCommands, command) {
		return fmt.Errorf("unknown command %q for \"rpk\"; there are: %s", command, strings.Join(rpkCommands, ", "))
	}
	r := &rpkTool{tool: t}
	set := r.flags(command)
	if err := set.Parse(args[2:]); err != nil {
		if errors.Is(err, pflag.ErrHelp) {
			return &ended{0}
		}
		return err
	}
	if err := r.connectTo(); err != nil {
		return err
	}
	defer r.client.Close()
	run := map[string]func(names []string) error{
		"cluster info": r.info, "cluster health": r.health, "topic create": r.create, "topic list": r.listAll,
		"topic describe": r.describe, "topic produce": r.produce, "topic consume": r.consume,
	}
	return run[command](set.Args())
}

func (r *rpkTool) flags(command string) *pflag.FlagSet {
	set := pflag.NewFlagSet("rpk "+command, pflag.ContinueOnError)
	set.SetOutput(r.out)
	set.StringSliceVar(&r.brokers, "brokers", nil, "addresses of brokers")
	set.StringArrayVarP(&r.configs, "config-opt", "X", nil, "brokers=HOST:PORT; the others are without effect")
	set.String("api-urls", "", "without effect")
	set.String("config", "", "without effect")
	set.BoolP("verbose", "v", false, "without effect")
	switch command {
	case "cluster health":
		set.BoolVarP(&r.exit, "exit-when-healthy", "e", false, "wait until the cluster is healthy")
		set.BoolVarP(&r.watch, "watch", "w", false, "wait as well")
	case "topic create":
		set.Int32VarP(&r.partitions, "partitions", "p", -1, "how many partitions")
		set.Int16VarP(&r.replicas, "replicas", "r", -1, "how many replicas")
		set.StringArrayVarP(&r.sets, "topic-config", "c", nil, "a setting, KEY=VALUE")
		set.BoolVar(&r.ifNotExists, "if-not-exists", false, "a topic that exists is no error")
	case "topic list":
		set.BoolVarP(&r.internal, "internal", "i", false, "internal topics as well")
	case "topic produce":
		set.StringVarP(&r.key, "key", "k", "", "the key of all records")
		set.StringArrayVarP(&r.headers, "header", "H", nil, "a header, KEY:VALUE")
		set.StringVarP(&r.format, "format", "f", "%v\n", "how records are written in the input")
		set.BoolVar(&r.quiet, "quiet", false, "do not tell of each record")
	case "topic consume":
		set.IntVarP(&r.count, "num", "n", 0, "end after so many records")
		set.StringVarP(&r.offset, "offset", "o", "start", "start, end, or a number")
		set.StringVarP(&r.format, "format", "f", "json", "how to print records")
		set.StringVarP(&r.group, "group", "g", "", "a group to join")
	}
	return set
}

func (r *rpkTool) connectTo() (err error) {
	for _, opt := range r.configs {
		if list, is := strings.CutPrefix(opt, "brokers="); is {
			r.brokers = strings.Split(list, ",")
		}
	}
	if len(r.brokers) == 0 {
		r.brokers = []string{"127.0.0.1:9092"}
	}
	// rpk gives up after some seconds; a health check is asked again.
	r.client, err = r.connect(strings.Join(r.brokers, ","), properties{"default.api.timeout.ms": "10000"}, kgo.AllowAutoTopicCreation())
	return err
}

func (r *rpkTool) table(rows ...[]string) error {
	w := tabwriter.NewWriter(r.out, 0, 0, 2, ' ', 0)
	for _, cells := range rows {
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	return w.Flush()
}

func (r *rpkTool) heading(text string) { r.say("%s\n%s", text, strings.Repeat("=", len(text))) }

func (r *rpkTool) info([]string) error {
	answer, err := r.metadata(r.client)
	if err != nil {
		return unreachable(err, "metadata")
	}
	r.heading("CLUSTER")
	r.say("%s\n", textOr(answer.ClusterID, ""))
	r.heading("BROKERS")
	rows := [][]string{{"ID", "HOST", "PORT"}}
	for _, b := range answer.Brokers {
		id := strconv.Itoa(int(b.NodeID))
		if b.NodeID == answer.ControllerID {
			id += "*"
		}
		rows = append(rows, []string{id, b.Host, strconv.Itoa(int(b.Port))})
	}
	if err := r.table(rows...); err != nil {
		return err
	}
	if rows = topicRows(answer, false); len(rows) > 1 {
		r.say("")
		r.heading("TOPICS")
		return r.table(rows...)
	}
	return nil
}

func topicRows(answer *kmsg.MetadataResponse, withInternal bool) [][]string {
	rows := [][]string{{"NAME", "PARTITIONS", "REPLICAS"}}
	slices.SortFunc(answer.Topics, func(a, b kmsg.MetadataResponseTopic) int {
		return strings.Compare(textOr(a.Topic, ""), textOr(b.Topic, ""))
	})
	for _, topic := range answer.Topics {
		if topic.Topic == nil || topic.IsInternal && !withInternal || len(topic.Partitions) == 0 {
			continue
		}
		rows = append(rows, []string{*topic.Topic, strconv.Itoa(len(topic.Partitions)), strconv.Itoa(replicaCount(topic))})
	}
	return rows
}

// health prints what rpk prints; health checks look for "Healthy:" and "true".
func (r *rpkTool) health([]string) error {
	for {
		answer, err := r.metadata(r.client)
		if err != nil {
			return unreachable(err, "metadata")
		}
		var nodes, leaderless, lacking []string
		for _, b := range answer.Brokers {
			nodes = append(nodes, strconv.Itoa(int(b.NodeID)))
		}
		for _, topic := range answer.Topics {
			for _, p := range topic.Partitions {
				name := fmt.Sprintf("kafka/%s/%d", textOr(topic.Topic, ""), p.Partition)
				if p.Leader < 0 {
					leaderless = append(leaderless, name)
				}
				if len(p.ISR) < len(p.Replicas) {
					lacking = append(lacking, name)
				}
			}
		}
		healthy := len(leaderless)+len(lacking) == 0
		r.heading("CLUSTER HEALTH OVERVIEW")
		line := func(name string, value any) { r.say("%-33s %v", name+":", value) }
		line("Healthy", healthy)
		line("Unhealthy reasons", "[]")
		line("Controller ID", answer.ControllerID)
		line("All nodes", "["+strings.Join(nodes, " ")+"]")
		line("Nodes down", "[]")
		line(fmt.Sprintf("Leaderless partitions (%d)", len(leaderless)), "["+strings.Join(leaderless, " ")+"]")
		line(fmt.Sprintf("Under-replicated partitions (%d)", len(lacking)), "["+strings.Join(lacking, " ")+"]")
		if healthy || !r.exit && !r.watch {
			return nil
		}
		time.Sleep(2 * time.Second) // rpk's own interval
	}
}

func (r *rpkTool) create(names []string) error {
	if len(names) == 0 {
		return errors.New("requires at least 1 arg(s), only received 0")
	}
	request := kmsg.NewCreateTopicsRequest()
	request.TimeoutMillis = 10_000
	for _, name := range names {
		topic := kmsg.NewCreateTopicsRequestTopic()
		topic.Topic, topic.NumPartitions, topic.ReplicationFactor = name, r.partitions, r.replicas
		for _, pair := range r.sets {
			key, value, is := strings.Cut(pair, "=")
			if !is {
				return fmt.Errorf("unable to parse key/value pairs: missing = in %q", pair)
			}
			config := kmsg.NewCreateTopicsRequestTopicConfig()
			config.Name, config.Value = key, &value
			topic.Configs = append(topic.Configs, config)
		}
		request.Topics = append(request.Topics, topic)
	}
	answer, err := request.RequestWith(r.ctx, r.client)
	if err != nil {
		return unreachable(err, "createTopics")
	}
	rows := [][]string{{"TOPIC", "STATUS"}}
	var failed error
	for _, topic := range answer.Topics {
		status := "OK"
		err := refused(topic.ErrorCode, topic.ErrorMessage)
		if isCode(err, kerr.TopicAlreadyExists) && r.ifNotExists {
			err = nil
		}
		if err != nil {
			status, failed = kerr.ErrorForCode(topic.ErrorCode).Error(), &ended{1}
		}
		rows = append(rows, []string{topic.Topic, status})
	}
	return errors.Join(r.table(rows...), failed)
}

func (r *rpkTool) listAll([]string) error {
	answer, err := r.metadata(r.client)
	if err != nil {
		return unreachable(err, "metadata")
	}
	return r.table(topicRows(answer, r.internal)...)
}

func (r *rpkTool) describe(names []string) error {
	answer, err := r.metadata(r.client)
	if err != nil {
		return unreachable(err, "metadata")
	}
	for _, name := range names {
		at := slices.IndexFunc(answer.Topics, func(t kmsg.MetadataResponseTopic) bool { return textOr(t.Topic, "") == name })
		if at < 0 {
			return fmt.Errorf("topic %q not found", name)
		}
		topic := answer.Topics[at]
		r.heading("SUMMARY")
		if err := r.table([]string{"NAME", name}, []string{"PARTITIONS", strconv.Itoa(len(topic.Partitions))},
			[]string{"REPLICAS", strconv.Itoa(replicaCount(topic))}); err != nil {
			return err
		}
		r.say("")
		r.heading("CONFIGS")
		configs, err := r.resourceConfigs(r.client, kmsg.ConfigResourceTypeTopic, name, false)
		if err != nil {
			return err
		}
		rows := [][]string{{"KEY", "VALUE", "SOURCE"}}
		for _, c := range configs {
			rows = append(rows, []string{c.Name, textOr(c.Value, ""), c.Source.String()})
		}
		if err := r.table(rows...); err != nil {
			return err
		}
	}
	return nil
}

func (r *rpkTool) produce(names []string) error {
	if len(names) != 1 {
		return errors.New("rpk topic produce needs the name of one topic")
	}
	reader, err := kgo.NewRecordReader(bufio.NewReader(r.in), strings.ReplaceAll(r.format, "\n", `\n`))
	if err != nil {
		return err
	}
	for {
		record, err := reader.ReadRecord()
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		if err != nil {
			return err
		}
		record.Topic = names[0]
		if r.key != "" {
			record.Key = []byte(r.key)
		}
		for _, h := range r.headers {
			key, value, _ := strings.Cut(h, ":")
			record.Headers = append(record.Headers, kgo.RecordHeader{Key: key, Value: []byte(value)})
		}
		if err := r.client.ProduceSync(r.ctx, record).FirstErr(); err != nil {
			return fmt.Errorf("unable to produce record: %w", err)
		}
		if !r.quiet {
			r.say("Produced to partition %d at offset %d with timestamp %d.", record.Partition, record.Offset, record.Timestamp.UnixMilli())
		}
	}
}

// rpkRecord is how rpk prints a record.
type rpkRecord struct {
	Topic     string      `json:"topic"`
	Key       string      `json:"key,omitempty"`
	Value     string      `json:"value,omitempty"`
	Headers   []rpkHeader `json:"headers,omitempty"`
	Timestamp int64       `json:"timestamp"`
	Partition int32       `json:"partition"`
	Offset    int64       `json:"offset"`
}

type rpkHeader struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

func (r *rpkTool) consume(names []string) error {
	if len(names) == 0 {
		return errors.New("rpk topic consume needs the name of a topic")
	}
	from, err := rpkOffset(r.offset)
	if err != nil {
		return err
	}
	var format *kgo.RecordFormatter
	if r.format != "json" {
		if format, err = kgo.NewRecordFormatter(r.format); err != nil {
			return err
		}
	}
	options := []kgo.Opt{kgo.ConsumeTopics(names...), kgo.ConsumeResetOffset(from), kgo.FetchMaxWait(500 * time.Millisecond)}
	if r.group != "" {
		options = append(options, kgo.ConsumerGroup(r.group))
	}
	consumer, err := r.connect(strings.Join(r.brokers, ","), properties{}, options...)
	if err != nil {
		return err
	}
	defer consumer.Close()
	ctx, stop := untilSignal(r.ctx)
	defer stop()
	for count := 0; r.count == 0 || count < r.count; {
		most := 1000
		if r.count > 0 {
			most = r.count - count
		}
		fetches := consumer.PollRecords(ctx, most)
		if ctx.Err() != nil {
			return nil
		}
		for _, record := range fetches.Records() {
			count++
			if err := r.printRecord(format, record); err != nil {
				return err
			}
		}
	}
	return nil
}

func rpkOffset(word string) (kgo.Offset, error) {
	switch word {
	case "start", "oldest":
		return kgo.NewOffset().AtStart(), nil
	case "end", "newest":
		return kgo.NewOffset().AtEnd(), nil
	}
	n, err := strconv.ParseInt(word, 10, 64)
	if err != nil {
		return kgo.NewOffset(), fmt.Errorf("unable to parse offset %q", word)
	}
	return kgo.NewOffset().At(n), nil
}

func (r *rpkTool) printRecord(format *kgo.RecordFormatter, record *kgo.Record) error {
	if format != nil {
		_, err := r.out.Write(format.AppendRecord(nil, record))
		return err
	}
	one := rpkRecord{Topic: record.Topic, Key: string(record.Key), Value: string(record.Value), Timestamp: record.Timestamp.UnixMilli(),
		Partition: record.Partition, Offset: record.Offset}
	for _, h := range record.Headers {
		one.Headers = append(one.Headers, rpkHeader{h.Key, string(h.Value)})
	}
	encoder := json.NewEncoder(r.out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(one)
}
