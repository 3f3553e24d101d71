package applets

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// replaceProcess puts another program in this process's place. It returns only
// when that failed; errStays leaves the process as it was.
func replaceProcess(program string, args []string, c *call) error {
	files, ok := c.files()
	if !ok {
		return errStays
	}
	if err := os.Chdir(c.dir); err != nil {
		return err
	}
	// Copies first: one stream may be another's number.
	var copies [3]int
	for i, f := range files {
		fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 3)
		if err != nil {
			return err
		}
		copies[i] = fd
	}
	for i, fd := range copies {
		if err := unix.Dup3(fd, i, 0); err != nil {
			return err
		}
	}
	return syscall.Exec(program, args, c.environ)
}
