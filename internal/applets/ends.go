package applets

import "mvdan.cc/sh/v3/syntax"

// ends are the commands after which a script has nothing to do: those of `exec`,
// and the last ones. The value is the command's name, empty where the script does
// not spell it out.
type ends map[syntax.Pos]string

// at tells whether the command that runs is one of them. Another file's command
// can stand at the same position, so the name must fit too.
func (e ends) at(pos syntax.Pos, name string) bool {
	written, there := e[pos]
	return there && (written == "" || written == name)
}

// endsOf finds them. A script with something in the background, or to do at its
// end, goes on after its last command: it has none.
func endsOf(file *syntax.File) ends {
	found := make(ends)
	goesOn := false
	syntax.Walk(file, func(node syntax.Node) bool {
		switch n := node.(type) {
		case *syntax.Stmt:
			goesOn = goesOn || n.Background || n.Coprocess
		case *syntax.CallExpr:
			goesOn = goesOn || len(n.Args) > 0 && n.Args[0].Lit() == "trap"
		}
		return !goesOn
	})
	if goesOn {
		return found
	}
	found.statements(file.Stmts, true)
	return found
}

// statements goes through those that run in the shell itself: what stands in
// ( ), $( ), a pipe or a function may not end it.
func (e ends) statements(all []*syntax.Stmt, isEnd bool) {
	for i, one := range all {
		e.statement(one, isEnd && i == len(all)-1)
	}
}

func (e ends) statement(s *syntax.Stmt, isEnd bool) {
	if s == nil || s.Negated {
		return
	}
	switch n := s.Cmd.(type) {
	case *syntax.CallExpr:
		e.command(n, isEnd)
	case *syntax.Block:
		e.statements(n.Stmts, isEnd)
	case *syntax.IfClause:
		for clause := n; clause != nil; clause = clause.Else {
			e.statements(clause.Then, isEnd)
		}
	case *syntax.WhileClause:
		e.statements(n.Do, false)
	case *syntax.ForClause:
		e.statements(n.Do, false)
	case *syntax.CaseClause:
		for _, item := range n.Items {
			e.statements(item.Stmts, isEnd)
		}
	case *syntax.BinaryCmd:
		if n.Op == syntax.AndStmt || n.Op == syntax.OrStmt {
			e.statement(n.X, false)
			e.statement(n.Y, isEnd)
		}
	}
}

func (e ends) command(n *syntax.CallExpr, isEnd bool) {
	if len(n.Args) == 0 {
		return
	}
	name := n.Args[0].Lit()
	switch {
	case name == "exec":
		e[n.Args[0].Pos()] = ""
	case isEnd:
		e[n.Args[0].Pos()] = name
	}
}
