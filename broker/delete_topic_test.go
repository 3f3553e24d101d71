package broker

import (
	"fmt"
	"math/rand/v2"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/protocol"
)

func (c *client) deleteTopic(name string) int16 {
	c.t.Helper()
	q := kmsg.NewPtrDeleteTopicsRequest()
	q.SetVersion(5)
	q.TopicNames = []string{name}
	q.TimeoutMillis = 10_000
	return c.ask(q).(*kmsg.DeleteTopicsResponse).Topics[0].ErrorCode
}

// topicID is the topic's id as Metadata tells it, zero when there is none.
func (c *client) topicID(name string) (id [16]byte) {
	c.t.Helper()
	q := kmsg.NewPtrMetadataRequest()
	q.SetVersion(12)
	one := kmsg.NewMetadataRequestTopic()
	one.Topic = &name
	q.Topics = append(q.Topics, one)
	return c.ask(q).(*kmsg.MetadataResponse).Topics[0].TopicID
}

// A topic that is deleted while a producer and a consumer's long poll are at work:
// both are told that it does not exist, the folder is out of sight at once and gone
// after file.delete.delay.ms.
func TestDeletingATopicInUse(t *testing.T) {
	w := newSettingsWorld(t)
	w.topic("file.delete.delay.ms=60000")
	w.sendAll(3, 100)

	poll := make(chan int16, 1)
	consumer := dial(t, w.broker)
	go func() {
		q := kmsg.NewPtrFetchRequest()
		q.SetVersion(12)
		q.MaxBytes, q.MinBytes, q.MaxWaitMillis, q.SessionEpoch = 1<<20, 1, 600_000, -1
		one := kmsg.NewFetchRequestTopic()
		one.Topic = "t"
		p := kmsg.NewFetchRequestTopicPartition()
		p.PartitionMaxBytes, p.FetchOffset = 1<<20, 3
		one.Partitions = append(one.Partitions, p)
		q.Topics = append(q.Topics, one)
		poll <- consumer.ask(q).(*kmsg.FetchResponse).Topics[0].Partitions[0].ErrorCode
	}()
	producer := dial(t, w.broker)
	codes := make(chan map[int16]int, 1)
	started := make(chan struct{})
	go func() {
		seen := make(map[int16]int)
		for i := range 100_000 {
			builder := protocol.NewBatchBuilder(protocol.DefaultBatchOptions())
			builder.Add(w.now(), nil, []byte("x"))
			_, code := producer.tryProduce("t", builder.Build(0, protocol.None))
			seen[code]++
			if i == 20 {
				close(started)
			}
			if code != 0 && i > 20 {
				break
			}
		}
		codes <- seen
	}()
	<-started
	w.want("the deletion", w.client.deleteTopic("t"), 0)
	seen := <-codes
	delete(seen, 0)
	w.want("what the producer was told", seen, map[int16]int{protocol.ErrUnknownTopicOrPartition.Code: 1})
	if code := <-poll; code != 0 && code != protocol.ErrUnknownTopicOrPartition.Code { // records may have come first
		t.Errorf("the long poll was told %v", protocol.ErrorForCode(code))
	}
	folders := func() (names []string) {
		entries, err := w.files.ReadDir(dataDir)
		must(t, err)
		for _, e := range entries {
			if strings.HasPrefix(e.Name(), "t-0") {
				names = append(names, e.Name())
			}
		}
		return names
	}
	if names := folders(); len(names) != 1 || !strings.HasSuffix(names[0], "-delete") {
		t.Errorf("folders %q", names)
	}
	w.clock.Advance(time.Minute)
	w.want("folders", len(folders()), 0)
}

// Wherever a crash comes while topics are deleted and made anew: a topic whose
// deletion was acknowledged does not come back, one whose was not is whole or gone,
// and a topic of the same name has none of the old one's records.
func TestDeletedTopicsDoNotComeBack(t *testing.T) {
	for mode, crash := range map[string]vfs.Crash{"cached": vfs.CrashKeepAll, "sync": vfs.CrashKeepSome} {
		seeds := uint64(1)
		if crash == vfs.CrashKeepSome {
			seeds = 40 // one in seven of some points leaves segments without partition.metadata
		}
		t.Run(mode, func(t *testing.T) {
			for seed := range seeds {
				points, old := deletionPoints(t, mode, crash, seed)
				for i := range points {
					points[i].check(t, mode, old)
					points[i].left = nil // a disk in memory, and what the check wrote to it
				}
				if len(points) < 10 {
					t.Errorf("seed %d: only %d points", seed, len(points))
				}
			}
		})
	}
}

// deletionPoint is what a crash leaves of a disk, and what a client knew then.
type deletionPoint struct {
	left           *vfs.Mem
	deleted, anew  bool // acknowledged
	deletion, made bool // asked for
	what           string
}

// deletionPoints deletes a topic and makes it anew, and crashes before every change
// of the disk. old is the id of the deleted topic.
func deletionPoints(t *testing.T, mode string, crash vfs.Crash, seed uint64) (points []deletionPoint, old [16]byte) {
	t.Helper()
	var mu sync.Mutex
	var now deletionPoint
	recording := false
	mem := vfs.NewMem()
	files := &vfs.Faulty{FS: mem, Before: func(op vfs.Op) error {
		mu.Lock()
		defer mu.Unlock()
		if recording && op.Kind.Changes() {
			p := now
			p.left = mem.CrashCopy(crash, rand.New(rand.NewPCG(uint64(op.Index), seed)))
			p.what = fmt.Sprintf("point %d, %s %s, seed %d", len(points), op.Kind, op.Name, seed)
			points = append(points, p)
		}
		return nil
	}}
	set := func(change func()) {
		mu.Lock()
		defer mu.Unlock()
		change()
	}
	b := mustOpen(t, files, "barnabas.durability="+mode)
	c := dial(t, b)
	c.createTopic("t", map[string]string{"file.delete.delay.ms": "0"})
	old = c.topicID("t")
	c.produce("t", "old")
	set(func() { recording, now.deletion = true, true })
	if code := c.deleteTopic("t"); code != 0 {
		t.Fatal(protocol.ErrorForCode(code))
	}
	set(func() { now.deleted, now.made = true, true })
	c.createTopic("t", nil)
	set(func() { now.anew = true })
	c.produce("t", "new")
	set(func() { recording = false })
	mustClose(t, b)
	return points, old
}

// check starts a broker on what is left.
func (p *deletionPoint) check(t *testing.T, mode string, old [16]byte) {
	t.Helper()
	b := mustOpen(t, p.left, "barnabas.durability="+mode)
	c := dial(t, b)
	switch id := c.topicID("t"); {
	case id == [16]byte{}:
		if !p.deletion || p.anew {
			t.Errorf("%s: there is no topic", p.what)
		}
		c.createTopic("t", nil)
		if got := c.values("t"); len(got) != 0 {
			t.Errorf("%s: a new topic has %q", p.what, got)
		}
	case id == old:
		if p.deleted {
			t.Errorf("%s: the deleted topic is back", p.what)
		}
		if got := c.values("t"); len(got) != 1 || got[0] != "old" {
			t.Errorf("%s: the topic has %q", p.what, got)
		}
	default:
		if !p.made {
			t.Errorf("%s: another topic", p.what)
		}
		if got := c.values("t"); len(got) > 1 || len(got) == 1 && got[0] != "new" {
			t.Errorf("%s: the new topic has %q", p.what, got)
		}
	}
	mustClose(t, b)
	if _, err := p.left.Stat(path.Join(dataDir, cleanMarkerName)); err != nil {
		t.Errorf("%s: the stop was not clean", p.what)
	}
}
