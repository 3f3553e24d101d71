package main

import (
	"io"
	"os"
	"os/signal"
	"path"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/barnabas-mq/barnabas/cli/kafkatools"
	"github.com/barnabas-mq/barnabas/internal/applets"
)

// dispatch runs what the process is called. Under its own name, or one that
// nobody knows, it is the command line of `run`.
func dispatch(args []string, out, errOut io.Writer) int {
	called, rest := args[0], args[1:]
	name := programName(called)
	if name == "barnabas" {
		return run(rest, out, errOut)
	}
	if entry, ok := entryOf(called); ok {
		return entry.run(rest, out, errOut)
	}
	for _, c := range commands() {
		if c.name == name {
			return run(append([]string{name}, rest...), out, errOut)
		}
	}
	if status, known := runTool(name, rest, out, errOut); known {
		return status
	}
	if strings.HasPrefix(name, "kafka-") {
		_, _ = io.WriteString(errOut, name+": Barnabas has no such tool yet\n")
		return exitFailed
	}
	return run(rest, out, errOut)
}

// programName is the last part of a path, without what scripts and Windows add.
// A login shell's name begins with a dash.
func programName(called string) string {
	name := path.Base(filepath.ToSlash(called))
	for _, ending := range []string{".sh", ".exe"} {
		name = strings.TrimSuffix(name, ending)
	}
	return strings.TrimPrefix(name, "-")
}

// runTool runs what is no command of ours: Kafka's tools, then the programs of
// start scripts.
func runTool(name string, args []string, out, errOut io.Writer) (status int, known bool) {
	if kafkatools.Known(name) {
		// Kafka's tools end by themselves when nobody reads what they print.
		signal.Ignore(syscall.SIGPIPE)
	}
	if name == "kafka-storage" {
		given, done, err := withStorageProperties(args, os.Environ())
		defer done()
		if err != nil {
			_, _ = io.WriteString(errOut, name+": "+err.Error()+"\n")
			return exitFailed, true
		}
		args = given
	}
	if status, known := kafkatools.Run(name, args, os.Stdin, out, errOut); known {
		return status, true
	}
	return applets.Become(name, args)
}

// isTool tells the names that runTool and the entries know.
func isTool(name string) bool {
	_, isEntry := entryOf(name)
	return isEntry || kafkatools.Known(name) || applets.Known(name)
}
