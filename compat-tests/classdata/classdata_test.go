package classdata

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

const hello = `public class Hello { public static void main(String[] args) { System.out.println("hello"); } }`

// program is a jar in a cache of the test's own, and how often its archive was made.
type program struct {
	*testing.T
	jar     string
	trained int
}

func newProgram(t *testing.T) *program {
	t.Helper()
	testbed.NeedPrograms(t, "java", "javac", "jar")
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir()) // of which other systems make the cache's place
	t.Setenv(Off, "")
	dir := t.TempDir()
	p := &program{T: t, jar: filepath.Join(dir, "hello.jar")}
	if err := os.WriteFile(filepath.Join(dir, "Hello.java"), []byte(hello), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, command := range [][]string{{"javac", "-d", dir, filepath.Join(dir, "Hello.java")}, {"jar", "cf", p.jar, "-C", dir, "Hello.class"}} {
		if err := testbed.RunCommand(nil, command...); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func (p *program) train(record func() []string) error {
	p.trained++
	_, err := p.run(record()...)
	return err
}

// run says what the program prints, and whether its class came out of an archive.
func (p *program) run(flags ...string) (shared bool, failure error) {
	p.Helper()
	file := filepath.Join(p.TempDir(), "loaded")
	out, err := exec.Command("java", slices.Concat(flags, []string{"-Xlog:class+load:file=" + file, "-cp", p.jar, "Hello"})...).CombinedOutput()
	if err != nil || string(out) != "hello\n" {
		p.Fatalf("the program prints %q: %v", out, err)
	}
	loaded, err := os.ReadFile(file)
	return bytes.Contains(loaded, []byte("Hello source: shared objects file")), err
}

func (p *program) open() (dir, archive string) {
	p.Helper()
	dir, err := folder("hello", p.jar)
	if err != nil {
		p.Fatal(err)
	}
	if archive, err = open(dir, p.jar, p.train); err != nil {
		p.Fatal(err)
	}
	return dir, archive
}

// An archive is made once, and used; a damaged one, with which a JVM would crash, is
// made again, and one that is gone or of no JVM does no harm.
func TestArchives(t *testing.T) {
	p := newProgram(t)
	if shared, err := p.run(); shared || err != nil {
		t.Fatalf("shared without an archive (%t, %v)", shared, err)
	}
	flags := Flags("hello", p.jar, p.train)
	for range 2 {
		if shared, err := p.run(flags...); !shared || err != nil {
			t.Errorf("not shared with %q (%v)", flags, err)
		}
	}
	dir, archive := p.open()
	if p.trained != 1 || !slices.Contains(flags, "-XX:SharedArchiveFile="+archive) {
		t.Errorf("trained %d times for one archive; the flags are %q", p.trained, flags)
	}

	content, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	flipped := slices.Clone(content)
	flipped[len(flipped)/2] ^= 1
	for name, damaged := range map[string][]byte{"flipped": flipped, "cut": content[:len(content)/2], "empty": nil} {
		made := p.trained
		// Written anew, as those that are there are not writable.
		if err := errors.Join(os.Remove(archive), os.WriteFile(archive, damaged, 0o600)); err != nil {
			t.Fatal(err)
		}
		if _, archive = p.open(); p.trained != made+1 {
			t.Errorf("%s: trained %d times", name, p.trained-made)
		}
		if shared, err := p.run(use(archive)...); !shared || err != nil {
			t.Errorf("%s: not shared (%v)", name, err)
		}
	}
	other := filepath.Join(dir, "other")
	if err := os.WriteFile(other, []byte(strings.Repeat("no archive", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{other, filepath.Join(dir, "absent")} {
		if shared, err := p.run(use(path)...); shared || err != nil {
			t.Errorf("%s: shared %t, %v", path, shared, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "making-*")); len(left) > 0 {
		t.Errorf("left over: %q", left)
	}
}

// Where an archive cannot be made there are no flags, and nobody tries again at once.
func TestFailuresAreNoted(t *testing.T) {
	p := newProgram(t)
	var tried int
	fails := func(func() []string) error { tried++; return errors.New("no") }
	if flags := Flags("hello", p.jar, fails); flags != nil {
		t.Errorf("flags %q", flags)
	}
	dir, err := folder("hello", p.jar)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := open(dir, p.jar, fails); err == nil || tried != 1 {
		t.Errorf("tried %d times: %v", tried, err)
	}
	// A program that loads nothing, and jars that are gone.
	if _, err := open(t.TempDir(), p.jar, func(record func() []string) error { record(); return nil }); err == nil {
		t.Error("an archive of nothing")
	}
	if flags := Flags("hello", p.jar+".gone", p.train); flags != nil {
		t.Errorf("flags %q", flags)
	}
}

// Another class path, or the same with another jar, has another folder; of one name few stay.
func TestFolders(t *testing.T) {
	p := newProgram(t)
	var folders []string
	for i := range archivesKept + 2 {
		if err := os.Truncate(p.jar, int64(10_000+i)); err != nil { // no JVM reads it
			t.Fatal(err)
		}
		dir, err := folder("hello", p.jar)
		if err != nil || slices.Contains(folders, dir) || os.MkdirAll(dir, 0o755) != nil {
			t.Fatalf("folder %s among %q: %v", dir, folders, err)
		}
		folders = append(folders, dir)
	}
	other, err := folder("hello-again", p.jar)
	if err != nil || os.MkdirAll(other, 0o755) != nil {
		t.Fatal(err)
	}
	forget(folders[0])
	var left int
	for _, dir := range folders {
		if _, err := os.Stat(dir); err == nil {
			left++
		}
	}
	if _, err := os.Stat(other); err != nil || left != archivesKept {
		t.Errorf("%d folders are left, want %d; the other's: %v", left, archivesKept, err)
	}
}

// A class has another number in each list, of which a JVM stops.
func TestMerge(t *testing.T) {
	dir := t.TempDir()
	list := func(name string) string { return filepath.Join(dir, name) }
	for name, text := range map[string]string{
		"a": "# list\njava/lang/Object id: 0\nA id: 1\n@cp A 1 2\nOwn id: 2 super: 0 source: own.jar\n",
		"b": "# list\njava/lang/Object id: 0\nB id: 1\nA id: 2\n@cp A 1 2\nCu",
	} {
		if err := os.WriteFile(list(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := merge(list("all"), []string{list("a"), list("absent"), list("b")}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(list("all"))
	if want := "# list\njava/lang/Object\nA\n@cp A 1 2\nB\n"; err != nil || string(got) != want {
		t.Errorf("merged %q, want %q (%v)", got, want, err)
	}
	if merge(list("all"), []string{list("absent")}) == nil {
		t.Error("nothing was merged")
	}
}
