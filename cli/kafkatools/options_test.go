package kafkatools

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func sample() *parser {
	list := text("list", "words", "").many()
	list.separator = ','
	return newParser(text("name", "x", ""), flag("on", ""), integer("small", "n", ""), long("large", "n", "").or("7"),
		text("maybe", "x", "").optional(), text("many", "x", "").many(), list, flag("detail", "").with("on"))
}

// Options are taken as joptsimple takes them.
func TestParse(t *testing.T) {
	for _, c := range []struct {
		args string
		want map[string][]string
		err  string
	}{
		{args: "--name a", want: map[string][]string{"name": {"a"}}},
		{args: "--name=a=b --on", want: map[string][]string{"name": {"a=b"}, "on": {}}},
		{args: "-name a", want: map[string][]string{"name": {"a"}}},
		{args: "--name --on", want: map[string][]string{"name": {"--on"}}},
		{args: "--name= a", want: map[string][]string{"name": {"a"}}},
		{args: "--maybe --on", want: map[string][]string{"maybe": {}, "on": {}}},
		{args: "--maybe x", want: map[string][]string{"maybe": {"x"}}},
		{args: "--many a --many b", want: map[string][]string{"many": {"a", "b"}}},
		{args: "--list a,b --list c", want: map[string][]string{"list": {"a", "b", "c"}}},
		{args: "left out --on -- --name a", want: map[string][]string{"on": {}}},
		{args: "--on --detail", want: map[string][]string{"on": {}, "detail": {}}},
		{args: "--detail", err: "Option(s) [detail] are unavailable given other options on the command line"},
		{args: "--detail --help", want: map[string][]string{"detail": {}, "help": {}}},
		{args: "--name", err: "Option name requires an argument"},
		{args: "--nam a", err: "nam is not a recognized option"},
		{args: "-xyz", err: "x is not a recognized option"},
		{args: "-=x", err: "= is not a recognized option"},
	} {
		got, err := sample().parse(strings.Fields(c.args))
		if c.err != "" {
			if err == nil || err.Error() != c.err {
				t.Errorf("%s: error %v, want %s", c.args, err, c.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.args, err)
			continue
		}
		if diff := cmp.Diff(c.want, got.given); diff != "" {
			t.Errorf("%s (- want, + got):\n%s", c.args, diff)
		}
	}
}

func TestValues(t *testing.T) {
	got, err := sample().parse([]string{"--name", "a", "--name", "b", "--small", "3000000000"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := got.value("name"); err == nil || err.Error() != "Found multiple arguments for option name, but you asked for only one" {
		t.Errorf("two values: %v", err)
	}
	if _, _, err := got.number("small"); err == nil || err.Error() != "Cannot parse argument '3000000000' of option small" {
		t.Errorf("a number beyond 32 bits: %v", err)
	}
	if n, ok, err := got.number("large"); n != 7 || !ok || err != nil {
		t.Errorf("a default: %d, %t, %v", n, ok, err)
	}
	if _, ok, err := got.number("maybe"); ok || err != nil {
		t.Errorf("an option without a value: %t, %v", ok, err)
	}
}

// What argparse4j refuses, as recorded from kafka-cluster, kafka-storage and kafka-producer-perf-test.
func TestArgparse(t *testing.T) {
	c := command{name: "do", oneOf: []string{"--one", "--other"}, arguments: []argparseOption{
		{long: "--need", short: "-n", required: true, number: "Long"}, {long: "--one"}, {long: "--other", short: "-o"}, {long: "--set", flag: true}, {long: "--props", many: true},
	}}
	for args, want := range map[string]string{
		"--one x":                        "argument --need/-n is required",
		"-n 1":                           "one of the arguments --one --other/-o is required",
		"-n x --one y":                   "argument --need/-n: could not convert 'x' to Long (For input string: \"x\")",
		"-n 1.5 --one y":                 "argument --need/-n: could not convert '1.5' to Long (For input string: \"1.5\")",
		"-n 9223372036854775808 --one y": "argument --need/-n: could not convert '9223372036854775808' to Long (For input string: \"9223372036854775808\")",
		"-n 1 --o y":                     "ambiguous option: --o could match --one, --other",
		"--ne 1 --ot y":                  "",
		"-n":                             "argument --need/-n: expected one argument",
		"-n 1 -o x what":                 "unrecognized arguments: 'what'",
		"-n -1 -o x":                     "",
		"-n 1 --one=x --set":             "",
		"-n 1 -o x --props a b":          "",
	} {
		_, err := c.parse(strings.Fields(args))
		if got := textOf(err); got != want {
			t.Errorf("%s: %q, want %q", args, got, want)
		}
	}
}

// Of an option that is given twice the last one counts, with all that it has.
func TestArgparseTwice(t *testing.T) {
	c := command{arguments: []argparseOption{{long: "--topic"}, {long: "--props", many: true}}}
	got, err := c.parse(strings.Fields("--topic a --props a b --topic=b --props c --topic c"))
	if err != nil || got.one("--topic") != "c" || !cmp.Equal(got["--props"], []string{"c"}) {
		t.Errorf("%v, %v", got, err)
	}
}

func textOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
