package api

// ShareAcknowledge (key 79), versions 1 and 2.
//
// Notes what a member of a share group has done with records (KIP-932), and answers when
// that is stored. ShareFetch does the same with what it carries along; it shares the code
// here.
//
//	v1  the first one that Kafka kept
//	v2  renewals (KIP-1222): type 4; the answer tells how long locks last
//
// Left out: throttling.

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/coordinator/share"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/protocol"
)

var shareAcknowledge = declare(kmsg.ShareAcknowledge, 1, 2, (*API).shareAcknowledge).
	needs(need{auth.Read, auth.Group}, need{auth.Read, auth.Topic})

func (a *API) shareAcknowledge(r *Request) error {
	q, err := decode[*kmsg.ShareAcknowledgeRequest](r)
	if err != nil {
		return err
	}
	settings := a.Config()
	if n := sum(q.Topics, func(t *kmsg.ShareAcknowledgeRequestTopic) int { return len(t.Partitions) }); n > settings.RequestPartitionsMax {
		return tooManyPartitions(n, settings)
	}
	p := kmsg.NewPtrShareAcknowledgeResponse()
	member, err := a.shareMember(r, q.GroupID, q.MemberID)
	var session *shareSession
	switch {
	case err != nil:
	case q.ShareSessionEpoch == shareEpochInitial:
		err = protocol.ErrInvalidShareSessionEpoch // nothing has been fetched yet
	default:
		session, err = a.shareSessions.advance(member, q.ShareSessionEpoch, nil)
	}
	if err != nil {
		p.ErrorCode = codeOf(err)
		r.Answer(p)
		return nil
	}
	acks := a.acknowledge(r, &ackCall{
		member: member, image: a.Metadata.Image(), fault: r.refusal, renewals: q.Version >= shareRenewals, isRenewal: q.IsRenewAck,
	}, ackTopics(q))
	if err := acks.wait(r); err != nil {
		return err
	}
	if q.ShareSessionEpoch == shareEpochFinal {
		a.endShareSession(session)
	}
	a.answerAcknowledgements(r, p, acks)
	return nil
}

func (a *API) answerAcknowledgements(r *Request, p *kmsg.ShareAcknowledgeResponse, acks *ackCall) {
	p.AcquisitionLockTimeoutMillis = int32(a.GroupSettings(acks.member.group).ShareRecordLockDuration.Milliseconds())
	at := map[[16]byte]int{}
	for i := range acks.partitions {
		ack := &acks.partitions[i]
		index, known := at[ack.key.topicID]
		if !known {
			index = len(p.Topics)
			at[ack.key.topicID] = index
			t := kmsg.NewShareAcknowledgeResponseTopic()
			t.TopicID = ack.key.topicID
			p.Topics = append(p.Topics, t)
		}
		one := kmsg.NewShareAcknowledgeResponseTopicPartition()
		one.Partition, one.ErrorCode = ack.key.index, codeOf(ack.err)
		if e := errorOf(ack.err); e != nil && ack.told {
			one.ErrorMessage = &e.Message
		}
		if one.ErrorCode == protocol.ErrNotLeaderOrFollower.Code {
			self := a.Cluster.Self(r.Call.Conn)
			one.CurrentLeader.LeaderID, one.CurrentLeader.LeaderEpoch = self.NodeID, a.leaderEpoch(ack.key)
			if len(p.NodeEndpoints) == 0 {
				n := kmsg.NewShareAcknowledgeResponseNodeEndpoint()
				n.NodeID, n.Host, n.Port, n.Rack = self.NodeID, self.Host, self.Port, self.Rack
				p.NodeEndpoints = append(p.NodeEndpoints, n)
			}
		}
		p.Topics[index].Partitions = append(p.Topics[index].Partitions, one)
	}
	r.Answer(p)
}

// leaderEpoch is that of a partition, None when there is none.
func (a *API) leaderEpoch(k sharePartitionKey) int32 {
	if p := a.Partitions.Get(k.topicID, k.index); p != nil {
		return int32(p.LeaderEpoch())
	}
	return protocol.None
}

// ackCall is the acknowledgements of one request under way.
type ackCall struct {
	member    shareMember
	image     *metadata.Image
	fault     *refusal
	renewals  bool // the version has them
	isRenewal bool // the request says that it has some

	partitions []ackPartition
	done       chan struct{} // closed when all are answered
}

// ackPartition is one partition of it.
type ackPartition struct {
	key     sharePartitionKey
	batches []share.Acknowledgement
	err     error
	// told: the answer says more than the code. Kafka does so where the share partition
	// has judged.
	told bool
}

// ackTopics are the acknowledgements that a request carries. Of a partition that it names
// twice the last ones count, as in Kafka, which keeps them in a map.
func ackTopics(q *kmsg.ShareAcknowledgeRequest) (all []ackPartition) {
	c := collector{}
	for i := range q.Topics {
		for j := range q.Topics[i].Partitions {
			p := &q.Topics[i].Partitions[j]
			batches := make([]share.Acknowledgement, len(p.AcknowledgementBatches))
			for n, b := range p.AcknowledgementBatches {
				batches[n] = acknowledgement(b.FirstOffset, b.LastOffset, b.AcknowledgeTypes)
			}
			c.put(sharePartitionKey{q.Topics[i].TopicID, p.Partition}, batches)
		}
	}
	return c.all
}

// ackTopicsOfFetch are those of a ShareFetch; without any batch there is nothing to
// answer for.
func ackTopicsOfFetch(q *kmsg.ShareFetchRequest) (all []ackPartition) {
	c, some := collector{}, false
	for i := range q.Topics {
		for j := range q.Topics[i].Partitions {
			p := &q.Topics[i].Partitions[j]
			batches := make([]share.Acknowledgement, len(p.AcknowledgementBatches))
			for n, b := range p.AcknowledgementBatches {
				batches[n] = acknowledgement(b.FirstOffset, b.LastOffset, b.AcknowledgeTypes)
				some = true
			}
			c.put(sharePartitionKey{q.Topics[i].TopicID, p.Partition}, batches)
		}
	}
	if !some {
		return nil
	}
	return c.all
}

type collector struct {
	all []ackPartition
	at  map[sharePartitionKey]int
}

func (c *collector) put(k sharePartitionKey, batches []share.Acknowledgement) {
	if i, again := c.at[k]; again {
		c.all[i].batches = batches
		return
	}
	if c.at == nil {
		c.at = map[sharePartitionKey]int{}
	}
	c.at[k] = len(c.all)
	c.all = append(c.all, ackPartition{key: k, batches: batches})
}

func acknowledgement(first, last int64, types []int8) share.Acknowledgement {
	a := share.Acknowledgement{First: protocol.Offset(first), Last: protocol.Offset(last), Types: make([]share.AcknowledgeType, len(types))}
	for i, t := range types {
		a.Types[i] = share.AcknowledgeType(t)
	}
	return a
}

// acknowledge begins to note and store acknowledgements. A partition without any is
// answered only if some other one gets as far as its share partition
// (KafkaApis.handleAcknowledgements).
func (a *API) acknowledge(r *Request, c *ackCall, partitions []ackPartition) *ackCall {
	c.partitions, c.done = partitions, make(chan struct{})
	some := false
	for i := range c.partitions {
		ack := &c.partitions[i]
		ack.err = a.checkAcknowledgements(r, c, ack)
		ack.told = ack.err == nil && len(ack.batches) > 0
		some = some || ack.told
	}
	if !some {
		c.partitions = slices.DeleteFunc(c.partitions, func(ack ackPartition) bool { return ack.err == nil })
	}
	pending := coordinator.NewCountdown(len(c.partitions), func() { close(c.done) })
	for i := range c.partitions {
		ack := &c.partitions[i]
		done := func(err error) {
			ack.err = err
			pending.Done()
		}
		if !ack.told {
			done(ack.err)
			continue
		}
		if p := a.Shares.Get(share.Key{GroupID: c.member.group, TopicID: ack.key.topicID, Partition: ack.key.index}); p != nil {
			p.Acknowledge(c.member.member, ack.batches, done)
		} else {
			done(protocol.ErrUnknownTopicOrPartition) // nothing was fetched
		}
	}
	return c
}

// checkAcknowledgements judges what needs no share partition, in the order of
// KafkaApis.handleAcknowledgements.
func (a *API) checkAcknowledgements(r *Request, c *ackCall, ack *ackPartition) error {
	topic := c.image.TopicByID(ack.key.topicID)
	if topic == nil {
		return protocol.ErrUnknownTopicID
	}
	if err := c.validate(ack.batches); err != nil {
		return err
	}
	if !a.may(r, auth.Read, auth.Topic, topic.Name) {
		return errTopicDenied
	}
	if failure := c.fault.of(topic.Name, ack.key.index); failure != nil { // as with records, for who may read them
		return failure
	}
	_, err := a.partition(topic, ack.key.index)
	return err
}

// validate refuses what makes no sense by itself
// (KafkaApis.validateAcknowledgementBatches).
func (c *ackCall) validate(batches []share.Acknowledgement) error {
	end := protocol.Offset(-1)
	most := share.Reject
	if c.renewals {
		most = share.Renew
	}
	for _, b := range batches {
		if b.First > b.Last || b.First < end || len(b.Types) == 0 ||
			len(b.Types) > 1 && b.Last-b.First != protocol.Offset(len(b.Types)-1) {
			return protocol.ErrInvalidRequest
		}
		for _, t := range b.Types {
			if t < share.Gap || t > most || t == share.Renew && !c.isRenewal {
				return protocol.ErrInvalidRequest
			}
		}
		end = b.Last
	}
	return nil
}

// wait returns when everything is stored.
func (c *ackCall) wait(r *Request) error {
	select {
	case <-c.done:
		return nil
	default:
	}
	if err := r.flush(); err != nil {
		return err
	}
	r.charge.rest()
	defer r.charge.work()
	<-c.done
	return nil
}
