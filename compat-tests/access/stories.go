package access

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/differ"
	"github.com/barnabas-mq/barnabas/compat-tests/schema"
)

// stories are all stories. Their topics, groups and transactions have names of their own,
// but for those that look at the room, and each imposes its own rules.
func stories() []differ.Story {
	return slices.Concat(ruleStories(), aclStories(), operationStories(), topicStories(), creationStories(), configStories(),
		groupStories(), memberStories(), shareStories(), transactionStories())
}

// versions are those in which a story is told. One about no API is told once.
func (b *bench) versions(st differ.Story) []int16 {
	if st.Key < 0 {
		return []int16{0}
	}
	served, ok := b.served[int16(st.Key)]
	var due []int16
	for v := served.Min; ok && v <= served.Max; v++ {
		if st.Versions == (schema.Range{}) || st.Versions.Has(v) {
			due = append(due, v)
		}
	}
	return due
}

// since is an open range of versions.
func since(version int16) schema.Range { return schema.Range{Min: version, Max: 1<<15 - 1} }

// under imposes rules and has alice ask.
func under(s *differ.Session, label string, req kmsg.Request, rules ...rule) kmsg.Response {
	impose(s, rules)
	return s.Peer(alice).Try(label, req)
}
