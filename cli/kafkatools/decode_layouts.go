package kafkatools

// recordLayout is a kind of record of __consumer_offsets.
type recordLayout struct{ key, value message }

// keyOf is the layout of a key, which has one version: the number in front of it is its kind.
func keyOf(fields ...member) message { return message{flexible: never, fields: fields} }

// valueOf is the layout of a value of the groups that came with KIP-848 and KIP-932.
func valueOf(fields ...member) message { return message{fields: fields} }

var (
	ofGroup  = keyOf(one("groupId", "string"))
	ofMember = keyOf(one("groupId", "string"), one("memberId", "string"))

	targetMetadata = valueOf(one("assignmentEpoch", "int32"), one("assignmentTimestamp", "int64").tagged(0, "0"))
	targetOfMember = valueOf(records("topicPartitions", one("topicId", "uuid"), list("partitions", "int32")))

	subscription = message{newest: 3, flexible: never, fields: []member{
		list("topics", "string"), one("userData", "bytes").orNull(),
		records("ownedPartitions", one("topic", "string"), list("partitions", "int32")).from(1),
		one("generationId", "int32").from(2), one("rackId", "string").orNull().from(3),
	}}
	consumerAssignment = message{newest: 3, flexible: never, fields: []member{
		records("assignedPartitions", one("topic", "string"), list("partitions", "int32")), one("userData", "bytes").orNull(),
	}}

	offsetCommit = recordLayout{
		keyOf(one("group", "string"), one("topic", "string"), one("partition", "int32")),
		message{newest: 4, flexible: 4, fields: []member{
			one("offset", "int64"), one("leaderEpoch", "int32").from(3), one("metadata", "string"), one("commitTimestamp", "int64"),
			one("expireTimestamp", "int64").only(1), one("topicId", "uuid").tagged(0, `"AAAAAAAAAAAAAAAAAAAAAA"`),
		}},
	}
	groupMetadata = recordLayout{
		keyOf(one("group", "string")),
		message{newest: 4, flexible: 4, fields: []member{
			one("protocolType", "string"), one("generation", "int32"), one("protocol", "string").orNull(), one("leader", "string").orNull(),
			one("currentStateTimestamp", "int64").from(2),
			records("members", one("memberId", "string"), one("groupInstanceId", "string").orNull().from(3), one("clientId", "string"),
				one("clientHost", "string"), one("rebalanceTimeout", "int32").from(1), one("sessionTimeout", "int32"),
				holding("subscription", &subscription), holding("assignment", &consumerAssignment)),
		}},
	}
)

// groupRecords are the kinds of records by the number that the key begins with, as CoordinatorRecordType
// of Kafka 4.3 has them. Not here: streams groups, which Barnabas does not have (KIP-1071).
var groupRecords = map[int16]recordLayout{
	0: offsetCommit,
	1: offsetCommit,
	2: groupMetadata,
	3: {ofGroup, valueOf(one("epoch", "int32"), one("metadataHash", "int64").tagged(0, "0"))},
	4: {ofGroup, valueOf(records("topics", one("topicId", "uuid"), one("topicName", "string"), one("numPartitions", "int32"),
		records("partitionMetadata", one("partition", "int32"), list("racks", "string"))))},
	5: {ofMember, valueOf(one("instanceId", "string").orNull(), one("rackId", "string").orNull(), one("clientId", "string"),
		one("clientHost", "string"), list("subscribedTopicNames", "string"), one("subscribedTopicRegex", "string").orNull(),
		one("rebalanceTimeoutMs", "int32"), one("serverAssignor", "string").orNull(),
		member{name: "classicMemberMetadata", kind: "struct", until: never, nullable: true, fields: []member{
			one("sessionTimeoutMs", "int32"), records("supportedProtocols", one("name", "string"), one("metadata", "bytes")),
		}})},
	6: {ofGroup, targetMetadata},
	7: {ofMember, targetOfMember},
	8: {ofMember, valueOf(one("memberEpoch", "int32"), one("previousMemberEpoch", "int32"), one("state", "int8"),
		records("assignedPartitions", withEpochs...), records("partitionsPendingRevocation", withEpochs...))},
	10: {ofMember, valueOf(one("rackId", "string").orNull(), one("clientId", "string"), one("clientHost", "string"), list("subscribedTopicNames", "string"))},
	11: {ofGroup, valueOf(one("epoch", "int32"), one("metadataHash", "int64"))},
	12: {ofGroup, targetMetadata},
	13: {ofMember, targetOfMember},
	14: {ofMember, valueOf(one("memberEpoch", "int32"), one("previousMemberEpoch", "int32"), one("state", "int8"),
		records("assignedPartitions", one("topicId", "uuid"), list("partitions", "int32")))},
	15: {ofGroup, valueOf(records("initializingTopics", namedPartitions...), records("initializedTopics", namedPartitions...),
		records("deletingTopics", namedPartitions[:2]...))},
	16: {keyOf(one("groupId", "string"), one("regularExpression", "string")),
		valueOf(list("topics", "string"), one("version", "int64"), one("timestamp", "int64"))},
}

var (
	withEpochs      = []member{one("topicId", "uuid"), list("partitions", "int32"), list("assignmentEpochs", "int32").orNull().tagged(0, "[]")}
	namedPartitions = []member{one("topicId", "uuid"), one("topicName", "string"), list("partitions", "int32")}
)

// transactions are the records of __transaction_state.
var transactionRecords = map[int16]recordLayout{0: {
	keyOf(one("transactionalId", "string")),
	message{newest: 1, flexible: 1, fields: []member{
		one("producerId", "int64"), one("previousProducerId", "int64").tagged(0, "-1"), one("nextProducerId", "int64").tagged(1, "-1"),
		one("producerEpoch", "int16"), one("nextProducerEpoch", "int16").tagged(3, "-1"), one("transactionTimeoutMs", "int32"),
		one("transactionStatus", "int8"), records("transactionPartitions", one("topic", "string"), list("partitionIds", "int32")).orNull(),
		one("transactionLastUpdateTimestampMs", "int64"), one("transactionStartTimestampMs", "int64"),
		one("clientTransactionVersion", "int16").tagged(2, "0"),
	}},
}}
