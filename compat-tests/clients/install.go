package clients

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

// Program is an installed client: the command that takes a step and its flags.
type Program struct {
	Client  Client
	command []string
	env     []string
}

// Install makes the client's program ready to run. Where its toolchain is
// absent it skips the test by name, and in CI it fails.
func Install(tb testing.TB, client Client) Program {
	tb.Helper()
	installers := map[Toolchain]func(testing.TB, Client) (Program, error){
		Debian: installKcat, Go: installGo, Java: installJava, Node: installNode, Python: installPython, Rust: installRust,
	}
	program, err := installers[client.Toolchain](tb, client)
	if err != nil {
		tb.Fatalf("install %s %s: %v", client.Name, client.Version, err)
	}
	program.Client = client
	program.env = append(program.env, "CLIENT_SETTINGS="+client.Settings)
	return program
}

// source is where the client's program is.
func (c Client) source() string { return filepath.Join(folder(), cmp.Or(c.Folder, c.Name)) }

// locks is the folder of its lock files, whose name is also that of what was installed by them.
func (c Client) locks() (dir, name string) {
	name = cmp.Or(c.Locks, c.Folder, c.Name)
	return filepath.Join(folder(), name), name
}

// folder is where the sources of this package are.
func folder() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Dir(file)
}

func installGo(tb testing.TB, client Client) (Program, error) {
	testbed.NeedPrograms(tb, "go")
	binary := filepath.Join(tb.TempDir(), client.Name)
	err := run(client.source(), "go", "build", "-o", binary, ".")
	return Program{command: []string{binary}}, err
}

// installKcat installs Debian's package when it may, and builds the program around it.
func installKcat(tb testing.TB, client Client) (Program, error) {
	_, missing := exec.LookPath("kcat")
	_, noApt := exec.LookPath("apt-get")
	if missing != nil && noApt == nil && os.Geteuid() == 0 {
		if err := run("/", "apt-get", "update", "-qq"); err != nil {
			return Program{}, err
		}
		if err := run("/", "apt-get", "install", "-y", "-qq", "--no-install-recommends", "kcat"); err != nil {
			return Program{}, err
		}
	}
	testbed.NeedPrograms(tb, "kcat")
	return installGo(tb, client)
}

func installPython(tb testing.TB, client Client) (Program, error) {
	testbed.NeedPrograms(tb, "python3")
	// Some distributions package these two modules apart from Python.
	if err := run("/", "python3", "-c", "import ensurepip, venv"); err != nil {
		if testbed.InCI() {
			return Program{}, err
		}
		tb.Skipf("python3 cannot make virtual environments: %v", err)
	}
	locks, name := client.locks()
	requirements := filepath.Join(locks, "requirements.txt")
	venv, err := testbed.Cached(name, []string{"python3", "--version"}, []string{requirements}, func(dir string) error {
		if err := run(dir, "python3", "-m", "venv", dir); err != nil {
			return err
		}
		return run(dir, filepath.Join(dir, "bin", "pip"), "install", "--quiet", "--disable-pip-version-check",
			"--require-hashes", "--requirement", requirements)
	})
	return Program{
		command: []string{filepath.Join(venv, "bin", "python"), filepath.Join(client.source(), "client.py")},
		env:     []string{"PYTHONPATH=" + filepath.Join(folder(), "python"), "PYTHONDONTWRITEBYTECODE=1"},
	}, err
}

func installNode(tb testing.TB, client Client) (Program, error) {
	testbed.NeedPrograms(tb, "node", "npm")
	locks, name := client.locks()
	manifests := []string{filepath.Join(locks, "package.json"), filepath.Join(locks, "package-lock.json")}
	modules, err := testbed.Cached(name, []string{"node", "--version"}, manifests, func(dir string) error {
		for _, manifest := range manifests {
			if err := copyInto(dir, manifest); err != nil {
				return err
			}
		}
		return run(dir, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	})
	if err != nil {
		return Program{}, err
	}
	// Node looks for packages from the program's folder upwards, so that the program needs one with node_modules.
	home := tb.TempDir()
	files, err := filepath.Glob(filepath.Join(client.source(), "*.mjs"))
	if err != nil {
		return Program{}, err
	}
	for _, file := range append(files, filepath.Join(folder(), "node", "program.mjs")) {
		if err := copyInto(home, file); err != nil {
			return Program{}, err
		}
	}
	err = os.Symlink(filepath.Join(modules, "node_modules"), filepath.Join(home, "node_modules"))
	return Program{command: []string{"node", filepath.Join(home, "client.mjs")}}, err
}

// installRust builds the program with the library's sources. What many programs need is compiled once, in one target folder for all.
func installRust(tb testing.TB, client Client) (Program, error) {
	testbed.NeedPrograms(tb, "cargo", "cc", "make")
	var inputs []string
	for _, dir := range []string{client.source(), filepath.Join(folder(), "rust")} {
		for _, pattern := range []string{"Cargo.*", "src/*.rs"} {
			inFolder, err := filepath.Glob(filepath.Join(dir, pattern))
			if err != nil {
				return Program{}, err
			}
			inputs = append(inputs, inFolder...)
		}
	}
	name := client.Name + "-client"
	dir, err := testbed.Cached(client.Name, []string{"cargo", "--version"}, inputs, func(dir string) error {
		target := filepath.Join(filepath.Dir(dir), "cargo-target")
		unlock, err := testbed.Lock(target + ".lock")
		if err != nil {
			return err
		}
		defer unlock()
		if err := run(client.source(), "cargo", "build", "--quiet", "--release", "--locked", "--target-dir", target); err != nil {
			return err
		}
		if err := copyInto(dir, filepath.Join(target, "release", name)); err != nil {
			return err
		}
		return os.Chmod(filepath.Join(dir, name), 0o755)
	})
	return Program{command: []string{filepath.Join(dir, name)}}, err
}

// installJava compiles the sources against the jars of the client's version.
func installJava(tb testing.TB, client Client) (Program, error) {
	testbed.NeedPrograms(tb, "java", "javac", "mvn")
	var sources []string
	for _, name := range strings.Fields(client.Folder) {
		inFolder, err := filepath.Glob(filepath.Join(folder(), name, "*.java"))
		if err != nil {
			return Program{}, err
		}
		sources = append(sources, inFolder...)
	}
	pom := filepath.Join(folder(), cmp.Or(client.Locks, "java"), "pom.xml")
	dir, err := testbed.Cached("java-"+client.Version, []string{"javac", "-version"}, append([]string{pom}, sources...), func(dir string) error {
		jars := filepath.Join(dir, "jars")
		if err := copyInto(dir, pom); err != nil {
			return err
		}
		err := run(dir, "mvn", "-q", "-B", "dependency:copy-dependencies", "-DincludeScope=runtime",
			"-Dkafka.version="+client.Version, "-DoutputDirectory="+jars)
		if err != nil {
			return err
		}
		return run(dir, "javac", append([]string{"-cp", filepath.Join(jars, "*"), "-d", filepath.Join(dir, "classes")}, sources...)...)
	})
	if err != nil {
		return Program{}, err
	}
	// The program is behind the jars: archives of classes are of jars alone.
	jars := filepath.Join(dir, "jars", "*")
	return javaProgram(client, jars, jars+string(os.PathListSeparator)+filepath.Join(dir, "classes")), nil
}

func run(dir, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w\n%s", cmd.Args, err, out)
	}
	return nil
}

func copyInto(dir, file string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, filepath.Base(file)), content, 0o644)
}
