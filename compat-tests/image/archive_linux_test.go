package image

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/barnabas-mq/barnabas/compat-tests/barnabas"
)

// imageBytesMax is what an image may have, packed and unpacked.
const imageBytesMax = 20 << 20

// The archive is small, holds what its index says, and comes out the same when it
// is made again.
func TestTheArchive(t *testing.T) {
	needImage(t)
	name := filepath.Join(built, "oci.tar")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if len(text) > imageBytesMax {
		t.Errorf("the archive has %d bytes, %d are the most", len(text), imageBytesMax)
	}
	t.Logf("the archive has %d bytes for one platform", len(text))
	files := make(map[string][]byte)
	for r := tar.NewReader(bytes.NewReader(text)); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if files[h.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
	type pointer struct {
		Digest   string
		Size     int64
		Platform struct{ Architecture, OS string }
	}
	follow := func(p pointer, into any) {
		blob, there := files["blobs/sha256/"+p.Digest[len("sha256:"):]]
		if !there || int64(len(blob)) != p.Size {
			t.Fatalf("blob %s has %d bytes, and its size is said to be %d", p.Digest, len(blob), p.Size)
		}
		if err := json.Unmarshal(blob, into); err != nil {
			t.Fatal(err)
		}
	}
	var index, platforms struct{ Manifests []pointer }
	if err := json.Unmarshal(files["index.json"], &index); err != nil || len(index.Manifests) != 1 {
		t.Fatalf("the index: %v %+v", err, index)
	}
	follow(index.Manifests[0], &platforms)
	if len(platforms.Manifests) != 1 || platforms.Manifests[0].Platform.Architecture != runtime.GOARCH {
		t.Fatalf("the platforms: %+v", platforms)
	}
	var manifest struct {
		Config pointer
		Layers []pointer
	}
	follow(platforms.Manifests[0], &manifest)
	var config struct {
		Config struct{ User string }
		RootFS struct {
			DiffIDs []string `json:"diff_ids"`
		}
	}
	follow(manifest.Config, &config)
	if config.Config.User != "1000:0" || len(manifest.Layers) != 1 || len(config.RootFS.DiffIDs) != 1 {
		t.Errorf("the configuration: %+v, layers %+v", config, manifest.Layers)
	}

	again := filepath.Join(t.TempDir(), "again.tar")
	root, err := barnabas.ModuleRoot()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "run", "./docker/rootfs", "--binary", runtime.GOARCH+"="+filepath.Join(built, "barnabas-"+runtime.GOARCH), "--oci", again, "--tag", imageTag)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if second, err := os.ReadFile(again); err != nil || !bytes.Equal(text, second) {
		t.Errorf("the second archive of one binary differs (%v)", err)
	}
}
