package metadata

import (
	"errors"
	"fmt"
)

// Why a command refuses. Errors of commands wrap one of these, to be told apart
// with errors.Is, and carry a text for the client, which is Kafka's where a
// client or a person may look for it.
var (
	ErrInvalidTopicName         = errors.New("invalid topic name")
	ErrTopicExists              = errors.New("the topic exists")
	ErrUnknownTopic             = errors.New("unknown topic")
	ErrUnknownTopicID           = errors.New("unknown topic id")
	ErrUnknownPartition         = errors.New("unknown partition")
	ErrInvalidPartitions        = errors.New("invalid number of partitions")
	ErrInvalidReplicationFactor = errors.New("invalid replication factor")
	ErrInvalidAssignment        = errors.New("invalid replica assignment")
	ErrInvalidRequest           = errors.New("invalid request")
	ErrInvalidConfig            = errors.New("invalid config")
	ErrInvalidFeatureLevel      = errors.New("the level of the feature is not valid")
	ErrPolicyViolation          = errors.New("a limit forbids it")
	ErrStaleBrokerEpoch         = errors.New("stale broker epoch")
	ErrDuplicate                = errors.New("named twice")
	ErrNotFound                 = errors.New("it does not exist")
	ErrUnacceptableCredential   = errors.New("the credential is not acceptable")
	ErrNoPassword               = errors.New("there is no salted password")
	ErrTokenNotFound            = errors.New("there is no such delegation token")
	ErrTokenExpired             = errors.New("the delegation token has expired")
	ErrNotTokensOwner           = errors.New("neither the owner nor a renewer of the delegation token")
	ErrUnsupported              = errors.New("the metadata.version is too old for it")
	ErrUnknownMechanism         = errors.New("unknown mechanism")
)

// commandError is a reason with its text for the client.
type commandError struct {
	reason error
	text   string
}

func (e *commandError) Error() string { return e.text }

func (e *commandError) Unwrap() error { return e.reason }

func refuse(reason error, format string, args ...any) error {
	return &commandError{reason, fmt.Sprintf(format, args...)}
}
