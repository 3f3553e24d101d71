package protocol

// Record is one record of a batch. In EachRecord it and its slices are reused for
// the next one.
type Record struct {
	Attributes int8
	Offset     Offset
	Timestamp  Timestamp
	Key, Value []byte // nil is null
	Headers    []RecordHeader
}

// RecordHeader is a name with a value; nil is null.
type RecordHeader struct {
	Key   string
	Value []byte
}

// EachRecord calls fn with every record in order and stops at its first error.
// Compressed records are decompressed as a stream, so the memory needed is that of
// the largest record. The errors of the format itself are *Error values.
func (b Batch) EachRecord(limits DecodeLimits, fn func(*Record) error) error {
	var record Record
	return b.walk(limits, func(body []byte, _ int32) error {
		if err := record.decode(body, b); err != nil {
			return err
		}
		return fn(&record)
	})
}

// EachPosition calls fn with the offset and the timestamp of every record, which
// is all that a lookup by time needs. It keeps no key or value in memory.
func (b Batch) EachPosition(limits DecodeLimits, fn func(Offset, Timestamp) error) error {
	return b.scan(limits, func(s recordShape) error {
		return fn(b.BaseOffset()+Offset(s.offsetDelta), b.recordTimestamp(s.timestampDelta))
	})
}

// recordTimestamp is the timestamp of a record with the delta.
func (b Batch) recordTimestamp(delta int64) Timestamp {
	if b.IsLogAppendTime() {
		return b.MaxTimestamp()
	}
	return b.BaseTimestamp() + Timestamp(delta)
}

// decode reads the body of a record: everything after its length.
func (r *Record) decode(body []byte, b Batch) error {
	var s recordShape
	rest, err := s.decodeStart(body)
	if err != nil {
		return err
	}
	r.Attributes = s.attributes
	r.Offset = b.BaseOffset() + Offset(s.offsetDelta)
	r.Timestamp = b.recordTimestamp(s.timestampDelta)
	var ok bool
	if r.Key, rest, ok = takeVarintBytes(rest); !ok {
		return errRecordShort
	}
	if r.Value, rest, ok = takeVarintBytes(rest); !ok {
		return errRecordShort
	}
	count, n := readVarint32(rest)
	if n == 0 || count < 0 || int(count) > len(rest)/2 { // a header has 2 bytes or more
		return errRecordHeaders
	}
	rest = rest[n:]
	r.Headers = r.Headers[:0]
	for range count {
		var key, value []byte
		if key, rest, ok = takeVarintBytes(rest); !ok || key == nil {
			return errRecordHeaders
		}
		if value, rest, ok = takeVarintBytes(rest); !ok {
			return errRecordHeaders
		}
		r.Headers = append(r.Headers, RecordHeader{Key: string(key), Value: value})
	}
	if len(rest) != 0 {
		return errRecordLong
	}
	return nil
}

// takeVarintBytes splits off bytes with a varint length; -1 is nil, and an empty
// value is not nil. Other negative lengths are read as null, as Java reads them.
func takeVarintBytes(b []byte) (taken, rest []byte, ok bool) {
	length, n := readVarint32(b)
	if n == 0 || int(length) > len(b)-n {
		return nil, b, false
	}
	b = b[n:]
	if length < 0 {
		return nil, b, true
	}
	return b[:length:length], b[length:], true
}

var (
	errRecordShort   = ErrInvalidRecord.WithMessage("a record ends before its fields do")
	errRecordLong    = ErrInvalidRecord.WithMessage("a record is longer than its fields")
	errRecordLength  = ErrInvalidRecord.WithMessage("a record has an impossible length")
	errRecordHeaders = ErrInvalidRecord.WithMessage("a record has invalid headers")
	errRecordsMissed = ErrInvalidRecord.WithMessage("the batch has fewer records than it claims")
	errRecordsLeft   = ErrInvalidRecord.WithMessage("the batch has more data than the records that it claims")
)
