package tools

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// step is one command of a script, and what it does.
type step struct {
	// comments are the lines before it that begin with #.
	comments []string
	command  string
	// member is a group and a topic: from here to the end of the file the group has a member.
	member string
	// apart is why Barnabas is not held to what is recorded; empty when it is.
	apart         string
	stdin, file   []string
	stdout        string
	stderr        string
	status        int
	recorded      bool
	line          int
	hasFile, hasI bool
}

func readScript(path string) ([]step, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var steps []step
	var comments []string
	for i, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		if strings.HasPrefix(line, "#") {
			comments = append(comments, line)
			continue
		}
		if line == "" {
			continue
		}
		mark, rest := line[0], strings.TrimPrefix(line[1:], " ")
		if mark == '$' || mark == '%' {
			s := step{comments: comments, command: rest, line: i + 1}
			if mark == '%' {
				s.command, s.member = "", rest
			}
			steps, comments = append(steps, s), nil
			continue
		}
		if len(steps) == 0 {
			return nil, fmt.Errorf("%s:%d: %q before the first command", path, i+1, line)
		}
		if err := steps[len(steps)-1].take(mark, rest); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, i+1, err)
		}
	}
	return steps, nil
}

func (s *step) take(mark byte, rest string) (err error) {
	switch mark {
	case '~':
		s.apart = rest
	case '<':
		s.stdin, s.hasI = append(s.stdin, rest), true
	case '@':
		s.file, s.hasFile = append(s.file, rest), true
	case '>':
		s.stdout += unended(rest)
	case '!':
		s.stderr += unended(rest)
	case '=':
		s.recorded = true
		s.status, err = strconv.Atoi(rest)
	default:
		err = fmt.Errorf("no such mark: %c", mark)
	}
	return err
}

// dropped matches the lines that Barnabas is not held to.
func (s *step) dropped() (pattern *regexp.Regexp, is bool) {
	rest, is := strings.CutPrefix(s.apart, "/")
	if !is {
		return nil, false
	}
	text, _, _ := strings.Cut(rest, "/ ")
	return regexp.MustCompile("(?m)^.*" + text + ".*\n"), true
}

// unended gives a line its end back, unless it had none.
func unended(line string) string {
	if cut, open := strings.CutSuffix(line, `\`); open {
		return cut
	}
	return line + "\n"
}

func (s *step) format(b *strings.Builder) {
	for _, c := range s.comments {
		fmt.Fprintln(b, c)
	}
	if s.member != "" {
		fmt.Fprintf(b, "%% %s\n\n", s.member)
		return
	}
	fmt.Fprintln(b, "$ "+s.command)
	if s.apart != "" {
		fmt.Fprintln(b, "~ "+s.apart)
	}
	marked(b, "<", s.stdin)
	marked(b, "@", s.file)
	marked(b, ">", ended(s.stdout))
	marked(b, "!", ended(s.stderr))
	fmt.Fprintf(b, "= %d\n\n", s.status)
}

func marked(b *strings.Builder, mark string, lines []string) {
	for _, line := range lines {
		if line != "" {
			line = " " + line
		}
		fmt.Fprintln(b, mark+line)
	}
}

func ended(text string) []string {
	var lines []string
	for line := range strings.Lines(text) {
		cut, whole := strings.CutSuffix(line, "\n")
		if !whole {
			cut += `\`
		}
		lines = append(lines, cut)
	}
	return lines
}

// scene is where a story is told: what the capital words of commands stand for.
type scene struct {
	bootstrap, data, dir, lastFile string
	files                          int
}

// arguments are the words of the command, once its file is written.
func (w *scene) arguments(s step) ([]string, error) {
	if s.hasFile {
		w.files++
		w.lastFile = filepath.Join(w.dir, fmt.Sprintf("file%d", w.files))
		content := strings.ReplaceAll(strings.Join(s.file, "\n")+"\n", "DIR", w.dir)
		if err := os.WriteFile(w.lastFile, []byte(content), 0o600); err != nil {
			return nil, err
		}
	}
	words := strings.Fields(s.command)
	for i, word := range words {
		words[i] = strings.NewReplacer("ADDR", w.bootstrap, "LASTFILE", w.lastFile, "FILE", w.lastFile, "DIR", w.dir, "DATA", w.data).Replace(word)
	}
	return words, nil
}

func (s step) input() string {
	if !s.hasI {
		return ""
	}
	return strings.Join(s.stdin, "\n") + "\n"
}
