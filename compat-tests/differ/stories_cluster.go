package differ

import "github.com/twmb/franz-go/pkg/kmsg"

func clusterStories() []Story {
	return []Story{{Name: "describe cluster/every way", Key: kmsg.DescribeCluster, Tell: func(s *Session) {
		s.Ask("plain", kmsg.NewPtrDescribeClusterRequest())
		ops := kmsg.NewPtrDescribeClusterRequest()
		ops.IncludeClusterAuthorizedOperations = true
		s.Ask("with operations", ops)
		if s.Version >= 1 {
			for _, kind := range []int8{2, 9} {
				req := kmsg.NewPtrDescribeClusterRequest()
				req.EndpointType = kind
				s.Ask("controllers or an unknown kind", req)
			}
		}
		if s.Version >= 2 {
			fenced := kmsg.NewPtrDescribeClusterRequest()
			fenced.IncludeFencedBrokers = true
			s.Ask("fenced ones too", fenced)
		}
	}}}
}

func describeTopicPartitions(limit int32, names ...string) *kmsg.DescribeTopicPartitionsRequest {
	req := kmsg.NewPtrDescribeTopicPartitionsRequest()
	req.ResponsePartitionLimit = limit
	for _, name := range names {
		t := kmsg.NewDescribeTopicPartitionsRequestTopic()
		t.Topic = name
		req.Topics = append(req.Topics, t)
	}
	return req
}

func fromCursor(req *kmsg.DescribeTopicPartitionsRequest, topic string, partition int32) *kmsg.DescribeTopicPartitionsRequest {
	c := kmsg.NewDescribeTopicPartitionsRequestCursor()
	c.Topic, c.Partition = topic, partition
	req.Cursor = &c
	return req
}

func topicPartitionsStories() []Story {
	return []Story{{Name: "describe topic partitions/pages", Key: kmsg.DescribeTopicPartitions, Tell: func(s *Session) {
		a, _ := s.MakeTopic("a", 3)
		b, _ := s.MakeTopic("b", 2)
		s.Ask("one", describeTopicPartitions(2000, a))
		s.Ask("two, out of order", describeTopicPartitions(2000, b, a))
		s.Ask("unknown", describeTopicPartitions(2000, unknownTopic))
		s.Ask("invalid", describeTopicPartitions(2000, "a/b"))
		s.Ask("one twice", describeTopicPartitions(2000, a, a))
		s.Ask("first page", describeTopicPartitions(2, a, b))
		s.Ask("page ends with a topic", describeTopicPartitions(3, a, b))
		s.Ask("second page", fromCursor(describeTopicPartitions(2, a, b), a, 2))
		s.Ask("last page", fromCursor(describeTopicPartitions(2, a, b), b, 1))
		s.Ask("page inside one topic", fromCursor(describeTopicPartitions(1, a), a, 1))
		s.Ask("limit zero", describeTopicPartitions(0, a))
		s.Ask("limit negative", describeTopicPartitions(-1, a))
		s.Ask("cursor at a topic that is not asked for", fromCursor(describeTopicPartitions(2, a), b, 0))
		s.Ask("cursor beyond the topic", fromCursor(describeTopicPartitions(2, a, b), a, 9))
		s.Ask("cursor negative", fromCursor(describeTopicPartitions(2, a, b), a, -1))
	}}}
}

func describeLogDirs(name string, partitions ...int32) *kmsg.DescribeLogDirsRequest {
	req := kmsg.NewPtrDescribeLogDirsRequest()
	t := kmsg.NewDescribeLogDirsRequestTopic()
	t.Topic, t.Partitions = name, partitions
	req.Topics = append(req.Topics, t)
	return req
}

func logDirsStories() []Story {
	return []Story{{Name: "describe log dirs/sizes", Key: kmsg.DescribeLogDirs, Tell: func(s *Session) {
		name, _ := s.stocked()
		s.Ask("three partitions", describeLogDirs(name, 0, 1, 2))
		s.Ask("one partition", describeLogDirs(name, 1))
		s.Ask("unknown partition", describeLogDirs(name, 9))
		s.Ask("unknown topic", describeLogDirs(unknownTopic, 0))
		none := describeLogDirs(name)
		none.Topics = []kmsg.DescribeLogDirsRequestTopic{}
		s.Ask("no topics", none)
		all := describeLogDirs(name)
		all.Topics = nil
		s.Ask("all", all)
	}}}
}

func consumerDescribeStories() []Story {
	return []Story{{Name: "consumer group describe/unknown", Key: kmsg.ConsumerGroupDescribe, Tell: func(s *Session) {
		req := kmsg.NewPtrConsumerGroupDescribeRequest()
		s.Ask("none", req)
		for _, id := range []string{s.Group("nobody"), ""} {
			req.Groups = []string{id}
			s.Ask("group '"+id+"'", req)
		}
		req.Groups = []string{"", s.Group("nobody")}
		s.Ask("both", req)
	}}}
}
