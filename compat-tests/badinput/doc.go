// Package badinput sends a broker what no decent client would, and says what
// must come back: Kafka's error code, or the end of that connection alone.
//
// The catalogue is data (Cases), usable against any address. After each case a
// bystander connection, opened before the first, must still be served; over all
// of them the broker's memory may grow by no more than MaxGrowth.
//
//	Case.Send --> fresh connection --> Want.Check
//	                                   bystander pings
package badinput

// MaxGrowth is how far the broker's resident memory may rise above its idle
// value at any moment of the catalogue: a batch that is held has 32 MiB, what its buffer
// was before it grew has 20, and the rest is what the collector has not come to. 50 to 64
// MiB were seen.
const MaxGrowth = 80 << 20
