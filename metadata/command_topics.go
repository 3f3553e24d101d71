package metadata

import (
	"slices"
	"strings"

	"github.com/barnabas-mq/barnabas/protocol"
)

// partitionsPerRequestMax is Kafka's limit on the partitions that one request creates.
// Its limit on records is the caller's.
const partitionsPerRequestMax = 10_000

// NewTopic asks for a topic: with partitions and replicas by number, or with an
// assignment, where both numbers are -1.
type NewTopic struct {
	Name              string
	Partitions        int32
	ReplicationFactor int16
	Assignment        []Assignment
	Configs           []ConfigEntry // without names that are there twice
}

// Assignment is the replicas of a new partition.
type Assignment struct {
	Partition int32
	Replicas  []int32
}

// CreateOptions are what commands that create need from outside.
type CreateOptions struct {
	// NewID makes a random topic id.
	NewID func() protocol.UUID
	// FewerReplicas accepts a replication factor above the number of brokers,
	// and a manual assignment to brokers that do not exist, and uses those that do.
	FewerReplicas bool
	// CheckConfigs refuses bad configs of a new topic; nil refuses none.
	CheckConfigs func(topic string, configs []ConfigEntry) error
	// Admit is asked for the partitions of each topic that nothing else speaks against, and
	// refuses it with an error; nil admits all.
	Admit func(partitions int) error
}

func (o *CreateOptions) admit(partitions int) error {
	if o.Admit == nil {
		return nil
	}
	return o.Admit(partitions)
}

// CreateResult is what became of one new topic.
type CreateResult struct {
	ID                protocol.UUID
	Partitions        int32
	ReplicationFactor int16
	Err               error
}

// CreateTopics makes the records of new topics. The results are in the order of
// the topics; those that fail leave no records. The error concerns all of them.
func CreateTopics(img *Image, topics []NewTopic, o CreateOptions) ([]Record, []CreateResult, error) {
	total := 0
	for i := range topics {
		total += max(int(topics[i].Partitions), len(topics[i].Assignment), 0)
	}
	if total > partitionsPerRequestMax {
		return nil, nil, refuse(ErrPolicyViolation, "Excessively large number of partitions per request.")
	}
	records := make([]Record, 0, len(topics)+total)
	results := make([]CreateResult, len(topics))
	taken := make(map[string]bool) // names of this call; what collides with them only is created, as by Kafka
	for i := range topics {
		t := &topics[i]
		added, result := createTopic(img, t, &o)
		switch {
		case result.Err != nil:
		case taken[t.Name]:
			result = CreateResult{Err: refuse(ErrTopicExists, "Topic '%s' already exists.", t.Name)}
		default:
			taken[t.Name] = true
			records = append(records, added...)
		}
		results[i] = result
	}
	return records, results, nil
}

func createTopic(img *Image, t *NewTopic, o *CreateOptions) ([]Record, CreateResult) {
	fail := func(err error) ([]Record, CreateResult) { return nil, CreateResult{Err: err} }
	if err := ValidateTopicName(t.Name); err != nil {
		return fail(err)
	}
	if err := img.checkCollision(t.Name); err != nil {
		return fail(err)
	}
	if img.Topic(t.Name) != nil {
		return fail(refuse(ErrTopicExists, "Topic '%s' already exists.", t.Name))
	}
	if o.CheckConfigs != nil && len(t.Configs) > 0 {
		if err := o.CheckConfigs(t.Name, t.Configs); err != nil {
			return fail(err)
		}
	}
	assignment, err := assignTopic(img, t, o)
	if err != nil {
		return fail(err)
	}
	if err := o.admit(len(assignment)); err != nil {
		return fail(err)
	}
	id := o.NewID()
	records := make([]Record, 0, 1+len(t.Configs)+len(assignment))
	records = append(records, &TopicRecord{t.Name, id})
	configs := slices.Clone(t.Configs)
	slices.SortFunc(configs, func(a, b ConfigEntry) int { return strings.Compare(a.Name, b.Name) })
	for i := range configs {
		records = append(records, &ConfigRecord{ResourceTopic, t.Name, configs[i].Name, &configs[i].Value})
	}
	for i, replicas := range assignment {
		records = append(records, newPartition(img, id, int32(i), replicas))
	}
	return records, CreateResult{ID: id, Partitions: int32(len(assignment)), ReplicationFactor: int16(len(assignment[0]))}
}

// newPartition leads from the first replica, with all replicas in sync.
func newPartition(img *Image, topic protocol.UUID, index int32, replicas []int32) *PartitionRecord {
	r := &PartitionRecord{PartitionID: index, TopicID: topic, Replicas: replicas, ISR: replicas, Leader: replicas[0]}
	r.Directories = make([]protocol.UUID, 0, len(replicas))
	for _, id := range replicas {
		var directory protocol.UUID // Kafka's "unassigned"
		if b := img.Broker(id); b != nil && len(b.LogDirs) == 1 {
			directory = b.LogDirs[0]
		}
		r.Directories = append(r.Directories, directory)
	}
	return r
}

// TopicKey names a topic by name or, when the name is empty, by id.
type TopicKey struct {
	Name string
	ID   protocol.UUID
}

// FindTopic finds the topic of a key; the error wraps ErrUnknownTopic or ErrUnknownTopicID.
func (img *Image) FindTopic(k TopicKey) (*Topic, error) {
	if k.Name != "" {
		if t := img.Topic(k.Name); t != nil {
			return t, nil
		}
		return nil, refuse(ErrUnknownTopic, "This server does not host this topic-partition.")
	}
	if t := img.TopicByID(k.ID); t != nil {
		return t, nil
	}
	return nil, refuse(ErrUnknownTopicID, "This server does not host this topic ID.")
}

// DeleteTopics makes the records that remove topics. The errors are in the order
// of the keys, nil for those that will be gone. admit, unless nil, is asked for the
// partitions of each, and refuses it with an error.
func DeleteTopics(img *Image, keys []TopicKey, admit func(partitions int) error) ([]Record, []error) {
	var records []Record
	errs := make([]error, len(keys))
	gone := make(map[protocol.UUID]bool, len(keys))
	for i, k := range keys {
		t, err := img.FindTopic(k)
		if err != nil || gone[t.ID] {
			errs[i] = err
			continue
		}
		if admit != nil {
			if errs[i] = admit(len(t.Partitions)); errs[i] != nil {
				continue
			}
		}
		gone[t.ID] = true
		records = append(records, &RemoveTopicRecord{t.ID})
	}
	return records, errs
}

// CreatePartitions makes the records that raise the number of a topic's
// partitions to count. An assignment, unless nil, has the replicas of each new one.
func CreatePartitions(img *Image, topic string, count int32, assignment [][]int32, o CreateOptions) ([]Record, error) {
	t := img.Topic(topic)
	if t == nil {
		return nil, refuse(ErrUnknownTopic, "This server does not host this topic-partition.")
	}
	have := int32(len(t.Partitions))
	switch {
	case have == 0:
		return nil, refuse(ErrInvalidPartitions, "Invalid state: topic %s appears to have no partitions.", topic)
	case count == have:
		return nil, refuse(ErrInvalidPartitions, "Topic already has %d partition(s).", have)
	case count < have:
		return nil, refuse(ErrInvalidPartitions, "The topic %s currently has %d partition(s); %d would not be an increase.", topic, have, count)
	case count-have > partitionsPerRequestMax:
		return nil, refuse(ErrPolicyViolation, "Excessively large number of partitions per request.")
	}
	added := int(count - have)
	if assignment != nil && len(assignment) != added {
		return nil, refuse(ErrInvalidAssignment, "Attempted to add %d additional partition(s), but only %d assignment(s) were specified.", added, len(assignment))
	}
	if err := o.admit(added); err != nil { // before the assignment is looked at, as Kafka
		return nil, err
	}
	factor := len(t.Partitions[0].Replicas)
	if assignment == nil {
		var err error
		if assignment, err = place(img, added, factor, &o); err != nil {
			return nil, err
		}
	} else {
		for i := range assignment {
			replicas, err := checkReplicas(img, have+int32(i), assignment[i], factor, &o)
			if err != nil {
				return nil, err
			}
			assignment[i] = replicas
		}
	}
	records := make([]Record, added)
	for i, replicas := range assignment {
		records[i] = newPartition(img, t.ID, have+int32(i), replicas)
	}
	return records, nil
}
