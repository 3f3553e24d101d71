package grouptools

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/barnabas-mq/barnabas/compat-tests/barnabas"
	"github.com/barnabas-mq/barnabas/compat-tests/matrix"
	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
	"github.com/barnabas-mq/barnabas/compat-tests/target"
	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

// envTarget names the broker that is compared with Apache Kafka: barnabas, or
// kafka for a second Kafka, which shows what two runs differ in by themselves.
const envTarget = "BARNABAS_COMPAT_TARGET"

// classes are the tools behind the scripts.
var classes = map[string]string{
	"acls":                "org.apache.kafka.tools.AclCommand",
	"cluster":             "org.apache.kafka.tools.ClusterTool",
	"configs":             "kafka.admin.ConfigCommand",
	"consumer-groups":     "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
	"share-groups":        "org.apache.kafka.tools.consumer.group.ShareGroupCommand",
	"delegation-tokens":   "org.apache.kafka.tools.DelegationTokenCommand",
	"features":            "org.apache.kafka.tools.FeatureCommand",
	"groups":              "org.apache.kafka.tools.GroupsCommand",
	"leader-election":     "org.apache.kafka.tools.LeaderElectionCommand",
	"log-dirs":            "org.apache.kafka.tools.LogDirsCommand",
	"metadata-quorum":     "org.apache.kafka.tools.MetadataQuorumCommand",
	"reassign-partitions": "org.apache.kafka.tools.reassign.ReassignPartitionsCommand",
	"transactions":        "org.apache.kafka.tools.TransactionsCommand",
}

// properties of both brokers. A transaction can hang only where partitions are not verified.
var properties = map[string]string{"group.initial.rebalance.delay.ms": "0", "transaction.partition.verification.enable": "false"}

// settleTries bounds the waiting for what shows with a delay; a tool takes some tens of milliseconds.
const settleTries = 500

// inFront are the tools that want the address before what they are to do.
var inFront = []string{"transactions", "features", "metadata-quorum"}

// TestGroupTools compares what the tools print against two brokers. Each
// chapter has brokers of its own state: lists see the groups of the chapter alone.
func TestGroupTools(t *testing.T) {
	oracle.Need(t)
	matrix.Works(t, "Apache Kafka's command-line tools", oracle.Newest, "Java",
		"groups, transactions, features, quotas, users, replicas and quorum: the text compared", target.Column(), matrix.Kafka)
	testbed.NeedPrograms(t, "javac")
	started := []func(t *testing.T) testbed.Target{
		func(t *testing.T) testbed.Target { return oracle.Run(t, oracle.Options{Properties: properties}) },
		func(t *testing.T) testbed.Target {
			if os.Getenv(envTarget) == "kafka" {
				return oracle.Run(t, oracle.Options{Properties: properties})
			}
			// Profile dev has other time-outs of groups, which configs print.
			return barnabas.Run(t, barnabas.Options{Profile: "server", Properties: properties})
		},
	}
	type stage struct {
		broker testbed.Target
		driver *driver
	}
	stages := make([]stage, len(started))
	for i, start := range started {
		broker := start(t)
		stages[i] = stage{broker, startDriver(t, broker.Bootstrap())}
	}
	for _, c := range concat(chapters, clusterChapters) {
		t.Run(c.name, func(t *testing.T) {
			printed := make([][]string, len(stages))
			t.Run("on", func(t *testing.T) {
				for i, s := range stages {
					t.Run([]string{"kafka", "target"}[i], func(t *testing.T) {
						t.Parallel()
						d := *s.driver
						d.tb = t
						printed[i] = c.tell(t, &d, s.broker.Bootstrap())
					})
				}
			})
			compare(t, c, printed[0], printed[1])
		})
	}
}

func compare(t *testing.T, c chapter, want, got []string) {
	t.Helper()
	if len(want) != len(c.steps) || len(got) != len(c.steps) {
		t.Fatalf("only %d and %d of %d steps were done", len(want), len(got), len(c.steps))
	}
	for i, s := range c.steps {
		if diff := cmp.Diff(want[i], got[i]); diff != "" {
			t.Errorf("step %d, %s\nprints (- Kafka, + target):\n%s", i+1, s.command, diff)
		} else if testing.Verbose() && s.command != "" {
			t.Logf("%s\n%s", s.command, want[i])
		}
	}
}

// tell does the steps of a chapter and returns what each printed.
func (c chapter) tell(t *testing.T, d *driver, bootstrap string) []string {
	t.Helper()
	admin := client(t, bootstrap)
	t.Cleanup(func() {
		d.do(request{Do: "leave"})
		c.sweep(t, admin)
	})
	c.seed(t, admin)
	dir := t.TempDir()
	for name, content := range c.files {
		write(t, filepath.Join(dir, name), content)
	}
	p := newProducers(t, bootstrap)
	printed := make([]string, 0, len(c.steps))
	for _, s := range c.steps {
		printed = append(printed, s.run(t, d, p, bootstrap, dir))
	}
	return printed
}

func (s step) run(t *testing.T, d *driver, p *producers, bootstrap, dir string) string {
	t.Helper()
	switch {
	case s.join != nil:
		d.do(*s.join)
		d.do(request{Do: "await", Group: s.join.Group, Members: s.join.Members, Partitions: s.join.Partitions})
		return ""
	case s.await != nil:
		d.do(*s.await)
		return ""
	case s.leave != "":
		d.do(request{Do: "leave", Member: s.leave})
		return ""
	case s.act != nil:
		s.act(p)
		return ""
	}
	args := strings.Fields(s.command)
	class := classes[args[0]]
	for i, arg := range args {
		if name, isFile := strings.CutPrefix(arg, "@"); isFile {
			args[i] = filepath.Join(dir, name)
		}
	}
	if slices.Contains(inFront, args[0]) {
		args = slices.Insert(args, 1, "--bootstrap-server", bootstrap)
	} else if !slices.Contains(args, "--validate-regex") {
		args = append(args, "--bootstrap-server", bootstrap)
	}
	a := d.do(request{Do: "tool", Class: class, Args: args[1:]})
	for range settleTries {
		if strings.Contains(a.Stdout, s.until) {
			break
		}
		a = d.do(request{Do: "tool", Class: class, Args: args[1:]})
	}
	if s.until != "" {
		if !strings.Contains(a.Stdout, s.until) {
			t.Errorf("%s does not come to print %q:\n%s%s", s.command, s.until, a.Stdout, a.Stderr)
		}
		return ""
	}
	if strings.Contains(a.Stderr, "unrecognized arguments") || strings.Contains(a.Stderr, "invalid choice") {
		t.Errorf("%s: the tool does not know this, and the broker was not asked:\n%s", s.command, a.Stderr)
	}
	if s.save != "" {
		write(t, filepath.Join(dir, s.save), a.Stdout)
	}
	clean := func(text string) string {
		return normalise(p.name(strings.ReplaceAll(text, dir, "DIR")), bootstrap)
	}
	return a.ending() + "\n--- stdout\n" + clean(a.Stdout) + "--- stderr\n" + clean(a.Stderr)
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func client(t *testing.T, bootstrap string) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(bootstrap), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// seed makes the topics of a chapter and fills them.
func (c chapter) seed(t *testing.T, client *kgo.Client) {
	t.Helper()
	forever := "-1"
	for _, topic := range c.topics {
		if _, err := kadm.NewClient(client).CreateTopic(t.Context(), topic.partitions, 1, map[string]*string{"retention.ms": &forever}, topic.name); err != nil {
			t.Fatal(err)
		}
		for partition := range topic.partitions {
			for _, at := range topic.times {
				record := &kgo.Record{Topic: topic.name, Partition: partition, Timestamp: at, Value: []byte("v")}
				if err := client.ProduceSync(t.Context(), record).FirstErr(); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// sweep takes away what a chapter made, so that the next one's lists are its own.
func (c chapter) sweep(t *testing.T, client *kgo.Client) {
	t.Helper()
	ctx, admin := context.Background(), kadm.NewClient(client) // the test's context has ended
	listed, err := admin.ListGroups(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := admin.DeleteGroups(ctx, listed.Groups()...); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, topic := range c.topics {
		names = append(names, topic.name)
	}
	if _, err := admin.DeleteTopics(ctx, names...); err != nil {
		t.Fatal(err)
	}
}
