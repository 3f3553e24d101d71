package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// settings are what a container is started with; the Dockerfile says the same, and
// a test compares them.
type settings struct {
	User         string              `json:"User"`
	ExposedPorts map[string]struct{} `json:"ExposedPorts"`
	Env          []string            `json:"Env"`
	Entrypoint   []string            `json:"Entrypoint"`
	Cmd          []string            `json:"Cmd"`
	Volumes      map[string]struct{} `json:"Volumes"`
	WorkingDir   string              `json:"WorkingDir"`
	Labels       map[string]string   `json:"Labels"`
	StopSignal   string              `json:"StopSignal"`
}

func imageSettings(version string) settings {
	return settings{
		User:         fmt.Sprintf("%d:%d", userID, groupID),
		ExposedPorts: map[string]struct{}{"9092/tcp": {}},
		Env: []string{
			"PATH=/usr/local/bin:/usr/sbin:/usr/bin:/opt/kafka/bin:/opt/bitnami/kafka/bin", "HOME=/home/appuser", "BARNABAS_PROFILE=dev",
		},
		Entrypoint: []string{"/entrypoint.sh"},
		Cmd:        []string{"/etc/kafka/docker/run"},
		Volumes:    map[string]struct{}{"/var/lib/kafka/data": {}},
		WorkingDir: "/home/appuser",
		Labels: map[string]string{
			"org.opencontainers.image.title":       "Barnabas",
			"org.opencontainers.image.description": "A Kafka-wire-compatible broker for development and CI",
			"org.opencontainers.image.licenses":    "Apache-2.0",
			"org.opencontainers.image.version":     version,
		},
		StopSignal: "SIGTERM",
	}
}

// platformImage is one platform's binary.
type platformImage struct {
	arch   string
	binary []byte
}

type platform struct {
	Architecture string `json:"architecture"`
	OS           string `json:"os"`
}

// descriptor points to a blob.
type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int64             `json:"size"`
	Platform    *platform         `json:"platform,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

func (d descriptor) path() string { return "blobs/sha256/" + d.Digest[len("sha256:"):] }

// archive gathers the files of an OCI layout.
type archive struct {
	names []string
	files map[string][]byte
}

func (a *archive) add(name string, text []byte) {
	if _, there := a.files[name]; !there {
		a.names = append(a.names, name)
	}
	a.files[name] = text
}

func (a *archive) blob(mediaType string, text []byte) descriptor {
	d := descriptor{MediaType: mediaType, Digest: digest(text), Size: int64(len(text))}
	a.add(d.path(), text)
	return d
}

func (a *archive) object(mediaType string, v any) (descriptor, error) {
	text, err := json.Marshal(v)
	return a.blob(mediaType, text), err
}

func digest(text []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(text)) }

// writeOCI writes an OCI archive of all platforms under the tags (NAME:TAG). It
// also has the list that older `docker load` reads, which knows one platform: the
// first.
func writeOCI(w io.Writer, version string, tags []string, images []platformImage) error {
	a := &archive{files: make(map[string][]byte)}
	var manifests []descriptor
	type loadEntry struct {
		Config   string
		RepoTags []string
		Layers   []string
	}
	var load []loadEntry
	for _, image := range images {
		manifest, config, layer, err := a.image(version, image)
		if err != nil {
			return fmt.Errorf("%s: %w", image.arch, err)
		}
		manifests = append(manifests, manifest)
		if load == nil {
			load = []loadEntry{{config.path(), tags, []string{layer.path()}}}
		}
	}
	const indexType = "application/vnd.oci.image.index.v1+json"
	inner, err := a.object(indexType, map[string]any{"schemaVersion": 2, "mediaType": indexType, "manifests": manifests})
	if err != nil {
		return err
	}
	var named []descriptor
	for _, tag := range tags {
		one := inner
		one.Annotations = map[string]string{"io.containerd.image.name": wholeName(tag), "org.opencontainers.image.ref.name": tag}
		named = append(named, one)
	}
	index, err := json.Marshal(map[string]any{"schemaVersion": 2, "mediaType": indexType, "manifests": named})
	if err != nil {
		return err
	}
	list, err := json.Marshal(load)
	if err != nil {
		return err
	}
	a.add("index.json", index)
	a.add("manifest.json", list)
	a.add("oci-layout", []byte(`{"imageLayoutVersion":"1.0.0"}`))
	return a.write(w)
}

// wholeName is a name with its registry. Docker's containerd store keeps the name as
// it is in the archive and looks for the whole one, so that a short one is loaded and
// never found (bazel-contrib/rules_img#716).
func wholeName(tag string) string {
	first, _, hasFolder := strings.Cut(tag, "/")
	switch {
	case !hasFolder:
		return "docker.io/library/" + tag
	case first != "localhost" && !strings.ContainsAny(first, ".:"):
		return "docker.io/" + tag
	}
	return tag
}

// image adds one platform's blobs.
func (a *archive) image(version string, image platformImage) (manifest, config, layer descriptor, err error) {
	var plain, packed bytes.Buffer
	if err = writeLayer(&plain, image.binary); err != nil {
		return
	}
	zip, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return
	}
	if _, err = zip.Write(plain.Bytes()); err != nil {
		return
	}
	if err = zip.Close(); err != nil {
		return
	}
	layer = a.blob("application/vnd.oci.image.layer.v1.tar+gzip", packed.Bytes())
	made := time.Unix(0, 0).UTC()
	config, err = a.object("application/vnd.oci.image.config.v1+json", map[string]any{
		"architecture": image.arch, "os": "linux", "created": made, "config": imageSettings(version),
		"rootfs":  map[string]any{"type": "layers", "diff_ids": []string{digest(plain.Bytes())}},
		"history": []map[string]any{{"created": made, "created_by": "docker/rootfs"}},
	})
	if err != nil {
		return
	}
	const manifestType = "application/vnd.oci.image.manifest.v1+json"
	manifest, err = a.object(manifestType, map[string]any{
		"schemaVersion": 2, "mediaType": manifestType, "config": config, "layers": []descriptor{layer},
	})
	manifest.Platform = &platform{Architecture: image.arch, OS: "linux"}
	return
}

func (a *archive) write(w io.Writer) error {
	slices.Sort(a.names)
	out := tar.NewWriter(w)
	for _, dir := range []string{"blobs/", "blobs/sha256/"} {
		if err := out.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir, Mode: 0o755, ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR}); err != nil {
			return err
		}
	}
	for _, name := range a.names {
		text := a.files[name]
		h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(text)), ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR}
		if err := out.WriteHeader(h); err != nil {
			return err
		}
		if _, err := out.Write(text); err != nil {
			return err
		}
	}
	return out.Close()
}
