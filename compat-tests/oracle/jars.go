package oracle

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// Versions of Apache Kafka that the tests know. Newest is the judge; Old still
// answers what 4.0 dropped (message formats 0 and 1, Produce v0-2, ...). Next tells
// what came after the judge, and Oldest, with ZooKeeper, what was before KRaft.
const (
	Next   = "4.4.0"
	Newest = "4.3.1"
	Old    = "3.9.2"
	Oldest = "2.8.2"
)

// Pinned versions of what Maven is asked for beside Kafka itself.
const (
	dependencyPlugin = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1"
	// Kafka 4 logs through log4j 2 but leaves the binding to its distribution;
	// Kafka 3 brings its own.
	log4jVersion = "2.25.4"
	slf4jVersion = "1.7.36"
)

var jars = struct {
	sync.Mutex
	dirs map[string]string
}{dirs: map[string]string{}}

type artifact struct{ group, name, version string }

// Jars is the folder with all jars of the broker and its tools, resolved on first use.
func Jars(version string) (string, error) {
	want := []artifact{
		{"org.apache.kafka", "kafka_2.13", version},
		{"org.apache.kafka", "kafka-tools", version},
	}
	if majorVersion(version) >= 4 {
		want = append(want, artifact{"org.apache.logging.log4j", "log4j-slf4j-impl", log4jVersion},
			artifact{"org.apache.logging.log4j", "log4j-1.2-api", log4jVersion})
	}
	return jarsOf(filepath.Join("kafka", version), want)
}

// ClassPath is the class path of a version, for programs that use its clients.
func ClassPath(version string) (string, error) {
	dir, err := Jars(version)
	return filepath.Join(dir, "*"), err
}

// StreamsClassPath is that of applications with Kafka Streams.
func StreamsClassPath(version string) (string, error) {
	dir, err := jarsOf(filepath.Join("kafka-streams", version), []artifact{
		{"org.apache.kafka", "kafka-streams", version},
		{"org.slf4j", "slf4j-simple", slf4jVersion},
	})
	return filepath.Join(dir, "*"), err
}

// ConnectClassPath is that of Kafka Connect's workers, with the connectors for files.
func ConnectClassPath(version string) (string, error) {
	dir, err := jarsOf(filepath.Join("kafka-connect", version), []artifact{
		{"org.apache.kafka", "connect-runtime", version},
		{"org.apache.kafka", "connect-file", version},
		{"org.slf4j", "slf4j-simple", slf4jVersion},
	})
	return filepath.Join(dir, "*"), err
}

// jarsOf is a folder of the cache with the artifacts and all that they need.
func jarsOf(name string, want []artifact) (string, error) {
	jars.Lock()
	defer jars.Unlock()
	if dir, ok := jars.dirs[name]; ok {
		return dir, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	home := filepath.Join(cache, "barnabas-compat", name)
	lib := filepath.Join(home, "lib")
	if _, err := os.Stat(lib); err != nil {
		if err := resolve(want, home, lib); err != nil {
			return "", fmt.Errorf("resolve %s: %w", name, err)
		}
	}
	jars.dirs[name] = lib
	return lib, nil
}

// resolve downloads into a fresh folder and renames it at the end. Test packages
// run at the same time: the first to finish wins, the others find the result.
func resolve(want []artifact, home, lib string) error {
	if err := os.MkdirAll(home, 0o755); err != nil {
		return err
	}
	work, err := os.MkdirTemp(home, "resolve-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work) //nolint:errcheck // a cache folder
	pom := filepath.Join(work, "pom.xml")
	if err := os.WriteFile(pom, []byte(project(want)), 0o644); err != nil {
		return err
	}
	fresh := filepath.Join(work, "lib")
	cmd := exec.Command("mvn", "-q", "-B", "-f", pom, dependencyPlugin+":copy-dependencies",
		"-DincludeScope=runtime", "-DoutputDirectory="+fresh)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("mvn: %w\n%s", err, bytes.TrimSpace(out))
	}
	err = os.Rename(fresh, lib)
	if _, statErr := os.Stat(lib); statErr == nil {
		return nil // ours, or that of a process that was faster
	}
	return err
}

// project is a Maven project that depends on the artifacts.
func project(want []artifact) string {
	var b strings.Builder
	b.WriteString("<project><modelVersion>4.0.0</modelVersion><groupId>compat</groupId>" +
		"<artifactId>oracle</artifactId><version>1</version><dependencies>\n")
	for _, a := range want {
		fmt.Fprintf(&b, "<dependency><groupId>%s</groupId><artifactId>%s</artifactId><version>%s</version></dependency>\n",
			a.group, a.name, a.version)
	}
	b.WriteString("</dependencies></project>\n")
	return b.String()
}

func majorVersion(version string) int {
	var major int
	_, _ = fmt.Sscanf(version, "%d", &major) // our own constants
	return major
}
