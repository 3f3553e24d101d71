package metadata

import "github.com/barnabas-mq/barnabas/protocol"

// ConfigRecord sets one config of one resource; a nil value removes it.
type ConfigRecord struct {
	ResourceType ResourceType
	ResourceName string
	Name         string
	Value        *string
}

// Type implements Record.
func (*ConfigRecord) Type() RecordType { return TypeConfig }

func (r *ConfigRecord) walk(c *protocol.Coder) {
	c.Int8((*int8)(&r.ResourceType))
	c.String(&r.ResourceName)
	c.String(&r.Name)
	c.NullableString(&r.Value)
	c.Tags()
}

// FeatureLevelRecord sets the finalized level of a feature; 0 removes it.
type FeatureLevelRecord struct {
	Name  string
	Level int16
}

// Type implements Record.
func (*FeatureLevelRecord) Type() RecordType { return TypeFeatureLevel }

func (r *FeatureLevelRecord) walk(c *protocol.Coder) {
	c.String(&r.Name)
	c.Int16(&r.Level)
	c.Tags()
}

// ProducerIDsRecord says that every producer id below NextProducerID has been
// handed out in blocks.
type ProducerIDsRecord struct {
	BrokerID       int32
	BrokerEpoch    int64
	NextProducerID int64
}

// Type implements Record.
func (*ProducerIDsRecord) Type() RecordType { return TypeProducerIDs }

func (r *ProducerIDsRecord) walk(c *protocol.Coder) {
	c.Int32(&r.BrokerID)
	c.Int64(&r.BrokerEpoch)
	c.Int64(&r.NextProducerID)
	c.Tags()
}

// NoOpRecord changes nothing; Kafka's controller writes one every 500 ms.
type NoOpRecord struct{}

// Type implements Record.
func (*NoOpRecord) Type() RecordType { return TypeNoOp }

func (*NoOpRecord) walk(c *protocol.Coder) { c.Tags() }

// BeginTransactionRecord begins a change that spans several batches: what
// follows counts only once EndTransactionRecord is read.
type BeginTransactionRecord struct {
	Name *string
}

// Type implements Record.
func (*BeginTransactionRecord) Type() RecordType { return TypeBeginTransaction }

func (r *BeginTransactionRecord) walk(c *protocol.Coder) {
	c.Tags(protocol.TagOf(0, r.Name != nil, func(c *protocol.Coder) { c.NullableString(&r.Name) }))
}

// EndTransactionRecord makes the change since BeginTransactionRecord count.
type EndTransactionRecord struct{}

// Type implements Record.
func (*EndTransactionRecord) Type() RecordType { return TypeEndTransaction }

func (*EndTransactionRecord) walk(c *protocol.Coder) { c.Tags() }

// AbortTransactionRecord undoes the change since BeginTransactionRecord.
type AbortTransactionRecord struct {
	Reason *string
}

// Type implements Record.
func (*AbortTransactionRecord) Type() RecordType { return TypeAbortTransaction }

func (r *AbortTransactionRecord) walk(c *protocol.Coder) {
	c.Tags(protocol.TagOf(0, r.Reason != nil, func(c *protocol.Coder) { c.NullableString(&r.Reason) }))
}

// ZkMigrationStateRecord is left over in clusters that came from ZooKeeper.
type ZkMigrationStateRecord struct {
	State int8
}

// Type implements Record.
func (*ZkMigrationStateRecord) Type() RecordType { return TypeZkMigrationState }

func (r *ZkMigrationStateRecord) walk(c *protocol.Coder) {
	c.Int8(&r.State)
	c.Tags()
}
