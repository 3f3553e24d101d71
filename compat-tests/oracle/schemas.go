package oracle

import (
	"archive/zip"
	"fmt"
	"io"
	"path/filepath"
	"strings"
)

// Schemas reads the JSON schemas of every request and response ("FetchRequest",
// "FetchResponse", ...) out of the client jar of a version.
func Schemas(version string) (map[string][]byte, error) { return schemas("clients", version) }

// GroupSchemas reads those of the records in __consumer_offsets ("OffsetCommitKey", "OffsetCommitValue", ...).
func GroupSchemas(version string) (map[string][]byte, error) {
	return schemas("group-coordinator", version)
}

func schemas(jarName, version string) (map[string][]byte, error) {
	dir, err := Jars(version)
	if err != nil {
		return nil, err
	}
	jar, err := zip.OpenReader(filepath.Join(dir, "kafka-"+jarName+"-"+version+".jar"))
	if err != nil {
		return nil, err
	}
	defer jar.Close() //nolint:errcheck // only read from
	schemas := map[string][]byte{}
	for _, entry := range jar.File {
		name, isMessage := strings.CutPrefix(entry.Name, "common/message/")
		name, isJSON := strings.CutSuffix(name, ".json")
		if !isMessage || !isJSON {
			continue
		}
		if schemas[name], err = readEntry(entry); err != nil {
			return nil, fmt.Errorf("%s: %w", entry.Name, err)
		}
	}
	return schemas, nil
}

func readEntry(entry *zip.File) ([]byte, error) {
	r, err := entry.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close() //nolint:errcheck // only read from
	return io.ReadAll(r)
}
