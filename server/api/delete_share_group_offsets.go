package api

// DeleteShareGroupOffsets (key 92), version 0.
//
// Lets an empty share group forget how far it has come in topics. In the answer
// topics come first that the client may not read, then those that were deleted, as in Kafka.

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/coordinator/group"
)

var deleteShareGroupOffsets = boundedLater(kmsg.DeleteShareGroupOffsets, 0, 0, func(q *kmsg.DeleteShareGroupOffsetsRequest) int { return len(q.Topics) },
	(*API).deleteShareGroupOffsets).needs(need{auth.Delete, auth.Group}, need{auth.Read, auth.Topic})

func (a *API) deleteShareGroupOffsets(r *Request, q *kmsg.DeleteShareGroupOffsetsRequest, reply func(*kmsg.DeleteShareGroupOffsetsResponse)) {
	p := kmsg.NewPtrDeleteShareGroupOffsetsResponse()
	if err := a.checkShareOffsets(r, auth.Delete, q.GroupID); err != nil {
		p.ErrorCode, p.ErrorMessage = problemOf(err)
		reply(p)
		return
	}
	var names []string
	for i := range q.Topics {
		if name := q.Topics[i].Topic; a.may(r, auth.Read, auth.Topic, name) {
			names = append(names, name)
		} else {
			one := kmsg.NewDeleteShareGroupOffsetsResponseTopic()
			one.Topic = name
			one.ErrorCode, one.ErrorMessage = problemOf(errTopicDenied)
			p.Topics = append(p.Topics, one)
		}
	}
	in := group.DeleteShareOffsetsInput{GroupID: q.GroupID, Topics: once(names)}
	a.Groups.DeleteShareOffsets(in, func(out group.DeleteShareOffsetsOutput) {
		if p.ErrorCode, p.ErrorMessage = problemOf(out.Err); out.Err != nil {
			p.Topics = nil
		}
		for _, deleted := range []bool{true, false} {
			for _, t := range out.Topics {
				if (t.Err == nil) != deleted {
					continue
				}
				one := kmsg.NewDeleteShareGroupOffsetsResponseTopic()
				one.Topic, one.TopicID = t.Topic, t.TopicID
				one.ErrorCode, one.ErrorMessage = problemOf(t.Err)
				p.Topics = append(p.Topics, one)
			}
		}
		reply(p)
	})
}
