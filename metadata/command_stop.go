package metadata

import "slices"

// featureELR keeps the replicas that may lead although they left the ISR (KIP-966).
const featureELR = "eligible.leader.replicas.version"

// ControlledShutdown makes the records of the node's orderly stop, as Apache Kafka
// 4.3.1 and 3.9.2 write them (seen in their logs): the broker says that it stops,
// its partitions lose their leader, the broker is fenced. A broker that is found
// unfenced costs Kafka its whole session timeout at the next start.
func ControlledShutdown(img *Image, node int32, brokerEpoch int64) []Record {
	if b := img.Broker(node); b == nil || b.Epoch != brokerEpoch {
		return nil // somebody else is registered, and its state is not ours to write
	}
	records := make([]Record, 0, img.PartitionCount()+2)
	records = append(records, &BrokerRegistrationChangeRecord{
		BrokerID: node, BrokerEpoch: brokerEpoch, InControlledShutdown: 1,
	})
	none, itself := []int32{}, []int32{node}
	eligible := img.FeatureLevel(featureELR) > 0
	for t := range img.Topics() {
		for i := range t.Partitions {
			p := &t.Partitions[i]
			if p.Leader != node {
				continue
			}
			r := NewPartitionChange(t.ID, p.Index)
			r.Leader = NoLeader
			// Without the feature the last replica stays in the ISR.
			if eligible && slices.Equal(p.ISR, itself) {
				r.ISR, r.ELR, r.LastKnownELR = none, itself, itself
			}
			records = append(records, r)
		}
	}
	return append(records, &BrokerRegistrationChangeRecord{
		BrokerID: node, BrokerEpoch: brokerEpoch, Fenced: FenceChangeFence,
	})
}
