package metadata

import (
	"slices"

	"github.com/barnabas-mq/barnabas/protocol"
)

// ProducerIDBlock is a range of producer ids that belongs to whoever got it.
type ProducerIDBlock struct {
	First protocol.ProducerID
	Count int64
}

// producerIDBlockSize is Kafka's.
const producerIDBlockSize = 1000

// NextProducerIDBlock takes the next block of producer ids. Once the record is
// journaled no id of it is handed out again.
func NextProducerIDBlock(img *Image, node int32, brokerEpoch int64) ([]Record, ProducerIDBlock, error) {
	if b := img.Broker(node); b == nil || b.Epoch != brokerEpoch {
		return nil, ProducerIDBlock{}, refuse(ErrStaleBrokerEpoch, "broker %d is not registered with epoch %d", node, brokerEpoch)
	}
	block := ProducerIDBlock{First: protocol.ProducerID(img.nextProducerID), Count: producerIDBlockSize}
	r := &ProducerIDsRecord{BrokerID: node, BrokerEpoch: brokerEpoch, NextProducerID: img.nextProducerID + block.Count}
	return []Record{r}, block, nil
}

// TopicIDPartition names a partition for ever.
type TopicIDPartition struct {
	TopicID   protocol.UUID
	Partition int32
}

// RaiseEpochs makes the records that raise the leader epochs of partitions which
// the node leads, by choosing it again. Partitions that are gone, or that another
// proposal named too, cost nothing; a partition named twice is raised once.
func RaiseEpochs(img *Image, node int32, partitions []TopicIDPartition) []Record {
	records := make([]Record, 0, len(partitions))
	seen := make(map[TopicIDPartition]bool, len(partitions))
	for _, id := range partitions {
		t := img.TopicByID(id.TopicID)
		if t == nil || seen[id] {
			continue
		}
		seen[id] = true
		if p := t.Partition(id.Partition); p == nil || p.Leader != node {
			continue
		}
		r := NewPartitionChange(id.TopicID, id.Partition)
		r.Leader = node
		records = append(records, r)
	}
	return records
}

// FeatureUpdate asks for another level of a feature.
type FeatureUpdate struct {
	Name  string
	Level int16
	// Downgrade allows a lower level than now.
	Downgrade bool
}

// UpdateFeatures makes the records of new feature levels. The level of
// metadata.version stays as it is: it says which Kafka can take the directory.
func UpdateFeatures(img *Image, updates []FeatureUpdate) ([]Record, error) {
	var records []Record
	for _, u := range updates {
		i := slices.IndexFunc(supportedFeatures[:], func(f FeatureRange) bool { return f.Name == u.Name })
		if i < 0 {
			return nil, refuse(ErrInvalidFeatureUpdate, "Invalid update version %d for feature %s. The controller does not support this feature.", u.Level, cut(u.Name))
		}
		f, now := supportedFeatures[i], img.FeatureLevel(u.Name)
		switch {
		case u.Level == now:
			continue
		case u.Level < f.Min || u.Level > f.Max:
			return nil, refuse(ErrInvalidFeatureUpdate, "Invalid update version %d for feature %s. Local controller %d only supports versions %d-%d", u.Level, u.Name, controllerID(img), f.Min, f.Max)
		case u.Name == FeatureMetadataVersion || u.Name == "kraft.version":
			return nil, refuse(ErrInvalidFeatureUpdate, "Invalid update version %d for feature %s. This broker does not change it.", u.Level, u.Name)
		case u.Level < now && !u.Downgrade:
			return nil, refuse(ErrInvalidFeatureUpdate, "Invalid update version %d for feature %s. Can't downgrade the version of this feature without setting the upgrade type to either safe or unsafe downgrade.", u.Level, u.Name)
		}
		records = append(records, &FeatureLevelRecord{u.Name, u.Level})
	}
	return records, nil
}

func controllerID(img *Image) int32 {
	if len(img.controllers) == 0 {
		return -1
	}
	return img.controllers[0].ID
}
