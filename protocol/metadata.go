package protocol

// Metadata, versions 0 to 13, by hand, because clients ask for it again and again, and
// those of all topics ask for much.
//
//	v1    null topics are all of them; rack, controller, is_internal
//	v2    cluster id; v3 throttle time; v5 offline replicas; v7 leader epoch
//	v4    the client may forbid creation
//	v8    authorized operations, of the cluster to v10
//	v9    flexible; v10 topic ids, null names; v13 top-level error code

const (
	metadataFlexibleFrom = 9
	metadataTopicIDFrom  = 10
	// metadataNullNameFrom is the first version whose answers may leave a name out.
	metadataNullNameFrom = 12
)

// MetadataRequest is a request, decoded in place: its slices are parts of the frame.
// Fields that a version does not have are what it means.
type MetadataRequest struct {
	All               bool // of all topics; Topics is empty then
	Topics            []MetadataTopicKey
	MayCreate         bool // the topics that do not exist
	ClusterOperations bool // asked for
	TopicOperations   bool // asked for
}

// MetadataTopicKey names a topic: by name or, when the name is nil, by id.
type MetadataTopicKey struct {
	Name []byte
	ID   UUID
}

// metadataTopicKeyBytes is what a topic of a request takes in memory, about.
const metadataTopicKeyBytes = 40

// Decode reads a body of at most memoryMax bytes in its decoded form into q and
// forgets what was there. The errors are *Error values.
func (q *MetadataRequest) Decode(version int16, body []byte, memoryMax int) error {
	r := boundedReader{wireReader: wireReader{b: body, flexible: version >= metadataFlexibleFrom}, memory: memoryMax}
	*q = MetadataRequest{Topics: emptied(q.Topics), MayCreate: true}
	n, null := r.nullableCount(metadataKeyBytesMin(version))
	q.All = null || version == 0 && n == 0
	if null && version == 0 {
		r.fail()
	}
	for n = r.room(n, metadataTopicKeyBytes); n > 0 && !r.bad; n-- {
		var t MetadataTopicKey
		if version >= metadataTopicIDFrom {
			t.ID = r.uuid()
			t.Name, _ = r.nullableString()
		} else {
			t.Name = r.string()
		}
		r.endTags()
		q.Topics = append(q.Topics, t)
	}
	if version >= 4 {
		q.MayCreate = r.int8() != 0
	}
	if version >= 8 && version <= 10 {
		q.ClusterOperations = r.int8() != 0
	}
	if version >= 8 {
		q.TopicOperations = r.int8() != 0
	}
	r.endTags()
	return r.end("Metadata", version)
}

// metadataKeyBytesMin is the least that a topic takes in a request.
func metadataKeyBytesMin(version int16) int {
	if version >= metadataTopicIDFrom {
		return 16 + 1 + 1
	}
	return 2
}

// A response is appended in pieces, in this order:
//
//	AppendMetadataStart { AppendMetadataTopic { AppendMetadataPartition } AppendMetadataTopicEnd } AppendMetadataEnd

// MetadataStart is what a response begins with.
type MetadataStart struct {
	Brokers    []NodeEndpoint
	ClusterID  string // "" is null
	Controller int32
}

// AppendMetadataStart begins the body of a response.
func AppendMetadataStart(dst []byte, version int16, s *MetadataStart, topics int) []byte {
	w := metadataWriter(dst, version)
	if version >= 3 {
		w.int32(0) // the throttle time
	}
	w.count(len(s.Brokers))
	for i := range s.Brokers {
		b := &s.Brokers[i]
		w.int32(b.NodeID)
		w.string(b.Host)
		w.int32(b.Port)
		if version >= 1 {
			w.orNull(b.Rack)
		}
		w.noTags()
	}
	if version >= 2 {
		w.orNull(s.ClusterID)
	}
	if version >= 1 {
		w.int32(s.Controller)
	}
	w.count(topics)
	return w.b
}

// MetadataTopic is a topic of a response, or why there is none.
type MetadataTopic struct {
	ErrorCode  int16
	Name       *string // nil is null; "" below version 12
	ID         UUID
	Internal   bool
	Partitions int // how many follow
}

// AppendMetadataTopic begins a topic.
func AppendMetadataTopic(dst []byte, version int16, t *MetadataTopic) []byte {
	w := metadataWriter(dst, version)
	w.int16(t.ErrorCode)
	if t.Name == nil && version < metadataNullNameFrom {
		w.string("")
	} else {
		w.nullableString(t.Name)
	}
	if version >= metadataTopicIDFrom {
		w.b = append(w.b, t.ID[:]...)
	}
	if version >= 1 {
		w.bool(t.Internal)
	}
	w.count(t.Partitions)
	return w.b
}

// MetadataPartition is a partition of a response. No replica is ever offline.
type MetadataPartition struct {
	ErrorCode   int16
	Index       int32
	Leader      int32
	LeaderEpoch Epoch
	Replicas    []int32
	ISR         []int32
}

// AppendMetadataPartition appends a whole partition.
func AppendMetadataPartition(dst []byte, version int16, p *MetadataPartition) []byte {
	w := metadataWriter(dst, version)
	w.int16(p.ErrorCode)
	w.int32(p.Index)
	w.int32(p.Leader)
	if version >= 7 {
		w.int32(int32(p.LeaderEpoch))
	}
	w.int32s(p.Replicas)
	w.int32s(p.ISR)
	if version >= 5 {
		w.count(0) // offline replicas
	}
	w.noTags()
	return w.b
}

// AppendMetadataTopicEnd ends a topic with the operations that its reader may do.
func AppendMetadataTopicEnd(dst []byte, version int16, operations int32) []byte {
	w := metadataWriter(dst, version)
	if version >= 8 {
		w.int32(operations)
	}
	w.noTags()
	return w.b
}

// AppendMetadataEnd ends the body of a response, with the operations that its reader
// may do to the cluster.
func AppendMetadataEnd(dst []byte, version int16, operations int32, errorCode int16) []byte {
	w := metadataWriter(dst, version)
	if version >= 8 && version <= 10 {
		w.int32(operations)
	}
	if version >= 13 {
		w.int16(errorCode)
	}
	w.noTags()
	return w.b
}

func metadataWriter(dst []byte, version int16) wireWriter {
	return wireWriter{b: dst, flexible: version >= metadataFlexibleFrom}
}
