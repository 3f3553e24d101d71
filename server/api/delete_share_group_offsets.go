package api

// DeleteShareGroupOffsets (key 92), version 0.
//
// Lets an empty share group forget how far it has come in topics. What was deleted
// comes first in the answer, as in Kafka.

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/coordinator/group"
)

var deleteShareGroupOffsets = boundedLater(kmsg.DeleteShareGroupOffsets, 0, 0, func(q *kmsg.DeleteShareGroupOffsetsRequest) int { return len(q.Topics) },
	(*API).deleteShareGroupOffsets)

func (a *API) deleteShareGroupOffsets(r *Request, q *kmsg.DeleteShareGroupOffsetsRequest, reply func(*kmsg.DeleteShareGroupOffsetsResponse)) {
	p := kmsg.NewPtrDeleteShareGroupOffsetsResponse()
	if err := a.checkShareOffsets(r, q.GroupID); err != nil {
		p.ErrorCode, p.ErrorMessage = problemOf(err)
		reply(p)
		return
	}
	names := make([]string, len(q.Topics))
	for i := range q.Topics {
		names[i] = q.Topics[i].Topic
	}
	in := group.DeleteShareOffsetsInput{GroupID: q.GroupID, Topics: once(names)}
	a.Groups.DeleteShareOffsets(in, func(out group.DeleteShareOffsetsOutput) {
		p.ErrorCode, p.ErrorMessage = problemOf(out.Err)
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
