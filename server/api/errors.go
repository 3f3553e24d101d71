package api

import (
	"errors"
	"strings"

	"github.com/barnabas-mq/barnabas/config"
	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/coordinator/group"
	"github.com/barnabas-mq/barnabas/coordinator/share"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/partition"
	"github.com/barnabas-mq/barnabas/protocol"
)

// roomErrors maps the rooms' errors to Kafka's codes. The order matters only for
// errors that wrap each other. Errors of type *protocol.Error pass through.
var roomErrors = []struct {
	err  error
	code *protocol.Error
}{
	{logstore.ErrOffsetOutOfRange, protocol.ErrOffsetOutOfRange},
	{logstore.ErrDeleted, protocol.ErrUnknownTopicOrPartition},
	{logstore.ErrClosed, protocol.ErrNotLeaderOrFollower}, // retriable: the broker is stopping
	{logstore.ErrBatchTooLarge, protocol.ErrRecordListTooLarge},
	{logstore.ErrOutOfOrder, protocol.ErrOutOfOrderSequenceNumber},
	{logstore.ErrStaleEpoch, protocol.ErrInvalidProducerEpoch},
	{logstore.ErrInvalidTxnState, protocol.ErrInvalidTxnState},
	{logstore.ErrTransactionEnded, protocol.ErrInvalidTxnState},
	{logstore.ErrCoordinatorFenced, protocol.ErrTransactionCoordinatorFenced},
	{logstore.ErrInvalidMarker, protocol.ErrInvalidRecord},
	{metadata.ErrClosed, protocol.ErrNotController}, // retriable: the broker is stopping
	{coordinator.ErrLoading, protocol.ErrCoordinatorLoadInProgress},
	{coordinator.ErrUnavailable, protocol.ErrCoordinatorNotAvailable},
	{coordinator.ErrNotOwner, protocol.ErrNotCoordinator},
	{group.ErrInvalidGroupID, protocol.ErrInvalidGroupID},
	{group.ErrInvalidSessionTimeout, protocol.ErrInvalidSessionTimeout},
	{group.ErrMemberIDRequired, protocol.ErrMemberIDRequired},
	{group.ErrUnknownMember, protocol.ErrUnknownMemberID},
	{group.ErrFencedInstance, protocol.ErrFencedInstanceID},
	{group.ErrIllegalGeneration, protocol.ErrIllegalGeneration},
	{group.ErrRebalanceInProgress, protocol.ErrRebalanceInProgress},
	{group.ErrInconsistentProtocol, protocol.ErrInconsistentGroupProtocol},
	{group.ErrGroupFull, protocol.ErrGroupMaxSizeReached},
	{group.ErrGroupTooLarge, protocol.ErrUnknownServerError}, // as Kafka answers: trying again is of no use
	{group.ErrGroupNotFound, protocol.ErrGroupIDNotFound},
	{group.ErrGroupNotEmpty, protocol.ErrNonEmptyGroup},
	{group.ErrSubscribed, protocol.ErrGroupSubscribedToTopic},
	{group.ErrMetadataTooLarge, protocol.ErrOffsetMetadataTooLarge},
	{group.ErrCommitTooLarge, protocol.ErrInvalidCommitOffsetSize},
	{group.ErrUnsupportedGroup, protocol.ErrUnsupportedVersion},
	{group.ErrUnstableOffset, protocol.ErrUnstableOffsetCommit},
	{group.ErrInvalidRequest, protocol.ErrInvalidRequest},
	{group.ErrFencedEpoch, protocol.ErrFencedMemberEpoch},
	{group.ErrStaleEpoch, protocol.ErrStaleMemberEpoch},
	{group.ErrUnreleasedInstance, protocol.ErrUnreleasedInstanceID},
	{group.ErrUnsupportedAssignor, protocol.ErrUnsupportedAssignor},
	{group.ErrInvalidPattern, protocol.ErrInvalidRegularExpression},
	{group.ErrUnknownPartition, protocol.ErrUnknownTopicOrPartition},
	{group.ErrUnsupportedVersion, protocol.ErrUnsupportedVersion},
	{share.ErrRecordState, protocol.ErrInvalidRecordState},
	{share.ErrBeyondFetched, protocol.ErrInvalidRequest},
	{partition.ErrFencedEpoch, protocol.ErrFencedLeaderEpoch},
	{partition.ErrUnknownEpoch, protocol.ErrUnknownLeaderEpoch},
}

// commandErrors are what the rooms refuse because of what a client asked for. The
// text of such an error is for the client.
var commandErrors = []struct {
	err  error
	code *protocol.Error
}{
	{config.ErrInvalidConfig, protocol.ErrInvalidConfig},
	{config.ErrInvalidRequest, protocol.ErrInvalidRequest},
	{config.ErrUnexpected, protocol.ErrUnknownServerError},
	{metadata.ErrInvalidTopicName, protocol.ErrInvalidTopicException},
	{metadata.ErrTopicExists, protocol.ErrTopicAlreadyExists},
	{metadata.ErrUnknownTopic, protocol.ErrUnknownTopicOrPartition},
	{metadata.ErrUnknownTopicID, protocol.ErrUnknownTopicID},
	{metadata.ErrUnknownPartition, protocol.ErrUnknownTopicOrPartition},
	{metadata.ErrInvalidPartitions, protocol.ErrInvalidPartitions},
	{metadata.ErrInvalidReplicationFactor, protocol.ErrInvalidReplicationFactor},
	{metadata.ErrInvalidAssignment, protocol.ErrInvalidReplicaAssignment},
	{metadata.ErrInvalidRequest, protocol.ErrInvalidRequest},
	{metadata.ErrInvalidConfig, protocol.ErrInvalidConfig},
	{metadata.ErrPolicyViolation, protocol.ErrPolicyViolation},
	{metadata.ErrInvalidFeatureLevel, protocol.ErrInvalidUpdateVersion},
	{metadata.ErrStaleBrokerEpoch, protocol.ErrStaleBrokerEpoch},
	{metadata.ErrDuplicate, protocol.ErrDuplicateResource},
	{metadata.ErrNotFound, protocol.ErrResourceNotFound},
	{metadata.ErrUnacceptableCredential, protocol.ErrUnacceptableCredential},
	{metadata.ErrNoPassword, protocol.ErrUnknownServerError},
	{metadata.ErrTokenNotFound, protocol.ErrDelegationTokenNotFound},
	{metadata.ErrTokenExpired, protocol.ErrDelegationTokenExpired},
	{metadata.ErrNotTokensOwner, protocol.ErrDelegationTokenOwnerMismatch},
	{metadata.ErrUnsupported, protocol.ErrUnsupportedVersion},
	{metadata.ErrUnknownMechanism, protocol.ErrUnsupportedSASLMechanism},
}

// errorOf is the code that a client gets for an error of a room. What has no
// code of its own is a failure of the storage below: retriable, because the
// outcome of the request is unknown (never UNKNOWN_SERVER_ERROR, on which
// clients give up).
func errorOf(err error) *protocol.Error {
	if err == nil {
		return nil
	}
	var code *protocol.Error
	if errors.As(err, &code) {
		return code
	}
	for _, row := range roomErrors {
		if errors.Is(err, row.err) {
			if text, ok := group.Explain(err); ok {
				return row.code.WithMessage("%s", text)
			}
			return row.code
		}
	}
	for _, row := range commandErrors {
		if errors.Is(err, row.err) {
			return row.code.WithMessage("%s", err.Error())
		}
	}
	return protocol.ErrKafkaStorageError
}

// codeOf is the number of errorOf, 0 for no error.
func codeOf(err error) int16 {
	if e := errorOf(err); e != nil {
		return e.Code
	}
	return 0
}

// namedMax is how much of a name that does not exist an error repeats: all of a
// topic's that could.
const namedMax = 249

// cut shortens a peer's text for an error message.
func cut(s string) string {
	if len(s) <= namedMax {
		return s
	}
	return strings.ToValidUTF8(s[:namedMax], "") + "..."
}

// problemOf is an error as responses tell it: a code and a text, null for none. What
// Kafka does not expect it does not explain either (ApiError.fromThrowable).
func problemOf(err error) (code int16, text *string) {
	e := errorOf(err)
	if e == nil {
		return 0, nil
	}
	if e.Code == protocol.ErrUnknownServerError.Code {
		return e.Code, nil
	}
	return e.Code, &e.Message
}

// noText is the message of a success where Kafka says "" and not null.
func noText() *string { return new(string) }
