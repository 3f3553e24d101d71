// Command alone passes on what `go test` writes, and ends with the commands that repeat each failed test by itself:
//
//	go test ./... 2>&1 | go run ./alone
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
)

// indent is how much deeper go test writes of the parts of a test.
const indent = 4

// envTarget is told too: a failure may be that of another broker.
const envTarget = "BARNABAS_COMPAT_TARGET"

var (
	failedTest    = regexp.MustCompile(`^( *)--- FAIL: (\S+) \(`)
	failedPackage = regexp.MustCompile(`^FAIL\s+\S*/compat-tests/(\S+)\s`)
)

func main() {
	prefix := ""
	if target := os.Getenv(envTarget); target != "" {
		prefix = fmt.Sprintf("%s='%s' ", envTarget, target)
	}
	if err := pass(os.Stdin, os.Stdout, prefix); err != nil {
		fmt.Fprintln(os.Stderr, "alone:", err)
		os.Exit(1)
	}
}

// pass copies in to out, and adds the commands.
func pass(in io.Reader, out io.Writer, prefix string) error {
	var failed, commands []string
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		if _, err := io.WriteString(out, line); err != nil {
			return err
		}
		// What a test quotes of another run stands deeper than a part of a test with such a name.
		if match := failedTest.FindStringSubmatch(line); match != nil && len(match[1]) <= indent*strings.Count(match[2], "/") {
			failed = append(failed, match[2])
		}
		if match := failedPackage.FindStringSubmatch(line); match != nil {
			commands = append(commands, repeat(prefix, match[1], failed)...)
			failed = nil
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	if len(commands) == 0 {
		return nil
	}
	_, err := fmt.Fprintf(out, "\nEach failure alone, in compat-tests:\n  %s\n", strings.Join(commands, "\n  "))
	return err
}

// repeat are the commands for the failed tests of a package; a test that failed because a part of it did is left to the part.
func repeat(prefix, pkg string, failed []string) []string {
	if len(failed) == 0 { // it was not built, or ended in a panic
		return []string{fmt.Sprintf("%sgo test -count=1 ./%s", prefix, pkg)}
	}
	var commands []string
	for _, name := range failed {
		if slices.ContainsFunc(failed, func(other string) bool { return strings.HasPrefix(other, name+"/") }) {
			continue
		}
		pattern := "^" + strings.ReplaceAll(regexp.QuoteMeta(name), "/", "$/^") + "$"
		commands = append(commands, fmt.Sprintf("%sgo test -count=1 ./%s -run '%s'", prefix, pkg, pattern))
	}
	return commands
}
