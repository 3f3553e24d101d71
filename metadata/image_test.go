package metadata

import (
	"fmt"
	"slices"
	"testing"

	"github.com/barnabas-mq/barnabas/protocol"
)

// imageOf applies records to an empty image, as replay would.
func imageOf(t testing.TB, records ...Record) *Image {
	t.Helper()
	return after(t, new(Image), records...)
}

func after(t testing.TB, img *Image, records ...Record) *Image {
	t.Helper()
	d := img.edit()
	for _, r := range records {
		if err := d.apply(r, mustAppendRecord(nil, r, MetadataVersionMax)); err != nil {
			t.Fatalf("%s: %v", r.Type(), err)
		}
	}
	return d.image()
}

var (
	topicA = protocol.UUID{0xa}
	topicB = protocol.UUID{0xb}
)

func partition(topic protocol.UUID, index int32) *PartitionRecord {
	return &PartitionRecord{
		PartitionID: index, TopicID: topic, Replicas: []int32{1}, ISR: []int32{1}, Leader: 1,
		Directories: []protocol.UUID{testDirectory},
	}
}

// Naming a leader raises the leader epoch, even the same one; every change raises
// the partition epoch; what a change leaves out stays.
func TestPartitionChanges(t *testing.T) {
	base := imageOf(t, &TopicRecord{"a", topicA}, partition(topicA, 0))
	change := func(f func(*PartitionChangeRecord)) *PartitionChangeRecord {
		r := NewPartitionChange(topicA, 0)
		f(r)
		return r
	}
	for _, c := range []struct {
		name   string
		change *PartitionChangeRecord
		want   string
	}{
		{"nothing", change(func(*PartitionChangeRecord) {}), "leader 1 epoch 0/1 isr [1] elr [] replicas [1]"},
		{"same leader", change(func(r *PartitionChangeRecord) { r.Leader = 1 }), "leader 1 epoch 1/1 isr [1] elr [] replicas [1]"},
		{"clean stop", change(func(r *PartitionChangeRecord) { r.Leader, r.ISR, r.ELR = NoLeader, []int32{}, []int32{1} }), "leader -1 epoch 1/1 isr [] elr [1] replicas [1]"},
		{"isr only", change(func(r *PartitionChangeRecord) { r.ISR = []int32{} }), "leader 1 epoch 0/1 isr [] elr [] replicas [1]"},
		{"replicas", change(func(r *PartitionChangeRecord) { r.Replicas = []int32{1, 2} }), "leader 1 epoch 0/1 isr [1] elr [] replicas [1 2]"},
	} {
		p := after(t, base, c.change).TopicByID(topicA).Partition(0)
		if got := fmt.Sprintf("leader %d epoch %d/%d isr %v elr %v replicas %v", p.Leader, p.LeaderEpoch, p.PartitionEpoch, p.ISR, p.ELR, p.Replicas); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	if p := base.TopicByID(topicA).Partition(0); p.PartitionEpoch != 0 || len(p.Replicas) != 1 {
		t.Errorf("the image that was begun from has changed: %+v", p)
	}
}

// ClearELR touches only partitions that have something to forget.
func TestClearELR(t *testing.T) {
	withELR := partition(topicA, 0)
	withELR.ELR = []int32{1}
	base := imageOf(t, &TopicRecord{"a", topicA}, withELR, partition(topicA, 1),
		&TopicRecord{"b", topicB}, partition(topicB, 0))
	for _, name := range []string{"", "a"} {
		img := after(t, base, &ClearELRRecord{name})
		a := img.Topic("a")
		if p := a.Partition(0); len(p.ELR) != 0 || p.PartitionEpoch != 1 {
			t.Errorf("%q: partition 0 %+v", name, p)
		}
		if a.Partition(1).PartitionEpoch != 0 || img.Topic("b").Partition(0).PartitionEpoch != 0 {
			t.Errorf("%q: an untouched partition has a new epoch", name)
		}
	}
}

// A topic takes its configs along, but not those of its namesakes.
func TestRemoveTopic(t *testing.T) {
	img := imageOf(t,
		&TopicRecord{"a.b", topicA}, partition(topicA, 0), partition(topicA, 1),
		&ConfigRecord{ResourceTopic, "a.b", "k", text("v")}, &ConfigRecord{ResourceGroup, "a.b", "k", text("v")},
		&TopicRecord{"z", topicB}, partition(topicB, 0),
		&RemoveTopicRecord{topicA})
	if img.Topic("a.b") != nil || img.TopicByID(topicA) != nil || img.TopicCount() != 1 || img.PartitionCount() != 1 {
		t.Errorf("%d topics, %d partitions", img.TopicCount(), img.PartitionCount())
	}
	if len(img.TopicConfig("a.b")) != 0 || len(img.Config(Resource{ResourceGroup, "a.b"})) != 1 {
		t.Error("configs")
	}
	if img.collisions.size != 0 {
		t.Error("the name still collides")
	}
}

func TestBrokerChanges(t *testing.T) {
	register := &RegisterBrokerRecord{BrokerID: 1, BrokerEpoch: 5, Fenced: true, LogDirs: []protocol.UUID{testDirectory}}
	state := func(img *Image) string {
		b := img.Broker(1)
		return fmt.Sprintf("epoch %d fenced %v stopping %v cordoned %v dirs %d", b.Epoch, b.Fenced, b.InControlledShutdown, b.CordonedLogDirs != nil, len(b.LogDirs))
	}
	for _, c := range []struct {
		record Record
		want   string
	}{
		{&BrokerRegistrationChangeRecord{BrokerID: 1, BrokerEpoch: 5, Fenced: FenceChangeUnfence}, "epoch 5 fenced false stopping false cordoned false dirs 1"},
		{&UnfenceBrokerRecord{1, 5}, "epoch 5 fenced false stopping false cordoned false dirs 1"},
		{&FenceBrokerRecord{1, 5}, "epoch 5 fenced true stopping false cordoned false dirs 1"},
		{&BrokerRegistrationChangeRecord{BrokerID: 1, BrokerEpoch: 5, InControlledShutdown: 1}, "epoch 5 fenced true stopping true cordoned false dirs 1"},
		{&BrokerRegistrationChangeRecord{BrokerID: 1, BrokerEpoch: 5, CordonedLogDirs: []protocol.UUID{}}, "epoch 5 fenced true stopping false cordoned true dirs 1"},
		{&BrokerRegistrationChangeRecord{BrokerID: 1, BrokerEpoch: 5, LogDirs: make([]protocol.UUID, 2)}, "epoch 5 fenced true stopping false cordoned false dirs 2"},
		{&RegisterBrokerRecord{BrokerID: 1, BrokerEpoch: 9}, "epoch 9 fenced false stopping false cordoned false dirs 0"},
	} {
		if got := state(imageOf(t, register, c.record)); got != c.want {
			t.Errorf("%+v: %s, want %s", c.record, got, c.want)
		}
	}
	if img := imageOf(t, register, &UnregisterBrokerRecord{1, 5}); img.Broker(1) != nil || len(img.Brokers()) != 0 {
		t.Error("an unregistered broker is still there")
	}
}

// Records that contradict what came before are errors, not guesses.
func TestRecordsThatDoNotFit(t *testing.T) {
	base := imageOf(t, &TopicRecord{"a", topicA}, partition(topicA, 0), &RegisterBrokerRecord{BrokerID: 1, BrokerEpoch: 5})
	for _, r := range []Record{
		&TopicRecord{"a", topicB}, &TopicRecord{"b", topicA}, &TopicRecord{"b", protocol.UUID{}},
		&RemoveTopicRecord{topicB}, partition(topicB, 0), partition(topicA, -1),
		NewPartitionChange(topicB, 0), NewPartitionChange(topicA, 1), &ClearELRRecord{"b"},
		&UnregisterBrokerRecord{2, 5}, &UnregisterBrokerRecord{1, 4}, &FenceBrokerRecord{2, 5},
		&BrokerRegistrationChangeRecord{BrokerID: 1, BrokerEpoch: 4},
	} {
		if err := base.edit().apply(r, nil); err == nil {
			t.Errorf("%s %+v was applied", r.Type(), r)
		}
	}
}

// A record that no room serves replaces the one before.
func TestKeptRecords(t *testing.T) {
	img := imageOf(t, &ZkMigrationStateRecord{1}, &ZkMigrationStateRecord{3})
	kept := slices.Collect(img.Kept())
	if len(kept) != 1 || kept[0].Record.(*ZkMigrationStateRecord).State != 3 {
		t.Errorf("kept %+v", kept)
	}
}

// throughSnapshot is the image that a snapshot of img holds.
func throughSnapshot(t testing.TB, img *Image) *Image {
	t.Helper()
	var data []byte
	if err := img.snapshotBatches(1, func(b protocol.Batch) error {
		data = append(data, b...)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	back, err := readSnapshot("s", data)
	if err != nil {
		t.Fatal(err)
	}
	back.end, back.epoch = img.end, img.epoch
	return back
}

// Tagged fields that are newer than this program survive a snapshot.
func TestUnknownTagsOfKeptRecordsSurvive(t *testing.T) {
	value := mustAppendRecord(nil, &ZkMigrationStateRecord{3}, MetadataVersionMax)
	value = append(value[:len(value)-1], 1, 9, 2, 'h', 'i') // one tag, number 9
	r, err := DecodeRecord(value)
	if err != nil {
		t.Fatal(err)
	}
	d := new(Image).edit()
	if err := d.apply(r, value); err != nil {
		t.Fatal(err)
	}
	back := throughSnapshot(t, d.image())
	kept := slices.Collect(back.Kept())
	if len(kept) != 1 || !slices.Equal(kept[0].Value, value) {
		t.Errorf("kept %+v", kept)
	}
}

func TestConfigs(t *testing.T) {
	set := func(kind ResourceType, resource, name string, value *string) Record {
		return &ConfigRecord{kind, resource, name, value}
	}
	img := imageOf(t,
		set(ResourceTopic, "a", "z", text("1")), set(ResourceTopic, "a", "b", text("2")), set(ResourceTopic, "a", "z", text("3")),
		set(ResourceTopic, "b", "k", text("")), set(ResourceTopic, "c", "k", text("1")), set(ResourceTopic, "c", "k", nil),
		set(ResourceTopic, "c", "k", nil), set(ResourceBroker, "", "k", text("5")), set(ResourceBroker, "1", "k", text("6")))
	if got := fmt.Sprint(img.TopicConfig("a")); got != "[{b 2} {z 3}]" {
		t.Errorf("a has %s", got)
	}
	var names []string
	for name := range img.ConfigsOf(ResourceTopic) {
		names = append(names, name)
	}
	for name := range img.ConfigsOf(ResourceBroker) {
		names = append(names, "broker "+name)
	}
	if want := []string{"a", "b", "broker ", "broker 1"}; !slices.Equal(names, want) {
		t.Errorf("configured are %q", names)
	}
	if _, ok := img.TopicConfig("b").Get("k"); !ok {
		t.Error("an empty value is a value")
	}
}

func TestTopicsFrom(t *testing.T) {
	img := imageOf(t, &TopicRecord{"b", topicB}, &TopicRecord{"a", topicA}, &TopicRecord{"c", protocol.UUID{0xc}})
	for start, want := range map[string]string{"": "abc", "a": "abc", "aa": "bc", "c": "c", "d": ""} {
		got := ""
		for topic := range img.TopicsFrom(start) {
			got += topic.Name
		}
		if got != want {
			t.Errorf("from %q: %q, want %q", start, got, want)
		}
	}
	if img.TopicBytes([]byte("b")).ID != topicB {
		t.Error("lookup by bytes")
	}
}

// Partitions of one node share what is equal.
func TestPlacementsAreShared(t *testing.T) {
	img := imageOf(t, &TopicRecord{"a", topicA}, partition(topicA, 0), partition(topicA, 1), &TopicRecord{"b", topicB}, partition(topicB, 0))
	if img.Topic("a").Partition(1).Placement != img.Topic("b").Partition(0).Placement {
		t.Error("equal placements are kept twice")
	}
}
