package broker

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/protocol"
)

// DirectoryError is a data directory that cannot be used: locked, damaged, of
// another node or a newer format. The process ends with exit status 3.
type DirectoryError struct {
	Path   string
	Reason string
	Err    error
}

func (e *DirectoryError) Error() string {
	if e.Err == nil {
		return e.Path + ": " + e.Reason
	}
	return fmt.Sprintf("%s: %s: %v", e.Path, e.Reason, e.Err)
}

func (e *DirectoryError) Unwrap() error { return e.Err }

// identity is what meta.properties says, in Kafka's format (version 1).
type identity struct {
	ClusterID   string
	NodeID      int32
	DirectoryID protocol.UUID
}

const (
	metaPropertiesName = "meta.properties"
	lockName           = ".lock"
	cleanMarkerName    = ".kafka_cleanshutdown"
)

// lockDirectory makes the data directory and takes its lock.
func lockDirectory(files vfs.FS, dir string) (vfs.File, error) {
	if err := makeFolder(files, dir); err != nil {
		return nil, &DirectoryError{dir, "the data directory cannot be made", err}
	}
	lock, err := files.Lock(path.Join(dir, lockName))
	if errors.Is(err, vfs.ErrLocked) {
		return nil, &DirectoryError{dir, "another broker is using this data directory; stop it, or choose another with --data", nil}
	}
	if err != nil {
		return nil, &DirectoryError{dir, "the data directory cannot be locked", err}
	}
	return lock, nil
}

// makeFolder makes a folder and its parents so that a power cut does not take
// their names away again.
func makeFolder(files vfs.FS, dir string) error {
	if _, err := files.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	parent := path.Dir(dir)
	if parent != dir {
		if err := makeFolder(files, parent); err != nil {
			return err
		}
	}
	if err := files.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return files.SyncDir(parent)
}

// loadIdentity reads meta.properties, or makes it in a directory that holds no
// data yet, for the cluster of that id or, without one, for a new one.
func loadIdentity(files vfs.FS, dir string, nodeID int32, clusterID string) (id identity, err error) {
	name := path.Join(dir, metaPropertiesName)
	text, err := vfs.ReadFile(files, name, identityBytesMax)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if reason := looksUsed(files, dir); reason != "" {
			return id, &DirectoryError{name, "is missing, but " + reason + "; the directory is damaged, not empty", nil}
		}
		if clusterID == "" {
			clusterID = protocol.NewUUID().String()
		}
		id = identity{ClusterID: clusterID, NodeID: nodeID, DirectoryID: protocol.NewUUID()}
		return id, writeIdentity(files, dir, id)
	case err != nil:
		return id, &DirectoryError{name, "cannot be read", err}
	}
	if id, err = parseIdentity(text); err != nil {
		return id, &DirectoryError{name, "cannot be understood", err}
	}
	if id.NodeID != nodeID {
		return id, &DirectoryError{name, fmt.Sprintf("belongs to node.id %d, and the settings say %d", id.NodeID, nodeID), nil}
	}
	return id, nil
}

// looksUsed says what of a broker's data a directory without identity holds.
func looksUsed(files vfs.FS, dir string) string {
	entries, err := files.ReadDir(dir)
	if err != nil {
		return ""
	}
	for _, e := range entries {
		if e.IsDir() && strings.Contains(e.Name(), "-") {
			return "the folder " + e.Name() + " is there"
		}
	}
	return ""
}

func parseIdentity(text []byte) (identity, error) {
	values := make(map[string]string)
	for line := range bytes.Lines(text) {
		s := strings.TrimSpace(string(line))
		if s == "" || s[0] == '#' {
			continue
		}
		key, value, found := strings.Cut(s, "=")
		if !found {
			return identity{}, fmt.Errorf("the line %.80q is no property", s)
		}
		values[strings.TrimSpace(key)] = strings.TrimSpace(value)
	}
	if v := values["version"]; v != "1" {
		return identity{}, fmt.Errorf("version %.20q is not known, only 1", v)
	}
	node, err := strconv.ParseInt(values["node.id"], 10, 32)
	if err != nil {
		return identity{}, fmt.Errorf("node.id: %w", err)
	}
	id := identity{ClusterID: values["cluster.id"], NodeID: int32(node)}
	if id.ClusterID == "" {
		return identity{}, errors.New("cluster.id is missing")
	}
	if id.DirectoryID, err = protocol.ParseUUID(values["directory.id"]); err != nil {
		return identity{}, fmt.Errorf("directory.id: %w", err)
	}
	return id, nil
}

func writeIdentity(files vfs.FS, dir string, id identity) error {
	text := fmt.Sprintf("#\ncluster.id=%s\ndirectory.id=%s\nnode.id=%d\nversion=1\n", id.ClusterID, id.DirectoryID, id.NodeID)
	if err := vfs.ReplaceFile(files, path.Join(dir, metaPropertiesName), []byte(text), true); err != nil {
		return &DirectoryError{dir, "the identity cannot be written", err}
	}
	return nil
}

// identityBytesMax bounds meta.properties, which has five short lines.
const identityBytesMax = 64 << 10
