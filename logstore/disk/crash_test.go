package disk_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/internal/clock"
	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/logstore/disk"
	"github.com/barnabas-mq/barnabas/protocol"
)

// model is what the outside world knows of the logs: what was ever sent to which
// offset, and what was promised.
type model struct {
	logs map[logstore.ID]*modelLog
}

type modelLog struct {
	sent     map[protocol.Offset]string // by offset; the log is never truncated
	promised protocol.Offset            // everything below was acknowledged or seen
	start    protocol.Offset            // acknowledged by DeleteBefore
	tried    protocol.Offset            // asked of DeleteBefore, acknowledged or not
	swept    bool                       // retention may have raised the start
	deleted  bool
	sequence int32 // of the next idempotent batch
}

func (m model) clone() model {
	c := model{make(map[logstore.ID]*modelLog)}
	for id, l := range m.logs {
		copied := *l
		copied.sent = maps.Clone(l.sent)
		c.logs[id] = &copied
	}
	return c
}

// history is a scripted life of a store. It calls now after each step with the
// model as of then.
type history struct {
	w     *world
	model model
	// publish makes the model of this moment visible to the crash points.
	publish func(model)
}

func (h *history) log(id logstore.ID) (logstore.Log, *modelLog) {
	h.w.t.Helper()
	l, err := h.w.store.Open(id, h.w.cfg)
	must(h.w.t, err)
	if h.model.logs[id] == nil {
		h.model.logs[id] = &modelLog{sent: make(map[protocol.Offset]string)}
	}
	return l, h.model.logs[id]
}

// send appends idempotent batches, one after the other.
func (h *history) send(id logstore.ID, batches int, epoch protocol.Epoch) {
	h.w.t.Helper()
	l, known := h.log(id)
	for range batches {
		end := l.Offsets().End
		values := []string{fmt.Sprintf("%s-%d-%060d", id.TopicID, end, 0), fmt.Sprintf("%s-%d", id.TopicID, end+1)}
		for i, v := range values {
			known.sent[end+protocol.Offset(i)] = v
		}
		h.publish(h.model.clone())
		p := tryAppend(l, idempotent(77, known.sequence, values...), epoch)
		must(h.w.t, p.Err)
		known.sequence += 2
		known.promised = max(p.LastOffset+1, l.Offsets().High)
		h.publish(h.model.clone())
	}
}

func (h *history) deleteBefore(id logstore.ID, offset protocol.Offset) {
	h.w.t.Helper()
	l, known := h.log(id)
	known.tried = offset
	h.publish(h.model.clone())
	_, err := l.DeleteBefore(offset)
	must(h.w.t, err)
	known.start = offset
	h.publish(h.model.clone())
}

func (h *history) sweep(id logstore.ID) {
	_, known := h.log(id)
	known.swept = true
	h.publish(h.model.clone())
	h.w.store.Sweep()
}

func (h *history) delete(id logstore.ID) {
	h.w.t.Helper()
	h.model.logs[id].deleted = true
	h.publish(h.model.clone())
	must(h.w.t, h.w.store.Delete(id))
}

// play has everything in it that touches files: first appends, rolls, epochs, checkpoints,
// deletion of records, retention, deletion and rebirth of a partition, a clean
// stop, and life after it.
func (h *history) play() {
	a, b := partitionID(0), partitionID(1)
	reborn := logstore.ID{Topic: b.Topic, TopicID: otherTopicID, Partition: 1}
	h.send(a, 25, 0)
	h.send(b, 3, 0)
	must(h.w.t, h.w.store.Checkpoint())
	h.send(a, 12, 3)
	h.deleteBefore(a, 21)
	h.sweep(a)
	h.send(b, 9, 1)
	must(h.w.t, h.w.store.Checkpoint())
	h.delete(b)
	h.send(reborn, 4, 0)
	h.w.restart()
	h.send(a, 10, 4)
	h.send(reborn, 10, 5)
	cfg := h.w.cfg
	cfg.RetentionBytes = 2500
	l, _ := h.log(a)
	l.Reconfigure(cfg)
	h.sweep(a)
	h.send(a, 2, 4)
	cfg.RetentionBytes, cfg.RetentionMillis = -1, 3_600_000
	l.Reconfigure(cfg)
	h.w.clock.Advance(2 * time.Hour) // everything is too old, what is appended to included
	h.sweep(a)
	h.send(a, 2, 5)
}

// outcome is what a kind of crash must leave.
type outcome struct {
	durability disk.Durability
	crash      vfs.Crash
	// keeps: what was promised is there. Without it, what is there must still be
	// true and in order.
	keeps bool
	seeds uint64
}

// At every write, sync and name change of a history, whatever a crash leaves must
// recover to what was promised: a killed process loses nothing in either mode, a
// power cut loses nothing in sync mode, and in cached mode only a tail.
func TestEveryCrashPoint(t *testing.T) {
	for name, want := range map[string]outcome{
		"cached, process killed":    {disk.Cached, vfs.CrashKeepAll, true, 1},
		"cached, power cut":         {disk.Cached, vfs.CrashKeepSome, false, 1},
		"sync, process killed":      {disk.Sync, vfs.CrashKeepAll, true, 1},
		"sync, power cut":           {disk.Sync, vfs.CrashKeepNone, true, 1},
		"sync, power cut with luck": {disk.Sync, vfs.CrashKeepSome, true, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mem := vfs.NewMem()
			must(t, mem.MkdirAll("/data", vfs.DirPerm))
			must(t, mem.SyncDir("/"))
			points := &crashPoints{t: t, mem: mem, want: want}
			w := newWorld(t, &vfs.Faulty{FS: mem, Before: points.before}, "/data", want.durability)
			h := &history{w: w, model: model{make(map[logstore.ID]*modelLog)}, publish: points.publish}
			h.play()
			w.stop()
			points.checkAll()
			if points.count() < 100 {
				t.Errorf("only %d crash points: the history is too short", points.count())
			}
		})
	}
}

// checkCrash recovers a store from what a crash has left and compares it with
// the model. The recovery itself is crashed as well, and done again.
func checkCrash(t *testing.T, left *vfs.Mem, known model, want outcome, seed uint64) error {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 2))
	trial, crashed := crashTrial(left, rng.IntN(20), want.crash, rng)
	if err := checkRecovered(t, trial, known, want, false); err != nil {
		return err
	}
	if err := checkRecovered(t, left, known, want, true); err != nil {
		return err
	}
	again := crashed()
	if again == nil {
		return nil
	}
	if err := checkRecovered(t, again, known, want, true); err != nil {
		return fmt.Errorf("after a crash in the recovery: %w", err)
	}
	return nil
}

// crashTrial is a copy of what a crash has left, for a recovery that crashes as well:
// crashed is what was there before its change number crashAt, nil if it made fewer.
func crashTrial(left *vfs.Mem, crashAt int, crash vfs.Crash, rng *rand.Rand) (trial vfs.FS, crashed func() *vfs.Mem) {
	copied := left.CrashCopy(vfs.CrashKeepAll, nil)
	var mu sync.Mutex // the syncer is at work beside the recovery
	var again *vfs.Mem
	before := func(op vfs.Op) error {
		mu.Lock()
		defer mu.Unlock()
		if op.Kind.Changes() {
			if crashAt == 0 {
				again = copied.CrashCopy(crash, rng)
			}
			crashAt--
		}
		return nil
	}
	return &vfs.Faulty{FS: copied, Before: before}, func() *vfs.Mem { return again }
}

func checkRecovered(t *testing.T, left vfs.FS, known model, want outcome, probe bool) error {
	t.Helper()
	store, err := disk.Open(disk.Options{FS: left, Dir: "/data", Clock: clock.NewManual(day), Durability: want.durability, WALSlotBytes: 16 << 10})
	if err != nil {
		return err
	}
	defer closeQuietly(store)
	for id, expected := range known.logs {
		if expected.deleted {
			continue // metadata says so; nobody opens it again
		}
		l, err := store.Open(id, config())
		if err != nil {
			return err
		}
		if err := checkLog(l, expected, want, probe); err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
	}
	return nil
}

func checkLog(l logstore.Log, expected *modelLog, want outcome, probe bool) error {
	if err := l.Ready(); err != nil {
		return err
	}
	marks := l.Offsets()
	all, err := readAll(l)
	if err != nil {
		return err
	}
	for _, r := range all {
		if expected.sent[r.offset] != r.value {
			return fmt.Errorf("offset %d has %q, sent was %q", r.offset, r.value, expected.sent[r.offset])
		}
	}
	if int(marks.High-marks.Start) != len(all) {
		return fmt.Errorf("%d records between %d and %d", len(all), marks.Start, marks.High)
	}
	if marks.Start < expected.start {
		return fmt.Errorf("the log starts at %d, deleted was up to %d", marks.Start, expected.start)
	}
	if marks.Start > expected.tried && !expected.swept {
		return fmt.Errorf("the log starts at %d, nobody asked for more than %d", marks.Start, expected.tried)
	}
	if !want.keeps {
		return nil
	}
	if marks.High < expected.promised {
		return fmt.Errorf("the log ends at %d, promised was up to %d", marks.High, expected.promised)
	}
	if probe {
		return checkProducer(l, marks)
	}
	return nil
}

// checkProducer sends the newest batch again, and then the next one.
func checkProducer(l logstore.Log, marks logstore.Offsets) error {
	if marks.End == 0 {
		return nil
	}
	last := int32(marks.End - 2) // sequences and offsets go in step
	p := tryAppend(l, idempotent(77, last, "again", "again"), 9)
	if p.Err != nil || !p.Duplicate || p.LastOffset != marks.End-1 {
		return fmt.Errorf("the newest batch again: %+v", p)
	}
	p = tryAppend(l, idempotent(77, last+2, "next", "next"), 9)
	if p.Err != nil || p.Duplicate || p.BaseOffset != marks.End {
		return fmt.Errorf("the next batch: %+v", p)
	}
	return nil
}
