package metadata

import (
	"fmt"
	"slices"
	"strings"

	"github.com/barnabas-mq/barnabas/protocol"
)

// draft is the next Image in the making. It shares everything with the image it
// began from and copies what it changes once. apply is the only code that turns
// records into state, for live changes, replay and snapshots alike.
type draft struct {
	img   Image
	owner *owner
}

// edit begins a draft on top of img.
func (img *Image) edit() *draft { return &draft{img: *img, owner: &owner{}} }

// image ends the draft, which must not be used afterwards.
func (d *draft) image() *Image { return &d.img }

// advance notes that the records before end have been applied.
func (d *draft) advance(end protocol.Offset, epoch protocol.Epoch, at protocol.Timestamp) {
	d.img.end, d.img.epoch, d.img.timestamp = end, epoch, at
}

// apply changes the draft by one record. value is the record's bytes, which are
// copied if they are kept. An error means that the record does not fit what came
// before it: then the log is damaged, or the proposal was wrong.
func (d *draft) apply(r Record, value []byte) error {
	switch r := r.(type) {
	case *TopicRecord:
		return d.addTopic(r)
	case *RemoveTopicRecord:
		return d.removeTopic(r)
	case *PartitionRecord:
		return d.setPartition(r)
	case *PartitionChangeRecord:
		return d.changePartition(r)
	case *ClearELRRecord:
		return d.clearELR(r)
	case *ConfigRecord:
		d.setConfig(r)
	case *FeatureLevelRecord:
		d.setFeature(r)
	case *ProducerIDsRecord:
		d.img.nextProducerID = r.NextProducerID
	case *RegisterBrokerRecord:
		d.registerBroker(r)
	case *UnregisterBrokerRecord:
		return d.unregisterBroker(r)
	case *BrokerRegistrationChangeRecord:
		return d.changeBroker(r.BrokerID, r.BrokerEpoch, func(b *Broker) { b.change(r) })
	case *FenceBrokerRecord:
		return d.changeBroker(r.BrokerID, r.BrokerEpoch, func(b *Broker) { b.Fenced = true })
	case *UnfenceBrokerRecord:
		return d.changeBroker(r.BrokerID, r.BrokerEpoch, func(b *Broker) { b.Fenced = false })
	case *RegisterControllerRecord:
		d.registerController(r)
	case *ClientQuotaRecord:
		d.setQuota(r)
	case *AccessControlEntryRecord:
		d.setACL(r)
	case *RemoveAccessControlEntryRecord:
		d.dropACL(r.ID)
	case *UserScramCredentialRecord:
		d.setScram(r)
	case *RemoveUserScramCredentialRecord:
		d.removeScram(r)
	case *DelegationTokenRecord:
		d.setToken(r)
	case *RemoveDelegationTokenRecord:
		d.img.tokens = d.img.tokens.remove(d.owner, r.TokenID)
	case *NoOpRecord, *BeginTransactionRecord, *EndTransactionRecord, *AbortTransactionRecord:
		// The reader of the log has dealt with transactions.
	default:
		return d.keep(r, value)
	}
	return nil
}

func (d *draft) keep(r Record, value []byte) error {
	if !isKept(r) {
		return fmt.Errorf("%s has no place in the image", r.Type())
	}
	d.img.kept = d.img.kept.set(d.owner, keptKey(r), Kept{Record: r, Value: slices.Clone(value)})
	return nil
}

func (d *draft) setConfig(r *ConfigRecord) {
	key := Resource{r.ResourceType, r.ResourceName}.key()
	old, _ := d.img.configs.get(key)
	if next := old.with(r.Name, r.Value); len(next) > 0 {
		d.img.configs = d.img.configs.set(d.owner, key, next)
	} else {
		d.img.configs = d.img.configs.remove(d.owner, key)
	}
}

func (d *draft) setFeature(r *FeatureLevelRecord) {
	features := slices.Clone(d.img.features)
	i, ok := slices.BinarySearchFunc(features, r.Name, func(f Feature, name string) int { return strings.Compare(f.Name, name) })
	switch {
	case r.Level == 0 && ok:
		features = slices.Delete(features, i, i+1)
	case r.Level != 0 && ok:
		features[i].Level = r.Level
	case r.Level != 0:
		features = slices.Insert(features, i, Feature{r.Name, r.Level})
	}
	d.img.features = features
}
