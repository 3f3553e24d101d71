package testbed

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// Cached returns a folder that build has filled, kept in the user's cache
// folder under a hash of the files it was made from and of the toolchain's
// version. Several test processes may ask at once: one builds, the others wait.
func Cached(name string, version, inputs []string, build func(dir string) error) (string, error) {
	hash := sha256.New()
	toolchain, err := exec.Command(version[0], version[1:]...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%v: %w", version, err)
	}
	hash.Write(toolchain)
	for _, input := range inputs {
		content, err := os.ReadFile(input)
		if err != nil {
			return "", err
		}
		hash.Write(content)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "barnabas-compat", "clients", fmt.Sprintf("%s-%x", name, hash.Sum(nil)[:6]))
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", err
	}
	unlock, err := Lock(dir + ".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	complete := filepath.Join(dir, ".complete")
	if _, err := os.Stat(complete); err == nil {
		return dir, nil
	}
	if err := os.RemoveAll(dir); err != nil { // what an interrupted build left
		return "", err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	if err := build(dir); err != nil {
		return "", err
	}
	return dir, os.WriteFile(complete, nil, 0o644)
}

// Lock takes a file lock that other processes see; it ends with the process at the latest.
func Lock(path string) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
		_ = file.Close()
		return nil, err
	}
	return func() { _ = file.Close() }, nil
}
