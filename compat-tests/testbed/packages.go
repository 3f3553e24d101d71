package testbed

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// UnpackPackages downloads Debian's packages, with what they need that is not
// installed, and unpacks them into the cache. Nothing is installed.
func UnpackPackages(tb testing.TB, packages ...string) (root string) {
	tb.Helper()
	NeedPrograms(tb, "apt-get", "dpkg")
	root, err := Cached(strings.Join(packages, "-"), []string{"cat", "/etc/debian_version"}, nil, func(dir string) error {
		archives := filepath.Join(dir, "archives")
		if err := os.MkdirAll(filepath.Join(archives, "partial"), 0o755); err != nil {
			return err
		}
		download := append([]string{"apt-get", "install", "-y", "-qq", "--no-install-recommends", "--reinstall", "--download-only",
			"-o", "Dir::Cache::archives=" + archives, "-o", "Debug::NoLocking=1"}, packages...)
		if RunCommand(nil, download...) != nil { // the lists of packages may be missing or old
			if err := RunCommand(nil, "apt-get", "update", "-qq"); err != nil {
				return err
			}
			if err := RunCommand(nil, download...); err != nil {
				return err
			}
		}
		files, err := filepath.Glob(filepath.Join(archives, "*.deb"))
		for _, file := range files {
			if err := RunCommand(nil, "dpkg", "--extract", file, dir); err != nil {
				return err
			}
		}
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return root
}

// RunCommand runs a program to its end, with more of an environment. The error has
// what it said.
func RunCommand(environ []string, command ...string) error {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = append(os.Environ(), environ...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w\n%s", command, err, out)
	}
	return nil
}

// Libraries is the variable with which unpacked programs find what they are linked
// with; more are folders below root, in patterns.
func Libraries(root string, more ...string) string {
	var folders []string
	for _, pattern := range append([]string{"usr/lib/*-linux-*", "lib/*-linux-*"}, more...) {
		found, _ := filepath.Glob(filepath.Join(root, pattern)) // our own patterns
		folders = append(folders, found...)
	}
	return "LD_LIBRARY_PATH=" + strings.Join(folders, string(os.PathListSeparator))
}
