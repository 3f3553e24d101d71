package api

// TxnOffsetCommit (key 28), versions 0 to 6.
//
// Stores how far a group has read as part of a producer's transaction: the offsets
// count when it commits. The transaction must have the partition of
// __consumer_offsets that holds the group.
//
//	v2  leader epochs
//	v3  flexible; who commits, so that members of old generations are fenced (KIP-447)
//	v4  may answer TRANSACTION_ABORTABLE (KIP-890)
//	v5  adds the partition to the transaction by itself
//	v6  topic ids in place of names; GROUP_ID_NOT_FOUND and STALE_MEMBER_EPOCH where there was
//	    ILLEGAL_GENERATION (KIP-1319)

import (
	"errors"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/coordinator/group"
	"github.com/barnabas-mq/barnabas/coordinator/txn"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/protocol"
)

var txnOffsetCommit = later(kmsg.TxnOffsetCommit, 0, 6, (*API).txnOffsetCommit).
	needs(need{auth.Write, auth.TransactionalID}, need{auth.Read, auth.Group}, need{auth.Read, auth.Topic})

const (
	txnCommitLeaderEpochs = 2
	txnCommitMembers      = 3
	txnCommitAbortable    = 4
	txnCommitAdds         = 5
	txnCommitByID         = 6
)

func (a *API) txnOffsetCommit(r *Request, q *kmsg.TxnOffsetCommitRequest, reply func(*kmsg.TxnOffsetCommitResponse)) {
	producer := producerOf(q.ProducerID, q.ProducerEpoch)
	in := group.CommitInput{
		GroupID: q.Group, MemberID: q.MemberID, InstanceID: q.InstanceID, Generation: protocol.None,
		RetentionMillis: protocol.None, Producer: &producer, NotFoundForUnknownGroup: q.Version >= txnCommitByID,
	}
	if q.Version >= txnCommitMembers {
		in.Generation = q.Generation
	}
	if err := a.mayCommitIn(r, q.TransactionalID, q.Group); err != nil {
		reply(refusedTxnCommit(q, err))
		return
	}
	results := a.txnCommitResults(r, q, &in)
	finish := func(err error, out group.CommitOutput) {
		reply(results.response(q, txnCommitError(err, q.Version), out))
	}
	switch {
	case len(in.Topics) == 0:
		finish(nil, group.CommitOutput{})
		return
	case q.Group == "":
		finish(group.ErrInvalidGroupID, group.CommitOutput{})
		return
	}
	v := &offsetsVerification{api: a, add: txn.AddInput{
		TransactionalID: q.TransactionalID, Producer: producer,
		Partitions: []txn.TopicPartition{a.offsetsPartition(q.Group)},
		VerifyOnly: q.Version < txnCommitAdds, Version: versionBumping, Alone: mayWait(r),
	}}
	v.run(asksMax, func(pass logstore.Pass, err error) {
		if err != nil {
			finish(err, group.CommitOutput{})
			return
		}
		// Not Alone: the answer may come in the turn of the transaction's shard, which must
		// not wait for the journal of the group's.
		in.Pass = pass
		a.Groups.Commit(in, func(out group.CommitOutput) { finish(out.Err, out) })
	})
}

// offsetsVerification finds out whether a group's partition of __consumer_offsets
// belongs to a transaction, as Produce does for its partitions.
type offsetsVerification struct {
	api *API
	add txn.AddInput
}

// run asks the transaction coordinator, unless the transaction is open there already.
// It asks again, a few times, when a transaction has ended meanwhile.
func (v *offsetsVerification) run(asksLeft int, reply func(logstore.Pass, error)) {
	open, pass, err := v.look()
	if open || err != nil {
		reply(pass, err)
		return
	}
	v.api.Transactions.AddPartitions(v.add, func(out txn.AddOutput) {
		err := out.First()
		if err == nil && asksLeft > 0 {
			if _, now, _ := v.look(); now != pass {
				v.run(asksLeft-1, reply)
				return
			}
		}
		reply(pass, err)
	})
}

func (v *offsetsVerification) look() (open bool, pass logstore.Pass, err error) {
	p, err := v.api.partition(v.api.Metadata.Image().Topic(OffsetsTopic), v.add.Partitions[0].Partition)
	if err == nil {
		err = p.Ready()
	}
	if err != nil {
		return false, logstore.NoPass, protocol.ErrCoordinatorNotAvailable
	}
	open, pass = p.Log().TransactionOpen(v.add.Producer.ID, v.add.Producer.Epoch)
	return open, pass, nil
}

// txnCommitError is an error of the whole commit as a version knows it. Those of
// the transaction come as to Produce (AddPartitionsToTxnManager).
func txnCommitError(err error, version int16) error {
	switch {
	case errors.Is(err, protocol.ErrProducerFenced):
		return protocol.ErrInvalidProducerEpoch
	case errors.Is(err, protocol.ErrTransactionAbortable) && version < txnCommitAbortable:
		return protocol.ErrInvalidTxnState
	case errors.Is(err, group.ErrStaleEpoch) && version < txnCommitByID:
		return protocol.ErrIllegalGeneration
	case errors.Is(err, coordinator.ErrLoading), errors.Is(err, coordinator.ErrUnavailable), errors.Is(err, coordinator.ErrNotOwner):
		return protocol.ErrCoordinatorNotAvailable
	}
	return err
}

// refusedTxnCommit answers every partition with the error.
func refusedTxnCommit(q *kmsg.TxnOffsetCommitRequest, err error) *kmsg.TxnOffsetCommitResponse {
	p := kmsg.NewPtrTxnOffsetCommitResponse()
	for _, t := range q.Topics {
		topic := kmsg.TxnOffsetCommitResponseTopic{Topic: t.Topic, TopicID: t.TopicID}
		for _, one := range t.Partitions {
			topic.Partitions = append(topic.Partitions, kmsg.TxnOffsetCommitResponseTopicPartition{Partition: one.Partition, ErrorCode: codeOf(err)})
		}
		p.Topics = append(p.Topics, topic)
	}
	return p
}

// txnResults are where in the commit each partition of a request went, in order: the
// place of its topic in the commit, or -1 for one that does not exist or that the client
// may not read.
type txnResults struct {
	places [][]int
	refs   []topicRef
	denied []bool // the topics
}

// txnCommitResults fills the commit with what exists and is allowed.
func (a *API) txnCommitResults(r *Request, q *kmsg.TxnOffsetCommitRequest, in *group.CommitInput) txnResults {
	image := a.Metadata.Image()
	results := txnResults{places: make([][]int, len(q.Topics)), refs: make([]topicRef, len(q.Topics)), denied: make([]bool, len(q.Topics))}
	for i, t := range q.Topics {
		ref := findTopic(image, q.Version >= txnCommitByID, t.Topic, t.TopicID)
		one := group.CommitTopic{Topic: t.Topic}
		if ref.topic != nil {
			one.Topic, one.TopicID = ref.topic.Name, ref.topic.ID
		}
		results.refs[i] = ref
		isUnknownID := q.Version >= txnCommitByID && ref.topic == nil
		results.denied[i] = !isUnknownID && !a.may(r, auth.Read, auth.Topic, one.Topic)
		for _, p := range t.Partitions {
			if results.check(i, p.Partition) != nil {
				results.places[i] = append(results.places[i], -1)
				continue
			}
			offset := group.CommitPartition{Partition: p.Partition, Offset: protocol.Offset(p.Offset), LeaderEpoch: protocol.None}
			if q.Version >= txnCommitLeaderEpochs {
				offset.LeaderEpoch = protocol.Epoch(p.LeaderEpoch)
			}
			if p.Metadata != nil {
				offset.Metadata = *p.Metadata
			}
			results.places[i] = append(results.places[i], len(one.Partitions))
			one.Partitions = append(one.Partitions, offset)
		}
		if len(one.Partitions) > 0 {
			in.Topics = append(in.Topics, one)
		}
	}
	return results
}

// check tells why a partition of a topic of the request is not committed.
func (r txnResults) check(topic int, partition int32) error {
	if r.denied[topic] {
		return errTopicDenied
	}
	return r.refs[topic].check(partition)
}

func (r txnResults) response(q *kmsg.TxnOffsetCommitRequest, err error, out group.CommitOutput) *kmsg.TxnOffsetCommitResponse {
	p := kmsg.NewPtrTxnOffsetCommitResponse()
	at := -1 // in the commit's topics, which leave out those without a partition
	for i, t := range q.Topics {
		topic := kmsg.TxnOffsetCommitResponseTopic{Topic: t.Topic, TopicID: t.TopicID}
		if r.hasAny(i) {
			at++
		}
		for j, place := range r.places[i] {
			one := kmsg.TxnOffsetCommitResponseTopicPartition{Partition: t.Partitions[j].Partition}
			switch {
			case place < 0:
				one.ErrorCode = codeOf(r.check(i, one.Partition))
			case err != nil:
				one.ErrorCode = codeOf(err)
			default:
				one.ErrorCode = codeOf(out.Topics[at].Partitions[place].Err)
			}
			topic.Partitions = append(topic.Partitions, one)
		}
		p.Topics = append(p.Topics, topic)
	}
	return p
}

func (r txnResults) hasAny(topic int) bool {
	for _, place := range r.places[topic] {
		if place >= 0 {
			return true
		}
	}
	return false
}
