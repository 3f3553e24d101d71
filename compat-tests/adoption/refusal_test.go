package adoption

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/compat-tests/barnabas"
	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

const (
	exitUsage     = 2
	exitDirectory = 3
	cleanMarker   = ".kafka_cleanshutdown"
	metadataLog   = "__cluster_metadata-0/00000000000000000000.log"
	quorumState   = "__cluster_metadata-0/quorum-state"
)

// What Barnabas cannot own it refuses with the reason, and leaves every byte of
// the directory as it was.
func TestRefusals(t *testing.T) {
	t.Parallel()
	n := newNode(t, oracle.Options{}).format()
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	address := n.kafka()
	var w work
	w.prepare(t, ctx, address)
	if status, output := serve(t, n.File, "--listen", "127.0.0.1:0"); status != exitDirectory || !strings.Contains(output, "another broker") {
		t.Errorf("beside a running Kafka: exit status %d, want %d:\n%s", status, exitDirectory, output)
	}
	n.stop()
	others := newNode(t, oracle.Options{
		Properties: map[string]string{"controller.quorum.voters": "", "controller.quorum.bootstrap.servers": "127.0.0.1:1,127.0.0.1:2"},
		Format:     []string{"--initial-controllers", "1@127.0.0.1:1:JEXY6aqzQY-32P5TStzaFg,2@127.0.0.1:2:MvDxzVmcRsaTz33bUuRU6A"},
	}).format()

	for _, c := range []struct {
		name   string
		from   *node
		change func(dir string)
		reason string
	}{
		{"voters of kraft.version 0", n, func(dir string) {
			replace(t, dir, quorumState, `{"voterId":1}`, `{"voterId":1},{"voterId":2},{"voterId":3}`)
		}, "voters [1 2 3]"},
		{"the same after a kill", n, func(dir string) {
			replace(t, dir, quorumState, `{"voterId":1}`, `{"voterId":1},{"voterId":2},{"voterId":3}`)
			check(t, os.Remove(filepath.Join(dir, cleanMarker)))
		}, "voters [1 2 3]"},
		{"voters of kraft.version 1", others, func(string) {}, "2 voters"},
		{"another node's broker", n, func(dir string) {
			// RegisterBrokerRecord, version 0, with nothing in its lists.
			body := binary.BigEndian.AppendUint32(nil, 2)
			body = append(body, make([]byte, 16+8)...)
			appendRecord(t, dir, 0, 0, append(body, 1, 1, 0, 1, 0))
		}, "broker 2 is registered"},
		{"an unknown type of record", n, func(dir string) { appendRecord(t, dir, 120, 0, []byte{0}) }, "unknown record type 120"},
		{"an unknown version of a record", n, func(dir string) { appendRecord(t, dir, 20, 9, []byte{0}) }, "version 9"},
		{"metadata.version of tomorrow", n, func(dir string) { appendRecord(t, dir, 12, 0, feature("metadata.version", 31)) }, "metadata.version is at level 31"},
		{"metadata.version of yesterday", n, func(dir string) { appendRecord(t, dir, 12, 0, feature("metadata.version", 20)) }, "metadata.version is 20"},
		{"a feature of tomorrow", n, func(dir string) { appendRecord(t, dir, 12, 0, feature("better.version", 1)) }, "better.version"},
		{"another node.id", n, func(dir string) { replace(t, dir, "meta.properties", "node.id=1", "node.id=2") }, "node.id 2"},
		{"damaged metadata", n, func(dir string) {
			file := filepath.Join(dir, metadataLog)
			data, err := os.ReadFile(file)
			check(t, err)
			data[endOfBatch(data, len(data)/2)-1] ^= 1
			check(t, os.WriteFile(file, data, 0o644))
		}, "CRC"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			check(t, os.CopyFS(dir, os.DirFS(c.from.DataDir)))
			c.change(dir)
			before := contents(t, dir)
			status, output := serve(t, n.File, "--data", dir)
			if status != exitDirectory || !strings.Contains(output, c.reason) {
				t.Errorf("exit status %d, want %d with %q:\n%s", status, exitDirectory, c.reason, output)
			}
			same(t, "the directory has changed", before, contents(t, dir))
		})
	}
}

// endOfBatch is where the batch ends that holds position in a segment: its last
// byte is under the CRC, which the offset and the leader epoch are not.
func endOfBatch(segment []byte, position int) (end int) {
	for end <= position {
		end += 12 + int(binary.BigEndian.Uint32(segment[end+8:]))
	}
	return end
}

// Layouts that are not built are refused before anything is opened.
func TestRefusedSettings(t *testing.T) {
	for _, key := range []string{"log.dirs", "metadata.log.dir"} {
		t.Run(key, func(t *testing.T) {
			dir := t.TempDir()
			value := map[string]string{"log.dirs": dir + "/a," + dir + "/b", "metadata.log.dir": dir + "/c"}[key]
			file := filepath.Join(dir, "server.properties")
			text := fmt.Sprintf("process.roles=broker,controller\nnode.id=1\nlisteners=PLAINTEXT://127.0.0.1:0,CONTROLLER://127.0.0.1:0\n"+
				"controller.listener.names=CONTROLLER\nlog.dirs=%s/a\n%s=%s\n", dir, key, value)
			check(t, os.WriteFile(file, []byte(text), 0o644))
			if status, output := serve(t, file); status != exitUsage || !strings.Contains(output, key) {
				t.Errorf("exit status %d, want %d and the key named:\n%s", status, exitUsage, output)
			}
			if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
				t.Errorf("beside the settings there is more now: %v (%v)", entries, err)
			}
		})
	}
}

// serve runs the broker, which has to end by itself.
func serve(t *testing.T, args ...string) (status int, output string) {
	t.Helper()
	binary, err := barnabas.Binary()
	check(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, binary, append([]string{"serve"}, args...)...).CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if exit != nil {
		status = exit.ExitCode()
	}
	return status, string(out)
}

// contents is every file of a folder with a checksum; the lock file is not data.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	check(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Name() == ".lock" {
			return err
		}
		name := strings.TrimPrefix(path, dir)
		if entry.IsDir() {
			files[name] = "folder"
			return nil
		}
		data, err := os.ReadFile(path)
		files[name] = fmt.Sprintf("%d bytes %x", len(data), sha256.Sum256(data))
		return err
	}))
	return files
}

func replace(t *testing.T, dir, file, old, new string) {
	t.Helper()
	path := filepath.Join(dir, file)
	data, err := os.ReadFile(path)
	check(t, err)
	if !bytes.Contains(data, []byte(old)) {
		t.Fatalf("%s does not contain %q: %s", file, old, data)
	}
	check(t, os.WriteFile(path, bytes.Replace(data, []byte(old), []byte(new), 1), 0o644))
}

// appendRecord appends a metadata record to the metadata log.
func appendRecord(t *testing.T, dir string, kind, version uint64, body []byte) {
	t.Helper()
	path := filepath.Join(dir, metadataLog)
	data, err := os.ReadFile(path)
	check(t, err)
	value := binary.AppendUvarint(binary.AppendUvarint([]byte{1}, kind), version)
	b := wire.NewBatch(time.Now().UnixMilli(), wire.Record{Value: append(value, body...)})
	for rest := data; len(rest) > 0; { // what follows the last batch
		b.BaseOffset = int64(binary.BigEndian.Uint64(rest)) + int64(binary.BigEndian.Uint32(rest[23:])) + 1
		b.LeaderEpoch = int32(binary.BigEndian.Uint32(rest[12:]))
		rest = rest[12+binary.BigEndian.Uint32(rest[8:]):]
	}
	check(t, os.WriteFile(path, append(data, b.Encode()...), 0o644))
}

// feature is a FeatureLevelRecord's body.
func feature(name string, level uint16) []byte {
	body := append([]byte{byte(len(name) + 1)}, name...)
	return append(binary.BigEndian.AppendUint16(body, level), 0)
}
