package protocol

// The error codes of the protocol, -1 to 136, as Apache Kafka 4.4 numbers them
// (org.apache.kafka.common.protocol.Errors). The name of each variable is the
// wire name in Go's spelling; the messages are our own.
var (
	ErrUnknownServerError                     = &Error{Code: -1, Name: "UNKNOWN_SERVER_ERROR", Message: "The server met a problem that it did not expect while it handled the request."}
	ErrNone                                   = &Error{Code: 0, Name: "NONE", Message: "No error."}
	ErrOffsetOutOfRange                       = &Error{Code: 1, Name: "OFFSET_OUT_OF_RANGE", Message: "The offset lies outside the range that the partition keeps."}
	ErrCorruptMessage                         = &Error{Code: 2, Name: "CORRUPT_MESSAGE", Retriable: true, Message: "The message is damaged: its checksum does not match its contents, its size is wrong, or it cannot be decoded."}
	ErrUnknownTopicOrPartition                = &Error{Code: 3, Name: "UNKNOWN_TOPIC_OR_PARTITION", Retriable: true, Message: "This server does not host this topic-partition."}
	ErrInvalidFetchSize                       = &Error{Code: 4, Name: "INVALID_FETCH_SIZE", Message: "The fetch size that was asked for is not valid."}
	ErrLeaderNotAvailable                     = &Error{Code: 5, Name: "LEADER_NOT_AVAILABLE", Retriable: true, Message: "The partition has no leader at the moment, as during a leader election."}
	ErrNotLeaderOrFollower                    = &Error{Code: 6, Name: "NOT_LEADER_OR_FOLLOWER", Retriable: true, Message: "For requests meant for the leader only, this broker is not the leader; for those that any replica serves, it is no replica of the partition."}
	ErrRequestTimedOut                        = &Error{Code: 7, Name: "REQUEST_TIMED_OUT", Retriable: true, Message: "The request ran out of time."}
	ErrBrokerNotAvailable                     = &Error{Code: 8, Name: "BROKER_NOT_AVAILABLE", Message: "The broker is not available."}
	ErrReplicaNotAvailable                    = &Error{Code: 9, Name: "REPLICA_NOT_AVAILABLE", Retriable: true, Message: "The replica that was asked for is not available."}
	ErrMessageTooLarge                        = &Error{Code: 10, Name: "MESSAGE_TOO_LARGE", Message: "The request holds a message larger than the largest size that the server accepts."}
	ErrStaleControllerEpoch                   = &Error{Code: 11, Name: "STALE_CONTROLLER_EPOCH", Message: "The request carries a controller epoch older than the current one."}
	ErrOffsetMetadataTooLarge                 = &Error{Code: 12, Name: "OFFSET_METADATA_TOO_LARGE", Message: "The metadata text of the offset commit is too long."}
	ErrNetworkException                       = &Error{Code: 13, Name: "NETWORK_EXCEPTION", Retriable: true, Message: "The server disconnected before it answered."}
	ErrCoordinatorLoadInProgress              = &Error{Code: 14, Name: "COORDINATOR_LOAD_IN_PROGRESS", Retriable: true, Message: "The coordinator is still loading its state and cannot serve requests yet."}
	ErrCoordinatorNotAvailable                = &Error{Code: 15, Name: "COORDINATOR_NOT_AVAILABLE", Retriable: true, Message: "The coordinator is not available."}
	ErrNotCoordinator                         = &Error{Code: 16, Name: "NOT_COORDINATOR", Retriable: true, Message: "This broker is not the coordinator for the request."}
	ErrInvalidTopicException                  = &Error{Code: 17, Name: "INVALID_TOPIC_EXCEPTION", Message: "The request named a topic with which this operation is not allowed."}
	ErrRecordListTooLarge                     = &Error{Code: 18, Name: "RECORD_LIST_TOO_LARGE", Message: "The message batch in the request is larger than the segment size configured on the server."}
	ErrNotEnoughReplicas                      = &Error{Code: 19, Name: "NOT_ENOUGH_REPLICAS", Retriable: true, Message: "The message was refused because there are fewer in-sync replicas than required."}
	ErrNotEnoughReplicasAfterAppend           = &Error{Code: 20, Name: "NOT_ENOUGH_REPLICAS_AFTER_APPEND", Retriable: true, Message: "The message was written, but to fewer in-sync replicas than required."}
	ErrInvalidRequiredAcks                    = &Error{Code: 21, Name: "INVALID_REQUIRED_ACKS", Message: "The produce request asked for a value of acks that does not exist."}
	ErrIllegalGeneration                      = &Error{Code: 22, Name: "ILLEGAL_GENERATION", Message: "The generation id given for the group is not the current one."}
	ErrInconsistentGroupProtocol              = &Error{Code: 23, Name: "INCONSISTENT_GROUP_PROTOCOL", Message: "The member's protocol type or its protocols do not fit those of the group, or it offered none."}
	ErrInvalidGroupID                         = &Error{Code: 24, Name: "INVALID_GROUP_ID", Message: "The group id is not valid."}
	ErrUnknownMemberID                        = &Error{Code: 25, Name: "UNKNOWN_MEMBER_ID", Message: "The coordinator does not know this member."}
	ErrInvalidSessionTimeout                  = &Error{Code: 26, Name: "INVALID_SESSION_TIMEOUT", Message: "The session timeout is outside the range that the broker allows (see group.min.session.timeout.ms and group.max.session.timeout.ms)."}
	ErrRebalanceInProgress                    = &Error{Code: 27, Name: "REBALANCE_IN_PROGRESS", Message: "The group is rebalancing, so the member should join again."}
	ErrInvalidCommitOffsetSize                = &Error{Code: 28, Name: "INVALID_COMMIT_OFFSET_SIZE", Message: "The size of the offset commit's data is not valid."}
	ErrTopicAuthorizationFailed               = &Error{Code: 29, Name: "TOPIC_AUTHORIZATION_FAILED", Message: "Not authorized for the topic."}
	ErrGroupAuthorizationFailed               = &Error{Code: 30, Name: "GROUP_AUTHORIZATION_FAILED", Message: "Not authorized for the group."}
	ErrClusterAuthorizationFailed             = &Error{Code: 31, Name: "CLUSTER_AUTHORIZATION_FAILED", Message: "Not authorized for the cluster."}
	ErrInvalidTimestamp                       = &Error{Code: 32, Name: "INVALID_TIMESTAMP", Message: "The timestamp of the message is out of the acceptable range."}
	ErrUnsupportedSASLMechanism               = &Error{Code: 33, Name: "UNSUPPORTED_SASL_MECHANISM", Message: "The broker does not offer the SASL mechanism that was asked for."}
	ErrIllegalSASLState                       = &Error{Code: 34, Name: "ILLEGAL_SASL_STATE", Message: "The request does not fit the present state of the SASL exchange."}
	ErrUnsupportedVersion                     = &Error{Code: 35, Name: "UNSUPPORTED_VERSION", Message: "This version of the API is not supported."}
	ErrTopicAlreadyExists                     = &Error{Code: 36, Name: "TOPIC_ALREADY_EXISTS", Message: "A topic of this name already exists."}
	ErrInvalidPartitions                      = &Error{Code: 37, Name: "INVALID_PARTITIONS", Message: "The number of partitions is below 1 or otherwise not valid."}
	ErrInvalidReplicationFactor               = &Error{Code: 38, Name: "INVALID_REPLICATION_FACTOR", Message: "The replication factor is below 1 or larger than the number of available brokers."}
	ErrInvalidReplicaAssignment               = &Error{Code: 39, Name: "INVALID_REPLICA_ASSIGNMENT", Message: "The replica assignment is not valid."}
	ErrInvalidConfig                          = &Error{Code: 40, Name: "INVALID_CONFIG", Message: "The configuration is not valid."}
	ErrNotController                          = &Error{Code: 41, Name: "NOT_CONTROLLER", Retriable: true, Message: "This is not the right controller for this cluster."}
	ErrInvalidRequest                         = &Error{Code: 42, Name: "INVALID_REQUEST", Message: "The request is malformed or holds values that do not fit together; the server's log may say more."}
	ErrUnsupportedForMessageFormat            = &Error{Code: 43, Name: "UNSUPPORTED_FOR_MESSAGE_FORMAT", Message: "The message format on the broker does not support this request."}
	ErrPolicyViolation                        = &Error{Code: 44, Name: "POLICY_VIOLATION", Message: "The request violates the configured policy."}
	ErrOutOfOrderSequenceNumber               = &Error{Code: 45, Name: "OUT_OF_ORDER_SEQUENCE_NUMBER", Message: "The broker received a sequence number out of order."}
	ErrDuplicateSequenceNumber                = &Error{Code: 46, Name: "DUPLICATE_SEQUENCE_NUMBER", Message: "The broker received a sequence number that it already has."}
	ErrInvalidProducerEpoch                   = &Error{Code: 47, Name: "INVALID_PRODUCER_EPOCH", Message: "The producer used an epoch older than the newest one known."}
	ErrInvalidTxnState                        = &Error{Code: 48, Name: "INVALID_TXN_STATE", Message: "The producer attempted an operation that its transaction's state does not allow."}
	ErrInvalidProducerIDMapping               = &Error{Code: 49, Name: "INVALID_PRODUCER_ID_MAPPING", Message: "The producer id is not the one now assigned to the transactional id."}
	ErrInvalidTransactionTimeout              = &Error{Code: 50, Name: "INVALID_TRANSACTION_TIMEOUT", Message: "The transaction timeout is larger than the broker allows (see transaction.max.timeout.ms)."}
	ErrConcurrentTransactions                 = &Error{Code: 51, Name: "CONCURRENT_TRANSACTIONS", Retriable: true, Message: "The producer wanted to change a transaction while another operation on it is still under way."}
	ErrTransactionCoordinatorFenced           = &Error{Code: 52, Name: "TRANSACTION_COORDINATOR_FENCED", Message: "The transaction coordinator that sent this marker has been replaced by a newer one."}
	ErrTransactionalIDAuthorizationFailed     = &Error{Code: 53, Name: "TRANSACTIONAL_ID_AUTHORIZATION_FAILED", Message: "Not authorized for the transactional id."}
	ErrSecurityDisabled                       = &Error{Code: 54, Name: "SECURITY_DISABLED", Message: "Security features are disabled."}
	ErrOperationNotAttempted                  = &Error{Code: 55, Name: "OPERATION_NOT_ATTEMPTED", Message: "The operation was not attempted, because another part of the same request failed."}
	ErrKafkaStorageError                      = &Error{Code: 56, Name: "KAFKA_STORAGE_ERROR", Retriable: true, Message: "The server met a disk error when it tried to reach the log."}
	ErrLogDirNotFound                         = &Error{Code: 57, Name: "LOG_DIR_NOT_FOUND", Message: "The log directory given is not among those of the broker."}
	ErrSASLAuthenticationFailed               = &Error{Code: 58, Name: "SASL_AUTHENTICATION_FAILED", Message: "SASL authentication failed."}
	ErrUnknownProducerID                      = &Error{Code: 59, Name: "UNKNOWN_PRODUCER_ID", Message: "The broker has no record of the producer id; its records may have been deleted."}
	ErrReassignmentInProgress                 = &Error{Code: 60, Name: "REASSIGNMENT_IN_PROGRESS", Message: "A reassignment of the partition is in progress."}
	ErrDelegationTokenAuthDisabled            = &Error{Code: 61, Name: "DELEGATION_TOKEN_AUTH_DISABLED", Message: "Delegation tokens are not enabled."}
	ErrDelegationTokenNotFound                = &Error{Code: 62, Name: "DELEGATION_TOKEN_NOT_FOUND", Message: "The server does not know this delegation token."}
	ErrDelegationTokenOwnerMismatch           = &Error{Code: 63, Name: "DELEGATION_TOKEN_OWNER_MISMATCH", Message: "The principal is neither owner nor renewer of the delegation token."}
	ErrDelegationTokenRequestNotAllowed       = &Error{Code: 64, Name: "DELEGATION_TOKEN_REQUEST_NOT_ALLOWED", Message: "Requests for delegation tokens are not allowed on plaintext, one-way TLS or token-authenticated connections."}
	ErrDelegationTokenAuthorizationFailed     = &Error{Code: 65, Name: "DELEGATION_TOKEN_AUTHORIZATION_FAILED", Message: "Not authorized for the delegation token."}
	ErrDelegationTokenExpired                 = &Error{Code: 66, Name: "DELEGATION_TOKEN_EXPIRED", Message: "The delegation token has expired."}
	ErrInvalidPrincipalType                   = &Error{Code: 67, Name: "INVALID_PRINCIPAL_TYPE", Message: "The principal type given is not supported."}
	ErrNonEmptyGroup                          = &Error{Code: 68, Name: "NON_EMPTY_GROUP", Message: "The group is not empty."}
	ErrGroupIDNotFound                        = &Error{Code: 69, Name: "GROUP_ID_NOT_FOUND", Message: "The group id does not exist."}
	ErrFetchSessionIDNotFound                 = &Error{Code: 70, Name: "FETCH_SESSION_ID_NOT_FOUND", Retriable: true, Message: "The fetch session does not exist."}
	ErrInvalidFetchSessionEpoch               = &Error{Code: 71, Name: "INVALID_FETCH_SESSION_EPOCH", Retriable: true, Message: "The fetch session epoch is not the expected one."}
	ErrListenerNotFound                       = &Error{Code: 72, Name: "LISTENER_NOT_FOUND", Retriable: true, Message: "The leader has no listener that matches the one on which the request was made."}
	ErrTopicDeletionDisabled                  = &Error{Code: 73, Name: "TOPIC_DELETION_DISABLED", Message: "Topic deletion is disabled."}
	ErrFencedLeaderEpoch                      = &Error{Code: 74, Name: "FENCED_LEADER_EPOCH", Retriable: true, Message: "The leader epoch in the request is older than the broker's."}
	ErrUnknownLeaderEpoch                     = &Error{Code: 75, Name: "UNKNOWN_LEADER_EPOCH", Retriable: true, Message: "The leader epoch in the request is newer than the broker's."}
	ErrUnsupportedCompressionType             = &Error{Code: 76, Name: "UNSUPPORTED_COMPRESSION_TYPE", Message: "The client does not support the compression type of the partition, or the broker does not know that of the batch."}
	ErrStaleBrokerEpoch                       = &Error{Code: 77, Name: "STALE_BROKER_EPOCH", Message: "The broker epoch is not the current one."}
	ErrOffsetNotAvailable                     = &Error{Code: 78, Name: "OFFSET_NOT_AVAILABLE", Retriable: true, Message: "The leader's high watermark has not caught up after a recent election, so offsets cannot be told yet."}
	ErrMemberIDRequired                       = &Error{Code: 79, Name: "MEMBER_ID_REQUIRED", Message: "The member needs an id before it can really join the group."}
	ErrPreferredLeaderNotAvailable            = &Error{Code: 80, Name: "PREFERRED_LEADER_NOT_AVAILABLE", Retriable: true, Message: "The preferred leader was not available."}
	ErrGroupMaxSizeReached                    = &Error{Code: 81, Name: "GROUP_MAX_SIZE_REACHED", Message: "The group has reached its largest size."}
	ErrFencedInstanceID                       = &Error{Code: 82, Name: "FENCED_INSTANCE_ID", Message: "Another member has registered with the same group.instance.id."}
	ErrEligibleLeadersNotAvailable            = &Error{Code: 83, Name: "ELIGIBLE_LEADERS_NOT_AVAILABLE", Retriable: true, Message: "No eligible leader is available for the partition."}
	ErrElectionNotNeeded                      = &Error{Code: 84, Name: "ELECTION_NOT_NEEDED", Retriable: true, Message: "The partition needs no leader election."}
	ErrNoReassignmentInProgress               = &Error{Code: 85, Name: "NO_REASSIGNMENT_IN_PROGRESS", Message: "No reassignment of the partition is in progress."}
	ErrGroupSubscribedToTopic                 = &Error{Code: 86, Name: "GROUP_SUBSCRIBED_TO_TOPIC", Message: "The offsets of a topic cannot be deleted while the group is subscribed to it."}
	ErrInvalidRecord                          = &Error{Code: 87, Name: "INVALID_RECORD", Message: "The record failed the broker's validation and was therefore refused."}
	ErrUnstableOffsetCommit                   = &Error{Code: 88, Name: "UNSTABLE_OFFSET_COMMIT", Retriable: true, Message: "There are offset commits that no transaction has decided yet."}
	ErrThrottlingQuotaExceeded                = &Error{Code: 89, Name: "THROTTLING_QUOTA_EXCEEDED", Retriable: true, Message: "The throttling quota has been exceeded."}
	ErrProducerFenced                         = &Error{Code: 90, Name: "PRODUCER_FENCED", Message: "A newer producer with the same transactional id has fenced this one."}
	ErrResourceNotFound                       = &Error{Code: 91, Name: "RESOURCE_NOT_FOUND", Message: "The request refers to a resource that does not exist."}
	ErrDuplicateResource                      = &Error{Code: 92, Name: "DUPLICATE_RESOURCE", Message: "The request refers to the same resource twice."}
	ErrUnacceptableCredential                 = &Error{Code: 93, Name: "UNACCEPTABLE_CREDENTIAL", Message: "The credential does not meet the criteria for acceptance."}
	ErrInconsistentVoterSet                   = &Error{Code: 94, Name: "INCONSISTENT_VOTER_SET", Message: "The voters named are not those that the cluster knows."}
	ErrInvalidUpdateVersion                   = &Error{Code: 95, Name: "INVALID_UPDATE_VERSION", Message: "The version given for the update is not valid."}
	ErrFeatureUpdateFailed                    = &Error{Code: 96, Name: "FEATURE_UPDATE_FAILED", Message: "The finalized features could not be updated."}
	ErrPrincipalDeserializationFailure        = &Error{Code: 97, Name: "PRINCIPAL_DESERIALIZATION_FAILURE", Message: "The principal of a forwarded request could not be read."}
	ErrSnapshotNotFound                       = &Error{Code: 98, Name: "SNAPSHOT_NOT_FOUND", Message: "The snapshot was not found."}
	ErrPositionOutOfRange                     = &Error{Code: 99, Name: "POSITION_OUT_OF_RANGE", Message: "The position is negative or not below the size of the snapshot."}
	ErrUnknownTopicID                         = &Error{Code: 100, Name: "UNKNOWN_TOPIC_ID", Retriable: true, Message: "This server does not host this topic id."}
	ErrDuplicateBrokerRegistration            = &Error{Code: 101, Name: "DUPLICATE_BROKER_REGISTRATION", Message: "This broker id is already in use."}
	ErrBrokerIDNotRegistered                  = &Error{Code: 102, Name: "BROKER_ID_NOT_REGISTERED", Message: "This broker id is not registered."}
	ErrInconsistentTopicID                    = &Error{Code: 103, Name: "INCONSISTENT_TOPIC_ID", Retriable: true, Message: "The topic id in the log is not the one in the request."}
	ErrInconsistentClusterID                  = &Error{Code: 104, Name: "INCONSISTENT_CLUSTER_ID", Message: "The cluster id in the request is not that of this server."}
	ErrTransactionalIDNotFound                = &Error{Code: 105, Name: "TRANSACTIONAL_ID_NOT_FOUND", Message: "The transactional id was not found."}
	ErrFetchSessionTopicIDError               = &Error{Code: 106, Name: "FETCH_SESSION_TOPIC_ID_ERROR", Retriable: true, Message: "The fetch session met inconsistent use of topic ids."}
	ErrIneligibleReplica                      = &Error{Code: 107, Name: "INELIGIBLE_REPLICA", Message: "The new in-sync replica set holds a replica that is not eligible."}
	ErrNewLeaderElected                       = &Error{Code: 108, Name: "NEW_LEADER_ELECTED", Message: "The change of the partition elected a new leader."}
	ErrOffsetMovedToTieredStorage             = &Error{Code: 109, Name: "OFFSET_MOVED_TO_TIERED_STORAGE", Message: "The offset has moved to tiered storage."}
	ErrFencedMemberEpoch                      = &Error{Code: 110, Name: "FENCED_MEMBER_EPOCH", Message: "The coordinator fenced the member's epoch; the member must give up its partitions and join again."}
	ErrUnreleasedInstanceID                   = &Error{Code: 111, Name: "UNRELEASED_INSTANCE_ID", Message: "The instance id is still used by another member of the group, which must leave first."}
	ErrUnsupportedAssignor                    = &Error{Code: 112, Name: "UNSUPPORTED_ASSIGNOR", Message: "The group does not support the assignor, or not the version range offered."}
	ErrStaleMemberEpoch                       = &Error{Code: 113, Name: "STALE_MEMBER_EPOCH", Message: "The member epoch is stale; the member must retry once its next heartbeat told it the new one."}
	ErrMismatchedEndpointType                 = &Error{Code: 114, Name: "MISMATCHED_ENDPOINT_TYPE", Message: "The request was sent to an endpoint of the wrong type."}
	ErrUnsupportedEndpointType                = &Error{Code: 115, Name: "UNSUPPORTED_ENDPOINT_TYPE", Message: "This endpoint type is not supported yet."}
	ErrUnknownControllerID                    = &Error{Code: 116, Name: "UNKNOWN_CONTROLLER_ID", Message: "This controller id is not known."}
	ErrUnknownSubscriptionID                  = &Error{Code: 117, Name: "UNKNOWN_SUBSCRIPTION_ID", Message: "The telemetry push used a subscription id that is out of date or was never given."}
	ErrTelemetryTooLarge                      = &Error{Code: 118, Name: "TELEMETRY_TOO_LARGE", Message: "The telemetry push exceeds the size that the broker accepts."}
	ErrInvalidRegistration                    = &Error{Code: 119, Name: "INVALID_REGISTRATION", Message: "The controller considered the broker registration invalid."}
	ErrTransactionAbortable                   = &Error{Code: 120, Name: "TRANSACTION_ABORTABLE", Message: "The server met an error with the transaction; the client can abort it and go on."}
	ErrInvalidRecordState                     = &Error{Code: 121, Name: "INVALID_RECORD_STATE", Message: "The state of the record does not allow its acknowledgement."}
	ErrShareSessionNotFound                   = &Error{Code: 122, Name: "SHARE_SESSION_NOT_FOUND", Retriable: true, Message: "The share session was not found."}
	ErrInvalidShareSessionEpoch               = &Error{Code: 123, Name: "INVALID_SHARE_SESSION_EPOCH", Retriable: true, Message: "The share session epoch is not the expected one."}
	ErrFencedStateEpoch                       = &Error{Code: 124, Name: "FENCED_STATE_EPOCH", Message: "The share coordinator refused the request because its state epoch does not match."}
	ErrInvalidVoterKey                        = &Error{Code: 125, Name: "INVALID_VOTER_KEY", Message: "The voter key does not match that of the receiving replica."}
	ErrDuplicateVoter                         = &Error{Code: 126, Name: "DUPLICATE_VOTER", Message: "The voter is already in the set of voters."}
	ErrVoterNotFound                          = &Error{Code: 127, Name: "VOTER_NOT_FOUND", Message: "The voter is not in the set of voters."}
	ErrInvalidRegularExpression               = &Error{Code: 128, Name: "INVALID_REGULAR_EXPRESSION", Message: "The regular expression is not valid."}
	ErrRebootstrapRequired                    = &Error{Code: 129, Name: "REBOOTSTRAP_REQUIRED", Message: "The client's metadata is out of date; it should bootstrap again."}
	ErrStreamsInvalidTopology                 = &Error{Code: 130, Name: "STREAMS_INVALID_TOPOLOGY", Message: "The topology that was sent is not valid."}
	ErrStreamsInvalidTopologyEpoch            = &Error{Code: 131, Name: "STREAMS_INVALID_TOPOLOGY_EPOCH", Message: "The topology epoch that was sent is not valid."}
	ErrStreamsTopologyFenced                  = &Error{Code: 132, Name: "STREAMS_TOPOLOGY_FENCED", Message: "The topology epoch that was sent is out of date."}
	ErrShareSessionLimitReached               = &Error{Code: 133, Name: "SHARE_SESSION_LIMIT_REACHED", Retriable: true, Message: "No more share sessions can be opened."}
	ErrGroupDeletionFailed                    = &Error{Code: 134, Name: "GROUP_DELETION_FAILED", Message: "The group could not be deleted."}
	ErrStreamsTopologyDescriptionUpdateFailed = &Error{Code: 135, Name: "STREAMS_TOPOLOGY_DESCRIPTION_UPDATE_FAILED", Message: "The description of the streams topology could not be stored."}
	ErrControllerIDNotRegistered              = &Error{Code: 136, Name: "CONTROLLER_ID_NOT_REGISTERED", Message: "This controller id is not registered."}
)

// errorsByCode holds every error at index code+1.
var errorsByCode = [...]*Error{
	ErrUnknownServerError,
	ErrNone,
	ErrOffsetOutOfRange,
	ErrCorruptMessage,
	ErrUnknownTopicOrPartition,
	ErrInvalidFetchSize,
	ErrLeaderNotAvailable,
	ErrNotLeaderOrFollower,
	ErrRequestTimedOut,
	ErrBrokerNotAvailable,
	ErrReplicaNotAvailable,
	ErrMessageTooLarge,
	ErrStaleControllerEpoch,
	ErrOffsetMetadataTooLarge,
	ErrNetworkException,
	ErrCoordinatorLoadInProgress,
	ErrCoordinatorNotAvailable,
	ErrNotCoordinator,
	ErrInvalidTopicException,
	ErrRecordListTooLarge,
	ErrNotEnoughReplicas,
	ErrNotEnoughReplicasAfterAppend,
	ErrInvalidRequiredAcks,
	ErrIllegalGeneration,
	ErrInconsistentGroupProtocol,
	ErrInvalidGroupID,
	ErrUnknownMemberID,
	ErrInvalidSessionTimeout,
	ErrRebalanceInProgress,
	ErrInvalidCommitOffsetSize,
	ErrTopicAuthorizationFailed,
	ErrGroupAuthorizationFailed,
	ErrClusterAuthorizationFailed,
	ErrInvalidTimestamp,
	ErrUnsupportedSASLMechanism,
	ErrIllegalSASLState,
	ErrUnsupportedVersion,
	ErrTopicAlreadyExists,
	ErrInvalidPartitions,
	ErrInvalidReplicationFactor,
	ErrInvalidReplicaAssignment,
	ErrInvalidConfig,
	ErrNotController,
	ErrInvalidRequest,
	ErrUnsupportedForMessageFormat,
	ErrPolicyViolation,
	ErrOutOfOrderSequenceNumber,
	ErrDuplicateSequenceNumber,
	ErrInvalidProducerEpoch,
	ErrInvalidTxnState,
	ErrInvalidProducerIDMapping,
	ErrInvalidTransactionTimeout,
	ErrConcurrentTransactions,
	ErrTransactionCoordinatorFenced,
	ErrTransactionalIDAuthorizationFailed,
	ErrSecurityDisabled,
	ErrOperationNotAttempted,
	ErrKafkaStorageError,
	ErrLogDirNotFound,
	ErrSASLAuthenticationFailed,
	ErrUnknownProducerID,
	ErrReassignmentInProgress,
	ErrDelegationTokenAuthDisabled,
	ErrDelegationTokenNotFound,
	ErrDelegationTokenOwnerMismatch,
	ErrDelegationTokenRequestNotAllowed,
	ErrDelegationTokenAuthorizationFailed,
	ErrDelegationTokenExpired,
	ErrInvalidPrincipalType,
	ErrNonEmptyGroup,
	ErrGroupIDNotFound,
	ErrFetchSessionIDNotFound,
	ErrInvalidFetchSessionEpoch,
	ErrListenerNotFound,
	ErrTopicDeletionDisabled,
	ErrFencedLeaderEpoch,
	ErrUnknownLeaderEpoch,
	ErrUnsupportedCompressionType,
	ErrStaleBrokerEpoch,
	ErrOffsetNotAvailable,
	ErrMemberIDRequired,
	ErrPreferredLeaderNotAvailable,
	ErrGroupMaxSizeReached,
	ErrFencedInstanceID,
	ErrEligibleLeadersNotAvailable,
	ErrElectionNotNeeded,
	ErrNoReassignmentInProgress,
	ErrGroupSubscribedToTopic,
	ErrInvalidRecord,
	ErrUnstableOffsetCommit,
	ErrThrottlingQuotaExceeded,
	ErrProducerFenced,
	ErrResourceNotFound,
	ErrDuplicateResource,
	ErrUnacceptableCredential,
	ErrInconsistentVoterSet,
	ErrInvalidUpdateVersion,
	ErrFeatureUpdateFailed,
	ErrPrincipalDeserializationFailure,
	ErrSnapshotNotFound,
	ErrPositionOutOfRange,
	ErrUnknownTopicID,
	ErrDuplicateBrokerRegistration,
	ErrBrokerIDNotRegistered,
	ErrInconsistentTopicID,
	ErrInconsistentClusterID,
	ErrTransactionalIDNotFound,
	ErrFetchSessionTopicIDError,
	ErrIneligibleReplica,
	ErrNewLeaderElected,
	ErrOffsetMovedToTieredStorage,
	ErrFencedMemberEpoch,
	ErrUnreleasedInstanceID,
	ErrUnsupportedAssignor,
	ErrStaleMemberEpoch,
	ErrMismatchedEndpointType,
	ErrUnsupportedEndpointType,
	ErrUnknownControllerID,
	ErrUnknownSubscriptionID,
	ErrTelemetryTooLarge,
	ErrInvalidRegistration,
	ErrTransactionAbortable,
	ErrInvalidRecordState,
	ErrShareSessionNotFound,
	ErrInvalidShareSessionEpoch,
	ErrFencedStateEpoch,
	ErrInvalidVoterKey,
	ErrDuplicateVoter,
	ErrVoterNotFound,
	ErrInvalidRegularExpression,
	ErrRebootstrapRequired,
	ErrStreamsInvalidTopology,
	ErrStreamsInvalidTopologyEpoch,
	ErrStreamsTopologyFenced,
	ErrShareSessionLimitReached,
	ErrGroupDeletionFailed,
	ErrStreamsTopologyDescriptionUpdateFailed,
	ErrControllerIDNotRegistered,
}
