package protocol

// OffsetCommit, versions 0 to 10, by hand, because consumers commit all the time.
//
//	v1    generation and member; a time of its own per partition, in this version alone
//	v2    a retention of its own, to v4; v3 throttle time
//	v6    leader epoch; v7 static members; v8 flexible
//	v10   topics by id

const (
	offsetCommitFlexibleFrom = 8
	offsetCommitTopicIDFrom  = 10
)

// OffsetCommitRequest is a request, decoded in place: its slices are parts of the
// frame, and the struct is meant to be reused for the next frame. Numbers that a
// version does not have are None.
type OffsetCommitRequest struct {
	Group           []byte
	Generation      int32
	MemberID        []byte
	InstanceID      []byte // nil is null
	RetentionMillis int64
	Topics          []OffsetCommitTopic

	partitions []OffsetCommitPartition // of all topics
}

// OffsetCommitTopic is named up to version 9 and has an id from version 10 on.
type OffsetCommitTopic struct {
	Name       []byte
	ID         UUID
	Partitions []OffsetCommitPartition
}

// OffsetCommitPartition is how far a group has read a partition.
type OffsetCommitPartition struct {
	Index       int32
	Offset      Offset
	LeaderEpoch Epoch
	Timestamp   Timestamp
	Metadata    []byte // nil is null
}

// What an element takes in memory, about, for the bound on all of a request.
const (
	offsetCommitTopicBytes     = 64
	offsetCommitPartitionBytes = 56
)

// Decode reads a body of at most memoryMax bytes in its decoded form into q and
// forgets what was there. The errors are *Error values.
func (q *OffsetCommitRequest) Decode(version int16, body []byte, memoryMax int) error {
	r := boundedReader{wireReader: wireReader{b: body, flexible: version >= offsetCommitFlexibleFrom}, memory: memoryMax}
	*q = OffsetCommitRequest{Generation: None, RetentionMillis: None, Topics: emptied(q.Topics), partitions: emptied(q.partitions)}
	q.Group = r.string()
	if version >= 1 {
		q.Generation = r.int32()
		q.MemberID = r.string()
	}
	if version >= 7 {
		q.InstanceID, _ = r.nullableString()
	}
	if version >= 2 && version <= 4 {
		q.RetentionMillis = r.int64()
	}
	for n := r.room(r.count(offsetCommitTopicBytesMin(version)), offsetCommitTopicBytes); n > 0 && !r.bad; n-- {
		q.decodeTopic(&r, version)
	}
	r.endTags()
	return r.end("OffsetCommit", version)
}

// offsetCommitTopicBytesMin is the least that a topic takes: a name or an id, an empty
// array and no tagged fields.
func offsetCommitTopicBytesMin(version int16) int {
	if version >= offsetCommitTopicIDFrom {
		return 16 + 1 + 1
	}
	return 1 + 1 + 1
}

func (q *OffsetCommitRequest) decodeTopic(r *boundedReader, version int16) {
	var t OffsetCommitTopic
	if version >= offsetCommitTopicIDFrom {
		t.ID = r.uuid()
	} else {
		t.Name = r.string()
	}
	first := len(q.partitions)
	// Index, offset and the metadata, of which a length is the least.
	for n := r.room(r.count(4+8+1), offsetCommitPartitionBytes); n > 0 && !r.bad; n-- {
		p := OffsetCommitPartition{Index: r.int32(), Offset: Offset(r.int64()), LeaderEpoch: None, Timestamp: None}
		if version >= 6 {
			p.LeaderEpoch = Epoch(r.int32())
		}
		if version == 1 {
			p.Timestamp = Timestamp(r.int64())
		}
		p.Metadata, _ = r.nullableString()
		r.endTags()
		q.partitions = append(q.partitions, p)
	}
	r.endTags()
	t.Partitions = q.partitions[first:len(q.partitions):len(q.partitions)]
	q.Topics = append(q.Topics, t)
}

// OffsetCommitTopicResult is what became of a topic, which is named as in the request.
type OffsetCommitTopicResult struct {
	Name       string
	ID         UUID
	Partitions []OffsetCommitPartitionResult
}

// OffsetCommitPartitionResult is what became of a partition.
type OffsetCommitPartitionResult struct {
	Index     int32
	ErrorCode int16
}

// AppendOffsetCommitResponse appends the body of a response.
func AppendOffsetCommitResponse(dst []byte, version int16, topics []OffsetCommitTopicResult) []byte {
	w := wireWriter{b: dst, flexible: version >= offsetCommitFlexibleFrom}
	if version >= 3 {
		w.int32(0) // the throttle time
	}
	w.count(len(topics))
	for i := range topics {
		t := &topics[i]
		if version >= offsetCommitTopicIDFrom {
			w.b = append(w.b, t.ID[:]...)
		} else {
			w.string(t.Name)
		}
		w.count(len(t.Partitions))
		for _, p := range t.Partitions {
			w.int32(p.Index)
			w.int16(p.ErrorCode)
			w.noTags()
		}
		w.noTags()
	}
	w.noTags()
	return w.b
}
