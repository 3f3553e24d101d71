package differ

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

func apiVersionsOf(name, version string) *kmsg.ApiVersionsRequest {
	req := kmsg.NewPtrApiVersionsRequest()
	req.ClientSoftwareName, req.ClientSoftwareVersion = name, version
	return req
}

func apiVersionsStories() []Story {
	const key = int16(kmsg.ApiVersions)
	return []Story{
		{Name: "api versions/ranges", Key: kmsg.ApiVersions, Tell: func(s *Session) {
			s.Ask("what do you speak", apiVersionsOf("apache-kafka-java", "4.3.1"))
		}},
		{Name: "api versions/software names", Key: kmsg.ApiVersions, Versions: since(3), Tell: func(s *Session) {
			for _, name := range []string{"a", "a.b-c", "", "-a", "a-", "a b", "a\n", "ä", ".a"} {
				s.Ask("name "+name, apiVersionsOf(name, "1.0"))
				s.Ask("version "+name, apiVersionsOf("client", name))
			}
		}},
		{Name: "api versions/too new is answered in v0", Key: kmsg.ApiVersions, Versions: only(0), Tell: func(s *Session) {
			s.Frame("version 99", wire.Frame(key, 99, 7, true, []byte{1, 2, 3}), key, 0, false)
			s.Frame("version 99 without a body", wire.Frame(key, 99, 7, true, nil), key, 0, false)
			s.Ask("the connection lives on", apiVersionsOf("client", "1"))
		}},
	}
}

// metadataCase is one Metadata request over a topic "known" of two partitions.
type metadataCase struct {
	label string
	since int16
	edit  func(s *Session, req *kmsg.MetadataRequest, known string, id [16]byte)
}

func byName(names ...string) []kmsg.MetadataRequestTopic {
	return metadataFor(names...).Topics
}

func byID(name *string, id [16]byte) kmsg.MetadataRequestTopic {
	t := kmsg.NewMetadataRequestTopic()
	t.Topic, t.TopicID = name, id
	return t
}

var metadataCases = []metadataCase{
	{"known", 0, func(_ *Session, req *kmsg.MetadataRequest, known string, _ [16]byte) { req.Topics = byName(known) }},
	{"unknown, no creation", 4, func(_ *Session, req *kmsg.MetadataRequest, _ string, _ [16]byte) { req.Topics = byName(unknownTopic) }},
	{"known and unknown", 4, func(_ *Session, req *kmsg.MetadataRequest, known string, _ [16]byte) {
		req.Topics = byName(unknownTopic, known)
	}},
	{"twice the same", 0, func(_ *Session, req *kmsg.MetadataRequest, known string, _ [16]byte) {
		req.Topics = byName(known, known)
	}},
	{"invalid names", 4, func(_ *Session, req *kmsg.MetadataRequest, _ string, _ [16]byte) {
		req.Topics = byName("", ".", "..", "a/b", "a b", "ü", string(make([]byte, 250)))
	}},
	{"invalid names with creation", 1, func(_ *Session, req *kmsg.MetadataRequest, _ string, _ [16]byte) {
		req.AllowAutoTopicCreation = true
		req.Topics = byName("", "a/b")
	}},
	{"empty list", 0, func(_ *Session, req *kmsg.MetadataRequest, _ string, _ [16]byte) {
		req.Topics = []kmsg.MetadataRequestTopic{}
	}},
	{"null list", 1, func(_ *Session, req *kmsg.MetadataRequest, _ string, _ [16]byte) { req.Topics = nil }},
	{"operations asked for", 8, func(_ *Session, req *kmsg.MetadataRequest, known string, _ [16]byte) {
		req.Topics = byName(known)
		req.IncludeClusterAuthorizedOperations, req.IncludeTopicAuthorizedOperations = true, true
	}},
	{"known id", 10, func(_ *Session, req *kmsg.MetadataRequest, _ string, id [16]byte) {
		req.Topics = []kmsg.MetadataRequestTopic{byID(nil, id)}
	}},
	{"unknown id", 10, func(_ *Session, req *kmsg.MetadataRequest, _ string, _ [16]byte) {
		req.Topics = []kmsg.MetadataRequestTopic{byID(nil, unknownID)}
	}},
	{"known and unknown id", 12, func(_ *Session, req *kmsg.MetadataRequest, _ string, id [16]byte) {
		req.Topics = []kmsg.MetadataRequestTopic{byID(nil, unknownID), byID(nil, id)}
	}},
	{"name and id together", 12, func(_ *Session, req *kmsg.MetadataRequest, known string, id [16]byte) {
		req.Topics = []kmsg.MetadataRequestTopic{byID(&known, id)}
	}},
	{"name and id of different topics", 12, func(_ *Session, req *kmsg.MetadataRequest, known string, _ [16]byte) {
		req.Topics = []kmsg.MetadataRequestTopic{byID(&known, unknownID)}
	}},
	{"neither name nor id", 10, func(_ *Session, req *kmsg.MetadataRequest, _ string, _ [16]byte) {
		req.Topics = []kmsg.MetadataRequestTopic{byID(nil, [16]byte{})}
	}},
	{"by id and by name mixed", 12, func(_ *Session, req *kmsg.MetadataRequest, known string, id [16]byte) {
		req.Topics = append(byName(known), byID(nil, id))
	}},
}

func metadataStories() []Story {
	return []Story{
		{Name: "metadata/topics", Key: kmsg.Metadata, Tell: func(s *Session) {
			known, id := s.MakeTopic("known", 2)
			for _, c := range metadataCases {
				if s.Version < c.since {
					continue
				}
				req := metadataFor()
				c.edit(s, req, known, id)
				s.Ask(c.label, req)
			}
		}},
		{Name: "metadata/creates topics on demand", Key: kmsg.Metadata, Tell: func(s *Session) {
			name := s.Topic("on-demand")
			create := metadataFor(name)
			create.AllowAutoTopicCreation = true
			s.Quiet(create) // Kafka answers "unknown" while it creates
			s.AwaitTopic(name, 1)
			s.Ask("created", metadataFor(name))
		}},
		{Name: "metadata/creates no topic on demand that would collide", Key: kmsg.Metadata, Versions: since(4), Tell: func(s *Session) {
			s.MakeTopic("a.b", 1)
			create := metadataFor(s.Topic("a_b"))
			create.AllowAutoTopicCreation = true
			s.Ask("collision", create)
		}},
	}
}
