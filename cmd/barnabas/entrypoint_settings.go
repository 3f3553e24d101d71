package main

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/barnabas-mq/barnabas/config"
)

// input turns what a start was given into what the settings are loaded from. data
// is the data directory when no setting names one.
func (s *imageStart) input(data string) (config.Input, config.Problems, error) {
	in := config.Input{
		Listen: s.serve.listen, Data: s.serve.data,
		Profile: s.profile, Overrides: s.overrides, Environ: s.environ, Family: s.family, ReadFile: os.ReadFile,
		ProfileFrom: "environment BARNABAS_PROFILE",
		Given:       []config.Setting{{Name: "log.dirs", Value: data, Origin: config.Origin{Kind: config.FromProfile, Name: "image " + s.family.String()}}},
	}
	if s.serve.profile != "" {
		in.ProfileFrom = ""
	}
	if s.family != config.Redpanda {
		file, err := s.properties()
		in.File = file
		return in, nil, err
	}
	start, err := config.FromRedpanda(s.flags, s.environ)
	if err != nil {
		return in, nil, err
	}
	s.beside = start.Beside
	files := s.family.ConfigFiles()
	if start.ConfigFile != "" {
		files[0] = start.ConfigFile
	}
	for _, name := range slices.Backward(files) { // the later of two wins
		text, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) && name != start.ConfigFile {
			continue
		}
		if err != nil {
			return in, nil, err
		}
		settings, err := config.FromRedpandaFile(config.File{Name: name, Text: text})
		if err != nil {
			return in, nil, err
		}
		in.Given = append(in.Given, settings...)
	}
	in.Given = append(in.Given, start.Settings...)
	return in, start.Warnings, nil
}

// properties reads the file that was named, or else the first that is there of those
// that images look for.
func (s *imageStart) properties() (*config.File, error) {
	if s.file != "" {
		text, err := os.ReadFile(s.file)
		if errors.Is(err, fs.ErrNotExist) && slices.Contains(s.family.ConfigFiles(), s.file) {
			return nil, nil // an image has it; here the environment says all
		}
		return &config.File{Name: s.file, Text: text}, err
	}
	for _, name := range s.family.ConfigFiles() {
		text, err := os.ReadFile(name)
		if !errors.Is(err, fs.ErrNotExist) {
			return &config.File{Name: name, Text: text}, err
		}
	}
	return nil, nil
}

// declaredVolume is the volume that the image declares: there is always something
// mounted there.
const declaredVolume = "/var/lib/kafka/data"

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
		if dir != declaredVolume && inVolume(dir, isMount) {
			return dir
		}
	}
	if inVolume(declaredVolume, isMount) {
		return declaredVolume
	}
	return folders[0]
}

func hasData(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, metaProperties))
	return err == nil
}

// metaProperties is Kafka's name for the file with the identity of a data directory.
const metaProperties = "meta.properties"

// propertyOf is one property of a file, empty when it has none or cannot be read:
// whoever needs the file says what is wrong with it.
func propertyOf(file, name string) (value string) {
	text, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	entries, err := config.ParseProperties(text)
	if err != nil {
		return ""
	}
	for _, e := range entries {
		if e.Name == name {
			value = e.Value
		}
	}
	return value
}

// inVolume tells whether a volume is mounted at a folder or above it, as with
// bitnami's at /bitnami. What is mounted over the root or /tmp is not meant for data.
func inVolume(dir string, isMount func(dir string) bool) bool {
	for ; dir != "/" && dir != "/tmp"; dir = path.Dir(dir) {
		if isMount(dir) {
			return true
		}
	}
	return false
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
