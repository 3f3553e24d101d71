package metadata

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/barnabas-mq/barnabas/protocol"
)

// oneBroker is an image with broker 1 and the topics.
func oneBroker(t testing.TB, topics ...string) *Image {
	t.Helper()
	records := []Record{
		&FeatureLevelRecord{FeatureMetadataVersion, 30},
		&FeatureLevelRecord{"transaction.version", 2},
		&RegisterBrokerRecord{BrokerID: 1, BrokerEpoch: 5, LogDirs: []protocol.UUID{testDirectory}},
	}
	for i, name := range topics {
		id := protocol.UUID{byte(i + 1)}
		records = append(records, &TopicRecord{name, id}, partition(id, 0), partition(id, 1))
	}
	return imageOf(t, records...)
}

func TestValidateTopicName(t *testing.T) {
	for name, text := range map[string]string{
		"a": "", "A.b_c-9": "", strings.Repeat("x", 249): "",
		"": "the empty string", ".": "'.' is not allowed", "..": "'..' is not allowed",
		strings.Repeat("x", 250): "longer than the max allowed length 249",
		"a b":                    "ASCII alphanumerics", "a/b": "ASCII alphanumerics", "ä": "ASCII alphanumerics", "a\x00": "ASCII alphanumerics",
	} {
		err := ValidateTopicName(name)
		if text == "" && err != nil || text != "" && (!errors.Is(err, ErrInvalidTopicName) || !strings.Contains(err.Error(), text)) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if err := ValidateTopicName(strings.Repeat("x", 1<<20)); len(err.Error()) > 1000 {
		t.Error("the message repeats all that the peer sent")
	}
}

func TestCreateTopicsRefuses(t *testing.T) {
	img := oneBroker(t, "exists", "a.b")
	bad := errors.New("bad config")
	assign := func(ids ...int32) []Assignment { return []Assignment{{0, ids}} }
	for name, c := range map[string]struct {
		topic NewTopic
		want  error
	}{
		"fine":                   {NewTopic{"t", 1, 1, nil, nil}, nil},
		"bad name":               {NewTopic{"?", 1, 1, nil, nil}, ErrInvalidTopicName},
		"exists":                 {NewTopic{"exists", 1, 1, nil, nil}, ErrTopicExists},
		"collides":               {NewTopic{"a_b", 1, 1, nil, nil}, ErrInvalidTopicName},
		"exists and collides":    {NewTopic{"a.b", 1, 1, nil, nil}, ErrTopicExists},
		"no partitions":          {NewTopic{"t", 0, 1, nil, nil}, ErrInvalidPartitions},
		"negative partitions":    {NewTopic{"t", -1, 1, nil, nil}, ErrInvalidPartitions},
		"no replicas":            {NewTopic{"t", 1, 0, nil, nil}, ErrInvalidReplicationFactor},
		"too many replicas":      {NewTopic{"t", 1, 3, nil, nil}, ErrInvalidReplicationFactor},
		"bad config":             {NewTopic{"t", 1, 1, nil, []ConfigEntry{{"k", "v"}}}, bad},
		"assigned":               {NewTopic{"t", -1, -1, assign(1), nil}, nil},
		"assigned and counted":   {NewTopic{"t", 1, -1, assign(1), nil}, ErrInvalidRequest},
		"assigned and factor":    {NewTopic{"t", -1, 1, assign(1), nil}, ErrInvalidRequest},
		"assigned to nobody":     {NewTopic{"t", -1, -1, assign(), nil}, ErrInvalidAssignment},
		"assigned to a stranger": {NewTopic{"t", -1, -1, assign(7), nil}, ErrInvalidAssignment},
		"assigned twice":         {NewTopic{"t", -1, -1, assign(1, 1), nil}, ErrInvalidAssignment},
		"assignment with a gap":  {NewTopic{"t", -1, -1, []Assignment{{0, []int32{1}}, {2, []int32{1}}}, nil}, ErrInvalidAssignment},
		"assignment repeated":    {NewTopic{"t", -1, -1, []Assignment{{0, []int32{1}}, {0, []int32{1}}}, nil}, ErrInvalidAssignment},
	} {
		records, results, err := CreateTopics(img, []NewTopic{c.topic}, CreateOptions{
			NewID: idSource(), CheckConfigs: func(string, []ConfigEntry) error { return bad },
		})
		if err != nil || !errors.Is(results[0].Err, c.want) || (c.want == nil) != (len(records) > 0) {
			t.Errorf("%s: %v, %d records (%v)", name, results[0].Err, len(records), err)
		}
	}
	if _, _, err := CreateTopics(img, []NewTopic{{"t", 9_999, 1, nil, nil}, {"u", 2, 1, nil, nil}}, CreateOptions{NewID: idSource()}); !errors.Is(err, ErrPolicyViolation) {
		t.Errorf("10,001 partitions: %v", err)
	}
}

// One topic that fails does not harm the others. Topics of one call are not held against
// each other, as by Kafka, which looks at those that exist (ReplicationControlManager).
func TestCreateTopicsTogether(t *testing.T) {
	img := oneBroker(t)
	records, results, err := CreateTopics(img, []NewTopic{
		{"x.y", 2, 1, nil, []ConfigEntry{{"z", "1"}, {"a", "2"}}}, {"x", 0, 1, nil, nil}, {"x_y", 1, 1, nil, nil}, {"x_y", 1, 1, nil, nil},
	}, CreateOptions{NewID: idSource()})
	if err != nil || results[0].Err != nil || !errors.Is(results[1].Err, ErrInvalidPartitions) || results[2].Err != nil || !errors.Is(results[3].Err, ErrTopicExists) {
		t.Fatalf("%v %+v", err, results)
	}
	var kinds []string
	for _, r := range records {
		kinds = append(kinds, r.Type().String())
	}
	// The order is Kafka's: topic, configs, partitions.
	want := []string{"TOPIC_RECORD", "CONFIG_RECORD", "CONFIG_RECORD", "PARTITION_RECORD", "PARTITION_RECORD", "TOPIC_RECORD", "PARTITION_RECORD"}
	if !slices.Equal(kinds, want) {
		t.Errorf("records %q", kinds)
	}
	next := after(t, img, records...)
	p := next.Topic("x.y").Partition(1)
	if p.Leader != 1 || p.LeaderEpoch != 0 || !slices.Equal(p.Directories, []protocol.UUID{testDirectory}) {
		t.Errorf("%+v %+v", p, p.Placement)
	}
	if results[0].ID != next.Topic("x.y").ID || results[0].Partitions != 2 || results[0].ReplicationFactor != 1 {
		t.Errorf("%+v", results[0])
	}
	if img.Topic("x.y") != nil {
		t.Error("the command changed the image")
	}
}

// The dev profile takes more replicas than there are brokers, and uses those it has.
func TestFewerReplicas(t *testing.T) {
	img := oneBroker(t)
	for _, topic := range []NewTopic{
		{"t", 2, 3, nil, nil},
		{"t", -1, -1, []Assignment{{0, []int32{1, 2, 3}}, {1, []int32{2, 3}}}, nil},
	} {
		records, results, err := CreateTopics(img, []NewTopic{topic}, CreateOptions{NewID: idSource(), FewerReplicas: true})
		if err != nil || results[0].Err != nil {
			t.Fatalf("%v %v", err, results[0].Err)
		}
		for _, p := range after(t, img, records...).Topic("t").Partitions {
			if p.Leader != 1 || !slices.Equal(p.Replicas, []int32{1}) {
				t.Errorf("%+v", p.Placement)
			}
		}
	}
}

func TestDeleteTopics(t *testing.T) {
	img := oneBroker(t, "a", "b")
	records, errs := DeleteTopics(img, []TopicKey{
		{Name: "a"}, {Name: "x"}, {ID: protocol.UUID{2}}, {ID: protocol.UUID{9}}, {Name: "b"},
	}, nil)
	if errs[0] != nil || !errors.Is(errs[1], ErrUnknownTopic) || errs[2] != nil || !errors.Is(errs[3], ErrUnknownTopicID) || errs[4] != nil {
		t.Errorf("%v", errs)
	}
	if next := after(t, img, records...); next.TopicCount() != 0 {
		t.Errorf("%d topics are left", next.TopicCount())
	}
}

// Who is asked for leave is asked for the partitions of what nothing else speaks against,
// and refuses one without the others.
func TestChangesOfTopicsNeedLeave(t *testing.T) {
	img := oneBroker(t, "a", "b") // two partitions each
	var asked []int
	full := errors.New("for now that is enough")
	leave := func(partitions int) error {
		asked = append(asked, partitions)
		if len(asked)%2 == 0 {
			return full
		}
		return nil
	}
	options := CreateOptions{NewID: idSource(), Admit: leave}
	topics := []NewTopic{{"c", 3, 1, nil, nil}, {"a", 1, 1, nil, nil}, {"d", 4, 1, nil, nil}, {"e", 5, 9, nil, nil}}
	records, results, err := CreateTopics(img, topics, options)
	if err != nil || results[0].Err != nil || !errors.Is(results[1].Err, ErrTopicExists) || results[2].Err != full || results[3].Err == full {
		t.Errorf("%v %v", results, err)
	}
	if next := after(t, img, records...); next.TopicCount() != 3 {
		t.Errorf("%d topics", next.TopicCount())
	}
	records, errs := DeleteTopics(img, []TopicKey{{Name: "a"}, {Name: "x"}, {Name: "b"}}, leave)
	if errs[0] != nil || errs[2] != full || after(t, img, records...).TopicCount() != 1 {
		t.Errorf("%v", errs)
	}
	if _, err := CreatePartitions(img, "a", 8, nil, options); err != nil {
		t.Error(err)
	}
	if _, err := CreatePartitions(img, "a", 3, nil, options); err != full {
		t.Error(err)
	}
	if want := []int{3, 4, 2, 2, 6, 1}; !slices.Equal(asked, want) {
		t.Errorf("it was asked for %v, want %v", asked, want)
	}
}

func TestCreatePartitions(t *testing.T) {
	img := oneBroker(t, "a") // two partitions
	for name, c := range map[string]struct {
		topic      string
		count      int32
		assignment [][]int32
		want       error
	}{
		"more":                 {"a", 4, nil, nil},
		"assigned":             {"a", 4, [][]int32{{1}, {1}}, nil},
		"unknown":              {"x", 4, nil, ErrUnknownTopic},
		"same":                 {"a", 2, nil, ErrInvalidPartitions},
		"fewer":                {"a", 1, nil, ErrInvalidPartitions},
		"far too many":         {"a", 10_003, nil, ErrPolicyViolation},
		"assignment short":     {"a", 4, [][]int32{{1}}, ErrInvalidAssignment},
		"assignment empty":     {"a", 4, [][]int32{}, ErrInvalidAssignment},
		"assigned differently": {"a", 3, [][]int32{{1, 2}}, ErrInvalidAssignment},
	} {
		records, err := CreatePartitions(img, c.topic, c.count, c.assignment, CreateOptions{})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			if next := after(t, img, records...); len(next.Topic("a").Partitions) != 4 || next.PartitionCount() != 4 {
				t.Errorf("%s: %d partitions", name, len(next.Topic("a").Partitions))
			}
		}
	}
}

func TestAlterConfigs(t *testing.T) {
	topic := Resource{ResourceTopic, "a"}
	img := after(t, oneBroker(t, "a"),
		&ConfigRecord{ResourceTopic, "a", "list", text("x,y")}, &ConfigRecord{ResourceTopic, "a", "k", text("1")},
		&ConfigRecord{ResourceBroker, "1", "k", text("1")})
	show := func(records []Record) string {
		var parts []string
		for _, r := range records {
			c := r.(*ConfigRecord)
			value := "gone"
			if c.Value != nil {
				value = *c.Value
			}
			parts = append(parts, c.Name+"="+value)
		}
		return strings.Join(parts, " ")
	}
	for _, c := range []struct {
		resource Resource
		change   ConfigChange
		want     string
	}{
		{topic, ConfigChange{"k", text("2")}, "k=2"},
		{topic, ConfigChange{"k", text("1")}, ""},
		{topic, ConfigChange{"k", nil}, "k=gone"},
		{topic, ConfigChange{"none", nil}, ""},
		{topic, ConfigChange{"new", text("")}, "new="},
		{Resource{ResourceBroker, "1"}, ConfigChange{"k", text("1")}, "k=1"},
	} {
		records, err := AlterConfigs(img, c.resource, []ConfigChange{c.change})
		if got := show(records); err != nil || got != c.want {
			t.Errorf("%s: %q (%v), want %q", c.change.Name, got, err, c.want)
		}
	}

	records, err := ReplaceConfigs(img, topic, []ConfigEntry{{"k", "1"}, {"n", "2"}})
	if got := show(records); err != nil || got != "n=2 list=gone" {
		t.Errorf("replace: %q (%v)", got, err)
	}
	if got := fmt.Sprint(after(t, img, records...).TopicConfig("a")); got != "[{k 1} {n 2}]" {
		t.Errorf("replaced: %s", got)
	}
	if _, err := AlterConfigs(img, Resource{ResourceTopic, "x"}, nil); !errors.Is(err, ErrUnknownTopic) {
		t.Errorf("unknown topic: %v", err)
	}
}

func TestRaiseEpochs(t *testing.T) {
	img := oneBroker(t, "a")
	id := protocol.UUID{1}
	records := RaiseEpochs(img, 1, []TopicIDPartition{{id, 1}, {id, 1}, {id, 7}, {topicB, 0}})
	if len(records) != 1 {
		t.Fatalf("%d records", len(records))
	}
	next := after(t, img, records...).Topic("a")
	if next.Partition(0).LeaderEpoch != 0 || next.Partition(1).LeaderEpoch != 1 || next.Partition(1).Leader != 1 {
		t.Errorf("%+v", next.Partitions)
	}
	if records := RaiseEpochs(img, 2, []TopicIDPartition{{id, 0}}); len(records) != 0 {
		t.Error("a partition of another leader was raised")
	}
}

// A block belongs to a registration; a process that was replaced gets none.
func TestNextProducerIDBlock(t *testing.T) {
	img := oneBroker(t)
	records, block, err := NextProducerIDBlock(img, 1, 5)
	if err != nil || block != (ProducerIDBlock{0, 1000}) {
		t.Fatalf("%+v %v", block, err)
	}
	if _, block, _ = NextProducerIDBlock(after(t, img, records...), 1, 5); block.First != 1000 {
		t.Errorf("%+v", block)
	}
	if _, _, err := NextProducerIDBlock(img, 1, 4); !errors.Is(err, ErrStaleBrokerEpoch) {
		t.Errorf("%v", err)
	}
}
