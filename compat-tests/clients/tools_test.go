package clients

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/barnabas-mq/barnabas/compat-tests/matrix"
	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
	"github.com/barnabas-mq/barnabas/compat-tests/target"
	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

// toolChapter is a story told with tools.
type toolChapter struct {
	name  string
	steps []toolStep
}

// toolStep is one run of one of Kafka's command-line tools.
type toolStep struct {
	// command is the tool and its arguments but for --bootstrap-server, cut at spaces.
	command string
	stdin   string
	// file is written for the command, which names it FILE.
	file string
	// sorted: the tool prints what it reads from several partitions, in any order.
	sorted bool
	// without drops the lines in which this is found: what differs by nature.
	without *regexp.Regexp
	// member keeps a member in this group, of the topic "watched", from this step on.
	member string
}

// TestTools runs Kafka's own command-line tools against the broker under test
// and against Apache Kafka, and compares what they print and how they end. The
// chapters use topics and groups of their own: each can be run alone.
func TestTools(t *testing.T) {
	t.Parallel() // the others wait most of the time, these compute
	oracle.Need(t)
	matrix.Works(t, "Apache Kafka's command-line tools", oracle.Newest, "Java",
		"topics, records, groups, configs, console clients: text and exit codes compared", target.Column(), matrix.Kafka)
	brokers := make([]testbed.Target, 2)
	brokers[0] = target.Run(t, nil)
	brokers[1] = oracle.Run(t, oracle.Options{})
	for _, chapter := range slices.Concat(toolChapters, configChapters) {
		t.Run(chapter.name, func(t *testing.T) {
			sayHowToRunAlone(t)
			printed, failures := make([][]string, len(brokers)), make([]error, len(brokers))
			var both sync.WaitGroup
			for i, broker := range brokers {
				both.Go(func() { printed[i], failures[i] = runTools(t, broker.Bootstrap(), chapter.steps) })
			}
			both.Wait()
			for i, err := range failures {
				if err != nil {
					t.Fatalf("%s: %v", brokers[i].Name(), err)
				}
			}
			for i, step := range chapter.steps {
				if diff := cmp.Diff(printed[1][i], printed[0][i]); diff != "" {
					t.Errorf("%s\nprints (- %s, + %s):\n%s", step.command, brokers[1].Name(), brokers[0].Name(), diff)
				}
				if testing.Verbose() {
					t.Logf("%s\n%s", step.command, printed[1][i])
				}
			}
		})
	}
}

// runTools returns what each step printed. It may run beside the test's own goroutine.
func runTools(t *testing.T, bootstrap string, steps []toolStep) ([]string, error) {
	t.Helper()
	var printed []string
	for _, step := range steps {
		if step.member != "" {
			if err := keepMember(t, bootstrap, step.member); err != nil {
				return nil, err
			}
		}
		args := strings.Fields(step.command)
		if step.file != "" {
			file := filepath.Join(t.TempDir(), "input.json")
			if err := os.WriteFile(file, []byte(step.file), 0o600); err != nil {
				return nil, err
			}
			args[slices.Index(args, "FILE")] = file
		}
		tool := oracle.Tool{Name: args[0], Args: append(args[1:], "--bootstrap-server", bootstrap), Stdin: step.stdin}
		out, err := tool.Run()
		end := "ends well"
		if err != nil {
			end = "fails"
		}
		printed = append(printed, fmt.Sprintf("%s\n--- stdout\n%s\n--- stderr\n%s", end,
			normalise(step.trim(out.Stdout), bootstrap, step.sorted), normalise(step.trim(out.Stderr), bootstrap, step.sorted)))
	}
	return printed, nil
}

// trim drops the lines that the step is told without.
func (s toolStep) trim(text string) string {
	if s.without == nil {
		return text
	}
	var kept []string
	for line := range strings.SplitSeq(text, "\n") {
		if !s.without.MatchString(line) {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "\n")
}

// keepMember puts a member into a group until the test ends.
func keepMember(t *testing.T, bootstrap, group string) error {
	t.Helper()
	const topic = "watched"
	joined := make(chan struct{})
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap), kgo.ClientID("watcher"), kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic),
		kgo.Balancers(kgo.RangeBalancer()), kgo.DisableAutoCommit(),
		kgo.OnPartitionsAssigned(func(context.Context, *kgo.Client, map[string][]int32) { close(joined) }))
	if err != nil {
		return err
	}
	t.Cleanup(client.Close)
	select {
	case <-joined:
		return nil
	case <-t.Context().Done():
		return fmt.Errorf("no member joined group %s", group)
	}
}

var (
	toolTimestamps = regexp.MustCompile(`\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\]`)
	uuids          = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	topicIDs       = regexp.MustCompile(`TopicId: [A-Za-z0-9_-]{22}`)
	stackFrames    = regexp.MustCompile(`(?m)^(\tat |\t\.\.\. ).*\n`)
)

// normalise takes out what differs between two brokers, or two runs, by right.
func normalise(text, bootstrap string, sorted bool) string {
	text = strings.ReplaceAll(text, bootstrap, "BOOTSTRAP")
	text = toolTimestamps.ReplaceAllString(text, "[TIME]")
	text = uuids.ReplaceAllString(text, "UUID")
	text = topicIDs.ReplaceAllString(text, "TopicId: ID")
	text = stackFrames.ReplaceAllString(text, "")
	if sorted {
		lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
		slices.Sort(lines)
		text = strings.Join(lines, "\n") + "\n"
	}
	return text
}
