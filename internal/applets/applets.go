package applets

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Exit statuses as shells know them.
const (
	statusOK       = 0
	statusFailed   = 1
	statusUsage    = 2
	statusNoExec   = 126
	statusNotFound = 127
	statusSignal   = 128 // and the signal's number
)

// call is one run of an applet.
type call struct {
	ctx         context.Context
	name        string
	args        []string // without the name
	in          io.Reader
	out, errOut io.Writer
	dir         string   // the shell's folder, which is not the process's
	environ     []string // os.Environ's form
	// replace says that nothing follows in this process: another program may take
	// its place.
	replace bool
	end     ending // of what it starts
}

type applet struct {
	options string // what is supported, for the refusal of what is not
	run     func(*call) int
}

// table has every applet. It is built on demand: a broker needs none of it.
func table() map[string]applet {
	return map[string]applet{
		"sh": {"[-c COMMAND] [-eux] [-o OPTION] [FILE]", (*call).shell}, "bash": {"as sh", (*call).shell},
		"env": {"[-i] [-u NAME] [NAME=VALUE]... [COMMAND]", (*call).env}, "sleep": {"N[smhd] | infinity", (*call).sleep},
		"cat": {"[FILE]...", (*call).cat}, "head": {"[-n N] [-c N] [FILE]...", (*call).head}, "tail": {"[-n N] [-f] [FILE]...", (*call).tail},
		"wc": {"[-lwc] [FILE]...", (*call).wc}, "tee": {"[-a] [FILE]...", (*call).tee}, "sort": {"[-rnu] [FILE]...", (*call).sort},
		"cut": {"-d C -f LIST | -c LIST [FILE]...", (*call).cut}, "tr": {"[-ds] SET1 [SET2]", (*call).tr},
		"grep": {"[-qivcnosxwEFh] [-e PATTERN] [PATTERN] [FILE]...", (*call).grep},
		"sed":  {"[-inEr] [-e SCRIPT] [SCRIPT] [FILE]..., with d, p, q and s///gip", (*call).sed},
		"awk":  {"[-F C] '[/PATTERN/ | NR==N] {print $N, $M}' [FILE]...", (*call).awk},
		"echo": {"", (*call).builtin}, "printf": {"", (*call).builtin}, "test": {"", (*call).builtin}, "[": {"", (*call).builtin},
		"true": {"", func(*call) int { return statusOK }}, "false": {"", func(*call) int { return statusFailed }},
		"chmod": {"[-R] MODE FILE...", (*call).chmod}, "mkdir": {"[-p] [-m MODE] FOLDER...", (*call).mkdir}, "rm": {"[-rRf] FILE...", (*call).rm},
		"cp": {"[-rRapf] FROM... TO", (*call).cp}, "mv": {"[-f] FROM... TO", (*call).mv}, "ln": {"[-sfn] FROM TO", (*call).ln},
		"ls": {"[-la1] [FILE]...", (*call).ls}, "touch": {"FILE...", (*call).touch},
		"basename": {"PATH [SUFFIX]", (*call).basename}, "dirname": {"PATH...", (*call).dirname}, "which": {"NAME...", (*call).which},
		"hostname": {"[-i]", (*call).hostname}, "uname": {"[-asnrm]", (*call).uname}, "id": {"[-ugn]", (*call).id}, "whoami": {"", (*call).whoami},
		"date": {"[-u] [+FORMAT]", (*call).date}, "timeout": {"[-s SIGNAL] [-k N] N[smhd] COMMAND...", (*call).timeout},
		"kill": {"[-SIGNAL] [-s SIGNAL] PID...", (*call).kill}, "nc": {"[-zv] [-w SECONDS] HOST PORT", (*call).nc},
		"seq": {"[FIRST [STEP]] LAST", (*call).seq}, "xargs": {"[-r] [-n N] [-I TEXT] [COMMAND]", (*call).xargs},
		"uniq": {"[-cdu] [FILE]...", (*call).uniq}, "printenv": {"[NAME]...", (*call).printenv},
	}
}

// Names are the names of all applets, sorted: an image has a link for each.
func Names() []string {
	var names []string
	for name := range table() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Known tells whether there is an applet of that name.
func Known(name string) bool {
	_, known := table()[name]
	return known
}

// Run runs the applet of that name in the process's folder and environment. The
// status is what the program would exit with; known is false for other names.
func Run(ctx context.Context, name string, args []string, in io.Reader, out, errOut io.Writer) (status int, known bool) {
	c, err := processCall(ctx, args)
	if err != nil {
		fmt.Fprintf(errOut, "%s: %v\n", name, err)
		return statusFailed, true
	}
	c.in, c.out, c.errOut = in, out, errOut
	return c.run(name)
}

func processCall(ctx context.Context, args []string) (*call, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("the working folder: %w", err)
	}
	return &call{ctx: ctx, args: args, dir: dir, environ: os.Environ()}, nil
}

// run looks the name up. A script ends with .sh where its applet does not.
func (c *call) run(name string) (status int, known bool) {
	one, known := table()[name]
	if !known {
		return statusNotFound, false
	}
	c.name = name
	return one.run(c), true
}

// path is a file as the process knows it.
func (c *call) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(c.dir, name)
}

func (c *call) variable(name string) string {
	for _, entry := range slices.Backward(c.environ) {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value
		}
	}
	return ""
}

func (c *call) say(format string, args ...any) {
	fmt.Fprintf(c.errOut, c.name+": "+format+"\n", args...)
}

// fail reports an error of the world, without the folder that the user did not
// write.
func (c *call) fail(name string, err error) int {
	var inPath *fs.PathError
	if errors.As(err, &inPath) {
		err = inPath.Err
	}
	c.say("%s: %v", name, err)
	return statusFailed
}

// refuse reports a use that the applet does not support.
func (c *call) refuse(what string) int {
	c.say("%s is not supported here; there is: %s %s", what, c.name, table()[c.name].options)
	return statusUsage
}

// options takes options apart by getopt's notation: a letter, with a colon if a
// value follows. ok is false after a refusal. With --, or the first other
// argument, the rest begins.
func (c *call) options(notation string) (given map[byte][]string, rest []string, ok bool) {
	given = make(map[byte][]string)
	rest = c.args
	for len(rest) > 0 && len(rest[0]) > 1 && rest[0][0] == '-' {
		word := rest[0]
		rest = rest[1:]
		if word == "--" {
			return given, rest, true
		}
		for i := 1; i < len(word); i++ {
			at := strings.IndexByte(notation, word[i])
			if at < 0 || word[i] == ':' {
				c.refuse(word)
				return nil, nil, false
			}
			if at+1 == len(notation) || notation[at+1] != ':' {
				given[word[i]] = append(given[word[i]], "")
				continue
			}
			value := word[i+1:]
			if value == "" {
				if len(rest) == 0 {
					c.refuse(word + " without a value")
					return nil, nil, false
				}
				value, rest = rest[0], rest[1:]
			}
			given[word[i]] = append(given[word[i]], value)
			break
		}
	}
	return given, rest, true
}

func has(given map[byte][]string, option byte) bool { return len(given[option]) > 0 }

// last is the value of an option, the last if it is given again.
func last(given map[byte][]string, option byte, otherwise string) string {
	if v := given[option]; len(v) > 0 {
		return v[len(v)-1]
	}
	return otherwise
}

// inputs calls use with each file, or with what is piped in when there is none.
// A file that cannot be read is reported, and the others are used.
func (c *call) inputs(names []string, use func(name string, r io.Reader) error) int {
	if len(names) == 0 {
		names = []string{"-"}
	}
	status := statusOK
	for _, name := range names {
		err := c.input(name, use)
		if err != nil {
			status = c.fail(name, err)
		}
	}
	return status
}

func (c *call) input(name string, use func(name string, r io.Reader) error) error {
	if name == "-" {
		return use(name, c.in)
	}
	f, err := os.Open(c.path(name))
	if err != nil {
		return err
	}
	defer f.Close()
	return use(name, f)
}
