// Package mutations tests the tests: it breaks the broker on purpose, one promise at
// a time, and expects the scenario that guards the promise to fail, and to say why.
//
// A Mutation is data: a file of the broker, a piece of its text and what stands there
// instead, the scenario that must fail and what it must say. All of them go into one
// broker, each behind a switch, so that there is one build: where the new text says
// MUTATED, there is the question whether this mutation is the one that the environment
// names. The work tree is not touched: the build has an overlay.
//
//	every row: file, old -> new --> overlay --> go build --> one broker ----------.
//	package ---------------------> go test -c (once) --> go test -run ... --------+--> must fail,
//	                               BARNABAS_BIN=that broker BARNABAS_MUTATION=name     and say so
//
// A mutation that no longer fits its file, does not build, does not start, is not
// noticed, or is noticed for another reason fails by itself, with the reason.
//
//	go test ./mutations -v                                    all, with progress
//	go test ./mutations -run 'TestEachIsCaught/no-dedup' -v   one
//	go test ./mutations -whole -v                             the scenarios pass while nothing is switched on
//
// To add one, add a row to one of the lists (list_*.go).
package mutations
