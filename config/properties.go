package config

import (
	"fmt"
	"strings"
	"unicode/utf16"
)

// Property is one entry of a properties file.
type Property struct {
	Name  string
	Value string
	// Line is where the entry begins, counted from 1.
	Line int
}

// ParseProperties reads the format of java.util.Properties: comments with # or
// !, a name that ends at =, : or white space, backslash escapes, and lines that
// go on after a backslash. The text is taken as UTF-8 (Java reads Latin-1 and
// would spoil other letters). An entry may occur twice; the last one counts.
// The error is a *SyntaxError.
func ParseProperties(text []byte) ([]Property, error) {
	var entries []Property
	lines := lineReader{rest: string(text)}
	for lines.next() {
		name, value := splitEntry(lines.text)
		var err error
		p := Property{Line: lines.start}
		if p.Name, err = unescape(name); err == nil {
			p.Value, err = unescape(value)
		}
		if err != nil {
			return nil, &SyntaxError{Line: lines.start, Reason: err.Error()}
		}
		entries = append(entries, p)
	}
	return entries, nil
}

// SyntaxError is a line that is no entry of a properties file.
type SyntaxError struct {
	Line   int
	Reason string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Reason) }

// lineReader joins natural lines into logical ones and drops comments and
// blank lines.
type lineReader struct {
	rest  string
	line  int // number of the last natural line read
	start int // number of the natural line where text begins
	text  string
}

func (r *lineReader) next() bool {
	for r.rest != "" {
		first := r.natural()
		r.start = r.line
		// A comment never goes on, even with a backslash at its end.
		if first == "" || first[0] == '#' || first[0] == '!' {
			continue
		}
		var joined strings.Builder
		for continues(first) && r.rest != "" {
			joined.WriteString(first[:len(first)-1])
			first = r.natural()
		}
		if continues(first) { // a backslash at the end of the file goes on to nothing
			first = first[:len(first)-1]
		}
		joined.WriteString(first)
		r.text = joined.String()
		if r.text != "" {
			return true
		}
	}
	return false
}

// natural takes one line, without its end and the white space before it. Line
// ends are \n, \r and \r\n.
func (r *lineReader) natural() string {
	r.line++
	line := r.rest
	end := strings.IndexAny(r.rest, "\r\n")
	if end < 0 {
		r.rest = ""
		return strings.TrimLeft(line, white)
	}
	line, r.rest = r.rest[:end], r.rest[end:]
	if strings.HasPrefix(r.rest, "\r\n") {
		r.rest = r.rest[1:]
	}
	r.rest = r.rest[1:]
	return strings.TrimLeft(line, white)
}

const white = " \t\f"

// continues tells whether an odd number of backslashes ends the line.
func continues(line string) bool {
	return (len(line)-len(strings.TrimRight(line, `\`)))%2 == 1
}

// splitEntry finds the first separator that is not escaped. White space ends
// the name too, and one = or : after it belongs to the separator.
func splitEntry(line string) (name, value string) {
	end := len(line)
	for i := 0; i < len(line); i++ {
		if line[i] == '\\' {
			i++
			continue
		}
		if strings.IndexByte(white+"=:", line[i]) >= 0 {
			end = i
			break
		}
	}
	value = strings.TrimLeft(line[end:], white)
	if value != "" && (value[0] == '=' || value[0] == ':') {
		value = strings.TrimLeft(value[1:], white)
	}
	return line[:end], value
}

func unescape(s string) (string, error) {
	if !strings.Contains(s, `\`) {
		return s, nil
	}
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			out.WriteByte(s[i])
			continue
		}
		i++
		switch s[i] {
		case 't':
			out.WriteByte('\t')
		case 'n':
			out.WriteByte('\n')
		case 'r':
			out.WriteByte('\r')
		case 'f':
			out.WriteByte('\f')
		case 'u':
			r, used, err := unescapeUnicode(s[i-1:])
			if err != nil {
				return "", err
			}
			out.WriteRune(r)
			i += used - 2
		default: // a backslash before any other letter is dropped
			out.WriteByte(s[i])
		}
	}
	return out.String(), nil
}

// unescapeUnicode reads one \uXXXX, or two that are a surrogate pair, from the
// start of s and tells how many bytes it used.
func unescapeUnicode(s string) (r rune, used int, err error) {
	first, err := hex4(s)
	if err != nil {
		return 0, 0, err
	}
	if utf16.IsSurrogate(first) && strings.HasPrefix(s[6:], `\u`) {
		second, err := hex4(s[6:])
		if err != nil {
			return 0, 0, err
		}
		if pair := utf16.DecodeRune(first, second); pair != '\uFFFD' {
			return pair, 12, nil
		}
	}
	return first, 6, nil
}

func hex4(s string) (rune, error) {
	if len(s) < 6 {
		return 0, fmt.Errorf(`%q is not a \uXXXX escape`, s)
	}
	var r rune
	for _, c := range []byte(s[2:6]) {
		digit := strings.IndexByte("0123456789abcdef", c|0x20)
		if digit < 0 || c < '0' {
			return 0, fmt.Errorf(`%q is not a \uXXXX escape`, s[:6])
		}
		r = r<<4 | rune(digit)
	}
	return r, nil
}
