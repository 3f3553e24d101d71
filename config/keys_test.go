package config

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write docs/configuration.md and the golden files instead of comparing them")

// golden compares text with a file, or writes the file under -rewrite.
func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *rewrite {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is stale: run `go generate ./config`, and read what changed", file)
	}
}

// The page that users read says what the tables say.
func TestConfigurationPageIsFresh(t *testing.T) {
	var page bytes.Buffer
	if err := WriteMarkdown(&page); err != nil {
		t.Fatal(err)
	}
	golden(t, filepath.Join("..", "docs", "configuration.md"), page.Bytes())
}

// Every name stands in the tables once, and every row is whole.
func TestTablesAreSound(t *testing.T) {
	rows := 0
	for _, table := range [][]Key{
		barnabasKeys, networkKeys, logKeys, replicationKeys, groupKeys, coordinatorKeys, quorumKeys, securityKeys,
		remoteKeys, sharedKeys, topicKeys, groupResourceKeys, clientMetricsKeys,
	} {
		rows += len(table)
		for i := 1; i < len(table); i++ {
			if table[i-1].Name >= table[i].Name {
				t.Errorf("%s stands before %s", table[i-1].Name, table[i].Name)
			}
		}
	}
	if rows != len(Keys()) {
		t.Errorf("%d rows hold %d names: a name is there twice", rows, len(Keys()))
	}
	for _, k := range Keys() {
		if k.Doc == "" || !strings.HasSuffix(k.Doc, ".") || strings.Contains(k.Doc, "\n") {
			t.Errorf("%s: the documentation is not one sentence: %q", k.Name, k.Doc)
		}
		if k.Null && k.Default != "" {
			t.Errorf("%s has a default and none", k.Name)
		}
		if !k.Null {
			if err := k.Check(k.Default); err != nil {
				t.Errorf("%s: the default is not legal: %v", k.Name, err)
			}
			if got := k.Canonical(k.Default); got != k.Default {
				t.Errorf("%s: the default %q is not in Kafka's spelling %q", k.Name, k.Default, got)
			}
		}
		for _, s := range k.Synonyms {
			if _, ok := Lookup(ScopeBroker, s.Name); !ok {
				t.Errorf("%s falls back to %s, which is no broker setting", k.Name, s.Name)
			}
		}
	}
}

// A topic or group setting has the type of the broker setting behind it, or a
// wider one, and the same default.
func TestDefaultsAgreeWithTheBrokerSettingsBehind(t *testing.T) {
	b := defaults(t)
	for _, scope := range []Scope{ScopeTopic, ScopeGroup} {
		for _, k := range Keys() {
			if k.Scope&scope == 0 || k.Internal {
				continue
			}
			o := overlay{scope: scope, broker: b.reader}
			if got := o.text(k.Name); got != k.Default {
				t.Errorf("%s: the default is %s and the broker gives %s", k.Name, k.Default, got)
			}
		}
	}
}

// What the tables promise to act on is read into a typed field at least.
func TestWhatActsIsRead(t *testing.T) {
	s, err := Load(Input{File: &File{}}) // with a file, or log.dir would not count
	if err != nil {
		t.Fatal(err)
	}
	read := map[string]bool{}
	r := newReader(s.values)
	r.seen = func(name string) { read[name] = true }
	together(r)
	r.ssl(Listener{Name: "SSL"})
	r.sasl("SASL")
	r.nameRules("SSL")
	r.reauthMax("SASL", "PLAIN")
	r.jaasFile()
	r.oauthText("SASL", oauthURL)
	r.oauthText("SASL", validator)
	_, _, _ = r.signed("SASL", "file:/jwks.json", nil)
	for _, name := range []string{"sasl.jaas.config", handlerClass} { // only with the names of a listener and a mechanism in front
		r.seen(name)
	}
	b := newBroker(r)
	b.Topic(nil)
	b.Group(nil)
	for _, k := range Keys() {
		if k.Effect == Acts && !read[k.Name] {
			t.Errorf("%s is said to act and nothing reads it", k.Name)
		}
	}
}

// defaults is a broker that was given nothing.
func defaults(t testing.TB) *Broker {
	t.Helper()
	return start(t, Input{})
}

func start(t testing.TB, in Input) *Broker {
	t.Helper()
	s, err := Load(in)
	if err != nil {
		t.Fatalf("the settings are refused:\n%v", err)
	}
	b, err := s.Broker(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// fromText is a broker started with a properties file.
func fromText(t testing.TB, text string) *Broker {
	t.Helper()
	return start(t, Input{File: &File{Name: "server.properties", Text: []byte(text)}})
}

// No typed field is forgotten: with every number at its default, only fields
// whose default is the zero value are zero.
func TestEveryFieldOfBrokerIsFilled(t *testing.T) {
	b := fromText(t, "super.users=User:a\nbroker.rack=r\nbarnabas.advertised=hostname\nbarnabas.insecure.ignore=true\nbarnabas.replication.clamp=true\n"+
		"transaction.two.phase.commit.enable=true\nmax.connections.per.ip.overrides=10.0.0.1:5\n")
	v := reflect.ValueOf(b).Elem()
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			t.Errorf("Broker.%s is zero", v.Type().Field(i).Name)
		}
	}
	topic := reflect.ValueOf(b.Topic(map[string]string{"min.compaction.lag.ms": "1", "cleanup.policy": "compact,delete",
		"message.timestamp.type": "LogAppendTime", "preallocate": "true", "segment.jitter.ms": "1",
		"unclean.leader.election.enable": "true", "remote.storage.enable": "true"}))
	for i := range topic.NumField() {
		if topic.Field(i).IsZero() {
			t.Errorf("Topic.%s is zero", topic.Type().Field(i).Name)
		}
	}
	group := reflect.ValueOf(b.Group(map[string]string{"share.isolation.level": "read_committed", "streams.num.standby.replicas": "1"}))
	for i := range group.NumField() {
		if group.Field(i).IsZero() {
			t.Errorf("Group.%s is zero", group.Type().Field(i).Name)
		}
	}
}

func BenchmarkLoadDefaults(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		start(b, Input{})
	}
}

// The first load of a process also builds the index.
func BenchmarkIndex(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		buildIndex()
	}
}
