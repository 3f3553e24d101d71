package logstore

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/barnabas-mq/barnabas/protocol"
)

// offsetMapEntryBytes is what one key costs: 16 bytes of its hash and its offset, as
// in Kafka's SkimpyOffsetMap.
const offsetMapEntryBytes = 24

// offsetMapBytesMin is the size that a map begins with: a compaction of a few keys
// takes no more.
const offsetMapBytesMin = 64 << 10

// OffsetMap remembers the newest offset of each key in bounded memory: keys are
// known by the first 128 bits of their SHA-256, which nobody can make collide. The
// table grows as it fills and never takes more than the given bytes, the moment of
// growing included.
type OffsetMap struct {
	slots      []offsetSlot
	used       int
	bytesMax   int64
	loadFactor float64
}

type offsetSlot struct {
	hash [2]uint64
	next protocol.Offset // the offset plus 1; 0 is an empty slot
}

// NewOffsetMap makes an empty map of at most bytesMax bytes, filled up to
// loadFactor (above 0, at most 1).
func NewOffsetMap(bytesMax int64, loadFactor float64) *OffsetMap {
	if loadFactor <= 0 || loadFactor > 1 {
		loadFactor = 0.9
	}
	m := &OffsetMap{bytesMax: max(bytesMax, 2*offsetMapEntryBytes), loadFactor: loadFactor}
	m.slots = make([]offsetSlot, min(offsetMapBytesMin, m.bytesMax)/offsetMapEntryBytes)
	return m
}

// Len is the number of keys.
func (m *OffsetMap) Len() int { return m.used }

// Put notes the offset of a key; false when the key is new and there is no room.
func (m *OffsetMap) Put(key []byte, offset protocol.Offset) bool {
	hash := hashOf(key)
	slot := m.find(hash)
	if slot.next == 0 {
		if m.used >= m.room() {
			if !m.grow() {
				return false
			}
			slot = m.find(hash)
		}
		m.used++
		slot.hash = hash
	}
	slot.next = offset + 1
	return true
}

// Get is the newest offset noted for a key, -1 when there is none.
func (m *OffsetMap) Get(key []byte) protocol.Offset {
	return m.find(hashOf(key)).next - 1
}

// room is how many keys the table takes at its present size: one at least, so that
// every compaction comes forward, and never all slots, so that every search ends.
func (m *OffsetMap) room() int {
	return max(min(int(float64(len(m.slots))*m.loadFactor), len(m.slots)-1), 1)
}

// find is the slot of a hash, or the empty one where it belongs.
func (m *OffsetMap) find(hash [2]uint64) *offsetSlot {
	i := int(hash[0] % uint64(len(m.slots)))
	for {
		slot := &m.slots[i]
		if slot.next == 0 || slot.hash == hash {
			return slot
		}
		if i++; i == len(m.slots) {
			i = 0
		}
	}
}

// grow makes the table larger; false when it is as large as it may get. Old and new
// exist together while entries move, so the last step takes what the old one leaves.
func (m *OffsetMap) grow() bool {
	old := int64(len(m.slots))
	most := m.bytesMax / offsetMapEntryBytes
	size := 2 * old
	if size+2*size > most {
		size = most - old
	}
	if size <= old {
		return false
	}
	slots := m.slots
	m.slots = make([]offsetSlot, size)
	for i := range slots {
		if slots[i].next != 0 {
			*m.find(slots[i].hash) = slots[i]
		}
	}
	return true
}

func hashOf(key []byte) [2]uint64 {
	sum := sha256.Sum256(key)
	return [2]uint64{binary.LittleEndian.Uint64(sum[:]), binary.LittleEndian.Uint64(sum[8:])}
}
