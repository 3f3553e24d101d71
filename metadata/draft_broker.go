package metadata

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

func compareBroker(b *Broker, id int32) int { return cmp.Compare(b.ID, id) }

func compareController(c *Controller, id int32) int { return cmp.Compare(c.ID, id) }

// with is a copy of a list by id in which next has its place, instead of the one
// that has the id now.
func with[T any](list []T, next T, id int32, compare func(T, int32) int) []T {
	list = slices.Clone(list)
	i, ok := slices.BinarySearchFunc(list, id, compare)
	if ok {
		list[i] = next
		return list
	}
	return slices.Insert(list, i, next)
}

func (d *draft) putBroker(b *Broker) {
	d.img.brokers = with(d.img.brokers, b, b.ID, compareBroker)
}

func (d *draft) registerBroker(r *RegisterBrokerRecord) {
	d.putBroker(&Broker{
		ID: r.BrokerID, Epoch: r.BrokerEpoch, IncarnationID: r.IncarnationID,
		Endpoints: r.Endpoints, Features: byName(r.Features), Rack: r.Rack,
		Fenced: r.Fenced, InControlledShutdown: r.InControlledShutdown, IsMigratingZkBroker: r.IsMigratingZkBroker,
		LogDirs: r.LogDirs, CordonedLogDirs: r.CordonedLogDirs,
	})
}

// byName sorts features, which Kafka writes in the order of a hash map.
func byName(features []FeatureRange) []FeatureRange {
	return slices.SortedFunc(slices.Values(features), func(a, b FeatureRange) int { return strings.Compare(a.Name, b.Name) })
}

// broker finds a registration and checks the epoch that a record names.
func (d *draft) broker(id int32, epoch int64) (*Broker, error) {
	b := d.img.Broker(id)
	if b == nil {
		return nil, fmt.Errorf("broker %d is not registered", id)
	}
	if b.Epoch != epoch {
		return nil, fmt.Errorf("broker %d is registered with epoch %d, not %d", id, b.Epoch, epoch)
	}
	return b, nil
}

func (d *draft) unregisterBroker(r *UnregisterBrokerRecord) error {
	if _, err := d.broker(r.BrokerID, r.BrokerEpoch); err != nil {
		return err
	}
	d.img.brokers = slices.DeleteFunc(slices.Clone(d.img.brokers), func(b *Broker) bool { return b.ID == r.BrokerID })
	return nil
}

func (d *draft) changeBroker(id int32, epoch int64, change func(*Broker)) error {
	old, err := d.broker(id, epoch)
	if err != nil {
		return err
	}
	next := *old
	change(&next)
	d.putBroker(&next)
	return nil
}

// change follows Kafka's ClusterDelta: what a record leaves out stays.
func (b *Broker) change(r *BrokerRegistrationChangeRecord) {
	switch r.Fenced {
	case FenceChangeFence:
		b.Fenced = true
	case FenceChangeUnfence:
		b.Fenced = false
	}
	if r.InControlledShutdown != 0 {
		b.InControlledShutdown = true
	}
	if len(r.LogDirs) > 0 {
		b.LogDirs = r.LogDirs
	}
	if r.CordonedLogDirs != nil {
		b.CordonedLogDirs = r.CordonedLogDirs
	}
}

func (d *draft) registerController(r *RegisterControllerRecord) {
	next := &Controller{
		ID: r.ControllerID, IncarnationID: r.IncarnationID, ZkMigrationReady: r.ZkMigrationReady,
		Endpoints: r.Endpoints, Features: byName(r.Features),
	}
	d.img.controllers = with(d.img.controllers, next, next.ID, compareController)
}

// record is the registration as a snapshot holds it.
func (b *Broker) record() *RegisterBrokerRecord {
	return &RegisterBrokerRecord{
		BrokerID: b.ID, IsMigratingZkBroker: b.IsMigratingZkBroker, IncarnationID: b.IncarnationID, BrokerEpoch: b.Epoch,
		Endpoints: b.Endpoints, Features: b.Features, Rack: b.Rack, Fenced: b.Fenced,
		InControlledShutdown: b.InControlledShutdown, LogDirs: b.LogDirs, CordonedLogDirs: b.CordonedLogDirs,
	}
}

func (c *Controller) record() *RegisterControllerRecord {
	return &RegisterControllerRecord{
		ControllerID: c.ID, IncarnationID: c.IncarnationID, ZkMigrationReady: c.ZkMigrationReady,
		Endpoints: c.Endpoints, Features: c.Features,
	}
}
