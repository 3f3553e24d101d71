// Package cli is the command line for people: `barnabas topics list` and the others.
//
//	Run("topics", ["list", "--json"]) --> verb --> franz-go --> any broker
//
// Each verb prints a table for people, or with --json what it has as JSON for programs,
// whose fields docs/cli.md lists: the page is made from the types here, and a test refuses a
// stale one. Long work tells on standard error how far it is, when that is a terminal.
//
// A command is a client like any other: it has no way into the broker, and works with any
// Kafka. Kafka's own tools, for scripts that know those, are cli/kafkatools.
package cli

//go:generate go test -run TestPageIsFresh -args -rewrite
