package dumplog

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
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
func dumpFiles(files []string, flags ...string) ([]dump, error) {
	out, err := oracle.Tool{Name: "dump-log", Args: append(flags, "--files", strings.Join(files, ","))}.Run()
	if err != nil {
		return nil, err
	}
	if out.Stderr != "" {
		return nil, fmt.Errorf("dump-log %v says %s", flags, out.Stderr)
	}
	var dumps []dump
	for line := range strings.Lines(out.Stdout) {
		line = strings.TrimSuffix(line, "\n")
		if path, isName := strings.CutPrefix(line, "Dumping "); isName {
			dumps = append(dumps, dump{path: path})
			continue
		}
		if complaint.MatchString(line) {
			return nil, fmt.Errorf("dump-log %v: %s", flags, line)
		}
		if len(dumps) > 0 {
			d := &dumps[len(dumps)-1]
			d.lines = append(d.lines, line)
		}
	}
	return dumps, nil
}

// complaint is what DumpLogSegments (4.3) prints of a file that is not sound:
// at the end, over all files, or on a batch.
var complaint = regexp.MustCompile(`(?i)^(Mismatches in|Non-consecutive offsets in|Found timestamp mismatch|Found out of order timestamp|` +
	`Found \d+ invalid bytes|.*isvalid: false|.*(is|are) (corrupt|not found)|.*Exception)`)

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

// filesOf lists the files under dir whose folder begins with one of the prefixes
// and whose name has one of the suffixes, sorted.
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

func userTopic(folder string) bool { return !strings.HasPrefix(folder, "__") }

func folderOf(topic string) func(string) bool {
	return func(folder string) bool { return strings.HasPrefix(folder, topic+"-") }
}
