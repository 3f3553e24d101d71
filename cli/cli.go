package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/spf13/pflag"
	"github.com/twmb/franz-go/pkg/kgo"
)

// UsageError is a command line that cannot be understood.
type UsageError struct{ text string }

func (e *UsageError) Error() string { return e.text }

func usagef(format string, args ...any) error { return &UsageError{fmt.Sprintf(format, args...)} }

// Noun is a word after `barnabas`.
type Noun struct{ Name, Use, About string }

// verb is what can be done with a noun.
type verb struct {
	noun, name, args, about string
	// flags adds the verb's own flags.
	flags func(f *pflag.FlagSet, o *options)
	run   func(c *call) error
	// prints is a value of the type that --json prints; nil is nothing. lines: one on each line.
	prints any
	lines  bool
	// alone needs no broker.
	alone bool
}

// options are the values of all flags that there are.
type options struct {
	bootstrap string
	json      bool
	timeout   time.Duration

	partitions                                              int32
	replicas                                                int16
	set, unset, headers                                     []string
	ifExists, ifNotExists, all, internal                    bool
	topics                                                  []string
	to                                                      string
	execute                                                 bool
	key, separator, file, compression, acks, format, offset string
	null                                                    string
	fromJSON                                                bool
	partition                                               int32
	count                                                   int64
	fromBeginning, follow, quiet                            bool
	group                                                   string
}

// call is one run of a verb.
type call struct {
	options
	ctx         context.Context
	args        []string
	in          io.Reader
	out, errOut io.Writer
	client      *kgo.Client
	now         func() time.Time
}

// nouns in the order of the help text.
var nouns = []Noun{
	{"topics", "topics list|describe|create|alter|delete", "topics: what there is, their partitions and settings"},
	{"groups", "groups list|describe|lag|reset-offsets|delete", "groups of consumers: members, offsets, lag"},
	{"configs", "configs get|set|unset topic|broker|group NAME", "settings of topics, brokers and groups"},
	{"produce", "produce TOPIC", "write standard input or a file to a topic, a record for each line"},
	{"consume", "consume TOPIC...", "print the records of topics"},
	{"cluster", "cluster info|health", "the brokers, and whether all partitions are well"},
	{"acls", "acls", "who may do what (not built yet)"},
	{"completion", "completion bash|zsh|fish", "print a script that completes commands in a shell"},
}

// verbs in the order of the help text.
func verbs() []verb {
	return slices.Concat(topicVerbs(), groupVerbs(), configVerbs(), recordVerbs(), clusterVerbs(), []verb{
		{noun: "acls", about: "not built yet", run: acls, alone: true},
		{noun: "completion", args: "bash|zsh|fish", about: "print the script", run: completion, alone: true},
	})
}

// Nouns are the words that Run knows.
func Nouns() []Noun { return nouns }

// environment variables that name the brokers, the first that is set wins.
var addressVariables = []string{"BARNABAS_BOOTSTRAP_SERVERS", "KAFKA_BOOTSTRAP_SERVERS"}

// Run runs a noun with the words behind it. A *UsageError is a command line that cannot be understood.
func Run(noun string, args []string, in io.Reader, out, errOut io.Writer) error {
	v, rest, err := find(noun, args, out)
	if err != nil {
		return err
	}
	c := &call{in: in, out: out, errOut: errOut, now: time.Now}
	set := flagsOf(v, &c.options)
	set.SetOutput(errOut)
	set.Usage = func() { explain(v, set, out) } // only when it is asked for
	if err := set.Parse(rest); err != nil {
		if errors.Is(err, pflag.ErrHelp) {
			return err
		}
		return usagef("%v", err)
	}
	c.args = set.Args()
	if c.json && v.prints == nil && !v.alone {
		return usagef("%s prints no JSON", strings.TrimSpace(v.noun+" "+v.name))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	c.ctx = ctx
	defer func() {
		if c.client != nil {
			c.client.Close()
		}
	}()
	return c.worded(v.run(c))
}

// find chooses the verb; a noun that is one has none.
func find(noun string, args []string, out io.Writer) (v verb, rest []string, err error) {
	var names []string
	for _, v := range verbs() {
		if v.noun != noun {
			continue
		}
		if v.name == "" || len(args) > 0 && args[0] == v.name {
			if v.name == "" {
				return v, args, nil
			}
			return v, args[1:], nil
		}
		names = append(names, v.name)
	}
	if len(args) > 0 && (args[0] == "-h" || args[0] == "--help") {
		explainNoun(noun, out)
		return v, nil, pflag.ErrHelp
	}
	if len(args) == 0 {
		return v, nil, usagef("%s what? One of: %s", noun, strings.Join(names, ", "))
	}
	return v, nil, usagef("%s knows no %q, but: %s", noun, args[0], strings.Join(names, ", "))
}

func flagsOf(v verb, o *options) *pflag.FlagSet {
	set := pflag.NewFlagSet(strings.TrimSpace(v.noun+" "+v.name), pflag.ContinueOnError)
	set.SortFlags = false
	if !v.alone {
		address := "localhost:9092"
		for _, name := range slices.Backward(addressVariables) {
			address = cmp.Or(os.Getenv(name), address)
		}
		set.StringVarP(&o.bootstrap, "bootstrap-server", "b", address, "`HOST:PORT,...` of brokers")
		set.DurationVar(&o.timeout, "timeout", 10*time.Second, "how long a broker may take to answer")
		if v.prints != nil {
			set.BoolVar(&o.json, "json", false, "print JSON, whose fields docs/cli.md lists")
		}
	}
	if v.flags != nil {
		v.flags(set, o)
	}
	return set
}

func (v verb) use() string {
	return strings.Join(strings.Fields(fmt.Sprintf("barnabas %s %s %s [flags]", v.noun, v.name, v.args)), " ")
}

func explain(v verb, set *pflag.FlagSet, w io.Writer) {
	fmt.Fprintf(w, "Usage of %s: %s\n  %s\n\n%s", strings.TrimSpace(v.noun+" "+v.name), v.use(), v.about, set.FlagUsages())
}

func explainNoun(noun string, w io.Writer) {
	fmt.Fprintf(w, "Usage of %s:\n", noun)
	for _, v := range verbs() {
		if v.noun == noun {
			fmt.Fprintf(w, "  %-70s %s\n", v.use(), v.about)
		}
	}
	fmt.Fprintf(w, "\nEach takes --help.\n")
}

// show prints a value: as JSON, or else as the table that fill makes.
func (c *call) show(value any, fill func(w io.Writer)) error {
	if c.json {
		return c.encode(value)
	}
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fill(w)
	return w.Flush()
}

func (c *call) encode(value any) error {
	encoder := json.NewEncoder(c.out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

func row(w io.Writer, cells ...any) {
	words := make([]string, len(cells))
	for i, cell := range cells {
		words[i] = fmt.Sprint(cell)
	}
	fmt.Fprintln(w, strings.Join(words, "\t"))
}

// need checks how many words there are.
func (c *call) need(least, most int, what string) error {
	if len(c.args) < least {
		return usagef("%s is missing", what)
	}
	if most >= 0 && len(c.args) > most {
		return usagef("there is %q too much", c.args[most])
	}
	return nil
}

func acls(*call) error {
	return errors.New("acls are not built yet: every client may do everything; keep the listeners where only friends reach them")
}
