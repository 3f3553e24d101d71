package protocol

import (
	"encoding/binary"
	"math"
)

// Fetch, versions 0 to 18, by hand.
//
//	v3    max bytes for the whole answer; v4 isolation level
//	v5    log start offset of a follower; v7 sessions (KIP-227)
//	v9    current leader epoch; v11 rack; v12 flexible, last fetched epoch
//	v13   topics by id; v15 the replica in a tagged field
//	v17   tagged directory id; v18 tagged high watermark

// fetchFlexibleFrom is the first flexible version.
const fetchFlexibleFrom = 12

// fetchTopicIDFrom is the first version that names topics by id.
const fetchTopicIDFrom = 13

// FetchRequest is a request, decoded in place: its slices are parts of the frame,
// and the struct is meant to be reused for the next frame.
type FetchRequest struct {
	ClusterID      []byte // nil is null
	ReplicaID      int32  // -1: a consumer
	ReplicaEpoch   int64
	MaxWaitMillis  int32
	MinBytes       int32
	MaxBytes       int32 // 2^31-1 below version 3, which does not have it
	IsolationLevel int8  // 0 read_uncommitted, 1 read_committed
	SessionID      int32
	SessionEpoch   int32 // -1: no session
	Topics         []FetchTopic
	Forgotten      []ForgottenTopic
	RackID         []byte

	partitions []FetchPartition // of all topics
	forgotten  []int32          // of all forgotten topics
}

// FetchTopic is named up to version 12 and has an id from version 13 on.
type FetchTopic struct {
	Name       []byte
	ID         UUID
	Partitions []FetchPartition
}

// FetchPartition is what to read from one partition.
type FetchPartition struct {
	Index              int32
	CurrentLeaderEpoch Epoch // -1: not known
	FetchOffset        Offset
	LastFetchedEpoch   Epoch  // -1: not known
	LogStartOffset     Offset // of a follower, else -1
	MaxBytes           int32
	DirectoryID        UUID   // of a follower
	HighWatermark      Offset // of a follower, 2^63-1: not known
}

// ForgottenTopic are partitions to take out of the session.
type ForgottenTopic struct {
	Name       []byte
	ID         UUID
	Partitions []int32
}

// Decode reads a body into q and forgets what was there.
func (q *FetchRequest) Decode(version int16, body []byte) error {
	r := wireReader{b: body, flexible: version >= fetchFlexibleFrom}
	*q = FetchRequest{
		ReplicaID: None, ReplicaEpoch: None, MaxBytes: math.MaxInt32, SessionEpoch: None,
		Topics: emptied(q.Topics), Forgotten: emptied(q.Forgotten),
		partitions: emptied(q.partitions), forgotten: emptied(q.forgotten),
	}
	if version < 15 {
		q.ReplicaID = r.int32()
	}
	q.MaxWaitMillis = r.int32()
	q.MinBytes = r.int32()
	if version >= 3 {
		q.MaxBytes = r.int32()
	}
	if version >= 4 {
		q.IsolationLevel = r.int8()
	}
	if version >= 7 {
		q.SessionID = r.int32()
		q.SessionEpoch = r.int32()
	}
	for n := r.elements(topicBytesMin); n > 0 && !r.bad; n-- {
		q.decodeTopic(&r, version)
	}
	if version >= 7 {
		for n := r.elements(topicBytesMin); n > 0 && !r.bad; n-- {
			q.decodeForgotten(&r, version)
		}
	}
	if version >= 11 {
		q.RackID = r.string()
	}
	q.decodeTags(&r, version)
	return r.end("Fetch", version)
}

func (q *FetchRequest) decodeTopic(r *wireReader, version int16) {
	var t FetchTopic
	if version >= fetchTopicIDFrom {
		t.ID = r.uuid()
	} else {
		t.Name = r.string()
	}
	first := len(q.partitions)
	for n := r.elements(16); n > 0 && !r.bad; n-- { // index, offset and size in version 0
		q.partitions = append(q.partitions, decodeFetchPartition(r, version))
	}
	r.endTags()
	t.Partitions = q.partitions[first:len(q.partitions):len(q.partitions)]
	q.Topics = append(q.Topics, t)
	if len(q.partitions)+len(q.Topics) > requestElementsMax {
		r.fail()
	}
}

func decodeFetchPartition(r *wireReader, version int16) FetchPartition {
	p := FetchPartition{CurrentLeaderEpoch: None, LastFetchedEpoch: None, LogStartOffset: None, HighWatermark: math.MaxInt64}
	p.Index = r.int32()
	if version >= 9 {
		p.CurrentLeaderEpoch = Epoch(r.int32())
	}
	p.FetchOffset = Offset(r.int64())
	if version >= 12 {
		p.LastFetchedEpoch = Epoch(r.int32())
	}
	if version >= 5 {
		p.LogStartOffset = Offset(r.int64())
	}
	p.MaxBytes = r.int32()
	if version < 17 {
		r.endTags()
		return p
	}
	t := r.tags()
	for t.next() {
		switch {
		case t.tag == 0:
			if len(t.data) != len(p.DirectoryID) {
				r.fail()
			}
			copy(p.DirectoryID[:], t.data)
		case t.tag == 1 && version >= 18:
			if len(t.data) != 8 {
				r.fail()
				continue
			}
			p.HighWatermark = Offset(binary.BigEndian.Uint64(t.data))
		}
	}
	r.closeTags(&t)
	return p
}

func (q *FetchRequest) decodeForgotten(r *wireReader, version int16) {
	var t ForgottenTopic
	if version >= fetchTopicIDFrom {
		t.ID = r.uuid()
	} else {
		t.Name = r.string()
	}
	first := len(q.forgotten)
	for n := r.elements(4); n > 0 && !r.bad; n-- {
		q.forgotten = append(q.forgotten, r.int32())
	}
	r.endTags()
	t.Partitions = q.forgotten[first:len(q.forgotten):len(q.forgotten)]
	q.Forgotten = append(q.Forgotten, t)
	if len(q.Forgotten) > requestElementsMax {
		r.fail()
	}
}

func (q *FetchRequest) decodeTags(r *wireReader, version int16) {
	t := r.tags()
	for t.next() {
		inner := wireReader{b: t.data, flexible: true}
		switch {
		case t.tag == 0:
			q.ClusterID, _ = inner.nullableString()
		case t.tag == 1 && version >= 15:
			q.ReplicaID = inner.int32()
			q.ReplicaEpoch = inner.int64()
			inner.endTags()
		default:
			continue
		}
		if inner.bad || len(inner.b) != 0 {
			r.fail()
		}
	}
	r.closeTags(&t)
}
