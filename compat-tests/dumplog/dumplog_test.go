package dumplog

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/barnabas-mq/barnabas/compat-tests/barnabas"
	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

const (
	testTimeout = 3 * time.Minute
	groups      = 20
)

// Kafka's own tool reads every file of a stopped broker and finds what was
// produced.
func TestKafkaReadsEveryFile(t *testing.T) {
	oracle.Need(t)
	t.Run("barnabas", func(t *testing.T) {
		readEveryFile(t, barnabas.Run(t, barnabas.Options{Profile: "server", Properties: brokerSettings}), false)
	})
	t.Run("kafka", func(t *testing.T) {
		if testing.Short() {
			t.Skip("judges the test, not the broker")
		}
		readEveryFile(t, oracle.Run(t, oracle.Options{Properties: brokerSettings}), true)
	})
}

// readEveryFile runs the workload and the tool; everything is built in Kafka.
func readEveryFile(t *testing.T, broker *testbed.Broker, everything bool) {
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	want := map[string]int{}
	for _, c := range chapters {
		t.Run("produce "+c.topic, func(t *testing.T) {
			if c.waits != "" && !everything {
				t.Skipf("waits for %s", c.waits)
			}
			want[c.topic] = fill(t, ctx, broker, c)
		})
	}
	commit(t, ctx, broker)
	limit(t, ctx, broker)
	if err := broker.Stop(); err != nil {
		t.Fatal(err)
	}
	dir := broker.DataDir()
	for topic, n := range want {
		t.Run("log of "+topic, func(t *testing.T) { checkLogs(t, dir, chapterOf(topic), n) })
	}
	t.Run("indexes", func(t *testing.T) { checkIndexes(t, dir) })
	t.Run("snapshots", func(t *testing.T) { checkSnapshots(t, dir, want) })
	t.Run("aborted transactions", func(t *testing.T) { checkAborted(t, dir) })
	t.Run("offsets", func(t *testing.T) { checkOffsets(t, dir) })
	t.Run("transaction log", func(t *testing.T) { checkTransactionLog(t, dir) })
	t.Run("metadata", func(t *testing.T) { checkMetadata(t, dir, want) })
}

// fill makes a topic and returns how many records its files must hold.
func fill(t *testing.T, ctx context.Context, broker *testbed.Broker, c chapter) int {
	t.Helper()
	admin, err := kadm.NewOptClient(kgo.SeedBrokers(broker.Bootstrap()))
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	if err := c.create(ctx, admin); err != nil {
		t.Fatal(err)
	}
	if err := c.produce(ctx, broker.Bootstrap()); err != nil {
		t.Fatal(err)
	}
	if c.compacted {
		return awaitCompacted(t, ctx, broker, c.topic)
	}
	n := 0
	err = read(ctx, broker.Bootstrap(), c.topic, func(*kgo.Record) { n++ })
	if err != nil || n != recordsEach {
		t.Fatalf("%d records of %d are there, %v", n, recordsEach, err)
	}
	return n
}

// commit commits an offset per group, twice.
func commit(t *testing.T, ctx context.Context, broker *testbed.Broker) {
	t.Helper()
	admin, err := kadm.NewOptClient(kgo.SeedBrokers(broker.Bootstrap()))
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	for g := range groups {
		for _, at := range []int64{1, 100 + int64(g)} {
			offsets := kadm.Offsets{}
			offsets.AddOffset("none", 0, at, -1)
			if err := admin.CommitAllOffsets(ctx, groupName(g), offsets); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// limit gives a user a credential and a quota.
func limit(t *testing.T, ctx context.Context, broker *testbed.Broker) {
	t.Helper()
	admin, err := kadm.NewOptClient(kgo.SeedBrokers(broker.Bootstrap()))
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	users, err := admin.AlterUserSCRAMs(ctx, nil, []kadm.UpsertSCRAM{{User: "dumped", Mechanism: kadm.ScramSha512, Iterations: 4097, Password: "secret"}})
	if err != nil || users.Error() != nil {
		t.Fatal(err, users.Error())
	}
	user := "dumped"
	limits, err := admin.AlterClientQuotas(ctx, []kadm.AlterClientQuotaEntry{{
		Entity: kadm.ClientQuotaEntity{{Type: "user", Name: &user}}, Ops: []kadm.AlterClientQuotaOp{{Key: "consumer_byte_rate", Value: 4321}},
	}})
	if err != nil || limits[0].Err != nil {
		t.Fatal(err, limits)
	}
}

func groupName(g int) string { return fmt.Sprintf("group-%02d", g) }

// dumped runs the tool over the files and checks that it came to each.
func dumped(t *testing.T, files []string, flags ...string) []dump {
	t.Helper()
	return dumpedWith(t, files, false, flags...)
}

func dumpedWith(t *testing.T, files []string, gapsAllowed bool, flags ...string) []dump {
	t.Helper()
	if len(files) == 0 {
		t.Fatal("no such files")
	}
	dumps, err := dumpFiles(files, gapsAllowed, flags...)
	if err == nil {
		err = named(dumps, files)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dumps
}

func find(t *testing.T, dir string, inFolder func(string) bool, suffixes ...string) []string {
	t.Helper()
	files, err := filesOf(dir, inFolder, suffixes...)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func checkLogs(t *testing.T, dir string, c chapter, want int) {
	dumps := dumpedWith(t, find(t, dir, folderOf(c.topic), ".log"), c.compacted, "--deep-iteration", "--print-data-log")
	if len(dumps) < 4 && !c.compacted {
		t.Errorf("%d segments on two partitions, want several on each", len(dumps))
	}
	got := 0
	for _, d := range dumps {
		n, err := d.records()
		if err != nil {
			t.Fatal(err)
		}
		got += n
	}
	if got != want {
		t.Errorf("Kafka finds %d records, want %d", got, want)
	}
	if !strings.Contains(text(dumps), "compresscodec: "+c.codecName()+" ") {
		t.Errorf("Kafka finds no batch of codec %s", c.codecName())
	}
}

func chapterOf(topic string) chapter {
	for _, c := range chapters {
		if c.topic == topic {
			return c
		}
	}
	return chapter{}
}

// codecName is the topic's for the topics that are named for their codec.
func (c chapter) codecName() string {
	switch c.topic {
	case "gzip", "snappy", "lz4", "zstd":
		return c.topic
	}
	return "none"
}

func checkIndexes(t *testing.T, dir string) {
	files := find(t, dir, anyFolder, ".index", ".timeindex")
	for _, d := range dumped(t, files, "--index-sanity-check") {
		if said := strings.Join(d.lines, "\n"); !strings.Contains(said, "passed sanity check") && !strings.HasSuffix(said, " is empty.") {
			t.Errorf("%s: %q", d.path, d.lines)
		}
	}
	dumped(t, files, "--verify-index-only")
	t.Logf("%d indexes", len(files))
}

// checkSnapshots finds the producers that are known at the end of each topic.
func checkSnapshots(t *testing.T, dir string, want map[string]int) {
	snapshots := dumped(t, find(t, dir, anyFolder, ".snapshot"))
	for topic := range want {
		found := false
		for _, d := range snapshots {
			if folderOf(topic)(filepath.Base(filepath.Dir(d.path))) && strings.Contains(strings.Join(d.lines, "\n"), "producerId: ") {
				found = true
			}
		}
		if !found {
			t.Errorf("no snapshot of %s has a producer", topic)
		}
	}
}

func checkAborted(t *testing.T, dir string) {
	files := find(t, dir, anyFolder, ".txnindex")
	if len(files) == 0 {
		t.Skip("there is no .txnindex")
	}
	dumped(t, files)
}

func checkOffsets(t *testing.T, dir string) {
	printed := text(dumped(t, find(t, dir, folderOf("__consumer_offsets"), ".log"), "--offsets-decoder"))
	for g := range groups {
		for _, part := range []string{`"group":"` + groupName(g) + `"`, fmt.Sprintf(`"offset":%d,`, 100+g)} {
			if !strings.Contains(printed, part) {
				t.Errorf("no %s among the offsets", part)
			}
		}
	}
}

func checkTransactionLog(t *testing.T, dir string) {
	files := find(t, dir, folderOf("__transaction_state"), ".log")
	if len(files) == 0 {
		t.Skip("there is no __transaction_state")
	}
	dumped(t, files, "--transaction-log-decoder")
}

func checkMetadata(t *testing.T, dir string, topics map[string]int) {
	files := find(t, dir, folderOf("__cluster_metadata"), ".log", ".checkpoint")
	if !slices.ContainsFunc(files, func(path string) bool { return filepath.Ext(path) == ".checkpoint" }) {
		t.Error("there is no snapshot of the metadata")
	}
	printed := text(dumped(t, files, "--cluster-metadata-decoder"))
	for topic := range topics {
		if !regexp.MustCompile(`"type":"TOPIC_RECORD".*"name":"` + topic + `"`).MatchString(printed) {
			t.Errorf("no record of topic %s in the metadata", topic)
		}
	}
	for _, record := range []string{
		`"type":"USER_SCRAM_CREDENTIAL_RECORD".*"name":"dumped".*"mechanism":2.*"iterations":4097`,
		`"type":"CLIENT_QUOTA_RECORD".*"entityType":"user","entityName":"dumped".*"key":"consumer_byte_rate","value":4321`,
	} {
		if !regexp.MustCompile(record).MatchString(printed) {
			t.Errorf("no record %s in the metadata", record)
		}
	}
	t.Logf("%d files of metadata", len(files))
}
