package disk

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/barnabas-mq/barnabas/internal/vfs"
)

// errGone: the file was retired (deleted by retention, truncated away) and may no
// longer be opened. A reader looks at the list of segments again.
var errGone = errors.New("the file is gone")

// handlePool bounds the open files of a store. Handles in use are never closed,
// so the bound may be exceeded while more than that many are in use at once.
type handlePool struct {
	fs  vfs.FS
	max int

	mu struct {
		sync.Mutex
		open []*handle // every handle with a file; hand is the clock's hand in it
		hand int
	}
}

// handle is a file that is opened at need and closed when others need the place.
//
// Invariant: file is valid while users >= 0; users is -1 when it is closed.
type handle struct {
	pool  *handlePool
	name  string
	users atomic.Int64
	// used gives the handle a second chance when the pool looks for a place.
	used    atomic.Bool
	retired atomic.Bool
	file    vfs.File
	place   int // in pool.mu.open
}

func (p *handlePool) newHandle(name string) *handle {
	h := &handle{pool: p, name: name}
	h.users.Store(-1)
	return h
}

// acquire returns the open file; release gives it back.
func (h *handle) acquire() (vfs.File, error) {
	for {
		users := h.users.Load()
		if users < 0 {
			break
		}
		if h.users.CompareAndSwap(users, users+1) {
			if !h.used.Load() {
				h.used.Store(true)
			}
			return h.file, nil
		}
	}
	return h.pool.open(h, h.name, vfs.ReadWrite)
}

// create makes the file, or empties a leftover of the same name, and acquires it.
func (h *handle) create() (vfs.File, error) {
	return h.createAs(h.name)
}

// createAs is create under another name. The caller holds the handle until the file
// has its own: once closed, it could not be opened again.
func (h *handle) createAs(name string) (vfs.File, error) {
	return h.pool.open(h, name, vfs.ReadWrite|vfs.Create|vfs.Truncate)
}

func (p *handlePool) open(h *handle, name string, flags int) (vfs.File, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for { // someone may have opened it since, and may even close it again
		users := h.users.Load()
		if users < 0 {
			break
		}
		if h.users.CompareAndSwap(users, users+1) {
			return h.file, nil
		}
	}
	if h.retired.Load() {
		return nil, errGone
	}
	p.makeRoomLocked()
	file, err := p.fs.Open(name, flags, vfs.FilePerm)
	if err != nil {
		return nil, fmt.Errorf("open a segment file: %w", err)
	}
	h.file = file
	h.place = len(p.mu.open)
	p.mu.open = append(p.mu.open, h)
	h.used.Store(true)
	h.users.Store(1)
	return file, nil
}

// makeRoomLocked closes one idle handle when the pool is full: two turns of the
// clock's hand, of which the first takes the second chances away.
func (p *handlePool) makeRoomLocked() {
	if len(p.mu.open) < p.max {
		return
	}
	for range 2 * len(p.mu.open) {
		if p.mu.hand >= len(p.mu.open) {
			p.mu.hand = 0
		}
		h := p.mu.open[p.mu.hand]
		p.mu.hand++
		if h.used.Swap(false) {
			continue
		}
		if h.users.CompareAndSwap(0, -1) {
			p.closeLocked(h)
			return
		}
	}
}

// closeLocked closes the file of a handle whose users are already -1.
func (p *handlePool) closeLocked(h *handle) {
	last := len(p.mu.open) - 1
	moved := p.mu.open[last]
	p.mu.open[h.place] = moved
	moved.place = h.place
	p.mu.open[last] = nil
	p.mu.open = p.mu.open[:last]
	// What was written is in the kernel; a sync, where one is due, opens the file
	// again and reports the write errors that close would.
	_ = h.file.Close()
	h.file = nil
}

func (h *handle) release() {
	if h.users.Add(-1) == 0 && h.retired.Load() {
		h.closeIdle()
	}
}

// retire closes the file once nobody uses it; it is never opened again.
func (h *handle) retire() {
	h.retired.Store(true)
	h.closeIdle()
}

// closeIdle closes the file if nobody uses it just now.
func (h *handle) closeIdle() {
	h.pool.mu.Lock()
	defer h.pool.mu.Unlock()
	if h.users.CompareAndSwap(0, -1) {
		h.pool.closeLocked(h)
	}
}
