package protocol

import "fmt"

// Error is an error code of the protocol with the text that goes with it. It is
// what a client is told; lower rooms return plain Go errors, and only the edge
// turns those into one of these.
type Error struct {
	Code    int16
	Name    string // as Kafka spells it, UNKNOWN_TOPIC_OR_PARTITION
	Message string
	// Retriable tells whether clients try again by themselves.
	Retriable bool
}

// Error is the name and the message.
func (e *Error) Error() string { return e.Name + ": " + e.Message }

// Is compares codes, so that errors.Is finds an error with a message of its own.
func (e *Error) Is(target error) bool {
	other, ok := target.(*Error)
	return ok && other.Code == e.Code
}

// WithMessage is the same error with another text.
func (e *Error) WithMessage(format string, args ...any) *Error {
	changed := *e
	changed.Message = fmt.Sprintf(format, args...)
	return &changed
}

// ErrorForCode is the error of a code; an unknown code is UNKNOWN_SERVER_ERROR,
// and 0 is ErrNone, which must not be returned as a Go error.
func ErrorForCode(code int16) *Error {
	if i := int(code) + 1; i >= 0 && i < len(errorsByCode) {
		return errorsByCode[i]
	}
	return ErrUnknownServerError
}
