// Command barnabas is a Kafka-wire-compatible broker. `barnabas` alone serves;
// `barnabas help` lists the commands.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/barnabas-mq/barnabas/cli"
)

// version is set when building (-X main.version).
var version = ""

// Exit statuses: scripts and init systems depend on them.
const (
	exitStopped   = 0
	exitFailed    = 1
	exitUsage     = 2
	exitDirectory = 3
)

// exitError carries the exit status of a failed command.
type exitError struct {
	status int
	err    error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

func usageError(err error) error { return &exitError{exitUsage, err} }

// command is one word after `barnabas`.
type command struct {
	name, use, about string
	flags            bool // run takes flags, and explains them when asked for help
	run              func(args []string, out, errOut io.Writer) error
}

func commands() []command {
	all := []command{
		{"serve", "serve [server.properties] [flags]", "run the broker (the default command)", true, serve},
		{"healthcheck", "healthcheck [--bootstrap-server HOST:PORT]", "exit with status 0 when a broker answers", true, healthcheck},
		{"image", "image FAMILY | configure", "start as the image of apache, confluent, bitnami or redpanda does", false, image},
		{"config", "config [KEY] | config check FILE", "explain the settings, or check a properties file", false, configCommand},
		{"version", "version", "print the version", false, printVersion},
	}
	for _, noun := range cli.Nouns() {
		all = append(all, command{noun.Name, noun.Use, noun.About, true, func(args []string, out, errOut io.Writer) error {
			err := cli.Run(noun.Name, args, os.Stdin, out, errOut)
			if wrong := (*cli.UsageError)(nil); errors.As(err, &wrong) {
				return usageError(err)
			}
			return err
		}})
	}
	return all
}

func main() {
	tuneCollector()
	os.Exit(dispatch(os.Args, os.Stdout, os.Stderr))
}

// run executes the command line and returns the exit status.
func run(args []string, out, errOut io.Writer) int {
	name, rest := "serve", args
	if len(args) > 0 && isCommandWord(args[0]) {
		name, rest = args[0], args[1:]
	}
	if name == "help" || isHelpFlag(name) {
		printUsage(out)
		return exitStopped
	}
	if name == "--version" {
		name = "version"
	}
	for _, c := range commands() {
		switch {
		case c.name != name:
		case !c.flags && slices.ContainsFunc(rest, isHelpFlag):
			fmt.Fprintf(out, "usage: barnabas %s\n%s\n", c.use, c.about)
			return exitStopped
		default:
			return status(c.run(rest, out, errOut), c, errOut)
		}
	}
	if entry, ok := entryOf(name); ok {
		return entry.run(rest, out, errOut)
	}
	if status, known := runTool(programName(name), rest, out, errOut); known {
		return status
	}
	fmt.Fprintf(errOut, "barnabas: there is no command %q\n\n", name)
	printUsage(errOut)
	return exitUsage
}

// isCommandWord tells a command from the flags and the file of `serve`.
func isCommandWord(word string) bool {
	if word == "help" || word == "--version" || isHelpFlag(word) {
		return true
	}
	if isCommand(word) || isTool(programName(word)) && !looksLikeFile(word) {
		return true
	}
	// A bare word that is no file is more likely a mistyped command than a file.
	if word == "" || word[0] == '-' {
		return false
	}
	_, err := os.Stat(word)
	return err != nil && !looksLikePath(word)
}

// looksLikeFile tells a folder's path with a tool's name at its end.
func looksLikeFile(word string) bool { return strings.ContainsAny(word, `/\`) }

func isHelpFlag(word string) bool { return word == "--help" || word == "-h" }

func looksLikePath(word string) bool {
	for _, r := range word {
		if r == '/' || r == '.' || r == os.PathSeparator {
			return true
		}
	}
	return false
}

func status(err error, c command, errOut io.Writer) int {
	if err == nil {
		return exitStopped
	}
	if errors.Is(err, pflag.ErrHelp) {
		return exitStopped // the flags' own usage is printed already
	}
	fmt.Fprintf(errOut, "barnabas: %v\n", err)
	var exit *exitError
	if !errors.As(err, &exit) {
		return exitFailed
	}
	if exit.status == exitUsage && c.use != "" { // an entry of the image has no use to explain
		fmt.Fprintf(errOut, "usage: barnabas %s\n", c.use)
	}
	return exit.status
}

func printUsage(w io.Writer) {
	fmt.Fprintln(w, "Barnabas is a Kafka-wire-compatible broker.\n\nUsage:")
	for _, c := range commands() {
		fmt.Fprintf(w, "  barnabas %-45s %s\n", c.use, c.about)
	}
	fmt.Fprintln(w, "\nRun a command with --help for its flags.")
}

func printVersion(args []string, out, _ io.Writer) error {
	if len(args) > 0 {
		return usageError(fmt.Errorf("version takes no arguments"))
	}
	_, err := fmt.Fprintln(out, versionText())
	return err
}

// versionText is what was set when building, else what the Go tool recorded.
func versionText() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}
