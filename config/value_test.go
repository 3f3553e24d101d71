package config

import (
	"math"
	"strings"
	"testing"
)

// What Apache Kafka 4.3.1 takes and refuses, tried on it one by one.
func TestTopicValuesAsKafkaJudgesThem(t *testing.T) {
	for _, c := range []struct {
		key, value string
		legal      bool
	}{
		{"cleanup.policy", "", true},
		{"cleanup.policy", "delete,delete", true},
		{"cleanup.policy", " delete , compact ", true},
		{"cleanup.policy", "delete,,compact", false},
		{"cleanup.policy", "delete,", false},
		{"cleanup.policy", "foo", false},
		{"retention.ms", "0", true},
		{"retention.ms", " 7 ", true},
		{"retention.ms", "+5", true},
		{"retention.ms", "-1", true},
		{"retention.ms", "-2", false},
		{"retention.ms", "abc", false},
		{"retention.ms", "", false},
		{"retention.ms", "1.5", false},
		{"retention.ms", "0x10", false},
		{"retention.ms", "1_000", false},
		{"retention.ms", "99999999999999999999", false},
		{"segment.bytes", "14", false},
		{"segment.bytes", "1048576", true},
		{"segment.bytes", "3000000000", false},
		{"compression.type", "ZSTD", false},
		{"compression.type", "none", false},
		{"compression.type", " gzip ", true},
		{"compression.gzip.level", "0", false},
		{"compression.gzip.level", "-1", true},
		{"compression.gzip.level", "9", true},
		{"compression.gzip.level", "10", false},
		{"compression.zstd.level", "-131072", true},
		{"compression.zstd.level", "23", false},
		{"preallocate", "yes", false},
		{"preallocate", "TRUE", true},
		{"min.cleanable.dirty.ratio", "2", false},
		{"min.cleanable.dirty.ratio", ".25", true},
		{"min.cleanable.dirty.ratio", "0.25d", true},
		{"min.cleanable.dirty.ratio", "inf", false},
		{"message.timestamp.type", "createtime", false},
		{"min.insync.replicas", "0", false},
		{"min.insync.replicas", "5", true},
		{"leader.replication.throttled.replicas", "0:1,1:1", true},
		{"leader.replication.throttled.replicas", "*", true},
		{"leader.replication.throttled.replicas", "", true},
		{"leader.replication.throttled.replicas", "x", false},
		{"max.message.bytes", "-1", false},
		{"flush.messages", "0", false},
		{"segment.ms", "0", false},
		{"internal.segment.bytes", "1000", true},
	} {
		k, ok := Lookup(ScopeTopic, c.key)
		if !ok {
			t.Fatalf("there is no topic setting %s", c.key)
		}
		err := k.Check(c.value)
		if (err == nil) != c.legal {
			t.Errorf("%s=%q: %v", c.key, c.value, err)
		}
		if err != nil && !strings.HasPrefix(err.Error(), "Invalid value "+c.value+" for configuration "+c.key+": ") {
			t.Errorf("%s=%q: the message is not what a Kafka user looks for: %v", c.key, c.value, err)
		}
	}
}

func TestOffsetResetAsKafkaJudgesIt(t *testing.T) {
	k, _ := Lookup(ScopeGroup, "share.auto.offset.reset")
	for value, legal := range map[string]bool{
		"latest": true, "earliest": true, "by_duration:PT1H": true, "by_duration:P1DT2H3M4.5S": true, "by_duration:P2D": true,
		"LATEST": false, "by_duration:x": false, "by_duration:P": false, "by_duration:PT": false, "by_duration:P1DT": false,
		"by_duration:": false, "PT1H": false, "": false,
	} {
		if err := k.Check(value); (err == nil) != legal {
			t.Errorf("%q: %v", value, err)
		}
	}
}

// A secret never appears in a message.
func TestSecretsAreHiddenInMessages(t *testing.T) {
	k := &Key{Name: "secret", Type: TypePassword, Valid: "non-empty string"}
	if err := k.Check(" "); err == nil || !strings.Contains(err.Error(), "[hidden]") {
		t.Errorf("the message is %v", err)
	}
}

// A message does not carry what a peer sent at full length.
func TestLongValuesAreCut(t *testing.T) {
	k, _ := Lookup(ScopeTopic, "retention.ms")
	if err := k.Check(strings.Repeat("9", 100_000)); len(err.Error()) > 500 {
		t.Errorf("the message has %d bytes", len(err.Error()))
	}
}

// Numbers are written as Java writes them.
func TestDoublesAsJavaWritesThem(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0.0", 1: "1.0", 0.5: "0.5", 0.001: "0.001", 0.0005: "5.0E-4", 1e7: "1.0E7", 9999999: "9999999.0", -2.5: "-2.5",
		math.MaxFloat64: "1.7976931348623157E308", math.Inf(1): "Infinity", math.Inf(-1): "-Infinity",
	} {
		if got := formatDouble(v); got != want {
			t.Errorf("%v is written %s, in Java %s", v, got, want)
		}
	}
	if got := formatDouble(math.NaN()); got != "NaN" {
		t.Errorf("not a number is written %s", got)
	}
}

func TestCanonicalSpelling(t *testing.T) {
	for _, c := range []struct{ key, raw, want string }{
		{"num.io.threads", " 9", "9"},
		{"num.io.threads", "+09", "9"},
		{"auto.create.topics.enable", "True", "true"},
		{"log.cleanup.policy", "compact , delete,compact", "compact,delete"},
		{"log.cleaner.io.max.bytes.per.second", "1e7", "1.0E7"},
		{"broker.rack", " r1 ", "r1"},
	} {
		k, _ := Lookup(ScopeBroker, c.key)
		if got := k.Canonical(c.raw); got != c.want {
			t.Errorf("%s=%q becomes %q, not %q", c.key, c.raw, got, c.want)
		}
	}
}

// Every notation of legal values in the tables is one that rule.go knows.
func TestEveryRuleIsUnderstood(t *testing.T) {
	known := map[string]bool{"": true, "non-empty string": true, "non-empty list": true, "non-null string": true,
		validThrottledReplicas: true, validOffsetReset: true}
	for _, k := range Keys() {
		rest := strings.TrimSuffix(strings.TrimPrefix(k.Valid, caseInsensitive), orEmpty)
		isList := strings.HasPrefix(rest, "[") && strings.HasSuffix(strings.TrimSuffix(rest, " or -1"), "]")
		if !known[k.Valid] && !isList {
			t.Errorf("%s: nobody understands %q", k.Name, k.Valid)
		}
		if strings.Contains(k.Valid, ",...") && k.Valid != validThrottledReplicas {
			if checkRange(k.Valid, "-200000") == "" && !strings.HasPrefix(k.Valid, "[,") {
				t.Errorf("%s: %q has no lower bound", k.Name, k.Valid)
			}
		}
	}
}
