package dumplog

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
)

// dump is what the tool said of one file.
type dump struct {
	path string
	// lines are those that follow the file's name.
	lines []string
}

// dumpFiles runs the tool once over many files: a JVM costs a second.
func dumpFiles(files []string, gapsAllowed bool, flags ...string) ([]dump, error) {
	out, err := oracle.Tool{Name: "dump-log", Args: append(flags, "--files", strings.Join(files, ","))}.Run()
	if err != nil {
		return nil, err
	}
	if complaints := complaintsOf(out.Stderr, gapsAllowed); len(complaints) > 0 {
		return nil, fmt.Errorf("dump-log %v complains: %s", flags, strings.Join(complaints, "; "))
	}
	var dumps []dump
	for line := range strings.Lines(out.Stdout) {
		line = strings.TrimSuffix(line, "\n")
		if path, isName := strings.CutPrefix(line, "Dumping "); isName {
			dumps = append(dumps, dump{path: path})
			continue
		}
		if len(dumps) > 0 {
			d := &dumps[len(dumps)-1]
			d.lines = append(d.lines, line)
		}
	}
	return dumps, nil
}

var (
	gapsIn     = regexp.MustCompile(`^Non-consecutive offsets in .*?(\d{20})\.log$`)
	followedBy = regexp.MustCompile(`^\s*(-?\d+) is followed by (\d+)$`)
)

// complaintsOf are the lines of stderr, where DumpLogSegments (4.3) lists what
// it finds wrong. It takes the first offset of each file for the successor of -1
// (it says so of Kafka's own second segments); that line is left out. Gaps are
// what compaction leaves.
func complaintsOf(stderr string, gapsAllowed bool) []string {
	var out []string
	header, base := "", int64(0)
	for line := range strings.Lines(stderr) {
		line = strings.TrimRight(line, "\n")
		if match := gapsIn.FindStringSubmatch(line); match != nil {
			header = line
			base, _ = strconv.ParseInt(match[1], 10, 64) // twenty digits
			continue
		}
		match := followedBy.FindStringSubmatch(line)
		switch {
		case match == nil && line != "":
			out = append(out, line)
		case match != nil && !gapsAllowed && (match[1] != "-1" || match[2] != strconv.FormatInt(base, 10)):
			out = append(out, header+":"+line)
		}
	}
	return out
}

// named checks that the tool came to each file.
func named(dumps []dump, files []string) error {
	var seen []string
	for _, d := range dumps {
		seen = append(seen, d.path)
	}
	for _, file := range files {
		if !slices.Contains(seen, file) {
			return fmt.Errorf("dump-log says nothing of %s", file)
		}
	}
	return nil
}

// records counts the records of a data log, control records aside, and checks
// that every batch is valid.
func (d dump) records() (int, error) {
	records, batches := 0, 0
	for _, line := range d.lines {
		switch {
		case strings.HasPrefix(line, "| "):
			if !strings.Contains(line, " endTxnMarker: ") {
				records++
			}
		case strings.HasPrefix(line, "baseOffset: "):
			batches++
			if !strings.HasSuffix(line, "isvalid: true") {
				return 0, fmt.Errorf("%s: %s", d.path, line)
			}
		}
	}
	if records > 0 && batches == 0 {
		return 0, fmt.Errorf("%s: records without batches", d.path)
	}
	return records, nil
}

// text is everything the tool printed of the files.
func text(dumps []dump) string {
	var b strings.Builder
	for _, d := range dumps {
		for _, line := range d.lines {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}

// filesOf lists the files under dir in the folders that are meant and with one
// of the suffixes, sorted.
func filesOf(dir string, inFolder func(name string) bool, suffixes ...string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !inFolder(filepath.Base(filepath.Dir(path))) {
			return err
		}
		if slices.Contains(suffixes, filepath.Ext(path)) {
			files = append(files, path)
		}
		return nil
	})
	slices.Sort(files)
	return files, err
}

func anyFolder(string) bool { return true }

func folderOf(topic string) func(string) bool {
	return func(folder string) bool { return strings.HasPrefix(folder, topic+"-") }
}
