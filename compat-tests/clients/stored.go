package clients

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/barnabas-mq/barnabas/compat-tests/clients/program"
	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
)

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
