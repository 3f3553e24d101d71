package vfs

import (
	"maps"
	"math/rand/v2"
)

// Crash says what of the unsynced survives.
type Crash uint8

const (
	// CrashKeepNone is a power cut at its worst: only what was synced is left.
	CrashKeepNone Crash = iota
	// CrashKeepAll is the death of the process: everything written is left.
	CrashKeepAll
	// CrashKeepSome is a power cut as it comes: of every folder the changes up to
	// some point, of every file any of the pages, and any length between.
	CrashKeepSome
)

// CrashCopy makes the file system that a crash now would leave, all of it synced.
// The original goes on. rng decides what CrashKeepSome keeps; the same seed and
// history give the same copy.
func (m *Mem) CrashCopy(crash Crash, rng *rand.Rand) *Mem {
	m.mu.Lock()
	defer m.mu.Unlock()
	left := NewMem()
	left.mu.now = m.mu.now
	c := crasher{crash: crash, rng: rng, made: make(map[*memFile]*memFile)}
	left.mu.root = c.dir(m.mu.root)
	return left
}

type crasher struct {
	crash Crash
	rng   *rand.Rand
	// made maps files to their copies, so that hard links stay links.
	made map[*memFile]*memFile
}

func (c *crasher) dir(d *memDir) *memDir {
	entries := d.entries
	if c.crash != CrashKeepAll {
		entries = maps.Clone(d.synced)
		if c.crash == CrashKeepSome {
			for _, change := range d.changes[:c.rng.IntN(len(d.changes)+1)] {
				applyChange(entries, change)
			}
		}
	}
	left := newMemDir(d.mtime, false)
	for _, name := range sortedNames(entries) {
		var node memNode
		switch old := entries[name].(type) {
		case *memDir:
			node = c.dir(old)
		case *memFile:
			node = c.file(old)
		}
		left.entries[name], left.synced[name] = node, node
	}
	return left
}

func (c *crasher) file(f *memFile) *memFile {
	if left := c.made[f]; left != nil {
		return left
	}
	left := f.share()
	switch c.crash {
	case CrashKeepNone:
		left.pages, left.size = append([]*page(nil), left.synced...), left.syncedSize
		left.owned = make([]bool, len(left.pages))
	case CrashKeepSome:
		c.keepSome(left)
	case CrashKeepAll:
	}
	left.sync()
	left.dirty = nil
	c.made[f] = left
	return left
}

// keepSome reverts pages to what was synced, or to zero where there was nothing,
// and picks a length between the synced one and the newest.
func (c *crasher) keepSome(f *memFile) {
	low, high := min(f.syncedSize, f.size), max(f.syncedSize, f.size)
	size := low
	if high > low {
		// The ends are as likely as all that lies between.
		switch c.rng.IntN(3) {
		case 0:
		case 1:
			size = high
		default:
			size = low + c.rng.Int64N(high-low+1)
		}
	}
	for i := range f.pages {
		if !f.dirty[i] || c.rng.IntN(2) == 0 {
			continue
		}
		f.pages[i] = nil
		if i < len(f.synced) {
			f.pages[i] = f.synced[i]
		}
	}
	// A page that shrank away and was not written back may be there again.
	for i := len(f.pages); i < len(f.synced); i++ {
		f.pages, f.owned = append(f.pages, f.synced[i]), append(f.owned, false)
	}
	f.size = max(f.size, f.syncedSize)
	f.truncate(size)
}
