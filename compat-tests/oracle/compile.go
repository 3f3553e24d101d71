package oracle

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

// Compile compiles Java sources that lie beside the calling Go file against a class
// path, and returns the class path of the result. Without javac the test is skipped by name.
func Compile(tb testing.TB, classPath string, sources ...string) string {
	tb.Helper()
	testbed.NeedPrograms(tb, "javac")
	_, file, _, _ := runtime.Caller(1)
	classes := tb.TempDir()
	args := []string{"-cp", classPath, "-d", classes}
	for _, source := range sources {
		args = append(args, filepath.Join(filepath.Dir(file), source))
	}
	if out, err := exec.Command("javac", args...).CombinedOutput(); err != nil {
		tb.Fatalf("javac: %v\n%s", err, out)
	}
	return classes + string(os.PathListSeparator) + classPath
}
