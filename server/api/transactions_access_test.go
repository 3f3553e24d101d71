package api

import (
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/coordinator/txn"
	"github.com/barnabas-mq/barnabas/protocol"
)

// InitProducerID gives everybody the same.
func (*transactionsFake) InitProducerID(in txn.InitInput, reply func(txn.InitOutput)) {
	reply(txn.InitOutput{Producer: coordinator.Producer{ID: 7}})
}

// End ends everything.
func (*transactionsFake) End(in txn.EndInput, reply func(txn.EndOutput)) {
	reply(txn.EndOutput{Producer: in.Producer})
}

// List knows the transactional ids mine and other.
func (*transactionsFake) List(in txn.ListInput, reply func(txn.ListOutput)) {
	reply(txn.ListOutput{Transactions: []txn.Listing{{TransactionalID: "mine"}, {TransactionalID: "other"}}})
}

// guardedTransactions is a node with an authorizer, topics t and u, and the topics of
// offsets and transactions. Alice asks.
func guardedTransactions(t *testing.T, rules string) *world {
	t.Helper()
	w := newGuardedWorld(t)
	w.topic("t", 1)
	w.topic("u", 1)
	find(w, 4, 0, "any")
	find(w, 4, 1, "any")
	w.rules(rules)
	w.become("alice")
	return w
}

func TestInitProducerIDNeedsWrite(t *testing.T) {
	for _, c := range []struct {
		rules                        string
		idempotent, mine, other, bad int16
	}{
		{"", 31, 53, 53, 31},
		{"allow alice IDEMPOTENT_WRITE CLUSTER kafka-cluster", 0, 53, 53, 42},
		{"allow alice WRITE TOPIC t", 0, 53, 53, 42},
		{"allow alice WRITE TOPIC t; deny alice WRITE TOPIC *", 31, 53, 53, 31},
		{"allow alice READ TOPIC t", 31, 53, 53, 31},
		{"allow alice WRITE TRANSACTIONAL_ID mine", 31, 0, 53, 31},
	} {
		w := guardedTransactions(t, c.rules)
		init := func(id string, producer int64) int16 {
			q := initRequest()
			q.ProducerID, q.ProducerEpoch = producer, -1
			if q.TransactionalID = nil; id != "" {
				q.TransactionalID = &id
			}
			return ask[*kmsg.InitProducerIDResponse](w, 4, q).ErrorCode
		}
		if got := []int16{init("", -1), init("mine", -1), init("other", -1), init("", 5)}; fmt.Sprint(got) != fmt.Sprint([]int16{c.idempotent, c.mine, c.other, c.bad}) {
			t.Errorf("%q: %v, want %v", c.rules, got, c)
		}
	}
}

func TestTransactionsNeedWrite(t *testing.T) {
	w := guardedTransactions(t, "allow alice WRITE TRANSACTIONAL_ID mine; allow alice WRITE TOPIC t; allow alice READ GROUP g")
	add := func(id string, topics ...string) (text string) {
		q := kmsg.NewPtrAddPartitionsToTxnRequest()
		q.TransactionalID = id
		for _, topic := range topics {
			q.Topics = append(q.Topics, kmsg.AddPartitionsToTxnRequestTopic{Topic: topic, Partitions: []int32{0}})
		}
		for _, topic := range ask[*kmsg.AddPartitionsToTxnResponse](w, 3, q).Topics {
			text += fmt.Sprint(topic.Topic, " ", topic.Partitions[0].ErrorCode, ";")
		}
		return text
	}
	expectText(t, "added", add("mine", "t"), "t 0;")
	expectText(t, "with one that is denied", add("mine", "t", "u", "nowhere"), "t 55;u 29;nowhere 29;")
	expectText(t, "internal", add("mine", "t", OffsetsTopic, TransactionsTopic), "t 55;"+OffsetsTopic+" 29;"+TransactionsTopic+" 29;")
	expectText(t, "of another", add("other", "t", "u"), "t 53;u 53;")

	offsets := kmsg.NewPtrAddOffsetsToTxnRequest()
	end := kmsg.NewPtrEndTxnRequest()
	for _, c := range []struct {
		id, group   string
		added, ends int16
	}{{"mine", "g", 0, 0}, {"mine", "other", 30, 0}, {"other", "g", 53, 53}, {"other", "other", 53, 53}} {
		offsets.TransactionalID, offsets.Group, end.TransactionalID = c.id, c.group, c.id
		if p := ask[*kmsg.AddOffsetsToTxnResponse](w, 3, offsets); p.ErrorCode != c.added {
			t.Errorf("offsets of %+v: error %d", c, p.ErrorCode)
		}
		if p := ask[*kmsg.EndTxnResponse](w, 5, end); p.ErrorCode != c.ends || c.ends != 0 && p.ProducerID != -1 {
			t.Errorf("end of %+v: %+v", c, p)
		}
	}
}

// Several transactions at once are for brokers.
func TestBrokersAddPartitionsToTransactions(t *testing.T) {
	w := guardedTransactions(t, "allow alice WRITE TRANSACTIONAL_ID mine; allow alice WRITE TOPIC t; allow bob CLUSTER_ACTION CLUSTER kafka-cluster")
	q := kmsg.NewPtrAddPartitionsToTxnRequest()
	one := kmsg.NewAddPartitionsToTxnRequestTransaction()
	one.TransactionalID = "mine"
	one.Topics = []kmsg.AddPartitionsToTxnRequestTransactionTopic{{Topic: "t", Partitions: []int32{0}}}
	q.Transactions = []kmsg.AddPartitionsToTxnRequestTransaction{one}
	if p := ask[*kmsg.AddPartitionsToTxnResponse](w, 4, q); p.ErrorCode != 31 || len(p.Transactions) > 0 {
		t.Errorf("a client: %+v", p)
	}
	w.become("bob")
	if p := ask[*kmsg.AddPartitionsToTxnResponse](w, 4, q); p.ErrorCode != 0 || p.Transactions[0].Topics[0].Partitions[0].ErrorCode != 0 {
		t.Errorf("a broker: %+v", p)
	}
}

func TestTxnOffsetCommitNeedsRead(t *testing.T) {
	w := guardedTransactions(t, "allow alice WRITE TRANSACTIONAL_ID mine; allow alice READ GROUP g; allow alice READ TOPIC t; allow alice WRITE TOPIC u")
	ids := map[string]protocol.UUID{"nowhere": {9}}
	for _, name := range []string{"t", "u"} {
		ids[name] = w.store.Image().Topic(name).ID
	}
	commit := func(version int16, id, group string) (text string) {
		q := kmsg.NewPtrTxnOffsetCommitRequest()
		q.TransactionalID, q.Group, q.ProducerID, q.Generation = id, group, 7, -1
		for _, name := range []string{"u", "t", "nowhere"} {
			topic := kmsg.NewTxnOffsetCommitRequestTopic()
			topic.Topic, topic.TopicID = name, ids[name]
			topic.Partitions = []kmsg.TxnOffsetCommitRequestTopicPartition{{Partition: 0, Offset: 1, LeaderEpoch: -1}}
			q.Topics = append(q.Topics, topic)
		}
		for _, topic := range ask[*kmsg.TxnOffsetCommitResponse](w, version, q).Topics {
			text += fmt.Sprint(topic.Partitions[0].ErrorCode, ";")
		}
		return text
	}
	for version := int16(0); version <= 6; version++ {
		want := "29;0;29;"
		if version >= txnCommitByID {
			want = "29;0;100;"
		}
		expectText(t, fmt.Sprint("version ", version), commit(version, "mine", "g"), want)
		expectText(t, fmt.Sprint("another group's, version ", version), commit(version, "mine", "other"), "30;30;30;")
		expectText(t, fmt.Sprint("another transaction's, version ", version), commit(version, "other", "other"), "53;53;53;")
	}
}

func TestWriteTxnMarkersNeedsCluster(t *testing.T) {
	for rules, want := range map[string]string{
		"": "5 31;6 31;", "allow alice WRITE TOPIC *": "5 31;6 31;",
		"allow alice ALTER CLUSTER kafka-cluster": "5 0;6 3;", "allow alice CLUSTER_ACTION CLUSTER kafka-cluster": "5 0;6 3;",
	} {
		w := guardedTransactions(t, rules)
		var write markerWriter = func(_ coordinator.Marker, partitions []txn.TopicPartition, done func([]error)) {
			done(make([]error, len(partitions)))
		}
		w.writeMarkers.Store(&write)
		q := kmsg.NewPtrWriteTxnMarkersRequest()
		q.Markers = []kmsg.WriteTxnMarkersRequestMarker{markerRequest(5, 1, "t", 0), markerRequest(6, 1, "nowhere", 0)}
		got := ""
		for _, m := range ask[*kmsg.WriteTxnMarkersResponse](w, 1, q).Markers {
			got += fmt.Sprint(m.ProducerID, " ", m.Topics[0].Partitions[0].ErrorCode, ";")
		}
		expectText(t, rules, got, want)
	}
}

func TestTransactionsAreShownToWhoMaySeeThem(t *testing.T) {
	w := guardedTransactions(t, "allow alice WRITE TRANSACTIONAL_ID mine; allow alice READ TOPIC t")
	q := kmsg.NewPtrDescribeTransactionsRequest()
	q.TransactionalIDs = []string{"other", "mine"}
	got := ""
	for _, one := range ask[*kmsg.DescribeTransactionsResponse](w, 0, q).TransactionStates {
		got += fmt.Sprint(one.TransactionalID, " ", one.ErrorCode)
		for _, topic := range one.Topics {
			got += fmt.Sprint(" ", topic.Topic, topic.Partitions)
		}
		got += ";"
	}
	expectText(t, "described", got, "other 53;mine 0 t[0 2];")
	got = ""
	for _, one := range ask[*kmsg.ListTransactionsResponse](w, 1, kmsg.NewPtrListTransactionsRequest()).TransactionStates {
		got += one.TransactionalID + ";"
	}
	expectText(t, "listed", got, "mine;")
}
