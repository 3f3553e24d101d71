package broker

import (
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/protocol"
)

// A folder that nobody knows, and that does not say whose it is, lies where a topic is
// created and never used. At the next start the topic has none of its records.
func TestAnUnnamedFolderIsNotTheNewTopics(t *testing.T) {
	files := vfs.NewMem()
	b := mustOpen(t, files)
	c := dial(t, b)
	c.createTopic("t", nil)
	c.produce("t", "of another topic")
	mustClose(t, b)
	// What the folder was made by is gone: only the folder stays.
	must(t, files.Rename(path.Join(dataDir, "t-0"), "kept"))
	must(t, files.Remove("kept/partition.metadata"))
	b = mustOpen(t, files)
	if code := dial(t, b).deleteTopic("t"); code != 0 {
		t.Fatal(protocol.ErrorForCode(code))
	}
	mustClose(t, b)
	must(t, files.Rename("kept", path.Join(dataDir, "t-0")))

	var watching atomic.Bool
	b = mustOpen(t, &vfs.Faulty{FS: files, Before: func(op vfs.Op) error {
		if _, err := files.Stat(path.Join(dataDir, "t-0")); watching.Load() && op.Kind == vfs.OpWrite && err == nil {
			t.Errorf("%s is written while the folder is there; after a crash it would be the topic's", op.Name)
		}
		return nil
	}})
	c = dial(t, b)
	watching.Store(true)
	c.createTopic("t", nil) // and nobody uses it
	watching.Store(false)
	mustClose(t, b)
	b = mustOpen(t, files)
	if got := dial(t, b).values("t"); len(got) != 0 {
		t.Errorf("the new topic has %q", got)
	}
	mustClose(t, b)
	if n := strays(t, files, "t-0"); n != 1 {
		t.Errorf("%d folders were set aside", n)
	}
}

// strays counts the folders that were set aside from where a partition's would be.
func strays(t *testing.T, files vfs.FS, partition string) (n int) {
	entries, err := files.ReadDir(dataDir)
	must(t, err)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), partition+".") && strings.HasSuffix(e.Name(), "-stray") {
			n++
		}
	}
	return n
}

// So it is with a partition that is added to a topic.
func TestAnUnnamedFolderIsNotTheNewPartitions(t *testing.T) {
	files := vfs.NewMem()
	b := mustOpen(t, files)
	c := dial(t, b)
	c.createTopic("other", nil)
	c.produce("other", "of another topic")
	c.createTopic("t", nil)
	mustClose(t, b)
	must(t, files.Rename(path.Join(dataDir, "other-0"), path.Join(dataDir, "t-1")))
	must(t, files.Remove(path.Join(dataDir, "t-1/partition.metadata")))

	b = mustOpen(t, files)
	add := kmsg.NewPtrCreatePartitionsRequest()
	topic := kmsg.NewCreatePartitionsRequestTopic()
	topic.Topic, topic.Count = "t", 2
	add.Topics = append(add.Topics, topic)
	if code := dial(t, b).ask(add).(*kmsg.CreatePartitionsResponse).Topics[0].ErrorCode; code != 0 {
		t.Fatal(protocol.ErrorForCode(code))
	}
	mustClose(t, b)
	if n := strays(t, files, "t-1"); n != 1 {
		t.Errorf("%d folders were set aside", n)
	}
}

// A partition that was created and not used yet is answered for, without an object or
// a file of its own until the first append.
func TestAPartitionIsMadeAtItsFirstUse(t *testing.T) {
	files := vfs.NewMem()
	b := mustOpen(t, files)
	defer mustClose(t, b)
	c := dial(t, b)
	c.createTopic("t", nil)
	id := b.metadata.Image().Topic("t").ID
	if b.partitions.Used(id, 0) != nil {
		t.Error("it is there before anybody used it")
	}
	if got := c.values("t"); len(got) != 0 {
		t.Errorf("read %q", got)
	}
	if _, err := files.Stat(path.Join(dataDir, "t-0")); err == nil {
		t.Error("reading made a folder")
	}
	if b.partitions.Get(id, 1) != nil || b.partitions.Get(protocol.NewUUID(), 0) != nil {
		t.Error("a partition that never was")
	}
	c.produce("t", "a")
	if got := c.values("t"); len(got) != 1 {
		t.Errorf("read %q", got)
	}
}

// Topics are deleted while others use their partitions for the first time: nothing of
// a deleted one is left, whoever comes first.
func TestDeletionWhileAPartitionIsMade(t *testing.T) {
	files := vfs.NewMem()
	b := mustOpen(t, files)
	defer mustClose(t, b)
	c := dial(t, b)
	for range 100 {
		c.createTopic("t", map[string]string{"file.delete.delay.ms": "0"})
		id := b.metadata.Image().Topic("t").ID
		var users sync.WaitGroup
		begin := make(chan struct{})
		for range 4 {
			users.Go(func() {
				<-begin
				for range 20 {
					if p := b.partitions.Get(id, 0); p != nil {
						_ = p.Ready() // it may be gone by then
					}
				}
			})
		}
		close(begin)
		if code := c.deleteTopic("t"); code != 0 {
			t.Fatal(protocol.ErrorForCode(code))
		}
		users.Wait()
		if b.partitions.Get(id, 0) != nil {
			t.Fatal("the partition of a deleted topic is back")
		}
	}
}
