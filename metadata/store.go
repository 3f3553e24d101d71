package metadata

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/barnabas-mq/barnabas/internal/clock"
	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/protocol"
)

// Errors of a Store itself.
var (
	// ErrClosed answers proposals after Close.
	ErrClosed = errors.New("the metadata store is closed")
	// ErrFailed answers proposals after the journal failed in a way that leaves
	// unknown what it holds; only a restart finds out.
	ErrFailed = errors.New("the metadata journal has failed")
)

// Options say where the metadata lives and who the node is.
type Options struct {
	FS      vfs.FS
	Dir     string // the folder of __cluster_metadata-0, which exists
	Journal Journal
	Clock   clock.Clock
	Logger  *slog.Logger // nil is silence

	ClusterID   string
	NodeID      int32
	DirectoryID protocol.UUID // of the data directory
	// IncarnationID names this process; the caller makes it at random.
	IncarnationID       protocol.UUID
	Endpoints           []Endpoint // advertised to clients
	ControllerEndpoints []Endpoint
	Rack                *string

	// Bootstrap is what a new log begins with; nil is DefaultBootstrap.
	Bootstrap []Record
	// BeforeLead, unless nil, looks at what was recovered before anything is
	// written; its error ends Open and leaves the folder as it was.
	BeforeLead func(*Image) error
	// BeforeJournal, unless nil, sees the records of every proposal before they are
	// journaled, and the image that is published then. It runs on the owner goroutine:
	// it must be short and must not propose or watch.
	BeforeJournal func(published *Image, records []Record)
	// SnapshotBytes is how many bytes of log a new snapshot is written after
	// (metadata.log.max.record.bytes.between.snapshots).
	SnapshotBytes int64
}

// SnapshotBytesDefault is Kafka's default of SnapshotBytes.
const SnapshotBytesDefault = 20 << 20

// Watcher is told of every change, in order, before it is published and before
// Propose returns. It runs on the owner goroutine: it must be short and must not
// propose or watch.
type Watcher func(old, new *Image, records []Record)

// Store owns the metadata of one node. Its methods are safe for concurrent use.
type Store struct {
	o     Options
	image atomic.Pointer[Image]

	proposals chan *proposal
	stop      chan struct{} // closed by Close
	stopped   chan struct{} // closed by the owner when it has ended
	stopOnce  sync.Once

	mu struct {
		sync.Mutex // held while watchers run and an image is published
		watchers   []Watcher
	}

	// What follows belongs to the owner goroutine (and to Open before it starts).
	epoch         protocol.Epoch
	brokerEpoch   int64
	failed        error
	snapshotBytes int64 // of log since the newest snapshot
	snapshots     snapshotter
}

// Open reads the folder, or begins a new log in it, takes the lead under the
// next quorum epoch and registers the broker. The errors CorruptError and
// UnsupportedError say that nothing in the folder was changed.
func Open(o Options) (*Store, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.SnapshotBytes <= 0 {
		o.SnapshotBytes = SnapshotBytesDefault
	}
	if o.Bootstrap == nil {
		o.Bootstrap = DefaultBootstrap()
	}
	rec, err := recoverFolder(&o)
	if err == nil && rec.isNew() {
		err = checkBootstrap(&o)
	}
	if err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	s := &Store{
		o:         o,
		proposals: make(chan *proposal, proposalsQueued),
		stop:      make(chan struct{}),
		stopped:   make(chan struct{}),

		snapshotBytes: rec.replayedBytes,
	}
	rec.img.clusterID = o.ClusterID
	s.image.Store(rec.img)
	if o.BeforeLead != nil {
		if err := o.BeforeLead(rec.img); err != nil {
			return nil, fmt.Errorf("metadata: %w", err)
		}
	}
	if err := rec.removeParts(&o); err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	s.snapshots = snapshotter{o: &s.o, known: rec.snapshots, done: make(chan error, 1)}
	if err := s.lead(rec); err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	go s.own()
	return s, nil
}

// Image is the newest published image.
func (s *Store) Image() *Image { return s.image.Load() }

// BrokerEpoch is the epoch of this process's registration.
func (s *Store) BrokerEpoch() int64 { return s.brokerEpoch }

// Watch adds a watcher and returns the image that its first change begins from.
func (s *Store) Watch(w Watcher) *Image {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.watchers = append(s.mu.watchers, w)
	return s.image.Load()
}

// publish makes the image of a change visible.
func (s *Store) publish(img *Image, records []Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.image.Load()
	for _, w := range s.mu.watchers {
		w(old, img, records)
	}
	s.image.Store(img)
}

// Close ends the owner and waits for a snapshot under way. Proposals that have
// not begun answer ErrClosed. The journal stays open; it is the caller's.
func (s *Store) Close(ctx context.Context) error {
	s.stopOnce.Do(func() { close(s.stop) })
	select {
	case <-s.stopped:
	case <-ctx.Done():
		return ctx.Err()
	}
	return s.o.Journal.Flush()
}

func (s *Store) now() protocol.Timestamp {
	return protocol.Timestamp(s.o.Clock.Now().UnixMilli())
}
