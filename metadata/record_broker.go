package metadata

import "github.com/barnabas-mq/barnabas/protocol"

// Endpoint is where a broker or controller can be reached.
type Endpoint struct {
	Name             string // of the listener
	Host             string
	Port             uint16
	SecurityProtocol int16 // 0 PLAINTEXT, 1 SSL, 2 SASL_PLAINTEXT, 3 SASL_SSL
}

func walkEndpoint(c *protocol.Coder, e *Endpoint) {
	c.String(&e.Name)
	c.String(&e.Host)
	c.Uint16(&e.Port)
	c.Int16(&e.SecurityProtocol)
	c.Tags()
}

// FeatureRange is the levels of a feature that a node can run at.
type FeatureRange struct {
	Name     string
	Min, Max int16
}

func walkFeatureRange(c *protocol.Coder, f *FeatureRange) {
	c.String(&f.Name)
	c.Int16(&f.Min)
	c.Int16(&f.Max)
	c.Tags()
}

// RegisterBrokerRecord registers a broker process, replacing an older one.
type RegisterBrokerRecord struct {
	BrokerID             int32
	IsMigratingZkBroker  bool // v2+
	IncarnationID        protocol.UUID
	BrokerEpoch          int64 // the record's own offset
	Endpoints            []Endpoint
	Features             []FeatureRange
	Rack                 *string
	Fenced               bool
	InControlledShutdown bool            // v1+
	LogDirs              []protocol.UUID // v3+
	CordonedLogDirs      []protocol.UUID // v4+, nil until the broker has said
}

// Type implements Record.
func (*RegisterBrokerRecord) Type() RecordType { return TypeRegisterBroker }

func (r *RegisterBrokerRecord) walk(c *protocol.Coder) {
	c.Int32(&r.BrokerID)
	if c.Version >= 2 {
		c.Bool(&r.IsMigratingZkBroker)
	}
	c.UUID(&r.IncarnationID)
	c.Int64(&r.BrokerEpoch)
	protocol.Array(c, &r.Endpoints, walkEndpoint)
	protocol.Array(c, &r.Features, walkFeatureRange)
	c.NullableString(&r.Rack)
	c.Bool(&r.Fenced)
	if c.Version >= 1 {
		c.Bool(&r.InControlledShutdown)
	}
	c.Tags(
		protocol.TagOf(0, len(r.LogDirs) > 0 && c.Version >= 3, func(c *protocol.Coder) { c.UUIDs(&r.LogDirs) }),
		protocol.TagOf(1, r.CordonedLogDirs != nil && c.Version >= 4, func(c *protocol.Coder) { protocol.NullableArray(c, &r.CordonedLogDirs, (*protocol.Coder).UUID) }))
}

// UnregisterBrokerRecord removes a broker's registration.
type UnregisterBrokerRecord struct {
	BrokerID    int32
	BrokerEpoch int64
}

// Type implements Record.
func (*UnregisterBrokerRecord) Type() RecordType { return TypeUnregisterBroker }

func (r *UnregisterBrokerRecord) walk(c *protocol.Coder) {
	c.Int32(&r.BrokerID)
	c.Int64(&r.BrokerEpoch)
	c.Tags()
}

// FenceBrokerRecord is the oldest form of "this broker is out".
type FenceBrokerRecord struct {
	BrokerID    int32
	BrokerEpoch int64
}

// Type implements Record.
func (*FenceBrokerRecord) Type() RecordType { return TypeFenceBroker }

func (r *FenceBrokerRecord) walk(c *protocol.Coder) {
	c.Int32(&r.BrokerID)
	c.Int64(&r.BrokerEpoch)
	c.Tags()
}

// UnfenceBrokerRecord is the oldest form of "this broker is in".
type UnfenceBrokerRecord struct {
	BrokerID    int32
	BrokerEpoch int64
}

// Type implements Record.
func (*UnfenceBrokerRecord) Type() RecordType { return TypeUnfenceBroker }

func (r *UnfenceBrokerRecord) walk(c *protocol.Coder) {
	c.Int32(&r.BrokerID)
	c.Int64(&r.BrokerEpoch)
	c.Tags()
}

// Values of BrokerRegistrationChangeRecord.Fenced.
const (
	FenceChangeUnfence = -1
	FenceChangeNone    = 0
	FenceChangeFence   = 1
)

// BrokerRegistrationChangeRecord changes a registration in place.
type BrokerRegistrationChangeRecord struct {
	BrokerID             int32
	BrokerEpoch          int64
	Fenced               int8            // see FenceChange
	InControlledShutdown int8            // v1+: 1 sets it, 0 leaves it
	LogDirs              []protocol.UUID // v2+: nil leaves them
	CordonedLogDirs      []protocol.UUID // v3+: nil leaves them
}

// Type implements Record.
func (*BrokerRegistrationChangeRecord) Type() RecordType { return TypeBrokerRegistrationChange }

func (r *BrokerRegistrationChangeRecord) walk(c *protocol.Coder) {
	c.Int32(&r.BrokerID)
	c.Int64(&r.BrokerEpoch)
	c.Tags(
		protocol.TagOf(0, r.Fenced != 0, func(c *protocol.Coder) { c.Int8(&r.Fenced) }),
		protocol.TagOf(1, r.InControlledShutdown != 0 && c.Version >= 1, func(c *protocol.Coder) { c.Int8(&r.InControlledShutdown) }),
		protocol.TagOf(2, len(r.LogDirs) > 0 && c.Version >= 2, func(c *protocol.Coder) { c.UUIDs(&r.LogDirs) }),
		protocol.TagOf(3, r.CordonedLogDirs != nil && c.Version >= 3, func(c *protocol.Coder) { protocol.NullableArray(c, &r.CordonedLogDirs, (*protocol.Coder).UUID) }))
}

// lowestVersion is the first version that can say all of it; Kafka 4.3.1 was
// seen to write 0 for fencing, 1 for a controlled stop, 3 for cordoned folders.
func (r *BrokerRegistrationChangeRecord) lowestVersion() int16 {
	switch {
	case r.CordonedLogDirs != nil:
		return 3
	case len(r.LogDirs) > 0:
		return 2
	case r.InControlledShutdown != 0:
		return 1
	default:
		return 0
	}
}

// RegisterControllerRecord registers a controller process.
type RegisterControllerRecord struct {
	ControllerID     int32
	IncarnationID    protocol.UUID
	ZkMigrationReady bool
	Endpoints        []Endpoint
	Features         []FeatureRange
}

// Type implements Record.
func (*RegisterControllerRecord) Type() RecordType { return TypeRegisterController }

func (r *RegisterControllerRecord) walk(c *protocol.Coder) {
	c.Int32(&r.ControllerID)
	c.UUID(&r.IncarnationID)
	c.Bool(&r.ZkMigrationReady)
	protocol.Array(c, &r.Endpoints, walkEndpoint)
	protocol.Array(c, &r.Features, walkFeatureRange)
	c.Tags()
}
