package api

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/protocol"
)

func TestDescribingTheCluster(t *testing.T) {
	w := newWorld(t)
	for version := int16(0); version <= 2; version++ {
		q := kmsg.NewPtrDescribeClusterRequest()
		q.IncludeClusterAuthorizedOperations = version > 0
		p := ask[*kmsg.DescribeClusterResponse](w, version, q)
		if p.ErrorCode != 0 || p.ErrorMessage != nil || p.ClusterID != worldCluster || p.ControllerID != worldNode || p.EndpointType != 1 {
			t.Errorf("version %d: %+v", version, p)
		}
		if len(p.Brokers) != 1 || p.Brokers[0].Host != "broker.example" || p.Brokers[0].Port != 9092 || p.Brokers[0].Rack != nil {
			t.Errorf("version %d: brokers %+v", version, p.Brokers)
		}
		want := int32(operationsNotAsked)
		if version > 0 {
			want = 8096 // what Kafka 4.3.1 answers without an authorizer
		}
		if p.ClusterAuthorizedOperations != want {
			t.Errorf("version %d: operations %d, want %d", version, p.ClusterAuthorizedOperations, want)
		}
	}
}

func TestABrokersEndpointHasNoControllers(t *testing.T) {
	w := newWorld(t)
	for kind, code := range map[int8]*protocol.Error{2: protocol.ErrMismatchedEndpointType, 3: protocol.ErrUnsupportedEndpointType} {
		q := kmsg.NewPtrDescribeClusterRequest()
		q.EndpointType = kind
		p := ask[*kmsg.DescribeClusterResponse](w, 2, q)
		if p.ErrorCode != code.Code || p.ErrorMessage == nil || p.ControllerID != -1 || p.ClusterID != "" || len(p.Brokers) != 0 {
			t.Errorf("endpoint type %d: %+v", kind, p)
		}
	}
}

// page is an answer of DescribeTopicPartitions in short: topics with their
// partitions or their error, and the next cursor.
type page struct {
	Topics []string
	Shown  [][]int32
	Errors []int16
	Next   string
	From   int32
}

func askPage(w *world, limit int32, cursor string, from int32, topics ...string) page {
	w.t.Helper()
	q := kmsg.NewPtrDescribeTopicPartitionsRequest()
	q.ResponsePartitionLimit = limit
	for _, name := range topics {
		q.Topics = append(q.Topics, kmsg.DescribeTopicPartitionsRequestTopic{Topic: name})
	}
	if cursor != "" {
		q.Cursor = &kmsg.DescribeTopicPartitionsRequestCursor{Topic: cursor, Partition: from}
	}
	p := ask[*kmsg.DescribeTopicPartitionsResponse](w, 0, q)
	var short page
	for _, t := range p.Topics {
		var shown []int32
		for _, part := range t.Partitions {
			shown = append(shown, part.Partition)
			// Null would make the Java client's describe fail.
			if part.EligibleLeaderReplicas == nil || part.LastKnownELR == nil {
				w.t.Errorf("%s-%d: null where Kafka sends an empty array", text(t.Topic), part.Partition)
			}
			if part.LeaderID != worldNode || !slices.Equal(part.Replicas, []int32{worldNode}) || !slices.Equal(part.ISR, []int32{worldNode}) {
				w.t.Errorf("%s-%d: %+v", text(t.Topic), part.Partition, part)
			}
		}
		short.Topics, short.Shown, short.Errors = append(short.Topics, text(t.Topic)), append(short.Shown, shown), append(short.Errors, t.ErrorCode)
	}
	if p.NextCursor != nil {
		short.Next, short.From = p.NextCursor.Topic, p.NextCursor.Partition
	}
	return short
}

// The answers of Kafka 4.3.1 to the same requests.
func TestDescribingTopicsAPageAtATime(t *testing.T) {
	w := newWorld(t)
	w.topic("t1", 3)
	w.topic("t2", 2)
	unknown, invalid, refused := protocol.ErrUnknownTopicOrPartition.Code, protocol.ErrInvalidTopicException.Code, protocol.ErrInvalidRequest.Code
	t1, t2 := []int32{0, 1, 2}, []int32{0, 1}
	for name, c := range map[string]struct {
		got, want page
	}{
		"by name, sorted":        {askPage(w, 9, "", 0, "t2", "t1"), page{Topics: []string{"t1", "t2"}, Shown: [][]int32{t1, t2}, Errors: []int16{0, 0}}},
		"all":                    {askPage(w, 9, "", 0), page{Topics: []string{"t1", "t2"}, Shown: [][]int32{t1, t2}, Errors: []int16{0, 0}}},
		"the same twice":         {askPage(w, 9, "", 0, "t2", "t2"), page{Topics: []string{"t2"}, Shown: [][]int32{t2}, Errors: []int16{0}}},
		"cut in a topic":         {askPage(w, 2, "", 0, "t2", "t1"), page{Topics: []string{"t1"}, Shown: [][]int32{{0, 1}}, Errors: []int16{0}, Next: "t1", From: 2}},
		"cut between topics":     {askPage(w, 3, "", 0, "t2", "t1"), page{Topics: []string{"t1"}, Shown: [][]int32{t1}, Errors: []int16{0}, Next: "t2"}},
		"a limit of 0 is 1":      {askPage(w, 0, "", 0, "t1"), page{Topics: []string{"t1"}, Shown: [][]int32{{0}}, Errors: []int16{0}, Next: "t1", From: 1}},
		"from a cursor":          {askPage(w, 2, "t1", 2, "t2", "t1"), page{Topics: []string{"t1", "t2"}, Shown: [][]int32{{2}, {0}}, Errors: []int16{0, 0}, Next: "t2", From: 1}},
		"all from a cursor":      {askPage(w, 2, "t1", 1), page{Topics: []string{"t1"}, Shown: [][]int32{{1, 2}}, Errors: []int16{0}, Next: "t2"}},
		"from beyond a topic":    {askPage(w, 9, "t1", 9, "t1", "t2"), page{Topics: []string{"t1", "t2"}, Shown: [][]int32{nil, t2}, Errors: []int16{0, 0}}},
		"a topic that went away": {askPage(w, 9, "t11", 1), page{Topics: []string{"t2"}, Shown: [][]int32{t2}, Errors: []int16{0}}},
		"a cursor not asked for": {askPage(w, 9, "t3", 0, "t2", "t1"), page{Topics: []string{"t2", "t1"}, Shown: [][]int32{nil, nil}, Errors: []int16{refused, refused}}},
		"a negative cursor":      {askPage(w, 9, "t1", -1, "t1"), page{Topics: []string{"t1"}, Shown: [][]int32{nil}, Errors: []int16{refused}}},
		"unknown and invalid":    {askPage(w, 9, "", 0, "zz", "a b"), page{Topics: []string{"a b", "zz"}, Shown: [][]int32{nil, nil}, Errors: []int16{invalid, unknown}}},
	} {
		if diff := cmp.Diff(c.want, c.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestThePartitionsOfOnePageAreLimitedByTheBroker(t *testing.T) {
	w := newWorld(t, "max.request.partition.size.limit=2")
	w.topic("t1", 3)
	if got := askPage(w, 2000, "", 0); got.Next != "t1" || got.From != 2 {
		t.Errorf("%+v", got)
	}
}

func askLogDirs(w *world, version int16, topics []kmsg.DescribeLogDirsRequestTopic) kmsg.DescribeLogDirsResponseDir {
	w.t.Helper()
	q := kmsg.NewPtrDescribeLogDirsRequest()
	q.Topics = topics
	p := ask[*kmsg.DescribeLogDirsResponse](w, version, q)
	if p.ErrorCode != 0 || len(p.Dirs) != 1 || p.Dirs[0].ErrorCode != 0 || p.Dirs[0].Dir == "" {
		w.t.Fatalf("version %d: %+v", version, p)
	}
	return p.Dirs[0]
}

// Null asks for every partition, a list for those that it names and that exist.
func TestSizesOfPartitions(t *testing.T) {
	w := newWorld(t)
	w.topic("x", 2)
	w.topic("y", 1)
	w.produce("x", 1, "some bytes")
	for version := int16(0); version <= 5; version++ {
		dir := askLogDirs(w, version, nil)
		if len(dir.Topics) != 2 || len(dir.Topics[0].Partitions) != 2 {
			t.Fatalf("version %d: %+v", version, dir)
		}
		empty, full := dir.Topics[0].Partitions[0], dir.Topics[0].Partitions[1]
		if empty.Size != 0 || full.Size < protocol.BatchHeaderBytes || full.OffsetLag != 0 || full.IsFuture {
			t.Errorf("version %d: %+v, %+v", version, empty, full)
		}
		total, usable := int64(-1), int64(-1)
		if version >= 4 {
			total, usable = 100, 60
		}
		if dir.TotalBytes != total || dir.UsableBytes != usable || dir.IsCordoned {
			t.Errorf("version %d: volume %d of %d", version, dir.UsableBytes, dir.TotalBytes)
		}
	}
	if dir := askLogDirs(w, 4, []kmsg.DescribeLogDirsRequestTopic{}); len(dir.Topics) != 0 {
		t.Errorf("an empty list: %+v", dir)
	}
	dir := askLogDirs(w, 4, []kmsg.DescribeLogDirsRequestTopic{
		{Topic: "x", Partitions: []int32{1, 9}}, {Topic: "missing", Partitions: []int32{0}}, {Topic: "y"}, {Topic: "x", Partitions: []int32{1}},
	})
	if len(dir.Topics) != 1 || len(dir.Topics[0].Partitions) != 1 || dir.Topics[0].Partitions[0].Partition != 1 {
		t.Errorf("a list: %+v", dir)
	}
	w.noVolume.Store(true)
	if dir := askLogDirs(w, 4, nil); dir.TotalBytes != -1 || dir.UsableBytes != -1 {
		t.Errorf("a volume that does not tell: %+v", dir)
	}
}
