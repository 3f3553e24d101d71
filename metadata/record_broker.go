package metadata

import "github.com/barnabas-mq/barnabas/protocol"

// Endpoint is where a broker or controller can be reached.
type Endpoint struct {
	Name             string // of the listener
	Host             string
	Port             uint16
	SecurityProtocol int16 // 0 PLAINTEXT, 1 SSL, 2 SASL_PLAINTEXT, 3 SASL_SSL
}

func walkEndpoint(c *coder, e *Endpoint) {
	c.string(&e.Name)
	c.string(&e.Host)
	c.uint16(&e.Port)
	c.int16(&e.SecurityProtocol)
	c.tags()
}

// FeatureRange is the levels of a feature that a node can run at.
type FeatureRange struct {
	Name     string
	Min, Max int16
}

func walkFeatureRange(c *coder, f *FeatureRange) {
	c.string(&f.Name)
	c.int16(&f.Min)
	c.int16(&f.Max)
	c.tags()
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

func (r *RegisterBrokerRecord) walk(c *coder) {
	c.int32(&r.BrokerID)
	if c.version >= 2 {
		c.bool(&r.IsMigratingZkBroker)
	}
	c.uuid(&r.IncarnationID)
	c.int64(&r.BrokerEpoch)
	array(c, &r.Endpoints, walkEndpoint)
	array(c, &r.Features, walkFeatureRange)
	c.nullableString(&r.Rack)
	c.bool(&r.Fenced)
	if c.version >= 1 {
		c.bool(&r.InControlledShutdown)
	}
	c.tags(
		tag{0, len(r.LogDirs) > 0 && c.version >= 3, func(c *coder) { c.uuids(&r.LogDirs) }},
		tag{1, r.CordonedLogDirs != nil && c.version >= 4, func(c *coder) { nullableArray(c, &r.CordonedLogDirs, (*coder).uuid) }})
}

// UnregisterBrokerRecord removes a broker's registration.
type UnregisterBrokerRecord struct {
	BrokerID    int32
	BrokerEpoch int64
}

// Type implements Record.
func (*UnregisterBrokerRecord) Type() RecordType { return TypeUnregisterBroker }

func (r *UnregisterBrokerRecord) walk(c *coder) {
	c.int32(&r.BrokerID)
	c.int64(&r.BrokerEpoch)
	c.tags()
}

// FenceBrokerRecord is the oldest form of "this broker is out".
type FenceBrokerRecord struct {
	BrokerID    int32
	BrokerEpoch int64
}

// Type implements Record.
func (*FenceBrokerRecord) Type() RecordType { return TypeFenceBroker }

func (r *FenceBrokerRecord) walk(c *coder) {
	c.int32(&r.BrokerID)
	c.int64(&r.BrokerEpoch)
	c.tags()
}

// UnfenceBrokerRecord is the oldest form of "this broker is in".
type UnfenceBrokerRecord struct {
	BrokerID    int32
	BrokerEpoch int64
}

// Type implements Record.
func (*UnfenceBrokerRecord) Type() RecordType { return TypeUnfenceBroker }

func (r *UnfenceBrokerRecord) walk(c *coder) {
	c.int32(&r.BrokerID)
	c.int64(&r.BrokerEpoch)
	c.tags()
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

func (r *BrokerRegistrationChangeRecord) walk(c *coder) {
	c.int32(&r.BrokerID)
	c.int64(&r.BrokerEpoch)
	c.tags(
		tag{0, r.Fenced != 0, func(c *coder) { c.int8(&r.Fenced) }},
		tag{1, r.InControlledShutdown != 0 && c.version >= 1, func(c *coder) { c.int8(&r.InControlledShutdown) }},
		tag{2, len(r.LogDirs) > 0 && c.version >= 2, func(c *coder) { c.uuids(&r.LogDirs) }},
		tag{3, r.CordonedLogDirs != nil && c.version >= 3, func(c *coder) { nullableArray(c, &r.CordonedLogDirs, (*coder).uuid) }})
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

func (r *RegisterControllerRecord) walk(c *coder) {
	c.int32(&r.ControllerID)
	c.uuid(&r.IncarnationID)
	c.bool(&r.ZkMigrationReady)
	array(c, &r.Endpoints, walkEndpoint)
	array(c, &r.Features, walkFeatureRange)
	c.tags()
}
