package kafkatools

import (
	"math/bits"
	"slices"
	"unicode/utf16"

	"github.com/barnabas-mq/barnabas/cli/consumergroup"
)

// hashOf is String.hashCode.
func hashOf(s string) int32 {
	var h int32
	for _, unit := range utf16.Encode([]rune(s)) {
		h = 31*h + int32(unit)
	}
	return h
}

// partition is Kafka's TopicPartition.
type partition = consumergroup.Partition

func hashOfPartition(p partition) int32 { return 31*(31+p.Number) + hashOf(p.Topic) }

// mapOrder sorts keys, which come in the order in which they were put, as java.util.HashMap
// lists them: tools of Kafka print in that order. capacity is the one the map was made with; 0 is 16.
func mapOrder[K any](keys []K, capacity int, hash func(K) int32) []K {
	if capacity == 0 {
		capacity = 16
	}
	table := 1
	if capacity > 1 {
		table = 1 << bits.Len(uint(capacity-1))
	}
	for float64(len(keys)) > float64(table)*0.75 {
		table *= 2
	}
	bucket := func(k K) int {
		h := uint32(hash(k))
		return int((h ^ h>>16) & uint32(table-1))
	}
	sorted := slices.Clone(keys)
	slices.SortStableFunc(sorted, func(a, b K) int { return bucket(a) - bucket(b) })
	return sorted
}
