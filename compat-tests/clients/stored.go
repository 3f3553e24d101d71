package clients

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/barnabas-mq/barnabas/compat-tests/clients/program"
	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
)

// judge looks at the broker beside the client under test.
type judge struct {
	tb        testing.TB
	bootstrap string
	admin     *kadm.Client
}

func newJudge(tb testing.TB, bootstrap string) *judge {
	tb.Helper()
	admin, err := kadm.NewOptClient(kgo.SeedBrokers(bootstrap))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(admin.Close)
	return &judge{tb: tb, bootstrap: bootstrap, admin: admin}
}

func (j *judge) context() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), stepTimeout)
	j.tb.Cleanup(cancel)
	return ctx
}

// create makes topics and returns when their partitions have a leader.
func (j *judge) create(partitions int, topics ...string) {
	j.tb.Helper()
	created, err := j.admin.CreateTopics(j.context(), int32(partitions), 1, nil, topics...)
	if err == nil {
		err = created.Error()
	}
	if err != nil {
		j.tb.Fatalf("create topics: %v", err)
	}
	tick := time.NewTicker(describeInterval)
	defer tick.Stop()
	for ctx := j.context(); ; {
		offsets, err := j.admin.ListEndOffsets(ctx, topics...)
		if err == nil {
			err = offsets.Error()
		}
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			j.tb.Fatalf("created topics: %v", err)
		}
	}
}

// partitions is how many partitions the topic has.
func (j *judge) partitions(topic string) int {
	j.tb.Helper()
	details, err := j.admin.ListTopics(j.context(), topic)
	if err == nil {
		err = details.Error()
	}
	if err != nil {
		j.tb.Fatalf("list topic %s: %v", topic, err)
	}
	return len(details[topic].Partitions)
}

// committed are the offsets that the group has committed.
func (j *judge) committed(group, topic string) map[int32]int64 {
	j.tb.Helper()
	responses, err := j.admin.FetchOffsets(j.context(), group)
	if err == nil {
		err = responses.Error()
	}
	if err != nil {
		j.tb.Fatalf("fetch offsets of %s: %v", group, err)
	}
	offsets := make(map[int32]int64)
	for partition, response := range responses[topic] {
		offsets[partition] = response.At
	}
	return offsets
}

// ends are the offsets behind the last records of a topic.
func (j *judge) ends(topic string) map[int32]int64 {
	j.tb.Helper()
	listed, err := j.admin.ListEndOffsets(j.context(), topic)
	if err == nil {
		err = listed.Error()
	}
	if err != nil {
		j.tb.Fatalf("list the ends of %s: %v", topic, err)
	}
	ends := make(map[int32]int64)
	for partition, listed := range listed[topic] {
		ends[partition] = listed.Offset
	}
	return ends
}

// group describes a group: its state and the number of its members.
func (j *judge) group(name string) (state string, members int) {
	j.tb.Helper()
	groups, err := j.admin.DescribeGroups(j.context(), name)
	if err == nil {
		err = groups.Error()
	}
	if err != nil {
		j.tb.Fatalf("describe group %s: %v", name, err)
	}
	return groups[name].State, len(groups[name].Members)
}

// describeInterval is how often a group is described while its state is awaited.
const describeInterval = 100 * time.Millisecond

// awaitGroup waits until the group has the state and the number of members.
func (j *judge) awaitGroup(limit time.Duration, name, state string, members int) {
	j.tb.Helper()
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(describeInterval)
	defer tick.Stop()
	for {
		gotState, gotMembers := j.group(name)
		if gotState == state && gotMembers == members {
			return
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			j.tb.Fatalf("group %s is %s with %d members after %v, want %s with %d", name, gotState, gotMembers, limit, state, members)
		}
	}
}

// stored is a record with the codec of the batch that it lies in.
type stored struct {
	program.Record
	codec string
}

// codecNames are indexed by the codec bits of a batch's attributes.
var codecNames = []string{"none", "gzip", "snappy", "lz4", "zstd"}

// stored reads count records from the beginning of the topics, without a group.
func (j *judge) stored(count int, topics ...string) []stored {
	j.tb.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(j.bootstrap), kgo.ConsumeTopics(topics...),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		j.tb.Fatal(err)
	}
	defer client.Close()
	ctx := j.context()
	var records []stored
	for len(records) < count {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			j.tb.Fatalf("read %d of %d records: %v", len(records), count, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			at := r.Timestamp.UnixMilli()
			record := program.Record{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Timestamp: &at, Key: r.Key, Value: r.Value}
			for _, h := range r.Headers {
				record.Headers = append(record.Headers, program.Header{Name: h.Key, Value: h.Value})
			}
			records = append(records, stored{Record: record, codec: codecNames[r.Attrs.CompressionType()]})
		})
	}
	return records
}

var dumpedCodec = regexp.MustCompile(`compresscodec: (\w+)`)

// dumpedCodecs are the codecs that Kafka's dump-log reads in the topic's segments, sorted.
func dumpedCodecs(tb testing.TB, dataDir, topic string) []string {
	tb.Helper()
	segments, err := filepath.Glob(filepath.Join(dataDir, topic+"-*", "*.log"))
	if err != nil || len(segments) == 0 {
		tb.Fatalf("no segments of %s in %s (%v)", topic, dataDir, err)
	}
	files := segments[0]
	for _, segment := range segments[1:] {
		files += "," + segment
	}
	out, err := oracle.Tool{Name: "dump-log", Args: []string{"--files", files}}.Run()
	if err != nil {
		tb.Fatal(err)
	}
	var codecs []string
	for _, match := range dumpedCodec.FindAllStringSubmatch(out.Stdout, -1) {
		codecs = append(codecs, match[1])
	}
	slices.Sort(codecs)
	return slices.Compact(codecs)
}

// checkOrder tells whether offsets of each partition follow each other without
// a gap, from the given ones on (0 where none is given), and moves those on.
func checkOrder(records []program.Record, next map[int32]int64) error {
	for _, r := range records {
		if r.Offset != next[r.Partition] {
			return fmt.Errorf("partition %d: offset %d follows, want %d", r.Partition, r.Offset, next[r.Partition])
		}
		next[r.Partition] = r.Offset + 1
	}
	return nil
}
