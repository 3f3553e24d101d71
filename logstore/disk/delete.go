package disk

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/barnabas-mq/barnabas/internal/clock"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/protocol"
)

const (
	deleteSuffix = "-delete"
	straySuffix  = "-stray"
	// nameBytesMax is the longest file name of the usual file systems.
	nameBytesMax = 255
)

// renamedFolder is how Kafka names a folder that is to be deleted or was found
// without an owner: "topic-N.<32 hex digits>-delete", the topic cut when the whole
// would be too long. The digits are the topic id, which no other topic ever has.
func renamedFolder(name string, id protocol.UUID, suffix string) string {
	tail := "." + hex.EncodeToString(id[:]) + suffix
	return cutName(name, len(tail)) + tail
}

// cutName is what of a partition's name leaves room for a tail.
func cutName(name string, tailBytes int) string {
	room := nameBytesMax - tailBytes
	if len(name) <= room {
		return name
	}
	dash := strings.LastIndexByte(name, '-')
	return name[:room-len(name[dash:])] + name[dash:]
}

// deleteTailBytes is how much renamedFolder adds to the name of a deleted partition.
const deleteTailBytes = 1 + 2*len(protocol.UUID{}) + len(deleteSuffix)

// deletedName is the name, perhaps cut, of the partition that a folder was; false
// when the folder does not wait for its removal.
func deletedName(folder string) (string, bool) {
	if !strings.HasSuffix(folder, deleteSuffix) || len(folder) <= deleteTailBytes {
		return "", false
	}
	return folder[:len(folder)-deleteTailBytes], true
}

// partitionOfFolder reads a name of the form topic-N.
func partitionOfFolder(name string) (key partitionKey, ok bool) {
	dash := strings.LastIndexByte(name, '-')
	if dash <= 0 {
		return key, false
	}
	n, err := strconv.ParseInt(name[dash+1:], 10, 32)
	return partitionKey{name[:dash], int32(n)}, err == nil && n >= 0
}

func setAside(s *Store, dir, name string, id protocol.UUID) error {
	to := path.Join(s.opts.Dir, renamedFolder(name, id, straySuffix))
	s.opts.Logger.Warn("a partition's folder belongs to no topic and is set aside", "folder", dir, "topic_id", id.String(), "as", to)
	if err := s.opts.FS.Rename(dir, to); err != nil {
		return fmt.Errorf("set a folder without a topic aside: %w", err)
	}
	return s.opts.FS.SyncDir(s.opts.Dir)
}

// deleteLogs ends logs and takes their folders out of sight; the files go later.
func (s *Store) deleteLogs(logs []*log) error {
	var failures []error
	away := make(map[*log]string)
	for _, l := range logs {
		name, err := l.delete()
		if err != nil {
			failures = append(failures, err)
		} else if name != "" {
			away[l] = name
		}
	}
	if len(away) > 0 {
		// Without this a power cut could bring the folders back; their topic ids would
		// give them away, but the space would stay taken.
		if err := s.opts.FS.SyncDir(s.opts.Dir); err != nil {
			return errors.Join(append(failures, fmt.Errorf("%w: delete %d folders: %w", logstore.ErrStorage, len(away), err))...)
		}
	}
	for _, l := range logs {
		if name := away[l]; name != "" {
			s.trash.add(l.cfg.Load().FileDeleteDelayMillis, name)
		}
	}
	return errors.Join(failures...)
}

// delete ends the log and renames its folder; the name is empty if there was none.
func (l *log) delete() (away string, err error) {
	l.reshaping.Lock()
	defer l.reshaping.Unlock()
	l.flushing.Lock()
	l.mu.Lock()
	waiting := l.endLocked(phaseEnded, logstore.ErrDeleted)
	list := *l.segments.Load()
	l.publish(nil)
	l.mu.Unlock()
	for _, s := range list {
		s.retire()
	}
	away, err = l.renameFolder()
	l.flushing.Unlock()
	l.answer(waiting, 0, logstore.ErrDeleted)
	return away, err
}

func (l *log) renameFolder() (away string, err error) {
	s := l.store
	s.checkpoints.forget(keyOf(l.id))
	away = path.Join(s.opts.Dir, renamedFolder(l.id.String(), l.id.TopicID, deleteSuffix))
	err = s.opts.FS.Rename(l.dir, away)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil // nothing was ever appended
	}
	if err != nil {
		return "", fmt.Errorf("%w: delete the folder of %s: %w", logstore.ErrStorage, l.id, err)
	}
	return away, nil
}

// trash removes renamed files and folders after file.delete.delay.ms, with one
// timer for all.
type trash struct {
	store *Store
	mu    struct {
		sync.Mutex
		items   []trashItem
		timer   clock.Timer // nil while items is empty
		stopped bool
	}
}

type trashItem struct {
	due  time.Duration // on the monotonic clock
	name string        // file or folder
}

func (t *trash) add(delayMillis int64, names ...string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.mu.stopped || len(names) == 0 {
		return // the next start finds the names by their suffix
	}
	delay := time.Duration(max(delayMillis, 0)) * time.Millisecond
	due := t.store.opts.Clock.Monotonic() + delay
	for _, name := range names {
		t.mu.items = append(t.mu.items, trashItem{due, name})
	}
	if t.mu.timer == nil {
		t.mu.timer = t.store.opts.Clock.AfterFunc(delay, t.empty)
	}
}

// empty removes what is due and sets the timer for the next.
func (t *trash) empty() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.mu.stopped {
		return
	}
	now := t.store.opts.Clock.Monotonic()
	next := time.Duration(-1)
	kept := t.mu.items[:0]
	for _, item := range t.mu.items {
		if item.due > now {
			kept = append(kept, item)
			if next < 0 || item.due < next {
				next = item.due
			}
			continue
		}
		if err := t.removeNow(item.name); err != nil {
			t.store.opts.Logger.Warn("cannot remove deleted data; the next start tries again", "name", item.name, "error", err)
		}
	}
	clear(t.mu.items[len(kept):])
	t.mu.items = kept
	t.mu.timer = nil
	if next >= 0 {
		t.mu.timer = t.store.opts.Clock.AfterFunc(next-now, t.empty)
	}
}

// removeNow removes a file or folder. A deleted partition's folder is what tells,
// after a crash, that its row in the checkpoint files means nothing; so those are
// written first.
func (t *trash) removeNow(name string) error {
	if strings.HasSuffix(name, deleteSuffix) {
		if err := t.store.checkpoints.writeIfStale(); err != nil {
			return err
		}
	}
	return t.store.opts.FS.RemoveAll(name)
}

// stop cancels the timer; a removal under way is waited for.
func (t *trash) stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mu.stopped = true
	if t.mu.timer != nil {
		t.mu.timer.Stop()
	}
}
