package oracle

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// toolTimeout bounds a command-line tool; the slowest (a console consumer with
// its own time-out) take some ten seconds on two busy cores.
const toolTimeout = 2 * time.Minute

const toolPackage = "org.apache.kafka.tools."

// toolClasses are the main classes behind Kafka's shell scripts, named as the
// scripts are, without "kafka-" and ".sh".
var toolClasses = map[string]string{
	"acls":                      toolPackage + "AclCommand",
	"broker-api-versions":       toolPackage + "BrokerApiVersionsCommand",
	"client-metrics":            toolPackage + "ClientMetricsCommand",
	"cluster":                   toolPackage + "ClusterTool",
	"configs":                   "kafka.admin.ConfigCommand",
	"console-consumer":          toolPackage + "consumer.ConsoleConsumer",
	"console-producer":          toolPackage + "ConsoleProducer",
	"console-share-consumer":    toolPackage + "consumer.ConsoleShareConsumer",
	"consumer-groups":           toolPackage + "consumer.group.ConsumerGroupCommand",
	"consumer-performance":      toolPackage + "ConsumerPerformance",
	"delegation-tokens":         toolPackage + "DelegationTokenCommand",
	"delete-records":            toolPackage + "DeleteRecordsCommand",
	"dump-log":                  toolPackage + "DumpLogSegments",
	"features":                  toolPackage + "FeatureCommand",
	"get-offsets":               toolPackage + "GetOffsetShell",
	"groups":                    toolPackage + "GroupsCommand",
	"leader-election":           toolPackage + "LeaderElectionCommand",
	"log-dirs":                  toolPackage + "LogDirsCommand",
	"metadata-quorum":           toolPackage + "MetadataQuorumCommand",
	"producer-performance":      toolPackage + "ProducerPerformance",
	"reassign-partitions":       toolPackage + "reassign.ReassignPartitionsCommand",
	"share-groups":              toolPackage + "consumer.group.ShareGroupCommand",
	"storage":                   "kafka.tools.StorageTool",
	"streams-groups":            toolPackage + "streams.StreamsGroupCommand",
	"topics":                    toolPackage + "TopicCommand",
	"transactional-copier":      toolPackage + "TransactionalMessageCopier",
	"transactions":              toolPackage + "TransactionsCommand",
	"verifiable-consumer":       toolPackage + "VerifiableConsumer",
	"verifiable-producer":       toolPackage + "VerifiableProducer",
	"end-to-end-latency":        toolPackage + "EndToEndLatency",
	"verifiable-share-consumer": toolPackage + "VerifiableShareConsumer",
}

// oldToolClasses are those that lived elsewhere before Kafka 4.
var oldToolClasses = map[string]string{
	"acls":                "kafka.admin.AclCommand",
	"broker-api-versions": "kafka.admin.BrokerApiVersionsCommand",
	"console-producer":    "kafka.tools.ConsoleProducer",
	"dump-log":            "kafka.tools.DumpLogSegments",
}

// Output is what a command-line tool printed.
type Output struct {
	Stdout, Stderr string
}

// Tool runs one of Kafka's command-line tools, against any broker.
type Tool struct {
	// Version of Apache Kafka; empty is Newest.
	Version string
	// Name is that of the script, without "kafka-" and ".sh".
	Name string
	Args []string
	// Stdin is given to the tool.
	Stdin string

	// record is that of Options.
	record func() []string
	// limit is how long it may take; 0 is toolTimeout.
	limit time.Duration
}

// Run runs the tool to its end. A tool that fails gives its output as well.
func (t Tool) Run() (Output, error) {
	ctx, cancel := context.WithTimeout(context.Background(), cmp.Or(t.limit, toolTimeout))
	defer cancel()
	dir, err := os.MkdirTemp("", "kafka-tool-")
	if err != nil {
		return Output{}, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // two small files
	args, err := t.arguments(dir)
	if err != nil {
		return Output{}, err
	}
	cmd := exec.CommandContext(ctx, "java", args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(t.Stdin), &stdout, &stderr
	err = cmd.Run()
	out := Output{Stdout: stdout.String(), Stderr: stderr.String()}
	if err != nil {
		return out, fmt.Errorf("%s %s: %w\n%s%s", t.Name, strings.Join(t.Args, " "), err, out.Stdout, out.Stderr)
	}
	return out, nil
}

// arguments are those of java; logging goes by files in dir.
func (t Tool) arguments(dir string) ([]string, error) {
	version := t.Version
	if version == "" {
		version = Newest
	}
	class, ok := toolClasses[t.Name]
	if old, moved := oldToolClasses[t.Name]; moved && majorVersion(version) < 4 {
		class = old
	}
	if !ok {
		return nil, fmt.Errorf("no tool %q; there are %s", t.Name, strings.Join(slices.Sorted(maps.Keys(toolClasses)), ", "))
	}
	classPath, err := ClassPath(version)
	if err != nil {
		return nil, err
	}
	if err := writeLogging(dir); err != nil {
		return nil, err
	}
	data := Options{Version: version, record: t.record}.classData()
	return slices.Concat(quickJVM(256), data, logging(dir, "-cp", classPath, class), t.Args), nil
}
