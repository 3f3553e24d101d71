// Package race tells tests whether the race detector is on, which makes the runtime
// allocate where it otherwise does not: it has pools forget at random.
package race
