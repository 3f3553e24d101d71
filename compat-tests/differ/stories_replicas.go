package differ

import (
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func electionStories() []Story {
	request := func(kind int8, topic string, partitions ...int32) *kmsg.ElectLeadersRequest {
		req := kmsg.NewPtrElectLeadersRequest()
		req.ElectionType, req.TimeoutMillis = kind, 10_000
		t := kmsg.NewElectLeadersRequestTopic()
		t.Topic, t.Partitions = topic, partitions
		req.Topics = append(req.Topics, t)
		return req
	}
	return []Story{{Name: "elect leaders/every way", Key: kmsg.ElectLeaders, Tell: func(s *Session) {
		a, _ := s.MakeTopic("a", 2)
		s.Ask("preferred", request(0, a, 0, 1))
		s.Ask("unknown partition", request(0, a, 0, 9))
		s.Ask("unknown topic", request(0, unknownTopic, 0))
		s.Ask("invalid topic", request(0, "a/b", 0))
		s.Ask("no partitions", request(0, a))
		s.Ask("a partition twice", request(0, a, 0, 0))
		none := request(0, a)
		none.Topics = []kmsg.ElectLeadersRequestTopic{}
		s.Ask("no topics", none)
		if s.Version >= 1 {
			s.Ask("unclean", request(1, a, 0, 1))
			s.Ask("unclean, unknown", request(1, unknownTopic, 0))
			s.Ask("unknown kind", request(7, a, 0, 1))
			strange := request(7, a)
			strange.Topics = nil
			s.Ask("unknown kind for all", strange)
		}
	}}}
}

func reassignmentStories() []Story {
	type partition = kmsg.AlterPartitionAssignmentsRequestTopicPartition
	to := func(index int32, replicas ...int32) partition {
		p := kmsg.NewAlterPartitionAssignmentsRequestTopicPartition()
		p.Partition, p.Replicas = index, replicas
		return p
	}
	request := func(topic string, partitions ...partition) *kmsg.AlterPartitionAssignmentsRequest {
		req := kmsg.NewPtrAlterPartitionAssignmentsRequest()
		req.TimeoutMillis = 10_000
		t := kmsg.NewAlterPartitionAssignmentsRequestTopic()
		t.Topic, t.Partitions = topic, partitions
		req.Topics = append(req.Topics, t)
		return req
	}
	list := func(topic string, partitions ...int32) *kmsg.ListPartitionReassignmentsRequest {
		req := kmsg.NewPtrListPartitionReassignmentsRequest()
		req.TimeoutMillis = 10_000
		t := kmsg.NewListPartitionReassignmentsRequestTopic()
		t.Topic, t.Partitions = topic, partitions
		req.Topics = append(req.Topics, t)
		return req
	}
	return []Story{
		{Name: "alter partition reassignments/one node", Key: kmsg.AlterPartitionAssignments, Tell: func(s *Session) {
			a, _ := s.MakeTopic("a", 2)
			cancel := to(0)
			cancel.Replicas = nil
			empty := to(0)
			empty.Replicas = []int32{}
			s.Ask("where it is", request(a, to(0, 1), to(1, 1)))
			s.Ask("cancelled", request(a, cancel))
			s.Ask("to nobody", request(a, empty))
			s.Ask("to an unknown broker", request(a, to(0, 77)))
			s.Ask("to one more", request(a, to(0, 1, 2)))
			s.Ask("twice to the same", request(a, to(0, 1, 1)))
			s.Ask("negative broker", request(a, to(0, -1)))
			s.Ask("unknown partition", request(a, to(9, 1)))
			s.Ask("unknown topic", request(unknownTopic, to(0, 1)))
			s.Ask("invalid topic", request("a/b", to(0, 1)))
			s.Ask("no partitions", request(a))
			none := request(a)
			none.Topics = []kmsg.AlterPartitionAssignmentsRequestTopic{}
			s.Ask("no topics", none)
			s.Ask("one of three", request(a, to(0, 77), to(1, 1), to(5, 1)))
			if s.Version >= 1 {
				fixed := request(a, to(0, 1, 2), to(1, 1))
				fixed.AllowReplicationFactorChange = false
				s.Ask("with the same number of replicas", fixed)
			}
			s.Ask("a partition twice", request(a, to(0, 1), to(0, 1)))
			s.Ask("nothing has moved", metadataFor(a))
		}},
		{Name: "list partition reassignments/one node", Key: kmsg.ListPartitionReassignments, Tell: func(s *Session) {
			a, _ := s.MakeTopic("a", 2)
			s.Ask("of a topic", list(a, 0, 1))
			s.Ask("of an unknown partition", list(a, 9))
			s.Ask("of an unknown topic", list(unknownTopic, 0))
			all := list(a)
			all.Topics = nil
			s.Ask("all", all)
			all.Topics = []kmsg.ListPartitionReassignmentsRequestTopic{}
			s.Ask("none", all)
		}},
	}
}

func replicaDirStories() []Story {
	request := func(dir, topic string, partitions ...int32) *kmsg.AlterReplicaLogDirsRequest {
		req := kmsg.NewPtrAlterReplicaLogDirsRequest()
		d := kmsg.NewAlterReplicaLogDirsRequestDir()
		d.Dir = dir
		t := kmsg.NewAlterReplicaLogDirsRequestDirTopic()
		t.Topic, t.Partitions = topic, partitions
		d.Topics = append(d.Topics, t)
		req.Dirs = append(req.Dirs, d)
		return req
	}
	return []Story{{Name: "alter replica log dirs/one directory", Key: kmsg.AlterReplicaLogDirs, Tell: func(s *Session) {
		a, _ := s.MakeTopic("a", 2)
		dirs := s.Quiet(kmsg.NewPtrDescribeLogDirsRequest()).(*kmsg.DescribeLogDirsResponse)
		ours := dirs.Dirs[0].Dir
		s.Ask("where it is", request(ours, a, 0, 1))
		s.Ask("somewhere else", request("/no/such/folder", a, 0))
		s.Ask("relative", request("folder", a, 0))
		s.Ask("no folder", request("", a, 0))
		s.Ask("unknown partition", request(ours, a, 9))
		s.Ask("unknown topic", request(ours, unknownTopic, 0))
		s.Ask("unknown both", request("/no/such/folder", unknownTopic, 0))
		s.Ask("invalid topic", request(ours, "a/b", 0))
		s.Ask("long name", request(ours, strings.Repeat("n", 213), 0))
		s.Ask("name too long", request(ours, strings.Repeat("n", 214), 0))
		s.Ask("name too long with its number", request(ours, strings.Repeat("n", 213), 10))
		s.Ask("name too long elsewhere", request("/no/such/folder", strings.Repeat("n", 240), 0))
		s.Ask("no partitions", request(ours, a))
		s.Ask("nothing", kmsg.NewPtrAlterReplicaLogDirsRequest())
		both := request(ours, a, 0)
		both.Dirs = append(both.Dirs, request("/no/such/folder", a, 1).Dirs...)
		s.Ask("two folders", both)
	}}}
}

func quorumStories() []Story {
	request := func(topic string, partitions ...int32) *kmsg.DescribeQuorumRequest {
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
	unregister := func(id int32) *kmsg.UnregisterBrokerRequest {
		req := kmsg.NewPtrUnregisterBrokerRequest()
		req.BrokerID = id
		return req
	}
	return []Story{
		{Name: "describe quorum/one node", Key: kmsg.DescribeQuorum, Tell: func(s *Session) {
			s.Ask("the metadata", request("__cluster_metadata", 0))
			s.Ask("another partition", request("__cluster_metadata", 1))
			s.Ask("two partitions", request("__cluster_metadata", 0, 1))
			s.Ask("another topic", request(unknownTopic, 0))
			s.Ask("no partitions", request("__cluster_metadata"))
			s.Ask("nothing", kmsg.NewPtrDescribeQuorumRequest())
		}},
		{Name: "unregister broker/unknown", Key: kmsg.UnregisterBroker, Tell: func(s *Session) {
			s.Ask("unknown", unregister(77))
			s.Ask("negative", unregister(-1))
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
