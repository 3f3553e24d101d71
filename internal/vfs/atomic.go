package vfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
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
	return FillFile(fsys, name, name+".tmp", durable, func(f File) error {
		_, err := f.WriteAt(data, 0)
		return err
	})
}

// FillFile is ReplaceFile for content that fill writes. The file has the temporary
// name, in the same folder, until it is whole; only a crash leaves it behind.
func FillFile(fsys FS, name, temporary string, durable bool, fill func(File) error) error {
	err := WriteNew(fsys, temporary, durable, fill)
	if err == nil {
		err = fsys.Rename(temporary, name)
	}
	if err != nil {
		_ = fsys.Remove(temporary) // it may not even exist; the first error counts
		return err
	}
	if !durable {
		return nil
	}
	return fsys.SyncDir(path.Dir(name))
}

// WriteFirst is ReplaceFile for a file that there never was: it is written in place, so
// that a crash may leave it empty or cut short, and whoever reads it must be able to tell.
// A file that is there after all, perhaps as a crash has left it, is replaced.
func WriteFirst(fsys FS, name string, data []byte, durable bool) error {
	f, err := fsys.Open(name, ReadWrite|Create|Exclusive, FilePerm)
	if errors.Is(err, fs.ErrExist) {
		return ReplaceFile(fsys, name, data, durable)
	}
	if err != nil {
		return err
	}
	_, err = f.WriteAt(data, 0)
	if err == nil && durable {
		err = f.Datasync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		_ = fsys.Remove(name) // as if nothing had been tried; the first error counts
		return err
	}
	if !durable {
		return nil
	}
	return fsys.SyncDir(path.Dir(name))
}

// WriteNew makes a file, or empties the one of that name, and has fill write it. With
// durable the content is synced, the name is not.
func WriteNew(fsys FS, name string, durable bool, fill func(File) error) error {
	f, err := fsys.Open(name, ReadWrite|Create|Truncate, FilePerm)
	if err != nil {
		return err
	}
	err = fill(f)
	if err == nil && durable {
		err = f.Datasync()
	}
	return errors.Join(err, f.Close())
}
