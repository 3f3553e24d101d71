package metadata

import (
	"fmt"
	"slices"
	"strings"

	"github.com/barnabas-mq/barnabas/protocol"
)

func (d *draft) addTopic(r *TopicRecord) error {
	if r.TopicID.IsZero() {
		return fmt.Errorf("topic %q has no id", r.Name)
	}
	if old := d.img.Topic(r.Name); old != nil {
		return fmt.Errorf("topic %q exists already", r.Name)
	}
	if old := d.img.TopicByID(r.TopicID); old != nil {
		return fmt.Errorf("topic id %s belongs to %q already", r.TopicID, old.Name)
	}
	d.putTopic(&Topic{Name: r.Name, ID: r.TopicID, owner: d.owner})
	if key := collisionKey(r.Name); key != "" {
		names, _ := d.img.collisions.get(key)
		d.img.collisions = d.img.collisions.set(d.owner, key, slices.Sorted(slices.Values(append(slices.Clone(names), r.Name))))
	}
	return nil
}

func (d *draft) putTopic(t *Topic) {
	d.img.topics = d.img.topics.set(d.owner, t.Name, t)
	d.img.topicIDs = d.img.topicIDs.set(d.owner, string(t.ID[:]), t)
}

// collisionKey is what names have in common that become one name in metrics,
// where '.' turns into '_'. It is "" for names that cannot collide.
func collisionKey(name string) string {
	if !strings.ContainsAny(name, "._") {
		return ""
	}
	return strings.ReplaceAll(name, ".", "_")
}

// topic returns a copy of the topic that the draft may change, and records it.
func (d *draft) topic(id protocol.UUID) (*Topic, error) {
	t := d.img.TopicByID(id)
	if t == nil {
		return nil, fmt.Errorf("no topic has the id %s", id)
	}
	if t.owner != d.owner {
		t = &Topic{Name: t.Name, ID: t.ID, Partitions: slices.Clone(t.Partitions), owner: d.owner}
		d.putTopic(t)
	}
	return t, nil
}

// removeTopic removes the configs too: Kafka writes no records for them.
func (d *draft) removeTopic(r *RemoveTopicRecord) error {
	t := d.img.TopicByID(r.TopicID)
	if t == nil {
		return fmt.Errorf("no topic has the id %s", r.TopicID)
	}
	d.img.partitions -= len(t.Partitions)
	d.img.topics = d.img.topics.remove(d.owner, t.Name)
	d.img.topicIDs = d.img.topicIDs.remove(d.owner, string(t.ID[:]))
	d.img.configs = d.img.configs.remove(d.owner, Resource{ResourceTopic, t.Name}.key())
	key := collisionKey(t.Name)
	if key == "" {
		return nil
	}
	names, _ := d.img.collisions.get(key)
	names = slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == t.Name })
	if len(names) == 0 {
		d.img.collisions = d.img.collisions.remove(d.owner, key)
	} else {
		d.img.collisions = d.img.collisions.set(d.owner, key, names)
	}
	return nil
}

func (d *draft) setPartition(r *PartitionRecord) error {
	if r.PartitionID < 0 {
		return fmt.Errorf("a partition has the index %d", r.PartitionID)
	}
	t, err := d.topic(r.TopicID)
	if err != nil {
		return err
	}
	p := partitionOf(r)
	p.Placement = d.share(*p.Placement)
	i, ok := t.find(r.PartitionID)
	if ok {
		t.Partitions[i] = p
		return nil
	}
	t.Partitions = slices.Insert(t.Partitions, i, p)
	d.img.partitions++
	return nil
}

func (d *draft) changePartition(r *PartitionChangeRecord) error {
	t, err := d.topic(r.TopicID)
	if err != nil {
		return err
	}
	i, ok := t.find(r.PartitionID)
	if !ok {
		return fmt.Errorf("topic %q has no partition %d", t.Name, r.PartitionID)
	}
	p, placement := t.Partitions[i].changed(r)
	p.Placement = d.share(placement)
	t.Partitions[i] = p
	return nil
}

// share returns an equal placement that some partition has already, or a new one.
func (d *draft) share(p Placement) *Placement {
	for _, known := range d.img.placements {
		if known != nil && known.equal(&p) {
			return known
		}
	}
	copy(d.img.placements[1:], d.img.placements[:])
	own := p
	d.img.placements[0] = &own
	return &own
}

// clearELR raises the partition epochs of what it changes, as Kafka does.
func (d *draft) clearELR(r *ClearELRRecord) error {
	topics := []*Topic{d.img.Topic(r.TopicName)}
	if r.TopicName == "" {
		topics = slices.Collect(d.img.Topics())
	} else if topics[0] == nil {
		return fmt.Errorf("topic %q does not exist", r.TopicName)
	}
	for _, t := range topics {
		for i := range t.Partitions {
			p := &t.Partitions[i]
			if len(p.ELR) == 0 && len(p.LastKnownELR) == 0 {
				continue
			}
			change := NewPartitionChange(t.ID, p.Index)
			change.ELR, change.LastKnownELR = []int32{}, []int32{}
			if err := d.changePartition(change); err != nil {
				return err
			}
		}
	}
	return nil
}
