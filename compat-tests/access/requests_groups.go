package access

import (
	"github.com/twmb/franz-go/pkg/kmsg"
)

// kept are the topics that offsets are committed for: those that are never deleted, as
// Kafka forgets the offsets of a deleted topic behind its answer, and those that are
// not there.
var kept = []string{"red-1", "blue-1", "red-2", "blue-2", "red-9", "blue-9"}

func (d *draw) offsetCommit() kmsg.Request { return d.commitOf(d.one(), d.from(kept)...) }

// afterCommit takes groups away that were made by the commit.
func (r *room) afterCommit(kmsg.Response) {
	r.Quiet(deleteGroupsOf(missing...))
}

func (d *draw) offsetFetch() kmsg.Request {
	const all = 2 // from this version on
	var of []string
	if d.version < all || !d.rarely(3) {
		of = d.from(kept)
	}
	req := d.offsetFetchOf(of, d.some()...)
	req.RequireStable = d.rarely(3)
	return req
}

// offsetFetchOf asks for the offsets of topics in groups, of which there is one below
// version 8. No topics are all.
func (r *room) offsetFetchOf(topics []string, groups ...string) *kmsg.OffsetFetchRequest {
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Group = groups[0]
	for _, name := range topics {
		req.Topics = append(req.Topics, kmsg.OffsetFetchRequestTopic{Topic: name, Partitions: []int32{0}})
	}
	for _, group := range groups {
		one := kmsg.NewOffsetFetchRequestGroup()
		one.Group = group
		for _, name := range topics {
			t := kmsg.NewOffsetFetchRequestGroupTopic()
			t.Topic, t.TopicID, t.Partitions = name, r.id(name), []int32{0}
			one.Topics = append(one.Topics, t)
		}
		req.Groups = append(req.Groups, one)
	}
	return req
}

func (d *draw) offsetDelete() kmsg.Request { return offsetDeleteOf(d.one(), d.from(kept)...) }

func offsetDeleteOf(group string, topics ...string) *kmsg.OffsetDeleteRequest {
	req := kmsg.NewPtrOffsetDeleteRequest()
	req.Group = group
	for _, name := range topics {
		t := kmsg.NewOffsetDeleteRequestTopic()
		t.Topic, t.Partitions = name, append(t.Partitions, kmsg.NewOffsetDeleteRequestTopicPartition())
		req.Topics = append(req.Topics, t)
	}
	return req
}

func (d *draw) findCoordinator() kmsg.Request {
	const shares = 6 // from this version on
	kind := int8(d.IntN(2))
	keys := d.some()
	if d.version >= shares && d.rarely(4) {
		kind = 2
		keys = []string{shareGroup + ":AAAAAAAAAAAAAAAAAAAAAQ:0"}
	}
	return findCoordinatorOf(kind, keys...)
}

// findCoordinatorOf asks for one below version 4.
func findCoordinatorOf(kind int8, keys ...string) *kmsg.FindCoordinatorRequest {
	req := kmsg.NewPtrFindCoordinatorRequest()
	req.CoordinatorType, req.CoordinatorKey, req.CoordinatorKeys = kind, keys[0], keys
	return req
}

func (d *draw) joinGroup() kmsg.Request { return joinGroupOf(d.one(), unknownMember) }

func joinGroupOf(group, member string) *kmsg.JoinGroupRequest {
	req := kmsg.NewPtrJoinGroupRequest()
	req.Group, req.MemberID, req.ProtocolType = group, member, "consumer"
	req.SessionTimeoutMillis, req.RebalanceTimeoutMillis = 30_000, 30_000
	p := kmsg.NewJoinGroupRequestProtocol()
	p.Name, p.Metadata = "range", []byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0} // a subscription to nothing
	req.Protocols = append(req.Protocols, p)
	return req
}

func (d *draw) syncGroup() kmsg.Request {
	req := kmsg.NewPtrSyncGroupRequest()
	req.Group, req.Generation, req.MemberID = d.one(), 1, unknownMember
	req.ProtocolType, req.Protocol = ptr("consumer"), ptr("range")
	return req
}

func (d *draw) heartbeat() kmsg.Request {
	req := kmsg.NewPtrHeartbeatRequest()
	req.Group, req.Generation, req.MemberID = d.one(), 1, unknownMember
	return req
}

func (d *draw) leaveGroup() kmsg.Request {
	req := kmsg.NewPtrLeaveGroupRequest()
	req.Group, req.MemberID = d.one(), unknownMember
	m := kmsg.NewLeaveGroupRequestMember()
	m.MemberID = unknownMember
	req.Members = append(req.Members, m)
	return req
}

func (d *draw) describeGroups() kmsg.Request {
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups, req.IncludeAuthorizedOperations = d.some(), d.flag()
	return req
}

func (d *draw) listGroups() kmsg.Request {
	req := kmsg.NewPtrListGroupsRequest()
	req.StatesFilter = oneOf(d.Rand, [][]string{nil, nil, {"Empty"}, {"Stable"}})
	req.TypesFilter = oneOf(d.Rand, [][]string{nil, nil, {"classic"}, {"consumer", "share"}})
	return req
}

// deleteGroups may delete the groups that are made for it, and those that nobody is in.
func (d *draw) deleteGroups() kmsg.Request { return deleteGroupsOf(d.some()...) }

func deleteGroupsOf(groups ...string) *kmsg.DeleteGroupsRequest {
	req := kmsg.NewPtrDeleteGroupsRequest()
	req.Groups = groups
	return req
}

// afterDeleteGroups commits again what was deleted with a group, or in it.
func (r *room) afterDeleteGroups(kmsg.Response) {
	for _, group := range classicGroups {
		r.commitOffsets(group)
	}
}

// consumerGroupHeartbeat is one of a member whom nobody knows.
func (d *draw) consumerGroupHeartbeat() kmsg.Request {
	req := consumerBeat(d.one(), unknownMember, 5)
	if !d.rarely(4) {
		req.SubscribedTopicNames = d.some()
	}
	return req
}

func (d *draw) consumerGroupDescribe() kmsg.Request {
	req := kmsg.NewPtrConsumerGroupDescribeRequest()
	req.Groups, req.IncludeAuthorizedOperations = d.some(), d.flag()
	return req
}

// shareGroupHeartbeat is as consumerGroupHeartbeat.
func (d *draw) shareGroupHeartbeat() kmsg.Request {
	req := shareBeat(d.one(), unknownMember, 5)
	if !d.rarely(4) {
		req.SubscribedTopicNames = d.some()
	}
	return req
}

func (d *draw) shareGroupDescribe() kmsg.Request {
	req := kmsg.NewPtrShareGroupDescribeRequest()
	req.GroupIDs, req.IncludeAuthorizedOperations = d.some(), d.flag()
	return req
}

// shareFetch begins a session of the share group, or goes on with one of any group that
// nobody has begun.
func (d *draw) shareFetch() kmsg.Request {
	if d.rarely(3) {
		return d.shareFetchOf(d.one(), unknownMember, 5, d.from(shareReads)...)
	}
	return d.shareFetchOf(shareGroup, "reader", 0, d.from(shareReads)...)
}

// shareFetchOf reads from a partition that is not there: whether Kafka names one from which
// there is nothing to read depends on what it did before.
func (r *room) shareFetchOf(group, member string, epoch int32, topics ...string) *kmsg.ShareFetchRequest {
	req := kmsg.NewPtrShareFetchRequest()
	req.GroupID, req.MemberID, req.ShareSessionEpoch = &group, &member, epoch
	req.MaxBytes, req.MaxRecords, req.BatchSize = 1<<20, 100, 100
	for _, name := range topics {
		p := kmsg.NewShareFetchRequestTopicPartition()
		p.Partition, p.PartitionMaxBytes = 9, 1<<20
		t := kmsg.NewShareFetchRequestTopic()
		t.TopicID, t.Partitions = r.id(name), append(t.Partitions, p)
		req.Topics = append(req.Topics, t)
	}
	return req
}

// shareAcknowledge is of a session that nobody has begun.
func (d *draw) shareAcknowledge() kmsg.Request {
	return d.acknowledgeOf(d.one(), unknownMember, 5, d.from(shareReads)...)
}

func (d *draw) describeShareGroupOffsets() kmsg.Request {
	var of []string
	if !d.rarely(3) {
		of = d.from(names)
	}
	return shareOffsetsOf(of, d.some()...)
}

// shareOffsetsOf asks for the offsets of topics in groups; no topics are all.
func shareOffsetsOf(topics []string, groups ...string) *kmsg.DescribeShareGroupOffsetsRequest {
	req := kmsg.NewPtrDescribeShareGroupOffsetsRequest()
	for _, group := range groups {
		one := kmsg.NewDescribeShareGroupOffsetsRequestGroup()
		one.GroupID = group
		for _, name := range topics {
			one.Topics = append(one.Topics, kmsg.DescribeShareGroupOffsetsRequestGroupTopic{Topic: name, Partitions: []int32{0}})
		}
		req.Groups = append(req.Groups, one)
	}
	return req
}

// alterShareGroupOffsets is about groups that exist: another one would be made.
func (d *draw) alterShareGroupOffsets() kmsg.Request {
	return alterShareOffsetsOf(oneOf(d.Rand, names[:4]), d.some()...)
}

func alterShareOffsetsOf(group string, topics ...string) *kmsg.AlterShareGroupOffsetsRequest {
	req := kmsg.NewPtrAlterShareGroupOffsetsRequest()
	req.GroupID = group
	for _, name := range topics {
		p := kmsg.NewAlterShareGroupOffsetsRequestTopicPartition()
		t := kmsg.NewAlterShareGroupOffsetsRequestTopic()
		t.Topic, t.Partitions = name, append(t.Partitions, p)
		req.Topics = append(req.Topics, t)
	}
	return req
}

func (d *draw) deleteShareGroupOffsets() kmsg.Request {
	return deleteShareOffsetsOf(d.one(), d.some()...)
}

func deleteShareOffsetsOf(group string, topics ...string) *kmsg.DeleteShareGroupOffsetsRequest {
	req := kmsg.NewPtrDeleteShareGroupOffsetsRequest()
	req.GroupID = group
	for _, name := range topics {
		req.Topics = append(req.Topics, kmsg.DeleteShareGroupOffsetsRequestTopic{Topic: name})
	}
	return req
}
