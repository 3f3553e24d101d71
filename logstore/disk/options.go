package disk

import (
	"log/slog"

	"github.com/barnabas-mq/barnabas/internal/clock"
	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/protocol"
)

// Durability is what an append must have reached before it is committed.
type Durability uint8

const (
	// Sync commits after the group sync that holds the batch.
	Sync Durability = iota
	// Cached commits after the write: it survives the death of the process, not
	// of the machine.
	Cached
)

// Options say where and how a Store keeps its logs. FS, Dir and Clock are
// required; zero values of the rest mean the defaults that their comments name.
type Options struct {
	FS  vfs.FS
	Dir string // the data directory; it exists
	// Clock stamps the age of segments and of idle producers.
	Clock clock.Clock
	// Random returns a number in [0, n); it spreads segment.jitter.ms. Nil is no jitter.
	Random func(n int64) int64

	Durability Durability
	// CleanShutdown says that the last stop was clean: nothing is scanned. The
	// caller must have removed its marker before any log is used.
	CleanShutdown bool

	// Owner names the data directory in its write-ahead log, which is refused when
	// it is another's. Process names this process there, see Store.Inherit.
	Owner   string
	Process string
	// WALSlotBytes is the size of a file of the write-ahead log (default 64 MiB), a
	// multiple of vfs.DirectBytes,
	// WALSlotsMax how many there may be (default 4). When all are full, group commits
	// sync segments until one is free again.
	WALSlotBytes int64
	WALSlotsMax  int

	// BallastBytes is how much room is kept for commits, metadata and deletions on a
	// full disk, at most a part of the volume; 0 is none.
	BallastBytes int64

	// OpenFilesMax bounds the file handles kept open, those in use aside (default 4096).
	OpenFilesMax int
	// ProducerExpiryMillis is producer.id.expiration.ms (default one day).
	ProducerExpiryMillis int64

	// Cleaner says how the store compacts; without it, only Clean does.
	Cleaner CleanerOptions

	// Fatal is told when a sync failed: what the disk holds is unknown from then
	// on, the store refuses everything, and the process must end. It is called
	// once and must not call the store. Nil is allowed in tests only.
	Fatal func(error)
	// Truncated is told when recovery has cut a log's torn tail, so that the
	// leader epoch is raised. It is called with the log locked and must not call
	// into that log.
	Truncated func(Truncation)
	// Logger gets one line per event worth a person's attention (default: discard).
	Logger *slog.Logger
}

// Truncation is what recovery had to cut.
type Truncation struct {
	ID logstore.ID
	// End is the log end after the cut.
	End protocol.Offset
	// Bytes is how much was cut, and Kept the file that holds a copy of it, empty
	// when the bytes were all zero.
	Bytes int64
	Kept  string
}

const (
	walSlotBytesDefault         = 64 << 20
	walSlotsMaxDefault          = 4
	openFilesMaxDefault         = 4096
	producerExpiryMillisDefault = 24 * 60 * 60 * 1000
)

func (o Options) withDefaults() Options {
	if o.WALSlotBytes <= 0 {
		o.WALSlotBytes = walSlotBytesDefault
	}
	if o.WALSlotsMax <= 0 {
		o.WALSlotsMax = walSlotsMaxDefault
	}
	if o.OpenFilesMax <= 0 {
		o.OpenFilesMax = openFilesMaxDefault
	}
	if o.ProducerExpiryMillis <= 0 {
		o.ProducerExpiryMillis = producerExpiryMillisDefault
	}
	if o.Random == nil {
		o.Random = func(int64) int64 { return 0 }
	}
	if o.Fatal == nil {
		o.Fatal = func(error) {}
	}
	if o.Truncated == nil {
		o.Truncated = func(Truncation) {}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}
