package vfs

import (
	"errors"
	"io/fs"
	"sync"
)

// Later is a file system whose syncs are put off until Flush, after which it is
// the one that it wraps. A start that promises no durability yet uses it: six
// syncs take longer than everything else that a start does.
type Later struct {
	FS
	mu      sync.Mutex
	flushed bool
	// due are the files and folders to sync, by name, in no order that matters:
	// none of them depends on another having reached the disk.
	due map[string]bool // true for a folder
}

// SyncLater wraps a file system.
func SyncLater(under FS) *Later { return &Later{FS: under, due: make(map[string]bool)} }

// putOff notes a sync, or reports false when it has to be done now.
func (l *Later) putOff(name string, folder bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.flushed {
		return false
	}
	l.due[name] = folder
	return true
}

// Open implements FS.
func (l *Later) Open(name string, flag int, perm fs.FileMode) (File, error) {
	f, err := l.FS.Open(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return &laterFile{File: f, name: name, later: l}, nil
}

// Rename implements FS; a sync that is due moves with the file.
func (l *Later) Rename(oldName, newName string) error {
	if err := l.FS.Rename(oldName, newName); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if folder, ok := l.due[oldName]; ok {
		delete(l.due, oldName)
		l.due[newName] = folder
	}
	return nil
}

// SyncDir implements FS.
func (l *Later) SyncDir(name string) error {
	if l.putOff(name, true) {
		return nil
	}
	return l.FS.SyncDir(name)
}

// Flush does what was put off, and from now on nothing is.
func (l *Later) Flush() error {
	l.mu.Lock()
	l.flushed = true
	due := l.due
	l.due = nil
	l.mu.Unlock()
	var problems []error
	for name, folder := range due {
		if folder {
			if err := l.FS.SyncDir(name); !errors.Is(err, fs.ErrNotExist) { // or removed since
				problems = append(problems, err)
			}
			continue
		}
		problems = append(problems, l.syncFile(name))
	}
	return errors.Join(problems...)
}

// Again puts syncs off once more, until the next Flush. What has been due stays so.
func (l *Later) Again() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.flushed = false
	if l.due == nil {
		l.due = make(map[string]bool)
	}
}

func (l *Later) syncFile(name string) error {
	f, err := l.FS.Open(name, ReadWrite, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // removed since
	}
	if err != nil {
		return err
	}
	err = f.Datasync()
	return errors.Join(err, f.Close())
}

// laterFile is a file of a Later.
type laterFile struct {
	File
	name  string
	later *Later
}

// Datasync implements File.
func (f *laterFile) Datasync() error {
	if f.later.putOff(f.name, false) {
		return nil
	}
	return f.File.Datasync()
}

// Sync implements File.
func (f *laterFile) Sync() error {
	if f.later.putOff(f.name, false) {
		return nil
	}
	return f.File.Sync()
}
