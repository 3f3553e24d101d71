package api

// Authorized operations are bit fields over Kafka's operation numbers (KIP-430).
// Without an authorizer everybody may do everything that applies to a resource.
const (
	operationRead            = 1 << 3
	operationWrite           = 1 << 4
	operationCreate          = 1 << 5
	operationDelete          = 1 << 6
	operationAlter           = 1 << 7
	operationDescribe        = 1 << 8
	operationClusterAction   = 1 << 9
	operationDescribeConfigs = 1 << 10
	operationAlterConfigs    = 1 << 11
	operationIdempotentWrite = 1 << 12

	operationsOfTopic = operationRead | operationWrite | operationCreate | operationDelete | operationAlter |
		operationDescribe | operationDescribeConfigs | operationAlterConfigs
	operationsOfCluster = operationCreate | operationAlter | operationDescribe | operationClusterAction |
		operationDescribeConfigs | operationAlterConfigs | operationIdempotentWrite
)
