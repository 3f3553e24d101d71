package group

import (
	"slices"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/coordinator/group/assignor"
	"github.com/barnabas-mq/barnabas/protocol"
)

// DescribeShare shows share groups with their members.
func (m *Machine) DescribeShare(now coordinator.Moment, ids []string, reply func([]ShareDescription, error)) coordinator.Decision {
	m.begin(now)
	out := make([]ShareDescription, len(ids))
	for i, id := range ids {
		g, err := m.groups[id].shareOf(id)
		if err != nil {
			out[i] = ShareDescription{GroupID: id, Err: err}
			continue
		}
		out[i] = m.describeShare(g)
	}
	m.reply(func(err error) { reply(out, err) })
	return m.finish()
}

func (m *Machine) describeShare(g *shareGroup) ShareDescription {
	d := ShareDescription{
		GroupID: g.id, State: g.groupState(), Epoch: g.epoch, TargetEpoch: g.targetEpoch, Assignor: assignor.SimpleName,
	}
	topics := m.config.Topics()
	for _, member := range g.sortedMembers() {
		one := ShareMemberDescription{MemberID: member.id, Epoch: member.current.epoch, Assigned: named(member.current.assigned, topics)}
		if s := member.told; s != nil {
			one.Rack, one.ClientID, one.ClientHost, one.Topics = s.rack, s.clientID, s.clientHost, s.topics
		}
		d.Members = append(d.Members, one)
	}
	return d
}

// SharePartitions lists the partitions of a share group that have state, with none for
// what is no share group.
func (m *Machine) SharePartitions(now coordinator.Moment, groupID string, reply func([]NamedPartitions, error)) coordinator.Decision {
	m.begin(now)
	var out []NamedPartitions
	if g := m.groups[groupID].asShare(); g != nil {
		topics := m.config.Topics()
		for _, t := range g.state.initialized {
			if known, ok := topics.TopicByID(t.id); ok {
				out = append(out, NamedPartitions{Topic: known.Name, TopicID: t.id, Partitions: t.partitions})
			}
		}
	}
	m.reply(func(err error) { reply(out, err) })
	return m.finish()
}

// ShareDeletion is what has to be forgotten before a share group is deleted.
type ShareDeletion struct {
	GroupID    string
	Err        error
	Partitions assignor.Assignment
}

// BeginShareDeletions notes that all state of these groups is being deleted, so that a
// deletion that is cut off can be gone on with (Kafka's sharePartitionDeleteRequests).
// Of what is no share group there is nothing to delete.
func (m *Machine) BeginShareDeletions(now coordinator.Moment, ids []string, reply func([]ShareDeletion, error)) coordinator.Decision {
	m.begin(now)
	out := make([]ShareDeletion, len(ids))
	for i, id := range ids {
		out[i].GroupID = id
		g := m.groups[id].asShare()
		switch {
		case g == nil:
		case len(g.members) > 0:
			out[i].Err = ErrGroupNotEmpty
		default:
			out[i].Partitions = m.beginShareDeletion(g)
		}
	}
	m.reply(func(err error) { reply(out, err) })
	return m.finishInParts()
}

func (m *Machine) beginShareDeletion(g *shareGroup) assignor.Assignment {
	all := g.state.initialized
	for _, t := range g.state.initializing {
		all = withPartitions(all, t)
	}
	image := m.config.Topics()
	for _, t := range g.state.deleting { // an earlier deletion did not come to its end
		if topic, ok := image.TopicByID(t.id); ok {
			all = withPartitions(all, shareTopic{t.id, topic.Name, upTo(topic.Partitions)})
		}
	}
	next := shareProgress{}
	var partitions assignor.Assignment
	for _, t := range all {
		if _, ok := image.TopicByID(t.id); !ok {
			continue // its state went with it, if not the group's memory of it
		}
		next.deleting = append(next.deleting, shareTopic{id: t.id, name: t.name})
		partitions = append(partitions, assignor.Partitions{Topic: t.id, Partitions: t.partitions})
	}
	if !next.equal(&g.state) {
		m.write(shareProgressRecord(g.id, next))
	}
	return partitions
}

// DeleteShareOffsetsInput is a DeleteShareGroupOffsets request.
type DeleteShareOffsetsInput struct {
	GroupID string
	Topics  []string // none twice
}

// ShareTopicResult tells how it went with a topic's state in a share group.
type ShareTopicResult struct {
	Topic   string
	TopicID protocol.UUID // zero for a topic whose Err says that there is nothing
	Err     error
	// Partitions are those whose state is to be deleted.
	Partitions []int32
}

// DeleteShareOffsetsOutput answers a DeleteShareOffsetsInput.
type DeleteShareOffsetsOutput struct {
	Err    error
	Topics []ShareTopicResult
}

// BeginDeleteShareOffsets notes that the state of these topics is being deleted
// (Kafka's sharePartitionsEligibleForOffsetDeletion).
func (m *Machine) BeginDeleteShareOffsets(now coordinator.Moment, in DeleteShareOffsetsInput, reply func(DeleteShareOffsetsOutput)) coordinator.Decision {
	m.begin(now)
	out := DeleteShareOffsetsOutput{}
	g, err := m.groups[in.GroupID].shareOf(in.GroupID)
	switch {
	case err != nil:
		out.Err = err
	case len(g.members) > 0:
		out.Err = ErrGroupNotEmpty
	default:
		next, image := g.state, m.config.Topics()
		for _, name := range in.Topics {
			result := ShareTopicResult{Topic: name}
			next, result = deleteShareTopic(next, image, result)
			out.Topics = append(out.Topics, result)
		}
		if !next.equal(&g.state) {
			m.write(shareProgressRecord(g.id, next))
		}
	}
	m.reply(func(err error) {
		if err != nil {
			out = DeleteShareOffsetsOutput{Err: err}
		}
		reply(out)
	})
	return m.finish()
}

func deleteShareTopic(v shareProgress, image Topics, result ShareTopicResult) (shareProgress, ShareTopicResult) {
	topic, ok := image.Topic(result.Topic)
	if !ok {
		result.Err = ErrUnknownPartition
		return v, result
	}
	if at, ok := findShareTopic(v.initialized, topic.ID); ok {
		result.TopicID, result.Partitions = topic.ID, v.initialized[at].partitions
		v.initialized = slices.Delete(slices.Clone(v.initialized), at, at+1)
		v.deleting = withPartitions(v.deleting, shareTopic{id: topic.ID, name: topic.Name})
		return v, result
	}
	if _, ok := findShareTopic(v.deleting, topic.ID); ok {
		result.TopicID, result.Partitions = topic.ID, upTo(topic.Partitions)
		return v, result
	}
	result.Err = refuse(ErrUnknownPartition, "There is no offset information to delete.")
	return v, result
}

// EndDeleteShareOffsets notes that the state of these topics is gone.
func (m *Machine) EndDeleteShareOffsets(now coordinator.Moment, groupID string, topics []protocol.UUID, reply func(error)) coordinator.Decision {
	m.begin(now)
	if g := m.groups[groupID].asShare(); g != nil {
		next := g.state
		next.deleting = slices.DeleteFunc(slices.Clone(next.deleting), func(t shareTopic) bool { return slices.Contains(topics, t.id) })
		if !next.equal(&g.state) {
			m.write(shareProgressRecord(groupID, next))
		}
	}
	m.reply(reply)
	return m.finish()
}

// AlterShareOffsetsInput is an AlterShareGroupOffsets request.
type AlterShareOffsetsInput struct {
	GroupID string
	Topics  []AlterShareTopic
}

// AlterShareTopic is a topic of an AlterShareOffsetsInput.
type AlterShareTopic struct {
	Topic  string
	Starts []ShareStart // without a topic id
}

// AlterShareOffsetsOutput answers an AlterShareOffsetsInput.
type AlterShareOffsetsOutput struct {
	Err    error
	Topics []TopicResult
	// Initialization is what the state has to be told before this is true.
	Initialization ShareInitialization
}

// BeginAlterShareOffsets notes that partitions are to begin anew; a group that does not
// exist begins with this.
func (m *Machine) BeginAlterShareOffsets(now coordinator.Moment, in AlterShareOffsetsInput, reply func(AlterShareOffsetsOutput)) coordinator.Decision {
	m.begin(now)
	out := AlterShareOffsetsOutput{}
	g := newShareGroup(in.GroupID)
	var err error
	if entry := m.groups[in.GroupID]; entry != nil {
		g, err = entry.shareOf(in.GroupID)
	}
	switch {
	case err != nil:
		out.Err = err
	case len(g.members) > 0:
		out.Err = ErrGroupNotEmpty
	case len(in.GroupID) > stringBytesMax:
		out.Err = ErrInvalidGroupID
	default:
		out = m.alterShare(g, in)
	}
	m.reply(func(err error) {
		if err != nil {
			out = AlterShareOffsetsOutput{Err: err}
		}
		reply(out)
	})
	return m.finish()
}

func (m *Machine) alterShare(g *shareGroup, in AlterShareOffsetsInput) AlterShareOffsetsOutput {
	out := AlterShareOffsetsOutput{Topics: make([]TopicResult, len(in.Topics))}
	image := m.config.Topics()
	var altered []shareTopic
	anyExists := false
	for i, t := range in.Topics {
		topic, exists := image.Topic(t.Topic)
		anyExists = anyExists || exists
		result := TopicResult{Topic: t.Topic, TopicID: topic.ID, Partitions: make([]PartitionResult, len(t.Starts))}
		for j, s := range t.Starts {
			result.Partitions[j].Partition = s.Partition
			if !exists || s.Partition < 0 || s.Partition >= topic.Partitions {
				result.Partitions[j].Err = ErrUnknownPartition
				continue
			}
			s.Topic = topic.ID
			out.Initialization.Starts = append(out.Initialization.Starts, s)
			altered = withPartitions(altered, shareTopic{topic.ID, topic.Name, []int32{s.Partition}})
		}
		out.Topics[i] = result
	}
	if len(altered) == 0 {
		if anyExists && m.groups[g.id] == nil { // as in Kafka, a topic is enough to begin a group
			m.write(shareProgressRecord(g.id, g.state))
		}
		return out
	}
	record := shareProgressRecord(g.id, g.state.withInitializing(altered))
	if recordBytes(record) > m.config.RecordBytesMax {
		return AlterShareOffsetsOutput{Err: ErrGroupTooLarge}
	}
	m.write(record)
	m.noteAsked(g, altered)
	out.Initialization.GroupID, out.Initialization.StateEpoch = g.id, g.epoch
	return out
}
