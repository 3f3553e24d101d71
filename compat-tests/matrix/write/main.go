// Command write adds the cells of a run to the record of the matrix, and writes the page.
//
//	go run ./matrix/write FOLDER
package main

import (
	"fmt"
	"os"

	"github.com/barnabas-mq/barnabas/compat-tests/matrix"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "write:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("want the folder of a run's cells, which %s named", matrix.EnvFolder)
	}
	results, err := matrix.Load()
	if err != nil {
		return err
	}
	cells, err := matrix.Read(args[0])
	if err != nil {
		return err
	}
	for _, c := range cells {
		results.Add(c)
	}
	record, pagePath := matrix.Files()
	encoded, err := results.Encode()
	if err != nil {
		return err
	}
	if err := os.WriteFile(record, encoded, 0o644); err != nil {
		return err
	}
	page, err := os.ReadFile(pagePath)
	if err != nil {
		return err
	}
	if page, err = results.Update(page); err != nil {
		return err
	}
	fmt.Printf("%d cells of this run are in %s and %s\n", len(cells), record, pagePath)
	return os.WriteFile(pagePath, page, 0o644)
}
