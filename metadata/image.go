package metadata

import (
	"iter"

	"github.com/barnabas-mq/barnabas/protocol"
)

// Image is the whole metadata at one offset of its log. It is immutable: a
// request takes one and sees nothing else until it has answered.
type Image struct {
	clusterID string

	end       protocol.Offset    // the offset after the last record
	epoch     protocol.Epoch     // the quorum epoch of the last batch
	timestamp protocol.Timestamp // of the last batch

	topics     tree[*Topic]   // by name
	topicIDs   tree[*Topic]   // by the 16 bytes of the id
	collisions tree[[]string] // names with '.' or '_', by the name with '_' for '.'
	configs    tree[Config]   // by resource type and name
	kept       tree[Kept]     // by type

	quotas tree[*ClientQuota]      // by entity
	scram  tree[[]ScramCredential] // by user; each list by mechanism, never empty
	acls   ACLs
	tokens tree[*Token] // by id

	partitions     int
	brokers        []*Broker     // by id
	controllers    []*Controller // by id
	features       []Feature     // by name
	nextProducerID int64

	kraftVersion int16
	voters       []byte // the value of the newest KRaftVoters control record, or nil

	placements [placementsShared]*Placement // the latest distinct ones, newest first
}

// placementsShared is how many recent placements a new one is compared with, so
// that equal ones share memory. One node has two: led, and without a leader.
const placementsShared = 4

// Feature is a finalized feature level.
type Feature struct {
	Name  string
	Level int16
}

// FeatureMetadataVersion is the feature that governs the forms of records.
const FeatureMetadataVersion = "metadata.version"

// Broker is a broker's registration.
type Broker struct {
	ID                   int32
	Epoch                int64
	IncarnationID        protocol.UUID
	Endpoints            []Endpoint
	Features             []FeatureRange
	Rack                 *string
	Fenced               bool
	InControlledShutdown bool
	IsMigratingZkBroker  bool
	LogDirs              []protocol.UUID
	CordonedLogDirs      []protocol.UUID // nil until the broker has said
}

// Endpoint finds the endpoint of a listener.
func (b *Broker) Endpoint(listener string) (Endpoint, bool) {
	for _, e := range b.Endpoints {
		if e.Name == listener {
			return e, true
		}
	}
	return Endpoint{}, false
}

// Controller is a controller's registration.
type Controller struct {
	ID               int32
	IncarnationID    protocol.UUID
	ZkMigrationReady bool
	Endpoints        []Endpoint
	Features         []FeatureRange
}

// ClusterID is the id of the cluster that the directory was made for.
func (img *Image) ClusterID() string { return img.clusterID }

// EndOffset is the offset after the last record that the image contains.
func (img *Image) EndOffset() protocol.Offset { return img.end }

// Epoch is the quorum epoch under which the last record was written.
func (img *Image) Epoch() protocol.Epoch { return img.epoch }

// Topic returns the topic with the name, or nil.
func (img *Image) Topic(name string) *Topic {
	t, _ := img.topics.get(name)
	return t
}

// TopicBytes is Topic for a name that still lies in a request; it does not allocate.
func (img *Image) TopicBytes(name []byte) *Topic {
	t, _ := img.topics.getBytes(name)
	return t
}

// TopicByID returns the topic with the id, or nil.
func (img *Image) TopicByID(id protocol.UUID) *Topic {
	t, _ := img.topicIDs.getBytes(id[:])
	return t
}

// Topics yields all topics in the order of their names.
func (img *Image) Topics() iter.Seq[*Topic] { return img.TopicsFrom("") }

// TopicsFrom yields the topics whose names are at or after start, in order.
func (img *Image) TopicsFrom(start string) iter.Seq[*Topic] {
	return func(yield func(*Topic) bool) {
		for _, t := range img.topics.from(start) {
			if !yield(t) {
				return
			}
		}
	}
}

// TopicCount is the number of topics.
func (img *Image) TopicCount() int { return img.topics.size }

// PartitionCount is the number of partitions of all topics.
func (img *Image) PartitionCount() int { return img.partitions }

// Brokers lists the registered brokers by id. The caller must not change it.
func (img *Image) Brokers() []*Broker { return img.brokers }

// Broker returns the registration of the broker, or nil.
func (img *Image) Broker(id int32) *Broker {
	for _, b := range img.brokers {
		if b.ID == id {
			return b
		}
	}
	return nil
}

// Controllers lists the registered controllers by id. The caller must not change it.
func (img *Image) Controllers() []*Controller { return img.controllers }

// Features lists the finalized features by name. The caller must not change it.
func (img *Image) Features() []Feature { return img.features }

// FeatureLevel is the finalized level of a feature, 0 when it has none.
func (img *Image) FeatureLevel(name string) int16 {
	for _, f := range img.features {
		if f.Name == name {
			return f.Level
		}
	}
	return 0
}

// MetadataVersion is the level of metadata.version.
func (img *Image) MetadataVersion() int16 { return img.FeatureLevel(FeatureMetadataVersion) }

// KRaftVersion is 0 for a fixed voter, 1 for voters that the log names.
func (img *Image) KRaftVersion() int16 { return img.kraftVersion }

// NextProducerID is the first producer id that no block has handed out.
func (img *Image) NextProducerID() protocol.ProducerID {
	return protocol.ProducerID(img.nextProducerID)
}
