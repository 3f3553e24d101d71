package testbed

import (
	"flag"
	"strconv"
	"testing"
)

// RunAtOnce runs the tests of a package whose parallel ones wait most of the time, for
// sessions to end and processes to start: at least so many of them at once, however few
// cores there are. What -parallel says goes before.
func RunAtOnce(m *testing.M, atLeast int) int {
	flag.Parse()
	const name = "test.parallel"
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == name })
	parallel := flag.Lookup(name)
	if n, err := strconv.Atoi(parallel.Value.String()); err == nil && n < atLeast && !given {
		_ = parallel.Value.Set(strconv.Itoa(atLeast)) // a number
	}
	return m.Run()
}
