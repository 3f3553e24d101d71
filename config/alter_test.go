package config

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func value(s string) *string { return &s }

// IncrementalAlterConfigs on a topic, step by step on one set of settings.
func TestApply(t *testing.T) {
	configs := map[string]string{"retention.ms": "5"}
	for _, step := range []struct {
		op   Op
		want map[string]string
	}{
		{Op{OpSet, "retention.ms", value("6")}, map[string]string{"retention.ms": "6"}},
		{Op{OpDelete, "retention.ms", nil}, map[string]string{}},
		{Op{OpDelete, "no.such", nil}, map[string]string{}},
		// Lists start from the default.
		{Op{OpAppend, "cleanup.policy", value("compact")}, map[string]string{"cleanup.policy": "delete,compact"}},
		{Op{OpAppend, "cleanup.policy", value("compact")}, map[string]string{"cleanup.policy": "delete,compact"}},
		{Op{OpSubtract, "cleanup.policy", value("delete,other")}, map[string]string{"cleanup.policy": "compact"}},
		{Op{OpSubtract, "cleanup.policy", value("compact")}, map[string]string{"cleanup.policy": ""}},
		// What Kafka removed is taken and forgotten, whatever is asked.
		{Op{OpSet, "message.format.version", value("2.8")}, map[string]string{"cleanup.policy": ""}},
		{Op{OpAppend, "message.downconversion.enable", value("x")}, map[string]string{"cleanup.policy": ""}},
		// Unknown names are for the validation that follows.
		{Op{OpSet, "no.such", value("1")}, map[string]string{"cleanup.policy": "", "no.such": "1"}},
	} {
		next, err := Apply(ScopeTopic, configs, []Op{step.op})
		if err != nil {
			t.Fatalf("%v: %v", step.op, err)
		}
		if diff := cmp.Diff(step.want, next); diff != "" {
			t.Fatalf("%v (-want +got)\n%s", step.op, diff)
		}
		configs = next
	}
}

func TestApplyRefuses(t *testing.T) {
	for _, c := range []struct {
		scope Scope
		ops   []Op
		kind  error
	}{
		{ScopeTopic, []Op{{OpSet, "retention.ms", nil}}, ErrInvalidRequest},
		{ScopeTopic, []Op{{OpAppend, "cleanup.policy", nil}}, ErrInvalidRequest},
		{ScopeTopic, []Op{{OpSet, "retention.ms", value("1")}, {OpDelete, "retention.ms", nil}}, ErrInvalidRequest},
		{ScopeTopic, []Op{{OpAppend, "retention.ms", value("1")}}, ErrInvalidConfig},
		{ScopeTopic, []Op{{OpSubtract, "no.such", value("1")}}, ErrInvalidConfig},
		{ScopeBroker, []Op{{OpAppend, "num.io.threads", value("1")}}, ErrInvalidConfig},
		{ScopeClientMetrics, []Op{{OpAppend, "metrics", value("a")}}, ErrInvalidConfig},
		{ScopeTopic, []Op{{OpKind(9), "retention.ms", value("1")}}, ErrUnexpected},
	} {
		current := map[string]string{"retention.ms": "5"}
		if _, err := Apply(c.scope, current, c.ops); !errors.Is(err, c.kind) {
			t.Errorf("%v: %v, want %v", c.ops, err, c.kind)
		}
		if diff := cmp.Diff(map[string]string{"retention.ms": "5"}, current); diff != "" {
			t.Errorf("%v changed the settings it was given", c.ops)
		}
	}
}

// judge runs one validation and compares kind and message.
func judge(t *testing.T, what string, err, kind error, message string) {
	t.Helper()
	if kind == nil && err == nil {
		return
	}
	if !errors.Is(err, kind) || err == nil || !strings.Contains(err.Error(), message) {
		t.Errorf("%s: %v, want %v: %s", what, err, kind, message)
	}
}

func TestValidateTopic(t *testing.T) {
	b := defaults(t)
	for text, want := range map[string]string{
		"retention.ms=5":           "",
		"message.format.version=1": "",
		"max.compaction.lag.ms=50": "",
		"foo.bar=1":                "Unknown topic config name: foo.bar",
		"num.partitions=1":         "Unknown topic config name: num.partitions",
		"segment.bytes=14":         "Invalid value 14 for configuration segment.bytes: Value must be at least 1048576",
		"min.compaction.lag.ms=100 max.compaction.lag.ms=50": "min.compaction.lag.ms (100) is above max.compaction.lag.ms (50)",
		"remote.storage.enable=true":                         "Tiered storage is not enabled",
	} {
		kind := ErrInvalidConfig
		if want == "" {
			kind = nil
		}
		judge(t, text, b.ValidateTopic(fields(text)), kind, want)
	}
}

func fields(text string) map[string]string {
	m := map[string]string{}
	for _, f := range strings.Fields(text) {
		name, value, _ := strings.Cut(f, "=")
		m[name] = value
	}
	return m
}

func TestValidateGroup(t *testing.T) {
	b := defaults(t)
	for text, want := range map[string]string{
		"consumer.session.timeout.ms=50000":      "",
		"consumer.heartbeat.interval.ms=10000":   "",
		"share.auto.offset.reset=earliest":       "",
		"foo=1":                                  "Unknown group config name: foo",
		"consumer.session.timeout.ms=1":          "consumer.session.timeout.ms must be greater than or equal to group.consumer.min.session.timeout.ms",
		"consumer.session.timeout.ms=70000":      "consumer.session.timeout.ms must be less than or equal to group.consumer.max.session.timeout.ms",
		"consumer.assignment.interval.ms=20000":  "consumer.assignment.interval.ms must be less than or equal to group.consumer.max.assignment.interval.ms",
		"share.delivery.count.limit=11":          "share.delivery.count.limit must be less than or equal to group.share.max.delivery.count.limit",
		"share.partition.max.record.locks=50":    "Invalid value 50 for configuration share.partition.max.record.locks",
		"streams.num.standby.replicas=5":         "streams.num.standby.replicas must be less than or equal to group.streams.max.standby.replicas",
		"share.isolation.level=READ_COMMITTED":   "Invalid value READ_COMMITTED",
		"consumer.heartbeat.interval.ms=5.5":     "Not a number of type INT",
		"streams.heartbeat.interval.ms=16000":    "streams.heartbeat.interval.ms must be less than or equal to",
		"streams.initial.rebalance.delay.ms=-1":  "at least 0",
		"share.renew.acknowledge.enable=perhaps": "true or false",
	} {
		kind := ErrInvalidConfig
		if want == "" {
			kind = nil
		}
		judge(t, text, b.ValidateGroup(fields(text)), kind, want)
	}
	// Wider limits do not let a heartbeat outlast its session.
	wide := fromText(t, "group.consumer.max.heartbeat.interval.ms=100000")
	judge(t, "heartbeat above session", wide.ValidateGroup(fields("consumer.heartbeat.interval.ms=90000")), ErrInvalidConfig, "must be greater than")
}

func TestValidateBroker(t *testing.T) {
	b := defaults(t)
	for _, c := range []struct {
		perBroker bool
		text      string
		kind      error
		message   string
	}{
		{true, "log.retention.ms=5", nil, ""},
		{false, "log.retention.ms=7", nil, ""},
		{true, "log.retention.ms=-5", nil, ""},
		{true, "log.retention.ms=0", ErrInvalidRequest, "log.retention.ms"},
		{true, "log.roll.ms=0", ErrInvalidRequest, "log.roll.ms"},
		{true, "num.partitions=3", ErrInvalidRequest, "Cannot update these configs dynamically: [num.partitions]"},
		{false, "log.retention.hours=3", ErrInvalidRequest, "Cannot update these configs dynamically: [log.retention.hours]"},
		{false, "listeners=PLAINTEXT://:1", ErrInvalidRequest, "Cannot update these configs at default cluster level, broker id must be specified: [listeners]"},
		{true, "listeners=PLAINTEXT://:1", ErrInvalidRequest, "Listeners cannot be changed"},
		{true, "listeners=PLAINTEXT://localhost:9092", nil, ""},
		{true, "foo.bar=1", nil, ""},
		{false, "foo.bar=1", nil, ""},
		{true, "message.max.bytes=abc", ErrInvalidRequest, "Invalid value abc for configuration message.max.bytes"},
		{true, "ssl.keystore.password=abc", ErrInvalidRequest, "only with the prefix of a listener: [ssl.keystore.password]"},
		{true, "listener.name.plaintext.ssl.keystore.password=abc", nil, ""},
		{false, "listener.name.plaintext.ssl.keystore.password=abc", ErrInvalidRequest, "broker id must be specified"},
		{true, "max.connections.per.ip.overrides=127.0.0.1:x", ErrInvalidRequest, "max.connections.per.ip.overrides"},
		{true, "max.connections.per.ip.overrides=127.0.0.1:5", nil, ""},
		{true, "leader.replication.throttled.rate=x", ErrInvalidRequest, "Not a number of type LONG"},
		{true, "leader.replication.throttled.rate=1000", nil, ""},
		{true, "log.cleanup.policy=", nil, ""},
		{true, "num.io.threads=16", nil, ""},
		{true, "num.io.threads=4", nil, ""},
		{true, "num.io.threads=17", ErrInvalidRequest, "between 4 and 16"},
		{true, "num.io.threads=3", ErrInvalidRequest, "between 4 and 16"},
		{true, "listener.name.plaintext.num.network.threads=7", ErrInvalidRequest, "between 1 and 6"},
		{false, "listener.name.plaintext.num.network.threads=6", nil, ""},
		{false, "listener.name.plaintext.max.connections=6", nil, ""},
		{true, "listener.name.plaintext.max.connections=0", ErrInvalidRequest, "at least 1"},
		{false, "max.connections=0", ErrInvalidRequest, "at least 1"},
		{false, "max.connection.creation.rate=+00", ErrInvalidRequest, "at least 1"},
		{false, "max.connections.per.ip=0", ErrInvalidRequest, "max.connections.per.ip"},
		{false, "max.connections.per.ip=0 max.connections.per.ip.overrides=127.0.0.1:5", nil, ""},
		{false, "log.cleaner.threads=0", ErrInvalidRequest, "log.cleaner.threads"},
		{false, "log.cleaner.dedupe.buffer.size=1048576", ErrInvalidRequest, "log.cleaner.dedupe.buffer.size"},
		{false, "log.cleaner.dedupe.buffer.size=1048577", nil, ""},
		{true, "metric.reporters=com.example.Reporter", ErrInvalidRequest, "no such class"},
		{true, "metric.reporters=", nil, ""},
		{true, "listener.name.plaintext.sasl.login.class=", ErrInvalidRequest, "no such class"},
		{true, "cordoned.log.dirs=*", nil, ""},
		{true, "cordoned.log.dirs=elsewhere", ErrInvalidRequest, "elsewhere is none of log.dirs"},
		{true, "log.local.retention.ms=-1", ErrInvalidRequest, "log.local.retention.ms"},
		{true, "log.retention.ms=5 log.local.retention.ms=6", ErrInvalidRequest, "log.local.retention.ms"},
		{true, "log.retention.ms=5 log.local.retention.ms=5", nil, ""},
		{true, "log.retention.ms=-1 log.local.retention.ms=-1", nil, ""},
		{true, "log.retention.bytes=5 log.local.retention.bytes=6", ErrInvalidRequest, "log.local.retention.bytes"},
		{true, "log.local.retention.bytes=6", nil, ""},
		{true, "config.providers=a,,b", nil, ""},
	} {
		judge(t, c.text, b.ValidateBroker(fields(c.text), c.perBroker, nil), c.kind, c.message)
	}
}

func TestValidateClientMetrics(t *testing.T) {
	for _, c := range []struct {
		text    string
		kind    error
		message string
	}{
		{"interval.ms=1000 match=client_id=a,client_source_port=9.* metrics=*", nil, ""},
		{"interval.ms=99", ErrInvalidRequest, "between 100 and 3600000"},
		{"interval.ms=3600001", ErrInvalidRequest, "between 100 and 3600000"},
		{"interval.ms=x", ErrInvalidConfig, "Invalid value x for configuration interval.ms"},
		{"foo=1", ErrInvalidRequest, "Unknown client metrics configuration: foo"},
		{"match=foo=a", ErrInvalidConfig, "Illegal client matching pattern: foo=a"},
		{"match=client_id", ErrInvalidConfig, "Illegal client matching pattern"},
		{"match=client_id=[", ErrInvalidConfig, "Illegal client matching pattern"},
	} {
		judge(t, c.text, ValidateClientMetrics(fields(c.text)), c.kind, c.message)
	}
}
