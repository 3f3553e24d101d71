package main

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"sort"
	"strings"
	"testing"
)

// The same binary gives the same bytes, and another one others.
func TestTheImageIsReproducible(t *testing.T) {
	pack := func(binary string) []byte {
		var out bytes.Buffer
		images := []platformImage{{"amd64", []byte(binary)}, {"arm64", []byte("other " + binary)}}
		if err := writeOCI(&out, "1.0", []string{"barnabas:latest"}, images); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	if !bytes.Equal(pack("a"), pack("a")) {
		t.Error("two archives of one binary differ")
	}
	if bytes.Equal(pack("a"), pack("b")) {
		t.Error("archives of two binaries are the same")
	}
}

// A daemon finds an image again by its whole name, whatever it was called on the way in.
func TestTheArchiveHasWholeNames(t *testing.T) {
	tags := []string{"barnabas:latest", "team/barnabas:1", "localhost/barnabas:1", "localhost:5000/barnabas:1", "ghcr.io/team/barnabas:1"}
	want := []string{"docker.io/library/barnabas:latest", "docker.io/team/barnabas:1", tags[2], tags[3], tags[4]}
	var out bytes.Buffer
	if err := writeOCI(&out, "1.0", tags, []platformImage{{"amd64", []byte("a")}}); err != nil {
		t.Fatal(err)
	}
	var index struct{ Manifests []descriptor }
	for r := tar.NewReader(&out); ; {
		h, err := r.Next()
		if err != nil {
			t.Fatalf("no index.json: %v", err)
		}
		if h.Name == "index.json" {
			if err := json.NewDecoder(r).Decode(&index); err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	var got []string
	for _, m := range index.Manifests {
		got = append(got, m.Annotations["io.containerd.image.name"])
	}
	if !slices.Equal(got, want) {
		t.Errorf("the names are %q, want %q", got, want)
	}
}

// What a start script calls is there, and every link leads somewhere.
func TestTheTreeIsWhole(t *testing.T) {
	all, err := tree()
	if err != nil {
		t.Fatal(err)
	}
	byPath := map[string]entry{binaryPath: {}}
	for _, e := range all {
		byPath[e.path] = e
	}
	for _, e := range all {
		if e.mode&fs.ModeSymlink == 0 {
			continue
		}
		target, isWhole := strings.CutPrefix(e.link, "/")
		if !isWhole {
			target = path.Join(path.Dir(e.path), e.link)
		}
		if _, there := byPath[target]; !there {
			t.Errorf("%s leads to %s, which is not there", e.path, e.link)
		}
	}
	for _, name := range []string{
		"entrypoint.sh", "etc/kafka/docker/run", "etc/confluent/docker/bash-config", "etc/confluent/docker/configure", "etc/confluent/docker/ensure",
		"etc/confluent/docker/launch", "etc/confluent/docker/run", "opt/bitnami/scripts/kafka/run.sh", "opt/kafka/bin/kafka-topics.sh",
		"opt/bitnami/kafka/bin/kafka-topics.sh", "usr/bin/kafka-topics", "usr/bin/bash", "usr/bin/nc", "usr/bin/rpk", "usr/sbin", "tmp", "var/lib/kafka/data",
	} {
		if _, there := byPath[name]; !there {
			t.Errorf("%s is missing", name)
		}
	}
	for _, name := range []string{"etc/confluent/docker/configure", "opt/kafka", "home/appuser", "var/lib/kafka/data", "etc/redpanda"} {
		if e := byPath[name]; !e.own || e.mode&0o770 != 0o770 {
			t.Errorf("%s cannot be written by the image's user", name)
		}
	}
	// Docker copies the mode of the folder to a volume that is new.
	for _, name := range []string{"var/lib/kafka/data", "tmp/kraft-combined-logs", "bitnami/kafka/data", "var/lib/redpanda/data", "kafka/data"} {
		if e := byPath[name]; e.mode&0o7 != 0o7 || e.mode&fs.ModeSticky == 0 {
			t.Errorf("%s is not for whoever the container is started as: %s", name, e.mode)
		}
	}
}

// A layer has a folder before what is in it, and whole names.
func TestTheLayerIsInOrder(t *testing.T) {
	var out bytes.Buffer
	if err := writeLayer(&out, []byte("binary")); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{"./": true}
	for r := tar.NewReader(&out); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if parent := path.Dir(strings.TrimSuffix(h.Name, "/")) + "/"; !seen[parent] {
			t.Errorf("%s comes before %s", h.Name, parent)
		}
		seen[h.Name] = true
	}
}

// A builder and the archive make the same image.
func TestTheDockerfileSaysWhatTheArchiveSays(t *testing.T) {
	text, err := os.ReadFile("../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	said := make(map[string][]string)
	joined := strings.ReplaceAll(string(text), "\\\n", " ")
	for line := range strings.Lines(joined) {
		if word, rest, ok := strings.Cut(strings.TrimSpace(line), " "); ok && word != "#" {
			said[word] = append(said[word], strings.TrimSpace(rest))
		}
	}
	s := imageSettings("${VERSION}")
	asJSON := func(v any) string {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return strings.ReplaceAll(string(text), ",", ", ")
	}
	keys := func(m map[string]struct{}) (all []string) {
		for k := range m {
			all = append(all, k)
		}
		return all
	}
	var labels []string
	for name, value := range s.Labels {
		labels = append(labels, name+`="`+value+`"`)
	}
	sort.Strings(labels)
	for _, c := range []struct{ word, want string }{
		{"FROM", "scratch"}, {"USER", s.User}, {"WORKDIR", s.WorkingDir}, {"STOPSIGNAL", s.StopSignal},
		{"ENTRYPOINT", asJSON(s.Entrypoint)}, {"CMD", asJSON(s.Cmd)}, {"VOLUME", asJSON(keys(s.Volumes))},
		{"EXPOSE", strings.Join(keys(s.ExposedPorts), " ")}, {"ENV", strings.Join(s.Env, " ")},
	} {
		if len(said[c.word]) != 1 || strings.Join(strings.Fields(said[c.word][0]), " ") != c.want {
			t.Errorf("%s is %q, and the archive says %q", c.word, said[c.word], c.want)
		}
	}
	got := regexp.MustCompile(`[a-z.]+="[^"]*"`).FindAllString(strings.Join(said["LABEL"], " "), -1)
	slices.Sort(got)
	if !slices.Equal(got, labels) {
		t.Errorf("the labels are %q, and the archive says %q", got, labels)
	}
	if len(said["HEALTHCHECK"]) > 0 {
		t.Error("there is a HEALTHCHECK: launchers would wait for it")
	}
}
