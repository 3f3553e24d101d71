// Package broker is the only room that knows all rooms: it opens them in order,
// hands each the small interfaces that it asked for, serves, and stops them in
// the reverse order.
//
//	Open: (HTTP) ─> listen ─> lock ─> identity ─> log store ─> metadata (read, look, marker
//	      away, lead) ─> partitions ─> coordinators ─> api ─> accept
//	Close: (HTTP) ─> coordinators ─> connections ─> metadata (goodbye) ─> log store
//	      ─> clean marker ─> unlock
//
// Reset closes what comes after the identity, wipes the directory and opens it anew
// behind the same listeners. Start and Fault are for tests as well.
//
// The listeners are bound first, so that clients wait in the kernel's queue
// rather than being refused; accepting starts when the metadata are loaded.
// Partitions recover at their first use.
//
// It promises that a data directory is never served by two brokers, that a
// damaged one is never taken for an empty one, that a refused one is left as it
// was, that Apache Kafka can open a closed one (adoption.go), and that every
// goroutine started here ends in Close. Protocol, policy and formats are the other
// rooms' business.
package broker
