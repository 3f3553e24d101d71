package inprocess

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/barnabas-mq/barnabas/cli"
	"github.com/barnabas-mq/barnabas/cli/kafkatools"
	"github.com/barnabas-mq/barnabas/internal/vfs"
)

// shell runs commands against one broker.
type shell struct {
	t         *testing.T
	bootstrap string
	page      page
}

// do runs a command whose words are cut at spaces, with this on standard input.
func (s shell) do(stdin, line string) (out, errOut string, err error) {
	s.t.Helper()
	words := strings.Fields(line)
	var o, e strings.Builder
	err = cli.Run(words[0], append(words[1:], "-b", s.bootstrap), strings.NewReader(stdin), &o, &e)
	return o.String(), e.String(), err
}

// prints checks what a command prints: columns are separated by one space here.
func (s shell) prints(line, want string) {
	s.t.Helper()
	out, _, err := s.do("", line)
	var lines []string
	for l := range strings.Lines(out) {
		lines = append(lines, strings.Join(strings.Fields(l), " "))
	}
	if got := strings.Join(lines, "\n"); err != nil || got != want {
		s.t.Errorf("%s: %v, prints\n%s\nwant\n%s", line, err, got, want)
	}
}

func (s shell) fails(line, part string) {
	s.t.Helper()
	if _, _, err := s.do("", line); err == nil || !strings.Contains(err.Error(), part) {
		s.t.Errorf("%s: %v, want an error with %q", line, err, part)
	}
}

// json runs a command with --json and checks each field against the page.
func (s shell) json(stdin, line string) any {
	s.t.Helper()
	out, _, err := s.do(stdin, line+" --json")
	if err != nil {
		s.t.Fatalf("%s: %v", line, err)
	}
	return s.decode(line, out)
}

func (s shell) decode(line, out string) any {
	s.t.Helper()
	var value any
	if err := json.Unmarshal([]byte(out), &value); err != nil {
		s.t.Fatalf("%s prints no JSON: %v\n%s", line, err, out)
	}
	kind := s.page.printed(line)
	if kind == "" {
		s.t.Fatalf("the page says not what %s prints", line)
	}
	for _, problem := range s.page.check(line, kind, value) {
		s.t.Error(problem)
	}
	return value
}

// page is what docs/cli.md says of JSON.
type page struct {
	commands map[string]string            // a command without its arguments -> type
	fields   map[string]map[string]string // type -> field, with ? when it may be absent -> its type
}

var (
	commandRow = regexp.MustCompile("^\\| `barnabas ([a-z -]+?)(?: [\\[A-Z][^`]*| topic[^`]*)?` \\| .* \\| (.+) \\|$")
	fieldRow   = regexp.MustCompile("^\\| `([a-z_]+\\??)` \\| ([^|]+) \\| .* \\|$")
)

func readPage(t *testing.T) page {
	t.Helper()
	text, err := os.ReadFile("../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	p := page{map[string]string{}, map[string]map[string]string{}}
	kind := ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if name, is := strings.CutPrefix(line, "### "); is {
			kind = name
			p.fields[kind] = map[string]string{}
		} else if row := commandRow.FindStringSubmatch(line); row != nil {
			p.commands[row[1]] = strings.TrimSuffix(row[2], ", one on each line")
		} else if row := fieldRow.FindStringSubmatch(line); row != nil && kind != "" {
			p.fields[kind][row[1]] = row[2]
		}
	}
	if len(p.commands) < 15 || len(p.fields) < 15 {
		t.Fatalf("the page has %d commands and %d types", len(p.commands), len(p.fields))
	}
	return p
}

// printed is the type that a command line prints.
func (p page) printed(line string) string {
	words := strings.Fields(line)
	if kind := p.commands[words[0]]; kind != "" {
		return kind
	}
	return p.commands[strings.Join(words[:min(2, len(words))], " ")]
}

func (p page) check(where, kind string, value any) (problems []string) {
	if value == nil {
		if strings.HasSuffix(kind, " or null") {
			return nil
		}
		return []string{fmt.Sprintf("%s is null, and not %s", where, kind)}
	}
	kind = strings.TrimSuffix(kind, " or null")
	_, element, _ := strings.Cut(kind, " of ")
	wrong := []string{fmt.Sprintf("%s is %v, and not %s", where, value, kind)}
	switch v := value.(type) {
	case string:
		if kind == "string" {
			return nil
		}
	case float64:
		if kind == "number" {
			return nil
		}
	case bool:
		if kind == "boolean" {
			return nil
		}
	case []any:
		if !strings.Contains(kind, "array of ") {
			return wrong
		}
		for i, item := range v {
			problems = append(problems, p.check(fmt.Sprintf("%s[%d]", where, i), element, item)...)
		}
		return problems
	case map[string]any:
		if strings.HasPrefix(kind, "object of ") {
			for key, item := range v {
				problems = append(problems, p.check(where+"."+key, element, item)...)
			}
			return problems
		}
		if p.fields[kind] == nil {
			return wrong
		}
		return p.checkObject(where, kind, v)
	}
	return wrong
}

func (p page) checkObject(where, kind string, object map[string]any) (problems []string) {
	fields := p.fields[kind]
	for name, item := range object {
		is := fields[name] + fields[name+"?"] // one of them
		if is == "" {
			problems = append(problems, fmt.Sprintf("%s.%s: the page has no such field of %s", where, name, kind))
			continue
		}
		problems = append(problems, p.check(where+"."+name, is, item)...)
	}
	for name := range fields {
		if _, there := object[name]; !there && !strings.HasSuffix(name, "?") {
			problems = append(problems, fmt.Sprintf("%s: the field %s of %s is absent", where, name, kind))
		}
	}
	return problems
}

// TestCommandLine tells a story with every command, for people and for programs.
func TestCommandLine(t *testing.T) {
	bootstrap, _ := start(t, vfs.NewMem())
	s := shell{t, bootstrap, readPage(t)}
	t.Run("topics", s.topics)
	t.Run("records", s.records)
	t.Run("groups", s.groups)
	t.Run("configs and cluster", s.configs)
}

func (s shell) topics(t *testing.T) {
	s.t = t
	s.prints("topics list", "NAME PARTITIONS REPLICAS")
	s.prints("topics create one two -p 2 --set retention.ms=5000", "one created\ntwo created")
	s.fails("topics create one", "exists already")
	s.prints("topics create one --if-not-exists", "one exists")
	s.fails("topics create three --set nonsense=1", "nonsense")
	s.prints("topics alter one -p 3 --unset retention.ms --set segment.bytes=1048576", "one altered")
	s.fails("topics alter one -p 1", "one")
	s.prints("topics list", "NAME PARTITIONS REPLICAS\none 3 1\ntwo 2 1")
	s.fails("topics describe nowhere", "barnabas topics create nowhere")
	described := s.json("", "topics describe one").([]any)
	settings := described[0].(map[string]any)["configs"].(map[string]any)
	if settings["segment.bytes"] != "1048576" || settings["retention.ms"] != nil {
		t.Errorf("the settings of one: %v", settings)
	}
	s.json("", "topics list")
	s.json("", "topics create five")
	s.json("", "topics alter five -p 2")
	s.json("", "topics delete five")
	s.fails("topics delete five", "no topic")
	s.prints("topics delete five --if-exists", "five missing")
}

func (s shell) records(t *testing.T) {
	s.t = t
	if _, told, err := s.do("k1:v1\nk2:v2\n", "produce two -k : -H h=x -p 1"); err != nil || !strings.Contains(told, "2 records, 8 bytes") {
		t.Errorf("produce: %q, %v", told, err)
	}
	if _, _, err := s.do("k3-v3\n", "produce two -k :"); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("a line without its separator: %v", err)
	}
	file := filepath.Join(t.TempDir(), "records")
	if err := os.WriteFile(file, []byte("from\na file"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.json("", "produce two -p 0 --key all -z zstd -f "+file)
	s.prints(`consume two -p 1 -f %t/%p/%o=%k:%v,%h{%k=%v}\n`, "two/1/0=k1:v1,h=x\ntwo/1/1=k2:v2,h=x")
	s.prints("consume two -p 0", "from\na file")
	s.prints("consume two -p 0 --offset 1", "a file")
	s.prints("consume two -p 1 --offset -1 --format %v\\n", "v2")
	s.prints("consume two -p 1 --from-beginning -n 1", "v1")
	s.prints("consume two -p 1 --offset @1h", "v1\nv2")
	s.prints("consume two -p 1 --offset 99999", "")
	s.prints("consume two -p 1 --offset end", "")
	s.prints("consume one", "")
	s.fails("consume two -p 9", "no partition 9")
	s.fails("consume nowhere", "no topic")
	out, _, err := s.do("", "consume two --json")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 4 {
		t.Errorf("%d records in JSON: %s", len(lines), out)
	}
	for _, line := range lines {
		s.decode("consume two", line)
	}
	s.json("k:NULL\nk:\n", "produce five -k : --null NULL")
	s.prints(`consume five -f %K:%V\n`, "1:0\n1:0")
	// What consume prints, produce takes: also what is no text, and a null that is not empty.
	s.json(`{"key":"/w==","value":null,"base64":true,"headers":[{"key":"h","value":"AA=="}],"timestamp":5}`+"\n", "produce five --from-json")
	first, _, err := s.do("", "consume five --json")
	if err != nil || strings.Count(first, `"value":null`) != 2 || strings.Count(first, `"value":""`) != 1 || !strings.Contains(first, `"timestamp":5,"key":"/w=="`) {
		t.Errorf("nulls and bytes: %s, %v", first, err)
	}
	s.json(first, "produce six --from-json")
	second, _, err := s.do("", "consume six --json")
	if want := strings.ReplaceAll(first, `"five"`, `"six"`); err != nil || second != want {
		t.Errorf("a copy: %v\n%swant\n%s", err, second, want)
	}
	if _, _, err := s.do("{", "produce five --from-json"); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("a line that is no record: %v", err)
	}
}

func (s shell) groups(t *testing.T) {
	s.t = t
	s.prints("groups list", "NAME TYPE STATE")
	out, _, err := s.do("", "consume two -g readers")
	got := strings.Fields(strings.ReplaceAll(out, "a file", "file"))
	slices.Sort(got)
	if err != nil || !slices.Equal(got, []string{"file", "from", "v1", "v2"}) {
		t.Errorf("a group reads %q, %v", got, err)
	}
	s.prints("groups list", "NAME TYPE STATE\nreaders classic Empty")
	s.prints("groups lag", "NAME STATE LAG\nreaders Empty 0")
	s.prints("groups reset-offsets readers --to start -t two:1", "TOPIC PARTITION FROM TO\ntwo 1 2 0")
	s.prints("groups lag readers", "NAME STATE LAG\nreaders Empty 0")
	s.prints("consume two -g readers", "")
	s.fails("groups reset-offsets readers --to start -t two:7", "no partition 7")
	s.fails("groups reset-offsets readers --to start -t two:x", "no number")
	s.prints("groups reset-offsets readers --to -1 --execute", "TOPIC PARTITION FROM TO\ntwo 0 2 1\ntwo 1 2 1")
	s.prints("groups lag readers", "NAME STATE LAG\nreaders Empty 2")
	s.prints("groups reset-offsets readers --to +100 --execute", "TOPIC PARTITION FROM TO\ntwo 0 1 2\ntwo 1 1 2")
	s.prints("groups reset-offsets readers --to 1h", "TOPIC PARTITION FROM TO\ntwo 0 2 0\ntwo 1 2 0")
	s.prints("groups describe readers", "Group readers: Empty, 0 members, lag 0\nTOPIC PARTITION COMMITTED END LAG\ntwo 0 2 2 0\ntwo 1 2 2 0")
	s.fails("groups describe nobody", "no group")
	s.fails("groups reset-offsets nobody --to start", "--topic")
	s.prints("groups reset-offsets fresh --to end -t two --execute", "TOPIC PARTITION FROM TO\ntwo 0 - 2\ntwo 1 - 2")
	s.json("", "groups list")
	s.json("", "groups describe readers")
	s.json("", "groups lag")
	s.json("", "groups reset-offsets readers --to 0")
	s.json("", "groups delete fresh")
	s.prints("groups delete readers", "readers deleted")
	s.fails("groups delete readers", "no group")
}

func (s shell) configs(t *testing.T) {
	s.t = t
	s.prints("configs set topic one retention.ms=7 cleanup.policy=compact,delete", "one altered")
	s.prints("configs get topic one retention.ms", "NAME VALUE SOURCE\nretention.ms 7 DYNAMIC_TOPIC_CONFIG")
	s.prints("configs unset topic one retention.ms", "one altered")
	s.prints("configs get topic one retention.ms", "NAME VALUE SOURCE\nretention.ms 604800000 DEFAULT_CONFIG")
	s.fails("configs get topic one nonsense", "no setting")
	s.fails("configs set topic one retention.ms=soon", "soon")
	s.fails("configs set topic nowhere retention.ms=1", "no topic")
	s.prints("configs set broker default log.retention.ms=123456", "default altered")
	s.prints("configs get broker default log.retention.ms", "NAME VALUE SOURCE\nlog.retention.ms 123456 DYNAMIC_DEFAULT_BROKER_CONFIG")
	s.prints("configs set group g consumer.session.timeout.ms=50000", "g altered")
	s.prints("configs get group g consumer.session.timeout.ms", "NAME VALUE SOURCE\nconsumer.session.timeout.ms 50000 DYNAMIC_GROUP_CONFIG")
	s.json("", "configs get topic one --all")
	s.json("", "configs set topic one retention.ms=8")
	s.json("", "configs unset topic one retention.ms")
	s.json("", "cluster info")
	if health := s.json("", "cluster health").(map[string]any); health["healthy"] != true {
		t.Errorf("not healthy: %v", health)
	}
}

// The check itself finds what the page has not.
func TestPageCheckFinds(t *testing.T) {
	p := readPage(t)
	for text, problems := range map[string]int{
		`[{"name":"t","id":"x","internal":false,"partitions":1,"replicas":1}]`:         0,
		`[{"name":"t","id":"x","internal":false,"partitions":1,"replicas":1,"new":1}]`: 1,
		`[{"name":1,"id":"x","internal":false,"partitions":1,"replicas":1}]`:           1,
		`[{"name":"t","id":null,"internal":false,"partitions":1}]`:                     2,
		`{}`: 1,
	} {
		var value any
		if err := json.Unmarshal([]byte(text), &value); err != nil {
			t.Fatal(err)
		}
		if got := p.check("topics list", p.printed("topics list"), value); len(got) != problems {
			t.Errorf("%s: %q, want %d problems", text, got, problems)
		}
	}
}

// TestToolsWithoutARecording runs the tools of other brokers' images, which Apache Kafka has not:
// what health checks look for is in what they print.
func TestToolsWithoutARecording(t *testing.T) {
	bootstrap, _ := start(t, vfs.NewMem())
	for _, c := range []struct {
		line, stdin string
		status      int
		want        string // a regular expression
	}{
		{"cub kafka-ready -b ADDR 1 5", "", 0, `^$`},
		{"ub kafka-ready 1 5 -b ADDR", "", 0, `^$`},
		{"cub kafka-ready -b ADDR 2 0", "", 1, `Expected 2 brokers`},
		{"cub zk-ready localhost:2181 5", "", 1, `only kafka-ready`},
		{"rpk cluster health -X brokers=ADDR", "", 0, `Healthy:.+true`},
		{"rpk cluster health --brokers ADDR --exit-when-healthy", "", 0, `Leaderless partitions \(0\): +\[\]`},
		{"rpk topic create t u -p 2 --brokers ADDR", "", 0, `^TOPIC  STATUS\nt      OK\nu      OK\n$`},
		{"rpk topic create t --brokers ADDR", "", 1, `TOPIC_ALREADY_EXISTS`},
		{"rpk topic create t --if-not-exists --brokers ADDR", "", 0, `OK`},
		{"rpk topic list --brokers ADDR", "", 0, `^NAME  PARTITIONS  REPLICAS\nt     2           1\n`},
		{"rpk topic describe t --brokers ADDR", "", 0, `(?s)PARTITIONS  2\n.*cleanup.policy +delete +DEFAULT_CONFIG`},
		{"rpk topic produce t -k key -H h:x --brokers ADDR", "one\ntwo\n", 0, `^Produced to partition \d at offset 0 with timestamp \d+\.\nProduced to partition \d at offset 1 `},
		{"rpk topic consume t -n 1 --brokers ADDR", "", 0, `(?s)"topic": "t",\n  "key": "key",\n  "value": "one",\n  "headers".*"offset": 0\n}`},
		{`rpk topic consume t -n 2 -f %k=%v\n --brokers ADDR`, "", 0, `^key=one\nkey=two\n$`},
		{"rpk cluster info --brokers ADDR", "", 0, `(?s)^CLUSTER\n=======\n.*\n1\*  +127\.0\.0\.1`},
		{"rpk cluster frob", "", 1, `unknown command`},
		{"kafka-console-producer.sh --broker-list ADDR --topic old", "line\n", 0, `^$`},
		{"kafka-run-class.sh kafka.tools.GetOffsetShell --broker-list ADDR --topic old --time -1", "", 0, `^old:0:1\n$`},
		{"kafka-run-class kafka.Nonsense", "", 1, `Could not find or load main class kafka.Nonsense`},
	} {
		words := strings.Fields(strings.ReplaceAll(c.line, "ADDR", bootstrap))
		var out strings.Builder
		status, known := kafkatools.Run(words[0], words[1:], strings.NewReader(c.stdin), &out, &out)
		if !known || status != c.status || !regexp.MustCompile(c.want).MatchString(out.String()) {
			t.Errorf("%s: status %d, want %d, and %q in\n%s", c.line, status, c.status, c.want, out.String())
		}
	}
	for _, line := range []string{"rpk redpanda start", "rpk start --smp 1"} {
		if _, known := kafkatools.Run("rpk", strings.Fields(line)[1:], nil, nil, nil); known {
			t.Errorf("%s is taken for a tool; it starts the broker", line)
		}
	}
}
