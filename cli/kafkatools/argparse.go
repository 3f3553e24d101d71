package kafkatools

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// command is one word of a tool whose command line argparse4j reads: kafka-cluster,
// kafka-storage, kafka-producer-perf-test.
type command struct {
	name, about string
	arguments   []argparseOption
	// oneOf are options of which exactly one must be given, atMostOne of which no two may.
	oneOf, atMostOne []string
}

type argparseOption struct {
	long, short, about string
	// flag takes no value; many takes all words up to the next option; each is kept when it
	// is given several times.
	flag, many, each, required bool
	// number is the Java class of a number: Long, Integer, Double.
	number string
}

// argparsed are the values by the long name; flags have "true".
type argparsed map[string][]string

func (a argparsed) one(name string) string { return first(a[name]) }

// argparseError is an ArgumentParserException; an empty text is an error that prints the usage alone.
type argparseError struct{ text string }

func (e *argparseError) Error() string { return e.text }

// argparse reads the words of a command.
func (c command) parse(args []string) (argparsed, error) {
	got := argparsed{}
	for len(args) > 0 {
		word, value, hasValue := strings.Cut(args[0], "=")
		o, err := c.find(word)
		if err != nil {
			return nil, err
		}
		if o == nil {
			return nil, &argparseError{fmt.Sprintf("unrecognized arguments: '%s'", args[0])}
		}
		args = args[1:]
		if other := c.excluded(*o, got); other != "" {
			return nil, &argparseError{fmt.Sprintf("argument %s: not allowed with argument %s", o.names(), other)}
		}
		switch {
		case o.flag:
			got[o.long] = []string{"true"}
		case hasValue && o.each:
			got[o.long] = append(got[o.long], value)
		case hasValue:
			got[o.long] = []string{value}
		case len(args) == 0 || strings.HasPrefix(args[0], "-") && !isNumber(args[0]):
			return nil, &argparseError{fmt.Sprintf("argument %s: expected one argument", o.names())}
		case o.each:
			got[o.long], args = append(got[o.long], args[0]), args[1:]
		case o.many:
			got[o.long] = nil
			for len(args) > 0 && !strings.HasPrefix(args[0], "-") {
				got[o.long], args = append(got[o.long], args[0]), args[1:]
			}
		default:
			got[o.long], args = args[:1], args[1:] // of several the last one counts
		}
		if text := got.one(o.long); !o.takes(text) {
			return nil, &argparseError{fmt.Sprintf("argument %s: could not convert '%s' to %s (For input string: %q)", o.names(), text, o.number, text)}
		}
	}
	for _, o := range c.arguments {
		if o.required && got[o.long] == nil {
			return nil, &argparseError{fmt.Sprintf("argument %s is required", o.names())}
		}
	}
	if len(c.oneOf) > 0 && !slices.ContainsFunc(c.oneOf, func(name string) bool { return got[name] != nil }) {
		words := []string{"one of the arguments"}
		for _, o := range c.arguments {
			if slices.Contains(c.oneOf, o.long) {
				words = append(words, o.names())
			}
		}
		return nil, &argparseError{strings.Join(append(words, "is required"), " ")}
	}
	return got, nil
}

// find is the option of this name, or the one option whose long name begins so; nil when there is none.
func (c command) find(word string) (*argparseOption, error) {
	var begun []string
	var only *argparseOption
	for i := range c.arguments {
		o := &c.arguments[i]
		if word == o.long || word == o.short && o.short != "" {
			return o, nil
		}
		if strings.HasPrefix(word, "--") && strings.HasPrefix(o.long, word) {
			begun, only = append(begun, o.long), o
		}
	}
	if len(begun) > 1 {
		slices.Sort(begun)
		return nil, &argparseError{fmt.Sprintf("ambiguous option: %s could match %s", word, strings.Join(begun, ", "))}
	}
	return only, nil
}

// takes tells whether a text is a number of the option's Java class.
func (o argparseOption) takes(text string) bool {
	var err error
	switch o.number {
	case "Integer":
		_, err = strconv.ParseInt(text, 10, 32)
	case "Long":
		_, err = strconv.ParseInt(text, 10, 64)
	case "Double":
		return isNumber(text)
	}
	return err == nil
}

// excluded is an option that was given and with which o may not stand.
func (c command) excluded(o argparseOption, got argparsed) string {
	for _, group := range [][]string{c.oneOf, c.atMostOne} {
		for _, other := range c.arguments {
			if other.long != o.long && got[other.long] != nil && slices.Contains(group, o.long) && slices.Contains(group, other.long) {
				return other.names()
			}
		}
	}
	return ""
}

func isNumber(s string) bool {
	_, err := strconv.ParseFloat(s, 64)
	return err == nil
}

func (o argparseOption) names() string {
	if o.short == "" {
		return o.long
	}
	return o.long + "/" + o.short
}

// argparseUsage ends a tool as argparse4j does: the usage and what is wrong, 80 columns wide.
func (t *tool) argparseUsage(use, problem string) error {
	t.complain("usage: " + use)
	if problem != "" {
		t.complain(t.name + ": error: " + problem)
	}
	return &ended{1}
}

// choose finds the command that the first word names.
func (t *tool) choose(commands []command, args []string) (command, argparsed, error) {
	var names []string
	for _, c := range commands {
		names = append(names, c.name)
	}
	use := t.name + " [-h] {" + strings.Join(names, ",") + "} ..."
	if len(args) == 0 {
		return command{}, nil, t.argparseUsage(use, "too few arguments")
	}
	if args[0] == "-h" || args[0] == "--help" {
		t.say("usage: %s\n\n%s\n", use, t.about)
		for _, c := range commands {
			t.say("  %-22s %s", c.name, c.about)
		}
		return command{}, nil, &ended{0}
	}
	at := slices.Index(names, args[0])
	if at < 0 {
		return command{}, nil, t.argparseUsage(use, fmt.Sprintf("invalid choice: '%s' (choose from '%s')", args[0], strings.Join(names, "', '")))
	}
	c := commands[at]
	use = t.name + " " + c.use()
	if slices.Contains(args, "-h") || slices.Contains(args, "--help") {
		t.say("usage: %s\n\n%s\n", use, c.about)
		for _, o := range c.arguments {
			t.say("  %-34s %s", o.names(), o.about)
		}
		return c, nil, &ended{0}
	}
	got, err := c.parse(args[1:])
	if err != nil {
		return c, nil, t.argparseUsage(use, err.Error())
	}
	return c, got, nil
}

func (c command) use() string {
	words := []string{c.name, "[-h]"}
	for _, o := range c.arguments {
		word := o.long
		if !o.flag {
			word += " " + strings.ToUpper(strings.ReplaceAll(strings.TrimLeft(o.long, "-"), "-", "_"))
		}
		if !o.required && !slices.Contains(c.oneOf, o.long) {
			word = "[" + word + "]"
		}
		words = append(words, word)
	}
	return strings.TrimSpace(strings.Join(words, " "))
}
