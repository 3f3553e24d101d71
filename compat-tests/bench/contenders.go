package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/barnabas-mq/barnabas/compat-tests/barnabas"
	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

// contender is a broker that is measured.
type contender interface {
	testbed.Target
	ReadyAfter() time.Duration
}

// starter makes a broker on a fresh data folder.
type starter func() (contender, error)

// nullBroker is the name of the broker that stores nothing: workloads read nothing
// back from it.
const nullBroker = "null"

// devStarters make every broker that there is, none of which syncs before it
// answers.
var devStarters = map[string]starter{
	"barnabas":     func() (contender, error) { return startBarnabas("dev", nil) },
	"kfake":        func() (contender, error) { return startOwn("kfake", "peer") },
	"kfake-memory": func() (contender, error) { return startOwn("kfake-memory", "peer", "-memory") },
	"kafka":        func() (contender, error) { return startDevKafka(nil) },
	nullBroker:     func() (contender, error) { return startOwn(nullBroker, "null") },
	ourRules:       func() (contender, error) { return startSecured("barnabas", ourRules) },
	kafkaRules:     func() (contender, error) { return startSecured("kafka", kafkaRules) },
}

// is tells whether a broker's name is this one, with or without a version behind it.
func is(broker, name string) bool {
	version, found := strings.CutPrefix(broker, name)
	return found && (version == "" || len(version) > 1 && version[0] == '-' && version[1] >= '0' && version[1] <= '9')
}

// startBarnabas starts Barnabas in a profile.
func startBarnabas(profile string, properties map[string]string) (*testbed.Broker, error) {
	return barnabas.Start(barnabas.Options{Profile: profile, Properties: deletingSoon(properties)})
}

// startKafka starts Apache Kafka as a server would run.
func startKafka(properties map[string]string) (*testbed.Broker, error) {
	return oracle.Start(oracle.Options{HeapMiB: 1024, Server: true, Properties: deletingSoon(properties)})
}

// deletingSoon adds that files of deleted topics go soon: the rounds would fill the disk,
// and a broker would pay for them while another is measured.
func deletingSoon(properties map[string]string) map[string]string {
	all := map[string]string{"log.segment.delete.delay.ms": "1000"}
	maps.Copy(all, properties)
	return all
}

// startOwn builds and starts a program of a folder beside this one.
func startOwn(name, program string, flags ...string) (*testbed.Broker, error) {
	dir, err := os.MkdirTemp("", "bench-peer-")
	if err != nil {
		return nil, err
	}
	b, err := startOwnIn(name, program, dir, flags)
	if err != nil {
		_ = os.RemoveAll(dir)
		return nil, err
	}
	return b, nil
}

func startOwnIn(name, program, dir string, flags []string) (*testbed.Broker, error) {
	binary := filepath.Join(dir, program)
	source := "github.com/barnabas-mq/barnabas/compat-tests/bench/" + program
	if out, err := exec.Command("go", "build", "-o", binary, source).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build %s: %w\n%s", name, err, out)
	}
	ports, err := testbed.FreePorts(1)
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	var stdout *testbed.FirstLine
	return testbed.NewBroker(testbed.Launch{
		Name: name, Dir: dir, DataDir: data, Bootstrap: fmt.Sprintf("127.0.0.1:%d", ports[0]),
		Command: func() *exec.Cmd {
			cmd := exec.Command(binary, append([]string{"-port", strconv.Itoa(ports[0]), "-data", data}, flags...)...)
			stdout = testbed.NewFirstLine()
			cmd.Stdout = stdout
			return cmd
		},
		Ready: func(p *testbed.Process) error {
			_, err := stdout.Await(p, 30*time.Second)
			return err
		},
	})
}

// measureStarts restarts each broker on its (empty) data and takes the time from
// the fork to the first answer to Metadata.
func measureStarts(t *table, brokers []contender, o options) error {
	for i := range o.starts {
		for _, b := range brokers {
			fmt.Fprintf(os.Stderr, "start %d of %d, %s\n", i+1, o.starts, b.Name())
			signalled := time.Now()
			if err := b.Stop(); err != nil {
				return err
			}
			t.add("SIGTERM to exit", "ms", lower, b.Name(), millis(time.Since(signalled)))
			if err := b.Start(); err != nil {
				return err
			}
			asked := time.Now()
			if err := testbed.AskMetadata(b.Bootstrap()); err != nil {
				return err
			}
			took := b.ReadyAfter() + time.Since(asked)
			t.add("start to Metadata", "ms", lower, b.Name(), float64(took.Microseconds())/1000)
		}
	}
	return nil
}

// benchTimeout bounds one workload on one broker.
const benchTimeout = 5 * time.Minute

// withTopic runs f on a fresh topic and deletes it afterwards.
func withTopic(b contender, partitions int32, f func(ctx context.Context, topic string) error) error {
	return withTopicOf(b, partitions, nil, f)
}

// withTopicOf is withTopic for a topic with settings. It returns when the files are gone,
// so that what it costs to remove them falls on nobody's figures. The topic is deleted
// when f fails as well, or the next workload would find the disk fuller.
func withTopicOf(b contender, partitions int32, settings map[string]*string, f func(ctx context.Context, topic string) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), benchTimeout)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Bootstrap()))
	if err != nil {
		return err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	topic := fmt.Sprintf("bench-%d", time.Now().UnixNano())
	if _, err := admin.CreateTopic(ctx, partitions, 1, settings, topic); err != nil {
		return err
	}
	err = awaitTopic(ctx, admin, topic, partitions)
	if err == nil {
		err = f(ctx, topic)
	}
	if err != nil {
		// The broker may be dead.
		return errors.Join(err, deleteTopic(b, admin, topic, failedPatience))
	}
	return deleteTopic(b, admin, topic, deletePatience)
}

const (
	// deletePatience bounds how long a broker may take to forget a topic. Kafka first
	// looks for files to remove half a minute after its start.
	deletePatience = time.Minute
	failedPatience = 5 * time.Second
)

// deleteTopic deletes a topic and waits until its files are gone. It has a time of its
// own: that of the workload may be over. Files that stay longer are told: the figures of
// the workload are none the worse.
func deleteTopic(b contender, admin *kadm.Client, topic string, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if _, err := admin.DeleteTopic(ctx, topic); err != nil {
		return fmt.Errorf("delete %s: %w", topic, err)
	}
	for {
		left, err := filesOf(b.DataDir(), topic)
		if err != nil || len(left) == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			fmt.Fprintf(os.Stderr, "%s has %d folders of the deleted topic %s left after %v\n", b.Name(), len(left), topic, patience)
			return nil
		case <-time.After(metadataPause):
		}
	}
}

// filesOf are the folders of a topic's partitions, and those set aside to be removed:
// directly in the data folder, or with kfake in one folder below it.
func filesOf(data, topic string) ([]string, error) {
	direct, err := filepath.Glob(filepath.Join(data, topic+"-*"))
	if err != nil {
		return nil, err
	}
	below, err := filepath.Glob(filepath.Join(data, "partitions", topic+"-*"))
	return append(direct, below...), err
}

// topicPause is between two looks at whether a new topic is there.
const topicPause = 5 * time.Millisecond

// awaitTopic waits until every partition answers: Kafka creates logs a moment
// after it has answered.
func awaitTopic(ctx context.Context, admin *kadm.Client, topic string, partitions int32) error {
	for {
		ends, err := admin.ListEndOffsets(ctx, topic)
		if err == nil && ends.Error() == nil && len(ends[topic]) == int(partitions) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(topicPause):
		}
	}
}

// stored is the number of records that a topic holds.
func stored(ctx context.Context, b contender, topic string) (int64, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Bootstrap()))
	if err != nil {
		return 0, err
	}
	defer client.Close()
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, topic)
	if err != nil {
		return 0, err
	}
	var n int64
	ends.Each(func(o kadm.ListedOffset) { n += o.Offset })
	return n, ends.Error()
}
