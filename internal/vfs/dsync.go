package vfs

// dsyncFile syncs after each write, where the file below does not do so by itself.
type dsyncFile struct{ File }

// WriteAt implements File.
func (f dsyncFile) WriteAt(p []byte, off int64) (int, error) {
	n, err := f.File.WriteAt(p, off)
	if err != nil {
		return n, err
	}
	return n, f.Datasync()
}
