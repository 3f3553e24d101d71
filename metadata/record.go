package metadata

import (
	"errors"
	"fmt"
	"github.com/barnabas-mq/barnabas/protocol"

	"github.com/barnabas-mq/barnabas/internal/invariant"
)

// RecordType is the number that names a metadata record on disk.
type RecordType uint16

// The record types of metadata.version 30 (4.3-IV0), with Kafka's names. The
// numbers 6 and 13 are of records that no release ever wrote.
const (
	TypeRegisterBroker            RecordType = 0
	TypeUnregisterBroker          RecordType = 1
	TypeTopic                     RecordType = 2
	TypePartition                 RecordType = 3
	TypeConfig                    RecordType = 4
	TypePartitionChange           RecordType = 5
	TypeFenceBroker               RecordType = 7
	TypeUnfenceBroker             RecordType = 8
	TypeRemoveTopic               RecordType = 9
	TypeDelegationToken           RecordType = 10
	TypeUserScramCredential       RecordType = 11
	TypeFeatureLevel              RecordType = 12
	TypeClientQuota               RecordType = 14
	TypeProducerIDs               RecordType = 15
	TypeBrokerRegistrationChange  RecordType = 17
	TypeAccessControlEntry        RecordType = 18
	TypeRemoveAccessControlEntry  RecordType = 19
	TypeNoOp                      RecordType = 20
	TypeZkMigrationState          RecordType = 21
	TypeRemoveUserScramCredential RecordType = 22
	TypeBeginTransaction          RecordType = 23
	TypeEndTransaction            RecordType = 24
	TypeAbortTransaction          RecordType = 25
	TypeRemoveDelegationToken     RecordType = 26
	TypeRegisterController        RecordType = 27
	TypeClearELR                  RecordType = 28
)

// Record is one change of the metadata: a pointer to one of the XxxRecord types.
type Record interface {
	Type() RecordType
	// walk visits the fields of the coder's version, in the order of the wire.
	walk(c *protocol.Coder)
}

// recordKind says what is known of a record type.
type recordKind struct {
	name string
	// maxVersion is the newest version of the message; all down to 0 are read.
	maxVersion int16
	make       func() Record
}

var recordKinds = [...]recordKind{
	TypeRegisterBroker:            {"REGISTER_BROKER_RECORD", 4, func() Record { return new(RegisterBrokerRecord) }},
	TypeUnregisterBroker:          {"UNREGISTER_BROKER_RECORD", 0, func() Record { return new(UnregisterBrokerRecord) }},
	TypeTopic:                     {"TOPIC_RECORD", 0, func() Record { return new(TopicRecord) }},
	TypePartition:                 {"PARTITION_RECORD", 2, func() Record { return new(PartitionRecord) }},
	TypeConfig:                    {"CONFIG_RECORD", 0, func() Record { return new(ConfigRecord) }},
	TypePartitionChange:           {"PARTITION_CHANGE_RECORD", 2, func() Record { return newPartitionChange() }},
	TypeFenceBroker:               {"FENCE_BROKER_RECORD", 0, func() Record { return new(FenceBrokerRecord) }},
	TypeUnfenceBroker:             {"UNFENCE_BROKER_RECORD", 0, func() Record { return new(UnfenceBrokerRecord) }},
	TypeRemoveTopic:               {"REMOVE_TOPIC_RECORD", 0, func() Record { return new(RemoveTopicRecord) }},
	TypeDelegationToken:           {"DELEGATION_TOKEN_RECORD", 0, func() Record { return new(DelegationTokenRecord) }},
	TypeUserScramCredential:       {"USER_SCRAM_CREDENTIAL_RECORD", 0, func() Record { return new(UserScramCredentialRecord) }},
	TypeFeatureLevel:              {"FEATURE_LEVEL_RECORD", 0, func() Record { return new(FeatureLevelRecord) }},
	TypeClientQuota:               {"CLIENT_QUOTA_RECORD", 0, func() Record { return new(ClientQuotaRecord) }},
	TypeProducerIDs:               {"PRODUCER_IDS_RECORD", 0, func() Record { return new(ProducerIDsRecord) }},
	TypeBrokerRegistrationChange:  {"BROKER_REGISTRATION_CHANGE_RECORD", 3, func() Record { return new(BrokerRegistrationChangeRecord) }},
	TypeAccessControlEntry:        {"ACCESS_CONTROL_ENTRY_RECORD", 0, func() Record { return new(AccessControlEntryRecord) }},
	TypeRemoveAccessControlEntry:  {"REMOVE_ACCESS_CONTROL_ENTRY_RECORD", 0, func() Record { return new(RemoveAccessControlEntryRecord) }},
	TypeNoOp:                      {"NO_OP_RECORD", 0, func() Record { return new(NoOpRecord) }},
	TypeZkMigrationState:          {"ZK_MIGRATION_STATE_RECORD", 0, func() Record { return new(ZkMigrationStateRecord) }},
	TypeRemoveUserScramCredential: {"REMOVE_USER_SCRAM_CREDENTIAL_RECORD", 0, func() Record { return new(RemoveUserScramCredentialRecord) }},
	TypeBeginTransaction:          {"BEGIN_TRANSACTION_RECORD", 0, func() Record { return new(BeginTransactionRecord) }},
	TypeEndTransaction:            {"END_TRANSACTION_RECORD", 0, func() Record { return new(EndTransactionRecord) }},
	TypeAbortTransaction:          {"ABORT_TRANSACTION_RECORD", 0, func() Record { return new(AbortTransactionRecord) }},
	TypeRemoveDelegationToken:     {"REMOVE_DELEGATION_TOKEN_RECORD", 0, func() Record { return new(RemoveDelegationTokenRecord) }},
	TypeRegisterController:        {"REGISTER_CONTROLLER_RECORD", 0, func() Record { return new(RegisterControllerRecord) }},
	TypeClearELR:                  {"CLEAR_ELR_RECORD", 0, func() Record { return new(ClearELRRecord) }},
}

// String is Kafka's name of the type, as kafka-dump-log prints it.
func (t RecordType) String() string {
	if int(t) < len(recordKinds) && recordKinds[t].make != nil {
		return recordKinds[t].name
	}
	return fmt.Sprintf("record type %d", uint16(t))
}

// frameVersion is the version of the envelope around every record: uvarint frame
// version, uvarint type, uvarint version, message.
const frameVersion = 1

// appendRecord appends the value of a log record that holds r, in the version
// that a cluster at the given metadata.version writes. It fails if a string is
// longer than the format allows.
func appendRecord(dst []byte, r Record, metadataVersion int16) ([]byte, error) {
	return appendRecordVersion(dst, r, writeVersion(r, metadataVersion))
}

// mustAppendRecord is appendRecord for records that have been read or applied,
// whose strings are known to be short enough.
func mustAppendRecord(dst []byte, r Record, metadataVersion int16) []byte {
	out, err := appendRecord(dst, r, metadataVersion)
	invariant.Check(err == nil, "%s cannot be written: %v", r.Type(), err)
	return out
}

func appendRecordVersion(dst []byte, r Record, version int16) ([]byte, error) {
	return writeRecord(new(protocol.Coder), dst, r, version)
}

// writeRecord appends by way of c, which may have written others.
func writeRecord(c *protocol.Coder, dst []byte, r Record, version int16) ([]byte, error) {
	c.Rewrite(version, dst)
	frame, kind, v := uint64(frameVersion), uint64(r.Type()), uint64(version)
	c.Uvarint(&frame)
	c.Uvarint(&kind)
	c.Uvarint(&v)
	r.walk(c)
	return c.Rest(), c.Err()
}

// DecodeRecord reads the value of a log record. It answers UnknownRecordError
// for a type or version that is newer than this program, and other errors for
// damage. The record keeps no reference to value.
func DecodeRecord(value []byte) (Record, error) {
	r, _, err := decodeRecordVersion(value)
	return r, err
}

func decodeRecordVersion(value []byte) (Record, int16, error) {
	c := protocol.NewReader(0, value)
	var frame, number, version uint64
	c.Uvarint(&frame)
	if c.Err() == nil && frame != frameVersion {
		return nil, 0, &UnknownRecordError{What: fmt.Sprintf("frame version %d", frame)}
	}
	c.Uvarint(&number)
	c.Uvarint(&version)
	if c.Err() != nil {
		return nil, 0, c.Err()
	}
	if number >= uint64(len(recordKinds)) || recordKinds[number].make == nil {
		return nil, 0, &UnknownRecordError{What: fmt.Sprintf("record type %d", number)}
	}
	kind := &recordKinds[number]
	if version > uint64(kind.maxVersion) {
		return nil, 0, &UnknownRecordError{What: fmt.Sprintf("%s version %d", kind.name, version)}
	}
	c.Version = int16(version)
	r := kind.make()
	r.walk(c)
	if c.Err() == nil && len(c.Rest()) > 0 {
		c.Fail(errors.New("the record is longer than its fields"))
	}
	if c.Err() != nil {
		return nil, 0, fmt.Errorf("%s version %d: %w", kind.name, version, c.Err())
	}
	return r, c.Version, nil
}

// Metadata versions where the records that we write change form.
const (
	// MetadataVersionMin is 3.9-IV0, the oldest that we open.
	MetadataVersionMin = 21
	// MetadataVersionELR is 4.0-IV1: partitions have eligible leader replicas.
	MetadataVersionELR = 23
	// MetadataVersionCordoned is 4.3-IV0: log directories can be cordoned.
	MetadataVersionCordoned = 30
	// MetadataVersionMax is 4.3-IV0, which new directories are written at.
	MetadataVersionMax = 30
)

// writeVersion is the version of r that Kafka writes at a metadata.version, so
// that a Kafka of that level can take the directory back. Below 3.9-IV0
// nothing is written.
func writeVersion(r Record, metadataVersion int16) int16 {
	switch r := r.(type) {
	case *PartitionRecord, *PartitionChangeRecord:
		if metadataVersion >= MetadataVersionELR {
			return 2
		}
		return 1
	case *RegisterBrokerRecord:
		if metadataVersion >= MetadataVersionCordoned {
			return 4
		}
		return 3
	case *BrokerRegistrationChangeRecord:
		return r.lowestVersion()
	default:
		return 0
	}
}
