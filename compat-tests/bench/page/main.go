// Command page writes the results of docs/performance.md, between two marks, and
// its plots from one recorded run or several. What stands around the marks is
// written by hand and stays.
//
//	go run ./bench/page -docs ../docs run.json another.json
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/barnabas-mq/barnabas/compat-tests/bench/record"
)

const (
	beginMark = "<!-- results: written by make bench-page -->"
	endMark   = "<!-- end of results -->"
	// plotFolder lies beside the page.
	plotFolder = "performance"
)

func main() {
	docs := flag.String("docs", "../docs", "folder of performance.md")
	flag.Parse()
	if err := write(*docs, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "page:", err)
		os.Exit(1)
	}
}

func write(docs string, files []string) error {
	if len(files) == 0 {
		return errors.New("which runs? Name one or several JSON files")
	}
	var runs []record.Run
	for _, file := range files {
		r, err := record.Read(file)
		if err != nil {
			return err
		}
		runs = append(runs, r)
	}
	run, err := record.Merge(runs...)
	if err != nil {
		return err
	}
	path := filepath.Join(docs, "performance.md")
	page, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	plots := plotsOf(run)
	page, err = between(page, results(run, plots))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	folder := filepath.Join(docs, plotFolder)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for _, p := range plots {
		if err := os.WriteFile(filepath.Join(folder, p.file), []byte(p.svg()), 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(path, page, 0o644)
}

// between puts text between the marks.
func between(page []byte, text string) ([]byte, error) {
	before, rest, found := strings.Cut(string(page), beginMark)
	_, after, closed := strings.Cut(rest, endMark)
	if !found || !closed {
		return nil, fmt.Errorf("the marks %q and %q are not both there", beginMark, endMark)
	}
	return []byte(before + beginMark + "\n\n" + text + "\n" + endMark + after), nil
}
