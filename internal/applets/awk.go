package applets

import (
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// awkProgram is the one form that start scripts and port checks use: print some
// fields of some lines.
type awkProgram struct {
	match  *regexp.Regexp
	number func(line int) bool
	print  []awkItem // none is the whole line
	fields func(line string) []string
}

// fieldsBy takes lines apart: at blanks, at one letter, or where a pattern fits.
func fieldsBy(separator string) (func(line string) []string, error) {
	separator = strings.NewReplacer(`\t`, "\t", `\\`, `\`).Replace(separator)
	switch {
	case separator == "":
		return nil, fmt.Errorf("it is empty")
	case separator == " ":
		return strings.Fields, nil
	case utf8.RuneCountInString(separator) == 1:
		return func(line string) []string { return strings.Split(line, separator) }, nil
	}
	pattern, err := regexp.Compile(separator)
	if err != nil {
		return nil, err
	}
	return func(line string) []string { return pattern.Split(line, -1) }, nil
}

// awkItem is a field ($1; $0 the line, $NF the last) or a text.
type awkItem struct {
	field int
	last  bool
	text  *string
}

// awkForm is compiled when needed: a broker starts without it.
var awkForm = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^\s*(?:/((?:[^/\\]|\\.)*)/|NR\s*(==|>|<|>=|<=)\s*(\d+))?\s*(?:\{\s*print\b([^;{}]*);?\s*\})?\s*$`)
})

func (c *call) awk() int {
	given, rest, ok := c.options("F:")
	if !ok {
		return statusUsage
	}
	if len(rest) == 0 {
		return c.refuse("no program")
	}
	program, err := parseAwk(rest[0])
	if err != nil {
		return c.refuse(fmt.Sprintf("the program %q (%v)", cutText(rest[0]), err))
	}
	if program.fields, err = fieldsBy(last(given, 'F', " ")); err != nil {
		return c.refuse(fmt.Sprintf("-F %q (%v)", last(given, 'F', ""), err))
	}
	number := 0
	return c.inputs(rest[1:], func(_ string, r io.Reader) error {
		return lines(r, func(line string) error {
			number++
			if program.match != nil && !program.match.MatchString(line) || program.number != nil && !program.number(number) {
				return nil
			}
			_, err := fmt.Fprintln(c.out, program.output(line))
			return err
		})
	})
}

func parseAwk(text string) (p awkProgram, err error) {
	m := awkForm().FindStringSubmatch(text)
	if m == nil || strings.TrimSpace(text) == "" {
		return p, fmt.Errorf("more than one pattern and one print")
	}
	if m[1] != "" {
		if p.match, err = regexp.Compile(m[1]); err != nil {
			return p, err
		}
	}
	if m[2] != "" {
		want, _ := strconv.Atoi(m[3]) // digits only
		p.number = map[string]func(int) bool{
			"==": func(n int) bool { return n == want }, ">": func(n int) bool { return n > want }, "<": func(n int) bool { return n < want },
			">=": func(n int) bool { return n >= want }, "<=": func(n int) bool { return n <= want },
		}[m[2]]
	}
	if strings.TrimSpace(m[4]) == "" {
		return p, nil
	}
	for part := range strings.SplitSeq(m[4], ",") {
		item, err := parseAwkItem(strings.TrimSpace(part))
		if err != nil {
			return p, err
		}
		p.print = append(p.print, item)
	}
	return p, nil
}

func parseAwkItem(text string) (awkItem, error) {
	if text == "$NF" {
		return awkItem{last: true}, nil
	}
	if number, ok := strings.CutPrefix(text, "$"); ok {
		n, err := strconv.Atoi(number)
		if err == nil && n >= 0 {
			return awkItem{field: n}, nil
		}
	}
	if word, err := strconv.Unquote(text); err == nil && text[0] == '"' {
		return awkItem{text: &word}, nil
	}
	return awkItem{}, fmt.Errorf("%q is neither $N nor a text", text)
}

func (p awkProgram) output(line string) string {
	if len(p.print) == 0 {
		return line
	}
	fields := p.fields(line)
	var out []string
	for _, item := range p.print {
		value := ""
		switch {
		case item.text != nil:
			value = *item.text
		case item.last && len(fields) > 0:
			value = fields[len(fields)-1]
		case item.field == 0 && !item.last:
			value = line
		case item.field > 0 && item.field <= len(fields):
			value = fields[item.field-1]
		}
		out = append(out, value)
	}
	return strings.Join(out, " ")
}
