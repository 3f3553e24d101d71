package kafkatools

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"text/tabwriter"
	"time"
)

// kafkaVersion is what --version prints: scripts compare it with the Kafka that they want.
const kafkaVersion = "4.3.1"

// tool is one run of a tool.
type tool struct {
	// name of the tool, as in its usage text.
	name        string
	in          io.Reader
	out, errOut io.Writer
	// about is the sentence above the usage text.
	about string
	ctx   context.Context
	now   func() time.Time
}

// tools by the name of their scripts. A function, since the tools refer to it when they explain themselves.
func tools() map[string]func(t *tool, args []string) error {
	return map[string]func(t *tool, args []string) error{
		"kafka-topics":              topics,
		"kafka-console-producer":    consoleProducer,
		"kafka-console-consumer":    consoleConsumer,
		"kafka-consumer-groups":     consumerGroups,
		"kafka-configs":             configs,
		"kafka-acls":                acls,
		"kafka-delegation-tokens":   tokens,
		"kafka-get-offsets":         getOffsets,
		"kafka-delete-records":      deleteRecords,
		"kafka-broker-api-versions": brokerAPIVersions,
		"kafka-cluster":             cluster,
		"kafka-storage":             storage,
		"kafka-producer-perf-test":  producerPerfTest,
		"kafka-consumer-perf-test":  consumerPerfTest,
		"kafka-dump-log":            dumpLog,
		"cub":                       confluentUtility,
		"ub":                        confluentUtility,
		"rpk":                       rpk,
		"kafka-run-class":           runClass,
	}
}

// classes are the tools by the last part of the name of their Java class.
var classes = map[string]string{
	"TopicCommand": "kafka-topics", "ConsoleProducer": "kafka-console-producer", "ConsoleConsumer": "kafka-console-consumer",
	"ConsumerGroupCommand": "kafka-consumer-groups", "ConfigCommand": "kafka-configs", "AclCommand": "kafka-acls", "GetOffsetShell": "kafka-get-offsets",
	"DelegationTokenCommand": "kafka-delegation-tokens",
	"DeleteRecordsCommand":   "kafka-delete-records", "BrokerApiVersionsCommand": "kafka-broker-api-versions", "ClusterTool": "kafka-cluster",
	"StorageTool": "kafka-storage", "ProducerPerformance": "kafka-producer-perf-test", "ConsumerPerformance": "kafka-consumer-perf-test",
	"DumpLogSegments": "kafka-dump-log",
}

// runClass is kafka-run-class for the classes of these tools: scripts from before Kafka 3 call
// kafka.tools.GetOffsetShell so.
func runClass(t *tool, args []string) error {
	if len(args) == 0 {
		return says("USAGE: kafka-run-class [-daemon] [-name servicename] [-loggc] classname [opts]")
	}
	name := classes[args[0][strings.LastIndexByte(args[0], '.')+1:]]
	if name == "" {
		return says("Error: Could not find or load main class %s", args[0])
	}
	t.name = name
	return tools()[name](t, args[1:])
}

// Known tells whether there is a tool of this name, with or without a path and ".sh".
func Known(name string) bool { return tools()[bare(name)] != nil }

// Names of the tools, in no order.
func Names() []string {
	var names []string
	for name := range tools() {
		names = append(names, name)
	}
	return names
}

func bare(name string) string {
	return strings.TrimSuffix(path.Base(strings.ReplaceAll(name, `\`, "/")), ".sh")
}

// Run runs the tool of this name, which may have a path in front and ".sh" behind. The status
// is the one that Kafka's tool exits with; known is false when there is no such tool, and then
// nothing has happened: `rpk redpanda start` and `rpk start` are no tools either.
func Run(name string, args []string, in io.Reader, out, errOut io.Writer) (status int, known bool) {
	name = bare(name)
	run := tools()[name]
	if run == nil || name == "rpk" && startsBroker(args) {
		return 0, false
	}
	t := &tool{name: name, in: in, out: out, errOut: errOut, ctx: context.Background(), now: time.Now}
	err := run(t, args)
	if err == nil {
		return 0, true
	}
	if end := (*ended)(nil); errors.As(err, &end) {
		return end.status, true
	}
	t.complain(err.Error())
	return 1, true
}

// ended is the end of a tool that has said everything.
type ended struct{ status int }

func (e *ended) Error() string { return fmt.Sprintf("exit status %d", e.status) }

// said is an error in the words of Kafka's tools.
type said string

func (s said) Error() string { return string(s) }

func says(format string, args ...any) error { return said(fmt.Sprintf(format, args...)) }

func (t *tool) say(format string, args ...any) { fmt.Fprintf(t.out, format+"\n", args...) }

func (t *tool) print(format string, args ...any) { fmt.Fprintf(t.out, format, args...) }

func (t *tool) complain(message string) { fmt.Fprintln(t.errOut, message) }

// usage ends the tool with a message and its options, as CommandLineUtils.printUsageAndExit does.
func (t *tool) usage(p *parser, message string) error {
	t.complain(message)
	w := tabwriter.NewWriter(t.errOut, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "Option\tDescription")
	fmt.Fprintln(w, "------\t-----------")
	for _, o := range p.options {
		left := "--" + o.name
		switch o.argument {
		case needsValue:
			left += " <" + o.what + ">"
		case mayHaveValue:
			left += " [" + o.what + "]"
		}
		about := o.about
		if o.without != "" {
			about += " (default: " + o.without + ")"
		}
		fmt.Fprintf(w, "%s\t%s\n", left, about)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return &ended{1}
}

// helpOrVersion answers --help, --version and an empty command line
// (CommandLineUtils.maybePrintHelpOrVersion); nil means to go on.
func (t *tool) helpOrVersion(p *parser, args []string, got *parsed) error {
	if len(args) == 0 || got.has("help") {
		return t.usage(p, t.about)
	}
	if got.has("version") {
		t.say("%s", kafkaVersion)
		return &ended{0}
	}
	return nil
}

// required ends the tool unless all of the options were given.
func (t *tool) required(got *parsed, names ...string) error {
	for _, name := range names {
		if !got.has(name) {
			return t.usage(got.parser, fmt.Sprintf("Missing required argument %q", "["+name+"]"))
		}
	}
	return nil
}

// forbids ends the tool when an option was given together with one of others.
func (t *tool) forbids(got *parsed, name string, others ...string) error {
	for _, other := range others {
		if got.has(name) && got.has(other) && name != other {
			return t.usage(got.parser, fmt.Sprintf("Option %q can't be used with option %q", "["+name+"]", "["+other+"]"))
		}
	}
	return nil
}
