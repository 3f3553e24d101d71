// Command benchfmt writes a recorded run in the format of Go's benchmarks to its
// standard output, for benchstat.
package main

import (
	"fmt"
	"os"

	"github.com/barnabas-mq/barnabas/compat-tests/bench/record"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: benchfmt RUN.json")
		os.Exit(2)
	}
	run, err := record.Read(os.Args[1])
	if err == nil {
		err = run.WriteBenchfmt(os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "benchfmt:", err)
		os.Exit(1)
	}
}
