package group

import (
	"errors"
	"fmt"
)

// What a group tells its clients. The edge maps each to Kafka's error code.
var (
	ErrInvalidGroupID        = errors.New("the group id is empty")
	ErrInvalidSessionTimeout = errors.New("the session timeout is outside the allowed range")
	ErrMemberIDRequired      = errors.New("the member must join again with the id it was given")
	ErrUnknownMember         = errors.New("the group does not know the member")
	ErrFencedInstance        = errors.New("another member has taken over the group instance id")
	ErrIllegalGeneration     = errors.New("the generation is not the group's")
	ErrRebalanceInProgress   = errors.New("the group is rebalancing")
	ErrInconsistentProtocol  = errors.New("the member's protocols do not fit the group's")
	ErrGroupFull             = errors.New("the group has as many members as it may")
	ErrGroupTooLarge         = errors.New("the group's members and assignments do not fit in one record")
	ErrGroupNotFound         = errors.New("there is no such group")
	ErrGroupNotEmpty         = errors.New("the group is not empty")
	ErrSubscribed            = errors.New("the group is subscribed to the topic")
	ErrMetadataTooLarge      = errors.New("the offset's metadata is too long")
	ErrCommitTooLarge        = errors.New("the commit is too large")
	ErrUnsupportedGroup      = errors.New("the group is of a protocol that is not served")
	ErrUnstableOffset        = errors.New("a transaction that moves the offset is open")

	ErrInvalidRequest      = errors.New("the request is not well formed")
	ErrFencedEpoch         = errors.New("the member's epoch is not the one that the group knows")
	ErrStaleEpoch          = errors.New("the member's epoch is not the present one")
	ErrUnreleasedInstance  = errors.New("another member still holds the group instance id")
	ErrUnsupportedAssignor = errors.New("the group has no such assignor")
	ErrInvalidPattern      = errors.New("the subscription is not a valid regular expression")
	ErrUnknownPartition    = errors.New("there is no such topic or partition")
	ErrUnsupportedVersion  = errors.New("the version of the request cannot express what it asks for")
)

// refusal is one of these errors with a text for the client.
type refusal struct {
	err  error
	text string
}

func (r *refusal) Error() string { return r.text }
func (r *refusal) Unwrap() error { return r.err }

// Explain is the text for the client of an error that has one of its own.
func Explain(err error) (string, bool) {
	var r *refusal
	if errors.As(err, &r) {
		return r.text, true
	}
	return "", false
}

// refuse words one of these errors as the consumer protocol tells it to clients.
func refuse(err error, format string, args ...any) error {
	return &refusal{err, fmt.Sprintf(format, args...)}
}
