package api

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/protocol"
)

// topicCodes are what a client hears of a topic by each API, under the API's name.
func topicCodes(w *world, name string, id protocol.UUID) map[string]int16 {
	codes := make(map[string]int16)
	metadata := kmsg.NewPtrMetadataRequest()
	metadata.Topics = []kmsg.MetadataRequestTopic{{Topic: &name}}
	codes["Metadata"] = ask[*kmsg.MetadataResponse](w, 12, metadata).Topics[0].ErrorCode

	produce := kmsg.NewPtrProduceRequest()
	produce.Acks, produce.TimeoutMillis = 1, 1000
	records := w.batchOf(protocol.BatchOptions{}, "x")
	produce.Topics = []kmsg.ProduceRequestTopic{{Topic: name, Partitions: []kmsg.ProduceRequestTopicPartition{{Records: records}}}}
	codes["Produce"] = ask[*kmsg.ProduceResponse](w, 12, produce).Topics[0].Partitions[0].ErrorCode
	if !id.IsZero() {
		produce.Topics[0].TopicID = id
		codes["Produce by id"] = ask[*kmsg.ProduceResponse](w, 13, produce).Topics[0].Partitions[0].ErrorCode
	}

	fetch := kmsg.NewPtrFetchRequest()
	fetch.ReplicaID, fetch.MaxBytes, fetch.SessionEpoch = -1, 1<<20, -1
	one := kmsg.NewFetchRequestTopic()
	one.Topic, one.TopicID, one.Partitions = name, id, []kmsg.FetchRequestTopicPartition{{PartitionMaxBytes: 1 << 20, CurrentLeaderEpoch: -1, LastFetchedEpoch: -1}}
	fetch.Topics = []kmsg.FetchRequestTopic{one}
	codes["Fetch"] = ask[*kmsg.FetchResponse](w, 12, fetch).Topics[0].Partitions[0].ErrorCode
	if !id.IsZero() {
		codes["Fetch by id"] = ask[*kmsg.FetchResponse](w, 13, fetch).Topics[0].Partitions[0].ErrorCode
	}

	offsets := kmsg.NewPtrListOffsetsRequest()
	offsets.ReplicaID = -1
	offsets.Topics = []kmsg.ListOffsetsRequestTopic{{Topic: name, Partitions: []kmsg.ListOffsetsRequestTopicPartition{{Timestamp: -1, CurrentLeaderEpoch: -1}}}}
	codes["ListOffsets"] = ask[*kmsg.ListOffsetsResponse](w, 7, offsets).Topics[0].Partitions[0].ErrorCode
	codes["ListOffsets v0"] = ask[*kmsg.ListOffsetsResponse](w, 0, offsets).Topics[0].Partitions[0].ErrorCode

	epoch := kmsg.NewPtrOffsetForLeaderEpochRequest()
	epoch.Topics = []kmsg.OffsetForLeaderEpochRequestTopic{{Topic: name, Partitions: []kmsg.OffsetForLeaderEpochRequestTopicPartition{{CurrentLeaderEpoch: -1}}}}
	codes["OffsetForLeaderEpoch"] = ask[*kmsg.OffsetForLeaderEpochResponse](w, 4, epoch).Topics[0].Partitions[0].ErrorCode

	producers := kmsg.NewPtrDescribeProducersRequest()
	producers.Topics = []kmsg.DescribeProducersRequestTopic{{Topic: name, Partitions: []int32{0}}}
	codes["DescribeProducers"] = ask[*kmsg.DescribeProducersResponse](w, 0, producers).Topics[0].Partitions[0].ErrorCode

	partitions := kmsg.NewPtrDescribeTopicPartitionsRequest()
	partitions.Topics, partitions.ResponsePartitionLimit = []kmsg.DescribeTopicPartitionsRequestTopic{{Topic: name}}, 100
	codes["DescribeTopicPartitions"] = ask[*kmsg.DescribeTopicPartitionsResponse](w, 0, partitions).Topics[0].ErrorCode

	deleteRecords := kmsg.NewPtrDeleteRecordsRequest()
	deleteRecords.Topics = []kmsg.DeleteRecordsRequestTopic{{Topic: name, Partitions: []kmsg.DeleteRecordsRequestTopicPartition{{}}}}
	codes["DeleteRecords"] = ask[*kmsg.DeleteRecordsResponse](w, 2, deleteRecords).Topics[0].Partitions[0].ErrorCode

	more := kmsg.NewPtrCreatePartitionsRequest()
	more.ValidateOnly, more.Topics = true, []kmsg.CreatePartitionsRequestTopic{{Topic: name, Count: 9}}
	codes["CreatePartitions"] = ask[*kmsg.CreatePartitionsResponse](w, 3, more).Topics[0].ErrorCode

	create := kmsg.NewPtrCreateTopicsRequest()
	create.ValidateOnly, create.Topics = true, []kmsg.CreateTopicsRequestTopic{{Topic: name, NumPartitions: 1, ReplicationFactor: 1}}
	codes["CreateTopics"] = ask[*kmsg.CreateTopicsResponse](w, 7, create).Topics[0].ErrorCode

	describe := kmsg.NewPtrDescribeConfigsRequest()
	describe.Resources = []kmsg.DescribeConfigsRequestResource{{ResourceType: kmsg.ConfigResourceTypeTopic, ResourceName: name}}
	codes["DescribeConfigs"] = ask[*kmsg.DescribeConfigsResponse](w, 4, describe).Resources[0].ErrorCode

	alter := kmsg.NewPtrIncrementalAlterConfigsRequest()
	alter.ValidateOnly = true
	alter.Resources = []kmsg.IncrementalAlterConfigsRequestResource{{ResourceType: kmsg.ConfigResourceTypeTopic, ResourceName: name}}
	codes["IncrementalAlterConfigs"] = ask[*kmsg.IncrementalAlterConfigsResponse](w, 1, alter).Resources[0].ErrorCode
	return codes
}

// denies lists the APIs that answer TOPIC_AUTHORIZATION_FAILED, in order.
func denies(codes map[string]int16) string {
	var denied []string
	for api, code := range codes {
		if code == errTopicDenied.Code {
			denied = append(denied, api)
		}
	}
	slices.Sort(denied)
	return strings.Join(denied, ", ")
}

// Each operation on a topic opens its own APIs, and what it implies. Whether a topic
// exists is no matter to who may not describe it.
func TestTopicAccess(t *testing.T) {
	w := newGuardedWorld(t, "auto.create.topics.enable=false")
	id := w.topic("orders", 1)
	needs := map[string]string{
		"Metadata": "DESCRIBE", "Produce": "WRITE", "Produce by id": "WRITE", "Fetch": "READ", "Fetch by id": "READ",
		"ListOffsets": "DESCRIBE", "ListOffsets v0": "DESCRIBE", "OffsetForLeaderEpoch": "DESCRIBE", "DescribeProducers": "READ",
		"DescribeTopicPartitions": "DESCRIBE", "DeleteRecords": "DELETE", "CreatePartitions": "ALTER", "CreateTopics": "CREATE",
		"DescribeConfigs": "DESCRIBE_CONFIGS", "IncrementalAlterConfigs": "ALTER_CONFIGS",
	}
	opens := map[string][]string{
		"":                 {},
		"DESCRIBE":         {"DESCRIBE"},
		"READ":             {"READ", "DESCRIBE"},
		"WRITE":            {"WRITE", "DESCRIBE"},
		"DELETE":           {"DELETE", "DESCRIBE"},
		"ALTER":            {"ALTER", "DESCRIBE"},
		"CREATE":           {"CREATE"},
		"DESCRIBE_CONFIGS": {"DESCRIBE_CONFIGS"},
		"ALTER_CONFIGS":    {"ALTER_CONFIGS", "DESCRIBE_CONFIGS"},
		"ALL":              {"WRITE", "READ", "DESCRIBE", "DELETE", "ALTER", "CREATE", "DESCRIBE_CONFIGS", "ALTER_CONFIGS"},
	}
	w.become("alice")
	for operation, open := range opens {
		rule := ""
		if operation != "" {
			rule = fmt.Sprintf("allow alice %s TOPIC orders; allow alice %s TOPIC absent", operation, operation)
		}
		w.rules(rule)
		for topic, of := range map[string]protocol.UUID{"orders": id, "absent": {}} {
			codes := topicCodes(w, topic, of)
			var want []string
			for api := range codes {
				if !slices.Contains(open, needs[api]) {
					want = append(want, api)
				}
			}
			slices.Sort(want)
			if got := denies(codes); got != strings.Join(want, ", ") {
				t.Errorf("with %q on %s: denied are\n%s\nwant\n%s", operation, topic, got, strings.Join(want, ", "))
			}
		}
	}
}

// Who sees nothing hears nothing of what there is.
func TestUnseenTopics(t *testing.T) {
	w := newGuardedWorld(t)
	id := w.topic("orders", 1)
	w.topic("own-a", 1)
	w.topic("a", 3)
	w.become("alice")
	w.rules("allow alice DESCRIBE TOPIC own-~; allow alice READ TOPIC own-~")
	all := ask[*kmsg.MetadataResponse](w, 12, &kmsg.MetadataRequest{IncludeTopicAuthorizedOperations: true})
	if len(all.Topics) != 1 || *all.Topics[0].Topic != "own-a" || all.Topics[0].AuthorizedOperations != 1<<auth.Read|1<<auth.Describe {
		t.Errorf("all topics are %+v", all.Topics)
	}
	byID := ask[*kmsg.MetadataResponse](w, 12, &kmsg.MetadataRequest{Topics: []kmsg.MetadataRequestTopic{{TopicID: id}, {TopicID: protocol.UUID{9}}}})
	if t0, t1 := byID.Topics[0], byID.Topics[1]; t0.Topic != nil || t0.TopicID != [16]byte(id) || t0.ErrorCode != errTopicDenied.Code || t1.ErrorCode != protocol.ErrUnknownTopicID.Code {
		t.Errorf("by id: %+v", byID.Topics)
	}
	pages := ask[*kmsg.DescribeTopicPartitionsResponse](w, 0, &kmsg.DescribeTopicPartitionsRequest{ResponsePartitionLimit: 10})
	if len(pages.Topics) != 1 || *pages.Topics[0].Topic != "own-a" {
		t.Errorf("pages are %+v", pages.Topics)
	}
	w.rules("allow alice DESCRIBE TOPIC own-~; allow alice DESCRIBE TOPIC a")
	cut := ask[*kmsg.DescribeTopicPartitionsResponse](w, 0, &kmsg.DescribeTopicPartitionsRequest{ResponsePartitionLimit: 3})
	if len(cut.Topics) != 1 || cut.NextCursor == nil || cut.NextCursor.Topic != "own-a" {
		t.Errorf("a page that ends before a topic that is not seen: %+v, next %+v", cut.Topics, cut.NextCursor)
	}
	w.rules("allow alice DESCRIBE TOPIC own-~; allow alice READ TOPIC own-~")
	remove := kmsg.NewPtrDeleteTopicsRequest()
	remove.Topics = []kmsg.DeleteTopicsRequestTopic{{TopicID: id}, {Topic: kmsg.StringPtr("orders")}, {Topic: kmsg.StringPtr("absent")}, {Topic: kmsg.StringPtr("own-a")}}
	for _, one := range ask[*kmsg.DeleteTopicsResponse](w, 6, remove).Topics {
		if one.ErrorCode != errTopicDenied.Code || one.Topic == nil && one.TopicID != [16]byte(id) || one.Topic != nil && one.TopicID != [16]byte{} {
			t.Errorf("deleting: %+v", one)
		}
	}
	w.rules("allow alice DELETE TOPIC own-a; allow alice DESCRIBE TOPIC orders; allow alice DELETE TOPIC absent")
	for _, one := range ask[*kmsg.DeleteTopicsResponse](w, 6, remove).Topics {
		want := errTopicDenied.Code
		switch {
		case one.Topic == nil:
			t.Errorf("a topic that may be described has no name: %+v", one)
		case *one.Topic == "own-a":
			want = 0
		case *one.Topic == "absent":
			want = protocol.ErrUnknownTopicOrPartition.Code
		}
		if one.ErrorCode != want {
			t.Errorf("deleting: %+v", one)
		}
	}
}

// A name that is longer than any topic's is decided about, and not remembered: who sends
// many of them would fill the memory.
func TestLongNamesAreNotRemembered(t *testing.T) {
	w := newGuardedWorld(t)
	w.become("alice")
	w.rules("")
	long := strings.Repeat("x", 30_000)
	for range 3 {
		q := kmsg.NewPtrFindCoordinatorRequest()
		q.CoordinatorKeys = []string{long}
		if got := ask[*kmsg.FindCoordinatorResponse](w, 4, q).Coordinators[0].ErrorCode; got != errGroupDenied.Code {
			t.Errorf("error %d", got)
		}
	}
	g := grants{key: []byte(long)}
	if g.remember(true); len(g.decisions) > 0 || g.key != nil {
		t.Error("a long name is remembered")
	}
	for i := range 3 * decisionsMax {
		g.key = fmt.Append(g.key[:0], i)
		g.remember(true)
	}
	if len(g.decisions) > decisionsMax {
		t.Errorf("%d decisions", len(g.decisions))
	}
}

// A topic that is used before anybody made it is made for those who may make it.
func TestAutoCreateAccess(t *testing.T) {
	w := newGuardedWorld(t)
	w.become("alice")
	for rules, want := range map[string]int16{
		"":                            errTopicDenied.Code,
		"allow alice CREATE TOPIC a1": errTopicDenied.Code, // it may not be described
		"allow alice WRITE TOPIC a2":  errTopicDenied.Code,
		"allow alice READ TOPIC a!":   errTopicDenied.Code, // whether it could be a name or not
		"allow alice WRITE TOPIC a3; allow alice CREATE TOPIC a3":              0,
		"allow alice WRITE TOPIC a4; allow alice CREATE CLUSTER kafka-cluster": 0,
	} {
		w.rules(rules)
		name := "a0"
		if at := strings.Index(rules, "TOPIC a"); at >= 0 {
			name = rules[at+len("TOPIC "):][:2]
		}
		q := &kmsg.MetadataRequest{AllowAutoTopicCreation: true, Topics: []kmsg.MetadataRequestTopic{{Topic: &name}}}
		if got := ask[*kmsg.MetadataResponse](w, 12, q).Topics[0].ErrorCode; got != want {
			t.Errorf("%q: error %d, want %d", rules, got, want)
		}
		if exists := w.store.Image().Topic(name) != nil; exists != (want == 0) {
			t.Errorf("%q: %s exists: %v", rules, name, exists)
		}
	}
}

// Nobody writes in a transaction of an id that is not theirs (CVE-2018-17196).
func TestTransactionalProduceAccess(t *testing.T) {
	w := newGuardedWorld(t)
	w.topic("orders", 1)
	w.become("alice")
	w.rules("allow alice WRITE TOPIC orders")
	batch := w.batchOf(protocol.BatchOptions{Transactional: true, ProducerID: 5}, "x")
	for _, id := range []*string{nil, kmsg.StringPtr("theirs")} {
		q := kmsg.NewPtrProduceRequest()
		q.Acks, q.TransactionID = -1, id
		q.Topics = []kmsg.ProduceRequestTopic{{Topic: "orders", Partitions: []kmsg.ProduceRequestTopicPartition{{Records: batch}}}}
		if got := ask[*kmsg.ProduceResponse](w, 11, q).Topics[0].Partitions[0].ErrorCode; got != errTxnDenied.Code {
			t.Errorf("with the id %v: error %d", id, got)
		}
	}
}

// Settings of new topics are told to those who may see settings.
func TestCreatedConfigsAccess(t *testing.T) {
	w := newGuardedWorld(t)
	w.become("alice")
	create := func() kmsg.CreateTopicsResponseTopic {
		q := kmsg.NewPtrCreateTopicsRequest()
		q.ValidateOnly, q.Topics = true, []kmsg.CreateTopicsRequestTopic{{Topic: "a", NumPartitions: 2, ReplicationFactor: 1}}
		return ask[*kmsg.CreateTopicsResponse](w, 7, q).Topics[0]
	}
	w.rules("allow alice CREATE CLUSTER kafka-cluster")
	if got := create(); got.ErrorCode != 0 || got.ConfigErrorCode != errTopicDenied.Code || got.NumPartitions != -1 || len(got.Configs) != 0 {
		t.Errorf("unseen settings: %+v", got)
	}
	w.rules("allow alice CREATE TOPIC a; allow alice DESCRIBE_CONFIGS TOPIC a")
	if got := create(); got.ErrorCode != 0 || got.ConfigErrorCode != 0 || got.NumPartitions != 2 || len(got.Configs) == 0 {
		t.Errorf("settings: %+v", got)
	}
}
