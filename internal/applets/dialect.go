package applets

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

// adapt makes of a script what the shell can run where it lacks something of
// bash's that start scripts have: connections as files with a number, and setting
// SECONDS back.
func adapt(file *syntax.File) {
	syntax.Walk(file, func(node syntax.Node) bool {
		switch n := node.(type) {
		case *syntax.Stmt:
			adaptConnections(n)
		case *syntax.CallExpr:
			if len(n.Args) == 0 && len(n.Assigns) == 1 && isReset(n.Assigns[0]) {
				n.Args, n.Assigns = []*syntax.Word{literal("true", n.Pos())}, nil
			}
		}
		return true
	})
}

// isReset tells SECONDS=0. The variable counts from the start of the shell, which
// is about where scripts have that.
func isReset(a *syntax.Assign) bool {
	return a.Name != nil && a.Name.Value == secondsVariable && a.Value != nil && a.Value.Lit() == "0"
}

// adaptConnections lets `exec 3<>/dev/tcp/HOST/PORT` try the connection, and
// `exec 3>&-` do nothing. What is written to the number still fails.
func adaptConnections(s *syntax.Stmt) {
	call, isCall := s.Cmd.(*syntax.CallExpr)
	if !isCall || len(call.Args) != 1 || call.Args[0].Lit() != "exec" {
		return
	}
	changed := false
	s.Redirs = slices.DeleteFunc(s.Redirs, func(r *syntax.Redirect) bool {
		if r.N == nil || !isHigh(r.N.Value) {
			return false
		}
		changed = true
		if begin, ok := firstPart(r.Word); ok && strings.HasPrefix(begin, "/dev/tcp/") {
			r.N, r.Op = nil, syntax.RdrIn
			return false
		}
		return r.Word.Lit() == "-"
	})
	if changed {
		// Without a program, exec would make the connection this shell's own input.
		call.Args[0] = literal("true", call.Args[0].Pos())
	}
}

// isHigh tells a file's number that the shell does not have.
func isHigh(number string) bool {
	n, err := strconv.Atoi(number)
	return err == nil && n > 2
}

// firstPart is the text with which a word begins.
func firstPart(w *syntax.Word) (string, bool) {
	if w == nil || len(w.Parts) == 0 {
		return "", false
	}
	lit, ok := w.Parts[0].(*syntax.Lit)
	if !ok {
		return "", false
	}
	return lit.Value, true
}

func literal(text string, at syntax.Pos) *syntax.Word {
	return &syntax.Word{Parts: []syntax.WordPart{&syntax.Lit{ValuePos: at, ValueEnd: at, Value: text}}}
}

const secondsVariable = "SECONDS"

// shellVariables are the environment's, and how long the shell runs.
type shellVariables struct {
	expand.Environ
	start time.Time
}

func (v shellVariables) Get(name string) expand.Variable {
	if name == secondsVariable {
		return expand.Variable{Set: true, Kind: expand.String, Str: strconv.Itoa(int(time.Since(v.start) / time.Second))}
	}
	return v.Environ.Get(name)
}
