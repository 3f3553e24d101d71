package differ

import (
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func electLeaders(kind int8, topic string, partitions ...int32) *kmsg.ElectLeadersRequest {
	req := kmsg.NewPtrElectLeadersRequest()
	req.ElectionType, req.TimeoutMillis = kind, 10_000
	t := kmsg.NewElectLeadersRequestTopic()
	t.Topic, t.Partitions = topic, partitions
	req.Topics = append(req.Topics, t)
	return req
}

func electionStories() []Story {
	return []Story{{Name: "elect leaders/every way", Key: kmsg.ElectLeaders, Tell: func(s *Session) {
		a, _ := s.MakeTopic("a", 2)
		s.Ask("preferred", electLeaders(0, a, 0, 1))
		s.Ask("unknown partition", electLeaders(0, a, 0, 9))
		s.Ask("unknown topic", electLeaders(0, unknownTopic, 0))
		s.Ask("invalid topic", electLeaders(0, "a/b", 0))
		s.Ask("no partitions", electLeaders(0, a))
		s.Ask("a partition twice", electLeaders(0, a, 0, 0))
		none := electLeaders(0, a)
		none.Topics = []kmsg.ElectLeadersRequestTopic{}
		s.Ask("no topics", none)
		if s.Version >= 1 {
			s.Ask("unclean", electLeaders(1, a, 0, 1))
			s.Ask("unclean, unknown", electLeaders(1, unknownTopic, 0))
			s.Ask("unknown kind", electLeaders(7, a, 0, 1))
			strange := electLeaders(7, a)
			strange.Topics = nil
			s.Ask("unknown kind for all", strange)
		}
	}}}
}

type movedPartition = kmsg.AlterPartitionAssignmentsRequestTopicPartition

func moveTo(index int32, replicas ...int32) movedPartition {
	p := kmsg.NewAlterPartitionAssignmentsRequestTopicPartition()
	p.Partition, p.Replicas = index, replicas
	return p
}

func reassign(topic string, partitions ...movedPartition) *kmsg.AlterPartitionAssignmentsRequest {
	req := kmsg.NewPtrAlterPartitionAssignmentsRequest()
	req.TimeoutMillis = 10_000
	t := kmsg.NewAlterPartitionAssignmentsRequestTopic()
	t.Topic, t.Partitions = topic, partitions
	req.Topics = append(req.Topics, t)
	return req
}

func listReassignments(topic string, partitions ...int32) *kmsg.ListPartitionReassignmentsRequest {
	req := kmsg.NewPtrListPartitionReassignmentsRequest()
	req.TimeoutMillis = 10_000
	t := kmsg.NewListPartitionReassignmentsRequestTopic()
	t.Topic, t.Partitions = topic, partitions
	req.Topics = append(req.Topics, t)
	return req
}

func reassignmentStories() []Story {
	return []Story{
		{Name: "alter partition reassignments/one node", Key: kmsg.AlterPartitionAssignments, Tell: func(s *Session) {
			a, _ := s.MakeTopic("a", 2)
			cancel := moveTo(0)
			cancel.Replicas = nil
			empty := moveTo(0)
			empty.Replicas = []int32{}
			s.Ask("where it is", reassign(a, moveTo(0, 1), moveTo(1, 1)))
			s.Ask("cancelled", reassign(a, cancel))
			s.Ask("to nobody", reassign(a, empty))
			s.Ask("to an unknown broker", reassign(a, moveTo(0, 77)))
			s.Ask("to one more", reassign(a, moveTo(0, 1, 2)))
			s.Ask("twice to the same", reassign(a, moveTo(0, 1, 1)))
			s.Ask("negative broker", reassign(a, moveTo(0, -1)))
			s.Ask("unknown partition", reassign(a, moveTo(9, 1)))
			s.Ask("unknown topic", reassign(unknownTopic, moveTo(0, 1)))
			s.Ask("invalid topic", reassign("a/b", moveTo(0, 1)))
			s.Ask("no partitions", reassign(a))
			none := reassign(a)
			none.Topics = []kmsg.AlterPartitionAssignmentsRequestTopic{}
			s.Ask("no topics", none)
			s.Ask("one of three", reassign(a, moveTo(0, 77), moveTo(1, 1), moveTo(5, 1)))
			if s.Version >= 1 {
				fixed := reassign(a, moveTo(0, 1, 2), moveTo(1, 1))
				fixed.AllowReplicationFactorChange = false
				s.Ask("with the same number of replicas", fixed)
			}
			s.Ask("a partition twice", reassign(a, moveTo(0, 1), moveTo(0, 1)))
			s.Ask("nothing has moved", metadataFor(a))
		}},
		{Name: "list partition reassignments/one node", Key: kmsg.ListPartitionReassignments, Tell: func(s *Session) {
			a, _ := s.MakeTopic("a", 2)
			s.Ask("of a topic", listReassignments(a, 0, 1))
			s.Ask("of an unknown partition", listReassignments(a, 9))
			s.Ask("of an unknown topic", listReassignments(unknownTopic, 0))
			all := listReassignments(a)
			all.Topics = nil
			s.Ask("all", all)
			all.Topics = []kmsg.ListPartitionReassignmentsRequestTopic{}
			s.Ask("none", all)
		}},
	}
}

func alterLogDirs(dir, topic string, partitions ...int32) *kmsg.AlterReplicaLogDirsRequest {
	req := kmsg.NewPtrAlterReplicaLogDirsRequest()
	d := kmsg.NewAlterReplicaLogDirsRequestDir()
	d.Dir = dir
	t := kmsg.NewAlterReplicaLogDirsRequestDirTopic()
	t.Topic, t.Partitions = topic, partitions
	d.Topics = append(d.Topics, t)
	req.Dirs = append(req.Dirs, d)
	return req
}

func replicaDirStories() []Story {
	return []Story{{Name: "alter replica log dirs/one directory", Key: kmsg.AlterReplicaLogDirs, Tell: func(s *Session) {
		a, _ := s.MakeTopic("a", 2)
		dirs := s.Quiet(kmsg.NewPtrDescribeLogDirsRequest()).(*kmsg.DescribeLogDirsResponse)
		ours := dirs.Dirs[0].Dir
		s.Ask("where it is", alterLogDirs(ours, a, 0, 1))
		s.Ask("somewhere else", alterLogDirs("/no/such/folder", a, 0))
		s.Ask("relative", alterLogDirs("folder", a, 0))
		s.Ask("no folder", alterLogDirs("", a, 0))
		s.Ask("unknown partition", alterLogDirs(ours, a, 9))
		s.Ask("unknown topic", alterLogDirs(ours, unknownTopic, 0))
		s.Ask("unknown both", alterLogDirs("/no/such/folder", unknownTopic, 0))
		s.Ask("invalid topic", alterLogDirs(ours, "a/b", 0))
		s.Ask("long name", alterLogDirs(ours, strings.Repeat("n", 213), 0))
		s.Ask("name too long", alterLogDirs(ours, strings.Repeat("n", 214), 0))
		s.Ask("name too long with its number", alterLogDirs(ours, strings.Repeat("n", 213), 10))
		s.Ask("name too long elsewhere", alterLogDirs("/no/such/folder", strings.Repeat("n", 240), 0))
		s.Ask("no partitions", alterLogDirs(ours, a))
		s.Ask("nothing", kmsg.NewPtrAlterReplicaLogDirsRequest())
		both := alterLogDirs(ours, a, 0)
		both.Dirs = append(both.Dirs, alterLogDirs("/no/such/folder", a, 1).Dirs...)
		s.Ask("two folders", both)
		s.Ask("a partition twice", alterLogDirs(ours, a, 0, 0))
		both.Dirs = append(both.Dirs, alterLogDirs(ours, a, 1).Dirs...)
		s.Ask("a partition in two folders", both)
	}}}
}

func describeQuorum(topic string, partitions ...int32) *kmsg.DescribeQuorumRequest {
	req := kmsg.NewPtrDescribeQuorumRequest()
	t := kmsg.NewDescribeQuorumRequestTopic()
	t.Topic = topic
	for _, index := range partitions {
		p := kmsg.NewDescribeQuorumRequestTopicPartition()
		p.Partition = index
		t.Partitions = append(t.Partitions, p)
	}
	req.Topics = append(req.Topics, t)
	return req
}

func unregisterBroker(id int32) *kmsg.UnregisterBrokerRequest {
	req := kmsg.NewPtrUnregisterBrokerRequest()
	req.BrokerID = id
	return req
}

func quorumStories() []Story {
	return []Story{
		{Name: "describe quorum/one node", Key: kmsg.DescribeQuorum, Tell: func(s *Session) {
			s.Ask("the metadata", describeQuorum("__cluster_metadata", 0))
			s.Ask("another partition", describeQuorum("__cluster_metadata", 1))
			s.Ask("two partitions", describeQuorum("__cluster_metadata", 0, 1))
			s.Ask("another topic", describeQuorum(unknownTopic, 0))
			s.Ask("no partitions", describeQuorum("__cluster_metadata"))
			s.Ask("nothing", kmsg.NewPtrDescribeQuorumRequest())
		}},
		{Name: "unregister broker/unknown", Key: kmsg.UnregisterBroker, Tell: func(s *Session) {
			s.Ask("unknown", unregisterBroker(77))
			s.Ask("negative", unregisterBroker(-1))
		}},
	}
}

// voterStories are told to a node with kraft.version 0.
func voterStories() []Story {
	return []Story{
		{Name: "add raft voter/fixed voters", Key: kmsg.AddRaftVoter, Tell: func(s *Session) {
			request := func() *kmsg.AddRaftVoterRequest {
				req := kmsg.NewPtrAddRaftVoterRequest()
				req.VoterID, req.VoterDirectoryID, req.TimeoutMillis = 2, unknownID, 5000
				l := kmsg.NewAddRaftVoterRequestListener()
				l.Name, l.Host, l.Port = "CONTROLLER", "127.0.0.1", 1
				req.Listeners = append(req.Listeners, l)
				return req
			}
			s.Ask("another", request())
			s.Ask("of another cluster", edited(request(), func(r *kmsg.AddRaftVoterRequest) { r.ClusterID = ptr("other") }))
			s.Ask("negative", edited(request(), func(r *kmsg.AddRaftVoterRequest) { r.VoterID = -1 }))
			s.Ask("without a directory", edited(request(), func(r *kmsg.AddRaftVoterRequest) { r.VoterDirectoryID = [16]byte{} }))
		}},
		{Name: "remove raft voter/fixed voters", Key: kmsg.RemoveRaftVoter, Tell: func(s *Session) {
			request := func() *kmsg.RemoveRaftVoterRequest {
				req := kmsg.NewPtrRemoveRaftVoterRequest()
				req.VoterID, req.VoterDirectoryID = 1, unknownID
				return req
			}
			s.Ask("itself", request())
			s.Ask("of another cluster", edited(request(), func(r *kmsg.RemoveRaftVoterRequest) { r.ClusterID = ptr("other") }))
			s.Ask("negative", edited(request(), func(r *kmsg.RemoveRaftVoterRequest) { r.VoterID = -1 }))
			s.Ask("without a directory", edited(request(), func(r *kmsg.RemoveRaftVoterRequest) { r.VoterDirectoryID = [16]byte{} }))
		}},
	}
}
