package config

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What every topic has that overrides nothing: the table that clients and tools
// rely on, as Apache Kafka 4.3.1 describes it.
var topicDefaults = []struct{ name, value, kind string }{
	{"cleanup.policy", "delete", "list"},
	{"compression.gzip.level", "-1", "int"},
	{"compression.lz4.level", "9", "int"},
	{"compression.type", "producer", "string"},
	{"compression.zstd.level", "3", "int"},
	{"delete.retention.ms", "86400000", "long"},
	{"file.delete.delay.ms", "60000", "long"},
	{"flush.messages", "9223372036854775807", "long"},
	{"flush.ms", "9223372036854775807", "long"},
	{"follower.replication.throttled.replicas", "", "list"},
	{"index.interval.bytes", "4096", "int"},
	{"leader.replication.throttled.replicas", "", "list"},
	{"local.retention.bytes", "-2", "long"},
	{"local.retention.ms", "-2", "long"},
	{"max.compaction.lag.ms", "9223372036854775807", "long"},
	{"max.message.bytes", "1048588", "int"},
	{"message.timestamp.after.max.ms", "3600000", "long"},
	{"message.timestamp.before.max.ms", "9223372036854775807", "long"},
	{"message.timestamp.type", "CreateTime", "string"},
	{"min.cleanable.dirty.ratio", "0.5", "double"},
	{"min.compaction.lag.ms", "0", "long"},
	{"min.insync.replicas", "1", "int"},
	{"preallocate", "false", "boolean"},
	{"remote.log.copy.disable", "false", "boolean"},
	{"remote.log.delete.on.disable", "false", "boolean"},
	{"remote.storage.enable", "false", "boolean"},
	{"retention.bytes", "-1", "long"},
	{"retention.ms", "604800000", "long"},
	{"segment.bytes", "1073741824", "int"},
	{"segment.index.bytes", "10485760", "int"},
	{"segment.jitter.ms", "0", "long"},
	{"segment.ms", "604800000", "long"},
	{"unclean.leader.election.enable", "false", "boolean"},
}

func TestTopicDefaults(t *testing.T) {
	entries := defaults(t).DescribeTopic(nil, nil)
	if len(entries) != len(topicDefaults) {
		t.Fatalf("%d settings are described, not %d", len(entries), len(topicDefaults))
	}
	for i, want := range topicDefaults {
		e := entries[i]
		if e.Name != want.name || *e.Value != want.value || e.Type.String() != want.kind {
			t.Errorf("got %s=%s (%v), want %v", e.Name, *e.Value, e.Type, want)
		}
		if e.Source != SourceDefault || e.ReadOnly || e.Sensitive || e.Doc == "" {
			t.Errorf("%s: source %d, read-only %v, sensitive %v, doc %q", e.Name, e.Source, e.ReadOnly, e.Sensitive, e.Doc)
		}
	}
}

func TestTopicTyped(t *testing.T) {
	want := Topic{
		CleanupDelete: true, CompressionType: "producer", CompressionGzipLevel: -1, CompressionLZ4Level: 9, CompressionZstdLevel: 3,
		DeleteRetentionMillis: 86400000, FileDeleteDelayMillis: 60000, FlushMessages: math.MaxInt64, FlushMillis: math.MaxInt64,
		IndexIntervalBytes: 4096, CompactionLagMaxMillis: math.MaxInt64, CleanableDirtyRatioMin: 0.5, MessageBytesMax: 1048588,
		TimestampBeforeMaxMillis: math.MaxInt64, TimestampAfterMaxMillis: 3600000, InsyncReplicasMin: 1,
		RetentionBytes: Unlimited, RetentionMillis: 604800000, SegmentBytes: 1 << 30, SegmentIndexBytes: 10485760, SegmentMillis: 604800000,
	}
	b := defaults(t)
	if diff := cmp.Diff(want, b.Topic(nil)); diff != "" {
		t.Errorf("defaults (-want +got)\n%s", diff)
	}
	want.CleanupDelete, want.CleanupCompact = false, true
	want.RetentionMillis, want.SegmentBytes, want.TimestampAppendTime = 7, 1000, true
	want.RetentionBytes = Unlimited // anything below zero is without limit
	got := b.Topic(map[string]string{"cleanup.policy": "compact", "retention.ms": " 7 ", "internal.segment.bytes": "1000",
		"message.timestamp.type": "LogAppendTime", "retention.bytes": "-5", "segment.ms": "not legal", "from.a.newer.broker": "1"})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("overrides (-want +got)\n%s", diff)
	}
	if empty := b.Topic(map[string]string{"cleanup.policy": ""}); empty.CleanupCompact || empty.CleanupDelete {
		t.Error("an empty policy keeps everything")
	}
}

// Times that the broker knows in several units: the finest one that is set
// wins within a place, and a stronger place wins over a finer unit.
func TestFamiliesOfUnits(t *testing.T) {
	for _, c := range []struct {
		file      string
		altered   map[string]string
		retention int64
	}{
		{"", nil, 604800000},
		{"log.retention.hours=1", nil, 3600000},
		{"log.retention.hours=1\nlog.retention.minutes=2", nil, 120000},
		{"log.retention.hours=1\nlog.retention.minutes=2\nlog.retention.ms=3", nil, 3},
		{"log.retention.minutes=-1", nil, Unlimited},
		{"log.retention.minutes=2147483647", nil, 2147483647 * 60_000},
		{"log.retention.ms=3", map[string]string{"log.retention.ms": "4"}, 4},
		{"log.retention.hours=1", map[string]string{"log.retention.ms": "-1"}, Unlimited},
	} {
		s, err := Load(Input{File: &File{"f", []byte(c.file)}})
		if err != nil {
			t.Fatal(err)
		}
		b, err := s.Broker(c.altered, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := b.Topic(nil).RetentionMillis; got != c.retention {
			t.Errorf("%q and %v: %d ms, want %d", c.file, c.altered, got, c.retention)
		}
	}
}

// What was altered for the broker wins over what was altered for the cluster,
// and both over the start.
func TestAlteredSettings(t *testing.T) {
	s, err := Load(Input{File: &File{"f", []byte("message.max.bytes=1000\nnum.partitions=2\nmax.connections=10")}})
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.Broker(
		map[string]string{"message.max.bytes": "2000", "max.connections": "20"},
		map[string]string{"message.max.bytes": "3000", "some.plugin": "x"})
	if err != nil {
		t.Fatal(err)
	}
	if b.Topic(nil).MessageBytesMax != 3000 || b.ConnectionsMax != 20 || b.NumPartitions != 2 {
		t.Errorf("message %d, connections %d, partitions %d", b.Topic(nil).MessageBytesMax, b.ConnectionsMax, b.NumPartitions)
	}
}

// A directory may hold altered values that this broker cannot take: it starts
// without them and says which.
func TestAlteredSettingsThatAreNotLegal(t *testing.T) {
	s, err := Load(Input{File: &File{"f", []byte("listeners=PLAINTEXT://a:1")}})
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.Broker(
		map[string]string{"message.max.bytes": "many", "listeners": "PLAINTEXT://b:2"},
		map[string]string{"num.partitions": "5", "log.retention.ms": "0", "max.connections": "7", "listeners": "B://b:2"})
	if b == nil {
		t.Fatal("there is no broker")
	}
	for _, name := range []string{"message.max.bytes", "num.partitions", "log.retention.ms", "listener.security.protocol.map", "listeners"} {
		found := false
		problems, _ := err.(Problems)
		for _, p := range problems {
			found = found || p.Key == name
		}
		if !found {
			t.Errorf("%s is not named in %v", name, err)
		}
	}
	if b.ConnectionsMax != 7 || b.NumPartitions != 1 || b.Topic(nil).RetentionMillis != 604800000 || b.Listeners[0].Host != "a" {
		t.Errorf("connections %d, partitions %d, listeners %v", b.ConnectionsMax, b.NumPartitions, b.Listeners)
	}
}

// Protection that was asked for while Apache Kafka ran is not dropped either.
func TestAlteredSettingsThatAskForProtection(t *testing.T) {
	s, _ := Load(Input{File: &File{"f", nil}})
	altered := map[string]string{"listener.security.protocol.map": "PLAINTEXT:SASL_PLAINTEXT"}
	if b, err := s.Broker(nil, altered); b != nil || err == nil {
		t.Errorf("broker %v, error %v", b != nil, err)
	}
	if err := defaults(t).ValidateBroker(altered, true, nil); err == nil {
		t.Error("it may be altered")
	}
	ignoring, _ := Load(Input{File: &File{"f", []byte("barnabas.insecure.ignore=true\nsasl.enabled.mechanisms=DIGEST-MD5")}})
	if b, err := ignoring.Broker(nil, altered); b == nil || err != nil {
		t.Errorf("with permission: broker %v, error %v", b != nil, err)
	}
	// TLS without a key is none, and not what was there before.
	if b, err := s.Broker(nil, map[string]string{"listener.security.protocol.map": "PLAINTEXT:SSL"}); b != nil || err == nil {
		t.Errorf("with TLS and no key: broker %v, error %v", b != nil, err)
	}
}

func TestGroupTyped(t *testing.T) {
	b := defaults(t)
	g := b.Group(nil)
	if g.ConsumerSessionTimeout != 45*time.Second || g.ConsumerHeartbeatInterval != 5*time.Second || g.ShareDeliveryCountLimit != 5 ||
		g.ShareAutoOffsetReset != "latest" || g.ShareReadCommitted || g.StreamsInitialRebalanceDelay != 3*time.Second {
		t.Errorf("defaults: %+v", g)
	}
	// What was stored before the limits were narrowed comes back within them.
	g = b.Group(map[string]string{"consumer.session.timeout.ms": "70000", "consumer.heartbeat.interval.ms": "1", "streams.num.standby.replicas": "9"})
	if g.ConsumerSessionTimeout != 60*time.Second || g.ConsumerHeartbeatInterval != 5*time.Second || g.StreamsStandbyReplicas != 2 {
		t.Errorf("outside the limits: %+v", g)
	}
}
