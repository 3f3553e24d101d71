package image

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/barnabas-mq/barnabas/compat-tests/barnabas"
)

// daemon is a Docker daemon of the test's own, without network and registries.
type daemon struct{ env []string }

// withoutNetwork are its flags when containers only use the test's own network.
var withoutNetwork = []string{"--bridge=none", "--iptables=false"}

// startDaemon skips the test where there is no dockerd, or none that runs here.
func startDaemon(t *testing.T, flags ...string) *daemon {
	t.Helper()
	needImage(t)
	for _, program := range []string{"dockerd", "docker", "containerd", "runc"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("there is no %s (Debian's docker.io has it)", program)
		}
	}
	dir := t.TempDir()
	socket := "unix://" + filepath.Join(dir, "docker.sock")
	cmd := exec.Command("dockerd", append([]string{"--data-root", filepath.Join(dir, "data"), "--exec-root", filepath.Join(dir, "exec"),
		"--pidfile", filepath.Join(dir, "pid"), "--host", socket, "--storage-driver=vfs"}, flags...)...)
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		ended <- cmd.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself
		<-ended
		// What it leaves mounted for the networks of containers.
		left, err := filepath.Glob(filepath.Join(dir, "exec/netns/*"))
		for _, name := range left {
			if gone := unix.Unmount(name, unix.MNT_DETACH); gone != nil && !errors.Is(gone, unix.EINVAL) {
				err = errors.Join(err, gone)
			}
		}
		if err != nil {
			t.Error(err)
		}
	})
	d := &daemon{env: append(os.Environ(), "DOCKER_HOST="+socket, "DOCKER_BUILDKIT=0")}
	for limit := time.After(patience); ; {
		if _, err := d.try("version"); err == nil {
			return d
		}
		select {
		case err := <-ended:
			t.Skipf("dockerd does not run here: %v\n%s", err, log.String())
		case <-limit:
			t.Skipf("dockerd does not answer here\n%s", log.String())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (d *daemon) try(args ...string) (string, error) {
	cmd := exec.Command("docker", args...)
	cmd.Env = d.env
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func (d *daemon) run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := d.try(args...)
	if err != nil {
		t.Fatalf("docker %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// waitForLog waits until a container's log has a pattern.
func (d *daemon) waitForLog(t *testing.T, name, pattern string) {
	t.Helper()
	match := regexp.MustCompile(pattern)
	cmd := exec.Command("docker", "logs", "--follow", name)
	cmd.Env = d.env
	found := make(chan error, 1)
	seen := &watcher{match: match, found: found}
	cmd.Stdout, cmd.Stderr = seen, seen
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		found <- errors.Join(cmd.Wait(), errors.New("the log ended"))
	}()
	defer cmd.Process.Kill() //nolint:errcheck // it may have ended
	select {
	case err := <-found:
		if err != nil {
			t.Fatalf("%s never says %q: %v\n%s", name, pattern, err, seen.text.String())
		}
	case <-time.After(patience):
		t.Fatalf("%s does not say %q\n%s", name, pattern, seen.text.String())
	}
}

// watcher looks at text as it comes.
type watcher struct {
	match *regexp.Regexp
	found chan<- error
	text  bytes.Buffer
	done  bool
}

func (w *watcher) Write(text []byte) (int, error) {
	w.text.Write(text)
	if !w.done && w.match.Match(w.text.Bytes()) {
		w.done = true
		w.found <- nil
	}
	return len(text), nil
}

// The image is loaded from the archive, and built from the Dockerfile: both are
// small and start alike.
func TestUnderDocker(t *testing.T) {
	d := startDaemon(t, withoutNetwork...)
	d.run(t, "load", "-i", filepath.Join(built, "oci.tar"))
	root, err := barnabas.ModuleRoot()
	if err != nil {
		t.Fatal(err)
	}
	d.run(t, "build", "-q", "-t", "barnabas:built", "--build-arg", "TARGETARCH="+runtime.GOARCH, "-f", filepath.Join(root, "docker/Dockerfile"), built)
	var configs []map[string]any
	for _, tag := range []string{imageTag, "barnabas:built"} {
		var inspected []struct {
			Size   int64
			Config map[string]any
		}
		if err := json.Unmarshal([]byte(d.run(t, "image", "inspect", tag)), &inspected); err != nil {
			t.Fatal(err)
		}
		if inspected[0].Size > imageBytesMax {
			t.Errorf("%s has %d bytes, %d are the most", tag, inspected[0].Size, imageBytesMax)
		}
		t.Logf("%s: %.1f MB", tag, float64(inspected[0].Size)/1e6)
		config := make(map[string]any)
		for _, name := range []string{"User", "ExposedPorts", "Env", "Entrypoint", "Cmd", "Volumes", "WorkingDir", "StopSignal"} {
			config[name] = inspected[0].Config[name]
		}
		configs = append(configs, config)
	}
	if !reflect.DeepEqual(configs[0], configs[1]) {
		t.Errorf("the archive's image is started so:\n%v\nand the built one so:\n%v", configs[0], configs[1])
	}

	t.Run("read-only root, non-root user, a volume", func(t *testing.T) { readOnlyContainer(t, d) })
	t.Run("a start script by docker cp", func(t *testing.T) { copiedScript(t, d) })
}

// readOnlyContainer serves, stops, and has its data when it is made again.
func readOnlyContainer(t *testing.T, d *daemon) {
	start := func(name string) {
		d.run(t, "run", "-d", "--name", name, "--read-only", "--network", "host", "-v", "kept:/var/lib/kafka/data", imageTag)
		d.waitForLog(t, name, ready)
	}
	start("one")
	produceAtOnce(t, "localhost:9092")
	if user := d.run(t, "exec", "one", "id", "-u"); user != "1000" {
		t.Errorf("the broker is user %s", user)
	}
	d.run(t, "exec", "one", "barnabas", "healthcheck")
	t.Logf("from the container's start to the ready line: %s; then %s", d.startToReady(t, "one"), d.memory(t, "one"))
	d.run(t, "stop", "one")
	if status := d.run(t, "inspect", "-f", "{{.State.ExitCode}}", "one"); status != "0" {
		t.Errorf("stopped with status %s", status)
	}
	d.run(t, "rm", "one")
	start("two")
	if out := d.run(t, "exec", "two", "sh", "-c", "ls /var/lib/kafka/data | grep -c '^first-0$'"); out != "1" {
		t.Errorf("the topic is gone: %s", out)
	}
	d.run(t, "rm", "-f", "two")
}

// copiedScript is testcontainers-go's way with a daemon in it.
func copiedScript(t *testing.T, d *daemon) {
	const name = "Go confluent-local"
	for _, l := range launchers {
		if l.name != name {
			continue
		}
		args := []string{"create", "--name", "copied", "--network", "host", "--entrypoint", l.process[0]}
		for _, v := range l.env {
			args = append(args, "-e", v)
		}
		d.run(t, append(append(args, imageTag), l.process[1:]...)...)
		d.run(t, "start", "copied")
		script := filepath.Join(t.TempDir(), "script.sh")
		if err := os.WriteFile(script, []byte(l.after[0].text), l.after[0].mode); err != nil {
			t.Fatal(err)
		}
		d.run(t, "cp", script, "copied:"+l.after[0].name)
		d.waitForLog(t, "copied", l.patterns[0])
		produceAtOnce(t, l.address)
		d.run(t, "stop", "copied")
		if status := d.run(t, "inspect", "-f", "{{.State.ExitCode}}", "copied"); status != "0" {
			t.Errorf("stopped with status %s", status)
		}
		return
	}
	t.Fatalf("there is no launcher %q", name)
}

// A port is published (-p), and a program on the machine writes through it: to the
// address that was configured, or to the one that the broker finds.
func TestAPublishedPort(t *testing.T) {
	d := startDaemon(t)
	d.run(t, "load", "-i", filepath.Join(built, "oci.tar"))
	for _, one := range []struct{ name, published, advertised, address string }{
		{"configured", "19092:9092", "PLAINTEXT://localhost:19092", "localhost:19092"},
		{"found", "9092:9092", "", "localhost:9092"},
	} {
		t.Run(one.name, func(t *testing.T) {
			d.run(t, "run", "-d", "--name", one.name, "-p", one.published, "-e", "KAFKA_LISTENERS=PLAINTEXT://:9092",
				"-e", "KAFKA_ADVERTISED_LISTENERS="+one.advertised, imageTag)
			d.waitForLog(t, one.name, ready)
			if told := advertised(t, one.address); told != "localhost" {
				t.Errorf("a program on the machine is told %s", told)
			}
			produceAtOnce(t, one.address)
			d.run(t, "rm", "-f", one.name)
		})
	}
}

// startToReady is what the daemon recorded: a container's start, and its ready
// line.
func (d *daemon) startToReady(t *testing.T, name string) string {
	begun, err := time.Parse(time.RFC3339Nano, d.run(t, "inspect", "-f", "{{.State.StartedAt}}", name))
	if err != nil {
		return fmt.Sprint(err)
	}
	for line := range strings.Lines(d.run(t, "logs", "-t", name)) {
		if at, text, _ := strings.Cut(line, " "); strings.Contains(text, ready) {
			end, err := time.Parse(time.RFC3339Nano, at)
			if err != nil {
				return fmt.Sprint(err)
			}
			return end.Sub(begun).String()
		}
	}
	return "unknown"
}

// memory is what the broker's process has in memory.
func (d *daemon) memory(t *testing.T, name string) string {
	pid, err := strconv.Atoi(d.run(t, "inspect", "-f", "{{.State.Pid}}", name))
	if err != nil {
		return fmt.Sprint(err)
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return fmt.Sprint(err)
	}
	return strings.Join(regexp.MustCompile(`VmRSS:\s+\d+ kB`).FindAllString(string(text), -1), " ")
}
