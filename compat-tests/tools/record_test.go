package tools

import (
	"context"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
)

var only = flag.String("only", "*.txt", "the scripts to record, as a file pattern")

var record = flag.Bool("record", false, "write down again what Apache Kafka's tools print")

// propertiesOf are the settings of both brokers. Console consumers need not wait; the seventh story is
// about rules, and told by somebody who may make them.
func propertiesOf(path string) map[string]string {
	properties := map[string]string{"group.initial.rebalance.delay.ms": "0"}
	if story(path) == "7" {
		properties["authorizer.class.name"] = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
		properties["super.users"] = "User:ANONYMOUS"
	}
	return properties
}

// classNames are the scripts whose names are not those of their classes.
var classNames = map[string]string{"producer-perf-test": "producer-performance", "consumer-perf-test": "consumer-performance"}

// TestRecord has Apache Kafka's own tools do what the scripts say.
func TestRecord(t *testing.T) {
	if !*record {
		t.Skip("only with -record: it takes a JVM for each command")
	}
	var w *scene
	before := ""
	for _, path := range scripts(t) {
		if w == nil || story(path) != story(before) {
			broker := oracle.Run(t, oracle.Options{Properties: propertiesOf(path)})
			w = &scene{bootstrap: broker.Bootstrap(), data: broker.DataDir(), dir: t.TempDir()}
		}
		before = path
		steps, err := readScript(path)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		whole := t.Run(path, func(t *testing.T) {
			for i := range steps {
				if steps[i].member != "" {
					joinGroup(t, w.bootstrap, steps[i].member)
				} else {
					runJava(t, w, &steps[i])
				}
				steps[i].format(&b)
			}
		})
		if !whole {
			t.FailNow() // half a script would take the place of a whole one
		}
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		t.Log(path)
	}
}

func runJava(t *testing.T, w *scene, s *step) {
	t.Helper()
	words, err := w.arguments(*s)
	if err != nil {
		t.Fatal(err)
	}
	name := strings.TrimSuffix(strings.TrimPrefix(words[0], "kafka-"), ".sh")
	if class, differs := classNames[name]; differs {
		name = class
	}
	out, err := oracle.Tool{Name: name, Args: words[1:], Stdin: s.input()}.Run()
	s.status = 0
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		s.status = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	s.stdout, s.stderr = w.normalise(s.command, out.Stdout), w.normalise(s.command, out.Stderr)
}

// story is the first digit of the name: files with the same one are told to one broker.
func story(path string) string { return filepath.Base(path)[:1] }

func scripts(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", *only)) // in the order of names
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	return paths
}

// joinGroup adds a member to a group, and waits until it has what it gets.
func joinGroup(t *testing.T, bootstrap, what string) {
	t.Helper()
	group, topic, _ := strings.Cut(what, " ")
	if topic, isConsumer := strings.CutSuffix(topic, " consumer"); isConsumer {
		joinConsumerGroup(t, bootstrap, group, topic)
		return
	}
	assigned := make(chan struct{}, 1)
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap), kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.ClientID("watcher"),
		kgo.Balancers(kgo.RangeBalancer()), kgo.DisableAutoCommit(), kgo.OnPartitionsAssigned(func(context.Context, *kgo.Client, map[string][]int32) {
			select {
			case assigned <- struct{}{}:
			default:
			}
		}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	select {
	case <-assigned:
	case <-t.Context().Done():
		t.Fatalf("the member of %s gets no partitions", group)
	}
}

// joinConsumerGroup adds a member by the consumer protocol (KIP-848), by hand: the client library has it not.
func joinConsumerGroup(t *testing.T, bootstrap, group, topic string) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap), kgo.ClientID("watcher"))
	if err != nil {
		t.Fatal(err)
	}
	request := kmsg.NewConsumerGroupHeartbeatRequest()
	request.Group, request.MemberID, request.RebalanceTimeoutMillis = group, "AAAAAAAAAAAAAAAAAAAAAA", 60_000
	request.SubscribedTopicNames, request.Topics = []string{topic}, []kmsg.ConsumerGroupHeartbeatRequestTopic{}
	beat := func() error {
		answer, err := request.RequestWith(t.Context(), client)
		if err == nil {
			err = kerr.ErrorForCode(answer.ErrorCode)
		}
		if err != nil {
			return err
		}
		request.MemberEpoch = answer.MemberEpoch
		if answer.Assignment == nil {
			return nil
		}
		request.Topics = request.Topics[:0]
		for _, assigned := range answer.Assignment.Topics {
			owned := kmsg.NewConsumerGroupHeartbeatRequestTopic()
			owned.TopicID, owned.Partitions = assigned.TopicID, assigned.Partitions
			request.Topics = append(request.Topics, owned)
		}
		return nil
	}
	// A coordinator that is new is not there at once, and an assignment may come with a later answer.
	ticks := time.NewTicker(50 * time.Millisecond)
	t.Cleanup(ticks.Stop)
	for range 400 {
		err = beat()
		if err == nil && len(request.Topics) > 0 {
			err = beat() // says that it has them
			break
		}
		<-ticks.C
	}
	if err != nil || len(request.Topics) == 0 {
		t.Fatalf("the member of %s gets no partitions: %v", group, err)
	}
	ticks.Reset(3 * time.Second)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-ticks.C:
				if err := beat(); err != nil && t.Context().Err() == nil {
					t.Errorf("the heartbeat of %s: %v", group, err)
				}
			case <-t.Context().Done():
				return
			}
		}
	}()
	t.Cleanup(func() { // the context of the test has ended
		<-done
		client.Close()
	})
}
