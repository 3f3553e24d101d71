package applets

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// sedCommand is one command of a script, with the lines it is for.
type sedCommand struct {
	line    int // 0 for all
	toLine  int
	last    bool
	match   *regexp.Regexp
	negated bool
	what    byte // d p q s
	find    *regexp.Regexp
	replace string // in Go's notation
	all     bool
	print   bool
}

func (c *call) sed() int {
	given, rest, ok := c.options("niEre:")
	if !ok {
		return statusUsage
	}
	scripts := given['e']
	if len(scripts) == 0 {
		if len(rest) == 0 {
			return c.refuse("no script")
		}
		scripts, rest = rest[:1], rest[1:]
	}
	parser := sedParser{extended: has(given, 'E') || has(given, 'r')}
	for _, script := range scripts {
		if err := parser.parse(script); err != nil {
			return c.refuse(fmt.Sprintf("%q (%v)", script, err))
		}
	}
	quiet := has(given, 'n')
	if !has(given, 'i') {
		return c.inputs(rest, func(_ string, r io.Reader) error { return sedFile(parser.commands, quiet, r, c.out) })
	}
	status := statusOK
	for _, name := range rest {
		var out bytes.Buffer
		err := c.input(name, func(_ string, r io.Reader) error { return sedFile(parser.commands, quiet, r, &out) })
		if err == nil {
			// Written over, not replaced: the folder need not be ours, and the mode stays.
			err = writeOver(c.path(name), out.Bytes())
		}
		if err != nil {
			status = c.fail(name, err)
		}
	}
	return status
}

func writeOver(name string, text []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if closing := f.Close(); err == nil {
		err = closing
	}
	return err
}

// sedFile edits a line when the next one is there, or the end: $ means the last one.
func sedFile(commands []sedCommand, quiet bool, r io.Reader, out io.Writer) error {
	held, number := "", 0
	err := lines(r, func(line string) error {
		number++
		if number > 1 {
			if err := sedLine(commands, quiet, held, number-1, false, out); err != nil {
				return err
			}
		}
		held = line
		return nil
	})
	if err == nil && number > 0 {
		err = sedLine(commands, quiet, held, number, true, out)
	}
	return ignoreEOF(err)
}

// sedLine runs the commands on one line. io.EOF ends the rest.
func sedLine(commands []sedCommand, quiet bool, line string, number int, isLast bool, out io.Writer) error {
	var all strings.Builder
	gone, stop := false, false
	for _, one := range commands {
		if gone || stop || !one.isFor(line, number, isLast) {
			continue
		}
		switch one.what {
		case 'd':
			gone = true
		case 'q':
			stop = true
		case 'p':
			all.WriteString(line + "\n")
		case 's':
			changed, did := one.substitute(line)
			line = changed
			if did && one.print {
				all.WriteString(line + "\n")
			}
		}
	}
	if !gone && !quiet {
		all.WriteString(line + "\n")
	}
	if _, err := io.WriteString(out, all.String()); err != nil {
		return err
	}
	if stop {
		return io.EOF
	}
	return nil
}

func (s *sedCommand) isFor(line string, number int, isLast bool) bool {
	is := true
	switch {
	case s.last:
		is = isLast
	case s.match != nil:
		is = s.match.MatchString(line)
	case s.toLine > 0:
		is = number >= s.line && number <= s.toLine
	case s.line > 0:
		is = number == s.line
	}
	return is != s.negated
}

func (s *sedCommand) substitute(line string) (changed string, did bool) {
	at := s.find.FindAllStringSubmatchIndex(line, -1)
	if len(at) == 0 {
		return line, false
	}
	if !s.all {
		at = at[:1]
	}
	var out []byte
	from := 0
	for _, m := range at {
		out = append(out, line[from:m[0]]...)
		out = s.find.ExpandString(out, s.replace, line, m)
		from = m[1]
	}
	return string(append(out, line[from:]...)), true
}

type sedParser struct {
	extended bool
	text     string
	commands []sedCommand
}

func (p *sedParser) parse(script string) error {
	p.text = script
	for {
		p.text = strings.TrimLeft(p.text, " \t\n;")
		if p.text == "" {
			return nil
		}
		var one sedCommand
		if err := p.address(&one); err != nil {
			return err
		}
		if strings.HasPrefix(p.text, "!") {
			one.negated, p.text = true, p.text[1:]
		}
		if p.text == "" {
			return fmt.Errorf("an address without a command")
		}
		one.what, p.text = p.text[0], p.text[1:]
		switch one.what {
		case 'd', 'p', 'q':
		case 's':
			if err := p.substitution(&one); err != nil {
				return err
			}
		default:
			return fmt.Errorf("the command %q is not known", one.what)
		}
		p.commands = append(p.commands, one)
		if rest := strings.TrimLeft(p.text, " \t"); rest != "" && rest[0] != ';' && rest[0] != '\n' {
			return fmt.Errorf("%q after a command is not understood", cutText(rest))
		}
	}
}

func (p *sedParser) address(one *sedCommand) (err error) {
	switch b := p.text[0]; {
	case b == '$':
		one.last, p.text = true, p.text[1:]
	case b == '/' || b == '\\':
		delimiter := byte('/')
		if b == '\\' && len(p.text) > 1 {
			p.text = p.text[1:]
			delimiter = p.text[0]
		}
		var pattern string
		if pattern, err = p.until(delimiter); err == nil {
			one.match, err = p.compile(pattern, false)
		}
	case b >= '0' && b <= '9':
		one.line = p.number()
		if strings.HasPrefix(p.text, ",") {
			p.text = p.text[1:]
			if p.text == "" || p.text[0] < '0' || p.text[0] > '9' {
				return fmt.Errorf("only a number can end a range")
			}
			one.toLine = p.number()
		}
	}
	p.text = strings.TrimLeft(p.text, " \t")
	if strings.HasPrefix(p.text, ",") {
		return fmt.Errorf("a range of patterns is not known")
	}
	return err
}

func (p *sedParser) number() int {
	end := 0
	for end < len(p.text) && p.text[end] >= '0' && p.text[end] <= '9' {
		end++
	}
	n, _ := strconv.Atoi(p.text[:end]) // digits only
	p.text = p.text[end:]
	return n
}

// until takes what stands between the delimiter that the text begins with and
// the next; \ before a delimiter makes it a letter.
func (p *sedParser) until(delimiter byte) (string, error) {
	var out strings.Builder
	for i := 1; i < len(p.text); i++ {
		switch b := p.text[i]; {
		case b == delimiter:
			p.text = p.text[i+1:]
			return out.String(), nil
		case b == '\\' && i+1 < len(p.text):
			i++
			if p.text[i] != delimiter {
				out.WriteByte('\\')
			}
			out.WriteByte(p.text[i])
		default:
			out.WriteByte(b)
		}
	}
	return "", fmt.Errorf("there is no second %q", delimiter)
}

func (p *sedParser) compile(pattern string, fold bool) (*regexp.Regexp, error) {
	if p.extended {
		pattern = extendedPattern(pattern)
	} else {
		pattern = basicPattern(pattern)
	}
	if fold {
		pattern = "(?i)" + pattern
	}
	return regexp.Compile(pattern)
}

func (p *sedParser) substitution(one *sedCommand) error {
	if p.text == "" {
		return fmt.Errorf("s without a pattern")
	}
	delimiter := p.text[0]
	pattern, err := p.until(delimiter)
	if err != nil {
		return err
	}
	p.text = string(delimiter) + p.text
	replacement, err := p.until(delimiter)
	if err != nil {
		return err
	}
	fold := false
	for p.text != "" && strings.ContainsRune("gpiI", rune(p.text[0])) {
		switch p.text[0] {
		case 'g':
			one.all = true
		case 'p':
			one.print = true
		default:
			fold = true
		}
		p.text = p.text[1:]
	}
	one.replace = goReplacement(replacement)
	one.find, err = p.compile(pattern, fold)
	return err
}

// goReplacement turns & and \1 into Go's ${0} and ${1}.
func goReplacement(text string) string {
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		switch b := text[i]; {
		case b == '&':
			out.WriteString("${0}")
		case b == '$':
			out.WriteString("$$")
		case b == '\\' && i+1 < len(text):
			i++
			switch n := text[i]; {
			case n >= '0' && n <= '9':
				out.WriteString("${" + string(n) + "}")
			case n == 'n':
				out.WriteByte('\n')
			case n == 't':
				out.WriteByte('\t')
			default:
				out.WriteByte(n)
			}
		default:
			out.WriteByte(b)
		}
	}
	return out.String()
}

func cutText(s string) string { return s[:min(len(s), 40)] }
