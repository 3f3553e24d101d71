package api

import (
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/protocol"
)

func metadataOf(create bool, names ...string) *kmsg.MetadataRequest {
	q := kmsg.NewPtrMetadataRequest()
	q.AllowAutoTopicCreation = create
	q.Topics = []kmsg.MetadataRequestTopic{}
	for _, name := range names {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = &name
		q.Topics = append(q.Topics, t)
	}
	return q
}

func TestMetadataListsTopicsAsEachVersionAsks(t *testing.T) {
	w := newWorld(t)
	id := w.topic("a", 2)
	w.topic("b", 1)
	names := func(p *kmsg.MetadataResponse) string {
		var all []string
		for _, t := range p.Topics {
			all = append(all, *t.Topic)
		}
		return strings.Join(all, " ")
	}
	for version := int16(0); version <= 13; version++ {
		none := names(ask[*kmsg.MetadataResponse](w, version, metadataOf(false)))
		if all := version == 0; all != (none == "a b") || !all && none != "" {
			t.Fatalf("version %d lists %q for an empty list", version, none)
		}
		if version > 0 {
			every := metadataOf(false)
			every.Topics = nil
			if got := names(ask[*kmsg.MetadataResponse](w, version, every)); got != "a b" {
				t.Fatalf("version %d lists %q for null", version, got)
			}
		}
		p := ask[*kmsg.MetadataResponse](w, version, metadataOf(false, "a", "a"))
		if len(p.Topics) != 1 || len(p.Topics[0].Partitions) != 2 || p.Brokers[0].Host != "broker.example" {
			t.Fatalf("version %d describes %+v", version, p)
		}
	}
	byID := metadataOf(false)
	one := kmsg.NewMetadataRequestTopic()
	one.TopicID = id
	byID.Topics = append(byID.Topics, one)
	if got := names(ask[*kmsg.MetadataResponse](w, 12, byID)); got != "a" {
		t.Fatalf("by id: %q", got)
	}
	if code := ask[*kmsg.MetadataResponse](w, 10, byID).Topics[0].ErrorCode; code != protocol.ErrInvalidRequest.Code {
		t.Fatalf("by id in version 10: %d", code)
	}
	byID.Topics[0].TopicID = [16]byte{7}
	if code := ask[*kmsg.MetadataResponse](w, 12, byID).Topics[0].ErrorCode; code != protocol.ErrUnknownTopicID.Code {
		t.Fatalf("by an unknown id: %d", code)
	}
	byID.Topics[0].TopicID = [16]byte{}
	for version, want := range map[int16]*protocol.Error{11: protocol.ErrInvalidRequest, 12: protocol.ErrUnknownServerError} {
		if code := ask[*kmsg.MetadataResponse](w, version, byID).Topics[0].ErrorCode; code != want.Code {
			t.Fatalf("with neither name nor id in version %d: %d", version, code)
		}
	}
}

// Where a topic has an id, names do not count: Java's consumer sends an empty one
// with it. The answers are those of Apache Kafka 4.3.1.
func TestMetadataByIDIgnoresNames(t *testing.T) {
	w := newWorld(t)
	known, unknown := w.topic("t", 1), protocol.UUID{7}
	for _, version := range []int16{12, 13} {
		q := metadataOf(false, "", "", "other")
		q.Topics[0].TopicID, q.Topics[1].TopicID = known, unknown
		p := ask[*kmsg.MetadataResponse](w, version, q)
		if len(p.Topics) != 2 || p.Topics[0].Topic == nil || *p.Topics[0].Topic != "t" || p.Topics[0].ErrorCode != 0 ||
			p.Topics[1].Topic != nil || p.Topics[1].ErrorCode != protocol.ErrUnknownTopicID.Code {
			t.Errorf("version %d: %+v", version, p.Topics)
		}
	}
}

func TestMetadataCreatesTopicsWhereItMay(t *testing.T) {
	for _, c := range []struct {
		name     string
		override string
		version  int16
		allow    bool
		topic    string
		code     int16
	}{
		{"allowed by both", "", 12, true, "new", 0},
		{"before version 4 the client allows it", "", 1, false, "new", 0},
		{"the client forbids it", "", 4, false, "new", protocol.ErrUnknownTopicOrPartition.Code},
		{"the broker forbids it", "auto.create.topics.enable=false", 12, true, "new", protocol.ErrUnknownTopicOrPartition.Code},
		{"a name that cannot be", "", 12, true, "a/b", protocol.ErrInvalidTopicException.Code},
		{"a name that collides", "", 12, true, "here_is", protocol.ErrUnknownTopicOrPartition.Code},
	} {
		t.Run(c.name, func(t *testing.T) {
			overrides := []string{"num.partitions=3"}
			if c.override != "" {
				overrides = append(overrides, c.override)
			}
			w := newWorld(t, overrides...)
			w.topic("here.is", 1)
			p := ask[*kmsg.MetadataResponse](w, c.version, metadataOf(c.allow, c.topic)).Topics[0]
			if p.ErrorCode != c.code {
				t.Fatalf("error %v", protocol.ErrorForCode(p.ErrorCode))
			}
			if c.code == 0 && len(p.Partitions) != 3 {
				t.Fatalf("it has %d partitions", len(p.Partitions))
			}
		})
	}
}

func listOffsetsOf(timestamps ...int64) *kmsg.ListOffsetsRequest {
	q := kmsg.NewPtrListOffsetsRequest()
	q.ReplicaID = -1
	t := kmsg.NewListOffsetsRequestTopic()
	t.Topic = "t"
	for i, timestamp := range timestamps {
		p := kmsg.NewListOffsetsRequestTopicPartition()
		p.Partition, p.Timestamp = int32(i), timestamp
		t.Partitions = append(t.Partitions, p)
	}
	q.Topics = append(q.Topics, t)
	return q
}

func TestListOffsetsByTimeAndBySpecialTimestamp(t *testing.T) {
	w := newWorld(t)
	w.topic("t", 1)
	if p := ask[*kmsg.ListOffsetsResponse](w, 4, listOffsetsOf(timestampEarliest)).Topics[0].Partitions[0]; p.Offset != 0 || p.LeaderEpoch != 0 {
		t.Errorf("the start of what was never written: %+v", p)
	}
	base := w.clock.Now().UnixMilli()
	b := protocol.NewBatchBuilder(plain())
	for _, delta := range []int64{0, 20, 10} {
		b.Add(protocol.Timestamp(base+delta), nil, []byte("v"))
	}
	w.send("t", b.Build(0, -1))
	for _, c := range []struct {
		name              string
		version           int16
		timestamp         int64
		offset, foundTime int64
		code              int16
	}{
		{"latest", 1, timestampLatest, 3, -1, 0},
		{"earliest", 1, timestampEarliest, 0, -1, 0},
		{"the largest timestamp", 7, timestampMax, 1, base + 20, 0},
		{"earliest local", 8, timestampEarliestLocal, 0, -1, 0},
		{"latest tiered", 9, timestampLatestTiered, -1, -1, 0},
		{"earliest pending upload", 11, timestampEarliestPendingUpload, -1, -1, 0},
		{"looks into the batch", 1, base + 5, 1, base + 20, 0},
		{"exactly", 1, base, 0, base, 0},
		{"after everything", 1, base + 21, -1, -1, 0},
		{"too new for the version", 6, timestampMax, -1, -1, protocol.ErrUnsupportedVersion.Code},
		{"unknown", 11, -9, -1, -1, protocol.ErrUnsupportedVersion.Code},
	} {
		p := ask[*kmsg.ListOffsetsResponse](w, c.version, listOffsetsOf(c.timestamp)).Topics[0].Partitions[0]
		if p.ErrorCode != c.code || p.Offset != c.offset || p.Timestamp != c.foundTime {
			t.Errorf("%s: error %d, offset %d, timestamp %d; want %d, %d, %d", c.name, p.ErrorCode, p.Offset, p.Timestamp, c.code, c.offset, c.foundTime)
		}
	}
	// A keyword is looked at before the partition; where nothing is, the leader's epoch counts.
	w.topic("empty", 1)
	elsewhere := listOffsetsOf(-9)
	elsewhere.Topics[0].Partitions[0].Partition = 7
	if p := ask[*kmsg.ListOffsetsResponse](w, 11, elsewhere).Topics[0].Partitions[0]; p.ErrorCode != protocol.ErrUnsupportedVersion.Code {
		t.Errorf("an unknown keyword of no partition: error %d", p.ErrorCode)
	}
	empty := listOffsetsOf(timestampEarliest)
	empty.Topics[0].Topic = "empty"
	if p := ask[*kmsg.ListOffsetsResponse](w, 11, empty).Topics[0].Partitions[0]; p.Offset != 0 || p.LeaderEpoch < 0 {
		t.Errorf("the start of an empty partition: %+v", p)
	}
	twice := listOffsetsOf(timestampLatest, timestampLatest)
	twice.Topics[0].Partitions[1].Partition = 0
	for _, p := range ask[*kmsg.ListOffsetsResponse](w, 5, twice).Topics[0].Partitions {
		if p.ErrorCode != protocol.ErrInvalidRequest.Code {
			t.Errorf("a partition that is named twice got %d", p.ErrorCode)
		}
	}
}

// A topic of that name would share the folder of the metadata log.
func TestTheMetadataLogIsNeverCreatedAsATopic(t *testing.T) {
	w := newWorld(t)
	for _, version := range []int16{1, 13} {
		p := ask[*kmsg.MetadataResponse](w, version, metadataOf(true, metadataTopic))
		if code := p.Topics[0].ErrorCode; code != protocol.ErrUnknownTopicOrPartition.Code || w.store.Image().Topic(metadataTopic) != nil {
			t.Fatalf("version %d: error %d, topic %v", version, code, w.store.Image().Topic(metadataTopic))
		}
	}
}

// A request of a few bytes per entry must not be answered with a topic for each.
func TestMetadataAnswersOnceForAnID(t *testing.T) {
	w := newWorld(t)
	one := kmsg.NewMetadataRequestTopic()
	one.TopicID = w.topic("a", 2)
	q := metadataOf(false)
	q.Topics = append(q.Topics, one, one, one)
	if n := len(ask[*kmsg.MetadataResponse](w, 12, q).Topics); n != 1 {
		t.Fatalf("one topic asked for three times is described %d times", n)
	}
}

// What is kept of an answer about all topics is never older than the metadata, nor in
// another form than was asked for.
func TestAllTopicsAfterEachChange(t *testing.T) {
	w := newWorld(t)
	names := func(version int16, operations bool) (names []string) {
		t.Helper()
		q := kmsg.NewPtrMetadataRequest()
		q.IncludeTopicAuthorizedOperations = operations
		for _, topic := range ask[*kmsg.MetadataResponse](w, version, q).Topics {
			names = append(names, *topic.Topic)
			if asked := topic.AuthorizedOperations != operationsNotAsked; asked != operations {
				t.Errorf("v%d: operations %d", version, topic.AuthorizedOperations)
			}
			if id := w.store.Image().Topic(*topic.Topic).ID; version >= 10 && topic.TopicID != id {
				t.Errorf("v%d: id %v", version, topic.TopicID)
			}
		}
		return names
	}
	var want []string
	for _, name := range []string{"a", "b", "c"} {
		w.topic(name, 2)
		want = append(want, name)
		for range 2 {
			for _, version := range []int16{1, 8, 12} {
				for _, operations := range []bool{false, version >= 8} {
					if got := names(version, operations); !slices.Equal(got, want) {
						t.Errorf("v%d: %q", version, got)
					}
				}
			}
		}
	}
}
