// Package readme does what the README's first screen tells a newcomer to do.
package readme

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/barnabas-mq/barnabas/compat-tests/barnabas"
)

// transcript is one command of a console block and what the README says it prints.
type transcript struct {
	command string
	output  string
}

func readme(t *testing.T) string {
	t.Helper()
	root, err := barnabas.ModuleRoot()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// transcripts reads the console blocks of the README.
func transcripts(t *testing.T) []transcript {
	t.Helper()
	var all []transcript
	for _, block := range strings.Split(readme(t), "```console\n")[1:] {
		block, _, _ = strings.Cut(block, "```")
		for _, line := range strings.SplitAfter(block, "\n") {
			if command, ok := strings.CutPrefix(line, "$ "); ok {
				command, _, _ = strings.Cut(strings.TrimSpace(command), "  #")
				all = append(all, transcript{command: command})
			} else if len(all) > 0 {
				all[len(all)-1].output += line
			}
		}
	}
	return all
}

// The produce and consume of the first screen print what it shows, against the
// broker that its first command starts.
func TestTheFirstScreenWorksAsPasted(t *testing.T) {
	b := barnabas.Run(t, barnabas.Options{Profile: "dev"})
	root, env := built(t)
	ran := 0
	for _, step := range transcripts(t) {
		if !strings.Contains(step.command, "bin/barnabas") {
			continue
		}
		ran++
		cmd := exec.Command("bash", "-c", step.command)
		cmd.Dir, cmd.Env = root, append(env, "BARNABAS_BOOTSTRAP_SERVERS="+b.Bootstrap())
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", step.command, err)
		}
		if string(out) != step.output {
			t.Fatalf("%s printed %q, the README says %q", step.command, out, step.output)
		}
	}
	if ran != 2 {
		t.Fatalf("the README has %d commands of the binary, want a produce and a consume", ran)
	}
}

// built is a folder in which bin/barnabas is the binary, and the environment.
func built(t *testing.T) (root string, env []string) {
	t.Helper()
	binary, err := barnabas.Binary()
	if err != nil {
		t.Fatal(err)
	}
	root = t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(binary, filepath.Join(root, "bin", "barnabas")); err != nil {
		t.Fatal(err)
	}
	return root, os.Environ()
}

// The Go test that the README shows compiles, passes, and needs nothing but the broker.
func TestTheGoTestWorksAsPasted(t *testing.T) {
	text := readme(t)
	at := strings.Index(text, "```go\npackage ")
	if at < 0 {
		t.Fatal("the README shows no Go test")
	}
	source, _, _ := strings.Cut(text[at+len("```go\n"):], "```")
	root, err := barnabas.ModuleRoot()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "orders_test.go")
	if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "test", "-count=1", "-v", file)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("bootstrap.servers = 127.0.0.1:")) {
		t.Errorf("%v\n%s", err, out)
	}
}

// Every command that the README shows is one that the program knows, and every
// make target exists.
func TestTheCommandsThatAreShownExist(t *testing.T) {
	root, err := barnabas.ModuleRoot()
	if err != nil {
		t.Fatal(err)
	}
	binary, err := barnabas.Binary()
	if err != nil {
		t.Fatal(err)
	}
	help, err := exec.Command(binary, "help").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range transcripts(t) {
		words := strings.Fields(step.command)
		switch {
		case words[0] == "make":
			for _, target := range words[1:] {
				if out, err := exec.Command("make", "-n", "-C", root, target).CombinedOutput(); err != nil {
					t.Errorf("make %s: %s", target, out)
				}
			}
		case words[0] == "barnabas" && len(words) > 1:
			if !bytes.Contains(help, []byte("barnabas "+words[1])) {
				t.Errorf("%q is shown, but help does not know it", step.command)
			}
		}
	}
}

// healthcheck tells a broker that answers from a port where none does.
func TestHealthcheckTellsUpFromDown(t *testing.T) {
	b := barnabas.Run(t, barnabas.Options{Profile: "dev"})
	binary, err := barnabas.Binary()
	if err != nil {
		t.Fatal(err)
	}
	check := func(address string) error {
		return exec.Command(binary, "healthcheck", "--bootstrap-server", address).Run()
	}
	if err := check(b.Bootstrap()); err != nil {
		t.Fatalf("healthcheck of a running broker: %v", err)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free.Close()
	if err := check(free.Addr().String()); err == nil {
		t.Fatal("healthcheck of nobody succeeded")
	}
}
