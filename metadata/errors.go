package metadata

import (
	"errors"
	"fmt"

	"github.com/barnabas-mq/barnabas/protocol"
)

// CorruptError says that the metadata is damaged, and where. The broker stops
// with exit code 3 and leaves the directory as it is.
type CorruptError struct {
	File   string          // a file or folder of the metadata partition
	Offset protocol.Offset // of the record, -1 when unknown
	Reason string
	Err    error // what lies below, or nil
}

// Error implements error.
func (e *CorruptError) Error() string {
	text := e.File + ": "
	if e.Offset >= 0 {
		text += fmt.Sprintf("offset %d: ", e.Offset)
	}
	text += e.Reason
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap gives the error below.
func (e *CorruptError) Unwrap() error { return e.Err }

// UnsupportedError says that the metadata is whole but belongs to a newer
// version, or to a node of a larger cluster. The broker stops with exit code 3
// and leaves the directory as it is.
type UnsupportedError struct {
	File   string
	Offset protocol.Offset // of the record, -1 when no single record is to blame
	Reason string
}

// Error implements error.
func (e *UnsupportedError) Error() string {
	if e.Offset < 0 {
		return e.File + ": " + e.Reason
	}
	return fmt.Sprintf("%s: offset %d: %s", e.File, e.Offset, e.Reason)
}

// UnknownRecordError says that a record is of a type or version that this
// program does not know.
type UnknownRecordError struct {
	What string
}

// Error implements error.
func (e *UnknownRecordError) Error() string { return "unknown " + e.What }

// judged tells whether an error says already what is wrong with the folder.
func judged(err error) bool {
	var corrupt *CorruptError
	var unsupported *UnsupportedError
	return errors.As(err, &corrupt) || errors.As(err, &unsupported)
}
