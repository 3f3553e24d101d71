// Package api is where Kafka's requests mean something: one file per API key.
// A handler translates, calls one room and answers. None checks rights yet:
// everybody may do everything.
//
//	frame ─> Header.Parse ─> table[key] ─> decode ─> handler ─> room
//	                                                   │
//	socket <─ server(ordered) <─ encode <──────────────┘
//
// table.go lists every key that is served, with its versions, in the open; it
// is also what ApiVersions advertises, so nothing is advertised that is not
// served. errors.go is the one place where the rooms' Go errors become Kafka's
// error codes.
//
// To add an API: write its file, declare its entry beside the handler, and add
// that entry to the table.
package api
