package vfs

import (
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Mem is a file system in memory. It keeps what was synced apart from what was
// not, names included, so that CrashCopy can show what a power cut leaves.
//
// One lock guards all of it: it stands in for a disk in tests, where the simplest
// thing that is right is fast enough.
type Mem struct {
	mu struct {
		sync.Mutex
		root  *memDir
		locks map[*memFile]bool
		// volatile: nobody will ask what a power cut leaves.
		volatile bool
		// capacity is how many bytes the volume holds, negative without limit.
		capacity int64
		now      func() time.Time
	}
}

// memNode is a *memDir or a *memFile.
type memNode interface{ modified() time.Time }

// memDir is a folder. A crash keeps the names of synced, or any prefix of the
// changes since: file systems with a journal apply them in order.
type memDir struct {
	entries map[string]memNode
	synced  map[string]memNode
	changes []memChange
	mtime   time.Time
	// volatile folders have entries alone.
	volatile bool
}

// memChange is one step of a folder: remove, set, or both for a rename.
type memChange struct {
	remove string  // "" for none
	set    string  // "" for none
	node   memNode // of set
}

func newMemDir(now time.Time, volatile bool) *memDir {
	return &memDir{entries: make(map[string]memNode), synced: make(map[string]memNode), mtime: now, volatile: volatile}
}

func (d *memDir) modified() time.Time { return d.mtime }

func (d *memDir) apply(c memChange) {
	applyChange(d.entries, c)
	if !d.volatile {
		d.changes = append(d.changes, c)
	}
}

func applyChange(entries map[string]memNode, c memChange) {
	if c.remove != "" {
		delete(entries, c.remove)
	}
	if c.set != "" {
		entries[c.set] = c.node
	}
}

// NewMem makes an empty file system whose files show the machine's time.
func NewMem() *Mem { return newMem(false) }

// NewVolatile is NewMem for a broker to live in: it keeps no account of what was
// synced, which grows with every change, so that there is no CrashCopy of it.
func NewVolatile() *Mem { return newMem(true) }

func newMem(volatile bool) *Mem {
	m := &Mem{}
	m.mu.now = time.Now
	m.mu.volatile = volatile
	m.mu.root = newMemDir(time.Now(), volatile)
	m.mu.locks = make(map[*memFile]bool)
	m.mu.capacity = -1
	return m
}

// SetCapacity limits the bytes of all files together, to make writes fail with
// ENOSPC; a negative number is no limit.
func (m *Mem) SetCapacity(bytes int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mu.capacity = bytes
}

// SetNow sets the clock that files take their times from.
func (m *Mem) SetNow(now func() time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mu.now = now
}

func split(name string) []string {
	name = path.Clean("/" + name)
	if name == "/" {
		return nil
	}
	return strings.Split(name[1:], "/")
}

// dirLocked finds a folder by the parts of its name.
func (m *Mem) dirLocked(parts []string) (*memDir, error) {
	dir := m.mu.root
	for _, part := range parts {
		switch node := dir.entries[part].(type) {
		case nil:
			return nil, syscall.ENOENT
		case *memFile:
			return nil, syscall.ENOTDIR
		case *memDir:
			dir = node
		}
	}
	return dir, nil
}

// parentLocked finds the folder that a name is in.
func (m *Mem) parentLocked(name string) (dir *memDir, base string, err error) {
	parts := split(name)
	if len(parts) == 0 {
		return nil, "", syscall.EINVAL
	}
	dir, err = m.dirLocked(parts[:len(parts)-1])
	return dir, parts[len(parts)-1], err
}

func (m *Mem) nodeLocked(name string) (memNode, error) {
	if len(split(name)) == 0 {
		return m.mu.root, nil
	}
	dir, base, err := m.parentLocked(name)
	if err != nil {
		return nil, err
	}
	node := dir.entries[base]
	if node == nil {
		return nil, syscall.ENOENT
	}
	return node, nil
}

func pathError(op, name string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}

// Open implements FS.
func (m *Mem) Open(name string, flag int, _ fs.FileMode) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f, err := m.openLocked(name, flag)
	if err != nil {
		return nil, pathError("open", name, err)
	}
	h := &memHandle{fs: m, file: f, name: name, writable: flag&ReadWrite != 0}
	if flag&Dsync != 0 {
		return dsyncFile{h}, nil
	}
	return h, nil
}

func (m *Mem) openLocked(name string, flag int) (*memFile, error) {
	dir, base, err := m.parentLocked(name)
	if err != nil {
		return nil, err
	}
	switch node := dir.entries[base].(type) {
	case *memDir:
		return nil, syscall.EISDIR
	case *memFile:
		if flag&Create != 0 && flag&Exclusive != 0 {
			return nil, syscall.EEXIST
		}
		if flag&Truncate != 0 {
			node.truncate(0)
		}
		return node, nil
	}
	if flag&Create == 0 {
		return nil, syscall.ENOENT
	}
	f := &memFile{mtime: m.mu.now(), volatile: m.mu.volatile}
	dir.apply(memChange{set: base, node: f})
	return f, nil
}

// MkdirAll implements FS.
func (m *Mem) MkdirAll(name string, _ fs.FileMode) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	dir := m.mu.root
	for _, part := range split(name) {
		switch node := dir.entries[part].(type) {
		case *memFile:
			return pathError("mkdir", name, syscall.ENOTDIR)
		case *memDir:
			dir = node
		default:
			made := newMemDir(m.mu.now(), m.mu.volatile)
			dir.apply(memChange{set: part, node: made})
			dir = made
		}
	}
	return nil
}

// Remove implements FS.
func (m *Mem) Remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	dir, base, err := m.parentLocked(name)
	if err != nil {
		return pathError("remove", name, err)
	}
	node := dir.entries[base]
	if node == nil {
		return pathError("remove", name, syscall.ENOENT)
	}
	if sub, ok := node.(*memDir); ok && len(sub.entries) > 0 {
		return pathError("remove", name, syscall.ENOTEMPTY)
	}
	dir.apply(memChange{remove: base})
	return nil
}

// RemoveAll implements FS.
func (m *Mem) RemoveAll(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	dir, base, err := m.parentLocked(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return pathError("remove", name, err)
	}
	if node := dir.entries[base]; node != nil {
		removeTree(node)
		dir.apply(memChange{remove: base})
	}
	return nil
}

// removeTree removes what is in a folder before the folder, as a real one does.
func removeTree(node memNode) {
	dir, ok := node.(*memDir)
	if !ok {
		return
	}
	for _, name := range sortedNames(dir.entries) {
		removeTree(dir.entries[name])
		dir.apply(memChange{remove: name})
	}
}

func sortedNames(entries map[string]memNode) []string {
	return slices.Sorted(maps.Keys(entries))
}

// Rename implements FS.
func (m *Mem) Rename(oldName, newName string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	from, oldBase, err := m.parentLocked(oldName)
	if err != nil {
		return pathError("rename", oldName, err)
	}
	to, newBase, err := m.parentLocked(newName)
	if err != nil {
		return pathError("rename", newName, err)
	}
	node := from.entries[oldBase]
	if node == nil {
		return pathError("rename", oldName, syscall.ENOENT)
	}
	if err := renameFits(node, to.entries[newBase]); err != nil {
		return pathError("rename", newName, err)
	}
	switch {
	case from != to:
		to.apply(memChange{set: newBase, node: node})
		from.apply(memChange{remove: oldBase})
	case oldBase != newBase:
		from.apply(memChange{remove: oldBase, set: newBase, node: node})
	}
	return nil
}

// renameFits tells whether node may take the place of target (nil for none).
func renameFits(node, target memNode) error {
	dir, isDir := target.(*memDir)
	_, movesDir := node.(*memDir)
	switch {
	case target == nil, target == node:
		return nil
	case isDir && !movesDir:
		return syscall.EISDIR
	case !isDir && movesDir:
		return syscall.ENOTDIR
	case isDir && len(dir.entries) > 0:
		return syscall.ENOTEMPTY
	}
	return nil
}

// Link implements FS.
func (m *Mem) Link(oldName, newName string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	node, err := m.nodeLocked(oldName)
	if err != nil {
		return pathError("link", oldName, err)
	}
	if _, ok := node.(*memFile); !ok {
		return pathError("link", oldName, syscall.EPERM)
	}
	dir, base, err := m.parentLocked(newName)
	if err == nil && dir.entries[base] != nil {
		err = syscall.EEXIST
	}
	if err != nil {
		return pathError("link", newName, err)
	}
	dir.apply(memChange{set: base, node: node})
	return nil
}

// ReadDir implements FS.
func (m *Mem) ReadDir(name string) ([]fs.DirEntry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	dir, err := m.dirLocked(split(name))
	if err != nil {
		return nil, pathError("open", name, err)
	}
	list := make([]fs.DirEntry, 0, len(dir.entries))
	for _, base := range sortedNames(dir.entries) {
		list = append(list, fs.FileInfoToDirEntry(infoOf(base, dir.entries[base])))
	}
	return list, nil
}

// Stat implements FS.
func (m *Mem) Stat(name string) (fs.FileInfo, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	node, err := m.nodeLocked(name)
	if err != nil {
		return nil, pathError("stat", name, err)
	}
	return infoOf(path.Base(name), node), nil
}

// SyncDir implements FS.
func (m *Mem) SyncDir(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	dir, err := m.dirLocked(split(name))
	if err != nil {
		return pathError("sync", name, err)
	}
	dir.sync()
	return nil
}

// SyncAll implements FS.
func (m *Mem) SyncAll(string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mu.root.syncAll()
	return nil
}

// sync notes the folder's names as durable.
func (d *memDir) sync() {
	for _, c := range d.changes { // none in a volatile folder
		applyChange(d.synced, c)
	}
	d.changes = nil
}

func (d *memDir) syncAll() {
	d.sync()
	for _, node := range d.entries {
		switch node := node.(type) {
		case *memDir:
			node.syncAll()
		case *memFile:
			node.sync()
		}
	}
}

// Lock implements FS.
func (m *Mem) Lock(name string) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f, err := m.openLocked(name, ReadWrite|Create)
	if err == nil && m.mu.locks[f] {
		err = ErrLocked
	}
	if err != nil {
		return nil, pathError("lock", name, err)
	}
	m.mu.locks[f] = true
	return &memHandle{fs: m, file: f, name: name, writable: true, locked: true}, nil
}

// FreeBytes implements FS; without a capacity the volume holds an exbibyte.
func (m *Mem) FreeBytes(string) (free, total uint64, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	limit := m.mu.capacity
	if limit < 0 {
		limit = 1 << 60
	}
	return uint64(max(limit-m.usedLocked(), 0)), uint64(limit), nil
}

func (m *Mem) usedLocked() int64 {
	seen := make(map[*memFile]bool)
	var count func(memNode) int64
	count = func(node memNode) (total int64) {
		switch node := node.(type) {
		case *memFile:
			if !seen[node] {
				seen[node] = true
				total = node.size
			}
		case *memDir:
			for _, child := range node.entries {
				total += count(child)
			}
		}
		return total
	}
	return count(m.mu.root)
}

// memInfo is a fs.FileInfo.
type memInfo struct {
	name  string
	size  int64
	mode  fs.FileMode
	mtime time.Time
}

func infoOf(name string, node memNode) memInfo {
	info := memInfo{name: name, mode: FilePerm, mtime: node.modified()}
	switch node := node.(type) {
	case *memDir:
		info.mode = fs.ModeDir | DirPerm
	case *memFile:
		info.size = node.size
	}
	return info
}

func (i memInfo) Name() string       { return i.name }
func (i memInfo) Size() int64        { return i.size }
func (i memInfo) Mode() fs.FileMode  { return i.mode }
func (i memInfo) ModTime() time.Time { return i.mtime }
func (i memInfo) IsDir() bool        { return i.mode.IsDir() }
func (i memInfo) Sys() any           { return nil }
