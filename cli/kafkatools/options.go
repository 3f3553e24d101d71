package kafkatools

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// argument says whether an option has a value.
type argument int

const (
	noValue argument = iota
	needsValue
	mayHaveValue
)

// option is one option of a tool, as joptsimple has it.
type option struct {
	name, about string
	argument    argument
	// what names the value in the usage text.
	what string
	// bits is 32 or 64 for a whole number, 0 for text.
	bits int
	// without is the value of an option that is not given.
	without string
	// repeats: more than one value may be given.
	repeats bool
	// separator cuts one value into several; 0 does not.
	separator rune
	// onlyWith are options of which one must be given beside this one.
	onlyWith []string
}

func flag(name, about string) option { return option{name: name, about: about} }
func text(name, what, about string) option {
	return option{name: name, about: about, argument: needsValue, what: what}
}
func integer(name, what, about string) option {
	return option{name: name, about: about, argument: needsValue, what: what, bits: 32}
}
func long(name, what, about string) option {
	return option{name: name, about: about, argument: needsValue, what: what, bits: 64}
}

func (o option) or(without string) option { o.without = without; return o }
func (o option) many() option             { o.repeats = true; return o }
func (o option) optional() option         { o.argument = mayHaveValue; return o }
func (o option) with(others ...string) option {
	o.onlyWith = others
	return o
}

// parser knows the options of a tool. Kafka's tools (CommandDefaultOptions) use joptsimple
// without abbreviations, and each has --help and --version.
type parser struct {
	options []option
}

func newParser(options ...option) *parser {
	return &parser{append([]option{flag("help", "Print usage information."), flag("version", "Display Kafka version.")}, options...)}
}

// optionError is what joptsimple throws; the text is its message.
type optionError struct{ class, text string }

func (e *optionError) Error() string { return e.text }

func optionErrorf(class, format string, args ...any) error {
	return &optionError{"joptsimple." + class, fmt.Sprintf(format, args...)}
}

// uncaught says an error of the options as a tool does that does not catch it.
func uncaught(err error) error {
	if wrong := (*optionError)(nil); errors.As(err, &wrong) {
		return says("Exception in thread \"main\" %s: %s", wrong.class, wrong.text)
	}
	return err
}

// parsed are the options that were given.
type parsed struct {
	parser *parser
	given  map[string][]string
	// order of the options, a name for each time that one was given.
	order []string
}

func (p *parser) find(name string) *option {
	for i := range p.options {
		if p.options[i].name == name {
			return &p.options[i]
		}
	}
	return nil
}

// parse takes a command line apart: --a=b, --a b, -a b for every a; what is no option is
// passed over, and -- ends the options.
func (p *parser) parse(args []string) (*parsed, error) {
	got := &parsed{parser: p, given: map[string][]string{}}
	for len(args) > 0 {
		word := args[0]
		args = args[1:]
		if word == "--" {
			break
		}
		if !looksLikeOption(word) {
			continue
		}
		name, value, hasValue := strings.Cut(strings.TrimLeft(word, "-"), "=")
		o := p.find(name)
		if o == nil {
			if !strings.HasPrefix(word, "--") {
				name = word[1:2] // a cluster of one-letter options, of which there are none
			}
			return nil, optionErrorf("UnrecognizedOptionException", "%s is not a recognized option", name)
		}
		if hasValue = hasValue && value != ""; !hasValue && o.argument == needsValue {
			if len(args) == 0 {
				return nil, optionErrorf("OptionMissingRequiredArgumentException", "Option %s requires an argument", name)
			}
			value, args, hasValue = args[0], args[1:], true
		} else if !hasValue && o.argument == mayHaveValue && len(args) > 0 && (!looksLikeOption(args[0]) || o.isNumber(args[0])) {
			value, args, hasValue = args[0], args[1:], true
		}
		got.add(o, value, hasValue)
	}
	return got, got.checkAvailable()
}

// isNumber tells whether the option is of numbers, and the word one of them: -1 is no option then.
func (o *option) isNumber(word string) bool {
	_, err := strconv.ParseInt(word, 10, o.bits)
	return o.bits != 0 && err == nil
}

func looksLikeOption(word string) bool { return len(word) > 1 && word[0] == '-' }

func (g *parsed) add(o *option, value string, hasValue bool) {
	g.order = append(g.order, o.name)
	values := g.given[o.name]
	if values == nil {
		values = []string{}
	}
	switch {
	case o.argument == noValue || !hasValue:
	case o.separator != 0:
		values = append(values, strings.Split(value, string(o.separator))...)
	default:
		values = append(values, value)
	}
	g.given[o.name] = values
}

func (g *parsed) checkAvailable() error {
	if g.has("help") || g.has("version") {
		return nil
	}
	for _, o := range g.parser.options {
		if g.has(o.name) && len(o.onlyWith) > 0 && !slices.ContainsFunc(o.onlyWith, g.has) {
			return optionErrorf("UnavailableOptionException", "Option(s) [%s] are unavailable given other options on the command line", o.name)
		}
	}
	return nil
}

func (g *parsed) has(name string) bool { return g.given[name] != nil }

// count is how many of the options were given.
func (g *parsed) count(names ...string) (n int) {
	for _, name := range names {
		if g.has(name) {
			n++
		}
	}
	return n
}

// values of an option, in the order in which they were given.
func (g *parsed) values(name string) []string {
	if values := g.given[name]; len(values) > 0 {
		return values
	}
	if o := g.parser.find(name); o.without != "" {
		return []string{o.without}
	}
	return nil
}

// value of an option that may be given once; "" when there is none.
func (g *parsed) value(name string) (string, error) {
	values := g.values(name)
	switch len(values) {
	case 0:
		return "", nil
	case 1:
		return values[0], nil
	}
	return "", optionErrorf("MultipleArgumentsForOptionException", "Found multiple arguments for option %s, but you asked for only one", name)
}

// number is the value as a whole number; ok is false when there is none.
func (g *parsed) number(name string) (n int64, ok bool, err error) {
	value, err := g.value(name)
	if err != nil || value == "" {
		return 0, false, err
	}
	n, err = strconv.ParseInt(value, 10, g.parser.find(name).bits)
	if err != nil {
		return 0, false, optionErrorf("OptionArgumentConversionException", "Cannot parse argument '%s' of option %s", value, name)
	}
	return n, true, nil
}

// properties are the key=value pairs of an option that repeats.
func (g *parsed) properties(name string) properties {
	p := properties{}
	for _, pair := range g.values(name) {
		key, value, _ := strings.Cut(pair, "=")
		p[key] = value
	}
	return p
}
