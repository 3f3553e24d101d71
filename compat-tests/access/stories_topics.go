package access

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/differ"
	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

// recordStories are about records.
func recordStories() []differ.Story {
	return []differ.Story{
		{Name: "fetch/by name and id", Key: kmsg.Fetch, FlatFetch: true, Tell: func(s *differ.Session) {
			r := enter(s)
			r.nameIDs()
			for _, asked := range [][]string{{"red-1"}, {"red-9"}, {"red-1", "red-9"}, {"blue-1", "red-1", "red-9", "blue-9"}, {}} {
				req := r.fetchOf(asked...)
				under(s, fmt.Sprintf("%v without a right", asked), req)
				under(s, fmt.Sprintf("%v with a right to describe", asked), req, allow(alice, describe, topicKind, anyName))
				under(s, fmt.Sprintf("%v with a right to one", asked), req, allow(alice, read, topicKind, "red-1"))
				under(s, fmt.Sprintf("%v with a right to what is not there", asked), req, allow(alice, read, topicKind, "red-9"))
				under(s, fmt.Sprintf("%v with all rights but one", asked), req, allow(alice, read, topicKind, anyName), deny(alice, read, topicKind, "blue-1"))
			}
		}},
		{Name: "fetch/in a session", Key: kmsg.Fetch, Versions: since(7), FlatFetch: true, Tell: tellFetchSession},
		// Kafka 4.3.1 closes the connection in versions 12 to 14, and only there.
		{Name: "fetch/as a broker", Key: kmsg.Fetch, Versions: since(15), FlatFetch: true, Tell: func(s *differ.Session) {
			r := enter(s)
			r.nameIDs()
			req := r.fetchOf("red-1", "red-9")
			req.ReplicaID, req.ReplicaState.ID = 2, 2
			under(s, "without a right", req)
			under(s, "with a right to read", req, allow(alice, read, topicKind, anyName))
		}},
		{Name: "produce/by name and id", Key: kmsg.Produce, Tell: func(s *differ.Session) {
			r := enter(s)
			r.nameIDs()
			req := r.produceOf(wire.NewBatch(s.Base, wire.Record{Value: []byte("v")}), "red-2", "red-9", "blue-9")
			under(s, "without a right", req)
			under(s, "with a right to read", req, allow(alice, read, topicKind, anyName))
			under(s, "with a right to what is not there", req, allow(alice, write, topicKind, "red-9"))
			under(s, "with a right to create", req, allow(alice, create, topicKind, anyName), onCluster(alice, create))
			under(s, "with a right to the group of that name", req, allow(alice, all, groupKind, anyName))
			req.Acks = 1
			under(s, "without a right, for one acknowledgement", req)
			req.Acks = 7
			under(s, "without a right, for seven", req)
		}},
		{Name: "produce/without acknowledgement", Key: kmsg.Produce, Tell: func(s *differ.Session) {
			r := enter(s)
			req := r.produceOf(wire.NewBatch(s.Base, wire.Record{Value: []byte("v")}), "red-9")
			req.Acks = 0
			impose(s, nil)
			s.Peer(alice).SendOnly("without a right", req)
			s.Peer(alice).Try("what comes of it", kmsg.NewPtrListGroupsRequest())
		}},
	}
}

// topicStories are about topics by name and id.
func topicStories() []differ.Story {
	return []differ.Story{
		{Name: "delete topics/by name and id", Key: kmsg.DeleteTopics, Tell: tellDeleteTopics},
		{Name: "metadata/by id", Key: kmsg.Metadata, Versions: since(12), Tell: func(s *differ.Session) {
			r := enter(s)
			r.nameIDs()
			byID := metadataOf("red-1", "red-2", "red-9")
			for i, t := range byID.Topics {
				byID.Topics[i].TopicID, byID.Topics[i].Topic = r.id(*t.Topic), nil
			}
			under(s, "without a right", byID)
			under(s, "with a right to one", byID, allow(alice, describe, topicKind, "red-1"))
			under(s, "with a right to one and to what is not there", byID, allow(alice, write, topicKind, "red-1"), allow(alice, describe, topicKind, "red-9"))
		}},
		{Name: "describe topic partitions/pages", Key: kmsg.DescribeTopicPartitions, Unordered: unordered, Tell: func(s *differ.Session) {
			for i, rules := range [][]rule{{}, {allow(alice, describe, topicKind, "blue-2")}, {allow(alice, describe, topicKind, "blue-2"), ofPrefix(allow(alice, read, topicKind, "red-"))}} {
				for _, cursor := range []string{"", "blue-1", "blue-2", "red-9"} {
					req := kmsg.NewPtrDescribeTopicPartitionsRequest()
					req.ResponsePartitionLimit = 2
					if cursor != "" {
						req.Cursor = &kmsg.DescribeTopicPartitionsRequestCursor{Topic: cursor}
					}
					under(s, fmt.Sprintf("all from %q, rules %d", cursor, i), req, rules...)
					for _, name := range []string{"red-1", "blue-2", "red-9", "blue-9"} {
						req.Topics = append(req.Topics, kmsg.DescribeTopicPartitionsRequestTopic{Topic: name})
					}
					under(s, fmt.Sprintf("some from %q, rules %d", cursor, i), req, rules...)
				}
			}
		}},
	}
}

// tellFetchSession takes rights away and gives them back while a session goes on.
func tellFetchSession(s *differ.Session) {
	r := enter(s)
	r.nameIDs()
	req := r.fetchOf("red-1", "blue-1", "red-9")
	req.SessionEpoch = 0
	began, _ := under(s, "the first", req, allow(alice, read, topicKind, "red-1")).(*kmsg.FetchResponse)
	if began == nil {
		return
	}
	next := r.fetchOf()
	next.SessionID, next.SessionEpoch = began.SessionID, 0
	for i, rules := range [][]rule{{}, {allow(alice, read, topicKind, anyName)}, {allow(alice, read, topicKind, "blue-1")}, {allow(alice, read, topicKind, "blue-1")}} {
		next.SessionEpoch++
		under(s, fmt.Sprintf("a next one, rules %d", i), next, rules...)
	}
	next.SessionEpoch++
	s.Peer(bob).Try("of somebody else", next)
}

// tellDeleteTopics has topics of its own, two of which are deleted.
func tellDeleteTopics(s *differ.Session) {
	a, b, none := s.Topic("a"), s.Topic("b"), s.Topic("none")
	makeTopics(s, a, b)
	r := &room{Session: s, ids: map[string][16]byte{}}
	for _, name := range []string{a, b} {
		r.ids[name] = s.AwaitTopic(name, 1)
	}
	ways := []bool{false}
	if s.Version >= 6 {
		ways = append(ways, true)
	}
	for _, byID := range ways {
		label := func(text string) string { return fmt.Sprintf("%s, by id: %v", text, byID) }
		req := r.deleteTopicsOf(byID, a, none)
		under(s, label("without a right"), req)
		under(s, label("with a right to describe"), req, allow(alice, describe, topicKind, anyName))
		under(s, label("with rights to what is not there"), req, allow(alice, describe, topicKind, none), allow(alice, remove, topicKind, none))
		under(s, label("with a right to alter"), req, allow(alice, alter, topicKind, anyName), onCluster(alice, alter))
		under(s, label("deletion allowed, description denied"), r.deleteTopicsOf(byID, none), allow(alice, remove, topicKind, anyName), deny(alice, describe, topicKind, anyName))
		twice := r.deleteTopicsOf(byID, a, a)
		under(s, label("twice"), twice)
	}
	byID := len(ways) > 1
	under(s, "with a right to one that may not be described", r.deleteTopicsOf(byID, a, b), ofPrefix(allow(alice, remove, topicKind, a)), deny(alice, describe, topicKind, a))
	s.Peer(admin).Try("as admin, if it is still there", r.deleteTopicsOf(byID, a))
	s.AwaitDeleted(a, r.ids[a])
	under(s, "deleted before, without a right", r.deleteTopicsOf(byID, a))
	under(s, "with a right to the cluster", r.deleteTopicsOf(byID, b), onCluster(alice, remove))
	s.Peer(admin).Try("as admin", r.deleteTopicsOf(byID, b, a))
	s.AwaitDeleted(b, r.ids[b])
}

// creationStories are about topics that are made.
func creationStories() []differ.Story {
	return []differ.Story{
		{Name: "metadata/creates", Key: kmsg.Metadata, Tell: tellMetadataCreates},
		{Name: "create topics/who may", Key: kmsg.CreateTopics, Tell: tellCreateTopics},
		{Name: "create partitions/who may", Key: kmsg.CreatePartitions, Tell: func(s *differ.Session) {
			name := s.Topic("a")
			makeTopics(s, name)
			req := kmsg.NewPtrCreatePartitionsRequest()
			req.TimeoutMillis = 10_000
			for _, name := range []string{name, s.Topic("none")} {
				t := kmsg.NewCreatePartitionsRequestTopic()
				t.Topic, t.Count = name, 2
				req.Topics = append(req.Topics, t)
			}
			under(s, "without a right", req)
			under(s, "with a right to create", req, allow(alice, create, topicKind, anyName), onCluster(alice, all))
			under(s, "with a right", req, ofPrefix(allow(alice, alter, topicKind, name)))
			s.AwaitTopic(name, 2)
		}},
	}
}

// tellMetadataCreates asks for topics that are not there, each with other rights.
func tellMetadataCreates(s *differ.Session) {
	var asked []string
	for i, c := range []struct {
		made  bool
		rules func(name string) []rule
	}{
		{false, func(string) []rule { return nil }},
		{false, func(name string) []rule { return []rule{allow(alice, create, topicKind, name)} }},
		{false, func(string) []rule { return []rule{onCluster(alice, create)} }},
		{false, func(name string) []rule { return []rule{allow(alice, describe, topicKind, name)} }},
		{false, func(name string) []rule {
			return []rule{allow(alice, read, topicKind, name), allow(alice, write, topicKind, name)}
		}},
		{true, func(name string) []rule {
			return []rule{allow(alice, describe, topicKind, name), allow(alice, create, topicKind, name)}
		}},
		{true, func(name string) []rule { return []rule{ofPrefix(allow(alice, all, topicKind, name))} }},
		{true, func(name string) []rule {
			return []rule{allow(alice, describe, topicKind, name), onCluster(alice, create)}
		}},
		{true, func(name string) []rule {
			return []rule{allow(alice, describe, topicKind, name), onCluster(alice, create), deny(alice, create, topicKind, name)}
		}},
		{false, func(name string) []rule {
			return []rule{allow(alice, all, topicKind, name), deny(alice, describe, topicKind, name)}
		}},
		{false, func(name string) []rule {
			return []rule{allow(alice, all, topicKind, name), deny(alice, create, topicKind, name)}
		}},
		{true, func(name string) []rule {
			return []rule{allow(alice, all, topicKind, name), deny(alice, all, clusterKind, clusterName)}
		}},
	} {
		name := s.Topic(fmt.Sprint("m", i))
		req := metadataOf(name)
		req.AllowAutoTopicCreation = true
		impose(s, c.rules(name))
		label := fmt.Sprintf("%s, rules %d", name, i)
		if c.made {
			s.Peer(alice).Try(label, req, "ErrorCode", "TopicId", "Partitions") // Kafka says that there is none yet
			s.AwaitTopic(name, 1)
		} else {
			s.Peer(alice).Try(label, req)
		}
		s.Peer(alice).Try(name+" again", metadataOf(name))
		asked = append(asked, name)
	}
	if s.Version >= 4 {
		s.Peer(admin).Ask("what is there", metadataOf(asked...))
	}
}

// tellCreateTopics makes one topic.
func tellCreateTopics(s *differ.Session) {
	a, b := s.Topic("a"), s.Topic("b")
	req := kmsg.NewPtrCreateTopicsRequest()
	req.TimeoutMillis, req.ValidateOnly = 10_000, true
	req.Topics = append(req.Topics, topicOf(a), topicOf(b), topicOf("red-1"), topicOf("a/b"))
	twice := kmsg.NewPtrCreateTopicsRequest()
	twice.TimeoutMillis, twice.ValidateOnly = 10_000, true
	twice.Topics = append(twice.Topics, topicOf(a), topicOf(b), topicOf(a))
	for i, rules := range [][]rule{
		{},
		{allow(alice, create, topicKind, a)},
		{allow(alice, create, topicKind, anyName)},
		{onCluster(alice, create)},
		{onCluster(alice, create), deny(alice, create, topicKind, a)},
		{allow(alice, create, topicKind, anyName), deny(alice, create, clusterKind, clusterName)},
		{allow(alice, create, topicKind, anyName), allow(alice, describeConfigs, topicKind, a)},
		{onCluster(alice, create), ofPrefix(allow(alice, alterConfigs, topicKind, a)), allow(alice, describe, topicKind, b)},
		{allow(alice, alter, topicKind, anyName), allow(alice, describe, topicKind, anyName)},
	} {
		under(s, fmt.Sprintf("rules %d", i), req, rules...)
		s.Peer(alice).Try(fmt.Sprintf("one twice, rules %d", i), twice)
	}
	req.ValidateOnly, req.Topics = false, req.Topics[:2]
	under(s, "for good", req, allow(alice, create, topicKind, a))
	s.AwaitTopic(a, 1)
}

// configStories are about settings.
func configStories() []differ.Story {
	resources := []resource{
		{topicConfigs, "red-1", "retention.ms", "86400000"}, {topicConfigs, "red-9", "retention.ms", "86400000"}, {topicConfigs, "", "retention.ms", "86400000"},
		{groupConfigs, "red-2", "consumer.heartbeat.interval.ms", "6000"}, {groupConfigs, "red-9", "consumer.heartbeat.interval.ms", "6000"}, {groupConfigs, "", "consumer.heartbeat.interval.ms", "6000"},
		{brokerConfigs, "1", "log.retention.ms", "86400000"}, {brokerConfigs, "", "log.retention.ms", "86400000"}, {brokerConfigs, "99", "log.retention.ms", "86400000"}, {brokerConfigs, "one", "log.retention.ms", "86400000"},
		{loggerConfigs, "1", "no.such.logger", "INFO"}, {loggerConfigs, "99", "no.such.logger", "INFO"}, {clientMetrics, "wanted", "interval.ms", "60000"},
		{77, "strange", "a", "1"},
	}
	tell := func(request func(resources ...resource) kmsg.Request) func(s *differ.Session) {
		return func(s *differ.Session) {
			for i, rules := range [][]rule{
				{},
				{allow(alice, describeConfigs, topicKind, anyName)}, {allow(alice, alterConfigs, topicKind, anyName)}, {allow(alice, alter, topicKind, anyName), allow(alice, describe, topicKind, anyName)},
				{allow(alice, describeConfigs, groupKind, anyName)}, {allow(alice, alterConfigs, groupKind, "red-2")},
				{onCluster(alice, describeConfigs)}, {onCluster(alice, alterConfigs)}, {onCluster(alice, alter), onCluster(alice, describe)},
				{onCluster(alice, all), allow(alice, all, topicKind, anyName), allow(alice, all, groupKind, anyName)},
			} {
				impose(s, rules)
				for _, of := range resources {
					s.Peer(alice).Try(fmt.Sprintf("%s %q, rules %d", of.kind, of.name, i), request(of))
				}
				s.Peer(alice).Try(fmt.Sprintf("all together, rules %d", i), request(resources...))
			}
		}
	}
	return []differ.Story{
		{Name: "configs/described", Key: kmsg.DescribeConfigs, Tell: tell(func(r ...resource) kmsg.Request { return describeConfigsOf(r...) })},
		{Name: "configs/altered", Key: kmsg.AlterConfigs, Tell: tell(func(r ...resource) kmsg.Request { return alterConfigsOf(r...) })},
		{Name: "configs/altered one by one", Key: kmsg.IncrementalAlterConfigs, Tell: tell(func(r ...resource) kmsg.Request { return incrementalOf(r...) })},
	}
}
