package applets

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// seq counts: seq [FIRST [STEP]] LAST, whole numbers only.
func (c *call) seq() int {
	if len(c.args) == 0 || len(c.args) > 3 {
		return c.refuse("this number of numbers")
	}
	var n [3]int64
	for i, text := range c.args {
		v, err := strconv.ParseInt(text, 10, 32) // so that no sum overflows
		if err != nil {
			return c.refuse(fmt.Sprintf("%q", text))
		}
		n[i] = v
	}
	first, step, end := int64(1), int64(1), n[0]
	switch len(c.args) {
	case 2:
		first, end = n[0], n[1]
	case 3:
		first, step, end = n[0], n[1], n[2]
	}
	if step == 0 {
		return c.refuse("a step of 0")
	}
	out := bufio.NewWriter(c.out)
	for i := first; step > 0 && i <= end || step < 0 && i >= end; i += step {
		if c.ctx.Err() != nil {
			return statusFailed
		}
		if _, err := fmt.Fprintln(out, i); err != nil {
			return c.fail("writing", err)
		}
	}
	if err := out.Flush(); err != nil {
		return c.fail("writing", err)
	}
	return statusOK
}

// xargsWordsMax bounds what xargs keeps for one command.
const xargsWordsMax = 5000

// xargs runs a command with the words of its input, all at once, so many at a
// time (-n), or a line at a time in the place of a text (-I).
func (c *call) xargs() int {
	given, command, ok := c.options("I:n:rt0L:P:d:")
	if !ok {
		return statusUsage
	}
	for _, option := range "t0LPd" {
		if has(given, byte(option)) {
			return c.refuse("-" + string(option))
		}
	}
	if len(command) == 0 {
		command = []string{"echo"}
	}
	count, err := strconv.Atoi(last(given, 'n', strconv.Itoa(xargsWordsMax)))
	if err != nil || count < 1 || count > xargsWordsMax {
		return c.refuse("-n " + last(given, 'n', ""))
	}
	x := &xargsRun{call: c, command: command}
	err = lines(c.in, func(line string) error {
		if has(given, 'I') {
			return x.replaced(last(given, 'I', ""), strings.TrimSpace(line))
		}
		words, err := quotedWords(line)
		if err != nil {
			return err
		}
		for _, word := range words {
			if x.words = append(x.words, word); len(x.words) == count {
				x.flush()
			}
		}
		return x.ended()
	})
	if err == nil && (len(x.words) > 0 || !x.ran && !has(given, 'r') && !has(given, 'I')) {
		x.flush()
	}
	if err != nil && err != io.EOF {
		return c.fail("reading", err)
	}
	return x.status
}

// quotedWords takes a line apart at its blanks, but for those in quotes or behind a
// backslash.
func quotedWords(line string) (words []string, err error) {
	var word strings.Builder
	inWord, quote := false, rune(0)
	escaped := false
	for _, r := range line {
		switch {
		case escaped:
			word.WriteRune(r)
			escaped = false
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\\':
			inWord, escaped = true, true
		case r == '"' || r == '\'':
			inWord, quote = true, r
		case r != ' ' && r != '\t':
			inWord = true
			word.WriteRune(r)
		case inWord:
			words = append(words, word.String())
			word.Reset()
			inWord = false
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("a %c is not closed in %q", quote, cutText(line))
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, nil
}

type xargsRun struct {
	*call
	command, words []string
	ran            bool
	status         int
}

// statusSomeFailed is what xargs ends with when a command did not end well.
const statusSomeFailed = 123

func (x *xargsRun) flush() {
	words := append(slices.Clone(x.command), x.words...)
	x.words = nil
	x.one(words)
}

func (x *xargsRun) replaced(mark, line string) error {
	if line == "" {
		return nil
	}
	words := slices.Clone(x.command)
	for i := range words {
		words[i] = strings.ReplaceAll(words[i], mark, line)
	}
	x.one(words)
	return x.ended()
}

func (x *xargsRun) one(words []string) {
	x.ran = true
	c := *x.call
	// The input is ours: a command that read it would take the rest away.
	c.in, c.replace = strings.NewReader(""), false
	switch status := c.command(words); status {
	case statusOK:
	case statusNotFound, statusNoExec:
		x.status = status
	default:
		x.status = statusSomeFailed
	}
}

// ended stops the reading after a signal, or when there is no such command.
func (x *xargsRun) ended() error {
	if x.ctx.Err() != nil || x.status == statusNotFound || x.status == statusNoExec {
		return io.EOF
	}
	return nil
}

func (c *call) uniq() int {
	given, names, ok := c.options("cdu")
	if !ok {
		return statusUsage
	}
	return c.inputs(names, func(_ string, r io.Reader) error {
		previous, count := "", 0
		write := func() error {
			var err error
			switch {
			case count == 0 || has(given, 'd') && count == 1 || has(given, 'u') && count > 1:
			case has(given, 'c'):
				_, err = fmt.Fprintf(c.out, "%7d %s\n", count, previous)
			default:
				_, err = fmt.Fprintln(c.out, previous)
			}
			return err
		}
		err := lines(r, func(line string) error {
			if count > 0 && line == previous {
				count++
				return nil
			}
			err := write()
			previous, count = line, 1
			return err
		})
		if err != nil {
			return err
		}
		return write()
	})
}

func (c *call) printenv() int {
	if len(c.args) == 0 {
		for _, entry := range c.environ {
			fmt.Fprintln(c.out, entry)
		}
		return statusOK
	}
	status := statusOK
	for _, name := range c.args {
		at := slices.IndexFunc(c.environ, func(entry string) bool { return strings.HasPrefix(entry, name+"=") })
		if at < 0 {
			status = statusFailed
			continue
		}
		fmt.Fprintln(c.out, c.variable(name))
	}
	return status
}
