package main

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/barnabas-mq/barnabas/config"
)

// familySettings turns what a start was given into what the settings are loaded
// from. JOIN HERE: config's families know more defaults, more names of variables
// and all of Redpanda's flags and files.
var familySettings = func(s *imageStart, data string) (config.Input, error) {
	in := config.Input{Profile: s.profile, Overrides: s.overrides, Environ: s.environ}
	defaults := "listeners=PLAINTEXT://:9092\nlog.dirs=" + data + "\n"
	name, text, err := s.properties()
	if err != nil {
		return in, err
	}
	if s.family == redpanda {
		own, err := redpandaSettings(s.flags)
		if err != nil {
			return in, err
		}
		in.Overrides = append(own, in.Overrides...)
	}
	in.File = &config.File{Name: name, Text: append([]byte(defaults), text...)}
	return in, nil
}

// propertiesFiles are where a family's users put their file of settings.
var propertiesFiles = map[family][]string{
	apache:    {"/mnt/shared/config/server.properties", "/opt/kafka/config/server.properties"},
	confluent: {"/etc/kafka/kafka.properties", "/etc/kafka/server.properties"},
	bitnami:   {"/bitnami/kafka/config/server.properties", "/opt/bitnami/kafka/config/server.properties"},
}

// properties reads the file that was named, or else the first that is there. The
// image ships none, so whichever is there is the user's.
func (s *imageStart) properties() (name string, text []byte, err error) {
	if s.file != "" {
		text, err = os.ReadFile(s.file)
		if errors.Is(err, fs.ErrNotExist) && slices.Contains(propertiesFiles[s.family], s.file) {
			return "the image", nil, nil // Kafka's images have it; here the environment says all
		}
		return s.file, text, err
	}
	for _, name := range propertiesFiles[s.family] {
		text, err = os.ReadFile(name)
		if !errors.Is(err, fs.ErrNotExist) {
			return name, text, err
		}
	}
	return "the image", nil, nil
}

// declaredVolume is the volume that the image declares: there is always something
// mounted there.
const declaredVolume = "/var/lib/kafka/data"

// dataFolders are where the images have their data, the family's own first.
func dataFolders(f family) []string {
	own := map[family]string{apache: "/tmp/kraft-combined-logs", confluent: declaredVolume, bitnami: "/bitnami/kafka/data", redpanda: "/var/lib/redpanda/data"}[f]
	all := []string{own}
	for _, dir := range []string{declaredVolume, "/bitnami/kafka/data", "/bitnami/kafka", "/var/lib/redpanda/data", "/tmp/kraft-combined-logs", "/tmp/kafka-logs", "/kafka"} {
		if dir != own {
			all = append(all, dir)
		}
	}
	return all
}

// chooseData is where the data go when no setting says so: where there are some,
// else where the user mounted something, else the image's volume, else the family's
// own place.
func chooseData(folders []string, isMount, hasData func(dir string) bool) string {
	for _, dir := range folders {
		if hasData(dir) {
			return dir
		}
	}
	for _, dir := range folders {
		if dir != declaredVolume && isMount(dir) {
			return dir
		}
	}
	if isMount(declaredVolume) {
		return declaredVolume
	}
	return folders[0]
}

func hasData(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "meta.properties"))
	return err == nil
}

// mounts are the places where something is mounted; none where the kernel does
// not tell.
func mounts() func(dir string) bool {
	var all []string
	if f, err := os.Open("/proc/self/mountinfo"); err == nil {
		defer f.Close()
		for s := bufio.NewScanner(f); s.Scan(); {
			if fields := strings.Fields(s.Text()); len(fields) > 4 {
				all = append(all, fields[4])
			}
		}
	}
	return func(dir string) bool { return slices.Contains(all, dir) }
}

// explainDirectory says what to do about a data directory that this user may not
// write: with a volume of root's, nothing else helps.
func explainDirectory(err error, dir string) error {
	readOnly := errors.Is(err, syscall.EROFS)
	if !errors.Is(err, fs.ErrPermission) && !readOnly {
		return err
	}
	if readOnly {
		return fmt.Errorf("%w\n  %s cannot be written in a read-only container: mount a volume there (-v NAME:%s)", err, dir, dir)
	}
	return fmt.Errorf("%w\n  This is user %d of group %d. On the host, for the folder that is mounted there:\n    chown -R %d:%d FOLDER\n  or start the container as root (--user root, in compose: user: root)",
		err, os.Getuid(), os.Getgid(), os.Getuid(), os.Getgid())
}
