package applets

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"

	"github.com/barnabas-mq/barnabas/internal/terminal"
)

// shell is sh and bash, which are one: bash's language.
func (c *call) shell() int {
	command, params, rest, ok := c.shellOptions()
	if !ok {
		return statusUsage
	}
	name := c.name
	var text io.Reader
	switch {
	case command != nil:
		text = strings.NewReader(*command)
		if len(rest) > 0 {
			name, rest = rest[0], rest[1:]
		}
	case len(rest) > 0:
		name, rest = rest[0], rest[1:]
		script, err := os.ReadFile(c.path(name))
		if err != nil {
			c.fail(name, err)
			return statusNotFound
		}
		text = bytes.NewReader(script)
	case terminal.Is(c.in):
		return c.interactive(params)
	default:
		script, err := io.ReadAll(c.in)
		if err != nil {
			return c.fail("the commands", err)
		}
		text, c.in = bytes.NewReader(script), strings.NewReader("")
	}
	return c.script(name, text, append(append(params, "--"), rest...))
}

// shellOptions takes the options apart. Those that only make sense to a person
// (-i, -l) say nothing here.
func (c *call) shellOptions() (command *string, params, rest []string, ok bool) {
	rest = c.args
	withCommand := false
	for len(rest) > 0 && len(rest[0]) > 1 && (rest[0][0] == '-' || rest[0][0] == '+') {
		word := rest[0]
		rest = rest[1:]
		switch {
		case word == "--":
			return commandOf(withCommand, params, rest)
		case word == "--login" || word == "--noprofile" || word == "--norc" || word == "--posix":
			continue
		case strings.HasPrefix(word, "--"):
			c.refuse(word)
			return nil, nil, nil, false
		}
		for _, letter := range word[1:] {
			switch letter {
			case 'c':
				withCommand = true
			case 'i', 'l', 's':
			case 'o':
				if len(rest) == 0 {
					c.refuse(word + " without a name")
					return nil, nil, nil, false
				}
				params = append(params, word[:1]+"o", rest[0])
				rest = rest[1:]
			default:
				params = append(params, word[:1]+string(letter))
			}
		}
	}
	return commandOf(withCommand, params, rest)
}

func commandOf(with bool, params, rest []string) (*string, []string, []string, bool) {
	if !with {
		return nil, params, rest, true
	}
	if len(rest) == 0 {
		empty := ""
		return &empty, params, nil, true
	}
	return &rest[0], params, rest[1:], true
}

// script parses a whole script and runs it.
func (c *call) script(name string, text io.Reader, params []string) int {
	file, err := syntax.NewParser().Parse(text, name)
	if err != nil {
		c.say("%v", err)
		return statusUsage
	}
	adapt(file)
	last := make(ends)
	if c.replace {
		last = endsOf(file)
	}
	runner, status := c.runner(last, params)
	if runner == nil {
		return status
	}
	return exitStatus(runner.Run(c.ctx, file), c)
}

func (c *call) runner(last ends, params []string) (*interp.Runner, int) {
	s := &session{call: c, ends: last}
	runner, err := interp.New(
		interp.StdIO(c.in, c.out, c.errOut), interp.Env(shellVariables{expand.ListEnviron(c.environ...), time.Now()}), interp.Dir(c.dir), interp.Params(params...),
		interp.CallHandler(rename), interp.OpenHandler(open), interp.ExecHandlers(func(interp.ExecHandlerFunc) interp.ExecHandlerFunc { return s.exec }),
	)
	if err != nil {
		c.say("%v", err)
		return nil, statusUsage
	}
	return runner, statusOK
}

func exitStatus(err error, c *call) int {
	var status interp.ExitStatus
	switch {
	case err == nil:
		return statusOK
	case errors.As(err, &status):
		return int(status)
	case c.ctx.Err() != nil:
		return statusFailed
	}
	c.say("%v", err)
	return statusFailed
}

// interactive reads commands from a person, as they come.
func (c *call) interactive(params []string) int {
	runner, status := c.runner(nil, append(params, "--"))
	if runner == nil {
		return status
	}
	parser := syntax.NewParser()
	fmt.Fprint(c.errOut, "$ ")
	for stmts, err := range parser.InteractiveSeq(c.in) {
		switch {
		case err != nil:
			c.say("%v", err)
			return statusUsage
		case parser.Incomplete():
			fmt.Fprint(c.errOut, "> ")
			continue
		}
		for _, stmt := range stmts {
			status = exitStatus(runner.Run(c.ctx, stmt), c)
			if runner.Exited() || c.ctx.Err() != nil {
				return status
			}
		}
		fmt.Fprint(c.errOut, "$ ")
	}
	return status
}

// builtin is what the shell has inside, as a program.
func (c *call) builtin() int {
	var text strings.Builder
	for _, word := range append([]string{c.name}, c.args...) {
		quoted, err := syntax.Quote(word, syntax.LangBash)
		if err != nil {
			return c.refuse(fmt.Sprintf("%q", word))
		}
		text.WriteString(quoted)
		text.WriteByte(' ')
	}
	c.replace = false
	return c.script(c.name, strings.NewReader(text.String()), nil)
}

// open opens the files of redirections, and bash's /dev/tcp/HOST/PORT.
func open(ctx context.Context, name string, flag int, mode os.FileMode) (io.ReadWriteCloser, error) {
	target, isConnection := strings.CutPrefix(name, "/dev/tcp/")
	if !isConnection {
		return interp.DefaultOpenHandler()(ctx, name, flag, mode)
	}
	host, port, ok := strings.Cut(target, "/")
	if !ok {
		return nil, &os.PathError{Op: "open", Path: name, Err: errors.New("is not of the form /dev/tcp/HOST/PORT")}
	}
	// bash waits for the kernel; a start script should not wait for minutes.
	dialer := net.Dialer{Timeout: connectTimeout}
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: name, Err: err}
	}
	return conn, nil
}

const connectTimeout = 10 * time.Second

// rename gives the builtins that the shell lacks to the applets.
func rename(_ context.Context, args []string) ([]string, error) {
	switch {
	case args[0] == "kill":
		return append([]string{asApplet + "kill"}, args[1:]...), nil
	case args[0] == "trap" && len(args) > 2 && !trapsOnly(args[2:], "EXIT", "ERR", "0"):
		// A signal ends the whole script here, so there is nothing to catch.
		return []string{"true"}, nil
	}
	return args, nil
}

// asApplet marks a name that is no file.
const asApplet = "applet:"

func trapsOnly(signals []string, known ...string) bool {
	for _, s := range signals {
		if s != known[0] && s != known[1] && s != known[2] {
			return false
		}
	}
	return true
}

// session is a shell that runs.
type session struct {
	*call
	ends ends
}

// exec runs what is no function and no builtin.
func (s *session) exec(ctx context.Context, args []string) error {
	hc := interp.HandlerCtx(ctx)
	replace := s.ends.at(hc.Pos, args[0])
	c := &call{
		ctx: ctx, args: args[1:], in: hc.Stdin, out: hc.Stdout, errOut: hc.Stderr, dir: hc.Dir,
		environ: exported(hc.Env), replace: replace,
	}
	if status, known := c.run(strings.TrimPrefix(args[0], asApplet)); known {
		return asExit(status)
	}
	c.name = args[0]
	program, err := interp.LookPathDir(hc.Dir, hc.Env, args[0])
	if err != nil {
		c.say("%s", notFound(c.path(args[0]), args[0]))
		return asExit(statusNotFound)
	}
	status, ran := c.program(program, args)
	if ran {
		return asExit(status)
	}
	// A file without #! is a script: `echo '' > ensure` leaves one.
	text, err := os.ReadFile(program)
	if err != nil || bytes.IndexByte(text, 0) >= 0 {
		c.say("cannot be run: it is neither a program nor a script")
		return asExit(statusNoExec)
	}
	c.name = filepath.Base(args[0])
	return asExit(c.script(program, bytes.NewReader(text), append([]string{"--"}, args[1:]...)))
}

// program runs a program, in this process's place if nothing follows here. ran is
// false when the file is none.
func (c *call) program(path string, args []string) (status int, ran bool) {
	// A launcher may see its script appear, and start it, before whoever writes it has
	// closed it.
	for range busyAttempts {
		err := c.start(path, args, &status)
		switch {
		case err == nil:
			return status, true
		case isNoProgram(err):
			return 0, false
		case !errors.Is(err, syscall.ETXTBSY) || !c.wait(busyPause):
			c.say("%v", err)
			return statusNoExec, true
		}
	}
	c.say("somebody keeps %s open to write", path)
	return statusNoExec, true
}

// Two seconds are much for writing a script, and nobody waits longer for one.
const (
	busyPause    = 10 * time.Millisecond
	busyAttempts = 200
)

// start is one attempt of program.
func (c *call) start(path string, args []string, status *int) error {
	if c.replace && c.ctx.Err() == nil {
		if err := replaceProcess(path, args, c); !errors.Is(err, errStays) {
			return err
		}
	}
	return c.spawn(path, args, status)
}

func notFound(path, name string) string {
	if !strings.Contains(name, "/") {
		return "not found"
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "no such file"
	case info.IsDir():
		return "is a folder"
	}
	return "may not be executed (chmod +x)"
}

func asExit(status int) error {
	if status == statusOK {
		return nil
	}
	return interp.ExitStatus(status)
}

// exported is the environment of a command.
func exported(env expand.Environ) []string {
	var all []string
	for name, v := range env.Each {
		if v.IsSet() && v.Exported && v.Kind == expand.String {
			all = append(all, name+"="+v.String())
		}
	}
	return all
}
