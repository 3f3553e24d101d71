package coordinator

import "testing"

// TestShardOf has the partitions of __consumer_offsets in which Apache Kafka
// 4.3.1 has put these groups, and Java's hashes of others.
func TestShardOf(t *testing.T) {
	for _, c := range []struct {
		group  string
		shards int32
		want   int32
	}{
		{"p", 50, 12}, {"s", 50, 15}, {"c2", 50, 19}, {"c9", 50, 26}, {"j0", 50, 34}, {"j9", 50, 43},
		{"", 50, 0},
		{"ü", 1000, 252},        // U+00FC is one code unit
		{"𝄞", 1 << 30, 1772394}, // two surrogates
		{"a𝄞b", 1 << 30, 57834039},
		{"orders", 50, 31}, {"classic-readers", 50, 25}, {"simple-readers", 50, 19}, {"grün-1", 50, 13}, // their hashes are negative
		{"😀-group", 50, 43},
		{"polygenelubricants", 50, 0}, // its hash is the smallest int, whose absolute value is none
	} {
		if got := ShardOf(c.group, c.shards); got != c.want {
			t.Errorf("%q of %d: %d, want %d", c.group, c.shards, got, c.want)
		}
	}
}
