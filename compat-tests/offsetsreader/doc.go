// Package offsetsreader reads __consumer_offsets as monitoring tools do (Burrow
// is the best known) and asks whether that tells the same as the broker.
//
// A reader consumes the whole topic, decodes every key and value by Kafka's own
// schemas, without a byte left over, keeps the last value of each key, and
// writes down offsets and memberships as lines of text; an admin client writes
// the same lines from what the broker answers.
//
//	__consumer_offsets --> read.go ---> state --> lines --.
//	admin API ------------> admin.go ----------> lines --+-> compared
package offsetsreader
