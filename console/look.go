package console

import (
	"time"

	"github.com/barnabas-mq/barnabas/internal/metrics"
)

// Look is what the metrics say, at one time.
type Look struct {
	Version, ClusterID string
	NodeID             int32
	Address            string // for clients
	Started            time.Time
	Now                time.Time

	Topics []Topic // sorted by name
	// Total is the traffic of all topics, those that are gone included.
	Total Traffic
	// FailedProduce and FailedFetch count partitions that were answered with an error.
	FailedProduce, FailedFetch int64
	Requests                   []Request
	Connections                map[string]int // by listener
	// Own are Barnabas's own counters.
	Own []metrics.Value
	// Groups have committed offsets or members; nil when nobody asked.
	Groups []Group
}

// Topic is a topic with its partitions, in order.
type Topic struct {
	Name       string
	Partitions []Partition
}

// Partition is one partition.
type Partition struct {
	Index            int32
	Leader           int32 // -1 without one
	Preferred        int32 // the replica that should lead
	Replicas, InSync int
	// Offline tells that the log cannot be used. Used tells that it is open: else Start,
	// End and Bytes are not known, and High is an estimate, -1 without one.
	Offline, Used    bool
	Start, High, End int64
	Bytes            int64
	Traffic          Traffic
}

// Traffic is what clients have written and read since the start.
type Traffic struct{ MessagesIn, BytesIn, BytesOut int64 }

// Request is how long the requests of one API took.
type Request struct {
	API     string
	Lengths metrics.Distribution
}

// Group is a group with what it has committed.
type Group struct {
	ID      string
	Members int
	Offsets []Committed // sorted by topic and partition
}

// Committed is a group's offset in a partition, and what the partition has.
type Committed struct {
	Topic     string
	Partition int32
	Offset    int64
	// High is the end of what a consumer may read; -1 when that is not known, or the
	// partition is gone.
	High int64
}

// Lag is how many records the group has yet to read, never negative.
func (c *Committed) Lag() (records int64, isKnown bool) {
	return max(c.High-c.Offset, 0), c.High >= 0
}

// At is the offset itself.
func (c *Committed) At() (offset int64, isKnown bool) { return c.Offset, true }
