package wal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"path"
	"strconv"
	"strings"

	"github.com/barnabas-mq/barnabas/internal/vfs"
)

const (
	slotSuffix      = ".wal"
	slotMagic       = "BARNAWAL"
	slotVersion     = 1
	slotHeaderBytes = 4096 // a block: no group ever shares one with it
	slotFixedBytes  = 44
	// ownerBytesMax is the longest Owner.
	ownerBytesMax = 255
)

// slot is one file of the log.
type slot struct {
	name     string
	file     vfs.File // open for synchronous writes; nil when closed
	sequence uint64   // 0 when it was never used
	life     uint64
	first    uint64 // group number
	nonce    uint64
	// filled is up to where the file holds blocks that were written before.
	filled int64
	end    int64 // of the last group; new groups go here
	size   int64 // of the file when it was found
}

func slotName(dir string, n int) string { return path.Join(dir, fmt.Sprintf("%08d%s", n, slotSuffix)) }

// slotNumber reads a slot's file name.
func slotNumber(name string) (int, bool) {
	digits, ok := strings.CutSuffix(name, slotSuffix)
	if !ok || len(digits) != 8 {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 31)
	return int(n), err == nil
}

// header encodes the slot's first bytes.
func (s *slot) header(owner string) []byte {
	b := make([]byte, slotFixedBytes, slotHeaderBytes)
	copy(b, slotMagic)
	binary.BigEndian.PutUint16(b[8:], slotVersion)
	binary.BigEndian.PutUint16(b[10:], uint16(len(owner)))
	binary.BigEndian.PutUint64(b[12:], s.sequence)
	binary.BigEndian.PutUint64(b[20:], s.life)
	binary.BigEndian.PutUint64(b[28:], s.first)
	binary.BigEndian.PutUint64(b[36:], s.nonce)
	b = append(b, owner...)
	b = binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
	return b[:slotHeaderBytes]
}

// readSlot reads the header of a slot that an earlier process left. A slot whose
// header was never written has sequence 0.
func readSlot(fsys vfs.FS, name, owner string) (*slot, error) {
	f, err := fsys.Open(name, vfs.ReadOnly, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // nothing was written
	s := &slot{name: name}
	if s.size, err = f.Size(); err != nil {
		return nil, err
	}
	b := make([]byte, slotHeaderBytes)
	n, err := f.ReadAt(b, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if n < slotHeaderBytes || allZero(b) {
		return s, nil // a crash came before its first use
	}
	if err := s.parse(b, owner); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *slot) parse(b []byte, owner string) error {
	if string(b[:8]) != slotMagic {
		return s.corrupt(0, "this is no file of a write-ahead log")
	}
	if v := binary.BigEndian.Uint16(b[8:]); v != slotVersion {
		return s.corrupt(8, fmt.Sprintf("format version %d; this program reads %d", v, slotVersion))
	}
	length := int(binary.BigEndian.Uint16(b[10:]))
	end := slotFixedBytes + length
	if length > ownerBytesMax || binary.BigEndian.Uint32(b[end:]) != crc32.Checksum(b[:end], castagnoli) {
		return s.corrupt(0, "the header's checksum is wrong")
	}
	if found := string(b[slotFixedBytes:end]); found != owner {
		return s.corrupt(slotFixedBytes, fmt.Sprintf("it belongs to %q, and this is %q", found, owner))
	}
	s.sequence = binary.BigEndian.Uint64(b[12:])
	s.life = binary.BigEndian.Uint64(b[20:])
	s.first = binary.BigEndian.Uint64(b[28:])
	s.nonce = binary.BigEndian.Uint64(b[36:])
	if s.sequence == 0 || s.life == 0 || s.life > s.sequence {
		return s.corrupt(12, "an impossible sequence")
	}
	return nil
}

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// CorruptError says what of the log is damaged and where.
type CorruptError struct {
	File     string
	Position int64
	Reason   string
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("%s is damaged at byte %d: %s", e.File, e.Position, e.Reason)
}

func (s *slot) corrupt(position int64, reason string) error {
	return &CorruptError{File: s.name, Position: position, Reason: reason}
}
