package oracle

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/barnabas-mq/barnabas/compat-tests/classdata"
)

// A tool's JVM takes Kafka's classes out of the archive, also with a folder behind the
// jars; without the archive it takes none there.
func TestToolsUseTheArchive(t *testing.T) {
	Need(t)
	if os.Getenv(classdata.Off) != "" {
		t.Skipf("%s is set", classdata.Off)
	}
	flags := ClassData(Newest)
	if len(flags) == 0 {
		t.Fatal("no archive could be made")
	}
	classPath, err := ClassPath(Newest)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	shared := func(classPath string, flags []string) int {
		t.Helper()
		file := filepath.Join(t.TempDir(), "loaded")
		args := slices.Concat(quickJVM(256), flags, []string{"-Xlog:class+load:file=" + file, "-cp", classPath, toolClasses["topics"], "--version"})
		out, err := exec.Command("java", args...).Output()
		if err != nil || !strings.HasPrefix(string(out), Newest) {
			t.Fatalf("topics --version prints %q: %v", out, err)
		}
		loaded, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Count(loaded, []byte("TopicCommand source: shared objects file"))
	}
	if shared(classPath, flags) != 1 || shared(classPath+string(os.PathListSeparator)+folder, flags) != 1 {
		t.Error("the archive is not used")
	}
	if shared(classPath, nil) != 0 {
		t.Error("classes are shared without the archive")
	}
}
