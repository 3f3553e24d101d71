// Package matrix keeps what was seen to work: which subject (a client, a tool, a system
// that comes with one) passed which scenario, in which version, on Barnabas and on
// Apache Kafka 4.3.1. results.json is the record, docs/compatibility.md shows it.
//
//	results.go   the record and its file
//	cell.go      what a test says of itself: Cell
//	page.go      the tables of docs/compatibility.md
//	write        adds the cells of a run to the record, and writes the page
//
// A test of a scenario declares its cell. In an ordinary run it fails if the record has
// no such cell in that version: the page would be stale. A run with BARNABAS_MATRIX=FOLDER
// writes cells there instead, for the command write; `make matrix` does both, on both
// brokers.
package matrix
