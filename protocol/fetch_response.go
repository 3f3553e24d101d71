package protocol

// FetchPartitionResult is the answer for one partition, apart from the records.
type FetchPartitionResult struct {
	Index                int32
	ErrorCode            int16
	HighWatermark        Offset // -1 with an error
	LastStableOffset     Offset
	LogStartOffset       Offset
	Aborted              []AbortedTransaction // nil is null
	PreferredReadReplica int32                // -1: none
	Diverging            *EpochEndOffset      // nil: none
	CurrentLeader        *LeaderIDAndEpoch    // nil: not told
}

// AbortedTransaction tells a consumer what to leave out.
type AbortedTransaction struct {
	ProducerID  ProducerID
	FirstOffset Offset
}

// EpochEndOffset is the largest epoch that reader and leader share, with its end.
type EpochEndOffset struct {
	Epoch     Epoch
	EndOffset Offset
}

// A response is appended in pieces, so that records can be sent from a file
// between them:
//
//	AppendFetchStart {
//	  AppendFetchTopic { AppendFetchPartition, the records, AppendFetchPartitionEnd } AppendFetchTopicEnd
//	} AppendFetchEnd

// AppendFetchStart begins the body of a response.
func AppendFetchStart(dst []byte, version int16, throttleMillis int32, errorCode int16, sessionID int32, topics int) []byte {
	w := fetchWriter(dst, version)
	if version >= 1 {
		w.int32(throttleMillis)
	}
	if version >= 7 {
		w.int16(errorCode)
		w.int32(sessionID)
	}
	w.count(topics)
	return w.b
}

// AppendFetchTopic begins a topic; up to version 12 the name is sent, then the id.
func AppendFetchTopic(dst []byte, version int16, name string, id UUID, partitions int) []byte {
	w := fetchWriter(dst, version)
	if version >= fetchTopicIDFrom {
		w.b = append(w.b, id[:]...)
	} else {
		w.string(name)
	}
	w.count(partitions)
	return w.b
}

// AppendFetchPartition appends a partition up to the length of its records, of
// which exactly recordBytes must follow.
func AppendFetchPartition(dst []byte, version int16, p *FetchPartitionResult, recordBytes int) []byte {
	w := fetchWriter(dst, version)
	w.int32(p.Index)
	w.int16(p.ErrorCode)
	w.int64(int64(p.HighWatermark))
	if version >= 4 {
		w.int64(int64(p.LastStableOffset))
	}
	if version >= 5 {
		w.int64(int64(p.LogStartOffset))
	}
	if version >= 4 {
		w.aborted(p.Aborted)
	}
	if version >= 11 {
		w.int32(p.PreferredReadReplica)
	}
	w.count(recordBytes)
	return w.b
}

func (w *wireWriter) aborted(aborted []AbortedTransaction) {
	if aborted == nil {
		w.count(-1)
		return
	}
	w.count(len(aborted))
	for _, a := range aborted {
		w.int64(int64(a.ProducerID))
		w.int64(int64(a.FirstOffset))
		w.noTags()
	}
}

// AppendFetchPartitionEnd appends what follows the records.
func AppendFetchPartitionEnd(dst []byte, version int16, p *FetchPartitionResult) []byte {
	if version < fetchFlexibleFrom {
		return dst
	}
	w := fetchWriter(dst, version)
	tags := byte(0)
	if p.Diverging != nil {
		tags++
	}
	if p.CurrentLeader != nil {
		tags++
	}
	w.b = append(w.b, tags)
	if p.Diverging != nil {
		w.b = append(w.b, 0, 4+8+1)
		w.int32(int32(p.Diverging.Epoch))
		w.int64(int64(p.Diverging.EndOffset))
		w.b = append(w.b, 0)
	}
	if p.CurrentLeader != nil {
		w.leader(1, p.CurrentLeader)
	}
	return w.b
}

// AppendFetchTopicEnd ends a topic.
func AppendFetchTopicEnd(dst []byte, version int16) []byte {
	w := fetchWriter(dst, version)
	w.noTags()
	return w.b
}

// AppendFetchEnd ends the body of a response. Endpoints are sent from version 16 on.
func AppendFetchEnd(dst []byte, version int16, endpoints []NodeEndpoint) []byte {
	w := fetchWriter(dst, version)
	if version < 16 || len(endpoints) == 0 {
		w.noTags()
		return w.b
	}
	w.endpoints(endpoints)
	return w.b
}

func fetchWriter(dst []byte, version int16) wireWriter {
	return wireWriter{b: dst, flexible: version >= fetchFlexibleFrom}
}
