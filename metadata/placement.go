package metadata

import "slices"

// assignTopic finds the replicas of every partition of a new topic.
func assignTopic(img *Image, t *NewTopic, o *CreateOptions) ([][]int32, error) {
	if len(t.Assignment) > 0 {
		return checkAssignment(img, t, o)
	}
	switch {
	case t.ReplicationFactor <= 0:
		return nil, refuse(ErrInvalidReplicationFactor, "Replication factor must be larger than 0, or -1 to use the default value.")
	case t.Partitions <= 0:
		return nil, refuse(ErrInvalidPartitions, "Number of partitions was set to an invalid non-positive value.")
	}
	return place(img, int(t.Partitions), int(t.ReplicationFactor), o)
}

// usable tells whether partitions may be placed on the broker.
func (b *Broker) usable() bool { return !b.Fenced && !b.InControlledShutdown }

// place spreads partitions over the brokers in turn.
func place(img *Image, partitions, factor int, o *CreateOptions) ([][]int32, error) {
	var usable []int32
	for _, b := range img.brokers {
		if b.usable() {
			usable = append(usable, b.ID)
		}
	}
	if len(usable) == 0 {
		return nil, refuse(ErrInvalidReplicationFactor, "Unable to replicate the partition %d time(s): All brokers are currently fenced or in controlled shutdown.", factor)
	}
	if factor > len(usable) {
		if !o.FewerReplicas {
			return nil, refuse(ErrInvalidReplicationFactor, "Unable to replicate the partition %d time(s): The target replication factor of %d cannot be reached because only %d broker(s) are registered or some brokers have all their log directories cordoned.", factor, factor, len(img.brokers))
		}
		factor = len(usable)
	}
	placed := make([][]int32, partitions)
	for i := range placed {
		for j := range factor {
			placed[i] = append(placed[i], usable[(i+j)%len(usable)])
		}
	}
	return placed, nil
}

// checkAssignment checks what the client chose, in Kafka's order.
func checkAssignment(img *Image, t *NewTopic, o *CreateOptions) ([][]int32, error) {
	if t.ReplicationFactor != -1 {
		return nil, refuse(ErrInvalidRequest, "A manual partition assignment was specified, but replication factor was not set to -1.")
	}
	if t.Partitions != -1 {
		return nil, refuse(ErrInvalidRequest, "A manual partition assignment was specified, but numPartitions was not set to -1.")
	}
	placed := make([][]int32, len(t.Assignment))
	factor := 0
	var outside bool
	for _, a := range t.Assignment {
		if inside := a.Partition >= 0 && int(a.Partition) < len(placed); !inside {
			outside = true
			continue
		} else if placed[a.Partition] != nil {
			return nil, refuse(ErrInvalidAssignment, "Found multiple manual partition assignments for partition %d", a.Partition)
		}
		replicas, err := checkReplicas(img, a.Partition, a.Replicas, factor, o)
		if err != nil {
			return nil, err
		}
		placed[a.Partition], factor = replicas, len(a.Replicas)
	}
	if outside {
		return nil, refuse(ErrInvalidAssignment, "partitions should be a consecutive 0-based integer sequence")
	}
	return placed, nil
}

// CheckReplicas refuses replicas that no partition can have: none, one that does
// not exist, or the same one twice. The error wraps ErrInvalidAssignment.
func CheckReplicas(img *Image, replicas []int32) error {
	return checkReplicaIDs(img, replicas, &CreateOptions{})
}

func checkReplicaIDs(img *Image, replicas []int32, o *CreateOptions) error {
	if len(replicas) == 0 {
		return refuse(ErrInvalidAssignment, "The manual partition assignment includes an empty replica list.")
	}
	sorted := slices.Sorted(slices.Values(replicas))
	for i, id := range sorted {
		if i > 0 && sorted[i-1] == id {
			return refuse(ErrInvalidAssignment, "The manual partition assignment includes the broker %d more than once.", id)
		}
		if img.Broker(id) == nil && !o.FewerReplicas {
			return refuse(ErrInvalidAssignment, "The manual partition assignment includes broker %d, but no such broker is registered.", id)
		}
	}
	return nil
}

// checkReplicas checks the replicas of one partition; factor, unless 0, is how
// many there have to be. It returns those to use.
func checkReplicas(img *Image, partition int32, replicas []int32, factor int, o *CreateOptions) ([]int32, error) {
	if err := checkReplicaIDs(img, replicas, o); err != nil {
		return nil, err
	}
	var usable []int32
	if factor != 0 && len(replicas) != factor && !o.FewerReplicas {
		return nil, refuse(ErrInvalidAssignment, "The manual partition assignment includes a partition with %d replica(s), but this is not consistent with previous partitions, which have %d replica(s).", len(replicas), factor)
	}
	for _, id := range replicas {
		if b := img.Broker(id); b != nil && b.usable() {
			usable = append(usable, id)
		}
	}
	if len(usable) == 0 && o.FewerReplicas {
		placed, err := place(img, 1, 1, o)
		if err != nil {
			return nil, err
		}
		return placed[0], nil
	}
	if len(usable) == 0 {
		return nil, refuse(ErrInvalidAssignment, "All brokers specified in the manual partition assignment for partition %d are fenced or in controlled shutdown.", partition)
	}
	if o.FewerReplicas {
		return usable, nil
	}
	return slices.Clone(replicas), nil
}
