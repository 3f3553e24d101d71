// Package invariant holds the voice for our own bugs: a panic with values.
//
// Bad input from a peer is a protocol error and a failing disk is a wrapped
// error; only a state that our own code promised to be impossible ends here.
package invariant

import "fmt"

// Check panics with the formatted message when holds is false.
func Check(holds bool, format string, args ...any) {
	if !holds {
		panic("invariant broken: " + fmt.Sprintf(format, args...))
	}
}
