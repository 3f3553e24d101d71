package broker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/metadata"
)

// contents is every file below a folder; the lock file is not data.
func contents(t *testing.T, files vfs.FS, dir string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	entries, err := files.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		switch {
		case e.Name() == lockName:
		case e.IsDir():
			all[name] = "folder"
			for k, v := range contents(t, files, name) {
				all[k] = v
			}
		default:
			data, err := vfs.ReadFile(files, name, 1<<30)
			if err != nil {
				t.Fatal(err)
			}
			all[name] = fmt.Sprintf("%q", data)
		}
	}
	return all
}

// A directory that is refused is as it was before, the marker of the last clean
// stop included, whatever the reason is and however far the start came.
func TestARefusalChangesNothing(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(t *testing.T, files vfs.FS)
	}{
		{"several voters", func(t *testing.T, files vfs.FS) {
			name := path.Join(dataDir, "__cluster_metadata-0", "quorum-state")
			text, err := vfs.ReadFile(files, name, 1<<20)
			if err == nil {
				text = bytes.Replace(text, []byte(`{"voterId":1}`), []byte(`{"voterId":1},{"voterId":2}`), 1)
				err = vfs.ReplaceFile(files, name, text, true)
			}
			if err != nil {
				t.Fatal(err)
			}
		}},
		{"an altered setting that asks for protection", func(t *testing.T, files vfs.FS) {
			b := mustOpen(t, files)
			value := "PLAINTEXT:SASL_PLAINTEXT"
			_, err := b.metadata.Propose(context.Background(), func(*metadata.Image) ([]metadata.Record, error) {
				return []metadata.Record{&metadata.ConfigRecord{ResourceType: metadata.ResourceBroker, ResourceName: "1", Name: "listener.security.protocol.map", Value: &value}}, nil
			})
			if err != nil {
				t.Fatal(err)
			}
			mustClose(t, b)
		}},
	} {
		for _, durability := range []string{"sync", "cached"} {
			t.Run(c.name+" "+durability, func(t *testing.T) {
				files := vfs.NewMem()
				b := mustOpen(t, files)
				client := dial(t, b)
				client.topic("t")
				client.produce("t", "kept")
				mustClose(t, b)
				c.change(t, files)
				before := contents(t, files, dataDir)
				if b, err := open(t, files, "barnabas.durability="+durability); err == nil {
					mustClose(t, b)
					t.Fatal("the directory is not refused")
				}
				if diff := cmp.Diff(before, contents(t, files, dataDir)); diff != "" {
					t.Errorf("the refusal has changed the directory:\n%s", diff)
				}
				if before[path.Join(dataDir, cleanMarkerName)] == "" {
					t.Error("there was no marker to keep")
				}
			})
		}
	}
}

// A clean stop leaves what Kafka needs for a quick start: the broker is fenced,
// partitions have no leader, the marker names the registration, and the high
// watermarks are written. The next start leads them again.
func TestWhatACleanStopLeaves(t *testing.T) {
	files := vfs.NewMem()
	b := mustOpen(t, files)
	client := dial(t, b)
	client.topic("t")
	client.produce("t", "a")
	client.produce("t", "b")
	epoch := b.metadata.BrokerEpoch()
	mustClose(t, b)
	image := b.metadata.Image()
	if r := image.Broker(1); !r.Fenced || !r.InControlledShutdown {
		t.Errorf("the registration is %+v", r)
	}
	if p := image.Topic("t").Partition(0); p.Leader != metadata.NoLeader || len(p.ISR) != 0 || len(p.ELR) != 1 {
		t.Errorf("the partition is %+v %+v", p, p.Placement)
	}
	left := contents(t, files, dataDir)
	for name, want := range map[string]string{
		cleanMarkerName:                    fmt.Sprintf(`{"version":0,"brokerEpoch":%d}`, epoch),
		"replication-offset-checkpoint":    "0\n1\nt 0 2\n",
		"log-start-offset-checkpoint":      "0\n0\n",
		"recovery-point-offset-checkpoint": "t 0 2\n",
		metadata.BootstrapFile:             "metadata.version",
	} {
		if got := left[path.Join(dataDir, name)]; !strings.Contains(got, strings.Trim(fmt.Sprintf("%q", want), `"`)) {
			t.Errorf("%s is %s, want %q in it", name, got, want)
		}
	}

	b = mustOpen(t, files)
	defer mustClose(t, b)
	if p := b.metadata.Image().Topic("t").Partition(0); p.Leader != 1 || len(p.ISR) != 1 || len(p.ELR) != 0 {
		t.Errorf("after the next start the partition is %+v %+v", p, p.Placement)
	}
	if _, err := files.Stat(path.Join(dataDir, cleanMarkerName)); err == nil {
		t.Error("the marker of the last stop is still there")
	}
	if got := dial(t, b).produce("t", "c"); got != 2 {
		t.Errorf("the next record is at %d", got)
	}
}

// A directory that Kafka has formatted begins with what was formatted; one that
// cannot be served is refused.
func TestAFormattedDirectory(t *testing.T) {
	for level, fits := range map[int16]bool{metadata.MetadataVersionMin: true, metadata.MetadataVersionMin - 1: false} {
		files := vfs.NewMem()
		b := mustOpen(t, files)
		mustClose(t, b)
		identity, err := vfs.ReadFile(files, path.Join(dataDir, metaPropertiesName), 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		files = vfs.NewMem()
		if err := files.MkdirAll(dataDir, 0o700); err != nil {
			t.Fatal(err)
		}
		bootstrap := metadata.BootstrapCheckpoint([]metadata.Record{&metadata.FeatureLevelRecord{Name: metadata.FeatureMetadataVersion, Level: level}}, 1)
		for name, data := range map[string][]byte{metaPropertiesName: identity, metadata.BootstrapFile: bootstrap} {
			if err := vfs.ReplaceFile(files, path.Join(dataDir, name), data, true); err != nil {
				t.Fatal(err)
			}
		}
		b, err = open(t, files)
		var refused *DirectoryError
		switch {
		case !fits && !errors.As(err, &refused):
			t.Errorf("metadata.version %d gives %v", level, err)
		case fits && err != nil:
			t.Fatal(err)
		case fits && b.metadata.Image().MetadataVersion() != level:
			t.Errorf("metadata.version is %d, want %d", b.metadata.Image().MetadataVersion(), level)
		}
		if b != nil {
			mustClose(t, b)
		}
	}
}
