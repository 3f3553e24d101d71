package wal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/barnabas-mq/barnabas/internal/vfs"
)

// Entry is one entry of a log that an earlier process left.
type Entry struct {
	Kind uint8
	Head []byte // the visitor's only until it returns
	// Settled tells that the same process wrote another group after this one's.
	Settled bool
	// Damaged tells that the body is not what was written; Settled is set then.
	Damaged bool
	// Slot and Position say where the body lies, for AppendBody.
	Slot     int
	Position int64
	Bytes    int
}

// Replay makes what an earlier process left durable and calls visit with every
// entry, in the order in which they were written. valid judges a content, which begins
// with a head of as many bytes.
func (l *Log) Replay(valid func(kind uint8, head int, content []byte) bool, visit func(Entry) error) error {
	l.mu.Lock()
	leftover := l.mu.leftover
	l.mu.Unlock()
	r := replayer{valid: valid, visit: visit}
	for i, s := range leftover {
		if s.sequence == 0 {
			continue
		}
		if err := l.replaySlot(&r, i, s); err != nil {
			return err
		}
	}
	return r.flush(false)
}

func (l *Log) replaySlot(r *replayer, index int, s *slot) error {
	file, err := l.o.FS.Open(s.name, vfs.ReadWrite, 0)
	if err != nil {
		return fmt.Errorf("replay the write-ahead log: %w", err)
	}
	defer func() { _ = file.Close() }() // what was synced is on the disk
	// A killed process may have left its last group in the page cache alone, and
	// what is read from there is about to be promised.
	if err := file.Datasync(); err != nil {
		return fmt.Errorf("sync the write-ahead log %s: %w", s.name, err)
	}
	return r.slot(index, s, file)
}

// AppendBody appends the body of an entry that Replay gave to dst.
func (l *Log) AppendBody(dst []byte, e Entry) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e.Slot >= len(l.mu.leftover) {
		return dst, errors.New("the write-ahead log was freed")
	}
	s := l.mu.leftover[e.Slot]
	if s.file == nil {
		file, err := l.o.FS.Open(s.name, vfs.ReadOnly, 0)
		if err != nil {
			return dst, fmt.Errorf("replay the write-ahead log: %w", err)
		}
		s.file = file // until the slot is freed: a log has many entries
	}
	begin := len(dst)
	dst = slices.Grow(dst, e.Bytes)[:begin+e.Bytes]
	if n, err := s.file.ReadAt(dst[begin:], e.Position); n < e.Bytes {
		return dst[:begin], fmt.Errorf("replay the write-ahead log %s: %w", s.name, err)
	}
	return dst, nil
}

// SlotName is the file of a leftover slot, for messages.
func (l *Log) SlotName(index int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if index < len(l.mu.leftover) {
		return l.mu.leftover[index].name
	}
	return l.o.Dir
}

// replayer walks over groups, one behind: only the next one tells what the one
// before is.
type replayer struct {
	valid func(kind uint8, head int, content []byte) bool
	visit func(Entry) error

	life, sequence uint64 // of the slot before
	// held is the group seen last, with its heads copied; broken says where it
	// cannot be understood.
	held   []Entry
	broken *CorruptError
	buf    []byte
}

// flush gives the held group to the visitor.
func (r *replayer) flush(settled bool) error {
	held, broken := r.held, r.broken
	r.held, r.broken = r.held[:0], nil
	if settled && broken != nil {
		return broken
	}
	for _, e := range held {
		if e.Settled = settled; e.Damaged && !settled {
			break // a torn group ends where its first torn entry begins
		}
		if err := r.visit(e); err != nil {
			return err
		}
	}
	return nil
}

func (r *replayer) slot(index int, s *slot, file vfs.File) error {
	if s.life != r.life {
		// The group before is the last one of its process.
		if err := r.flush(false); err != nil {
			return err
		}
		r.life = s.life
	} else if s.sequence != r.sequence+1 {
		return s.corrupt(0, fmt.Sprintf("it follows number %d of the log, and is number %d", r.sequence, s.sequence))
	}
	r.sequence = s.sequence
	for at := int64(slotHeaderBytes); at+groupHeaderBytes <= s.size; {
		header, err := r.read(file, at, groupHeaderBytes)
		if err != nil {
			return err
		}
		h, ok := parseGroupHeader(header, s)
		if !ok || int64(h.bytes) > s.size-at {
			return r.checkEnd(s, file, at)
		}
		if err := r.flush(true); err != nil {
			return err
		}
		group, err := r.read(file, at, h.bytes)
		if err != nil {
			return err
		}
		r.hold(index, s, at, h, group)
		at += blocks(int64(h.bytes))
	}
	return nil
}

// checkEnd tells the end of a slot from damage: no group of the same use follows it.
func (r *replayer) checkEnd(s *slot, file vfs.File, end int64) error {
	const window = 1 << 20
	for at := end + 1; at+groupHeaderBytes <= s.size; at += window {
		b, err := r.read(file, at, int(min(window+groupHeaderBytes-1, s.size-at)))
		if err != nil {
			return err
		}
		for from := 0; ; from++ {
			i := bytes.Index(b[from:], []byte(groupMagic))
			if i < 0 {
				break
			}
			from += i
			if _, ok := parseGroupHeader(b[from:], s); ok {
				return &CorruptError{s.name, end, fmt.Sprintf("this is no group, but one follows at byte %d", at+int64(from))}
			}
		}
	}
	return nil
}

func (r *replayer) read(file vfs.File, at int64, n int) ([]byte, error) {
	if cap(r.buf) < n {
		r.buf = make([]byte, n)
	}
	b := r.buf[:n]
	if got, err := file.ReadAt(b, at); got < n {
		return nil, fmt.Errorf("read the write-ahead log: %w", errors.Join(err, io.ErrUnexpectedEOF))
	}
	return b, nil
}

// hold takes the entries of a group apart.
func (r *replayer) hold(index int, s *slot, at int64, h groupHeader, group []byte) {
	position := groupHeaderBytes
	for range h.entries {
		rest := group[position:]
		if len(rest) < entryFrameBytes {
			r.broken = &CorruptError{s.name, at + int64(position), "a group ends before its entries do"}
			return
		}
		size, head := int(binary.BigEndian.Uint32(rest)), int(binary.BigEndian.Uint16(rest[4:]))
		if size > len(rest)-entryFrameBytes || head > size ||
			binary.BigEndian.Uint32(rest[8:]) != entryCRC(h.number, rest[:8], rest[entryFrameBytes:entryFrameBytes+head]) {
			r.broken = &CorruptError{s.name, at + int64(position), "the checksum of an entry is wrong"}
			return
		}
		content := rest[entryFrameBytes : entryFrameBytes+size]
		kind := rest[6]
		r.held = append(r.held, Entry{
			Kind: kind, Head: append([]byte(nil), content[:head]...), Damaged: !r.valid(kind, head, content),
			Slot: index, Position: at + int64(position+entryFrameBytes+head), Bytes: size - head,
		})
		position += entryFrameBytes + size
	}
}
