package main

import (
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/barnabas-mq/barnabas/internal/applets"
	"github.com/barnabas-mq/barnabas/protocol"
)

// kafkaTools runs one of Kafka's own tools (kafka-topics and others) by its name
// without .sh. JOIN HERE: cli/kafkatools.Run has this form.
var kafkaTools = func(name string, args []string, in io.Reader, out, errOut io.Writer) (status int, known bool) {
	return 0, false
}

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
	if strings.HasPrefix(name, "kafka-") || name == "cub" || name == "ub" {
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
	if status, known := kafkaTools(name, args, os.Stdin, out, errOut); known {
		return status, true
	}
	if name == "kafka-storage" {
		return storage(args, out, errOut), true
	}
	return applets.Become(name, args)
}

// isTool tells the names that runTool and the entries know.
func isTool(name string) bool {
	if _, ok := entryOf(name); ok || name == "kafka-storage" {
		return true
	}
	// A tool asked for its help says whether it is one.
	if _, known := kafkaTools(name, []string{"--help"}, strings.NewReader(""), io.Discard, io.Discard); known {
		return true
	}
	return applets.Known(name)
}

// storage is what start scripts want of kafka-storage: an id, and no failure
// where Kafka formats a directory. Barnabas makes its directory when it starts.
func storage(args []string, out, errOut io.Writer) int {
	switch {
	case len(args) > 0 && args[0] == "random-uuid":
		_, _ = io.WriteString(out, protocol.NewUUID().String()+"\n")
		return exitStopped
	case len(args) > 0 && args[0] == "format":
		return exitStopped
	}
	_, _ = io.WriteString(errOut, "kafka-storage: there are random-uuid and format\n")
	return exitUsage
}
