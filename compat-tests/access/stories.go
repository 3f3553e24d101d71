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
	return slices.Concat(ruleStories(), aclStories(), operationStories(), recordStories(), topicStories(), creationStories(), configStories(),
		groupStories(), offsetStories(), memberStories(), shareStories(), idempotentStories(), transactionStories(), lookStories())
}

// turns are versions at which an API asks in another way: by id for by name, for several
// for one, with a flag. Stories are told there, and in the first and the last version;
// random cases have them all.
var turns = map[kmsg.Key][]int16{
	kmsg.Fetch: {12, 13}, kmsg.Produce: {12}, kmsg.Metadata: {1, 4, 11, 12}, kmsg.DeleteTopics: {5}, kmsg.CreateTopics: {4, 5},
	kmsg.OffsetCommit: {9}, kmsg.OffsetFetch: {7, 8, 9}, kmsg.FindCoordinator: {3, 4}, kmsg.JoinGroup: {4, 5}, kmsg.AddPartitionsToTxn: {3, 4},
}

// versions are those in which a story is told. One about no API is told once.
func (b *bench) versions(st differ.Story) []int16 {
	if st.Key < 0 {
		return []int16{0}
	}
	served, ok := b.served[int16(st.Key)]
	if !ok {
		return nil
	}
	if st.Versions != (schema.Range{}) {
		served = schema.Range{Min: max(served.Min, st.Versions.Min), Max: min(served.Max, st.Versions.Max)}
	}
	due := append([]int16{served.Min, served.Max}, turns[st.Key]...)
	due = slices.DeleteFunc(due, func(v int16) bool { return !served.Has(v) })
	slices.Sort(due)
	return slices.Compact(due)
}

// since is an open range of versions.
func since(version int16) schema.Range { return schema.Range{Min: version, Max: 1<<15 - 1} }

// under imposes rules and has alice ask.
func under(s *differ.Session, label string, req kmsg.Request, rules ...rule) kmsg.Response {
	impose(s, rules)
	return s.Peer(alice).Try(label, req)
}
