package applets

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
)

// grep ends with 0 when a line matched, 1 when none did, 2 after an error.
func (c *call) grep() int {
	given, rest, ok := c.options("qivcnosxwEFhe:")
	if !ok {
		return statusUsage
	}
	patterns := given['e']
	if len(patterns) == 0 {
		if len(rest) == 0 {
			return c.refuse("no pattern")
		}
		patterns, rest = rest[:1], rest[1:]
	}
	match, err := grepPattern(patterns, given)
	if err != nil {
		return c.refuse(fmt.Sprintf("the pattern %q (%v)", patterns, err))
	}
	g := &grepping{call: c, given: given, match: match, names: len(rest) > 1 && !has(given, 'h')}
	if len(rest) == 0 {
		rest = []string{"-"}
	}
	failed := false
	for _, name := range rest {
		switch err := c.input(name, g.file); {
		case errors.Is(err, errFound):
			return statusOK
		case err != nil:
			failed = true
			if !has(given, 's') || !errors.Is(err, os.ErrNotExist) {
				c.fail(name, err)
			}
		}
	}
	switch {
	case failed:
		return statusUsage
	case g.found:
		return statusOK
	}
	return statusFailed
}

// errFound ends the search of grep -q.
var errFound = errors.New("found")

type grepping struct {
	*call
	given        map[byte][]string
	match        *regexp.Regexp
	names, found bool
}

func (g *grepping) file(name string, r io.Reader) error {
	prefix, number, count := "", 0, 0
	if g.names {
		prefix = name + ":"
	}
	err := lines(r, func(line string) error {
		number++
		if g.match.MatchString(line) == has(g.given, 'v') {
			return nil
		}
		g.found = true
		count++
		if has(g.given, 'q') {
			return errFound
		}
		if has(g.given, 'c') {
			return nil
		}
		if has(g.given, 'n') {
			line = fmt.Sprintf("%d:%s", number, line)
		}
		if has(g.given, 'o') {
			for _, part := range g.match.FindAllString(line, -1) {
				fmt.Fprintln(g.out, prefix+part)
			}
			return nil
		}
		_, err := fmt.Fprintln(g.out, prefix+line)
		return err
	})
	if has(g.given, 'c') && err == nil {
		fmt.Fprintf(g.out, "%s%d\n", prefix, count)
	}
	return err
}

func grepPattern(patterns []string, given map[byte][]string) (*regexp.Regexp, error) {
	var all []string
	for _, pattern := range patterns {
		for part := range strings.SplitSeq(pattern, "\n") {
			switch {
			case has(given, 'F'):
				part = regexp.QuoteMeta(part)
			case has(given, 'E'):
				part = extendedPattern(part)
			default:
				part = basicPattern(part)
			}
			all = append(all, part)
		}
	}
	text := "(?:" + strings.Join(all, "|") + ")"
	if has(given, 'w') {
		text = `\b` + text + `\b`
	}
	if has(given, 'x') {
		text = "^" + text + "$"
	}
	if has(given, 'i') {
		text = "(?i)" + text
	}
	return regexp.Compile(text)
}

// basicPattern turns POSIX's basic patterns into Go's: where one has \( as a
// group and ( as a letter, the other has the reverse.
func basicPattern(pattern string) string {
	const swapped = "(){}|+?"
	var out strings.Builder
	for i := 0; i < len(pattern); i++ {
		b := pattern[i]
		switch {
		case b == '\\' && i+1 < len(pattern):
			i++
			switch next := pattern[i]; {
			case next == '<' || next == '>':
				out.WriteString(wordEdge)
			case strings.ContainsRune(swapped, rune(next)):
				out.WriteByte(next)
			default:
				out.WriteString(pattern[i-1 : i+1])
			}
		case b == '[':
			end := bracketEnd(pattern, i)
			out.WriteString(strings.ReplaceAll(pattern[i:end], `\`, `\\`))
			i = end - 1
		case b == '*' && (i == 0 || pattern[i-1] == '^' && i == 1):
			out.WriteString(`\*`)
		case strings.ContainsRune(swapped, rune(b)):
			out.WriteByte('\\')
			out.WriteByte(b)
		default:
			out.WriteByte(b)
		}
	}
	return out.String()
}

// wordEdge is Go's for the beginning of a word (\<) and its end (\>), which Go takes
// for letters.
const wordEdge = `\b`

// extendedPattern turns POSIX's extended patterns into Go's, where they differ.
func extendedPattern(pattern string) string {
	var out strings.Builder
	for i := 0; i < len(pattern); i++ {
		switch b := pattern[i]; {
		case b == '\\' && i+1 < len(pattern):
			i++
			if pattern[i] == '<' || pattern[i] == '>' {
				out.WriteString(wordEdge)
			} else {
				out.WriteString(pattern[i-1 : i+1])
			}
		case b == '[':
			end := bracketEnd(pattern, i)
			out.WriteString(strings.ReplaceAll(pattern[i:end], `\`, `\\`))
			i = end - 1
		default:
			out.WriteByte(b)
		}
	}
	return out.String()
}

// bracketEnd is behind the ] that closes the [ at a position: a ] that comes
// first is one of the letters.
func bracketEnd(pattern string, at int) int {
	i := at + 1
	if i < len(pattern) && pattern[i] == '^' {
		i++
	}
	if i < len(pattern) && pattern[i] == ']' {
		i++
	}
	for i < len(pattern) && pattern[i] != ']' {
		if strings.HasPrefix(pattern[i:], "[:") {
			if end := strings.Index(pattern[i:], ":]"); end > 0 {
				i += end + 1
			}
		}
		i++
	}
	return min(i+1, len(pattern))
}
