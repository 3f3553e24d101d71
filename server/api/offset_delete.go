package api

// OffsetDelete (key 47), version 0.
//
// Forgets a group's offsets (KIP-496). An error of the group stands alone; else
// each partition has its own: GROUP_SUBSCRIBED_TO_TOPIC while members read it.
// The answer lists partitions that do not exist first, and topics that the client may not
// read, as Kafka does.

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/coordinator/group"
)

var offsetDelete = later(kmsg.OffsetDelete, 0, 0, (*API).offsetDelete).needs(need{auth.Delete, auth.Group}, need{auth.Read, auth.Topic})

func (a *API) offsetDelete(r *Request, q *kmsg.OffsetDeleteRequest, reply func(*kmsg.OffsetDeleteResponse)) {
	p := kmsg.NewPtrOffsetDeleteResponse()
	p.Topics = []kmsg.OffsetDeleteResponseTopic{}
	if !a.may(r, auth.Delete, auth.Group, q.Group) {
		p.ErrorCode = errGroupDenied.Code
		reply(p)
		return
	}
	places := map[string]int{}
	add := func(topic string, partition int32, err error) {
		i, ok := places[topic]
		if !ok {
			i = len(p.Topics)
			places[topic] = i
			one := kmsg.NewOffsetDeleteResponseTopic()
			one.Topic = topic
			p.Topics = append(p.Topics, one)
		}
		one := kmsg.NewOffsetDeleteResponseTopicPartition()
		one.Partition, one.ErrorCode = partition, codeOf(err)
		p.Topics[i].Partitions = append(p.Topics[i].Partitions, one)
	}
	in := group.DeleteOffsetsInput{GroupID: q.Group}
	image := a.Metadata.Image()
	for _, t := range q.Topics {
		ref := findTopic(image, false, t.Topic, [16]byte{})
		known := group.FetchTopic{Topic: t.Topic}
		allowed := a.may(r, auth.Read, auth.Topic, t.Topic)
		for _, one := range t.Partitions {
			err := ref.check(one.Partition)
			if !allowed {
				err = errTopicDenied
			}
			if err != nil {
				add(t.Topic, one.Partition, err)
				continue
			}
			known.Partitions = append(known.Partitions, one.Partition)
		}
		if len(known.Partitions) > 0 {
			in.Topics = append(in.Topics, known)
		}
	}
	a.Groups.DeleteOffsets(in, func(out group.DeleteOffsetsOutput) {
		if out.Err != nil {
			p.ErrorCode = codeOf(out.Err)
			p.Topics = []kmsg.OffsetDeleteResponseTopic{}
		}
		for _, t := range out.Topics {
			for _, one := range t.Partitions {
				add(t.Topic, one.Partition, one.Err)
			}
		}
		reply(p)
	})
}
