package access

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/differ"
	"github.com/barnabas-mq/barnabas/compat-tests/schema"
	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

// idempotentStories are about producers with ids and no transactions.
func idempotentStories() []differ.Story {
	return []differ.Story{{Name: "init producer id/idempotent", Key: kmsg.InitProducerID, Versions: since(5), Tell: tellIdempotent}}
}

// transactionStories are about producers with transactional ids.
func transactionStories() []differ.Story {
	return []differ.Story{
		{Name: "init producer id/transactional", Key: kmsg.InitProducerID, Tell: func(s *differ.Session) {
			mine := s.Group("tx")
			for i, rules := range [][]rule{
				{}, {allow(alice, describe, transactionKind, mine)}, {onCluster(alice, all), allow(alice, all, topicKind, anyName)}, {ofPrefix(allow(alice, write, transactionKind, mine))},
				{allow(alice, all, transactionKind, mine), deny(alice, write, transactionKind, anyName)}, {allow(alice, all, transactionKind, mine), deny(alice, describe, transactionKind, mine)},
			} {
				under(s, fmt.Sprintf("rules %d", i), initOf(&mine), rules...)
			}
			bad := initOf(ptr(""))
			under(s, "an empty name, without a right", bad)
			bad = initOf(&mine)
			bad.TransactionTimeoutMillis = 0
			under(s, "a bad timeout, without a right", bad)
			bad = initOf(nil)
			bad.ProducerID, bad.ProducerEpoch = 1, -1
			under(s, "half an id, without a right", bad)
		}},
		{Name: "transactions/with just enough", Key: kmsg.AddPartitionsToTxn, Versions: schema.Range{Min: 0, Max: 3}, Tell: tellTransaction},
		{Name: "transactions/as brokers add", Key: kmsg.AddPartitionsToTxn, Versions: since(4), Tell: func(s *differ.Session) {
			req := addPartitionsOf("red-1", "red-1", "red-9")
			req.Transactions = append(req.Transactions, addPartitionsOf("red-9", "blue-1").Transactions...)
			under(s, "without a right", req)
			under(s, "with a client's rights", req, allow(alice, all, transactionKind, anyName), allow(alice, all, topicKind, anyName))
			under(s, "with a broker's", req, onCluster(alice, clusterAction))
			under(s, "with a broker's and a client's", req, onCluster(alice, clusterAction), allow(alice, write, transactionKind, "red-1"), allow(alice, write, topicKind, anyName))
		}},
		{Name: "transactions/produced", Key: kmsg.Produce, Tell: tellTransactionalProduce},
		{Name: "transactions/offsets", Key: kmsg.TxnOffsetCommit, Tell: func(s *differ.Session) {
			r := enter(s)
			r.nameIDs()
			transaction, group := allow(alice, write, transactionKind, "red-9"), allow(alice, read, groupKind, "red-1")
			for i, rules := range [][]rule{
				{}, {transaction}, {group}, {transaction, group}, {transaction, group, allow(alice, read, topicKind, "red-1")}, {transaction, group, allow(alice, describe, topicKind, anyName)},
				{transaction, group, allow(alice, read, topicKind, "red-9")}, {transaction, allow(alice, read, topicKind, anyName)},
			} {
				under(s, fmt.Sprintf("rules %d", i), r.txnCommitOf("red-9", "red-1", "red-1", "red-9"), rules...)
			}
		}},
	}
}

// lookStories look at transactions, or act as their coordinator.
func lookStories() []differ.Story {
	return []differ.Story{
		{Name: "transactions/described", Key: kmsg.DescribeTransactions, Tell: func(s *differ.Session) {
			for i, rules := range [][]rule{
				{}, {allow(alice, describe, transactionKind, "red-1")}, {allow(alice, write, transactionKind, anyName), allow(alice, describe, topicKind, "red-1")},
				{allow(alice, describe, transactionKind, anyName), allow(alice, all, topicKind, anyName), deny(alice, describe, topicKind, "red-1")}, {allow(alice, all, topicKind, anyName)},
			} {
				impose(s, rules)
				s.Peer(alice).Try(fmt.Sprintf("rules %d", i), describeTransactionsOf(names...), "TransactionStartTimeMs")
			}
		}},
		{Name: "transactions/listed", Key: kmsg.ListTransactions, Tell: func(s *differ.Session) {
			req := kmsg.NewPtrListTransactionsRequest()
			req.DurationFilterMillis = -1
			for i, rules := range [][]rule{
				{}, {allow(alice, write, transactionKind, "red-1")}, {ofPrefix(allow(alice, describe, transactionKind, "red-"))}, {allow(alice, all, transactionKind, anyName), deny(alice, describe, transactionKind, "blue-1")},
				{onCluster(alice, all)},
			} {
				under(s, fmt.Sprintf("rules %d", i), req, rules...)
			}
		}},
		{Name: "transactions/markers", Key: kmsg.WriteTxnMarkers, Tell: func(s *differ.Session) {
			m := kmsg.NewWriteTxnMarkersRequestMarker()
			m.ProducerID, m.Topics = unknownProducer, []kmsg.WriteTxnMarkersRequestMarkerTopic{{Topic: "red-9", Partitions: []int32{0, 1}}}
			req := kmsg.NewPtrWriteTxnMarkersRequest()
			req.Markers = append(req.Markers, m)
			for i, rules := range [][]rule{
				{}, {onCluster(alice, clusterAction)}, {onCluster(alice, alter)}, {onCluster(alice, idempotentWrite)}, {onCluster(alice, all), deny(alice, clusterAction, clusterKind, clusterName)},
				{onCluster(alice, all), deny(alice, alter, clusterKind, clusterName)}, {allow(alice, all, topicKind, anyName), allow(alice, all, transactionKind, anyName)},
			} {
				under(s, fmt.Sprintf("rules %d", i), req, rules...)
			}
		}},
	}
}

// tellIdempotent asks for an id, for which it is enough to be allowed to write to some
// topic (StandardAuthorizer.authorizeByResourceType).
func tellIdempotent(s *differ.Session) {
	mayWrite := func(name string) rule { return allow(alice, write, topicKind, name) }
	mayNotWrite := func(name string) rule { return deny(alice, write, topicKind, name) }
	denyTopic := func(operation kmsg.ACLOperation, name string) rule { return deny(alice, operation, topicKind, name) }
	denyCluster := func(operation kmsg.ACLOperation) rule { return deny(alice, operation, clusterKind, clusterName) }
	for i, rules := range [][]rule{
		{}, {onCluster(alice, idempotentWrite)}, {onCluster(alice, clusterAction)}, {onCluster(alice, all)}, {onCluster(alice, idempotentWrite), denyCluster(idempotentWrite)},
		{mayWrite("a")}, {allow(alice, all, topicKind, "a")}, {allow(alice, read, topicKind, "a")}, {allow(alice, write, groupKind, "a")}, {allow(alice, write, transactionKind, "a")},
		{ofPrefix(mayWrite("a"))}, {mayWrite(anyName)}, {allow(anyName, write, topicKind, "a")}, {allow(bob, write, topicKind, "a")},
		{from("10.1.2.3", mayWrite("a"))}, {from("127.0.0.1", mayWrite("a"))},

		{mayWrite("a"), mayNotWrite("a")}, {mayWrite("a"), mayNotWrite("b")}, {mayWrite("a"), denyTopic(all, "a")}, {mayWrite("a"), denyTopic(read, "a")}, {mayWrite("a"), denyTopic(describe, "a")},
		{mayWrite("a"), mayNotWrite(anyName)}, {mayWrite(anyName), mayNotWrite("a")}, {mayWrite(anyName), mayNotWrite(anyName)},
		{mayWrite("abc"), ofPrefix(mayNotWrite("a"))}, {mayWrite("abc"), ofPrefix(mayNotWrite("abc"))}, {mayWrite("abc"), ofPrefix(mayNotWrite("abcd"))},
		{ofPrefix(mayWrite("ab")), ofPrefix(mayNotWrite("a"))}, {ofPrefix(mayWrite("ab")), ofPrefix(mayNotWrite("ab"))}, {ofPrefix(mayWrite("ab")), ofPrefix(mayNotWrite("abc"))},
		{ofPrefix(mayWrite("ab")), mayNotWrite("ab")}, {ofPrefix(mayWrite("ab")), mayNotWrite(anyName)}, {mayWrite("abc"), ofPrefix(mayWrite("z")), ofPrefix(mayNotWrite("a"))},
		{mayWrite("a"), deny(anyName, write, topicKind, "a")}, {allow(anyName, write, topicKind, "a"), mayNotWrite("a")}, {mayWrite("a"), deny(bob, write, topicKind, "a")},
		{mayWrite("a"), from("10.1.2.3", mayNotWrite("a"))}, {mayWrite("a"), from("127.0.0.1", mayNotWrite("a"))},
		{mayWrite("a"), ofPrefix(denyTopic(all, anyName))}, {onCluster(alice, idempotentWrite), denyTopic(all, anyName)},
		{mayWrite("a"), denyCluster(idempotentWrite)}, {mayWrite("a"), denyCluster(all)},
		{mayNotWrite("a")}, {denyTopic(read, "a")}, {denyCluster(idempotentWrite)}, {mayNotWrite(anyName)}, {deny(bob, write, topicKind, anyName)},
	} {
		under(s, fmt.Sprintf("rules %d", i), initOf(nil), rules...)
	}
}

// tellTransaction is a whole transaction, each step without and with the right that it
// needs.
func tellTransaction(s *differ.Session) {
	topic, mine, group := s.Topic("t"), s.Group("tx"), s.Group("g")
	makeTopics(s, topic)
	r := &room{Session: s, ids: map[string][16]byte{topic: s.AwaitTopic(topic, 1)}}
	s.Ask("topic", metadataOf(topic)) // names its id
	transaction, toWrite, toRead, toCommit := allow(alice, write, transactionKind, mine), allow(alice, write, topicKind, topic), allow(alice, read, topicKind, topic), allow(alice, read, groupKind, group)
	began, _ := under(s, "init", initOf(&mine), transaction).(*kmsg.InitProducerIDResponse)
	if began == nil || began.ErrorCode != 0 {
		return
	}
	id, epoch := began.ProducerID, began.ProducerEpoch

	add := addPartitionsOf(mine, topic)
	add.ProducerID, add.ProducerEpoch = id, epoch
	under(s, "partitions, without a right to the topic", add, transaction, toRead)
	under(s, "partitions, without a right to the transaction", add, toWrite)
	other := addPartitionsOf(mine, topic, s.Topic("none"), "red-1")
	other.ProducerID, other.ProducerEpoch = id, epoch
	under(s, "partitions, some of which are not there or not allowed", other, transaction, toWrite)
	under(s, "partitions", add, transaction, toWrite)

	b := wire.NewBatch(s.Base, wire.Record{Value: []byte("v")})
	b.Attributes, b.ProducerID, b.ProducerEpoch, b.BaseSequence = transactional, id, epoch, 0
	produce := r.produceOf(b, topic)
	produce.TransactionID = &mine
	under(s, "records, without a right to the transaction", produce, toWrite)
	under(s, "records, without a right to the topic", produce, transaction)
	under(s, "records", produce, transaction, toWrite)

	offsets := addOffsetsOf(mine, group)
	offsets.ProducerID, offsets.ProducerEpoch = id, epoch
	under(s, "a group, without a right to it", offsets, transaction)
	under(s, "a group, without a right to the transaction", offsets, toCommit)
	under(s, "a group", offsets, transaction, toCommit)
	commit := r.txnCommitOf(mine, group, topic)
	commit.ProducerID, commit.ProducerEpoch = id, epoch
	under(s, "an offset, without a right to the topic", commit, transaction, toCommit)
	under(s, "an offset, without a right to the group", commit, transaction, toRead)
	under(s, "an offset, without a right to the transaction", commit, toCommit, toRead)
	under(s, "an offset", commit, transaction, toCommit, toRead)

	end := kmsg.NewPtrEndTxnRequest()
	end.TransactionalID, end.ProducerID, end.ProducerEpoch, end.Commit = mine, id, epoch, true
	under(s, "the end, without a right", end, toWrite, toCommit)
	under(s, "the end, with a right to describe", end, allow(alice, describe, transactionKind, mine))
	under(s, "the end", end, transaction)
	s.Until(describeTransactionsOf(mine), func(resp kmsg.Response) bool {
		return resp.(*kmsg.DescribeTransactionsResponse).TransactionStates[0].State == "CompleteCommit"
	})
}

// tellTransactionalProduce sends batches of producers with ids whom nobody knows, of a
// transaction and of none.
func tellTransactionalProduce(s *differ.Session) {
	r := enter(s)
	r.nameIDs()
	b := wire.NewBatch(s.Base, wire.Record{Value: []byte("v")})
	b.Attributes, b.ProducerID, b.ProducerEpoch, b.BaseSequence = transactional, unknownProducer, 0, 0
	for i, rules := range [][]rule{
		{}, {allow(alice, all, topicKind, anyName)}, {allow(alice, write, transactionKind, "red-9")}, {allow(alice, describe, transactionKind, "red-9"), allow(alice, write, topicKind, anyName)},
		{allow(alice, write, transactionKind, "red-9"), allow(alice, write, topicKind, "red-9")}, {allow(alice, write, transactionKind, "red-9"), allow(alice, write, topicKind, anyName)},
	} {
		req := r.produceOf(b, "red-2", "red-9")
		req.TransactionID = ptr("red-9")
		under(s, fmt.Sprintf("of a transaction, rules %d", i), req, rules...)
		req.TransactionID = nil
		under(s, fmt.Sprintf("of a transaction without name, rules %d", i), req, rules...)
		plain := r.produceOf(wire.NewBatch(s.Base, wire.Record{Value: []byte("v")}), "red-9")
		plain.TransactionID = ptr("red-9")
		under(s, fmt.Sprintf("of no transaction with its name, rules %d", i), plain, rules...)
	}
	sequenced := wire.NewBatch(s.Base, wire.Record{Value: []byte("v")})
	sequenced.ProducerID, sequenced.ProducerEpoch, sequenced.BaseSequence = unknownProducer, 0, 0
	under(s, "of an idempotent producer, without a right", r.produceOf(sequenced, "red-2"))
	under(s, "of an idempotent producer, with a right to what is not there", r.produceOf(sequenced, "red-2", "red-9"), allow(alice, write, topicKind, "red-9"))
}
