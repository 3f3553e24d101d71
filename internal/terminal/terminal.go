// Package terminal tells whether a person watches.
package terminal

import "os"

// Is tells a person's screen or keyboard from a pipe, a file, the null device and
// whatever is no file at all.
func Is(stream any) bool {
	f, isFile := stream.(*os.File)
	if !isFile {
		return false
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(info, null)
}
