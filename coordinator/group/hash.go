package group

import "math"

// ShardOf is the partition of __consumer_offsets that holds a group: Kafka's
// Utils.abs(groupId.hashCode) % partitions, where the abs of the smallest int is 0.
// Java hashes UTF-16 code units, so a character beyond the basic plane counts as
// its two surrogates.
func ShardOf(groupID string, shards int32) int32 {
	var h int32
	for _, r := range groupID {
		if r >= 0x10000 {
			r -= 0x10000
			h = 31*h + 0xd800 + (r >> 10)
			h = 31*h + 0xdc00 + (r & 0x3ff)
			continue
		}
		h = 31*h + r
	}
	if h == math.MinInt32 {
		return 0
	}
	return max(h, -h) % shards
}
