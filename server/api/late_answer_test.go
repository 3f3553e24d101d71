package api

import (
	"encoding/binary"
	"io"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/protocol"
)

// Requests that are answered at once, by the shard, or later still are answered in
// the order in which they came on their connection, and done in it per group.
func TestAnswersKeepTheOrderOfTheirRequests(t *testing.T) {
	w := newGroupWorld(t)
	joined := join(w, 5, "g")
	if p := ask[*kmsg.SyncGroupResponse](w, 3, syncRequest("g", joined)); p.ErrorCode != 0 {
		t.Fatalf("error %d", p.ErrorCode)
	}
	const rounds = 30
	var frames []byte
	var sent []kmsg.Request
	for i := range rounds {
		commit := commitRequest("g", commitTopic("t", protocol.UUID{}, 0))
		commit.Generation, commit.MemberID = 1, joined.MemberID
		commit.Topics[0].Partitions[0].Offset = int64(i)
		beat := kmsg.NewPtrHeartbeatRequest()
		beat.Group, beat.MemberID, beat.Generation = "g", joined.MemberID, 1
		fetch := kmsg.NewPtrOffsetFetchRequest()
		fetch.Group = "g"
		topic := kmsg.NewOffsetFetchRequestTopic()
		topic.Topic, topic.Partitions = "t", []int32{0}
		fetch.Topics = append(fetch.Topics, topic)
		sent = append(sent, commit, beat, fetch)
	}
	for i, q := range sent {
		q.SetVersion(map[int16]int16{8: 7, 12: 3, 9: 5}[q.Key()])
		frames = append(frames, kmsg.NewRequestFormatter(kmsg.FormatterClientID("test")).AppendRequest(nil, q, int32(i))...)
	}
	_, err := w.conn.Write(frames)
	w.must(err)
	for i, q := range sent {
		var length [4]byte
		_, err := io.ReadFull(w.in, length[:])
		w.must(err)
		answer := make([]byte, binary.BigEndian.Uint32(length[:]))
		_, err = io.ReadFull(w.in, answer)
		w.must(err)
		if id := int(binary.BigEndian.Uint32(answer)); id != i {
			t.Fatalf("answer %d is to request %d", i, id)
		}
		p := q.ResponseKind()
		w.must(p.ReadFrom(answer[4:]))
		switch p := p.(type) {
		case *kmsg.OffsetCommitResponse:
			if code := p.Topics[0].Partitions[0].ErrorCode; code != 0 {
				t.Errorf("commit %d: error %d", i/3, code)
			}
		case *kmsg.HeartbeatResponse:
			if p.ErrorCode != 0 {
				t.Errorf("heartbeat %d: error %d", i/3, p.ErrorCode)
			}
		case *kmsg.OffsetFetchResponse:
			if got := p.Topics[0].Partitions[0].Offset; got != int64(i/3) {
				t.Errorf("fetch %d finds offset %d", i/3, got)
			}
		}
	}
}

// Results of a topic that a commit names more than once come together.
func TestACommitThatNamesTopicsAgain(t *testing.T) {
	w := newGroupWorld(t)
	w.topic("u", 1)
	none := protocol.UUID{}
	for _, c := range []struct {
		topics []string
		want   string
	}{
		{[]string{"t", "t"}, "t 0:0 0:0;"},
		{[]string{"t", "u", "t"}, "t 0:0 0:0;u 0:0;"},
		{[]string{"u", "t", "u", "unknown", "t"}, "unknown 0:3;u 0:0 0:0;t 0:0 0:0;"},
	} {
		q := commitRequest("g")
		for _, name := range c.topics {
			q.Topics = append(q.Topics, commitTopic(name, none, 0))
		}
		if got := results(ask[*kmsg.OffsetCommitResponse](w, 7, q)); got != c.want {
			t.Errorf("%v: %s, want %s", c.topics, got, c.want)
		}
	}
}
