package vfs

import (
	"io"
	"io/fs"
	"maps"
	"syscall"
	"time"
)

// memPage is the unit in which a power cut keeps or loses data, as a kernel
// writes pages back.
const memPage = 4096

// page is never changed once it is shared; memFile.owned says whose it is.
type page = [memPage]byte

// memFile is a file's bytes, twice: as they are, and as they were at the last
// sync. Both share the pages that did not change since.
type memFile struct {
	pages []*page // nil for a hole
	size  int64
	// owned[i] tells that pages[i] belongs to the current view alone and may be
	// changed in place. A sync and a crash copy share pages, and clear it.
	owned []bool

	synced     []*page
	syncedSize int64
	// dirty are the pages that were written since the last sync.
	dirty map[int]bool
	mtime time.Time
	// volatile files keep neither synced nor dirty.
	volatile bool
}

func (f *memFile) modified() time.Time { return f.mtime }

// writablePage gives page i to be changed, growing the file's pages to it.
func (f *memFile) writablePage(i int) *page {
	for len(f.pages) <= i {
		f.pages, f.owned = append(f.pages, nil), append(f.owned, false)
	}
	switch {
	case f.pages[i] == nil:
		f.pages[i] = new(page)
	case !f.owned[i]:
		changed := *f.pages[i]
		f.pages[i] = &changed
	}
	f.owned[i] = true
	if f.volatile {
		return f.pages[i]
	}
	if f.dirty == nil {
		f.dirty = make(map[int]bool)
	}
	f.dirty[i] = true
	return f.pages[i]
}

func (f *memFile) writeAt(p []byte, off int64) {
	end := off + int64(len(p))
	for len(p) > 0 {
		within := int(off % memPage)
		n := copy(f.writablePage(int(off / memPage))[within:], p)
		p, off = p[n:], off+int64(n)
	}
	f.size = max(f.size, end)
}

func (f *memFile) readAt(p []byte, off int64) (int, error) {
	if off >= f.size {
		return 0, io.EOF
	}
	want := int(min(int64(len(p)), f.size-off))
	for done := 0; done < want; {
		i, within := int((off+int64(done))/memPage), int((off+int64(done))%memPage)
		n := min(want-done, memPage-within)
		if i < len(f.pages) && f.pages[i] != nil {
			copy(p[done:done+n], f.pages[i][within:])
		} else {
			clear(p[done : done+n])
		}
		done += n
	}
	if want < len(p) {
		return want, io.EOF
	}
	return want, nil
}

func (f *memFile) truncate(size int64) {
	if size < f.size {
		keep := int((size + memPage - 1) / memPage)
		if keep < len(f.pages) {
			f.pages, f.owned = f.pages[:keep:keep], f.owned[:keep:keep]
		}
		if within := size % memPage; within != 0 && keep <= len(f.pages) && f.pages[keep-1] != nil {
			clear(f.writablePage(keep - 1)[within:])
		}
	}
	f.size = size
}

func (f *memFile) sync() {
	if f.volatile {
		return
	}
	f.synced = append(f.synced[:0:0], f.pages...)
	f.syncedSize = f.size
	clear(f.owned)
	clear(f.dirty)
}

// share gives a file with the same bytes, synced ones included.
func (f *memFile) share() *memFile {
	clear(f.owned)
	return &memFile{
		pages: append([]*page(nil), f.pages...), size: f.size, owned: make([]bool, len(f.pages)),
		synced: append([]*page(nil), f.synced...), syncedSize: f.syncedSize,
		dirty: maps.Clone(f.dirty), mtime: f.mtime,
	}
}

// memHandle is an open memFile.
type memHandle struct {
	fs       *Mem
	file     *memFile
	name     string
	writable bool
	locked   bool
	closed   bool // guarded by fs.mu
}

// use runs fn under the lock of the file system, unless the handle is closed.
func (h *memHandle) use(op string, write bool, fn func() error) error {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	if h.closed {
		return pathError(op, h.name, fs.ErrClosed)
	}
	if write && !h.writable {
		return pathError(op, h.name, syscall.EBADF)
	}
	return fn()
}

func (h *memHandle) ReadAt(p []byte, off int64) (n int, err error) {
	err = h.use("read", false, func() error {
		if off < 0 {
			return pathError("read", h.name, syscall.EINVAL)
		}
		n, err = h.file.readAt(p, off)
		return err
	})
	return n, err
}

func (h *memHandle) WriteAt(p []byte, off int64) (n int, err error) {
	err = h.use("write", true, func() error {
		if off < 0 {
			return pathError("write", h.name, syscall.EINVAL)
		}
		n = len(p)
		if room := h.roomLocked(); room >= 0 {
			n = int(min(int64(n), max(h.file.size+room-off, 0)))
		}
		h.file.writeAt(p[:n], off)
		h.file.mtime = h.fs.mu.now()
		if n < len(p) {
			return pathError("write", h.name, syscall.ENOSPC)
		}
		return nil
	})
	return n, err
}

// roomLocked is how many bytes files may still grow, -1 without limit.
func (h *memHandle) roomLocked() int64 {
	if h.fs.mu.capacity < 0 {
		return -1
	}
	return max(h.fs.mu.capacity-h.fs.usedLocked(), 0)
}

func (h *memHandle) Size() (size int64, err error) {
	err = h.use("stat", false, func() error {
		size = h.file.size
		return nil
	})
	return size, err
}

func (h *memHandle) Truncate(size int64) error {
	return h.use("truncate", true, func() error {
		if size < 0 {
			return pathError("truncate", h.name, syscall.EINVAL)
		}
		h.file.truncate(size)
		h.file.mtime = h.fs.mu.now()
		return nil
	})
}

// Preallocate does nothing: there are no blocks.
func (h *memHandle) Preallocate(int64, int64) error { return nil }

func (h *memHandle) Datasync() error {
	return h.use("fdatasync", false, func() error {
		h.file.sync()
		return nil
	})
}

func (h *memHandle) Sync() error { return h.Datasync() }

// SysConn is nil: there is no descriptor.
func (h *memHandle) SysConn() syscall.RawConn { return nil }

func (h *memHandle) Close() error {
	return h.use("close", false, func() error {
		h.closed = true
		if h.locked {
			delete(h.fs.mu.locks, h.file)
		}
		return nil
	})
}
