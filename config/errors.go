package config

import (
	"errors"
	"fmt"
	"strings"
)

// The ways in which Kafka refuses a change of settings; to be told apart
// with errors.Is.
var (
	// ErrInvalidConfig is a value, a name or a combination that is not legal
	// (INVALID_CONFIG).
	ErrInvalidConfig = errors.New("invalid configuration")
	// ErrInvalidRequest is a change that may not be asked for (INVALID_REQUEST).
	ErrInvalidRequest = errors.New("invalid request")
	// ErrUnexpected is a change that Kafka fails at without a code of its own
	// (UNKNOWN_SERVER_ERROR).
	ErrUnexpected = errors.New("unexpected change")
)

// Error is why a change of settings is refused. Message may go to the client.
type Error struct {
	Kind    error
	Key     string
	Message string
}

func (e *Error) Error() string { return e.Message }

// Unwrap makes errors.Is work with the kind.
func (e *Error) Unwrap() error { return e.Kind }

func refuse(kind error, key, format string, args ...any) error {
	return &Error{Kind: kind, Key: key, Message: fmt.Sprintf(format, args...)}
}

// Origin tells where a value was written.
type Origin struct {
	Kind OriginKind
	// Name is the file or the environment variable.
	Name string
	Line int
}

// OriginKind orders the places where a value may come from, the weakest first.
type OriginKind uint8

const (
	FromDefault OriginKind = iota
	FromProfile
	FromFile
	FromEnvironment
	FromOverride
	FromFlag
	// FromDynamic is a value that was altered while a broker ran.
	FromDynamic
)

// String is what goes in front of a message.
func (o Origin) String() string {
	switch o.Kind {
	case FromProfile:
		return "profile " + o.Name
	case FromFile:
		return fmt.Sprintf("%s:%d", o.Name, o.Line)
	case FromEnvironment:
		return "environment " + o.Name
	case FromOverride:
		return "--override"
	case FromFlag:
		return o.Name
	case FromDynamic:
		return "dynamic configuration"
	}
	return "default"
}

// Problem is one thing that is wrong, or worth a warning, in the settings that
// a broker starts with.
type Problem struct {
	Key    string
	Origin Origin
	Text   string
}

func (p Problem) String() string { return p.Origin.String() + ": " + p.Text }

// Problems are all that is wrong: a user mends a file in one go.
type Problems []Problem

func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, one := range p {
		lines[i] = one.String()
	}
	return strings.Join(lines, "\n")
}

// asError is nil for an empty list.
func (p Problems) asError() error {
	if len(p) == 0 {
		return nil
	}
	return p
}
