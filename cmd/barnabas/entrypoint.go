package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/barnabas-mq/barnabas/cli/kafkatools"
	"github.com/barnabas-mq/barnabas/config"
	"github.com/barnabas-mq/barnabas/internal/applets"
)

// plan is what an entry path found out from its arguments and the environment;
// it has done nothing yet. Exactly one of its three parts is there.
type plan struct {
	start   *imageStart // start the broker
	command []string    // run another program in this one's place
	keeper  *string     // stand in for ZooKeeper, with the properties file of this name
}

// imageStart is how the broker is started.
type imageStart struct {
	family    config.Family
	environ   []string // os.Environ's form
	file      string   // a properties file that must be there, empty for the family's own
	overrides []string // key=value
	flags     []string // Redpanda's
	profile   string
	serve     serveFlags // of `serve`, where the image is given such
	beside    []string   // HOST:PORT of Redpanda's other services, found by input
}

// entryPoint is a program of another image, which starts a broker.
type entryPoint struct {
	path string // whole, or just a name
	plan func(args, environ []string) (plan, error)
}

func entryPoints() []entryPoint {
	return []entryPoint{
		{"/entrypoint.sh", planImage},
		{"/etc/kafka/docker/run", func(args, environ []string) (plan, error) { return planFamily(config.Apache, args, environ) }},
		{"/etc/confluent/docker/run", func(args, environ []string) (plan, error) { return planFamily(config.Confluent, args, environ) }},
		{"/opt/bitnami/scripts/kafka/entrypoint.sh", planBitnami},
		{"/opt/bitnami/scripts/kafka/run.sh", func(args, environ []string) (plan, error) { return planFamily(config.Bitnami, nil, environ) }},
		{"/opt/bitnami/scripts/kafka/setup.sh", func(_, _ []string) (plan, error) { return plan{command: []string{"true"}}, nil }}, // run.sh does all
		{"start-kafka", func(_, environ []string) (plan, error) { return planFamily(config.Apache, nil, environ) }},                // wurstmeister's
		{"kafka-server-start", planServerStart},
		{"zookeeper-server-start", planKeeper},
		{"rpk", planRpk},
	}
}

// entryOf finds an entry by the path that was called or by the name of a tool.
func entryOf(called string) (entryPoint, bool) {
	whole := called
	if strings.ContainsRune(called, os.PathSeparator) {
		if absolute, err := filepath.Abs(called); err == nil {
			whole = filepath.ToSlash(absolute)
		}
	}
	name := programName(called)
	for _, e := range entryPoints() {
		if e.path == whole || !strings.Contains(e.path, "/") && e.path == name {
			return e, true
		}
	}
	return entryPoint{}, false
}

// run plans and does it.
func (e entryPoint) run(args []string, out, errOut io.Writer) int {
	p, err := e.plan(args, os.Environ())
	if err != nil {
		fmt.Fprintf(errOut, "%s: %v\n", path.Base(e.path), err)
		return exitUsage
	}
	switch {
	case p.start != nil:
		err = p.start.run(out, errOut)
	case p.keeper != nil:
		err = keepZooKeeper(*p.keeper, errOut)
	default:
		return runCommand(p.command, out, errOut)
	}
	return status(err, command{}, errOut)
}

// runCommand runs what the image's entry point was given: ours by name, any other
// program through env, which takes this process's place.
func runCommand(words []string, out, errOut io.Writer) int {
	switch words[0] {
	case "barnabas":
		return run(words[1:], out, errOut)
	case "rpk":
		status, known := kafkatools.Run("rpk", words[1:], os.Stdin, out, errOut)
		if !known {
			fmt.Fprintln(errOut, "rpk: there is: rpk redpanda start")
			return exitUsage
		}
		return status
	}
	if !strings.Contains(words[0], "/") && isCommand(words[0]) {
		return run(words, out, errOut)
	}
	status, _ := applets.Become("env", words)
	return status
}

func isCommand(name string) bool {
	for _, c := range commands() {
		if c.name == name {
			return true
		}
	}
	return false
}

// planFamily is an image's run script: its arguments are more environment.
func planFamily(f config.Family, args, environ []string) (plan, error) {
	environ, err := withVariables(environ, args)
	if err != nil {
		return plan{}, err
	}
	return plan{start: &imageStart{family: f, environ: environ, profile: imageProfile(environ)}}, nil
}

// withVariables puts NAME=VALUE arguments behind an environment, where they win.
func withVariables(environ, args []string) ([]string, error) {
	for _, arg := range args {
		if !isVariable(arg) {
			name, _, _ := strings.Cut(arg, "=") // the value may be a secret
			return nil, fmt.Errorf("an argument that begins with %q is not of the form NAME=VALUE", name)
		}
	}
	replaced := func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		for _, arg := range args {
			if strings.HasPrefix(arg, name+"=") {
				return true
			}
		}
		return false
	}
	var all []string
	for _, entry := range environ {
		if !replaced(entry) {
			all = append(all, entry)
		}
	}
	return append(all, args...), nil
}

func isVariable(arg string) bool {
	name, _, ok := strings.Cut(arg, "=")
	return ok && name != "" && !strings.ContainsAny(name, "/- ")
}

// planImage is the image's own entry point. What it is given is Redpanda's
// command, more environment, flags of `serve`, a command of ours, or any program.
func planImage(args, environ []string) (plan, error) {
	switch {
	case len(args) == 0 || len(args) == 1 && (args[0] == "broker" || args[0] == ""): // an empty one is a compose file's variable
		return planFamily(config.Apache, nil, environ)
	case isRedpandaStart(args):
		return planRpk(args, environ)
	case isVariable(args[0]):
		return planFamily(config.Apache, args, environ)
	case isHelpFlag(args[0]) || args[0] == "--version" || args[0] == "help":
		return plan{command: append([]string{"barnabas"}, args...)}, nil
	case strings.HasPrefix(args[0], "-"):
		return planServe(args, environ)
	case args[0] == "":
		return plan{}, errors.New("the first word of the command is empty")
	}
	return plan{command: args}, nil
}

// planServe starts as the image does, on every interface, with the flags of `serve`.
func planServe(args, environ []string) (plan, error) {
	var said strings.Builder
	f, err := parseServe(args, &said)
	if errors.Is(err, pflag.ErrHelp) {
		return plan{command: append([]string{"barnabas"}, args...)}, nil
	}
	if err != nil {
		return plan{}, err
	}
	s := imageStart{family: config.Apache, environ: environ, file: f.file, overrides: f.overrides, profile: orElse(f.profile, imageProfile(environ)), serve: f}
	return plan{start: &s}, nil
}

// planBitnami is bitnami's entry point: it prepares for run.sh, and gives way to
// anything else.
func planBitnami(args, environ []string) (plan, error) {
	if len(args) == 0 || slices.Contains([]string{"", "/opt/bitnami/scripts/kafka/run.sh", "/run.sh"}, args[0]) {
		return planFamily(config.Bitnami, nil, environ)
	}
	return plan{command: args}, nil
}

// planServerStart is Kafka's kafka-server-start: [-daemon] FILE [--override K=V].
func planServerStart(args, environ []string) (plan, error) {
	for len(args) > 0 && (args[0] == "-daemon" || args[0] == "-name" || args[0] == "-loggc") {
		args = args[1:]
	}
	if len(args) == 0 || strings.HasPrefix(args[0], "-") {
		return plan{}, fmt.Errorf("which properties file? usage: kafka-server-start FILE [--override KEY=VALUE]")
	}
	s := imageStart{family: familyOfFile(args[0]), environ: environ, file: args[0], profile: variable(environ, "BARNABAS_PROFILE")}
	for rest := args[1:]; len(rest) > 0; {
		setting, inOne := strings.CutPrefix(rest[0], "--override=")
		switch {
		case inOne:
			rest = rest[1:]
		case rest[0] == "--override" && len(rest) > 1:
			setting, rest = rest[1], rest[2:]
		default:
			return plan{}, fmt.Errorf("%q is not understood; there is --override KEY=VALUE", rest[0])
		}
		s.overrides = append(s.overrides, setting)
	}
	return plan{start: &s}, nil
}

// planKeeper is zookeeper-server-start FILE.
func planKeeper(args, _ []string) (plan, error) {
	for len(args) > 0 && args[0] == "-daemon" {
		args = args[1:]
	}
	file := ""
	if len(args) > 0 {
		file = args[0]
	}
	return plan{keeper: &file}, nil
}

// planRpk is Redpanda's `rpk redpanda start`, also without its first words as the
// image's entry point has it. Other words are rpk's tools.
func planRpk(args, environ []string) (plan, error) {
	if len(args) > 0 { // "redpanda start" in one
		args = append(strings.Fields(args[0]), args[1:]...)
	}
	rest := args
	if len(rest) > 0 && rest[0] == "redpanda" {
		rest = rest[1:]
	}
	if len(rest) == 0 || rest[0] != "start" {
		return plan{command: append([]string{"rpk"}, args...)}, nil
	}
	return plan{start: &imageStart{family: config.Redpanda, environ: environ, flags: rest[1:], profile: imageProfile(environ)}}, nil
}

func isRedpandaStart(args []string) bool {
	words := strings.Fields(args[0])
	return len(words) > 0 && (words[0] == "redpanda" || words[0] == "start")
}

// imageProfile is dev: the image is for development and CI, and says how to have
// more.
func imageProfile(environ []string) string {
	if profile := variable(environ, "BARNABAS_PROFILE"); profile != "" {
		return profile
	}
	return "dev"
}

func variable(environ []string, name string) string {
	for i := len(environ) - 1; i >= 0; i-- {
		if value, ok := strings.CutPrefix(environ[i], name+"="); ok {
			return value
		}
	}
	return ""
}
