package config

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var sourceNames = map[Source]string{
	SourceDynamicTopic: "topic", SourceDynamicBroker: "broker", SourceDynamicDefaultBroker: "cluster", SourceStaticBroker: "static",
	SourceDefault: "default", SourceClientMetrics: "client-metrics", SourceGroup: "group",
}

func show(p *string) string {
	if p == nil {
		return "null"
	}
	return *p
}

// text is an entry in one line: value, source, marks, synonyms.
func (e Entry) text() string {
	s := fmt.Sprintf("%s=%s %s", e.Name, show(e.Value), sourceNames[e.Source])
	if e.ReadOnly {
		s += " read-only"
	}
	if e.Sensitive {
		s += " sensitive"
	}
	for _, y := range e.Synonyms {
		s += fmt.Sprintf(" [%s %s=%s]", sourceNames[y.Source], y.Name, show(y.Value))
	}
	return s
}

func texts(entries []Entry) string {
	lines := make([]string, len(entries))
	for i, e := range entries {
		lines[i] = e.text()
	}
	return strings.Join(lines, "\n")
}

// The answers below are Apache Kafka 4.3.1's to the same settings.
func describedBroker(t *testing.T) *Broker {
	t.Helper()
	s, err := Load(Input{File: &File{"f", []byte(`node.id=1
log.retention.hours=1
log.retention.minutes=30
log.cleanup.policy=compact , delete
log.flush.scheduler.interval.ms=50000
num.io.threads=9
foo.static=2
ssl.keystore.password=abc
listener.name.plaintext.ssl.keystore.password=xyz
listener.name.plaintext.ssl.keystore.type=PKCS12
`)}})
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.Broker(
		map[string]string{"log.roll.ms": "7000000", "message.max.bytes": "2000000", "foo.def": "3"},
		map[string]string{"unclean.leader.election.enable": "TRUE", "log.retention.ms": "500000"})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestDescribeTopicAsKafkaDoes(t *testing.T) {
	got := describedBroker(t).DescribeTopic(
		map[string]string{"retention.ms": " 7 ", "cleanup.policy": "delete,delete", "preallocate": "TRUE", "internal.segment.bytes": "1000"},
		[]string{"retention.ms", "cleanup.policy", "preallocate", "segment.ms", "segment.jitter.ms", "flush.ms", "max.message.bytes",
			"unclean.leader.election.enable", "internal.segment.bytes", "no.such"})
	want := `cleanup.policy=delete topic [topic cleanup.policy=delete] [static log.cleanup.policy=compact , delete] [default log.cleanup.policy=delete]
flush.ms=50000 default
internal.segment.bytes=1000 topic [topic internal.segment.bytes=1000]
max.message.bytes=2000000 cluster [cluster message.max.bytes=2000000] [default message.max.bytes=1048588]
preallocate=true topic [topic preallocate=true] [default log.preallocate=false]
retention.ms=7 topic [topic retention.ms=7] [broker log.retention.ms=500000] [static log.retention.minutes=30] [static log.retention.hours=1] [default log.retention.hours=168]
segment.jitter.ms=0 default
segment.ms=7000000 cluster [cluster log.roll.ms=7000000] [default log.roll.hours=168]
unclean.leader.election.enable=true broker [broker unclean.leader.election.enable=TRUE] [default unclean.leader.election.enable=false]`
	if diff := cmp.Diff(want, texts(got)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestDescribeBrokerAsKafkaDoes(t *testing.T) {
	got := describedBroker(t).DescribeBroker([]string{"node.id", "broker.id", "broker.rack", "num.io.threads", "log.cleanup.policy",
		"log.retention.ms", "log.retention.minutes", "log.flush.interval.ms", "foo.static", "foo.def", "ssl.keystore.password",
		"listener.name.plaintext.ssl.keystore.password", "listener.name.plaintext.ssl.keystore.type"})
	want := `broker.id=1 static read-only [static broker.id=1] [default broker.id=-1]
broker.rack=null default read-only
log.cleanup.policy=compact,delete static [static log.cleanup.policy=compact , delete] [default log.cleanup.policy=delete]
log.flush.interval.ms=null default
log.retention.minutes=30 static read-only [static log.retention.minutes=30] [static log.retention.hours=1] [default log.retention.hours=168]
log.retention.ms=500000 broker [broker log.retention.ms=500000] [static log.retention.minutes=30] [static log.retention.hours=1] [default log.retention.hours=168]
node.id=1 static read-only [static node.id=1]
num.io.threads=9 static [static num.io.threads=9] [default num.io.threads=8]
ssl.keystore.password=null static sensitive [static ssl.keystore.password=null]
foo.def=null cluster read-only sensitive [cluster foo.def=null]
foo.static=null static read-only sensitive [static foo.static=null]
listener.name.plaintext.ssl.keystore.password=null static read-only sensitive [static listener.name.plaintext.ssl.keystore.password=null] [static ssl.keystore.password=null]
listener.name.plaintext.ssl.keystore.type=PKCS12 static read-only [static listener.name.plaintext.ssl.keystore.type=PKCS12] [default ssl.keystore.type=JKS]`
	if diff := cmp.Diff(want, texts(got)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// The broker without a name is what was altered for the cluster.
func TestDescribeBrokerDefaultsAsKafkaDoes(t *testing.T) {
	want := `foo.def=null cluster read-only sensitive [cluster foo.def=null]
log.roll.ms=7000000 cluster [cluster log.roll.ms=7000000]
message.max.bytes=2000000 cluster [cluster message.max.bytes=2000000]`
	if diff := cmp.Diff(want, texts(describedBroker(t).DescribeBrokerDefaults(nil))); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestDescribeGroupAsKafkaDoes(t *testing.T) {
	b := fromText(t, "group.consumer.session.timeout.ms=50000")
	got := b.DescribeGroup(map[string]string{"consumer.heartbeat.interval.ms": "6000", "share.auto.offset.reset": "earliest"},
		[]string{"consumer.heartbeat.interval.ms", "consumer.session.timeout.ms", "share.auto.offset.reset", "share.isolation.level"})
	want := `consumer.heartbeat.interval.ms=6000 group [group consumer.heartbeat.interval.ms=6000] [default group.consumer.heartbeat.interval.ms=5000]
consumer.session.timeout.ms=50000 static [static group.consumer.session.timeout.ms=50000] [default group.consumer.session.timeout.ms=45000]
share.auto.offset.reset=earliest group [group share.auto.offset.reset=earliest] [default share.auto.offset.reset=latest]
share.isolation.level=read_uncommitted default [default share.isolation.level=read_uncommitted]`
	if diff := cmp.Diff(want, texts(got)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestDescribeClientMetricsAsKafkaDoes(t *testing.T) {
	got := defaults(t).DescribeClientMetrics(map[string]string{"interval.ms": "1000", "match": "client_id=a"}, nil)
	want := `interval.ms=1000 client-metrics [client-metrics interval.ms=1000]
match=client_id=a client-metrics [client-metrics match=client_id=a]
metrics= default`
	if diff := cmp.Diff(want, texts(got)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// Nothing that is described shows a secret.
func TestNoSecretIsDescribed(t *testing.T) {
	const secret = "s3cr3t"
	text := ""
	for _, k := range Keys() {
		if k.Sensitive() {
			text += k.Name + "=" + secret + "\nlistener.name.a." + k.Name + "=" + secret + "\n"
		}
	}
	b := fromText(t, text+"unknown.password="+secret+"\n")
	for _, e := range b.DescribeBroker(nil) {
		if strings.Contains(e.text(), secret) {
			t.Errorf("%s", e.text())
		}
	}
}
