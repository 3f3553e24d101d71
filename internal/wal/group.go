package wal

import (
	"encoding/binary"
	"hash/crc32"
	"slices"

	"github.com/barnabas-mq/barnabas/internal/vfs"
)

const (
	groupHeaderBytes = 40
	entryFrameBytes  = 12
	groupMagic       = "BWGR"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Group is entries that become durable together. It is built by one goroutine and
// may be used again after Reset. Its entries begin where NewGroup or Reset left it.
type Group struct {
	number uint64
	count  uint32
	buf    []byte
}

// NewGroup makes an empty group of the log.
func (l *Log) NewGroup() *Group {
	g := &Group{}
	l.Reset(g)
	return g
}

// Reset empties the group and gives it the next number.
func (l *Log) Reset(g *Group) {
	if cap(g.buf) < groupHeaderBytes {
		g.buf = make([]byte, groupHeaderBytes, 64<<10) // large enough to begin at a page
	}
	g.buf, g.count, g.number = g.buf[:groupHeaderBytes], 0, l.numbers.Add(1)
}

// Add copies an entry into the group. The head is shorter than 64 KiB.
func (g *Group) Add(kind uint8, head, body []byte) {
	var frame [entryFrameBytes]byte
	binary.BigEndian.PutUint32(frame[0:], uint32(len(head)+len(body)))
	binary.BigEndian.PutUint16(frame[4:], uint16(len(head)))
	frame[6] = kind
	binary.BigEndian.PutUint32(frame[8:], entryCRC(g.number, frame[:8], head))
	g.buf = append(g.buf, frame[:]...)
	g.buf = append(g.buf, head...)
	g.buf = append(g.buf, body...)
	g.count++
}

// Bytes is how long the group is on disk.
func (g *Group) Bytes() int { return len(g.buf) }

// Count is the number of entries.
func (g *Group) Count() int { return int(g.count) }

// EntryBytes is what an entry takes in a group.
func EntryBytes(head, body int) int { return entryFrameBytes + head + body }

func entryCRC(number uint64, frame, head []byte) uint32 {
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], number)
	sum := crc32.Update(0, castagnoli, n[:])
	sum = crc32.Update(sum, castagnoli, frame)
	return crc32.Update(sum, castagnoli, head)
}

// seal completes the group's header for the slot that it goes to.
func (g *Group) seal(sequence, nonce uint64) []byte {
	copy(g.buf, groupMagic)
	binary.BigEndian.PutUint32(g.buf[4:], uint32(len(g.buf)))
	binary.BigEndian.PutUint64(g.buf[8:], g.number)
	binary.BigEndian.PutUint32(g.buf[16:], g.count)
	binary.BigEndian.PutUint64(g.buf[20:], sequence)
	binary.BigEndian.PutUint64(g.buf[28:], nonce)
	binary.BigEndian.PutUint32(g.buf[36:], crc32.Checksum(g.buf[:36], castagnoli))
	length := len(g.buf)
	padded := slices.Grow(g.buf, int(blocks(int64(length)))-length)[:blocks(int64(length))]
	clear(padded[length:])
	g.buf = padded[:length]
	return padded
}

// blocks is how much room n bytes take: no group shares a block with another, so
// that nothing that is durable is ever written again.
func blocks(n int64) int64 { return (n + vfs.DirectBytes - 1) &^ (vfs.DirectBytes - 1) }

// groupHeader is what a group says of itself.
type groupHeader struct {
	bytes   int
	number  uint64
	entries int
}

// parseGroupHeader reads a group header of this use of the slot; false when there is
// none, which is how a slot ends.
func parseGroupHeader(b []byte, s *slot) (groupHeader, bool) {
	if len(b) < groupHeaderBytes || string(b[:4]) != groupMagic ||
		binary.BigEndian.Uint32(b[36:]) != crc32.Checksum(b[:36], castagnoli) ||
		binary.BigEndian.Uint64(b[20:]) != s.sequence || binary.BigEndian.Uint64(b[28:]) != s.nonce {
		return groupHeader{}, false
	}
	h := groupHeader{
		bytes:   int(binary.BigEndian.Uint32(b[4:])),
		number:  binary.BigEndian.Uint64(b[8:]),
		entries: int(binary.BigEndian.Uint32(b[16:])),
	}
	return h, h.bytes >= groupHeaderBytes
}
