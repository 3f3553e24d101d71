package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/config"
)

// What an image is started with decides what happens.
func TestEntryPointsPlan(t *testing.T) {
	environ := []string{"PATH=/bin", "A=old"}
	for _, c := range []struct{ called, args, want string }{
		{"/entrypoint.sh", "", "start apache dev"},
		{"/entrypoint.sh", "broker", "start apache dev"},
		{"/entrypoint.sh", "A=new KAFKA_NODE_ID=3", "start apache dev environ PATH=/bin A=new KAFKA_NODE_ID=3"},
		{"/entrypoint.sh", "redpanda start --smp 1", "start redpanda dev flags --smp 1"},
		{"/entrypoint.sh", "start --smp=1", "start redpanda dev flags --smp=1"},
		{"/entrypoint.sh", "--profile server", "start apache server"},
		{"/entrypoint.sh", "--memory --listen :1", "start apache dev listen :1 data :memory:"},
		{"/entrypoint.sh", "--profile server --help", "run barnabas --profile server --help"},
		{"/entrypoint.sh", "--nonsense", "error"},
		{"/entrypoint.sh", "--version", "run barnabas --version"},
		{"/entrypoint.sh", "--help", "run barnabas --help"},
		{"/entrypoint.sh", "help", "run barnabas help"},
		{"/entrypoint.sh", "sh -c true", "run sh -c true"},
		{"/entrypoint.sh", "/etc/kafka/docker/run", "run /etc/kafka/docker/run"},
		{"/entrypoint.sh", "topics list", "run topics list"},
		{"/etc/kafka/docker/run", "", "start apache dev"},
		{"/etc/kafka/docker/run", "BARNABAS_PROFILE=server", "start apache server environ PATH=/bin A=old BARNABAS_PROFILE=server"},
		{"/etc/kafka/docker/run", "--help", "error"},
		{"/etc/confluent/docker/run", "", "start confluent dev"},
		{"/opt/bitnami/scripts/kafka/entrypoint.sh", "/opt/bitnami/scripts/kafka/run.sh", "start bitnami dev"},
		{"/opt/bitnami/scripts/kafka/entrypoint.sh", "bash -c true", "run bash -c true"},
		{"/opt/bitnami/scripts/kafka/run.sh", "", "start bitnami dev"},
		{"/opt/bitnami/scripts/kafka/setup.sh", "", "run true"},
		{"/usr/bin/start-kafka.sh", "", "start apache dev"},
		{"kafka-server-start", "a.properties --override b=c --override=d=e", "start apache file a.properties overrides b=c d=e"},
		{"/usr/bin/kafka-server-start.sh", "-daemon /etc/kafka/kafka.properties", "start confluent file /etc/kafka/kafka.properties"},
		{"kafka-server-start", "", "error"},
		{"kafka-server-start", "f --nonsense", "error"},
		{"kafka-server-start", "--help", "error"},
		{"zookeeper-server-start", "z.properties", "keep z.properties"},
		{"/usr/bin/rpk", "redpanda start --mode dev-container", "start redpanda dev flags --mode dev-container"},
		{"rpk", "cluster health", "run rpk cluster health"},
		{"rpk", "", "run rpk"},
	} {
		entry, ok := entryOf(c.called)
		if !ok {
			t.Errorf("%s is no entry", c.called)
			continue
		}
		p, err := entry.plan(strings.Fields(c.args), environ)
		if got := describe(p, err, environ); got != c.want {
			t.Errorf("%s %s:\n%s, want\n%s", c.called, c.args, got, c.want)
		}
	}
}

// Compose files have variables that are empty: no entry breaks on one.
func TestAnEmptyArgumentIsNoPanic(t *testing.T) {
	for _, e := range entryPoints() {
		for _, args := range [][]string{{""}, {"", ""}, {"", "redpanda"}} {
			p, err := e.plan(args, []string{"A="})
			if err == nil && p.start == nil && p.keeper == nil && len(p.command) == 0 {
				t.Errorf("%s %q: nothing is to be done", e.path, args)
			}
		}
	}
	one, err := planImage([]string{"redpanda start", "--smp 1"}, nil) // as compose files have it
	if err != nil || one.start == nil || one.start.family != config.Redpanda || !slices.Equal(one.start.flags, []string{"--smp 1"}) {
		t.Errorf("redpanda start in one argument: %+v (%v)", one, err)
	}
	if p, err := planImage([]string{""}, nil); err != nil || p.start == nil {
		t.Errorf("an empty command does not start the broker: %v", err)
	}
}

// describe puts a plan in words.
func describe(p plan, err error, environ []string) string {
	var words []string
	switch {
	case err != nil:
		return "error"
	case p.keeper != nil:
		return "keep " + *p.keeper
	case p.start == nil:
		return "run " + strings.Join(p.command, " ")
	}
	words = append(words, "start", p.start.family.String(), p.start.profile)
	if !slices.Equal(p.start.environ, environ) {
		words = append(words, append([]string{"environ"}, p.start.environ...)...)
	}
	if p.start.file != "" {
		words = append(words, "file", p.start.file)
	}
	if len(p.start.overrides) > 0 {
		words = append(words, append([]string{"overrides"}, p.start.overrides...)...)
	}
	if len(p.start.flags) > 0 {
		words = append(words, append([]string{"flags"}, p.start.flags...)...)
	}
	if len(p.start.serve.listen) > 0 {
		words = append(words, append([]string{"listen"}, p.start.serve.listen...)...)
	}
	if p.start.serve.data != "" {
		words = append(words, "data", p.start.serve.data)
	}
	return strings.Join(strings.Fields(strings.Join(words, " ")), " ")
}

func TestOtherPathsAreNoEntries(t *testing.T) {
	for _, called := range []string{"barnabas", "/usr/bin/barnabas", "/some/where/run", "run", "entrypoint", "sh"} {
		if _, ok := entryOf(called); ok {
			t.Errorf("%s is an entry", called)
		}
	}
}

// The patterns are those of the launchers' modules; the last two only belong to a
// Redpanda, and nothing belongs to a start without an image.
func TestTheBannerHasWhatLaunchersWaitFor(t *testing.T) {
	for _, c := range []struct {
		start   imageStart
		pattern string
		matches bool
	}{
		{imageStart{family: config.Apache}, `.*Transitioning from RECOVERY to RUNNING.*`, true},
		{imageStart{family: config.Confluent}, `.*\[KafkaServer id=\d+\] started.*`, true},
		{imageStart{family: config.Confluent}, `\[KafkaServer id=\d+\] started`, true},
		{imageStart{family: config.Confluent}, `.*Kafka Server started.*`, true},
		{imageStart{family: config.Apache}, `Successfully started Redpanda!`, false},
		{imageStart{family: config.Redpanda}, `.*Successfully started Redpanda!.*`, true},
		{imageStart{family: config.Redpanda}, `.*Started Kafka API server.*`, true},
		{imageStart{family: config.Confluent}, `Creating new log file`, false},
		{imageStart{family: config.Confluent, environ: []string{"KAFKA_ZOOKEEPER_CONNECT=localhost:2181"}}, `Creating new log file`, true},
		{imageStart{family: config.Confluent, environ: []string{"KAFKA_ZOOKEEPER_CONNECT=localhost:2181"}}, `Checking need to trigger auto leader balancing`, true},
	} {
		text := c.start.banner(1, "localhost:9092", time.Unix(0, 0))
		if regexp.MustCompile(c.pattern).MatchString(text) != c.matches {
			t.Errorf("%s in\n%s: want %v", c.pattern, text, c.matches)
		}
	}
}

func TestTopicsToCreate(t *testing.T) {
	for _, c := range []struct{ text, separator, want string }{
		{"", "", "[]"},
		{"a:3:1,b:1:1:compact", "", "[{a 3 1 } {b 1 1 compact}]"},
		{"a:1:1, b:2:1 ,", "", "[{a 1 1 } {b 2 1 }]"},
		{"\"a:1:1\nb:2:2\n\"", "", "[{a 1 1 } {b 2 2 }]"},
		{"a;b:4", ";", "[{a -1 -1 } {b 4 -1 }]"},
		{"a:1:1\nb:1:1", "$'\\n'", "[{a 1 1 } {b 1 1 }]"},
		{"a:many:1", "", "error"},
		{"a:0:1", "", "error"},
		{":1:1", "", "error"},
		{"a:1:1:compact:more", "", "error"},
	} {
		topics, err := topicsToCreate([]string{"KAFKA_CREATE_TOPICS=" + c.text, "KAFKA_CREATE_TOPICS_SEPARATOR=" + c.separator})
		got := fmt.Sprint(topics)
		if err != nil {
			got = "error"
		}
		if got != c.want {
			t.Errorf("%q: %s, want %s (%v)", c.text, got, c.want, err)
		}
	}
}

func TestDebeziumsNameForTopicsToCreate(t *testing.T) {
	topics, err := topicsToCreate([]string{"CREATE_TOPICS=a:1:1"})
	if err != nil || len(topics) != 1 {
		t.Errorf("%v (%v)", topics, err)
	}
	topics, err = topicsToCreate([]string{"CREATE_TOPICS=a:1:1", "KAFKA_CREATE_TOPICS=b:1:1"})
	if err != nil || len(topics) != 1 || topics[0].name != "b" {
		t.Errorf("%v (%v)", topics, err)
	}
}

func TestChooseData(t *testing.T) {
	in := func(dirs ...string) func(string) bool {
		return func(dir string) bool { return slices.Contains(dirs, dir) }
	}
	for _, c := range []struct {
		why           string
		family        config.Family
		mounted, used []string
		want          string
	}{
		{"nothing is mounted", config.Apache, nil, nil, "/tmp/kraft-combined-logs"},
		{"the image's volume", config.Apache, []string{declaredVolume}, nil, declaredVolume},
		{"a mount of the user's wins over the image's volume", config.Confluent, []string{declaredVolume, "/kafka"}, nil, "/kafka/data"},
		{"a volume above the folder", config.Apache, []string{declaredVolume, "/bitnami"}, nil, "/bitnami/kafka/data"},
		{"a volume where bitnami's image has its folder", config.Apache, []string{"/bitnami/kafka"}, nil, "/bitnami/kafka/data"},
		{"a volume of Debezium's image", config.Apache, []string{declaredVolume, "/kafka/data"}, nil, "/kafka/data"},
		{"a root and a /tmp in memory are no volumes", config.Apache, []string{"/", "/tmp", declaredVolume}, nil, declaredVolume},
		{"the family's own first", config.Bitnami, []string{"/bitnami/kafka", "/bitnami/kafka/data"}, nil, "/bitnami/kafka/data"},
		{"data win over everything", config.Redpanda, []string{declaredVolume, "/kafka"}, []string{"/tmp/kafka-logs"}, "/tmp/kafka-logs"},
	} {
		if got := chooseData(c.family.DataDirs(), in(c.mounted...), in(c.used...)); got != c.want {
			t.Errorf("%s: %s, want %s", c.why, got, c.want)
		}
	}
}

// The scripts run once in the life of a data directory, in the order of their
// names; one that fails fails the start.
func TestInitScripts(t *testing.T) {
	folder, data := t.TempDir(), t.TempDir()
	marker := filepath.Join(data, initMarker)
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("2.sh", "#!/bin/bash\necho two")
	write("1.sh", "echo one")
	write("not.txt", "echo never")
	var out, errOut strings.Builder
	for range 2 {
		if err := runInitScripts(context.Background(), folder, marker, &out, &errOut); err != nil {
			t.Fatal(err)
		}
	}
	if out.String() != "one\ntwo\n" {
		t.Errorf("printed %q", out.String())
	}
	out.Reset()
	for range 2 { // in memory
		if err := runInitScripts(context.Background(), folder, "", &out, &errOut); err != nil {
			t.Fatal(err)
		}
	}
	if out.String() != "one\ntwo\none\ntwo\n" {
		t.Errorf("without a marker printed %q", out.String())
	}
	write("3.sh", "exit 4")
	if err := runInitScripts(context.Background(), folder, filepath.Join(data, "other"), &out, &errOut); err == nil || !strings.Contains(err.Error(), "3.sh ended with status 4") {
		t.Errorf("a failed script: %v", err)
	}
	if _, err := os.Stat(filepath.Join(data, "other")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a failed script counts as run")
	}
}

// A volume that another family's start has written keeps its node id, unless somebody
// wrote one.
func TestTheDataKeepTheirNodeID(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, metaProperties), []byte("#\nversion=1\nnode.id=7\ncluster.id=x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		family  config.Family
		environ []string
		want    int32
	}{
		{config.Redpanda, []string{"KAFKA_LOG_DIRS=" + dir}, 7},
		{config.Apache, []string{"KAFKA_LOG_DIRS=" + dir}, 7},
		{config.Apache, []string{"KAFKA_LOG_DIRS=" + dir, "KAFKA_BROKER_ID=3"}, 3},
		{config.Bitnami, []string{"KAFKA_LOG_DIRS=" + dir, "KAFKA_CFG_NODE_ID=0"}, 0},
		{config.Redpanda, []string{"KAFKA_LOG_DIRS=" + t.TempDir()}, 0},
		{config.Apache, []string{"KAFKA_LOG_DIRS=" + t.TempDir()}, 1},
	} {
		settings, err := (&imageStart{family: c.family, environ: c.environ}).load()
		if err != nil {
			t.Fatal(err)
		}
		b, err := settings.Broker(nil, nil)
		if err != nil || b.NodeID != c.want {
			t.Errorf("%s %v: node %d, want %d (%v)", c.family, c.environ, b.NodeID, c.want, err)
		}
	}
}

// kafka-storage is given a file where other images have one; files that are there, or
// that no image has, stay as they are.
func TestStorageHasAFileWhereImagesHaveOne(t *testing.T) {
	environ := []string{"KAFKA_NODE_ID=4", "KAFKA_LOG_DIRS=/d"}
	for _, args := range [][]string{
		{"format", "-t", "id", "-c", "/opt/kafka/config/kraft/server.properties"}, {"format", "--config=/etc/kafka/kafka.properties", "-t", "id"},
	} {
		given, done, err := withStorageProperties(args, environ)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(given[slices.IndexFunc(given, func(word string) bool { return strings.Contains(word, "kafka-storage-") })], "--config=")
		text, err := os.ReadFile(name)
		if err != nil || !strings.Contains(string(text), "node.id=4\nlog.dirs=/d\n") {
			t.Errorf("%q: %q (%v)", args, text, err)
		}
		if done(); slices.Equal(args, given) {
			t.Errorf("%q: the words of the caller were changed", args)
		}
		if _, err := os.Stat(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s stays", name)
		}
	}
	for _, args := range [][]string{{"format", "-c", "/no/such/file"}, {"format", "-c"}, {"random-uuid"}, {"info", "-c", os.DevNull}} {
		if given, _, err := withStorageProperties(args, environ); err != nil || !slices.Equal(given, args) {
			t.Errorf("%q became %q (%v)", args, given, err)
		}
	}
}

// A refusal names what to change, and shows no value that may be a secret.
func TestRefusalsNameWhatToChange(t *testing.T) {
	_, err := planFamily(config.Apache, []string{"KAFKA-PASSWORD=hidden"}, nil)
	if err == nil || strings.Contains(err.Error(), "hidden") || !strings.Contains(err.Error(), "KAFKA-PASSWORD") {
		t.Errorf("%v", err)
	}
	environ := []string{"BARNABAS_PROFILE=none"}
	for want, serve := range map[string]serveFlags{"environment BARNABAS_PROFILE: ": {}, "--profile: ": {profile: "none"}} {
		s := imageStart{family: config.Apache, environ: environ, profile: "none", serve: serve}
		if _, err := s.load(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestADirectoryOfOthersIsExplained(t *testing.T) {
	err := explainDirectory(&fs.PathError{Op: "mkdir", Path: "/data", Err: fs.ErrPermission}, "/data")
	want := fmt.Sprintf("chown -R %d:%d FOLDER", os.Getuid(), os.Getgid())
	if !strings.Contains(err.Error(), want) {
		t.Errorf("%v does not say %s", err, want)
	}
	other := errors.New("damaged")
	if explainDirectory(other, "/data") != other {
		t.Error("another problem is taken for one of permissions")
	}
}

func TestWhatTheProcessIsCalledDecides(t *testing.T) {
	for _, c := range []struct{ called, want string }{
		{"/usr/bin/version", versionText() + "\n"},
		{"/opt/kafka/bin/version.sh", versionText() + "\n"},
		{"version.exe", versionText() + "\n"},
	} {
		var out, errOut strings.Builder
		if status := dispatch([]string{c.called}, &out, &errOut); status != 0 || out.String() != c.want {
			t.Errorf("%s: status %d\n%s%s", c.called, status, out.String(), errOut.String())
		}
	}
	var out, errOut strings.Builder
	if status := dispatch([]string{"kafka-storage.sh", "random-uuid"}, &out, &errOut); status != 0 || len(out.String()) != 23 {
		t.Errorf("kafka-storage: status %d, %q", status, out.String())
	}
}
