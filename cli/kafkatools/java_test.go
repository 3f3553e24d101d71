package kafkatools

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
)

// The orders are those in which a Java HashMap lists these words, as recorded from kafka-topics --describe.
func TestMapOrder(t *testing.T) {
	names := []string{"dotted.name", "one", "three", "two"}
	if got := mapOrder(mapOrder(names, 0, hashOf), len(names), hashOf); !cmp.Equal(got, []string{"dotted.name", "three", "two", "one"}) {
		t.Errorf("topics: %v", got)
	}
	quotas := []string{"consumer_byte_rate", "producer_byte_rate"}
	if got := mapOrder(quotas, len(quotas), hashOf); !cmp.Equal(got, quotas) {
		t.Errorf("quotas: %v", got)
	}
	if got := hashOf("hello"); got != 99162322 { // String.hashCode's own example
		t.Errorf("hash of hello: %d", got)
	}
}

func TestClassNames(t *testing.T) {
	for code, want := range map[*kerr.Error]string{
		kerr.UnknownTopicOrPartition: "UnknownTopicOrPartitionException", kerr.TopicAlreadyExists: "TopicExistsException",
		kerr.GroupIDNotFound: "GroupIdNotFoundException", kerr.NonEmptyGroup: "GroupNotEmptyException", kerr.OffsetOutOfRange: "OffsetOutOfRangeException",
		kerr.ClusterAuthorizationFailed: "ClusterAuthorizationException", kerr.SecurityDisabled: "SecurityDisabledException", kerr.ResourceNotFound: "ResourceNotFoundException",
	} {
		if got := className(code); got != "org.apache.kafka.common.errors."+want {
			t.Errorf("%s: %s", code.Message, got)
		}
	}
}

func TestJavaDouble(t *testing.T) {
	for f, want := range map[float64]string{1024: "1024.0", 0.5: "0.5", 1e7: "1.0E7", 12345678.5: "1.23456785E7", 0.0001: "1.0E-4", -3: "-3.0"} {
		if got := javaDouble(f, 64); got != want {
			t.Errorf("%v: %s, want %s", f, got, want)
		}
	}
}

func TestTimesAndDurations(t *testing.T) {
	for s, want := range map[string]time.Duration{"PT1H": time.Hour, "P1DT2H": 26 * time.Hour, "PT1M0.5S": 60500 * time.Millisecond, "-PT2S": -2 * time.Second} {
		if got, err := parseDuration(s); got != want || err != nil {
			t.Errorf("%s: %v, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "P", "PT", "1H", "P1H", "PTx"} {
		if got, err := parseDuration(s); err == nil {
			t.Errorf("%q is %v", s, got)
		}
	}
	for s, want := range map[string]int64{"1970-01-01T00:00:01.500": 1500, "1970-01-01T01:00:00.000+01:00": 0, "1970-01-01T00:00:00.000Z": 0} {
		if got, err := parseDateTime(s); err != nil || got.UnixMilli() != want {
			t.Errorf("%s: %v, %v", s, got, err)
		}
	}
}

// Names come with a path and an extension, and what is no tool is left alone.
func TestKnown(t *testing.T) {
	for name, want := range map[string]bool{"kafka-topics": true, "/opt/kafka/bin/kafka-topics.sh": true, "kafka-nonsense": false, "topics": false} {
		if Known(name) != want {
			t.Errorf("%s: %t", name, !want)
		}
	}
	if _, known := Run("kafka-nonsense", nil, nil, nil, nil); known {
		t.Error("what is no tool was run")
	}
}

// Each tool ends by itself without arguments, and says something.
func TestEachToolExplainsItself(t *testing.T) {
	for _, name := range Names() {
		var out, errOut stringWriter
		status, _ := Run(name, nil, nil, &out, &errOut)
		if status > 1 || len(out)+len(errOut) == 0 {
			t.Errorf("%s: status %d, %q, %q", name, status, out, errOut)
		}
	}
}

type stringWriter string

func (w *stringWriter) Write(p []byte) (int, error) { *w += stringWriter(p); return len(p), nil }
