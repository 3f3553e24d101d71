package cli

import (
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/barnabas-mq/barnabas/cli/consumergroup"
)

// run gives what a command prints and its error; no broker is there.
func run(words ...string) (out, errOut string, err error) {
	var o, e strings.Builder
	err = Run(words[0], words[1:], strings.NewReader(""), &o, &e)
	return o.String(), e.String(), err
}

// A command line that is wrong is a usage error, and nothing is asked of a broker.
func TestUsageErrors(t *testing.T) {
	t.Setenv("BARNABAS_BOOTSTRAP_SERVERS", "127.0.0.1:1")
	for _, line := range []string{
		"topics", "topics frob", "topics create", "topics list --nonsense", "topics list word", "topics alter t", "topics create t --set novalue", "topics create t -p 4294967297", "topics create t -r 65537",
		"configs get", "configs get teapot x", "configs set topic t", "configs set topic t novalue", "groups describe", "groups reset-offsets g",
		"groups reset-offsets g --to soon", "produce", "produce a b", "produce t --acks 7", "produce t -z rar", "produce t -H novalue",
		"consume", "consume t --offset soon", "consume t --offset @soon", "consume t --from-beginning --offset 1", "consume t -f %Q", "consume t -g g -p 0",
		"completion", "completion tcsh", "cluster frob",
	} {
		_, _, err := run(strings.Fields(line)...)
		if !errors.As(err, new(*UsageError)) {
			t.Errorf("%s: %v", line, err)
		}
	}
}

// Where no broker is, the error says what to do.
func TestNoBroker(t *testing.T) {
	for _, line := range []string{"topics list", "groups lag", "cluster health", "configs get topic t", "produce t", "consume t"} {
		_, _, err := run(append(strings.Fields(line), "-b", "127.0.0.1:1")...)
		if err == nil || !strings.Contains(err.Error(), "barnabas serve --profile dev --listen 127.0.0.1:1") || !strings.Contains(err.Error(), "KAFKA_BOOTSTRAP_SERVERS") {
			t.Errorf("%s: %v", line, err)
		}
	}
}

func TestAclsSayThatTheyAreNotThere(t *testing.T) {
	if _, _, err := run("acls"); err == nil || errors.As(err, new(*UsageError)) {
		t.Errorf("acls: %v", err)
	}
}

func TestEachVerbExplainsItself(t *testing.T) {
	for _, v := range verbs() {
		text, _, err := run(append(strings.Fields(v.noun+" "+v.name), "--help")...)
		if !errors.Is(err, pflag.ErrHelp) || !strings.Contains(text, v.about) || !strings.Contains(text, v.use()) {
			t.Errorf("%s %s: %v\n%s", v.noun, v.name, err, text)
		}
	}
}

// The address is the flag's, else that of the first variable that is set.
func TestAddress(t *testing.T) {
	address := func(args ...string) string {
		var o options
		if err := flagsOf(verbs()[0], &o).Parse(args); err != nil {
			t.Fatal(err)
		}
		return o.bootstrap
	}
	t.Setenv("BARNABAS_BOOTSTRAP_SERVERS", "")
	t.Setenv("KAFKA_BOOTSTRAP_SERVERS", "")
	got := []string{address()}
	t.Setenv("KAFKA_BOOTSTRAP_SERVERS", "kafka:1")
	got = append(got, address())
	t.Setenv("BARNABAS_BOOTSTRAP_SERVERS", "barnabas:1")
	got = append(got, address(), address("-b", "flag:1"))
	if diff := cmp.Diff([]string{"localhost:9092", "kafka:1", "barnabas:1", "flag:1"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestParseTarget(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)
	for word, want := range map[string]consumergroup.Target{
		"start": {Kind: consumergroup.Start}, "latest": {Kind: consumergroup.End}, "5": {Kind: consumergroup.Exact, Number: 5},
		"+5": {Kind: consumergroup.Shift, Number: 5}, "-5": {Kind: consumergroup.Shift, Number: -5},
		"90m":        {Kind: consumergroup.Time, At: now.Add(-90 * time.Minute)},
		"2026-01-01": {Kind: consumergroup.Time, At: now.Add(-27 * time.Hour)}, "2026-01-02T04:00:00+01:00": {Kind: consumergroup.Time, At: now},
	} {
		got, err := parseTarget(word, now)
		if err != nil || got.Kind != want.Kind || got.Number != want.Number || !got.At.Equal(want.At) {
			t.Errorf("%s: %+v, %v", word, got, err)
		}
	}
}

// What is no text comes in base64, as a whole record.
func TestRecordOf(t *testing.T) {
	r := recordOf(&kgo.Record{Key: []byte("k"), Value: []byte{0xff}, Headers: []kgo.RecordHeader{{Key: "h"}}})
	if !r.Base64 || *r.Key != "aw==" || *r.Value != "/w==" || r.Headers[0].Value != nil {
		t.Errorf("%+v", r)
	}
	r = recordOf(&kgo.Record{Value: []byte("v")})
	if r.Base64 || r.Key != nil || *r.Value != "v" || r.Headers == nil {
		t.Errorf("%+v", r)
	}
}

// The script completes nouns, verbs and flags in a real shell.
func TestBashCompletion(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash")
	}
	script, _, err := run("completion", "bash")
	if err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"barnabas to": "topics", "barnabas topics cr": "create", "barnabas topics create --pa": "--partitions", "barnabas produce t --ac": "--acks",
		"barnabas consume --fo": "--format --follow", "barnabas completion z": "zsh", "barnabas groups reset-offsets g --ex": "--execute", "barnabas se": "serve",
	} {
		words := strings.Fields(line)
		test := script + "COMP_WORDS=(" + line + "); COMP_CWORD=" + string(rune('0'+len(words)-1)) + "; _barnabas; echo ${COMPREPLY[*]}"
		out, err := exec.Command(bash, "-c", test).CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || got != want {
			t.Errorf("%s completes to %q, want %q (%v)", line, got, want, err)
		}
	}
}

// Each script names each verb and each flag.
func TestCompletionNamesAll(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		script, _, err := run("completion", shell)
		if err != nil {
			t.Fatal(err)
		}
		for key, flags := range allWords().flags {
			for _, word := range append(strings.Fields(key), flags...) {
				if !strings.Contains(script, strings.TrimPrefix(word, "--")) {
					t.Errorf("%s: %s of %s is missing", shell, word, key)
				}
			}
		}
	}
}
