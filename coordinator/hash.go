package coordinator

import "math"

// ShardOf is the shard of a group or transactional id: Kafka's
// Utils.abs(groupId.hashCode) % partitions, where the abs of the smallest int is 0.
// Java hashes UTF-16 code units, so a character beyond the basic plane counts as
// its two surrogates.
func ShardOf(id string, shards int32) int32 {
	var h int32
	for _, r := range id {
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
