package broker

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/protocol"
)

// damage is one way in which a file goes bad.
type damage struct {
	name string
	do   func(rng *rand.Rand, data []byte) []byte // nil removes the file
}

var damages = []damage{
	{"a flipped bit", func(rng *rand.Rand, data []byte) []byte {
		if len(data) > 0 {
			data[rng.IntN(len(data))] ^= 1 << rng.IntN(8)
		}
		return data
	}},
	{"a changed byte", func(rng *rand.Rand, data []byte) []byte {
		if len(data) > 0 {
			data[rng.IntN(len(data))] = byte(rng.Uint32())
		}
		return data
	}},
	{"cut", func(rng *rand.Rand, data []byte) []byte { return data[:rng.IntN(len(data)+1)] }},
	{"a hole of zeros", func(rng *rand.Rand, data []byte) []byte {
		if len(data) > 0 {
			from := rng.IntN(len(data))
			clear(data[from:min(from+1+rng.IntN(64), len(data))])
		}
		return data
	}},
	{"zeros to the end", func(rng *rand.Rand, data []byte) []byte {
		clear(data[rng.IntN(len(data)+1):])
		return data
	}},
	{"zeros appended", func(rng *rand.Rand, data []byte) []byte { return append(data, make([]byte, 1+rng.IntN(5000))...) }},
	{"garbage appended", func(rng *rand.Rand, data []byte) []byte {
		for range 1 + rng.IntN(100) {
			data = append(data, byte(rng.Uint32()))
		}
		return data
	}},
	{"emptied", func(*rand.Rand, []byte) []byte { return []byte{} }},
	{"removed", func(*rand.Rand, []byte) []byte { return nil }},
}

// victim is a data directory whose content is known.
type victim struct {
	files *vfs.Mem
	want  map[string][]string // by topic, the value at each offset
	// floor is how many of them lie below the durable checkpoint.
	floor map[string]int
	// committed is the group's newest offset, durable the newest below the checkpoint.
	committed, durable int64
}

const offsetsLog = "__consumer_offsets"

// newVictim fills a directory with several segments per topic, idempotent
// producers and a checkpoint, and stops or kills the broker.
func newVictim(t *testing.T, stop string) victim {
	t.Helper()
	files := vfs.NewMem()
	b := mustOpen(t, files, "offsets.topic.num.partitions=1", "barnabas.durability=sync", "metadata.log.max.record.bytes.between.snapshots=1")
	c := dial(t, b)
	v := victim{files: files, want: make(map[string][]string), floor: make(map[string]int)}
	fill := func(n int) {
		for _, topic := range []string{"alpha", "beta"} {
			for range n {
				offset := len(v.want[topic])
				value := fmt.Sprintf("%s-%d-%s", topic, offset, strings.Repeat("x", 100))
				if got := c.produceAs(topic, 40, int32(offset), value); got != int64(offset) {
					t.Fatalf("offset %d, want %d", got, offset)
				}
				v.want[topic] = append(v.want[topic], value)
			}
		}
		for range n {
			v.committed++
			c.commit("group", "alpha", v.committed)
		}
	}
	for _, topic := range []string{"alpha", "beta"} {
		c.createTopic(topic, map[string]string{"internal.segment.bytes": "1500", "index.interval.bytes": "200"})
	}
	fill(20)
	v.durable = v.committed
	for _, topic := range []string{"alpha", "beta", offsetsLog} {
		must(t, b.partitions.Get(b.metadata.Image().Topic(topic).ID, 0).Log().Flush())
		v.floor[topic] = len(v.want[topic])
	}
	must(t, b.logs.Checkpoint())
	fill(8)
	switch stop {
	case "killed":
		v.files = files.CrashCopy(vfs.CrashKeepAll, nil)
		mustClose(t, b)
	case "clean":
		mustClose(t, b)
		for topic, values := range v.want {
			v.floor[topic] = len(values)
		}
		v.durable = v.committed
	}
	return v
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (c *client) createTopic(name string, configs map[string]string) {
	c.t.Helper()
	if code := c.tryCreateTopic(name, configs); code != 0 {
		c.t.Fatalf("creating %s with %v: %v", name, configs, protocol.ErrorForCode(code))
	}
}

func (c *client) tryCreateTopic(name string, configs map[string]string) int16 {
	c.t.Helper()
	q := kmsg.NewPtrCreateTopicsRequest()
	q.SetVersion(5)
	one := kmsg.NewCreateTopicsRequestTopic()
	one.Topic, one.NumPartitions, one.ReplicationFactor = name, 1, 1
	for _, key := range slices.Sorted(maps.Keys(configs)) {
		cfg := kmsg.NewCreateTopicsRequestTopicConfig()
		value := configs[key]
		cfg.Name, cfg.Value = key, &value
		one.Configs = append(one.Configs, cfg)
	}
	q.Topics = append(q.Topics, one)
	return c.ask(q).(*kmsg.CreateTopicsResponse).Topics[0].ErrorCode
}

// produceAs appends one record of an idempotent producer.
func (c *client) produceAs(topic string, producer protocol.ProducerID, sequence int32, value string) int64 {
	c.t.Helper()
	offset, code := c.trySend(topic, producer, sequence, value)
	if code != 0 {
		c.t.Fatalf("producing: %v", protocol.ErrorForCode(code))
	}
	return offset
}

func (c *client) trySend(topic string, producer protocol.ProducerID, sequence int32, value string) (int64, int16) {
	c.t.Helper()
	options := protocol.DefaultBatchOptions()
	options.ProducerID, options.ProducerEpoch, options.BaseSequence = producer, 0, sequence
	builder := protocol.NewBatchBuilder(options)
	builder.Add(protocol.Timestamp(time.Now().UnixMilli()), nil, []byte(value))
	return c.tryProduce(topic, builder.Build(0, protocol.None))
}

// errDamaged is what a consumer finds itself: it checks each batch's CRC.
var errDamaged = errors.New("a consumer sees a damaged batch")

// consume reads everything as a consumer does, a few batches at a time, and
// returns the values by offset and the log start.
func (c *client) consume(topic string) (got map[int64]string, start, high int64, err error) {
	c.t.Helper()
	got = make(map[int64]string)
	for from := int64(0); ; {
		q := kmsg.NewPtrFetchRequest()
		q.SetVersion(12)
		q.MaxBytes, q.SessionEpoch = 700, -1
		one := kmsg.NewFetchRequestTopic()
		one.Topic = topic
		p := kmsg.NewFetchRequestTopicPartition()
		p.PartitionMaxBytes, p.FetchOffset = 700, from
		one.Partitions = append(one.Partitions, p)
		q.Topics = append(q.Topics, one)
		answer := c.ask(q).(*kmsg.FetchResponse).Topics[0].Partitions[0]
		if answer.ErrorCode == protocol.ErrOffsetOutOfRange.Code && from == 0 {
			if from = c.earliest(topic); from > 0 {
				continue
			}
		}
		if answer.ErrorCode != 0 {
			return got, start, high, protocol.ErrorForCode(answer.ErrorCode)
		}
		start, high = answer.LogStartOffset, answer.HighWatermark
		next, err := recordsOf(answer.RecordBatches, from, got)
		if err != nil {
			return got, start, high, err
		}
		if next >= high {
			return got, start, high, nil
		}
		if next <= from {
			return got, start, high, fmt.Errorf("%w: nothing at %d of %d", errDamaged, from, high)
		}
		from = next
	}
}

func recordsOf(data []byte, from int64, got map[int64]string) (next int64, err error) {
	next = from
	for len(data) > 0 {
		batch, more, err := protocol.NextBatch(data)
		if err == nil {
			err = protocol.VerifyBatch(batch)
		}
		if err != nil {
			return next, fmt.Errorf("%w: %w", errDamaged, err)
		}
		data = more
		err = batch.EachRecord(protocol.DecodeLimits{}, func(r *protocol.Record) error {
			if int64(r.Offset) >= from {
				got[int64(r.Offset)] = string(r.Value)
			}
			return nil
		})
		if err != nil {
			return next, fmt.Errorf("%w: %w", errDamaged, err)
		}
		next = int64(batch.LastOffset()) + 1
	}
	return next, nil
}

func (c *client) earliest(topic string) int64 {
	c.t.Helper()
	q := kmsg.NewPtrListOffsetsRequest()
	q.SetVersion(5)
	one := kmsg.NewListOffsetsRequestTopic()
	one.Topic = topic
	p := kmsg.NewListOffsetsRequestTopicPartition()
	p.Timestamp = -2
	one.Partitions = append(one.Partitions, p)
	q.Topics = append(q.Topics, one)
	return c.ask(q).(*kmsg.ListOffsetsResponse).Topics[0].Partitions[0].Offset
}

// tree is every file of a directory with its content.
func tree(t *testing.T, files vfs.FS, dir string) map[string][]byte {
	t.Helper()
	all := make(map[string][]byte)
	entries, err := files.ReadDir(dir)
	must(t, err)
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		if e.IsDir() {
			all[name+"/"] = nil
			maps.Copy(all, tree(t, files, name))
			continue
		}
		data, err := vfs.ReadFile(files, name, 1<<30)
		must(t, err)
		all[name] = data
	}
	return all
}

// repairable are the files that recovery after a kill makes of the metadata log's
// batches, before the metadata can be judged. After a clean stop it does not.
func repairable(name string) bool {
	return strings.Contains(name, "__cluster_metadata-0/") && (strings.HasSuffix(name, "index") || path.Base(name) == "leader-epoch-checkpoint")
}

func differences(before, after map[string][]byte, allowed func(name string) bool) (lines []string) {
	if _, clean := before[path.Join(dataDir, cleanMarkerName)]; clean {
		allowed = func(string) bool { return false }
	}
	for name, data := range before {
		if allowed(name) {
			continue
		}
		if now, ok := after[name]; !ok {
			lines = append(lines, "gone: "+name)
		} else if !bytes.Equal(data, now) {
			lines = append(lines, "changed: "+name)
		}
	}
	for name := range after {
		if _, ok := before[name]; !ok && path.Base(name) != lockName && !allowed(name) {
			lines = append(lines, "new: "+name)
		}
	}
	slices.Sort(lines)
	return lines
}

func harm(files vfs.FS, name string, d damage, rng *rand.Rand) (changed bool, err error) {
	data, err := vfs.ReadFile(files, name, 1<<30)
	if err != nil {
		return false, err
	}
	bad := d.do(rng, bytes.Clone(data))
	if bad == nil {
		return true, files.Remove(name)
	}
	f, err := files.Open(name, vfs.ReadWrite|vfs.Truncate, 0)
	if err != nil {
		return false, err
	}
	if _, err := f.WriteAt(bad, 0); err != nil {
		return false, err
	}
	return !bytes.Equal(data, bad), errors.Join(f.Datasync(), f.Close())
}

// Whatever happens to one file of a data directory, after a clean stop and after
// a kill: the broker never panics and never serves a record that is not the one
// that was written; what was durable is there or its partition answers with an
// error; and a start that is refused leaves everything as it is.
func TestNoDamageIsServed(t *testing.T) {
	seeds := uint64(2)
	if testing.Short() {
		seeds = 1
	}
	for _, stop := range []string{"clean", "killed"} {
		t.Run(stop, func(t *testing.T) {
			v := newVictim(t, stop)
			names := slices.Sorted(maps.Keys(tree(t, v.files, dataDir)))
			for i, name := range names {
				if strings.HasSuffix(name, "/") || path.Base(name) == lockName {
					continue
				}
				for j, d := range damages {
					for seed := range seeds {
						rng := rand.New(rand.NewPCG(uint64(i)<<16|uint64(j), seed))
						t.Run(fmt.Sprintf("%s/%s/%d", strings.TrimPrefix(name, dataDir+"/"), d.name, seed), func(t *testing.T) {
							v.survive(t, name, d, rng)
						})
					}
				}
			}
		})
	}
}

func (v victim) survive(t *testing.T, name string, d damage, rng *rand.Rand) {
	files := v.files.CrashCopy(vfs.CrashKeepAll, nil)
	if changed, err := harm(files, name, d, rng); err != nil || !changed {
		must(t, err)
		return
	}
	before := tree(t, files, dataDir)
	b, err := open(t, files, "barnabas.durability=sync")
	if err != nil {
		var refused *DirectoryError
		if !errors.As(err, &refused) {
			t.Errorf("the start failed with %v", err)
		}
		if diff := differences(before, tree(t, files, dataDir), repairable); len(diff) > 0 {
			t.Errorf("a refused start changed the directory: %q\n%v", diff, err)
		}
		return
	}
	defer mustCloseDamaged(t, b)
	c := dial(t, b)
	offline := 0
	for topic, want := range v.want {
		got, start, high, err := c.consume(topic)
		for offset, value := range got {
			if offset >= int64(len(want)) || want[offset] != value {
				t.Errorf("%s: offset %d has %.40q", topic, offset, value)
			}
		}
		if err != nil {
			offline++
			if !errors.Is(err, protocol.ErrKafkaStorageError) { // ranges as small as these are checked before they are sent
				t.Errorf("%s: %v", topic, err)
			}
			continue
		}
		if start != 0 || high < int64(v.floor[topic]) || len(got) != int(high) {
			t.Errorf("%s: %d records, from %d to %d; %d were durable", topic, len(got), start, high, v.floor[topic])
		}
		if offset, code := c.trySend(topic, 40, int32(high-1), "again"); code == 0 && offset != high-1 {
			t.Errorf("%s: the newest batch, sent again, got the offset %d", topic, offset)
		}
	}
	// An entry of the write-ahead log has what was committed together, of both.
	if offline > 1 && !strings.Contains(name, "barnabas-wal") {
		t.Error("one damaged file took both topics away")
	}
	if offset, code := c.committed("group", "alpha"); code == 0 && (offset < v.durable || offset > v.committed) {
		t.Errorf("the group stands at %d; it committed %d, of which %d was durable", offset, v.committed, v.durable)
	}
}

// findCoordinator makes sure that the topic of the group's offsets is there.
func (c *client) findCoordinator(group string) {
	c.t.Helper()
	find := kmsg.NewPtrFindCoordinatorRequest()
	find.SetVersion(3)
	find.CoordinatorKey = group
	c.ask(find)
}

// commit commits an offset of partition 0 for a group without members.
func (c *client) commit(group, topic string, offset int64) {
	c.t.Helper()
	c.findCoordinator(group)
	q := kmsg.NewPtrOffsetCommitRequest()
	q.SetVersion(8)
	q.Group, q.Generation = group, -1
	one := kmsg.NewOffsetCommitRequestTopic()
	one.Topic = topic
	p := kmsg.NewOffsetCommitRequestTopicPartition()
	p.Offset = offset
	one.Partitions = append(one.Partitions, p)
	q.Topics = append(q.Topics, one)
	for range 1000 { // the group's shard may still be loading
		code := c.ask(q).(*kmsg.OffsetCommitResponse).Topics[0].Partitions[0].ErrorCode
		if code == 0 {
			return
		}
		if code != protocol.ErrCoordinatorLoadInProgress.Code {
			c.t.Fatalf("committing: %v", protocol.ErrorForCode(code))
		}
	}
	c.t.Fatal("the group's shard does not come up")
}

// committed is the group's offset for partition 0, or an error code.
func (c *client) committed(group, topic string) (int64, int16) {
	c.t.Helper()
	c.findCoordinator(group)
	q := kmsg.NewPtrOffsetFetchRequest()
	q.SetVersion(7)
	q.Group = group
	one := kmsg.NewOffsetFetchRequestTopic()
	one.Topic, one.Partitions = topic, []int32{0}
	q.Topics = append(q.Topics, one)
	for range 1000 {
		p := c.ask(q).(*kmsg.OffsetFetchResponse)
		if p.ErrorCode == protocol.ErrCoordinatorLoadInProgress.Code {
			continue
		}
		if p.ErrorCode != 0 {
			return 0, p.ErrorCode
		}
		return p.Topics[0].Partitions[0].Offset, p.Topics[0].Partitions[0].ErrorCode
	}
	c.t.Fatal("the group's shard does not come up")
	return 0, 0
}

func mustCloseDamaged(t *testing.T, b *Broker) {
	t.Helper()
	if err := b.Close(t.Context()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Logf("closing: %v", err)
	}
}
