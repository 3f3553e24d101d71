package api

// AddPartitionsToTxn (key 24), versions 0 to 5.
//
// Adds partitions to a producer's transaction, or asks whether they are in it.
// Partitions must exist, and a client must be allowed to write there; if one does not or
// may not, none is added and the others are OPERATION_NOT_ATTEMPTED.
//
//	v0  one transaction, from a client
//	v2  may answer PRODUCER_FENCED
//	v3  flexible
//	v4  several transactions, from brokers; verification (KIP-890)
//	v5  may answer TRANSACTION_ABORTABLE, by clients of transaction.version 2

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/coordinator/txn"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/protocol"
)

var addPartitionsToTxn = later(kmsg.AddPartitionsToTxn, 0, 5, (*API).addPartitionsToTxn).
	needs(need{auth.Write, auth.TransactionalID}, need{auth.Write, auth.Topic}, need{auth.ClusterAction, auth.Cluster})

const (
	addPartitionsFencedSince = 2
	addPartitionsBatched     = 4
)

func (a *API) addPartitionsToTxn(r *Request, q *kmsg.AddPartitionsToTxnRequest, reply func(*kmsg.AddPartitionsToTxnResponse)) {
	p := kmsg.NewPtrAddPartitionsToTxnResponse()
	image := a.Metadata.Image()
	if q.Version < addPartitionsBatched {
		a.addForClient(r, image, q, func(errs []error) {
			for _, t := range q.Topics {
				one := kmsg.AddPartitionsToTxnResponseTopic{Topic: t.Topic}
				for _, index := range t.Partitions {
					one.Partitions = append(one.Partitions, kmsg.AddPartitionsToTxnResponseTopicPartition{
						Partition: index, ErrorCode: fencedCode(errs[0], q.Version, addPartitionsFencedSince),
					})
					errs = errs[1:]
				}
				p.Topics = append(p.Topics, one)
			}
			reply(p)
		})
		return
	}
	if !a.mayCluster(r, auth.ClusterAction) {
		p.ErrorCode = errClusterDenied.Code
		reply(p)
		return
	}
	p.Transactions = make([]kmsg.AddPartitionsToTxnResponseTransaction, len(q.Transactions))
	pending := coordinator.NewCountdown(len(q.Transactions), func() { reply(p) })
	for i := range q.Transactions {
		t := &q.Transactions[i]
		in := txn.AddInput{
			TransactionalID: t.TransactionalID, Producer: producerOf(t.ProducerID, t.ProducerEpoch),
			VerifyOnly: t.VerifyOnly, Version: versionBumping,
		}
		var refused []error
		for _, topic := range t.Topics {
			var err error
			if topic.Topic == TransactionsTopic { // markers there would come between those of the coordinator itself
				err = protocol.ErrInvalidTopicException
			}
			in.Partitions = appendPartitions(in.Partitions, topic.Topic, topic.Partitions)
			for range topic.Partitions {
				refused = append(refused, err)
			}
		}
		a.addToTransaction(image, in, refused, func(errs []error) {
			answer := &p.Transactions[i]
			answer.TransactionalID = t.TransactionalID
			for _, topic := range t.Topics {
				one := kmsg.AddPartitionsToTxnResponseTransactionTopic{Topic: topic.Topic}
				for _, index := range topic.Partitions {
					one.Partitions = append(one.Partitions, kmsg.AddPartitionsToTxnResponseTransactionTopicPartition{
						Partition: index, ErrorCode: codeOf(errs[0]),
					})
					errs = errs[1:]
				}
				answer.Topics = append(answer.Topics, one)
			}
			pending.Done()
		})
	}
}

func appendPartitions(to []txn.TopicPartition, topic string, indexes []int32) []txn.TopicPartition {
	for _, index := range indexes {
		to = append(to, txn.TopicPartition{Topic: topic, Partition: index})
	}
	return to
}

// addForClient adds to the one transaction of the versions that clients use. To them no
// internal topic is open, as in Kafka.
func (a *API) addForClient(r *Request, image *metadata.Image, q *kmsg.AddPartitionsToTxnRequest, reply func([]error)) {
	in := txn.AddInput{TransactionalID: q.TransactionalID, Producer: producerOf(q.ProducerID, q.ProducerEpoch), Version: versionStrict}
	allowed := a.may(r, auth.Write, auth.TransactionalID, q.TransactionalID)
	var refused []error
	for _, t := range q.Topics {
		var err error
		switch {
		case !allowed:
			err = errTxnDenied
		case isInternalTopic(t.Topic) || !a.may(r, auth.Write, auth.Topic, t.Topic):
			err = errTopicDenied
		}
		in.Partitions = appendPartitions(in.Partitions, t.Topic, t.Partitions)
		for range t.Partitions {
			refused = append(refused, err)
		}
	}
	if !allowed {
		reply(refused)
		return
	}
	in.Alone = mayWait(r)
	a.addToTransaction(image, in, refused, reply)
}

// addToTransaction gives one error for each partition; some are refused already.
func (a *API) addToTransaction(image *metadata.Image, in txn.AddInput, errs []error, reply func([]error)) {
	isRefused := false
	for i, p := range in.Partitions {
		if topic := image.Topic(p.Topic); errs[i] == nil && (topic == nil || topic.Partition(p.Partition) == nil) {
			errs[i] = protocol.ErrUnknownTopicOrPartition
		}
		isRefused = isRefused || errs[i] != nil
	}
	if isRefused {
		for i := range errs {
			if errs[i] == nil {
				errs[i] = protocol.ErrOperationNotAttempted
			}
		}
		reply(errs)
		return
	}
	a.Transactions.AddPartitions(in, func(out txn.AddOutput) {
		for i := range errs {
			errs[i] = out.Err
			if out.Err == nil {
				errs[i] = out.Partitions[i]
			}
		}
		reply(errs)
	})
}
