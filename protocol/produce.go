package protocol

// Produce, versions 0 to 13, by hand, because every record passes here.
//
//	v0-2  message sets (formats 0 and 1); v1 adds the throttle time, v2 the append time
//	v3    transactional id; batches of format 2 only
//	v5    log start offset; v8 errors of single records; v9 flexible
//	v10   tagged current leader and node endpoints (KIP-951)
//	v13   topics by id

// produceFlexibleFrom is the first flexible version.
const produceFlexibleFrom = 9

// produceTopicIDFrom is the first version that names topics by id.
const produceTopicIDFrom = 13

// topicBytesMin is the least that a topic takes in any version of Produce and
// Fetch: an empty compact name, no partitions, no tagged fields.
const topicBytesMin = 3

// ProduceRequest is a request, decoded in place: its slices are parts of the
// frame, and the struct is meant to be reused for the next frame.
type ProduceRequest struct {
	TransactionalID []byte // nil is null
	Acks            int16
	TimeoutMillis   int32
	Topics          []ProduceTopic

	partitions []ProducePartition // of all topics
}

// ProduceTopic is named up to version 12 and has an id from version 13 on.
type ProduceTopic struct {
	Name       []byte
	ID         UUID
	Partitions []ProducePartition
}

// ProducePartition is what to append to one partition.
type ProducePartition struct {
	Index   int32
	Records []byte // nil is null
}

// Decode reads a body into q and forgets what was there.
func (q *ProduceRequest) Decode(version int16, body []byte) error {
	r := wireReader{b: body, flexible: version >= produceFlexibleFrom}
	q.Topics, q.partitions, q.TransactionalID = emptied(q.Topics), emptied(q.partitions), nil
	if version >= 3 {
		q.TransactionalID, _ = r.nullableString()
	}
	q.Acks = r.int16()
	q.TimeoutMillis = r.int32()
	for n := r.elements(topicBytesMin); n > 0 && !r.bad; n-- {
		q.decodeTopic(&r, version)
	}
	r.endTags()
	return r.end("Produce", version)
}

func (q *ProduceRequest) decodeTopic(r *wireReader, version int16) {
	var t ProduceTopic
	if version >= produceTopicIDFrom {
		t.ID = r.uuid()
	} else {
		t.Name = r.string()
	}
	first := len(q.partitions)
	for n := r.elements(6); n > 0 && !r.bad; n-- { // index, records, tags
		p := ProducePartition{Index: r.int32(), Records: r.nullableBytes()}
		r.endTags()
		q.partitions = append(q.partitions, p)
	}
	r.endTags()
	t.Partitions = q.partitions[first:len(q.partitions):len(q.partitions)]
	q.Topics = append(q.Topics, t)
	if len(q.partitions)+len(q.Topics) > requestElementsMax {
		r.fail()
	}
}

// ProducePartitionResult is what happened to one partition. Offsets and times of
// an error are -1.
type ProducePartitionResult struct {
	Index          int32
	ErrorCode      int16
	BaseOffset     Offset
	LogAppendTime  Timestamp // -1 where the topic keeps the clients' times
	LogStartOffset Offset
	RecordErrors   []RecordError
	ErrorMessage   string            // "" is null
	CurrentLeader  *LeaderIDAndEpoch // nil: not told
}

// LeaderIDAndEpoch tells where a partition's leader is (KIP-951).
type LeaderIDAndEpoch struct {
	LeaderID    int32
	LeaderEpoch Epoch
}

// NodeEndpoint is a broker's address, for the leaders that an answer tells.
type NodeEndpoint struct {
	NodeID int32
	Host   string
	Port   int32
	Rack   string // "" is null
}

// A response is appended in pieces, in this order:
//
//	AppendProduceStart { AppendProduceTopic { AppendProducePartition } AppendProduceTopicEnd } AppendProduceEnd

// AppendProduceStart begins the body of a response.
func AppendProduceStart(dst []byte, version int16, topics int) []byte {
	w := produceWriter(dst, version)
	w.count(topics)
	return w.b
}

// AppendProduceTopic begins a topic, named as the request named it.
func AppendProduceTopic(dst []byte, version int16, t *ProduceTopic, partitions int) []byte {
	w := produceWriter(dst, version)
	if version >= produceTopicIDFrom {
		w.b = append(w.b, t.ID[:]...)
	} else {
		w.stringLength(len(t.Name))
		w.b = append(w.b, t.Name...)
	}
	w.count(partitions)
	return w.b
}

// AppendProducePartition appends a whole partition.
func AppendProducePartition(dst []byte, version int16, p *ProducePartitionResult) []byte {
	w := produceWriter(dst, version)
	w.int32(p.Index)
	w.int16(p.ErrorCode)
	w.int64(int64(p.BaseOffset))
	if version >= 2 {
		w.int64(int64(p.LogAppendTime))
	}
	if version >= 5 {
		w.int64(int64(p.LogStartOffset))
	}
	if version >= 8 {
		w.count(len(p.RecordErrors))
		for _, e := range p.RecordErrors {
			w.int32(e.Index)
			w.orNull(e.Message)
			w.noTags()
		}
		w.orNull(p.ErrorMessage)
	}
	if version < 10 || p.CurrentLeader == nil {
		w.noTags()
		return w.b
	}
	w.b = append(w.b, 1)
	w.leader(0, p.CurrentLeader)
	return w.b
}

// leader is the tagged field with a leader.
func (w *wireWriter) leader(tag byte, l *LeaderIDAndEpoch) {
	w.b = append(w.b, tag, 4+4+1)
	w.int32(l.LeaderID)
	w.int32(int32(l.LeaderEpoch))
	w.b = append(w.b, 0)
}

// AppendProduceTopicEnd ends a topic.
func AppendProduceTopicEnd(dst []byte, version int16) []byte {
	w := produceWriter(dst, version)
	w.noTags()
	return w.b
}

// AppendProduceEnd ends the body of a response.
func AppendProduceEnd(dst []byte, version int16, throttleMillis int32, endpoints []NodeEndpoint) []byte {
	w := produceWriter(dst, version)
	if version >= 1 {
		w.int32(throttleMillis)
	}
	if version < 10 || len(endpoints) == 0 {
		w.noTags()
		return w.b
	}
	w.endpoints(endpoints)
	return w.b
}

// endpoints is the list of tagged fields with the endpoints alone, as tag 0.
func (w *wireWriter) endpoints(endpoints []NodeEndpoint) {
	w.b = append(w.b, 1)
	w.b = appendTag(w.b, 0, func(b []byte) []byte {
		w := wireWriter{b: b, flexible: true}
		w.count(len(endpoints))
		for _, e := range endpoints {
			w.int32(e.NodeID)
			w.string(e.Host)
			w.int32(e.Port)
			w.orNull(e.Rack)
			w.noTags()
		}
		return w.b
	})
}

func produceWriter(dst []byte, version int16) wireWriter {
	return wireWriter{b: dst, flexible: version >= produceFlexibleFrom}
}
