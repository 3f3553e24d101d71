package api

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/protocol"
)

// Every partition has the leader that it should have.
func TestElectLeaders(t *testing.T) {
	w := newWorld(t)
	w.topic("a", 2)
	needless, unknown := protocol.ErrElectionNotNeeded.Code, protocol.ErrUnknownTopicOrPartition.Code
	elect := func(version int16, kind int8, topics ...string) (int16, []int16) {
		q := kmsg.NewPtrElectLeadersRequest()
		q.ElectionType, q.Topics = kind, nil
		for _, name := range topics {
			topic := kmsg.NewElectLeadersRequestTopic()
			topic.Topic, topic.Partitions = name, []int32{0, 1, 2}
			q.Topics = append(q.Topics, topic)
		}
		p := ask[*kmsg.ElectLeadersResponse](w, version, q)
		var codes []int16
		for _, topic := range p.Topics {
			for _, one := range topic.Partitions {
				codes = append(codes, one.ErrorCode)
			}
		}
		return p.ErrorCode, codes
	}
	for _, c := range []struct {
		version int16
		kind    int8
		topics  []string
		code    int16
		want    []int16
	}{
		{0, 0, []string{"a"}, 0, []int16{needless, needless, unknown}},
		{2, 0, []string{"a", "b"}, 0, []int16{needless, needless, unknown, unknown, unknown, unknown}},
		{1, 1, []string{"a"}, 0, []int16{needless, needless, unknown}},
		{2, 0, nil, 0, nil},
		{2, 7, []string{"a"}, protocol.ErrInvalidRequest.Code, slices.Repeat([]int16{protocol.ErrInvalidRequest.Code}, 3)},
		{2, 7, nil, protocol.ErrInvalidRequest.Code, nil},
	} {
		if code, codes := elect(c.version, c.kind, c.topics...); code != c.code || !slices.Equal(codes, c.want) {
			t.Errorf("v%d kind %d of %q: %d %v, want %d %v", c.version, c.kind, c.topics, code, codes, c.code, c.want)
		}
	}
}

// There is nowhere to move a replica to.
func TestReassignments(t *testing.T) {
	w := newWorld(t)
	w.topic("a", 2)
	q := kmsg.NewPtrAlterPartitionAssignmentsRequest()
	for _, name := range []string{"a", "b"} {
		topic := kmsg.NewAlterPartitionAssignmentsRequestTopic()
		topic.Topic = name
		for i, replicas := range [][]int32{{1}, nil, {1}} {
			one := kmsg.NewAlterPartitionAssignmentsRequestTopicPartition()
			one.Partition, one.Replicas = int32(i), replicas
			topic.Partitions = append(topic.Partitions, one)
		}
		q.Topics = append(q.Topics, topic)
	}
	for _, replicas := range [][]int32{{}, {2}, {1, 2}, {1, 1}} {
		one := kmsg.NewAlterPartitionAssignmentsRequestTopicPartition()
		one.Replicas = replicas
		q.Topics[0].Partitions = append(q.Topics[0].Partitions, one)
	}
	unknown, bad := protocol.ErrUnknownTopicOrPartition.Code, protocol.ErrInvalidReplicaAssignment.Code
	want := []int16{0, protocol.ErrNoReassignmentInProgress.Code, unknown, bad, bad, bad, bad, unknown, unknown, unknown}
	p := ask[*kmsg.AlterPartitionAssignmentsResponse](w, 1, q)
	var codes []int16
	for _, topic := range p.Topics {
		for _, one := range topic.Partitions {
			codes = append(codes, one.ErrorCode)
		}
	}
	if p.ErrorCode != 0 || !slices.Equal(codes, want) {
		t.Errorf("%d %v, want %v", p.ErrorCode, codes, want)
	}
	if p := ask[*kmsg.ListPartitionReassignmentsResponse](w, 0, kmsg.NewPtrListPartitionReassignmentsRequest()); p.ErrorCode != 0 || len(p.Topics) != 0 {
		t.Errorf("listed: %+v", p)
	}
}

// A replica is in the one directory, and nothing moves to another.
func TestAlterReplicaLogDirs(t *testing.T) {
	w := newWorld(t)
	w.topic("a", 1)
	ours, err := filepath.Abs("data")
	w.must(err)
	long, tooLong := strings.Repeat("n", 213), strings.Repeat("n", 214)
	for version := int16(0); version <= alterReplicaLogDirs.max; version++ {
		q := kmsg.NewPtrAlterReplicaLogDirsRequest()
		add := func(dir, topic string, partitions ...int32) {
			d := kmsg.NewAlterReplicaLogDirsRequestDir()
			one := kmsg.NewAlterReplicaLogDirsRequestDirTopic()
			one.Topic, one.Partitions = topic, partitions
			d.Dir, d.Topics = dir, append(d.Topics, one)
			q.Dirs = append(q.Dirs, d)
		}
		add(ours, "a", 0, 1)
		add("/elsewhere", "a", 7)
		add(ours, "b", 0)
		add("/elsewhere", "c", 0)
		add(ours, long, 0, 10)
		add(ours, tooLong, 0)
		add(ours, "d")
		add("/elsewhere", "e", 0, 0) // once, for the directory that comes last
		add(ours, "e", 0)
		unknown, nowhere, name := protocol.ErrUnknownTopicOrPartition.Code, protocol.ErrLogDirNotFound.Code, protocol.ErrInvalidTopicException.Code
		want := map[string][]int16{"a": {0, unknown, nowhere}, "b": {unknown}, "c": {nowhere}, "e": {unknown}, long: {unknown, name}, tooLong: {name}}
		p := ask[*kmsg.AlterReplicaLogDirsResponse](w, version, q)
		if len(p.Topics) != len(want) {
			t.Errorf("v%d: %d topics", version, len(p.Topics))
		}
		for _, topic := range p.Topics {
			var codes []int16
			for _, one := range topic.Partitions {
				codes = append(codes, one.ErrorCode)
			}
			if !slices.Equal(codes, want[topic.Topic]) {
				t.Errorf("v%d %.10s: %v, want %v", version, topic.Topic, codes, want[topic.Topic])
			}
		}
	}
}

// The quorum is this node, which has all that there is.
func TestDescribeQuorum(t *testing.T) {
	w := newWorld(t)
	describe := func(version int16, topic string, partitions ...int32) *kmsg.DescribeQuorumResponse {
		q := kmsg.NewPtrDescribeQuorumRequest()
		one := kmsg.NewDescribeQuorumRequestTopic()
		one.Topic = topic
		for _, index := range partitions {
			one.Partitions = append(one.Partitions, kmsg.DescribeQuorumRequestTopicPartition{Partition: index})
		}
		q.Topics = append(q.Topics, one)
		return ask[*kmsg.DescribeQuorumResponse](w, version, q)
	}
	for version := int16(0); version <= describeQuorum.max; version++ {
		p := describe(version, metadataTopic, 0)
		one := p.Topics[0].Partitions[0]
		end := int64(w.store.Image().EndOffset())
		if p.ErrorCode != 0 || one.ErrorCode != 0 || one.LeaderID != worldNode || one.LeaderEpoch != int32(w.store.Image().Epoch()) || one.HighWatermark != end {
			t.Errorf("v%d: %+v", version, one)
		}
		if len(one.CurrentVoters) != 1 || one.CurrentVoters[0].ReplicaID != worldNode || one.CurrentVoters[0].LogEndOffset != end || len(one.Observers) != 0 {
			t.Errorf("v%d: voters %+v", version, one.CurrentVoters)
		}
		if now := w.clock.Now().UnixMilli(); version >= 1 && one.CurrentVoters[0].LastCaughtUpTimestamp != now {
			t.Errorf("v%d: caught up at %d, want %d", version, one.CurrentVoters[0].LastCaughtUpTimestamp, now)
		}
		if version >= 2 && (len(p.Nodes) != 1 || p.Nodes[0].NodeID != worldNode) {
			t.Errorf("v%d: nodes %+v", version, p.Nodes)
		}
	}
	for _, p := range []*kmsg.DescribeQuorumResponse{describe(2, metadataTopic, 1), describe(2, "a", 0), describe(2, metadataTopic, 0, 1)} {
		for _, one := range p.Topics[0].Partitions {
			if one.ErrorCode != protocol.ErrUnknownTopicOrPartition.Code {
				t.Errorf("%s-%d: error %d", p.Topics[0].Topic, one.Partition, one.ErrorCode)
			}
		}
	}
}

// Nobody leaves and nobody joins.
func TestTheNodeStaysAlone(t *testing.T) {
	w := newWorld(t)
	for id, want := range map[int32]int16{7: protocol.ErrBrokerIDNotRegistered.Code, worldNode: protocol.ErrInvalidRequest.Code} {
		q := kmsg.NewPtrUnregisterBrokerRequest()
		q.BrokerID = id
		if p := ask[*kmsg.UnregisterBrokerResponse](w, 0, q); p.ErrorCode != want || p.ErrorMessage == nil {
			t.Errorf("unregistering %d: %+v, want %d", id, p, want)
		}
	}
	cluster, other := worldCluster, "other"
	for _, c := range []struct {
		cluster   *string
		voter     int32
		directory [16]byte
		want      *protocol.Error
	}{
		{nil, 2, [16]byte{1}, protocol.ErrUnsupportedVersion},
		{&cluster, 2, [16]byte{1}, protocol.ErrUnsupportedVersion},
		{&other, 2, [16]byte{1}, protocol.ErrInconsistentClusterID},
		{nil, -1, [16]byte{1}, protocol.ErrInvalidRequest},
		{nil, 2, [16]byte{}, protocol.ErrInvalidRequest},
	} {
		add := kmsg.NewPtrAddRaftVoterRequest()
		add.ClusterID, add.VoterID, add.VoterDirectoryID = c.cluster, c.voter, c.directory
		if p := ask[*kmsg.AddRaftVoterResponse](w, 1, add); p.ErrorCode != c.want.Code {
			t.Errorf("adding %+v: %d", c, p.ErrorCode)
		}
		remove := kmsg.NewPtrRemoveRaftVoterRequest()
		remove.ClusterID, remove.VoterID, remove.VoterDirectoryID = c.cluster, c.voter, c.directory
		if p := ask[*kmsg.RemoveRaftVoterResponse](w, 0, remove); p.ErrorCode != c.want.Code {
			t.Errorf("removing %+v: %d", c, p.ErrorCode)
		}
	}
}
