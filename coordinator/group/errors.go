package group

import "errors"

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
)
