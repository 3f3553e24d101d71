package vfs

import (
	"errors"
	"fmt"
	"io"
	"path"
)

// ReadFile reads a whole file of at most limit bytes.
func ReadFile(fsys FS, name string, limit int64) ([]byte, error) {
	f, err := fsys.Open(name, ReadOnly, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // nothing was written
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	if size > limit {
		return nil, fmt.Errorf("%s has %d bytes, more than the %d that such a file can have", name, size, limit)
	}
	data := make([]byte, size)
	n, err := f.ReadAt(data, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return data[:n], nil
}

// ReplaceFile writes data to name so that a crash leaves the old or the new
// content whole. With durable, the new content is on the disk when it returns;
// without, it survives the death of the process.
func ReplaceFile(fsys FS, name string, data []byte, durable bool) error {
	temporary := name + ".tmp"
	if err := writeNew(fsys, temporary, data, durable); err != nil {
		_ = fsys.Remove(temporary) // it may not even exist
		return err
	}
	if err := fsys.Rename(temporary, name); err != nil {
		return err
	}
	if !durable {
		return nil
	}
	return fsys.SyncDir(path.Dir(name))
}

func writeNew(fsys FS, name string, data []byte, durable bool) error {
	f, err := fsys.Open(name, ReadWrite|Create|Truncate, FilePerm)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(data, 0)
	if err == nil && durable {
		err = f.Datasync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}
