package broker

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/config"
	"github.com/barnabas-mq/barnabas/internal/clock"
	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/protocol"
)

// settingsWorld is a broker over a disk in memory with a clock that stands still.
type settingsWorld struct {
	t       *testing.T
	files   *vfs.Mem
	clock   *clock.Manual
	broker  *Broker
	client  *client
	reserve atomic.Int64  // blocks that were asked for ahead
	synced  chan struct{} // the topic's segment was synced
	// place, when set, is the broker resource whose settings are altered in place of
	// the topic's, "" for all brokers.
	place *string
	// reopen stops the broker and starts it again with what it was opened with.
	reopen func()
}

func newSettingsWorld(t *testing.T, overrides ...string) *settingsWorld {
	w := &settingsWorld{t: t, files: vfs.NewMem(), clock: clock.NewManual(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC))}
	w.synced = make(chan struct{}, 1)
	w.files.SetNow(w.clock.Now)
	settings, err := config.Load(config.Input{Listen: []string{"127.0.0.1:0"}, Data: dataDir, Profile: "dev",
		Overrides: append([]string{"barnabas.replication.clamp=false"}, overrides...)})
	must(t, err)
	looked := &vfs.Faulty{FS: w.files, Before: func(op vfs.Op) error {
		switch {
		case op.Kind == vfs.OpPreallocate:
			w.reserve.Add(1)
		case op.Kind == vfs.OpSync && strings.HasSuffix(op.Name, "t-0/00000000000000000000.log"):
			select {
			case w.synced <- struct{}{}:
			default:
			}
		}
		return nil
	}}
	w.reopen = func() {
		w.close()
		w.broker, err = Open(Options{Settings: settings, FS: looked, Clock: w.clock, Version: "test"})
		must(t, err)
		w.client = dial(t, w.broker)
	}
	w.reopen()
	t.Cleanup(func() { w.close() })
	return w
}

func (w *settingsWorld) close() {
	if w.broker != nil {
		mustClose(w.t, w.broker)
		w.broker = nil
	}
}

func (w *settingsWorld) now() protocol.Timestamp {
	return protocol.Timestamp(w.clock.Now().UnixMilli())
}

// topic makes the topic t with settings in the form key=value.
func (w *settingsWorld) topic(settings ...string) {
	w.t.Helper()
	configs := make(map[string]string)
	for _, s := range settings {
		key, value, _ := strings.Cut(s, "=")
		configs[key] = value
	}
	if w.place == nil {
		w.client.createTopic("t", configs)
		return
	}
	alter := make(map[string]string)
	for key, value := range configs {
		if behind := behindTopic(key); behind != "" {
			alter[behind] = value
			delete(configs, key)
		}
	}
	w.client.createTopic("t", configs)
	for _, key := range slices.Sorted(maps.Keys(alter)) {
		value := alter[key]
		w.want("altering "+key, w.client.alter(*w.place, key, &value), 0)
	}
}

// behindTopic is the broker setting that may be altered and that decides for
// topics without a setting of their own; empty for a setting that has none.
func behindTopic(topic string) string {
	key, _ := config.Lookup(config.ScopeTopic, topic)
	name := topic
	if len(key.Synonyms) > 0 {
		name = key.Synonyms[0].Name
	}
	if behind, ok := config.Lookup(config.ScopeBroker, name); ok && behind.Update == config.ClusterWide {
		return name
	}
	return ""
}

// another is a world like this one.
func (w *settingsWorld) another() *settingsWorld {
	one := newSettingsWorld(w.t)
	one.place = w.place
	return one
}

// send appends a record of so many bytes with a time and returns the error code.
func (w *settingsWorld) send(bytes int, at protocol.Timestamp) int16 {
	w.t.Helper()
	builder := protocol.NewBatchBuilder(protocol.DefaultBatchOptions())
	builder.Add(at, nil, []byte(strings.Repeat("a barnacle ", bytes/11+1)[:bytes]))
	_, code := w.client.tryProduce("t", builder.Build(0, protocol.None))
	return code
}

func (w *settingsWorld) sendAll(n, bytes int) {
	w.t.Helper()
	for range n {
		if code := w.send(bytes, w.now()); code != 0 {
			w.t.Fatal(protocol.ErrorForCode(code))
		}
	}
}

// count is the number of files of the topic that end so.
func (w *settingsWorld) count(suffix string) (n int) {
	for name := range w.sizes(suffix) {
		if name != "" {
			n++
		}
	}
	return n
}

func (w *settingsWorld) sizes(suffix string) map[string]int64 {
	w.t.Helper()
	entries, err := w.files.ReadDir(path.Join(dataDir, "t-0"))
	must(w.t, err)
	found := make(map[string]int64)
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), suffix) {
			info, err := e.Info()
			must(w.t, err)
			found[e.Name()] = info.Size()
		}
	}
	return found
}

func (w *settingsWorld) want(what string, got, want any) {
	w.t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		w.t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// swept lets retention come round.
func (w *settingsWorld) swept() { w.clock.Advance(6 * time.Minute) }

// batch is the first stored batch.
func (w *settingsWorld) batch() protocol.Batch {
	w.t.Helper()
	data, err := vfs.ReadFile(w.files, path.Join(dataDir, "t-0", "00000000000000000000.log"), 1<<30)
	must(w.t, err)
	batch, _, err := protocol.NextBatch(data)
	must(w.t, err)
	return batch
}

// acting has a story for each topic setting that acts.
var acting = map[string]func(w *settingsWorld){
	"segment.bytes": func(w *settingsWorld) {
		w.topic("segment.bytes=1048576")
		w.sendAll(3, 600_000)
		w.want("segments", w.count(".log"), 3)
	},
	"internal.segment.bytes": func(w *settingsWorld) {
		w.topic("internal.segment.bytes=1000")
		w.sendAll(3, 600)
		w.want("segments", w.count(".log"), 3)
	},
	"segment.ms": func(w *settingsWorld) {
		w.topic("segment.ms=1000")
		w.sendAll(2, 10)
		w.clock.Advance(1001 * time.Millisecond)
		w.sendAll(2, 10)
		w.want("segments", w.count(".log"), 2)
	},
	"segment.jitter.ms": func(w *settingsWorld) {
		for range 5 { // one in a hundred draws leaves the segment almost as long as it may be
			one := w.another()
			one.topic("segment.ms=100000", "segment.jitter.ms=100000")
			for range 100 { // without jitter these 99 seconds are one segment
				one.sendAll(1, 10)
				one.clock.Advance(999 * time.Millisecond)
			}
			if one.count(".log") > 1 {
				return
			}
		}
		w.t.Error("segments are as old as without jitter")
	},
	"segment.index.bytes": func(w *settingsWorld) {
		w.topic("segment.index.bytes=40", "index.interval.bytes=0")
		w.sendAll(13, 10) // the first batch of a segment needs no entry, 5 have room
		w.want("segments", w.count(".log"), 3)
	},
	"index.interval.bytes": func(w *settingsWorld) {
		w.topic("index.interval.bytes=500")
		w.sendAll(40, 100)
		w.close()
		w.want("bytes of the index", w.sizes(".index"), map[string]int64{"00000000000000000000.index": 13 * 8})
	},
	"retention.bytes": func(w *settingsWorld) {
		w.topic("internal.segment.bytes=1000", "retention.bytes=3000")
		w.sendAll(20, 900)
		w.swept()
		w.want("segments", w.count(".log"), 4)
	},
	"retention.ms": func(w *settingsWorld) {
		w.topic("internal.segment.bytes=1000", "retention.ms=60000")
		w.sendAll(5, 900)
		w.swept()
		w.want("segments", w.count(".log"), 1)
		w.want("what is left", w.client.earliest("t"), 5)
	},
	"cleanup.policy": func(w *settingsWorld) {
		w.topic("internal.segment.bytes=1000", "retention.ms=1", "retention.bytes=1", "cleanup.policy=")
		w.sendAll(5, 900)
		w.swept()
		w.want("segments", w.count(".log"), 5)
	},
	"file.delete.delay.ms": func(w *settingsWorld) {
		w.topic("internal.segment.bytes=1000", "retention.bytes=1000", "file.delete.delay.ms=3600000")
		w.sendAll(5, 900)
		w.swept()
		w.want("files that wait", w.count(".log.deleted"), 3)
		w.clock.Advance(time.Hour)
		w.want("files that wait", w.count(".log.deleted"), 0)
	},
	"flush.messages": func(w *settingsWorld) {
		w.clock.Advance(time.Second) // the start syncs the data directory's own name a little later
		w.topic("flush.messages=1")
		w.sendAll(1, 100)
		left := w.files.CrashCopy(vfs.CrashKeepNone, nil)
		if data, err := vfs.ReadFile(left, path.Join(dataDir, "t-0", "00000000000000000000.log"), 1<<20); err != nil || len(data) == 0 {
			w.t.Errorf("a power cut leaves %d bytes, %v", len(data), err)
		}
	},
	"flush.ms": func(w *settingsWorld) {
		w.topic("flush.ms=1000")
		w.sendAll(1, 100)
		w.clock.Advance(time.Minute) // logs are looked through once a minute
		<-w.synced
	},
	"max.message.bytes": func(w *settingsWorld) {
		w.topic("max.message.bytes=500")
		w.want("small", w.send(100, w.now()), 0)
		w.want("large", w.send(500, w.now()), protocol.ErrMessageTooLarge.Code)
	},
	"message.timestamp.type": func(w *settingsWorld) {
		w.topic("message.timestamp.type=LogAppendTime")
		w.want("old", w.send(10, 1000), 0)
		w.want("stored time", w.batch().MaxTimestamp(), w.now())
	},
	"message.timestamp.before.max.ms": func(w *settingsWorld) {
		w.topic("message.timestamp.before.max.ms=1000")
		w.want("in time", w.send(10, w.now()-1000), 0)
		w.want("old", w.send(10, w.now()-1001), protocol.ErrInvalidTimestamp.Code)
	},
	"message.timestamp.after.max.ms": func(w *settingsWorld) {
		w.topic("message.timestamp.after.max.ms=1000")
		w.want("in time", w.send(10, w.now()+1000), 0)
		w.want("ahead", w.send(10, w.now()+1001), protocol.ErrInvalidTimestamp.Code)
	},
	"preallocate": func(w *settingsWorld) {
		w.topic("preallocate=true")
		w.sendAll(1, 10)
		w.want("reservations", w.reserve.Load(), 1)
	},
	"min.insync.replicas": func(w *settingsWorld) {
		w.topic("min.insync.replicas=2")
		w.want("acks=all", w.send(10, w.now()), protocol.ErrNotEnoughReplicas.Code)
	},
	"compression.type": func(w *settingsWorld) {
		w.topic("compression.type=gzip")
		w.sendAll(1, 5000)
		w.want("codec", w.batch().Codec(), protocol.CodecGzip)
	},
	"compression.gzip.level": levels("gzip", "1", "9"),
	"compression.lz4.level":  levels("lz4", "1", "17"),
	"compression.zstd.level": levels("zstd", "1", "22"),
}

// levels compares what two levels of a codec make of the same bytes.
func levels(codec, low, high string) func(w *settingsWorld) {
	return func(w *settingsWorld) {
		sizes := make(map[string]int)
		for _, level := range []string{low, high} {
			one := w.another()
			one.topic("compression.type="+codec, "compression."+codec+".level="+level)
			builder := protocol.NewBatchBuilder(protocol.DefaultBatchOptions())
			for i := range 5000 {
				builder.Add(one.now(), nil, fmt.Appendf(nil, "record %d of %d, %x", i, i*i, i*i*i*7919))
			}
			if _, code := one.client.tryProduce("t", builder.Build(0, protocol.None)); code != 0 {
				w.t.Fatal(protocol.ErrorForCode(code))
			}
			sizes[level] = len(one.batch())
		}
		if sizes[high] >= sizes[low] {
			w.t.Errorf("bytes by level: %v", sizes)
		}
	}
}

// notActing are the settings of topics that have nothing to act on here; what
// docs/compatibility.md says of them is checked below.
var notActing = []string{
	"follower.replication.throttled.replicas", "leader.replication.throttled.replicas", "unclean.leader.election.enable",
	"local.retention.bytes", "local.retention.ms", "remote.log.copy.disable", "remote.log.delete.on.disable", "remote.storage.enable",
}

// elsewhere are those of compaction, which has tests of its own.
var elsewhere = []string{"delete.retention.ms", "max.compaction.lag.ms", "min.cleanable.dirty.ratio", "min.compaction.lag.ms"}

// Every setting that a topic can have acts, or is listed as one that does not.
func TestEveryTopicSettingActs(t *testing.T) {
	page, err := vfs.ReadFile(vfs.OS(), "../docs/compatibility.md", 1<<20)
	must(t, err)
	known := slices.Concat(slices.Collect(maps.Keys(acting)), notActing, elsewhere)
	for _, key := range config.Keys() {
		if key.Scope&config.ScopeTopic == 0 {
			continue
		}
		if !slices.Contains(known, key.Name) {
			t.Errorf("nobody has shown that %s acts", key.Name)
		}
		if _, acts := acting[key.Name]; acts != (key.Effect == config.Acts) && !slices.Contains(elsewhere, key.Name) && !key.Internal {
			t.Errorf("%s is described as %v", key.Name, key.Effect)
		}
	}
	for _, name := range notActing {
		if !strings.Contains(string(page), "`"+name+"`") {
			t.Errorf("docs/compatibility.md does not say why %s does not act", name)
		}
	}
	for name, story := range acting {
		t.Run(name, func(t *testing.T) { story(newSettingsWorld(t)) })
	}
}

// Settings without effect are taken as Kafka 4.3.1 without tiered storage takes them.
func TestSettingsWithoutEffectAreTakenAsByKafka(t *testing.T) {
	w := newSettingsWorld(t)
	for i, settings := range [][2]string{
		{"remote.storage.enable", "false"}, {"local.retention.ms", "1000"}, {"local.retention.bytes", "100"},
		{"remote.log.copy.disable", "true"}, {"remote.log.delete.on.disable", "true"},
		{"leader.replication.throttled.replicas", "*"}, {"follower.replication.throttled.replicas", "0:1"},
		{"unclean.leader.election.enable", "true"}, {"retention.bytes", "-2"},
	} {
		w.client.createTopic(fmt.Sprintf("taken-%d", i), map[string]string{settings[0]: settings[1]})
	}
	w.client.createTopic("less", map[string]string{"local.retention.ms": "1000", "retention.ms": "500"})
	w.want("tiered storage", w.client.tryCreateTopic("tiered", map[string]string{"remote.storage.enable": "true"}), protocol.ErrInvalidConfig.Code)
}
