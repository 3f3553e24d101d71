package barnabas

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// EnvBinary names a binary to test instead of one built from the sources.
const EnvBinary = "BARNABAS_BIN"

const modulePath = "github.com/barnabas-mq/barnabas"

// Binary is the path of the broker, built on first use in this process.
var Binary = sync.OnceValues(func() (string, error) {
	if path := os.Getenv(EnvBinary); path != "" {
		return path, nil
	}
	root, err := ModuleRoot()
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "barnabas-compat", "bin")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	return build(root, dir)
})

// build links into a fresh file and renames it: test packages run at the same
// time, and a running binary cannot be written to.
func build(root, dir string) (string, error) {
	tmp, err := os.MkdirTemp(dir, "build-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp) //nolint:errcheck // a cache folder
	fresh := filepath.Join(tmp, "barnabas")
	cmd := exec.Command("go", "build", "-o", fresh, "./cmd/barnabas")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build ./cmd/barnabas: %w\n%s", err, out)
	}
	path := filepath.Join(dir, "barnabas")
	return path, os.Rename(fresh, path)
}

// ModuleRoot is the folder of the broker's module, found upwards from the
// working directory.
func ModuleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		first, _, _ := strings.Cut(string(mod), "\n")
		switch {
		case err == nil && strings.TrimSpace(first) == "module "+modulePath:
			return dir, nil
		case err != nil && !errors.Is(err, os.ErrNotExist):
			return "", err
		case dir == filepath.Dir(dir):
			return "", fmt.Errorf("no go.mod of %s above the working directory", modulePath)
		}
		dir = filepath.Dir(dir)
	}
}
