package api

import (
	"fmt"
	"iter"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/coordinator/group"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/protocol"
)

// imageTopics shows the topics of an image to groups.
type imageTopics struct{ image *metadata.Image }

func (t imageTopics) Version() int64 { return int64(t.image.EndOffset()) }

func (t imageTopics) Topic(name string) (group.Topic, bool) { return imageTopic(t.image.Topic(name)) }

func (t imageTopics) TopicByID(id protocol.UUID) (group.Topic, bool) {
	return imageTopic(t.image.TopicByID(id))
}

func (t imageTopics) Names() iter.Seq[string] {
	return func(yield func(string) bool) {
		for one := range t.image.Topics() {
			if !yield(one.Name) {
				return
			}
		}
	}
}

func imageTopic(t *metadata.Topic) (group.Topic, bool) {
	if t == nil {
		return group.Topic{}, false
	}
	return group.Topic{Name: t.Name, ID: t.ID, Partitions: int32(len(t.Partitions))}, true
}

// shareStateFake keeps the state of share partitions in memory.
type shareStateFake struct {
	mu     sync.Mutex
	states map[string]group.ShareSummary
	broken error // what all calls answer
}

func (f *shareStateFake) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.broken = err
}

func (f *shareStateFake) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.states)
}

func (f *shareStateFake) set(key string, s group.ShareSummary) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.states[key] = s
}

func shareStateKey(groupID string, topic protocol.UUID, partition int32) string {
	return fmt.Sprintf("%s:%s:%d", groupID, topic, partition)
}

func (f *shareStateFake) Initialize(groupID string, topic protocol.UUID, partition, epoch int32, start protocol.Offset, reply func(error)) {
	f.mu.Lock()
	if f.broken == nil {
		if f.states == nil {
			f.states = map[string]group.ShareSummary{}
		}
		f.states[shareStateKey(groupID, topic, partition)] = group.ShareSummary{StateEpoch: epoch, Start: start}
	}
	err := f.broken
	f.mu.Unlock()
	reply(err)
}

func (f *shareStateFake) Summary(groupID string, topic protocol.UUID, partition int32, reply func(group.ShareSummary, error)) {
	f.mu.Lock()
	s, ok := f.states[shareStateKey(groupID, topic, partition)]
	err := f.broken
	f.mu.Unlock()
	if !ok {
		s = group.ShareSummary{Start: protocol.None, DeliveryComplete: protocol.None}
	}
	reply(s, err)
}

func (f *shareStateFake) Delete(groupID string, topic protocol.UUID, partition int32, reply func(error)) {
	f.mu.Lock()
	delete(f.states, shareStateKey(groupID, topic, partition))
	err := f.broken
	f.mu.Unlock()
	reply(err)
}

func shareBeat(w *world, member string, epoch int32, topics ...string) *kmsg.ShareGroupHeartbeatResponse {
	w.t.Helper()
	q := kmsg.NewPtrShareGroupHeartbeatRequest()
	q.GroupID, q.MemberID, q.MemberEpoch, q.SubscribedTopicNames = "s", member, epoch, topics
	return ask[*kmsg.ShareGroupHeartbeatResponse](w, 1, q)
}

func shareDescribed(w *world, ids ...string) []kmsg.ShareGroupDescribeResponseGroup {
	w.t.Helper()
	q := kmsg.NewPtrShareGroupDescribeRequest()
	q.GroupIDs, q.IncludeAuthorizedOperations = ids, true
	return ask[*kmsg.ShareGroupDescribeResponse](w, 1, q).Groups
}

// shareOffsets describes offsets as text.
func shareOffsets(w *world, version int16, groupID string, topics []kmsg.DescribeShareGroupOffsetsRequestGroupTopic) string {
	w.t.Helper()
	q := kmsg.NewPtrDescribeShareGroupOffsetsRequest()
	one := kmsg.NewDescribeShareGroupOffsetsRequestGroup()
	one.GroupID, one.Topics = groupID, topics
	q.Groups = append(q.Groups, one)
	g := ask[*kmsg.DescribeShareGroupOffsetsResponse](w, version, q).Groups[0]
	var parts []string
	if g.ErrorCode != 0 {
		parts = append(parts, fmt.Sprintf("error %d", g.ErrorCode))
	}
	for _, t := range g.Topics {
		for _, p := range t.Partitions {
			parts = append(parts, fmt.Sprintf("%s-%d at %d of epoch %d, lag %d, error %d", t.Topic, p.Partition, p.StartOffset, p.LeaderEpoch, p.Lag, p.ErrorCode))
		}
	}
	return strings.Join(parts, "; ")
}

func offsetsTopic(name string, partitions ...int32) kmsg.DescribeShareGroupOffsetsRequestGroupTopic {
	t := kmsg.NewDescribeShareGroupOffsetsRequestGroupTopic()
	t.Topic, t.Partitions = name, partitions
	return t
}

// alterTopic takes pairs of a partition and an offset.
func alterTopic(name string, pairs ...int64) kmsg.AlterShareGroupOffsetsRequestTopic {
	t := kmsg.NewAlterShareGroupOffsetsRequestTopic()
	t.Topic = name
	for i := 0; i < len(pairs); i += 2 {
		p := kmsg.NewAlterShareGroupOffsetsRequestTopicPartition()
		p.Partition, p.StartOffset = int32(pairs[i]), pairs[i+1]
		t.Partitions = append(t.Partitions, p)
	}
	return t
}

func alterShare(w *world, groupID string, topics ...kmsg.AlterShareGroupOffsetsRequestTopic) string {
	w.t.Helper()
	q := kmsg.NewPtrAlterShareGroupOffsetsRequest()
	q.GroupID, q.Topics = groupID, topics
	p := ask[*kmsg.AlterShareGroupOffsetsResponse](w, 0, q)
	if p.ErrorCode != 0 {
		return fmt.Sprintf("error %d: %s", p.ErrorCode, *p.ErrorMessage)
	}
	var parts []string
	for _, t := range p.Topics {
		for _, one := range t.Partitions {
			parts = append(parts, fmt.Sprintf("%s-%d: %d", t.Topic, one.Partition, one.ErrorCode))
		}
	}
	return strings.Join(parts, "; ")
}

func deleteShareOffsets(w *world, groupID string, topics ...string) string {
	w.t.Helper()
	q := kmsg.NewPtrDeleteShareGroupOffsetsRequest()
	q.GroupID = groupID
	for _, name := range topics {
		t := kmsg.NewDeleteShareGroupOffsetsRequestTopic()
		t.Topic = name
		q.Topics = append(q.Topics, t)
	}
	p := ask[*kmsg.DeleteShareGroupOffsetsResponse](w, 0, q)
	if p.ErrorCode != 0 {
		return fmt.Sprintf("error %d: %s", p.ErrorCode, *p.ErrorMessage)
	}
	var parts []string
	for _, t := range p.Topics {
		message := "null"
		if t.ErrorMessage != nil {
			message = *t.ErrorMessage
		}
		parts = append(parts, fmt.Sprintf("%s: %d %s", t.Topic, t.ErrorCode, message))
	}
	return strings.Join(parts, "; ")
}

func expectText(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %s\nwant %s", what, got, want)
	}
}

// A member of a share group joins, is given partitions once they have state, and leaves.
func TestAMemberOfAShareGroup(t *testing.T) {
	w := newGroupWorld(t)
	joined := shareBeat(w, "m", 0, "t")
	if joined.ErrorCode != 0 || *joined.MemberID != "m" || joined.MemberEpoch != 2 || joined.HeartbeatIntervalMillis != 5000 ||
		joined.Assignment == nil || len(joined.Assignment.TopicPartitions) != 0 {
		t.Errorf("joined: %+v", joined)
	}
	for strings.Count(shareOffsets(w, 1, "s", nil), "t-") < 3 { // until they have state
		runtime.Gosched()
	}
	w.clock.Advance(1e9) // share.assignment.interval.ms
	given := shareBeat(w, "m", 2)
	topic := w.store.Image().Topic("t")
	if given.ErrorCode != 0 || given.MemberEpoch != 3 || given.Assignment == nil || given.Assignment.TopicPartitions[0].TopicID != topic.ID ||
		len(given.Assignment.TopicPartitions[0].Partitions) != 3 {
		t.Errorf("given: %+v", given)
	}
	if again := shareBeat(w, "m", 3); again.ErrorCode != 0 || again.Assignment != nil {
		t.Errorf("again: %+v", again)
	}
	groups := shareDescribed(w, "s", "nowhere", "")
	s := groups[0]
	if s.ErrorCode != 0 || s.GroupState != "Stable" || s.GroupEpoch != 3 || s.AssignmentEpoch != 3 || s.Assignor != "simple" || s.AuthorizedOperations != 3400 {
		t.Errorf("described: %+v", s)
	}
	if m := s.Members[0]; m.MemberID != "m" || m.MemberEpoch != 3 || m.ClientHost != "/127.0.0.1" || m.SubscribedTopicNames[0] != "t" ||
		m.Assignment.TopicPartitions[0].Topic != "t" || len(m.Assignment.TopicPartitions[0].Partitions) != 3 {
		t.Errorf("described: %+v", m)
	}
	for i, code := range map[int]int16{1: protocol.ErrGroupIDNotFound.Code, 2: protocol.ErrInvalidGroupID.Code} {
		if groups[i].ErrorCode != code || groups[i].AuthorizedOperations != operationsNotAsked {
			t.Errorf("described: %+v", groups[i])
		}
	}
	q := kmsg.NewPtrListGroupsRequest()
	q.TypesFilter = []string{"share"}
	if p := ask[*kmsg.ListGroupsResponse](w, 5, q); len(p.Groups) != 1 || p.Groups[0].ProtocolType != "share" || p.Groups[0].GroupType != "share" {
		t.Errorf("listed: %+v", p)
	}
	if left := shareBeat(w, "m", -1); left.ErrorCode != 0 || left.MemberEpoch != -1 || left.HeartbeatIntervalMillis != 0 {
		t.Errorf("left: %+v", left)
	}
}

func TestShareHeartbeatsThatAreRefused(t *testing.T) {
	w := newGroupWorld(t)
	for _, c := range []struct {
		member string
		epoch  int32
		topics []string
		code   int16
		text   string
	}{
		{"", 0, []string{"t"}, protocol.ErrInvalidRequest.Code, ""},
		{strings.Repeat("m", 37), 0, []string{"t"}, protocol.ErrInvalidRequest.Code, ""},
		{" ", 0, []string{"t"}, protocol.ErrInvalidRequest.Code, "MemberId can't be empty."},
		{"m", 0, nil, protocol.ErrInvalidRequest.Code, "SubscribedTopicNames must be set in first request."},
		{"m", 5, nil, protocol.ErrGroupIDNotFound.Code, "Share group s not found."},
	} {
		p := shareBeat(w, c.member, c.epoch, c.topics...)
		if p.ErrorCode != c.code || (p.ErrorMessage != nil) != (c.text != "") || c.text != "" && *p.ErrorMessage != c.text {
			t.Errorf("%q at epoch %d: %+v", c.member, c.epoch, p)
		}
	}
	q := kmsg.NewPtrUpdateFeaturesRequest()
	one := kmsg.NewUpdateFeaturesRequestFeatureUpdate()
	one.Feature, one.MaxVersionLevel, one.UpgradeType = "share.version", 0, 2
	q.FeatureUpdates = append(q.FeatureUpdates, one)
	if p := ask[*kmsg.UpdateFeaturesResponse](w, 1, q); p.ErrorCode != 0 || len(p.Results) > 0 && p.Results[0].ErrorCode != 0 {
		t.Fatalf("share.version is taken back: %+v", p)
	}
	unsupported := protocol.ErrUnsupportedVersion.Code
	if p := shareBeat(w, "m", 0, "t"); p.ErrorCode != unsupported || p.ErrorMessage != nil {
		t.Errorf("without share.version: %+v", p)
	}
	if p := shareDescribed(w, "s"); p[0].ErrorCode != unsupported || p[0].GroupID != "s" {
		t.Errorf("without share.version: %+v", p)
	}
	expectText(t, "offsets", shareOffsets(w, 1, "s", nil), "error 35")
	expectText(t, "altered", alterShare(w, "s"), "error 35: "+protocol.ErrUnsupportedVersion.Message)
	expectText(t, "deleted", deleteShareOffsets(w, "s"), "error 35: "+protocol.ErrUnsupportedVersion.Message)
}

// Offsets of a share group are altered, described and deleted while it is empty.
func TestOffsetsOfAShareGroup(t *testing.T) {
	w := newGroupWorld(t)
	w.topic("u", 1)
	expectText(t, "altered", alterShare(w, "s", alterTopic("t", 0, 2, 9, 1), alterTopic("nope", 0, 1), alterTopic("t", 2, 7)),
		"nope-0: 3; t-0: 0; t-9: 3; t-2: 0")
	expectText(t, "of the group", shareOffsets(w, 1, "s", nil), "t-0 at 2 of epoch 0, lag -2, error 0; t-2 at 7 of epoch 0, lag -7, error 0")
	expectText(t, "in version 0", shareOffsets(w, 0, "s", nil), "t-0 at 2 of epoch 0, lag -1, error 0; t-2 at 7 of epoch 0, lag -1, error 0")
	expectText(t, "of partitions", shareOffsets(w, 1, "s", []kmsg.DescribeShareGroupOffsetsRequestGroupTopic{
		offsetsTopic("nope", 0), offsetsTopic("t", 1, 0, 1),
	}), "t-1 at -1 of epoch 0, lag -1, error 0; t-0 at 2 of epoch 0, lag -2, error 0; nope-0 at -1 of epoch 0, lag -1, error 0")
	expectText(t, "of no topics", shareOffsets(w, 1, "s", []kmsg.DescribeShareGroupOffsetsRequestGroupTopic{}), "")
	expectText(t, "of a group that is not there", shareOffsets(w, 1, "nowhere", nil), "")
	expectText(t, "of no name", shareOffsets(w, 1, "", []kmsg.DescribeShareGroupOffsetsRequestGroupTopic{offsetsTopic("t", 0)}), "error 24")

	shareBeat(w, "m", 0, "t")
	notEmpty := "error 68: The group is not empty."
	expectText(t, "altered with a member", alterShare(w, "s", alterTopic("t", 0, 2)), notEmpty)
	expectText(t, "deleted with a member", deleteShareOffsets(w, "s", "t"), notEmpty)
	shareBeat(w, "m", -1)
	expectText(t, "altered without a name", alterShare(w, "", alterTopic("t", 0, 2)), "error 24: "+protocol.ErrInvalidGroupID.Message)
	expectText(t, "deleted without a name", deleteShareOffsets(w, "", "t"), "error 24: "+protocol.ErrInvalidGroupID.Message)
	unknown := protocol.ErrUnknownTopicOrPartition.Message
	expectText(t, "deleted", deleteShareOffsets(w, "s", "nope", "u", "t", "t"),
		"t: 0 null; nope: 3 "+unknown+"; u: 3 There is no offset information to delete.")
	expectText(t, "deleted from nowhere", deleteShareOffsets(w, "nowhere", "t"), "error 69: Group nowhere not found.")
	expectText(t, "then", shareOffsets(w, 1, "s", nil), "")

	expectText(t, "altered", alterShare(w, "s", alterTopic("t", 0, 2)), "t-0: 0")
	w.groupShares.fail(protocol.ErrFencedStateEpoch)
	expectText(t, "altered in vain", alterShare(w, "s", alterTopic("t", 0, 2, 8, 0)), "t-0: 124; t-8: 3")
	expectText(t, "described in vain", shareOffsets(w, 1, "s", nil), "t-0 at -1 of epoch 0, lag -1, error 0")
	remove := func() int16 {
		q := kmsg.NewPtrDeleteGroupsRequest()
		q.Groups = []string{"s"}
		return ask[*kmsg.DeleteGroupsResponse](w, 2, q).Groups[0].ErrorCode
	}
	if code := remove(); code != protocol.ErrFencedStateEpoch.Code {
		t.Errorf("the group is deleted in vain: %d", code)
	}
	w.groupShares.fail(nil)
	if code := remove(); code != 0 || w.groupShares.count() > 0 {
		t.Errorf("the group is deleted: %d, %d partitions are left", code, w.groupShares.count())
	}
}

// The lag counts what a group has not done with.
func TestLagOfAShareGroup(t *testing.T) {
	w := newGroupWorld(t)
	id := w.store.Image().Topic("t").ID
	alterShare(w, "s", alterTopic("t", 0, 1))
	w.produce("t", 0, "a", "b", "c", "d", "e")
	w.groupShares.set(shareStateKey("s", id, 0), group.ShareSummary{LeaderEpoch: 4, Start: 1, DeliveryComplete: 2})
	expectText(t, "offsets", shareOffsets(w, 1, "s", nil), "t-0 at 1 of epoch 4, lag 2, error 0")
}

func TestShareCoordinators(t *testing.T) {
	w := newWorld(t)
	keys := []string{"g:AAAAAAAAAAAAAAAAAAAAAQ:0", "a:b:AAAAAAAAAAAAAAAAAAAAAQ:1", "g", "g:x:0", ":AAAAAAAAAAAAAAAAAAAAAQ:0", "g:AAAAAAAAAAAAAAAAAAAAAQ:x", ""}
	p := find(w, 6, 2, keys...)
	for i, one := range p.Coordinators {
		code, node := int16(0), int32(worldNode)
		if i >= 2 {
			code, node = protocol.ErrInvalidRequest.Code, -1
		}
		if one.Key != keys[i] || one.ErrorCode != code || one.NodeID != node || *one.ErrorMessage != "" {
			t.Errorf("%q: %+v", keys[i], one)
		}
	}
	if w.store.Image().Topic(ShareStateTopic) == nil {
		t.Error("the topic of the state was not created")
	}
}
