package protocol

import "fmt"

// RecordRules is what a topic demands of the records that clients append.
type RecordRules struct {
	Limits DecodeLimits
	// RequireKeys refuses records without a key (cleanup.policy has compact).
	RequireKeys bool
	// LogAppendTime tells that the topic's timestamps are the broker's, so that the
	// clients' are not judged.
	LogAppendTime bool
	// Now is the time that a client's timestamps are compared with. They may lie
	// BeforeMaxMillis earlier and AfterMaxMillis later.
	Now             Timestamp
	BeforeMaxMillis int64
	AfterMaxMillis  int64
}

// RecordSummary is what ValidateRecords found.
type RecordSummary struct {
	// MaxTimestamp is the largest timestamp of a record, or -1.
	MaxTimestamp Timestamp
	// MaxTimestampDelta is the offset delta of the first record that has it, or -1.
	MaxTimestampDelta int32
	// Errors are the records that break a rule of the topic, for the answer's
	// record_errors; at most RecordErrorsMax of them.
	Errors []RecordError
}

// RecordError says what is wrong with the record at an index of its batch.
type RecordError struct {
	Index   int32
	Message string
}

// RecordErrorsMax bounds the list of errors of one batch: a batch may hold a
// hundred thousand bad records, and nobody reads the same sentence as often.
const RecordErrorsMax = 1000

// ValidateRecords looks at every record of a batch that has passed CheckBatch:
// the format of each, their number, offsets counting from 0, and the rules of the
// topic. The batch is accepted whole or not at all: with rule breaks the error is
// INVALID_TIMESTAMP if one concerns a timestamp, else INVALID_RECORD, and the
// summary lists them, as Apache Kafka's LogValidator answers.
func ValidateRecords(b Batch, rules RecordRules) (RecordSummary, error) {
	v := recordValidator{batch: b, rules: rules}
	v.MaxTimestamp, v.MaxTimestampDelta = None, None
	if err := b.scan(rules.Limits, v.record); err != nil {
		v.Errors = nil // Kafka tells them at the end of a batch that it could read
		return v.RecordSummary, err
	}
	if v.total == 0 {
		return v.RecordSummary, nil
	}
	if v.badTimestamp {
		return v.RecordSummary, ErrInvalidTimestamp.WithMessage("the timestamps of one or more records are not acceptable")
	}
	return v.RecordSummary, ErrInvalidRecord.WithMessage("%d of the %d records are not acceptable; the first: %s",
		v.total, b.Count(), v.Errors[0].Message)
}

type recordValidator struct {
	RecordSummary
	batch        Batch
	rules        RecordRules
	total        int
	badTimestamp bool
}

func (v *recordValidator) record(s recordShape) error {
	if s.offsetDelta != s.index {
		return ErrInvalidRecord.WithMessage("record %d of the batch has the offset delta %d", s.index, s.offsetDelta)
	}
	if s.nullKey && v.rules.RequireKeys {
		v.fail(s.index, "a compacted topic accepts no record without a key")
		return nil
	}
	t := v.batch.recordTimestamp(s.timestampDelta)
	if t > v.MaxTimestamp {
		v.MaxTimestamp, v.MaxTimestampDelta = t, s.index
	}
	if !v.rules.LogAppendTime && t != None {
		if v.outOfRange(t) {
			v.badTimestamp = true
			v.fail(s.index, fmt.Sprintf("the timestamp %d is not within [%d, %d]", t,
				int64(v.rules.Now)-v.rules.BeforeMaxMillis, int64(v.rules.Now)+v.rules.AfterMaxMillis))
		}
	} else if v.batch.IsLogAppendTime() {
		v.badTimestamp = true
		v.fail(s.index, "a producer may not set the timestamp type LogAppendTime")
	}
	return nil
}

// outOfRange computes as Apache Kafka does: with a difference, so that a limit
// of 2^63-1 is none.
func (v *recordValidator) outOfRange(t Timestamp) bool {
	age := int64(v.rules.Now) - int64(t)
	return age > v.rules.BeforeMaxMillis || -age > v.rules.AfterMaxMillis
}

func (v *recordValidator) fail(index int32, message string) {
	v.total++
	if len(v.Errors) < RecordErrorsMax {
		v.Errors = append(v.Errors, RecordError{Index: index, Message: message})
	}
}

// SetTimestamps makes the header say whose timestamps these are and which is the
// largest, and sets the CRC again if that changed anything. A topic with
// LogAppendTime gets (true, now), any other (false, RecordSummary.MaxTimestamp):
// clients can be wrong about the largest.
func (b Batch) SetTimestamps(logAppendTime bool, largest Timestamp) {
	attributes := b.Attributes() &^ AttributeLogAppendTime
	if logAppendTime {
		attributes |= AttributeLogAppendTime
	}
	if attributes == b.Attributes() && largest == b.MaxTimestamp() {
		return
	}
	b.SetAttributes(attributes)
	b.SetMaxTimestamp(largest)
	b.SetCRC()
}
