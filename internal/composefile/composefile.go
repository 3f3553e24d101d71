// Package composefile reads the examples of config/testdata/compose: what a compose
// file gives a container. Tests of this module and of compat-tests start from them.
//
//	# family: redpanda
//	# args: redpanda start --smp 1
//	# file: /run/secrets/cluster text
//	KAFKA_NODE_ID=1
//
// Other comments say where the example is from.
package composefile

import (
	"io/fs"
	"strings"
)

// File is one example.
type File struct {
	Family  string            // of the image, by config.Family's name
	Args    []string          // behind the image
	Environ []string          // os.Environ's form
	Files   map[string]string // what is mounted, by its path
}

// Parse reads one example.
func Parse(text []byte) File {
	f := File{Files: make(map[string]string)}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		word, rest, _ := strings.Cut(strings.TrimPrefix(line, "# "), ": ")
		switch {
		case !strings.HasPrefix(line, "#"):
			f.Environ = append(f.Environ, line)
		case word == "family":
			f.Family = rest
		case word == "args":
			f.Args = strings.Fields(rest)
		case word == "file":
			path, content, _ := strings.Cut(rest, " ")
			f.Files[path] = content + "\n"
		}
	}
	return f
}

// ReadFile reads what is mounted.
func (f File) ReadFile(name string) ([]byte, error) {
	if content, ok := f.Files[name]; ok {
		return []byte(content), nil
	}
	return nil, fs.ErrNotExist
}
