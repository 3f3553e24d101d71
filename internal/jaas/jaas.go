// Package jaas reads the notation in which Java configures login modules, the value of
// sasl.jaas.config and the files of a Java machine (java.security.auth.login.config). It
// knows no module; a reader looks for the options of those that it serves.
package jaas

import (
	"errors"
	"fmt"
	"strings"
)

// Module is an entry: a class, its flag and its options.
type Module struct {
	Class   string
	Flag    string // REQUIRED, REQUISITE, SUFFICIENT or OPTIONAL
	Options map[string]string
}

// ParseConfig reads sasl.jaas.config: modules, each ended by a semicolon.
func ParseConfig(text string) ([]Module, error) {
	s := &scanner{text: text, line: 1}
	var modules []Module
	for {
		t, err := s.next()
		if err != nil {
			return nil, err
		}
		if t.kind == end {
			if len(modules) == 0 {
				return nil, errors.New("it holds no login module")
			}
			return modules, nil
		}
		m, err := s.module(t)
		if err != nil {
			return nil, err
		}
		modules = append(modules, m)
	}
}

// flags of modules; JAAS compares them without case.
var flags = []string{"REQUIRED", "REQUISITE", "SUFFICIENT", "OPTIONAL"}

// module reads CLASS FLAG key=value ... ; after its first token.
func (s *scanner) module(class token) (m Module, err error) {
	if class.kind != word && class.kind != quoted {
		return m, s.unexpected(class, "the class of a login module")
	}
	m = Module{Class: class.text, Options: map[string]string{}}
	flag, err := s.next()
	if err != nil {
		return m, err
	}
	for _, f := range flags {
		if strings.EqualFold(f, flag.text) {
			m.Flag = f
		}
	}
	if m.Flag == "" {
		return m, s.unexpected(flag, "required, requisite, sufficient or optional")
	}
	for {
		key, err := s.next()
		if err != nil {
			return m, err
		}
		if key.is(';') {
			return m, nil
		}
		if key.kind != word && key.kind != quoted {
			return m, s.unexpected(key, "an option or a semicolon")
		}
		if err := s.expect('='); err != nil {
			return m, err
		}
		value, err := s.next()
		if err != nil {
			return m, err
		}
		if value.kind != word && value.kind != quoted {
			return m, s.unexpected(value, "a value")
		}
		m.Options[key.text] = value.text
	}
}

type kind int

const (
	end kind = iota
	word
	quoted
	sign // one of { } ; =
)

type token struct {
	kind kind
	text string
}

func (t token) is(c byte) bool { return t.kind == sign && t.text[0] == c }

type scanner struct {
	text string
	at   int
	// began is where the last token does, and line the line that is read.
	began int
	line  int
}

// unexpected names the place, and of the text only what can be no secret.
func (s *scanner) unexpected(t token, want string) error {
	found := "something else"
	switch t.kind {
	case end:
		found = "the end"
	case sign:
		found = t.text
	}
	return fmt.Errorf("line %d: %s is expected and not %s", s.line, want, found)
}

func (s *scanner) expect(c byte) error {
	t, err := s.next()
	if err == nil && !t.is(c) {
		err = s.unexpected(t, string(c))
	}
	return err
}

// next reads a token, as java.io.StreamTokenizer does in sun.security.provider.ConfigFile and in
// Kafka's JaasConfig, and takes more as a word than that would without quotes: numbers, and signs
// such as / and #. At the beginning of a word # begins a comment, which Java has not.
func (s *scanner) next() (token, error) {
	if err := s.skip(); err != nil {
		return token{}, err
	}
	s.began = s.at
	if s.at == len(s.text) {
		return token{}, nil
	}
	switch c := s.text[s.at]; c {
	case '{', '}', ';', '=':
		s.at++
		return token{sign, string(c)}, nil
	case '"', '\'':
		return s.quoted(c)
	}
	from := s.at
	for s.at < len(s.text) && !strings.ContainsRune(" \t\r\n{};=\"'", rune(s.text[s.at])) {
		s.at++
	}
	return token{word, s.text[from:s.at]}, nil
}

// skip passes over space and comments.
func (s *scanner) skip() error {
	for s.at < len(s.text) {
		rest := s.text[s.at:]
		switch {
		case rest[0] == '\n':
			s.line++
			s.at++
		case rest[0] <= ' ':
			s.at++
		case rest[0] == '#', strings.HasPrefix(rest, "//"):
			if n := strings.IndexByte(rest, '\n'); n >= 0 {
				s.at += n
			} else {
				s.at = len(s.text)
			}
		case strings.HasPrefix(rest, "/*"):
			n := strings.Index(rest, "*/")
			if n < 0 {
				return fmt.Errorf("line %d: a comment has no end", s.line)
			}
			s.line += strings.Count(rest[:n], "\n")
			s.at += n + 2
		default:
			return nil
		}
	}
	return nil
}

// quoted reads a text in quotes, with the escapes of StreamTokenizer.
func (s *scanner) quoted(quote byte) (token, error) {
	var b strings.Builder
	for s.at++; s.at < len(s.text) && s.text[s.at] != '\n' && s.text[s.at] != '\r'; s.at++ {
		c := s.text[s.at]
		switch {
		case c == quote:
			s.at++
			return token{quoted, b.String()}, nil
		case c == '\\' && s.at+1 < len(s.text):
			char, size := unescaped(s.text[s.at+1:])
			b.WriteString(char)
			s.at += size
		default:
			b.WriteByte(c)
		}
	}
	return token{}, fmt.Errorf("line %d: a quoted text has no end", s.line)
}

// escapes are the letters that stand for a character behind a backslash.
var escapes = strings.NewReplacer("a", "\a", "b", "\b", "f", "\f", "n", "\n", "r", "\r", "t", "\t", "v", "\v")

// unescaped is what text, which is not empty, begins with behind a backslash, and how many bytes
// stood for it: \0 to \377 are characters by their number.
func unescaped(text string) (char string, size int) {
	code, most := rune(0), 3
	if text[0] > '3' {
		most = 2
	}
	for size < min(most, len(text)) && text[size] >= '0' && text[size] <= '7' {
		code = code<<3 | rune(text[size]-'0')
		size++
	}
	if size > 0 {
		return string(code), size
	}
	return escapes.Replace(text[:1]), 1
}
