package image

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/barnabas-mq/barnabas/compat-tests/barnabas"
)

// envBuilt tells the second start of the test binary where the first one put
// what it built.
const envBuilt = "BARNABAS_IMAGE_BUILT"

// built is the folder with barnabas-ARCH, rootfs-ARCH.tar and oci.tar; empty when
// nothing can be tested.
var built = os.Getenv(envBuilt)

func TestMain(m *testing.M) {
	if built != "" {
		if err := enterNamespaces(); err != nil {
			fmt.Fprintln(os.Stderr, "image:", err)
			os.Exit(1)
		}
		os.Exit(m.Run())
	}
	if os.Getuid() != 0 {
		os.Exit(m.Run()) // every test skips itself
	}
	os.Exit(again())
}

// needImage skips a test that has no image to look at.
func needImage(t *testing.T) {
	t.Helper()
	if built == "" {
		t.Skip("a chroot and namespaces need root")
	}
}

// again builds the image and runs the tests in fresh namespaces.
func again() int {
	dir, err := os.MkdirTemp("", "barnabas-image-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		return 1
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	if err := os.Chmod(dir, 0o755); err == nil {
		err = build(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		return 1
	}
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), envBuilt+"="+dir)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWNS | unix.CLONE_NEWPID, Pdeathsig: syscall.SIGKILL,
	}
	var exit *exec.ExitError
	switch err := cmd.Run(); {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	case errors.Is(err, syscall.EPERM):
		fmt.Fprintln(os.Stderr, "image: skipped, namespaces cannot be made here")
		return 0
	default:
		fmt.Fprintln(os.Stderr, "image:", err)
		return 1
	}
}

// build makes what `make image` makes, in a folder.
func build(dir string) error {
	root, err := barnabas.ModuleRoot()
	if err != nil {
		return err
	}
	binary := filepath.Join(dir, "barnabas-"+runtime.GOARCH)
	compile := exec.Command("./build.sh", binary, "test")
	pack := exec.Command("go", "run", "./docker/rootfs", "--binary", runtime.GOARCH+"="+binary, "--layers", dir, "--oci", filepath.Join(dir, "oci.tar"), "--tag", imageTag)
	for _, cmd := range []*exec.Cmd{compile, pack} {
		cmd.Dir = root
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%v: %w\n%s", cmd.Args, err, out)
		}
	}
	return nil
}

const imageTag = "barnabas:test"

// enterNamespaces finishes what the kernel begins: a loopback that is up, a
// /proc of these processes, and no mount that others see.
func enterNamespaces() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keeping mounts here: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("/proc: %w", err)
	}
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	defer unix.Close(s) //nolint:errcheck // nothing was written
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, lo); err != nil {
		return fmt.Errorf("loopback: %w", err)
	}
	return nil
}

// unpack makes the image's root file system, with what a runtime mounts.
func unpack(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for dir := root; dir != "/" && dir != os.TempDir(); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil { // another user goes through
			t.Fatal(err)
		}
	}
	f, err := os.Open(filepath.Join(built, "rootfs-"+runtime.GOARCH+".tar"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err == nil {
			err = unpackOne(root, h, r)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	proc := filepath.Join(root, "proc")
	if err := unix.Mount("proc", proc, "proc", 0, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(proc, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	null := filepath.Join(root, "dev/null")
	if err := unix.Mknod(null, unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))); err != nil {
		t.Fatal(err)
	}
	if err := unix.Chmod(null, 0o666); err != nil { // without what umask takes away
		t.Fatal(err)
	}
	return root
}

func unpackOne(root string, h *tar.Header, r io.Reader) error {
	name := filepath.Join(root, h.Name)
	switch h.Typeflag {
	case tar.TypeDir:
		if err := os.MkdirAll(name, 0o755); err != nil {
			return err
		}
	case tar.TypeSymlink:
		return os.Symlink(h.Linkname, name)
	default:
		f, err := os.Create(name)
		if err != nil {
			return err
		}
		if _, err := io.Copy(f, r); err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	if err := os.Chown(name, h.Uid, h.Gid); err != nil {
		return err
	}
	return unix.Chmod(name, uint32(h.Mode))
}
