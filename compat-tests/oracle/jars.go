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
// answers what 4.0 dropped (message formats 0 and 1, Produce v0-2, ...).
const (
	Newest = "4.3.1"
	Old    = "3.9.2"
)

// Pinned versions of what Maven is asked for beside Kafka itself.
const (
	dependencyPlugin = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1"
	// Kafka 4 logs through log4j 2 but leaves the binding to its distribution;
	// Kafka 3 brings its own.
	log4jVersion = "2.25.4"
)

var jars = struct {
	sync.Mutex
	dirs map[string]string
}{dirs: map[string]string{}}

// Jars is the folder with all jars of a version, resolved on first use.
func Jars(version string) (string, error) {
	jars.Lock()
	defer jars.Unlock()
	if dir, ok := jars.dirs[version]; ok {
		return dir, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	home := filepath.Join(cache, "barnabas-compat", "kafka", version)
	lib := filepath.Join(home, "lib")
	if _, err := os.Stat(lib); err != nil {
		if err := resolve(version, home, lib); err != nil {
			return "", fmt.Errorf("resolve Apache Kafka %s: %w", version, err)
		}
	}
	jars.dirs[version] = lib
	return lib, nil
}

// ClassPath is the class path of a version, for programs that use its clients.
func ClassPath(version string) (string, error) {
	dir, err := Jars(version)
	return filepath.Join(dir, "*"), err
}

// resolve downloads into a fresh folder and renames it at the end. Test packages
// run at the same time: the first to finish wins, the others find the result.
func resolve(version, home, lib string) error {
	if err := os.MkdirAll(home, 0o755); err != nil {
		return err
	}
	work, err := os.MkdirTemp(home, "resolve-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work) //nolint:errcheck // a cache folder
	pom := filepath.Join(work, "pom.xml")
	if err := os.WriteFile(pom, []byte(project(version)), 0o644); err != nil {
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

// project is a Maven project that depends on the broker and its tools.
func project(version string) string {
	type artifact struct{ group, name, version string }
	want := []artifact{
		{"org.apache.kafka", "kafka_2.13", version},
		{"org.apache.kafka", "kafka-tools", version},
	}
	if majorVersion(version) >= 4 {
		want = append(want, artifact{"org.apache.logging.log4j", "log4j-slf4j-impl", log4jVersion},
			artifact{"org.apache.logging.log4j", "log4j-1.2-api", log4jVersion})
	}
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
